/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Run, step 5. A spec without holes: image config, engine defaults and the host are looked at here and only here.
 */
#pragma once

#include "libpod/engine.h"
#include "libpod/spec.h"
#include "storage/image.h"

/**
 * spec_resolve() - complete @spec in place
 * @image:	NULL with --rootfs
 * @error:	INVALID (no command, bad combination), NOT_FOUND (a container:X that does not exist)
 *
 * Afterwards args, env, stop_signal, hostname, user, workdir, mounts (image volumes, tmpfs of --read-only),
 * exposed and published ports, id_map and container targets (full ids) are final.
 */
bool spec_resolve(Engine *engine, ContainerSpec *spec, const Image *image, GError **error);
