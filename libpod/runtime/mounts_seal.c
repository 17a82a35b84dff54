/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The last change to a container's mounts: read-only views, masks, a read-only root. What hides a
 * file is a bind of the host's null device, never of one that the image could have replaced
 * (CVE-2025-31133).
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "libpod/base/fd.h"
#include "libpod/base/path.h"
#include "libpod/base/wall.h"
#include "libpod/runtime/mounts.h"

static int make_read_only(int fd, unsigned flags)
{
	struct mount_attr attr = {.attr_set = MOUNT_ATTR_RDONLY};
	return mount_setattr(fd, "", AT_EMPTY_PATH | flags, &attr, sizeof attr) < 0 ? -errno : 0;
}

/* Put a read-only view of itself over a path. Absent paths are fine. */
static int seal_read_only(const MountPlan *plan, const char *path)
{
	autofd target = path_open_in_root(plan->root_fd, path, O_PATH, 0);
	if (target < 0)
		return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
	autofd view = open_tree(target, "",
				AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
	if (view < 0)
		return -errno;
	int result = make_read_only(view, AT_RECURSIVE);
	return result < 0 ? result : mounts_move(view, target);
}

/* What hides a path, made when it is needed. */
typedef struct {
	int null_fd, empty_fd; /* borrowed from the plan; ours, -1 until the first directory */
	bool null_attached, empty_attached;
} Covers;

/* Cover @target with @cover: with the mount itself the first time, then with clones of it. */
static int cover(int cover_fd, bool *attached, int target)
{
	if (!*attached) {
		*attached = true;
		return mounts_move(cover_fd, target);
	}
	autofd clone = open_tree(cover_fd, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	return clone < 0 ? -errno : mounts_move(clone, target);
}

/* Hide a path: a file behind the null device, a directory behind one shared empty tmpfs. */
static int hide(const MountPlan *plan, const char *path, Covers *covers)
{
	autofd target = path_open_in_root(plan->root_fd, path, O_PATH, 0);
	struct stat st;
	if (target < 0 && (errno == ENOENT || errno == ENOTDIR))
		return 0;
	if (target < 0 || fstat(target, &st) < 0)
		return -errno;
	if (!S_ISDIR(st.st_mode))
		return cover(covers->null_fd, &covers->null_attached, target);
	if (covers->empty_fd < 0)
		covers->empty_fd = mounts_new_empty();
	return covers->empty_fd < 0 ? covers->empty_fd
				    : cover(covers->empty_fd, &covers->empty_attached, target);
}

/*
 * A clone of the host's /sys brings the host's tracefs, debugfs and their like along, below
 * /sys/kernel; where paths are hidden at all, that one is, too (as with podman).
 */
static int hide_host_kernel(const MountPlan *plan, Covers *covers)
{
	char **masked = plan->config->masked_paths;
	for (guint i = 0; masked && *masked && i < plan->entries->len; i++) {
		const MountEntry *entry = &g_array_index(plan->entries, MountEntry, i);
		if (!entry->is_hosts)
			continue;
		g_autofree char *path = g_build_filename(entry->mount->destination, "kernel", NULL);
		return hide(plan, path, covers);
	}
	return 0;
}

static int seal_masked(const MountPlan *plan, SyncReport *report)
{
	Covers covers = {.null_fd = plan->null_fd, .empty_fd = -1};
	if (!wall_stands("masked-paths"))
		return 0;
	if (!wall_stands("hosts-null"))
		covers.null_fd =
			open_tree(AT_FDCWD, "/dev/null", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	int result = hide_host_kernel(plan, &covers);
	if (result < 0)
		return sync_subject(report, "/sys/kernel", result);
	for (char **path = plan->config->masked_paths; path && *path && result == 0; path++)
		result = sync_subject(report, *path, hide(plan, *path, &covers));
	fd_close(&covers.empty_fd);
	return result;
}

int mounts_seal(MountPlan *plan, SyncReport *report)
{
	for (char **path = plan->config->readonly_paths; path && *path; path++) {
		int result = seal_read_only(plan, *path);
		if (result < 0)
			return sync_subject(report, *path, result);
	}
	int result = seal_masked(plan, report);
	if (result == 0 && plan->config->root_readonly)
		result = sync_subject(report, "/", make_read_only(plan->root_fd, 0));
	return result;
}
