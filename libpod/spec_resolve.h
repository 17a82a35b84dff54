/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Run, step 5. A spec without holes: image config, engine defaults and the host are looked at here
 * and only here.
 */
#pragma once

#include "libpod/base/record.h"
#include "libpod/engine.h"
#include "libpod/spec.h"
#include "storage/image.h"

/**
 * spec_check() - combinations of options that make no sense on any host, in podman's words
 * @error:	INVALID
 *
 * Front ends call it before they pull an image; spec_resolve() calls it again.
 */
bool spec_check(const ContainerSpec *spec, GError **error);

/**
 * spec_resolve() - complete @spec in place
 * @image:	NULL with --rootfs
 * @error:	INVALID (no command, bad combination), NOT_FOUND (a container:X, device or bind
 *source that does not exist), UNSUPPORTED (--userns without the sub-ids for it)
 *
 * Run, step 5. Afterwards args, env, stop_signal, user, workdir, mounts (image volumes, tmpfs of
 *--read-only), exposed and published ports, id_map and container targets (full ids) are final. What
 *depends on the id stays open: a name and a host name that nobody asked for are NULL.
 */
bool spec_resolve(Engine *engine, ContainerSpec *spec, const Image *image, GError **error);

/**
 * spec_reserve_ids() - --userns=auto: choose ids that no recorded container has, for good
 *
 * spec_resolve() chose some, but another command may have recorded the same meanwhile. Record the
 * container before the lock is freed. Return: the lock, NULL with @error.
 */
RecordLock *spec_reserve_ids(Engine *engine, ContainerSpec *spec, GError **error);
