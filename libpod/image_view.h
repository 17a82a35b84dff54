/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Images seen as file systems: what differs between two, and read-only mounts of them.
 *
 * A diff is made in a short-lived child, in the user's namespaces and a mount namespace of its own:
 * nothing is mounted where anybody sees it. `image mount` mounts in the caller's mount namespace,
 * as mount_place.h says.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "libpod/engine.h"
#include "storage/image.h"

/**
 * image_diff() - what @image has changed
 * @base:	against this image; NULL: against @image without its top layer
 *
 * Return: GPtrArray of "A/new", "C/etc", "D/old", as podman orders them: directories before what
 * they hold, names sorted. What every container gets from us (/dev, /etc/hosts) is left out.
 */
GPtrArray *image_diff(Engine *engine, const Image *base, const Image *image, GError **error);

/** ViewSide - one side of a comparison: the root of a container's view, or an image. */
typedef struct {
	int root_fd;        /* -1: an image */
	const Image *image; /* borrowed */
} ViewSide;

/** views_diff() - what differs in @new from @old, as image_diff() has it. */
GPtrArray *views_diff(Engine *engine, const ViewSide *old, const ViewSide *new, GError **error);

/**
 * image_read_file() - a small regular file of an image, without following links
 *
 * Return: its text, "" if there is none that may be read; g_free() it. NULL with @error if it has
 * more than @max bytes.
 */
char *image_read_file(Engine *engine, const Image *image, const char *path, size_t max,
		      GError **error);

/**
 * image_mount() - mount an image, read-only, in the caller's mount namespace
 * @error:	INVALID for a user outside `unshare`
 *
 * Return: where; g_free() it. If it is mounted already, where that is.
 */
char *image_mount(Engine *engine, const Image *image, GError **error);

/** image_unmount() - undo it. NOT_FOUND if it is not mounted in this mount namespace. */
bool image_unmount(Engine *engine, const Image *image, GError **error);

/** image_mount_path() - where an image is mounted in this mount namespace; NULL if it is not.
 * g_free() it. */
char *image_mount_path(Engine *engine, const Image *image);
