/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deferred records of a layer: hard links across layers, directories nobody described, an opaque
 * root. Runs in the jail with the lower layers merged at /lower.
 *
 * A hard link to a lower file becomes a copy: the overlay shows the same content under both names,
 * which is all that a layer can express.
 */
#include "storage/layer_complete.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/path.h"
#include "storage/tar_unpack.h"

#define XATTR_LIST_MAX  65536
#define XATTR_VALUE_MAX 65536
#define PIECE_SIZE      (256u << 10)

typedef struct {
	int diff_fd;
	int lower_fd;
	uint64_t max_bytes;
	uint64_t copied;
} Completion;

/* A path split into its directory ("." at the top) and its name, which points into the path. */
static const char *split(const char *path, char **out_dir)
{
	const char *slash = strrchr(path, '/');
	*out_dir = slash ? g_strndup(path, (size_t)(slash - path)) : g_strdup(".");
	return slash ? slash + 1 : path;
}

/* Attributes that unpacking would keep: user.* and file capabilities, nothing of an overlay. */
static bool copy_xattrs(int from, int to)
{
	g_autofree char *names = g_malloc(XATTR_LIST_MAX);
	g_autofree char *value = g_malloc(XATTR_VALUE_MAX);
	ssize_t size = flistxattr(from, names, XATTR_LIST_MAX);
	if (size < 0)
		return errno == ENOTSUP;
	for (const char *name = names; name < names + size; name += strlen(name) + 1) {
		bool is_user =
			g_str_has_prefix(name, "user.") && !g_str_has_prefix(name, "user.overlay.");
		if (!is_user && strcmp(name, "security.capability") != 0)
			continue;
		ssize_t length = fgetxattr(from, name, value, XATTR_VALUE_MAX);
		if (length >= 0 && fsetxattr(to, name, value, (size_t)length, 0) < 0 &&
		    errno != ENOTSUP && errno != EPERM)
			return false;
	}
	return true;
}

/* Owner, mode, attributes and times of @from onto @to. */
static bool copy_metadata(int from, const struct stat *st, int to)
{
	const struct timespec times[2] = {st->st_atim, st->st_mtim};
	return fchown(to, st->st_uid, st->st_gid) == 0 && fchmod(to, st->st_mode & 07777) == 0 &&
	       copy_xattrs(from, to) && futimens(to, times) == 0;
}

/* A directory that the archive used without describing it looks as it does below. */
static bool complete_dir(Completion *c, const char *path, GError **error)
{
	const char *name = *path ? path : ".";
	autofd to = path_open_in_root(c->diff_fd, name, O_RDONLY | O_DIRECTORY, 0);
	autofd from = path_open_in_root(c->lower_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
	struct stat st;
	if (to < 0)
		return error_set_errno(error, "cannot open the directory '%s'", name);
	if (from < 0 || fstat(from, &st) < 0)
		return true; /* no such directory below: it is this layer's own */
	if (!copy_metadata(from, &st, to))
		return error_set_errno(error, "cannot copy the mode and owner of '%s'", name);
	return true;
}

/* Lower and own layers are different mounts, between which the kernel may not copy by itself. */
static bool copy_bytes(int from, int to, uint64_t size)
{
	g_autofree char *piece = g_malloc(PIECE_SIZE);
	for (uint64_t left = size; left > 0;) {
		ssize_t n = copy_file_range(from, NULL, to, NULL, (size_t)MIN(left, 1u << 30), 0);
		if (n < 0 && (errno == EXDEV || errno == EOPNOTSUPP || errno == EINVAL)) {
			n = read(from, piece, (size_t)MIN(left, PIECE_SIZE));
			if (n > 0 && !fd_write_all(to, piece, (size_t)n))
				return false;
		}
		if (n <= 0)
			return false;
		left -= (uint64_t)n;
	}
	return true;
}

/* Copy one regular file of the lower layers. */
static bool copy_file(Completion *c, int from_dir, const char *from_name, int to_dir,
		      const char *to_name, const char *path, GError **error)
{
	struct stat st;
	autofd from = openat(from_dir, from_name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (from < 0 || fstat(from, &st) < 0 || !S_ISREG(st.st_mode))
		return error_set_errno(error, "cannot open the target of the hard link '%s'", path);
	if ((uint64_t)st.st_size > c->max_bytes - c->copied)
		return error_set(error, ENGINE_ERROR_INVALID, "hard links copy too much data");
	c->copied += (uint64_t)st.st_size;
	autofd to =
		openat(to_dir, to_name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (to < 0 || !copy_bytes(from, to, (uint64_t)st.st_size) || !copy_metadata(from, &st, to))
		return error_set_errno(error, "cannot copy the target of the hard link '%s'", path);
	return true;
}

/* Make one more of a lower symbolic link. */
static bool copy_symlink(int from_dir, const char *from_name, int to_dir, const char *to_name,
			 const struct stat *st)
{
	char target[4096];
	ssize_t size = readlinkat(from_dir, from_name, target, sizeof(target) - 1);
	if (size <= 0)
		return false;
	target[size] = '\0';
	const struct timespec times[2] = {st->st_atim, st->st_mtim};
	return symlinkat(target, to_dir, to_name) == 0 &&
	       fchownat(to_dir, to_name, st->st_uid, st->st_gid, AT_SYMLINK_NOFOLLOW) == 0 &&
	       utimensat(to_dir, to_name, times, AT_SYMLINK_NOFOLLOW) == 0;
}

/* The link's target: in this layer after all (an earlier deferred link), or below. */
static bool place_link(Completion *c, int to_dir, const char *to_name, const char *path,
		       const char *target, GError **error)
{
	g_autofree char *dir = NULL;
	const char *name = split(target, &dir);
	struct stat st;
	autofd own = path_open_in_root(c->diff_fd, dir, O_PATH | O_DIRECTORY, 0);
	if (own >= 0 && fstatat(own, name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		if (S_ISCHR(st.st_mode) || linkat(own, name, to_dir, to_name, 0) < 0)
			return error_set(error, ENGINE_ERROR_INVALID,
					 "cannot link '%s' to '%s': it is no file", path, target);
		return true;
	}
	autofd below = path_open_in_root(c->lower_fd, dir, O_RDONLY | O_DIRECTORY, 0);
	if (below < 0 || fstatat(below, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "the hard link '%s' leads to '%s', which does not exist", path,
				 target);
	if (S_ISREG(st.st_mode))
		return copy_file(c, below, name, to_dir, to_name, path, error);
	if (!S_ISLNK(st.st_mode))
		return error_set(error, ENGINE_ERROR_INVALID,
				 "the hard link '%s' leads to '%s', which is no file", path,
				 target);
	if (!copy_symlink(below, name, to_dir, to_name, &st))
		return error_set_errno(error, "cannot copy the link '%s'", target);
	return true;
}

/* The directory's time is put back: the archive said it, not us. */
static bool complete_link(Completion *c, const char *path, const char *target, GError **error)
{
	g_autofree char *dir = NULL;
	const char *name = split(path, &dir);
	autofd to_dir = path_open_in_root(c->diff_fd, dir, O_RDONLY | O_DIRECTORY, 0);
	struct stat st, dir_st;
	/* A later entry of the archive may have taken the place, or the whole directory. */
	if (to_dir < 0 || fstat(to_dir, &dir_st) < 0 ||
	    fstatat(to_dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return true;
	if (!place_link(c, to_dir, name, path, target, error))
		return false;
	const struct timespec times[2] = {dir_st.st_atim, dir_st.st_mtim};
	if (futimens(to_dir, times) < 0)
		return error_set_errno(error, "cannot set the time of '%s'", dir);
	return true;
}

/* Hide one name of the lower root. */
static bool hide(Completion *c, const char *name)
{
	if (mknodat(c->diff_fd, name, S_IFCHR, makedev(0, 0)) == 0)
		return true;
	struct stat st;
	if (errno != EEXIST || fstatat(c->diff_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return false;
	if (!S_ISDIR(st.st_mode))
		return true;
	autofd dir = path_open_in_root(c->diff_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
	return dir >= 0 && fsetxattr(dir, "user.overlay.opaque", "y", 1, 0) == 0;
}

/* The kernel knows no opaque root, so every name below is hidden on its own. */
static bool complete_opaque(Completion *c, GError **error)
{
	struct stat root;
	int fd = fstat(c->diff_fd, &root) < 0
			 ? -1
			 : path_open_in_root(c->lower_fd, ".", O_RDONLY | O_DIRECTORY, 0);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir) {
		fd_close(&fd);
		return error_set_errno(error, "cannot list the lower layers");
	}
	bool done = true;
	const struct dirent *entry = NULL;
	while (done && (errno = 0, entry = readdir(dir)))
		done = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
		       hide(c, entry->d_name);
	done = done && errno == 0;
	if (!done)
		(void)error_set_errno(error, "cannot hide the lower layers");
	(void)closedir(dir);
	const struct timespec times[2] = {root.st_atim, root.st_mtim};
	return done && (futimens(c->diff_fd, times) == 0 ||
			error_set_errno(error, "cannot set the time of the root"));
}

bool layer_complete(int diff_fd, int lower_fd, const char *deferred, size_t size,
		    uint64_t max_bytes, uint64_t *out_copied, GError **error)
{
	Completion c = {.diff_fd = diff_fd, .lower_fd = lower_fd, .max_bytes = max_bytes};
	const char *end = deferred + size;
	for (const char *at = deferred; at < end;) {
		char kind = *at++;
		const char *path = at;
		const char *path_end = memchr(at, '\0', (size_t)(end - at));
		const char *target = path_end ? path_end + 1 : end;
		const char *target_end =
			target < end ? memchr(target, '\0', (size_t)(end - target)) : NULL;
		if (!target_end)
			return error_set(error, ENGINE_ERROR_CORRUPT,
					 "the deferred list is broken");
		bool done = kind == DEFERRED_LINK  ? complete_link(&c, path, target, error)
			    : kind == DEFERRED_DIR ? complete_dir(&c, path, error)
						   : complete_opaque(&c, error);
		if (!done)
			return false;
		at = target_end + 1;
	}
	*out_copied = c.copied;
	return true;
}
