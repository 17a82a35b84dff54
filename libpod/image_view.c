/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mounts of images. See the header.
 */
#include "libpod/image_view_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/path.h"
#include "libpod/base/record.h"
#include "libpod/base/userns.h"
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

/* The inode of a process' mount namespace; 0 if it can't be told. */
static ino_t mount_namespace(const char *pid)
{
	struct stat st;
	g_autofree char *path = g_strdup_printf("/proc/%s/ns/mnt", pid);
	return fstatat(AT_FDCWD, path, &st, 0) == 0 ? st.st_ino : 0;
}

static char *mount_name(const Image *image)
{
	return g_strdup_printf("mounts/%lu-%s", (unsigned long)mount_namespace("self"), image->id);
}

/* Is a file system mounted on this directory, here? */
static bool is_mounted(Engine *engine, const char *name)
{
	struct statx st;
	return statx(engine_run_fd(engine), name, AT_SYMLINK_NOFOLLOW, STATX_TYPE, &st) == 0 &&
	       (st.stx_attributes & STATX_ATTR_MOUNT_ROOT);
}

char *image_mount_path(Engine *engine, const Image *image)
{
	g_autofree char *name = mount_name(image);
	return is_mounted(engine, name) ? g_build_filename(engine_run_path(engine), name, NULL)
					: NULL;
}

/* Do any processes live in this mount namespace? */
static bool namespace_is_alive(unsigned long inode)
{
	autofd proc = openat(AT_FDCWD, "/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	g_auto(GStrv) names = proc < 0 ? NULL : record_list(proc, NULL);
	for (size_t i = 0; names && names[i]; i++)
		if (g_ascii_isdigit(names[i][0]) && mount_namespace(names[i]) == inode)
			return true;
	return !names;
}

/* Directories of mount namespaces that are gone, with their mounts. */
static void sweep(Engine *engine)
{
	autofd dir = path_open_state(engine_run_fd(engine), "mounts", O_RDONLY | O_DIRECTORY, 0);
	g_auto(GStrv) names = dir < 0 ? NULL : record_list(dir, NULL);
	for (size_t i = 0; names && names[i]; i++)
		if (!namespace_is_alive(strtoul(names[i], NULL, 10)))
			(void)unlinkat(dir, names[i], AT_REMOVEDIR);
}

static bool check_may_mount(GError **error)
{
	if (geteuid() == 0)
		return true;
	error_set(error, ENGINE_ERROR_INVALID,
		  "cannot run command \"skiff image mount\" in rootless mode, must execute `skiff "
		  "unshare` first");
	return false;
}

char *image_mount(Engine *engine, const Image *image, GError **error)
{
	if (!check_may_mount(error) || !image_view_prepare(engine, error))
		return NULL;
	char *path = image_mount_path(engine, image);
	if (path)
		return path;
	sweep(engine);
	g_autofree char *name = mount_name(image);
	autofd mount = image_view_open(store_fd(engine_store(engine)), image,
				       g_strv_length(image->chain_ids), error);
	if (mount < 0)
		return NULL;
	autofd dir = path_mkdirs_state(engine_run_fd(engine), name);
	if (dir < 0 ||
	    move_mount(mount, "", dir, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
		return error_set_errno_null(error, "cannot mount image '%.12s' on '%s/%s'",
					    image->id, engine_run_path(engine), name);
	return g_build_filename(engine_run_path(engine), name, NULL);
}

bool image_unmount(Engine *engine, const Image *image, GError **error)
{
	g_autofree char *name = mount_name(image);
	if (!check_may_mount(error))
		return false;
	g_autofree char *path = image_mount_path(engine, image);
	if (!path)
		return error_set(error, ENGINE_ERROR_NOT_FOUND, "image '%.12s' is not mounted",
				 image->id);
	if (umount2(path, UMOUNT_NOFOLLOW) < 0)
		return error_set_errno(error, "cannot unmount '%s'", path);
	(void)unlinkat(engine_run_fd(engine), name, AT_REMOVEDIR);
	(void)unlinkat(engine_run_fd(engine), "mounts", AT_REMOVEDIR);
	return true;
}
