/* SPDX-License-Identifier: Apache-2.0 */
#include "libpod/runtime/tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "libpod/base/fd.h"
#include "libpod/base/path.h"

#define MAX_DEPTH      128
#define MAX_XATTR_LIST 65536
#define MAX_XATTR      65536
#define COPY_CHUNK     (1 << 30)

/* What a walk does with each entry; @fd is O_PATH. */
typedef int (*TreeFn)(int fd, void *data);

/* A directory stream on a descriptor of its own. */
static DIR *open_stream(int dir_fd)
{
	autofd fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	DIR *stream = fd < 0 ? NULL : fdopendir(fd);
	if (stream)
		(void)fd_steal(&fd);
	return stream;
}

static void close_stream(DIR **stream)
{
	if (*stream)
		closedir(*stream);
}
#define autodir __attribute__((cleanup(close_stream))) DIR

/* The next name but "." and ".."; NULL at the end with errno 0, or on error. */
static const char *next_name(DIR *stream)
{
	for (;;) {
		errno = 0;
		const struct dirent *entry = readdir(stream);
		if (!entry)
			return NULL;
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			return entry->d_name;
	}
}

int tree_is_empty(int dir_fd)
{
	autodir *stream = open_stream(dir_fd);
	if (!stream)
		return -errno;
	if (next_name(stream))
		return 0;
	return errno ? -errno : 1;
}

/* Apply @fn to a directory and everything below it, children first. */
static int walk(int dir_fd, TreeFn fn, void *data, int depth)
{
	if (depth > MAX_DEPTH)
		return -ELOOP;
	autodir *stream = open_stream(dir_fd);
	if (!stream)
		return -errno;
	const char *name;
	while ((name = next_name(stream))) {
		/* NO_XDEV: another mount below is not ours to change. */
		autofd child = path_open_state(dir_fd, name, O_PATH | O_NOFOLLOW, 0);
		struct stat st;
		if (child < 0 && (errno == EXDEV || errno == ENOENT))
			continue;
		if (child < 0 || fstat(child, &st) < 0)
			return -errno;
		int result =
			S_ISDIR(st.st_mode) ? walk(child, fn, data, depth + 1) : fn(child, data);
		if (result < 0)
			return result;
	}
	return errno ? -errno : fn(dir_fd, data);
}

static int apply(int fd, TreeFn fn, void *data)
{
	struct stat st;
	if (fstat(fd, &st) < 0)
		return -errno;
	return S_ISDIR(st.st_mode) ? walk(fd, fn, data, 0) : fn(fd, data);
}

typedef struct {
	uid_t uid;
	gid_t gid;
} Owner;

static int chown_entry(int fd, void *data)
{
	const Owner *owner = data;
	struct stat st;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (st.st_uid == owner->uid && st.st_gid == owner->gid)
		return 0;
	return fchownat(fd, "", owner->uid, owner->gid, AT_EMPTY_PATH) < 0 ? -errno : 0;
}

int tree_chown(int fd, uid_t uid, gid_t gid)
{
	Owner owner = {uid, gid};
	return apply(fd, chown_entry, &owner);
}

static int relabel_entry(int fd, void *data)
{
	const char *label = data;
	/* setxattr takes no O_PATH descriptor; its name below /proc leads to it and nowhere else.
	 */
	char name[32];
	g_snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
	/* lint: allow setxattr: by way of a descriptor */
	if (setxattr(name, "security.selinux", label, strlen(label) + 1, 0) < 0)
		return errno == ENOTSUP ? 0 : -errno;
	return 0;
}

int tree_relabel(int fd, const char *label)
{
	return apply(fd, relabel_entry, (void *)label);
}

/* Which attributes travel: what a user or a file needs, nothing of the overlay's own. */
static bool is_copied_xattr(const char *name)
{
	return (g_str_has_prefix(name, "user.") && !g_str_has_prefix(name, "user.overlay.")) ||
	       strcmp(name, "security.capability") == 0 ||
	       g_str_has_prefix(name, "system.posix_acl_");
}

/* Copy extended attributes between two readable descriptors; file systems without them are fine. */
static int copy_xattrs(int from, int to)
{
	ssize_t size = flistxattr(from, NULL, 0);
	if (size <= 0 || size > MAX_XATTR_LIST)
		return 0;
	g_autofree char *names = g_malloc((gsize)size);
	size = flistxattr(from, names, (size_t)size);
	g_autofree char *value = g_malloc(MAX_XATTR);
	for (char *name = names; size > 0 && name < names + size; name += strlen(name) + 1) {
		if (!is_copied_xattr(name))
			continue;
		ssize_t length = fgetxattr(from, name, value, MAX_XATTR);
		if (length < 0)
			continue;
		if (fsetxattr(to, name, value, (size_t)length, 0) < 0 && errno != ENOTSUP &&
		    errno != EPERM)
			return -errno;
	}
	return 0;
}

/* Owner, mode and times; the mode after the owner, because chown clears set-id bits. */
static int copy_metadata(int from, int to, const struct stat *st)
{
	struct timespec times[2] = {st->st_atim, st->st_mtim};
	if (fchown(to, st->st_uid, st->st_gid) < 0 || fchmod(to, st->st_mode & 07777) < 0)
		return -errno;
	int result = copy_xattrs(from, to);
	if (result == 0 && futimens(to, times) < 0)
		result = -errno;
	return result;
}

/* Contents, by the file system itself where it can. */
static int copy_bytes(int from, int to)
{
	ssize_t n;
	while ((n = copy_file_range(from, NULL, to, NULL, COPY_CHUNK, 0)) > 0)
		;
	if (n == 0 || (errno != EXDEV && errno != EINVAL && errno != EOPNOTSUPP))
		return n < 0 ? -errno : 0;
	char buffer[65536];
	while ((n = read(from, buffer, sizeof buffer)) > 0) {
		if (!fd_write_all(to, buffer, (size_t)n))
			return -errno;
	}
	return n < 0 ? -errno : 0;
}

static int copy_file(int from_dir, int to_dir, const char *name, const struct stat *st)
{
	autofd from = path_open_state(from_dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0);
	autofd to = path_open_state(to_dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
	if (from < 0 || to < 0)
		return -errno;
	int result = copy_bytes(from, to);
	return result < 0 ? result : copy_metadata(from, to, st);
}

static int copy_link(int from_dir, int to_dir, const char *name, const struct stat *st)
{
	char target[4096];
	ssize_t n = readlinkat(from_dir, name, target, sizeof target - 1);
	if (n < 0)
		return -errno;
	target[n] = '\0';
	if (symlinkat(target, to_dir, name) < 0 ||
	    fchownat(to_dir, name, st->st_uid, st->st_gid, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	return 0;
}

static int copy_directory(int from, int to, int depth);

/* Copy one entry of whatever type. */
static int copy_entry(int from_dir, int to_dir, const char *name, int depth)
{
	struct stat st;
	if (fstatat(from_dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (S_ISREG(st.st_mode))
		return copy_file(from_dir, to_dir, name, &st);
	if (S_ISLNK(st.st_mode))
		return copy_link(from_dir, to_dir, name, &st);
	if (S_ISFIFO(st.st_mode))
		return mknodat(to_dir, name, S_IFIFO | (st.st_mode & 07777), 0) < 0 ? -errno : 0;
	if (!S_ISDIR(st.st_mode))
		return 0;
	autofd from = path_open_state(from_dir, name, O_RDONLY | O_DIRECTORY, 0);
	if (from < 0)
		return errno == EXDEV ? 0 : -errno;
	if (mkdirat(to_dir, name, 0700) < 0)
		return -errno;
	autofd to = path_open_state(to_dir, name, O_RDONLY | O_DIRECTORY, 0);
	return to < 0 ? -errno : copy_directory(from, to, depth + 1);
}

/* Entries first, then owner, mode and times, which the copying has changed. */
static int copy_directory(int from, int to, int depth)
{
	if (depth > MAX_DEPTH)
		return -ELOOP;
	struct stat st;
	autodir *stream = open_stream(from);
	if (!stream || fstat(from, &st) < 0)
		return -errno;
	const char *name;
	while ((name = next_name(stream))) {
		int result = copy_entry(from, to, name, depth);
		if (result < 0)
			return result;
	}
	return errno ? -errno : copy_metadata(from, to, &st);
}

int tree_copy(int from_fd, int to_fd)
{
	autofd from = openat(from_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	autofd to = openat(to_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (from < 0 || to < 0)
		return -errno;
	return copy_directory(from, to, 0);
}
