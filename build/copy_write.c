/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing copies: one function per kind of file.
 *
 * A small file of uid 0 costs, beside the walk: openat twice, fstat, flistxattr, read twice, write,
 * utimensat and two closes. Data of large ones are shared (FICLONE) where the file systems can,
 * else copied in the kernel.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "build/copy_priv.h"
#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/path.h"
#include "libpod/base/wall.h"

#define PIECE_SIZE  (256u << 10)
#define CLONE_FROM  (64u << 10)
#define RANGE_SIZE  (64u << 20)
#define XATTRS_MAX  (64u << 10)
#define NEW_FILE    (O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC)
#define SOURCE_FILE (O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)

static CopyDir *current_dir(const CopyWriter *w)
{
	return &g_array_index(w->dirs, CopyDir, w->dirs->len - 1);
}

static bool is_cancelled(const CopyWriter *w, GError **error)
{
	if (!w->target->cancelled || !*w->target->cancelled)
		return false;
	(void)error_set(error, ENGINE_ERROR_CANCELLED, "cancelled");
	return true;
}

/* The owner of a copy. */
static void owner_of(const CopyWriter *w, const struct stat *st, uint32_t *uid, uint32_t *gid)
{
	if (w->has_owner) {
		*uid = w->uid;
		*gid = w->gid;
	} else {
		copy_owner(w->plan, w->item, st, uid, gid);
	}
}

/* The mode of a copy. */
static mode_t mode_of(const CopyWriter *w, mode_t mode)
{
	mode_t kept = w->target->harmless && wall_stands("harmless-output")
			      ? ~(mode_t)(S_ISUID | S_ISGID)
			      : ~(mode_t)0;
	return copy_mode_apply(&w->plan->mode, mode) & 07777 & kept;
}

static void times_of(const CopyWriter *w, const struct stat *st, struct timespec times[static 2])
{
	times[0] = times[1] = st->st_mtim;
	if (w->target->mtime >= 0)
		times[0] = times[1] = (struct timespec){.tv_sec = w->target->mtime};
}

/* Something is in the way of what is no directory: it goes, unless it is one. */
static bool make_way(int dir_fd, const char *name, const char *shown, GError **error)
{
	struct stat st;
	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return error_set_errno(error, "cannot look at '%s'", name);
	if (S_ISDIR(st.st_mode))
		return error_set(error, ENGINE_ERROR_INVALID,
				 "cannot copy '%s': the destination '%s' is a directory", shown,
				 name);
	return unlinkat(dir_fd, name, 0) == 0 ||
	       error_set_errno(error, "cannot replace '%s'", name);
}

/* Attributes that count. What the destination cannot keep is left out. */
static bool copy_xattrs(CopyWriter *w, int from, int to, const char *shown, GError **error)
{
	char *names = w->piece, *value = w->piece + XATTRS_MAX;
	ssize_t size = flistxattr(from, names, XATTRS_MAX);
	if (size < 0 && errno != ENOTSUP)
		return error_set_errno(error, "cannot read the attributes of '%s'", shown);
	for (const char *name = names; size > 0 && name < names + size; name += strlen(name) + 1) {
		if (!checksum_xattr_counts(name) ||
		    (w->target->harmless && g_str_has_prefix(name, "security.")))
			continue;
		ssize_t length = fgetxattr(from, name, value, XATTRS_MAX);
		if (length < 0)
			return error_set_errno(error, "cannot read the attribute '%s' of '%s'",
					       name, shown);
		if (fsetxattr(to, name, value, (size_t)length, 0) < 0 && errno != ENOTSUP)
			return error_set_errno(error, "cannot set the attribute '%s' of '%s'", name,
					       shown);
	}
	return true;
}

/* Bytes [at, end) through the kernel, or through us where it does not want to. */
static bool copy_range(CopyWriter *w, int from, int to, off_t at, off_t end, const char *shown,
		       GError **error)
{
	off_t in = at, out = at;
	bool by_kernel = true;
	while (in < end) {
		ssize_t n;
		if (is_cancelled(w, error))
			return false;
		size_t want = (size_t)MIN(end - in, (off_t)RANGE_SIZE);
		if (by_kernel) {
			n = copy_file_range(from, &in, to, &out, want, 0);
		} else {
			n = pread(from, w->piece, MIN(want, PIECE_SIZE), in);
			for (ssize_t done = 0; done < n;) {
				ssize_t put =
					pwrite(to, w->piece + done, (size_t)(n - done), out + done);
				if (put < 0 && errno != EINTR)
					return error_set_errno(error, "cannot write '%s'", shown);
				done += MAX(put, 0);
			}
			in += MAX(n, 0);
			out += MAX(n, 0);
		}
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && by_kernel && errno != ENOSPC && errno != EDQUOT && errno != EIO) {
			by_kernel = false;
			continue;
		}
		if (n < 0)
			return error_set_errno(error, "cannot copy '%s'", shown);
		if (n == 0)
			break;
	}
	return true;
}

/* Only what is not a hole. */
static bool copy_sparse(CopyWriter *w, int from, int to, const struct stat *st, const char *shown,
			GError **error)
{
	off_t at = 0;
	while (at < st->st_size) {
		off_t data = lseek(from, at, SEEK_DATA);
		if (data < 0 && errno == ENXIO)
			break;
		off_t hole = data < 0 ? -1 : lseek(from, data, SEEK_HOLE);
		if (hole < 0) /* a file system that does not know: as a whole */
			return copy_range(w, from, to, at, st->st_size, shown, error);
		if (!copy_range(w, from, to, data, hole, shown, error))
			return false;
		at = hole;
	}
	return ftruncate(to, st->st_size) == 0 ||
	       error_set_errno(error, "cannot write '%s'", shown);
}

/* A file that fits in the buffer. */
static bool copy_small(CopyWriter *w, int from, int to, const char *shown, GError **error)
{
	for (;;) {
		ssize_t n = read(from, w->piece, PIECE_SIZE);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_set_errno(error, "cannot read '%s'", shown);
		if (n == 0)
			return true;
		if (!fd_write_all(to, w->piece, (size_t)n))
			return error_set_errno(error, "cannot write '%s'", shown);
	}
}

static bool copy_data(CopyWriter *w, int from, int to, const struct stat *st, const char *shown,
		      GError **error)
{
	if (st->st_size == 0)
		return true;
	if (st->st_size <= (off_t)CLONE_FROM)
		return copy_small(w, from, to, shown, error);
	if (!w->no_clone && ioctl(to, FICLONE, from) == 0)
		return true;
	w->no_clone |= errno == EOPNOTSUPP || errno == EXDEV || errno == ENOTTY;
	if ((off_t)st->st_blocks * 512 < st->st_size)
		return copy_sparse(w, from, to, st, shown, error);
	return copy_range(w, from, to, 0, st->st_size, shown, error);
}

/* Owner, mode, attributes, time; what was made as @made_mode already has it. */
static bool finish_file(CopyWriter *w, int from, int to, const struct stat *st, const char *shown,
			GError **error)
{
	uint32_t uid = 0, gid = 0;
	mode_t mode = mode_of(w, st->st_mode);
	struct timespec times[2];
	owner_of(w, st, &uid, &gid);
	bool owned = uid || gid || current_dir(w)->gives_group;
	if (owned && fchown(to, uid, gid) < 0)
		return copy_owner_error(shown, uid, gid, error);
	/* chown and writing take the special bits away. */
	if ((mode & 07000) && fchmod(to, mode) < 0)
		return error_set_errno(error, "cannot set the mode of '%s'", shown);
	if (from >= 0 && !copy_xattrs(w, from, to, shown, error))
		return false;
	times_of(w, st, times);
	return futimens(to, times) == 0 ||
	       error_set_errno(error, "cannot set the time of '%s'", shown);
}

/* A new file in the place of whatever was there. */
static int new_file(const CopyWriter *w, int dir_fd, const char *name, mode_t mode,
		    const char *shown, GError **error)
{
	mode = copy_mode_apply(&w->plan->mode, mode) & 0777;
	int fd = openat(dir_fd, name, NEW_FILE, mode);
	if (fd < 0 && errno == EEXIST) {
		if (!make_way(dir_fd, name, shown, error))
			return -1;
		fd = openat(dir_fd, name, NEW_FILE, mode);
	}
	if (fd < 0)
		(void)error_set_errno(error, "cannot make '%s'", shown);
	return fd;
}

static char *link_key(const struct stat *st)
{
	return g_strdup_printf("%ju:%ju", (uintmax_t)st->st_dev, (uintmax_t)st->st_ino);
}

/* One more name of a file that was copied in this item. */
static bool link_to(CopyWriter *w, const char *first, int dir_fd, const char *name,
		    const char *shown, GError **error)
{
	g_autofree char *parent = g_path_get_dirname(first);
	const char *slash = strrchr(first, '/');
	autofd fd = path_open_in_root(w->target->dest_fd, parent, O_PATH | O_DIRECTORY, 0);
	if (fd < 0)
		return error_set_errno(error, "cannot link '%s'", shown);
	const char *base = slash ? slash + 1 : first;
	if (linkat(fd, base, dir_fd, name, 0) == 0)
		return true;
	if (errno != EEXIST)
		return error_set_errno(error, "cannot link '%s'", shown);
	return make_way(dir_fd, name, shown, error) &&
	       (linkat(fd, base, dir_fd, name, 0) == 0 ||
		error_set_errno(error, "cannot link '%s'", shown));
}

/* A regular file to @name, whose path below the destination's root is @path. */
static bool copy_file(CopyWriter *w, const CopyEntry *entry, int dir_fd, const char *name,
		      const char *path, GError **error)
{
	struct stat st;
	g_autofree char *key = NULL;
	autofd from = openat(entry->parent_fd, entry->name, SOURCE_FILE);
	if (from < 0 || fstat(from, &st) < 0)
		return error_set_errno(error, "cannot read '%s'", entry->shown);
	if (!S_ISREG(st.st_mode))
		return error_set(error, ENGINE_ERROR_SYSTEM, "'%s' changed while it was read",
				 entry->shown);
	if (st.st_nlink > 1) {
		key = link_key(&st);
		const char *first = g_hash_table_lookup(w->links, key);
		if (first)
			return link_to(w, first, dir_fd, name, entry->shown, error);
	}
	autofd to = new_file(w, dir_fd, name, st.st_mode, entry->shown, error);
	if (to < 0 || !copy_data(w, from, to, &st, entry->shown, error) ||
	    !finish_file(w, from, to, &st, entry->shown, error))
		return false;
	if (key)
		g_hash_table_insert(w->links, g_steal_pointer(&key), g_strdup(path));
	w->stats.files++;
	w->stats.bytes += (uint64_t)st.st_size;
	return true;
}

/* Make a link or a fifo: 0, or -1 with errno. */
static int make_special(const CopyEntry *entry, const char *target, mode_t mode, int dir_fd,
			const char *name)
{
	return S_ISLNK(entry->st->st_mode) ? symlinkat(target, dir_fd, name)
					   : mknodat(dir_fd, name, S_IFIFO | (mode & 07777), 0);
}

/* Links stay as they are, whatever they lead to; devices and sockets are left out. */
static bool copy_special(CopyWriter *w, const CopyEntry *entry, int dir_fd, const char *name,
			 GError **error)
{
	char target[PATH_MAX] = "";
	uint32_t uid = 0, gid = 0;
	struct timespec times[2];
	mode_t mode = copy_mode_apply(&w->plan->mode, entry->st->st_mode);
	if (!S_ISLNK(entry->st->st_mode) && !S_ISFIFO(entry->st->st_mode)) {
		w->stats.special++;
		return true;
	}
	if (S_ISLNK(entry->st->st_mode) &&
	    readlinkat(entry->parent_fd, entry->name, target, sizeof(target) - 1) < 0)
		return error_set_errno(error, "cannot read the link '%s'", entry->shown);
	if (make_special(entry, target, mode, dir_fd, name) < 0) {
		if (errno != EEXIST)
			return error_set_errno(error, "cannot make '%s'", entry->shown);
		if (!make_way(dir_fd, name, entry->shown, error))
			return false;
		if (make_special(entry, target, mode, dir_fd, name) < 0)
			return error_set_errno(error, "cannot make '%s'", entry->shown);
	}
	owner_of(w, entry->st, &uid, &gid);
	bool owned = uid || gid || current_dir(w)->gives_group;
	if (owned && fchownat(dir_fd, name, uid, gid, AT_SYMLINK_NOFOLLOW) < 0)
		return copy_owner_error(entry->shown, uid, gid, error);
	times_of(w, entry->st, times);
	return utimensat(dir_fd, name, times, AT_SYMLINK_NOFOLLOW) == 0 ||
	       error_set_errno(error, "cannot set the time of '%s'", entry->shown);
}

/* Make the directory the walk enters, or take the one that is there. */
static bool write_enter(void *data, const CopyEntry *entry, GError **error)
{
	CopyWriter *w = data;
	struct stat st;
	if (!*entry->rel)
		return true; /* the destination itself */
	int parent = current_dir(w)->fd;
	CopyDir dir = {.made = mkdirat(parent, entry->name, 0700) == 0};
	if (!dir.made && errno != EEXIST)
		return error_set_errno(error, "cannot make the directory '%s'", entry->shown);
	autofd fd = openat(parent, entry->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && (errno == ENOTDIR || errno == ELOOP))
		return error_set(error, ENGINE_ERROR_INVALID,
				 "cannot copy the directory '%s': what is at its destination is no "
				 "directory",
				 entry->shown);
	if (fd < 0 || fstat(fd, &st) < 0)
		return error_set_errno(error, "cannot open the directory '%s'", entry->shown);
	/* Its own mode comes last; until then nothing inherits from it what the source lacks. */
	dir.gives_group = st.st_mode & S_ISGID;
	dir.fd = fd_steal(&fd);
	g_array_append_val(w->dirs, dir);
	return true;
}

/* The directory is complete: what is its own is set now. */
static bool write_leave(void *data, const CopyEntry *entry, GError **error)
{
	CopyWriter *w = data;
	uint32_t uid = 0, gid = 0;
	struct timespec times[2];
	if (!*entry->rel)
		return true;
	autofd fd = current_dir(w)->fd;
	g_array_set_size(w->dirs, w->dirs->len - 1);
	owner_of(w, entry->st, &uid, &gid);
	times_of(w, entry->st, times);
	if (fchown(fd, uid, gid) < 0)
		return copy_owner_error(entry->shown, uid, gid, error);
	if (fchmod(fd, mode_of(w, entry->st->st_mode)) < 0)
		return error_set_errno(error, "cannot set the mode of '%s'", entry->shown);
	return copy_xattrs(w, entry->fd, fd, entry->shown, error) &&
	       (futimens(fd, times) == 0 ||
		error_set_errno(error, "cannot set the time of '%s'", entry->shown));
}

static bool write_entry(CopyWriter *w, const CopyEntry *entry, const char *name, const char *path,
			GError **error)
{
	int dir_fd = current_dir(w)->fd;
	return S_ISREG(entry->st->st_mode) ? copy_file(w, entry, dir_fd, name, path, error)
					   : copy_special(w, entry, dir_fd, name, error);
}

static bool write_leaf(void *data, const CopyEntry *entry, GError **error)
{
	CopyWriter *w = data;
	g_autofree char *path =
		entry->st->st_nlink > 1 ? g_strconcat(w->top, "/", entry->rel, NULL) : NULL;
	return write_entry(w, entry, entry->name, path, error);
}

/* The item's only file, which has another name in the destination. */
static bool write_named(void *data, const CopyEntry *entry, GError **error)
{
	CopyWriter *w = data;
	return write_entry(w, entry, w->top, w->top, error);
}

/* Begin at a directory of the destination. */
static bool start(CopyWriter *w, int dir_fd, const char *path, GError **error)
{
	struct stat st;
	if (fstat(dir_fd, &st) < 0)
		return error_set_errno(error, "cannot look at the destination");
	CopyDir dir = {.fd = dir_fd, .gives_group = st.st_mode & S_ISGID};
	g_array_set_size(w->dirs, 0);
	g_array_append_val(w->dirs, dir);
	g_free(w->top);
	w->top = g_strdup(path);
	g_hash_table_remove_all(w->links);
	return true;
}

/* After a failure descriptors of directories are left; the first one is the caller's. */
static void finish(CopyWriter *w)
{
	for (guint i = 1; i < w->dirs->len; i++)
		fd_close(&g_array_index(w->dirs, CopyDir, i).fd);
	g_array_set_size(w->dirs, 0);
}

bool copy_write_tree(CopyWriter *w, int dir_fd, const char *path, GError **error)
{
	const CopyVisitor visitor = {
		.enter = write_enter,
		.leave = write_leave,
		.leaf = write_leaf,
		.data = w,
		.cancelled = w->target->cancelled,
	};
	bool done = start(w, dir_fd, path, error) && copy_walk(w->plan, w->item, &visitor, error);
	finish(w);
	return done;
}

bool copy_write_leaf(CopyWriter *w, int dir_fd, const char *name, GError **error)
{
	const CopyVisitor visitor = {.leaf = write_named, .data = w};
	bool done = start(w, dir_fd, name, error) && copy_walk(w->plan, w->item, &visitor, error);
	finish(w);
	return done;
}

bool copy_write_content(CopyWriter *w, int dir_fd, const char *name, const CopyContent *content,
			GError **error)
{
	struct stat st = {.st_mode = S_IFREG | content->mode, .st_size = (off_t)content->size};
	if (content->mtime >= 0)
		st.st_mtim.tv_sec = content->mtime;
	else
		(void)clock_gettime(CLOCK_REALTIME, &st.st_mtim);
	autofd to = -1;
	bool done = start(w, dir_fd, name, error) &&
		    (to = new_file(w, dir_fd, name, st.st_mode, name, error)) >= 0;
	if (done && content->fd >= 0)
		done = copy_range(w, content->fd, to, 0, st.st_size, name, error);
	else if (done && !fd_write_all(to, content->data, content->size))
		done = error_set_errno(error, "cannot write '%s'", name);
	done = done && finish_file(w, -1, to, &st, name, error);
	finish(w);
	w->stats.files += done;
	w->stats.bytes += done ? content->size : 0;
	return done;
}
