/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The extractor: names, parents, what stands in the way, directories' second pass, attributes,
 * whiteouts. Runs in the jailed unpack child.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/path.h"
#include "libpod/base/wall.h"
#include "storage/tar_unpack_priv.h"

#define WHITEOUT_PREFIX ".wh."
#define OPAQUE_NAME     ".wh..wh..opq"
#define OPAQUE_XATTR    "user.overlay.opaque"

bool unpack_clean(GString *out, const char *name, const char *what, GError **error)
{
	g_string_truncate(out, 0);
	for (const char *at = name; *at;) {
		size_t size = strcspn(at, "/");
		bool skip = size == 0 || (size == 1 && at[0] == '.');
		if (size == 2 && at[0] == '.' && at[1] == '.' && wall_stands("entry-dots"))
			return error_set(error, ENGINE_ERROR_INVALID, "%s '%s' has a '..' in it",
					 what, name);
		if (size > UNPACK_NAME_MAX || out->len + size + 1 > UNPACK_PATH_MAX)
			return error_set(error, ENGINE_ERROR_INVALID, "%s '%.80s...' is too long",
					 what, name);
		if (!skip) {
			if (out->len > 0)
				g_string_append_c(out, '/');
			g_string_append_len(out, at, (gssize)size);
		}
		at += size + (at[size] == '/');
	}
	return true;
}

bool unpack_is_whiteout(const struct stat *st)
{
	return S_ISCHR(st->st_mode) && st->st_rdev == makedev(0, 0);
}

void unpack_defer(Unpack *u, char kind, const char *path, const char *target)
{
	g_byte_array_append(u->deferred, (const guint8 *)&kind, 1);
	g_byte_array_append(u->deferred, (const guint8 *)path, (guint)strlen(path) + 1);
	g_byte_array_append(u->deferred, (const guint8 *)target, (guint)strlen(target) + 1);
	u->stats.deferred++;
}

bool unpack_chown_error(const char *path, uint32_t uid, uint32_t gid, GError **error)
{
	if (errno != EINVAL && errno != EOVERFLOW)
		return error_set_errno(error, "cannot change the owner of '%s'", path);
	(void)error_set(error, ENGINE_ERROR_UNSUPPORTED,
			"'%s' belongs to %u:%u, which your range of sub-ids does not reach", path,
			uid, gid);
	error_add_help(error, "give the user a larger range: sudo usermod --add-subuids FIRST-LAST "
			      "--add-subgids FIRST-LAST $USER");
	return false;
}

bool unpack_owner(const Unpack *u, uint32_t *uid, uint32_t *gid)
{
	const uint32_t *owner = u->options->owner;
	if (owner) {
		*uid = owner[0];
		*gid = owner[1];
	}
	/* What a layer's entry is made as belongs to 0 already; a directory that was there may not.
	 */
	return !u->options->single_id && (*uid || *gid || u->options->plain);
}

bool unpack_is_mount(int parent_fd, const char *base)
{
	struct statx here, there;
	autofd fd = path_open_in_root(parent_fd, base, O_PATH | O_NOFOLLOW, 0);
	return fd >= 0 && statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &there) == 0 &&
	       statx(parent_fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &here) == 0 &&
	       here.stx_mnt_id != there.stx_mnt_id;
}

/* May what stands at @base go, where a directory is not to be replaced by a file? */
static bool check_place(const Unpack *u, int parent_fd, const char *base, const char *path,
			bool is_dir, bool for_dir, GError **error)
{
	if (!u->options->plain)
		return true;
	if (u->options->keep_kinds && is_dir != for_dir) {
		error_set(error, ENGINE_ERROR_EXISTS,
			  is_dir ? "cannot overwrite directory '%s' with non-directory"
				 : "cannot overwrite non-directory '%s' with directory",
			  path);
		error_add_help(error, "--overwrite replaces one by the other");
		return false;
	}
	if (!unpack_is_mount(parent_fd, base))
		return true;
	errno = EBUSY;
	return error_set_errno(error, "cannot replace the mount at '%s'", path);
}

void unpack_forget_parent(Unpack *u)
{
	g_clear_pointer(&u->parent_path, g_free);
	fd_close(&u->parent_fd);
}

UnpackDir *unpack_dir_record(Unpack *u, int parent_fd, const char *base, const char *path,
			     GError **error)
{
	struct stat st;
	if (fstatat(parent_fd, base, &st, AT_SYMLINK_NOFOLLOW | (*base ? 0 : AT_EMPTY_PATH)) < 0)
		return error_set_errno_null(error, "cannot look at '%s'", path);
	UnpackDir *dir = g_hash_table_lookup(u->dirs_by_ino, GSIZE_TO_POINTER(st.st_ino));
	if (dir && dir->dev == st.st_dev) {
		/* Perhaps reached by another way, through a link: the newest is as good. */
		g_free(dir->path);
		dir->path = g_strdup(path);
		return dir;
	}
	dir = g_new0(UnpackDir, 1);
	dir->path = g_strdup(path);
	dir->dev = st.st_dev;
	dir->ino = st.st_ino;
	dir->mode = 0755;
	g_ptr_array_add(u->dirs, dir);
	g_hash_table_insert(u->dirs_by_ino, GSIZE_TO_POINTER(st.st_ino), dir);
	return dir;
}

/* Make the last component of @path, a directory that the archive does not describe (yet). */
static bool make_implicit(Unpack *u, int parent_fd, const char *base, const char *path,
			  GError **error)
{
	bool hidden = false;
	struct stat st;
	if (fstatat(parent_fd, base, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		if (!unpack_is_whiteout(&st) && wall_stands("parents-stay"))
			return error_set(error, ENGINE_ERROR_INVALID,
					 "'%s' is not a directory, but an entry lies in it", path);
		hidden = true;
		if (unlinkat(parent_fd, base, 0) < 0)
			return error_set_errno(error, "cannot replace '%s'", path);
	}
	if (mkdirat(parent_fd, base, 0700) < 0)
		return error_set_errno(error, "cannot make the directory '%s'", path);
	UnpackDir *dir = unpack_dir_record(u, parent_fd, base, path, error);
	if (!dir)
		return false;
	dir->opaque |= hidden;
	return true;
}

/* Open @path as a directory, making what is missing on the way. */
static int make_parents(Unpack *u, const char *path, GError **error)
{
	autofd at = fcntl(u->options->root_fd, F_DUPFD_CLOEXEC, 3);
	g_autoptr(GString) prefix = g_string_new(NULL);
	g_auto(GStrv) parts = g_strsplit(path, "/", -1);
	for (size_t i = 0; parts[i]; i++) {
		if (i > 0)
			g_string_append_c(prefix, '/');
		g_string_append(prefix, parts[i]);
		int next = path_open_in_root(u->options->root_fd, prefix->str, O_PATH | O_DIRECTORY,
					     0);
		if (next < 0 && (errno == ENOENT || errno == ENOTDIR)) {
			if (!make_implicit(u, at, parts[i], prefix->str, error))
				return -1;
			next = path_open_in_root(u->options->root_fd, prefix->str,
						 O_PATH | O_DIRECTORY, 0);
		}
		if (next < 0) {
			(void)error_set_errno(error, "cannot open the directory '%s'", prefix->str);
			return -1;
		}
		fd_close(&at);
		at = next;
	}
	return fd_steal(&at);
}

int unpack_parent(Unpack *u, const char *path, GError **error)
{
	const char *slash = strrchr(path, '/');
	size_t size = slash ? (size_t)(slash - path) : 0;
	if (size == 0)
		return u->options->root_fd;
	if (u->parent_path && strlen(u->parent_path) == size &&
	    memcmp(u->parent_path, path, size) == 0)
		return u->parent_fd;

	unpack_forget_parent(u);
	g_autofree char *parent = g_strndup(path, size);
	int fd = path_open_in_root(u->options->root_fd, parent, O_PATH | O_DIRECTORY, 0);
	if (fd < 0)
		fd = make_parents(u, parent, error);
	if (fd < 0)
		return -1;
	u->parent_path = g_steal_pointer(&parent);
	u->parent_fd = fd;
	return fd;
}

/* Keep what the journal points to: move it to extra/N. */
static bool set_aside(Unpack *u, int parent_fd, const char *base, const char *path, GError **error)
{
	char name[24];
	(void)snprintf(name, sizeof(name), "%" G_GUINT64_FORMAT, u->n_extra);
	if (renameat(parent_fd, base, u->options->extra_fd, name) < 0)
		return error_set_errno(error, "cannot replace '%s'", path);
	return tar_journal_moved(u->options->journal, path, u->n_extra++, error);
}

/* A tree is deleted: its inode numbers may come back as other directories. */
static void forget_dirs(Unpack *u, const char *path)
{
	size_t size = strlen(path);
	for (guint i = 0; i < u->dirs->len; i++) {
		UnpackDir *dir = u->dirs->pdata[i];
		if (strncmp(dir->path, path, size) != 0 ||
		    (dir->path[size] != '\0' && dir->path[size] != '/'))
			continue;
		g_hash_table_remove(u->dirs_by_ino, GSIZE_TO_POINTER(dir->ino));
		dir->ino = 0;
	}
}

bool unpack_make_way(Unpack *u, int parent_fd, const char *base, const char *path, bool for_dir,
		     bool *out_kept, bool *out_hidden, GError **error)
{
	struct stat st;
	*out_kept = *out_hidden = false;
	if (fstatat(parent_fd, base, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? true : error_set_errno(error, "cannot look at '%s'", path);
	bool is_dir = S_ISDIR(st.st_mode);
	if (is_dir && for_dir) {
		*out_kept = true;
		return true;
	}
	if (!check_place(u, parent_fd, base, path, is_dir, for_dir, error))
		return false;
	*out_hidden = !u->options->plain && unpack_is_whiteout(&st);
	bool has_data = is_dir || (S_ISREG(st.st_mode) && st.st_size > 0);
	if (has_data && u->options->journal)
		return set_aside(u, parent_fd, base, path, error);
	if (is_dir)
		forget_dirs(u, path);
	if (is_dir ? !path_remove_tree(parent_fd, base) : unlinkat(parent_fd, base, 0) < 0)
		return error_set_errno(error, "cannot replace '%s'", path);
	return true;
}

/* The policy for one attribute: which name and value to set, if any. */
static bool xattr_is_kept(const TarXattr *xattr, unsigned char capability[20], const void **value,
			  size_t *size)
{
	*value = xattr->value;
	*size = xattr->size;
	if (xattr->size > UNPACK_XATTR_MAX || strlen(xattr->name) > UNPACK_NAME_MAX)
		return false;
	if (g_str_has_prefix(xattr->name, "user."))
		return !g_str_has_prefix(xattr->name, "user.overlay.") ||
		       !wall_stands("no-overlay-attributes");
	if (strcmp(xattr->name, "security.capability") != 0)
		return false;

	/*
	 * Revision 2, or revision 3 with somebody's root id behind it. Either is written as 2,
	 * which the kernel binds to our user namespace.
	 */
	const unsigned char *bytes = (const unsigned char *)xattr->value;
	bool is_v2 = xattr->size == 20 && bytes[3] == 2;
	bool is_v3 = xattr->size == 24 && bytes[3] == 3;
	if (!is_v2 && !is_v3)
		return false;
	if (!wall_stands("own-capabilities"))
		return true;
	memcpy(capability, bytes, 20);
	capability[3] = 2;
	*value = capability;
	*size = 20;
	return true;
}

bool unpack_xattrs_apply(Unpack *u, int fd, const GArray *xattrs, GError **error)
{
	for (guint i = 0; xattrs && i < xattrs->len; i++) {
		const TarXattr *xattr = &g_array_index(xattrs, TarXattr, i);
		unsigned char capability[20];
		const void *value = NULL;
		size_t size = 0;
		if (!xattr_is_kept(xattr, capability, &value, &size)) {
			u->stats.xattrs++;
			continue;
		}
		u->xattr_bytes += size;
		if (u->xattr_bytes > UNPACK_XATTR_ALL)
			return error_set(error, ENGINE_ERROR_INVALID,
					 "the layer has more than 256 MiB of extended attributes");
		if (fsetxattr(fd, xattr->name, value, size, 0) == 0)
			continue;
		/* What the file system cannot hold is left out, as other tools do. */
		if (errno != ENOTSUP && errno != EPERM && errno != E2BIG && errno != ENOSPC &&
		    errno != ERANGE)
			return error_set_errno(error, "cannot set the attribute '%s'", xattr->name);
		u->stats.xattrs++;
	}
	return true;
}

/* Put owner, attributes, mode and time on one directory, if it is still the one we made. */
static bool finish_dir(Unpack *u, const UnpackDir *dir, GError **error)
{
	autofd fd =
		*dir->path ? path_open_in_root(u->options->root_fd, dir->path,
					       O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0)
			   : path_open_in_root(u->options->root_fd, ".", O_RDONLY | O_DIRECTORY, 0);
	struct stat st;
	if (fd < 0 || fstat(fd, &st) < 0 || st.st_dev != dir->dev || st.st_ino != dir->ino)
		return true; /* something else took its place */

	if (dir->opaque && *dir->path && fsetxattr(fd, OPAQUE_XATTR, "y", 1, 0) < 0)
		return error_set_errno(error, "cannot mark '%s' opaque", dir->path);
	/* The first layer has nothing to hide. */
	if (dir->opaque && !*dir->path && u->options->has_parent)
		unpack_defer(u, DEFERRED_OPAQUE, "", "");
	if (!dir->described) {
		if (u->options->has_parent && !dir->opaque)
			unpack_defer(u, DEFERRED_DIR, dir->path, "");
		const struct timespec epoch[2] = {{0}, {0}};
		uint32_t uid = 0, gid = 0;
		if (u->options->plain && unpack_owner(u, &uid, &gid) && fchown(fd, uid, gid) < 0)
			return unpack_chown_error(dir->path, uid, gid, error);
		if (fchmod(fd, 0755) < 0 || (!u->options->plain && futimens(fd, epoch) < 0))
			return error_set_errno(error, "cannot set the mode of '%s'", dir->path);
		return true;
	}

	const struct timespec times[2] = {{.tv_sec = dir->mtime, .tv_nsec = dir->mtime_ns},
					  {.tv_sec = dir->mtime, .tv_nsec = dir->mtime_ns}};
	uint32_t uid = dir->uid, gid = dir->gid;
	if (unpack_owner(u, &uid, &gid) && fchown(fd, uid, gid) < 0)
		return unpack_chown_error(dir->path, uid, gid, error);
	if (!unpack_xattrs_apply(u, fd, dir->xattrs, error))
		return false;
	if (fchmod(fd, dir->mode) < 0 || futimens(fd, times) < 0)
		return error_set_errno(error, "cannot set the mode of '%s'", dir->path);
	return true;
}

bool unpack_dirs_finish(Unpack *u, GError **error)
{
	for (guint i = u->dirs->len; i-- > 0;)
		if (!finish_dir(u, u->dirs->pdata[i], error))
			return false;
	return true;
}

/* Hide all that lower layers have in the entry's directory. */
static bool make_opaque(Unpack *u, int parent_fd, GError **error)
{
	g_autofree char *path = g_path_get_dirname(u->path->str);
	bool is_root = strcmp(path, ".") == 0;
	UnpackDir *dir = unpack_dir_record(u, parent_fd, "", is_root ? "" : path, error);
	if (dir)
		dir->opaque = true;
	return dir != NULL;
}

bool unpack_whiteout(Unpack *u, const TarEntry *entry, GError **error)
{
	if (entry->size > 0 && wall_stands("whiteout-data"))
		return error_set(error, ENGINE_ERROR_INVALID, "the whiteout '%s' has data",
				 entry->name);
	int parent_fd = unpack_parent(u, u->path->str, error);
	if (parent_fd < 0)
		return false;
	if (strcmp(u->base, OPAQUE_NAME) == 0)
		return make_opaque(u, parent_fd, error);
	const char *name = u->base + strlen(WHITEOUT_PREFIX);
	/* What aufs kept for itself (".wh..wh.plnk" and such) says nothing about the tree. */
	if (g_str_has_prefix(name, WHITEOUT_PREFIX))
		return true;
	if (!wall_stands("whiteout-names"))
		return true;
	if (!*name || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return error_set(error, ENGINE_ERROR_INVALID, "'%s' is not a valid whiteout",
				 entry->name);

	/* It hides what lower layers have; an object of this same layer stays. */
	if (mknodat(parent_fd, name, S_IFCHR, makedev(0, 0)) == 0)
		return true;
	if (errno != EEXIST)
		return error_set_errno(error, "cannot make the whiteout of '%s'", u->path->str);
	struct stat st;
	if (fstatat(parent_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return error_set_errno(error, "cannot look at '%s'", u->path->str);
	if (!S_ISDIR(st.st_mode))
		return true;
	g_autofree char *dir_name = g_path_get_dirname(u->path->str);
	g_autofree char *path = strcmp(dir_name, ".") == 0 ? g_strdup(name)
							   : g_strconcat(dir_name, "/", name, NULL);
	UnpackDir *dir = unpack_dir_record(u, parent_fd, name, path, error);
	if (dir)
		dir->opaque = true;
	return dir != NULL;
}
