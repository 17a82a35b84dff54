/* SPDX-License-Identifier: Apache-2.0 */
#include "libpod/mount_place.h"

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

#define PLACES "mounts"

bool mount_place_check(const char *verb, GError **error)
{
	return geteuid() == 0 ||
	       error_set(error, ENGINE_ERROR_INVALID,
			 "cannot run command \"skiff %s\" in rootless mode, must execute `skiff "
			 "unshare` first",
			 verb);
}

/* The inode of a process' mount namespace; 0 with errno if it can't be told. */
static ino_t mount_namespace(const char *pid)
{
	struct stat st;
	g_autofree char *path = g_strdup_printf("/proc/%s/ns/mnt", pid);
	return fstatat(AT_FDCWD, path, &st, 0) == 0 ? st.st_ino : 0;
}

/* Where @key is mounted in our own mount namespace. NULL with errno if that can't be told. */
static char *place_name(const char *key)
{
	ino_t here = mount_namespace("self");
	return here ? g_strdup_printf(PLACES "/%lu-%s", (unsigned long)here, key) : NULL;
}

/* Is a file system mounted on this directory, here? */
static bool is_mounted(Engine *engine, const char *name)
{
	struct statx st;
	return statx(engine_run_fd(engine), name, AT_SYMLINK_NOFOLLOW, STATX_TYPE, &st) == 0 &&
	       (st.stx_attributes & STATX_ATTR_MOUNT_ROOT);
}

char *mount_place_path(Engine *engine, const char *key)
{
	g_autofree char *name = place_name(key);
	return name && is_mounted(engine, name)
		       ? g_build_filename(engine_run_path(engine), name, NULL)
		       : NULL;
}

/* Does this process live there? One of whom it can't be told may; those of others do not. */
static bool lives_in(const char *pid, ino_t inode)
{
	ino_t where = mount_namespace(pid);
	return where ? where == inode
		     : errno != ENOENT && errno != ESRCH && errno != EACCES && errno != EPERM;
}

/* Do any processes live in this mount namespace? */
static bool namespace_is_alive(ino_t inode)
{
	autofd proc = openat(AT_FDCWD, "/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	g_auto(GStrv) names = proc < 0 ? NULL : record_list(proc, NULL);
	for (size_t i = 0; names && names[i]; i++)
		if (g_ascii_isdigit(names[i][0]) && lives_in(names[i], inode))
			return true;
	return !names;
}

/* Directories of mount namespaces that are gone, with their mounts. */
static void sweep(Engine *engine)
{
	autofd dir = path_open_state(engine_run_fd(engine), PLACES, O_RDONLY | O_DIRECTORY, 0);
	g_auto(GStrv) names = dir < 0 ? NULL : record_list(dir, NULL);
	for (size_t i = 0; names && names[i]; i++)
		if (!namespace_is_alive(strtoul(names[i], NULL, 10)))
			(void)unlinkat(dir, names[i], AT_REMOVEDIR);
}

char *mount_place_attach(Engine *engine, const char *key, int mount_fd, GError **error)
{
	sweep(engine);
	g_autofree char *name = place_name(key);
	if (!name)
		return error_set_errno_null(error, "cannot look at our mount namespace");
	autofd dir = path_mkdirs_state(engine_run_fd(engine), name);
	if (dir < 0 || move_mount(mount_fd, "", dir, "",
				  MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0) {
		error_set_errno(error, "cannot mount on '%s/%s'", engine_run_path(engine), name);
		(void)unlinkat(engine_run_fd(engine), name, AT_REMOVEDIR);
		return NULL;
	}
	return g_build_filename(engine_run_path(engine), name, NULL);
}

bool mount_place_detach(Engine *engine, const char *key, GError **error)
{
	g_autofree char *name = place_name(key);
	if (!name)
		return error_set_errno(error, "cannot look at our mount namespace");
	g_autofree char *path = mount_place_path(engine, key);
	if (path && umount2(path, UMOUNT_NOFOLLOW) < 0)
		return error_set_errno(error, "cannot unmount '%s'", path);
	(void)unlinkat(engine_run_fd(engine), name, AT_REMOVEDIR);
	(void)unlinkat(engine_run_fd(engine), PLACES, AT_REMOVEDIR);
	return true;
}

/* Is a directory below mounts/ one of @key? */
static bool is_of(const char *name, const char *key)
{
	const char *dash = strchr(name, '-');
	return dash && strcmp(dash + 1, key) == 0;
}

bool mount_place_is_used(Engine *engine, const char *key)
{
	autofd dir = path_open_state(engine_run_fd(engine), PLACES, O_RDONLY | O_DIRECTORY, 0);
	g_auto(GStrv) names = dir < 0 ? NULL : record_list(dir, NULL);
	for (size_t i = 0; names && names[i]; i++)
		if (is_of(names[i], key) && namespace_is_alive(strtoul(names[i], NULL, 10)))
			return true;
	return false;
}

void mount_place_forget(Engine *engine, const char *key)
{
	autofd dir = path_open_state(engine_run_fd(engine), PLACES, O_RDONLY | O_DIRECTORY, 0);
	g_auto(GStrv) names = dir < 0 ? NULL : record_list(dir, NULL);
	g_autofree char *here = names ? mount_place_path(engine, key) : NULL;
	if (here)
		(void)umount2(here, UMOUNT_NOFOLLOW | MNT_DETACH);
	for (size_t i = 0; names && names[i]; i++)
		if (is_of(names[i], key))
			(void)unlinkat(dir, names[i], AT_REMOVEDIR);
	if (names)
		(void)unlinkat(engine_run_fd(engine), PLACES, AT_REMOVEDIR);
}
