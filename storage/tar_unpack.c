/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The extractor: one function per kind of entry. Runs in the jailed unpack child.
 *
 * A plain file of uid 0 costs openat, write, utimensat and close; every other call is made only
 * when the entry asks for it. Nothing is synced here: publishing syncs the file system once.
 */
#include "storage/tar_unpack.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/path.h"
#include "libpod/base/wall.h"
#include "storage/tar_unpack_priv.h"

#define WHITEOUT_PREFIX ".wh."
#define FLUSH_FROM      (64u << 10)

static void free_xattr(void *data)
{
	TarXattr *xattr = data;
	g_free(xattr->name);
	g_free(xattr->value);
}

static void free_dir(void *data)
{
	UnpackDir *dir = data;
	g_free(dir->path);
	g_clear_pointer(&dir->xattrs, g_array_unref);
	g_free(dir);
}

/* A copy of an entry's attributes for the second pass; NULL if it has none. */
static GArray *copy_xattrs(const GArray *from)
{
	if (from->len == 0)
		return NULL;
	GArray *copy = g_array_new(FALSE, FALSE, sizeof(TarXattr));
	g_array_set_clear_func(copy, free_xattr);
	for (guint i = 0; i < from->len; i++) {
		const TarXattr *xattr = &g_array_index(from, TarXattr, i);
		TarXattr own = {.name = g_strdup(xattr->name),
				.value = g_memdup2(xattr->value, xattr->size),
				.size = xattr->size};
		g_array_append_val(copy, own);
	}
	return copy;
}

/* Count what a file adds against the budget. */
static bool charge(Unpack *u, const TarEntry *entry, GError **error)
{
	uint64_t max = u->options->max_bytes;
	if ((entry->size > max || u->stats.size > max - entry->size) && wall_stands("layer-budget"))
		return error_set(error, ENGINE_ERROR_INVALID,
				 "the layer unpacks to more than %" G_GUINT64_FORMAT " MiB",
				 max >> 20);
	u->stats.size += entry->size;
	return true;
}

/* Write the data of a file; a sparse one keeps its holes. The journal learns each run. */
static bool write_data(Unpack *u, const TarEntry *entry, int fd, GError **error)
{
	const TarExtent whole = {.size = entry->stored};
	const TarExtent *extents =
		entry->extents ? (const TarExtent *)(void *)entry->extents->data : &whole;
	guint n = entry->extents ? entry->extents->len : 1;
	TarJournal *journal = u->options->journal;
	uint64_t done = 0; /* of extents[0] */

	for (guint i = 0; journal && entry->stored > 0 && i < n; i++)
		if (!tar_journal_file(journal, u->path->str, extents[i].offset, extents[i].size,
				      error))
			return false;
	for (;;) {
		const void *data = NULL;
		size_t size = 0;
		if (!tar_reader_data(u->reader, &data, &size, error))
			return false;
		if (size == 0)
			break;
		for (const char *from = data; size > 0;) {
			size_t piece = (size_t)MIN(size, extents->size - done);
			uint64_t at = extents->offset + done;
			if (entry->extents && lseek(fd, (off_t)at, SEEK_SET) < 0)
				return error_set_errno(error, "cannot write '%s'", u->path->str);
			if (!fd_write_all(fd, from, piece))
				return error_set_errno(error, "cannot write '%s'", u->path->str);
			from += piece;
			size -= piece;
			done += piece;
			if (done == extents->size && --n > 0) {
				extents++;
				done = 0;
			}
		}
	}
	/* Let the disk begin now: the one sync before publishing then finds little left to write.
	 * What is copied into a directory is not synced, and would only wait for the disk.
	 */
	if (entry->stored >= FLUSH_FROM && !u->options->plain)
		(void)sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE);
	if (entry->extents && ftruncate(fd, (off_t)entry->size) < 0)
		return error_set_errno(error, "cannot write '%s'", u->path->str);
	return true;
}

/* Owner, the special mode bits, attributes and time of an open file, in the order the kernel wants.
 */
static bool finish_file(Unpack *u, const TarEntry *entry, int fd, GError **error)
{
	uint32_t uid = entry->uid, gid = entry->gid;
	if (unpack_owner(u, &uid, &gid) && fchown(fd, uid, gid) < 0)
		return unpack_chown_error(u->path->str, uid, gid, error);
	/* Writing and chown take setuid bits and capabilities away again. */
	if ((entry->mode & 07000) && fchmod(fd, entry->mode) < 0)
		return error_set_errno(error, "cannot set the mode of '%s'", u->path->str);
	if (entry->xattrs->len > 0 && !unpack_xattrs_apply(u, fd, entry->xattrs, error))
		return false;
	const struct timespec times[2] = {{.tv_sec = entry->mtime, .tv_nsec = entry->mtime_ns},
					  {.tv_sec = entry->mtime, .tv_nsec = entry->mtime_ns}};
	if (futimens(fd, times) < 0)
		return error_set_errno(error, "cannot set the time of '%s'", u->path->str);
	return true;
}

/* Clear the entry's place. Return: its parent, found again, or -1 with @error. */
static int clear_place(Unpack *u, int parent_fd, GError **error)
{
	bool kept = false, hidden = false;
	if (!unpack_make_way(u, parent_fd, u->base, u->path->str, false, &kept, &hidden, error))
		return -1;
	unpack_forget_parent(u);
	return unpack_parent(u, u->path->str, error);
}

/*
 * A file that is mounted on its place (/etc/hosts, -v FILE:FILE) keeps it and gets new content: to
 * unlink it here would take the mount away from the container.
 */
static bool write_mounted(Unpack *u, const TarEntry *entry, int parent_fd, GError **error)
{
	struct stat st;
	autofd fd = path_open_in_root(parent_fd, u->base, O_WRONLY | O_NOFOLLOW, 0);
	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || ftruncate(fd, 0) < 0)
		return error_set_errno(error, "cannot write to the mount at '%s'", u->path->str);
	return write_data(u, entry, fd, error);
}

/* A later entry takes the place of an earlier one; a link there is never followed. */
static bool unpack_file(Unpack *u, const TarEntry *entry, int parent_fd, GError **error)
{
	const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
	if (!charge(u, entry, error))
		return false;
	autofd fd = openat(parent_fd, u->base,
			   wall_stands("fresh-files") ? flags : O_WRONLY | O_CREAT | O_CLOEXEC,
			   entry->mode & 0777);
	if (fd < 0 && errno == EEXIST) {
		if (u->options->plain && unpack_is_mount(parent_fd, u->base))
			return write_mounted(u, entry, parent_fd, error);
		parent_fd = clear_place(u, parent_fd, error);
		if (parent_fd < 0)
			return false;
		fd = openat(parent_fd, u->base, flags, entry->mode & 0777);
	}
	if (fd < 0)
		return error_set_errno(error, "cannot make '%s'", u->path->str);
	return write_data(u, entry, fd, error) && finish_file(u, entry, fd, error);
}

/* Made as 0700 and described at the end, so that entries below a closed one get in. */
static bool unpack_dir(Unpack *u, const TarEntry *entry, int parent_fd, GError **error)
{
	bool kept = false, hidden = false;
	if (*u->base && mkdirat(parent_fd, u->base, 0700) < 0) {
		if (errno != EEXIST)
			return error_set_errno(error, "cannot make the directory '%s'",
					       u->path->str);
		if (!unpack_make_way(u, parent_fd, u->base, u->path->str, true, &kept, &hidden,
				     error))
			return false;
		if (!kept) {
			unpack_forget_parent(u);
			parent_fd = unpack_parent(u, u->path->str, error);
			if (parent_fd < 0)
				return false;
		}
		if (!kept && mkdirat(parent_fd, u->base, 0700) < 0)
			return error_set_errno(error, "cannot make the directory '%s'",
					       u->path->str);
	}

	UnpackDir *dir = unpack_dir_record(u, parent_fd, u->base, u->path->str, error);
	if (!dir)
		return false;
	dir->described = true;
	dir->opaque |= hidden;
	dir->mode = entry->mode;
	dir->uid = entry->uid;
	dir->gid = entry->gid;
	dir->mtime = entry->mtime;
	dir->mtime_ns = entry->mtime_ns;
	g_clear_pointer(&dir->xattrs, g_array_unref);
	dir->xattrs = copy_xattrs(entry->xattrs);
	return true;
}

/* Owner and time of an object that cannot be opened. */
static bool finish_by_name(Unpack *u, const TarEntry *entry, int parent_fd, GError **error)
{
	const struct timespec times[2] = {{.tv_sec = entry->mtime, .tv_nsec = entry->mtime_ns},
					  {.tv_sec = entry->mtime, .tv_nsec = entry->mtime_ns}};
	uint32_t uid = entry->uid, gid = entry->gid;
	if (unpack_owner(u, &uid, &gid) &&
	    fchownat(parent_fd, u->base, uid, gid, AT_SYMLINK_NOFOLLOW) < 0)
		return unpack_chown_error(u->path->str, uid, gid, error);
	if (utimensat(parent_fd, u->base, times, AT_SYMLINK_NOFOLLOW) < 0)
		return error_set_errno(error, "cannot set the time of '%s'", u->path->str);
	u->stats.xattrs += entry->xattrs->len;
	return true;
}

/* Its target is text and never followed while unpacking. */
static bool unpack_symlink(Unpack *u, const TarEntry *entry, int parent_fd, GError **error)
{
	if (!*entry->link || strlen(entry->link) > UNPACK_PATH_MAX)
		return error_set(error, ENGINE_ERROR_INVALID, "the link '%s' has no valid target",
				 u->path->str);
	if (symlinkat(entry->link, parent_fd, u->base) < 0) {
		if (errno != EEXIST)
			return error_set_errno(error, "cannot make the link '%s'", u->path->str);
		parent_fd = clear_place(u, parent_fd, error);
		if (parent_fd < 0)
			return false;
		if (symlinkat(entry->link, parent_fd, u->base) < 0)
			return error_set_errno(error, "cannot make the link '%s'", u->path->str);
	}
	return finish_by_name(u, entry, parent_fd, error);
}

/* A later entry takes the place of an earlier one. */
static bool unpack_fifo(Unpack *u, const TarEntry *entry, int parent_fd, GError **error)
{
	if (mknodat(parent_fd, u->base, S_IFIFO | (entry->mode & 0777), 0) < 0) {
		if (errno != EEXIST)
			return error_set_errno(error, "cannot make the fifo '%s'", u->path->str);
		parent_fd = clear_place(u, parent_fd, error);
		if (parent_fd < 0)
			return false;
		if (mknodat(parent_fd, u->base, S_IFIFO | (entry->mode & 0777), 0) < 0)
			return error_set_errno(error, "cannot make the fifo '%s'", u->path->str);
	}
	return finish_by_name(u, entry, parent_fd, error);
}

/*
 * The target of a hard link: a descriptor of its directory and its name. The final component is not
 * followed, so a link to a symbolic link is one more name of it, inside the root by construction.
 * Return: 1 found, 0 not in this layer, -1 with @error.
 */
static int find_target(Unpack *u, const char *target, int *out_parent, struct stat *out_st,
		       GError **error)
{
	g_autofree char *parent = g_path_get_dirname(target);
	const char *slash = strrchr(target, '/');
	const char *base = slash ? slash + 1 : target;
	autofd fd = path_open_in_root(u->options->root_fd, parent, O_PATH | O_DIRECTORY, 0);
	if (fd < 0 && errno != ENOENT && errno != ENOTDIR) {
		(void)error_set_errno(error, "cannot open '%s'", parent);
		return -1;
	}
	if (fd < 0 || fstatat(fd, base, out_st, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	*out_parent = fd_steal(&fd);
	return 1;
}

/* Link to what find_target() found. */
static bool make_link(Unpack *u, int target_fd, const char *target, const struct stat *st,
		      int parent_fd, GError **error)
{
	const char *slash = strrchr(target, '/');
	const char *base = slash ? slash + 1 : target;
	if ((S_ISDIR(st->st_mode) || unpack_is_whiteout(st)) && wall_stands("link-kinds"))
		return error_set(error, ENGINE_ERROR_INVALID,
				 "the hard link '%s' leads to '%s', which is no file", u->path->str,
				 target);
	if (linkat(target_fd, base, parent_fd, u->base, 0) == 0)
		return true;
	if (errno != EEXIST)
		return error_set_errno(error, "cannot link '%s' to '%s'", u->path->str, target);
	struct stat here;
	if (fstatat(parent_fd, u->base, &here, AT_SYMLINK_NOFOLLOW) == 0 &&
	    here.st_ino == st->st_ino && here.st_dev == st->st_dev)
		return true;
	parent_fd = clear_place(u, parent_fd, error);
	if (parent_fd < 0)
		return false;
	if (linkat(target_fd, base, parent_fd, u->base, 0) < 0)
		return error_set_errno(error, "cannot link '%s' to '%s'", u->path->str, target);
	return true;
}

/* Targets in this layer are linked now, those that may lie in a lower one deferred. */
static bool unpack_hardlink(Unpack *u, const TarEntry *entry, int parent_fd, GError **error)
{
	g_autoptr(GString) target = g_string_new(NULL);
	if (!unpack_clean(target, entry->link, "the target of a hard link", error))
		return false;
	if (target->len == 0)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "the hard link '%s' has no valid target", u->path->str);
	autofd target_fd = -1;
	struct stat st;
	int found = find_target(u, target->str, &target_fd, &st, error);
	if (found < 0)
		return false;
	if (found > 0)
		return make_link(u, target_fd, target->str, &st, parent_fd, error);
	if (!u->options->has_parent)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "the hard link '%s' leads to '%s', which does not exist",
				 u->path->str, target->str);

	/* A file of a lower layer, perhaps: see layer_complete(). What was here makes way now. */
	if (clear_place(u, parent_fd, error) < 0)
		return false;
	unpack_defer(u, DEFERRED_LINK, u->path->str, target->str);
	return true;
}

/* Names that only whiteouts may have: in the middle of a path they have no meaning, and confuse
 * others. */
static bool has_whiteout_parent(const Unpack *u)
{
	for (const char *at = u->path->str; at < u->base;) {
		if (g_str_has_prefix(at, WHITEOUT_PREFIX))
			return true;
		at = strchr(at, '/') + 1;
	}
	return false;
}

/* Split the entry's name; the root itself has an empty base. */
static bool take_name(Unpack *u, const TarEntry *entry, GError **error)
{
	if (!unpack_clean(u->path, entry->name, "entry", error))
		return false;
	const char *slash = strrchr(u->path->str, '/');
	u->base = slash ? slash + 1 : u->path->str;
	if (!*u->base && entry->type != TAR_DIR && wall_stands("root-stays"))
		return error_set(error, ENGINE_ERROR_INVALID, "entry '%s' would replace the root",
				 entry->name);
	if (!u->options->plain && has_whiteout_parent(u) && wall_stands("whiteout-parents"))
		return error_set(error, ENGINE_ERROR_INVALID, "entry '%s' lies in a whiteout",
				 entry->name);
	return true;
}

/* Every entry counts against the limit, also those that make nothing. */
static bool unpack_entry(Unpack *u, const TarEntry *entry, GError **error)
{
	if (++u->stats.entries > u->options->max_entries)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "the layer has more than %" G_GUINT64_FORMAT " entries",
				 u->options->max_entries);
	if (!take_name(u, entry, error))
		return false;
	if (!u->options->plain && g_str_has_prefix(u->base, WHITEOUT_PREFIX))
		return unpack_whiteout(u, entry, error);
	int parent_fd = unpack_parent(u, u->path->str, error);
	if (parent_fd < 0)
		return false;
	switch (entry->type) {
	case TAR_FILE:
		return unpack_file(u, entry, parent_fd, error);
	case TAR_DIR:
		return unpack_dir(u, entry, parent_fd, error);
	case TAR_SYMLINK:
		return unpack_symlink(u, entry, parent_fd, error);
	case TAR_HARDLINK:
		return unpack_hardlink(u, entry, parent_fd, error);
	case TAR_FIFO:
		return unpack_fifo(u, entry, parent_fd, error);
	case TAR_CHAR:
	case TAR_BLOCK:
		/* A container's devices come from the runtime. */
		if (!wall_stands("no-devices") &&
		    mknodat(parent_fd, u->base, S_IFCHR | 0600, 0) < 0)
			return error_set_errno(error, "cannot make '%s'", u->path->str);
		u->stats.devices++;
		return true;
	}
	g_assert_not_reached();
}

/* The root is recorded first, as an entry "./" may describe it at any time. */
static bool unpack_all(Unpack *u, GError **error)
{
	if (!u->options->plain && !unpack_dir_record(u, u->options->root_fd, "", "", error))
		return false;
	for (;;) {
		const TarEntry *entry = NULL;
		int got = tar_reader_next(u->reader, &entry, error);
		if (got < 0 || (got > 0 && !unpack_entry(u, entry, error)))
			return false;
		if (got == 0)
			return unpack_dirs_finish(u, error);
	}
}

bool tar_unpack(TarReader *reader, const TarUnpackOptions *options, GByteArray *deferred,
		TarUnpackStats *out_stats, GError **error)
{
	Unpack u = {
		.options = options,
		.reader = reader,
		.deferred = deferred,
		.dirs = g_ptr_array_new_with_free_func(free_dir),
		.dirs_by_ino = g_hash_table_new(NULL, NULL),
		.parent_fd = -1,
		.path = g_string_new(NULL),
	};
	bool done = unpack_all(&u, error);
	if (done)
		*out_stats = u.stats;
	unpack_forget_parent(&u);
	g_hash_table_unref(u.dirs_by_ino);
	g_ptr_array_unref(u.dirs);
	g_string_free(u.path, TRUE);
	return done;
}
