/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mounts of images. See the header.
 */
#include "libpod/image_view_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/path.h"
#include "libpod/mount_place.h"
#include "libpod/runtime/rootfs.h"
#include "storage/layer.h"

#define EMPTY "cache/empty"

bool image_view_prepare(Engine *engine, GError **error)
{
	autofd made = path_mkdirs_state(store_fd(engine_store(engine)), EMPTY);
	return made >= 0 || error_set_errno(error, "cannot make '" EMPTY "'");
}

int image_view_open(int store_fd, const Image *image, size_t n, GError **error)
{
	g_autoptr(GString) lower = g_string_new("lowerdir=");
	for (size_t i = n; i-- > 0;) {
		g_autofree char *path = layer_diff_path(image->chain_ids[i]);
		g_string_append_printf(lower, "%s:", path);
	}
	g_string_append(lower, EMPTY);
	g_autoptr(GPtrArray) words = g_ptr_array_new();
	g_ptr_array_add(words, lower->str);
	g_ptr_array_add(words, (char *)"userxattr");
	g_autofree char *what = g_strdup_printf("image '%.12s'", image->id);
	return rootfs_overlay(store_fd, words, what, error);
}

char *image_read_file(Engine *engine, const Image *image, const char *path, size_t max,
		      GError **error)
{
	for (size_t i = g_strv_length(image->chain_ids); i-- > 0;) {
		g_autofree char *diff = layer_diff_path(image->chain_ids[i]);
		autofd dir = path_open_state(store_fd(engine_store(engine)), diff,
					     O_RDONLY | O_DIRECTORY, 0);
		autofd fd = dir < 0 ? -1 : path_open_state(dir, path, O_RDONLY | O_NONBLOCK, 0);
		struct stat st;
		if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
			continue;
		if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) ||
		    fgetxattr(fd, "user.overlay.whiteout", NULL, 0) >= 0)
			break;
		return fd_read_all(fd, max, NULL, error);
	}
	return g_strdup("");
}

char *image_mount_path(Engine *engine, const Image *image)
{
	return mount_place_path(engine, image->id);
}

char *image_mount(Engine *engine, const Image *image, GError **error)
{
	if (!mount_place_check("image mount", error) || !image_view_prepare(engine, error))
		return NULL;
	char *path = image_mount_path(engine, image);
	if (path)
		return path;
	autofd mount = image_view_open(store_fd(engine_store(engine)), image,
				       g_strv_length(image->chain_ids), error);
	return mount < 0 ? NULL : mount_place_attach(engine, image->id, mount, error);
}

bool image_unmount(Engine *engine, const Image *image, GError **error)
{
	if (!mount_place_check("image unmount", error))
		return false;
	g_autofree char *path = image_mount_path(engine, image);
	if (!path)
		return error_set(error, ENGINE_ERROR_NOT_FOUND, "image '%.12s' is not mounted",
				 image->id);
	return mount_place_detach(engine, image->id, error);
}
