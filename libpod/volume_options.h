/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Options of the volume driver "local": device=, type=, o= and their like, as podman has them.
 *
 * A volume with a device or a type is no directory of ours: it is mounted when a container with it
 * starts, in that container's own mount namespace, and goes with it.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "libpod/volume.h"

/**
 * volume_options_apply() - check the options and take over what is not for the mount
 * @volume:	with options; its uid, gid and needs_copy_up are set by them
 * @error:	INVALID in podman's words
 */
bool volume_options_apply(Volume *volume, GError **error);

typedef enum {
	VOLUME_IS_DIRECTORY, /* ours, at its mountpoint */
	VOLUME_IS_BIND,      /* of @device */
	VOLUME_IS_TMPFS,
} VolumeMountKind;

typedef struct {
	VolumeMountKind kind;
	const char *device; /* borrowed from the volume */
	char **options;     /* for the mount, never NULL; g_strfreev() them */
} VolumeMount;

/**
 * volume_mount_plan() - what a container that starts has to mount
 * @error:	UNSUPPORTED in mount's words for a type that only root may mount
 */
bool volume_mount_plan(const Volume *volume, VolumeMount *out, GError **error);
