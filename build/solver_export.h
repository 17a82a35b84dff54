/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files of an image that was built, out of the store: into a directory of the user's, or as a
 * tar of the root. All layers count as one tree, as a container would see it.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "libpod/engine.h"
#include "storage/image.h"

/**
 * build_export_dir() - copy them into a directory
 * @dest_fd:	the user's own, O_RDONLY; what it holds besides stays
 * @mtime:	of all that is written, seconds; -1: as in the image
 * @error:	INVALID where a file stands in a directory's way or the reverse
 *
 * They belong to the user, as a rootless extraction must have it. Links in the directory are
 * followed inside it only; devices are left out, and set-id bits and capabilities: the image is a
 * stranger's, and on the host its programs would be run as the user by whoever may.
 */
bool build_export_dir(Engine *engine, const Image *image, int dest_fd, int64_t mtime,
		      GError **error);

/** build_export_tar() - the same as a tar to @fd, with the owners that a container sees. */
bool build_export_tar(Engine *engine, const Image *image, int fd, int64_t mtime, GError **error);
