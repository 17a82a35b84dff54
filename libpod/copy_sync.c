/* SPDX-License-Identifier: Apache-2.0 */
#include "libpod/copy_sync.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/path.h"
#include "libpod/tree_transfer.h"

struct CopySync {
	ContainerView *view;
	Tree tree;
	char *owner;
};

CopySync *copy_sync_open(Container *ctr, GError **error)
{
	g_autoptr(CopySync) sync = g_new0(CopySync, 1);
	sync->view = container_view_open(ctr, VIEW_MOUNTS, error);
	sync->owner = sync->view ? container_view_owner(sync->view, error) : NULL;
	if (!sync->owner)
		return NULL;
	sync->tree = tree_of_view(sync->view);
	return g_steal_pointer(&sync);
}

void copy_sync_close(CopySync *sync)
{
	if (!sync)
		return;
	container_view_close(sync->view);
	g_free(sync->owner);
	g_free(sync);
}

/* A directory, also where something else was. */
static bool make(const CopySync *sync, const char *target, GError **error)
{
	g_autoptr(GError) failed = NULL;
	if (tree_make(&sync->tree, target, sync->owner, &failed))
		return true;
	if (error_matches(failed, ENGINE_ERROR_EXISTS))
		return tree_remove(&sync->tree, target, error) &&
		       tree_make(&sync->tree, target, sync->owner, error);
	g_propagate_error(error, g_steal_pointer(&failed));
	return false;
}

/* A file or a link, packed in its directory, where a link that has taken its place is but a link.
 */
static bool put(const CopySync *sync, const char *path, const char *target, GError **error)
{
	g_autofree char *above = g_path_get_dirname(path), *inside = g_path_get_dirname(target);
	g_autofree char *name = g_path_get_basename(path), *as = g_path_get_basename(target);
	autofd dir = openat(AT_FDCWD, above, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return error_set_errno(error, "cannot open '%s'", above);
	g_autoptr(IdMap) map = NULL;
	const Tree tree = tree_of_host(dir, &map);
	const TreeSource from = {.tree = &tree, .path = name, .as = as, .flags = TREE_NOFOLLOW};
	return tree_make(&sync->tree, inside, sync->owner, error) &&
	       tree_transfer(&from, &sync->tree, inside, sync->owner, TREE_OVERWRITE, error);
}

bool copy_sync_path(const CopySync *sync, const char *path, const char *target, bool follow,
		    GError **error)
{
	g_autofree char *to = path_clean(target);
	/* lint: allow realpath: a path that the user typed, on the host */
	g_autofree char *real = follow ? realpath(path, NULL) : g_strdup(path);
	struct stat st;
	if (!real || fstatat(AT_FDCWD, real, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT || errno == ENOTDIR
			       ? tree_remove(&sync->tree, to, error)
			       : error_set_errno(error, "cannot look at '%s'", path);
	if (S_ISDIR(st.st_mode))
		return make(sync, to, error);
	g_autoptr(GError) failed = NULL;
	if (put(sync, real, to, &failed))
		return true;
	/* Gone meanwhile. */
	if (fstatat(AT_FDCWD, real, &st, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT)
		return tree_remove(&sync->tree, to, error);
	g_propagate_error(error, g_steal_pointer(&failed));
	return false;
}
