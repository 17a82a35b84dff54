/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Containers' roots as directories, for `mount` and `unmount`: see mount_place.h for where.
 *
 * Of a container that runs its own overlay is shown, of another one is mounted. While that is so
 * the container cannot be started: two overlays on one layer may not be.
 */
#pragma once

#include "libpod/container.h"

/**
 * container_mount() - mount its root in this mount namespace
 * @error:	INVALID for a user outside `unshare`; BAD_STATE while it is started or stopped
 *
 * Return: where; g_free() it. If it is mounted already, where that is.
 */
char *container_mount(Container *ctr, GError **error);

/** container_unmount() - undo it; one that is not mounted here is no error. */
bool container_unmount(Container *ctr, GError **error);

/** container_mount_path() - where it is mounted in this mount namespace; NULL if it is not.
 * g_free() it. */
char *container_mount_path(Container *ctr);

/** container_check_unmounted() - under the lock, before a start: BAD_STATE while its root is
 * mounted in some `unshare`. */
bool container_check_unmounted(Container *ctr, GError **error);
