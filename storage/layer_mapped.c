/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copies run in a short-lived child inside the user's namespace, outside all locks: two commands
 * that need the same copy both make it, and the second rename finds the place taken.
 */
#include "storage/layer_mapped.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/path.h"
#include "storage/digest.h"
#include "storage/layer.h"

/* Each level holds two descriptors. */
#define MAX_DEPTH      400
#define MAX_XATTR_LIST 65536
#define MAX_XATTR      65536
#define COPY_CHUNK     (1u << 30)

/* One copy on its way. */
typedef struct {
	const IdMap *map;
	uint32_t spare_uid, spare_gid; /* of files whose owner has no place in the map */
	bool no_clone;                 /* the file system shares no data */
	int to_root;
	GString *path;       /* of the entry at hand, below the root */
	GHashTable *links;   /* inode number -> path of its first name, for files with several */
	char *names, *value; /* buffers for attributes */
} Copy;

void mapped_tree_free(MappedTree *tree)
{
	if (!tree)
		return;
	g_free(tree->source);
	g_free(tree->name);
	g_free(tree);
}

char *mapped_base_path(const char *base, const IdMap *map)
{
	g_autofree char *key = layer_map_key(map);
	return g_strdup_printf("cache/%s@%s/diff", base, key);
}

/* Add @name to the list unless it is there already. Takes @source and @name. */
static bool add_missing(Store *store, const char *dir, char *source, char *name, GPtrArray *list,
			GError **error)
{
	g_autoptr(MappedTree) tree = g_new0(MappedTree, 1);
	tree->dir = dir;
	tree->source = source;
	tree->name = name;
	struct stat st;
	if (fstatat(store_dir(store, dir), name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return true;
	if (errno != ENOENT)
		return error_set_errno(error, "cannot look for '%s/%s'", dir, name);
	g_ptr_array_add(list, g_steal_pointer(&tree));
	return true;
}

static void free_tree(void *tree)
{
	mapped_tree_free(tree);
}

GPtrArray *mapped_trees_missing(Store *store, const char *const *chain_ids, const char *base,
				const IdMap *map, GError **error)
{
	g_autofree char *key = layer_map_key(map);
	g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func(free_tree);
	if (!add_missing(store, "cache", g_strdup(base), g_strdup_printf("%s@%s", base, key), list,
			 error))
		return NULL;
	for (size_t i = 0; chain_ids && chain_ids[i]; i++) {
		const char *hex = digest_hex(chain_ids[i]);
		if (!add_missing(store, "layers", g_strconcat(hex, "/diff", NULL),
				 g_strdup_printf("%s@%s", hex, key), list, error))
			return NULL;
	}
	return g_steal_pointer(&list);
}

/* The owner in the copy. Return: false if the map has no place for it. */
static bool translate(const Copy *copy, const struct stat *st, uid_t *uid, gid_t *gid)
{
	*uid = copy->spare_uid;
	*gid = copy->spare_gid;
	bool has_uid = idmap_translate(copy->map->uids, st->st_uid, uid);
	bool has_gid = idmap_translate(copy->map->gids, st->st_gid, gid);
	return has_uid && has_gid;
}

/*
 * All of user.* and file capabilities. Of an overlay's marks only the one that hides what lies
 * below: the others of an upper directory (origin, impure, uuid) mean nothing in a copy. Return:
 * false with errno.
 */
static bool copy_xattrs(Copy *copy, int from, int to)
{
	ssize_t size = flistxattr(from, copy->names, MAX_XATTR_LIST);
	if (size < 0)
		return errno == ENOTSUP;
	for (char *name = copy->names; name < copy->names + size; name += strlen(name) + 1) {
		if (!g_str_has_prefix(name, "user.") && strcmp(name, "security.capability") != 0)
			continue;
		if (g_str_has_prefix(name, "user.overlay.") &&
		    strcmp(name, "user.overlay.opaque") != 0)
			continue;
		ssize_t length = fgetxattr(from, name, copy->value, MAX_XATTR);
		if (length < 0 || fsetxattr(to, name, copy->value, (size_t)length, 0) < 0)
			return false;
	}
	return true;
}

/*
 * The owner first, because chown clears set-id bits and file capabilities; attributes before the
 * mode, which may forbid to write them; times last. Return: false with errno.
 */
static bool copy_metadata(Copy *copy, int from, int to, const struct stat *st)
{
	struct timespec times[2] = {st->st_atim, st->st_mtim};
	uid_t uid;
	gid_t gid;
	mode_t mode = st->st_mode & 07777;
	if (!translate(copy, st, &uid, &gid) && !S_ISDIR(st->st_mode))
		mode &= ~(mode_t)(S_ISUID | S_ISGID);
	return fchown(to, uid, gid) == 0 && copy_xattrs(copy, from, to) && fchmod(to, mode) == 0 &&
	       futimens(to, times) == 0;
}

/* Share the data if the file system can, else let the kernel copy it. Return: false with errno. */
static bool copy_data(Copy *copy, int from, int to)
{
	if (!copy->no_clone && ioctl(to, FICLONE, from) == 0)
		return true;
	copy->no_clone = true;
	ssize_t n;
	while ((n = copy_file_range(from, NULL, to, NULL, COPY_CHUNK, 0)) > 0)
		;
	if (n == 0 || (errno != EXDEV && errno != EINVAL && errno != EOPNOTSUPP))
		return n == 0;
	char buffer[65536];
	while ((n = read(from, buffer, sizeof buffer)) > 0) {
		if (!fd_write_all(to, buffer, (size_t)n))
			return false;
	}
	return n == 0;
}

static bool copy_file(Copy *copy, int from_dir, int to_dir, const char *name, const struct stat *st)
{
	autofd from = path_open_state(from_dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0);
	autofd to = from < 0 ? -1
			     : path_open_state(to_dir, name,
					       O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
	return to >= 0 && (st->st_size == 0 || copy_data(copy, from, to)) &&
	       copy_metadata(copy, from, to, st);
}

/* A link, a whiteout, a fifo: what has an owner and times but no descriptor. */
static bool copy_special(Copy *copy, int from_dir, int to_dir, const char *name,
			 const struct stat *st)
{
	struct timespec times[2] = {st->st_atim, st->st_mtim};
	uid_t uid;
	gid_t gid;
	(void)translate(copy, st, &uid, &gid);
	if (S_ISLNK(st->st_mode)) {
		char target[4096];
		ssize_t n = readlinkat(from_dir, name, target, sizeof target - 1);
		if (n < 0)
			return false;
		target[n] = '\0';
		if (symlinkat(target, to_dir, name) < 0)
			return false;
	} else if (mknodat(to_dir, name, st->st_mode & (S_IFMT | 0777), st->st_rdev) < 0) {
		/* A device that real root unpacked cannot be made again by others: it could not be
		 * used in the container either. */
		bool whiteout = S_ISCHR(st->st_mode) && st->st_rdev == makedev(0, 0);
		return errno == EPERM && !whiteout;
	}
	return fchownat(to_dir, name, uid, gid, AT_SYMLINK_NOFOLLOW) == 0 &&
	       utimensat(to_dir, name, times, AT_SYMLINK_NOFOLLOW) == 0;
}

static bool copy_directory(Copy *copy, int from_dir, const char *name, int to, int depth);

/* Copy one entry of whatever type; copy->path names it. Return: false with errno. */
static bool copy_entry(Copy *copy, int from_dir, int to_dir, const char *name, int depth)
{
	struct stat st;
	if (fstatat(from_dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return false;
	if (S_ISDIR(st.st_mode)) {
		if (mkdirat(to_dir, name, 0700) < 0)
			return false;
		autofd to = path_open_state(to_dir, name, O_RDONLY | O_DIRECTORY, 0);
		return to >= 0 && copy_directory(copy, from_dir, name, to, depth + 1);
	}
	gint64 inode = (gint64)st.st_ino;
	const char *first = st.st_nlink > 1 ? g_hash_table_lookup(copy->links, &inode) : NULL;
	if (first)
		return linkat(copy->to_root, first, to_dir, name, 0) == 0;
	if (st.st_nlink > 1)
		g_hash_table_insert(copy->links, g_memdup2(&inode, sizeof inode),
				    g_strdup(copy->path->str));
	return S_ISREG(st.st_mode) ? copy_file(copy, from_dir, to_dir, name, &st)
				   : copy_special(copy, from_dir, to_dir, name, &st);
}

/* Copy what the directory @name of @from_dir holds into @to, then its own owner, mode and times. */
static bool copy_directory(Copy *copy, int from_dir, const char *name, int to, int depth)
{
	int from = path_open_state(from_dir, name, O_RDONLY | O_DIRECTORY, 0);
	DIR *stream = from < 0 ? NULL : fdopendir(from);
	if (!stream) {
		fd_close(&from);
		return false;
	}
	gsize length = copy->path->len;
	bool ok = depth < MAX_DEPTH || (errno = ELOOP, false);
	const struct dirent *entry = NULL;
	while (ok && (errno = 0, entry = readdir(stream)) != NULL) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		g_string_append_printf(copy->path, "%s%s", length ? "/" : "", entry->d_name);
		ok = copy_entry(copy, from, to, entry->d_name, depth);
		/* Behind a failure it still names the entry. */
		if (ok)
			g_string_truncate(copy->path, length);
	}
	struct stat st;
	ok = ok && errno == 0 && fstat(from, &st) == 0 && copy_metadata(copy, from, to, &st);
	int failure = errno;
	(void)closedir(stream);
	errno = failure;
	return ok;
}

/* Copy @name of @from_dir into the open directory @to. */
static bool copy_tree(int from_dir, const char *name, int to, const IdMap *map, char **out_failed)
{
	Copy copy = {
		.map = map,
		.spare_uid = idmap_root(map->uids),
		.spare_gid = idmap_root(map->gids),
		.to_root = to,
		.path = g_string_new(NULL),
		.links = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, g_free),
		.names = g_malloc(MAX_XATTR_LIST),
		.value = g_malloc(MAX_XATTR),
	};
	bool ok = copy_directory(&copy, from_dir, name, to, 0);
	int failure = errno;
	*out_failed = g_string_free(copy.path, FALSE);
	g_hash_table_unref(copy.links);
	g_free(copy.names);
	g_free(copy.value);
	errno = failure;
	return ok;
}

bool tree_copy(int from_dir, const char *name, int to_fd, const IdMap *map, GError **error)
{
	g_autofree char *failed = NULL;
	return copy_tree(from_dir, name, to_fd, map, &failed) ||
	       error_set_errno(error, "cannot copy '%s'", failed);
}

bool mapped_tree_copy(Store *store, StoreStage *stage, const MappedTree *tree, const IdMap *map,
		      GError **error)
{
	g_autofree char *target = g_strconcat(tree->name, "/diff", NULL);
	autofd made = path_mkdirs_state(store_stage_fd(stage), target);
	autofd to = made < 0 ? -1
			     : path_open_state(store_stage_fd(stage), target,
					       O_RDONLY | O_DIRECTORY, 0);
	if (to < 0)
		return error_set_errno(error, "cannot make 'staging/%s/%s'",
				       store_stage_name(stage), target);
	g_autofree char *failed = NULL;
	return copy_tree(store_dir(store, tree->dir), tree->source, to, map, &failed) ||
	       error_set_errno(error, "cannot copy '%s' of '%s/%s' for other ids", failed,
			       tree->dir, tree->source);
}

bool mapped_trees_publish(Store *store, StoreStage *stage, const GPtrArray *trees, GError **error)
{
	int staging = store_stage_fd(stage);
	if (syncfs(staging) < 0)
		return error_set_errno(error, "cannot sync '%s'", store_path(store));
	for (guint i = 0; i < trees->len; i++) {
		const MappedTree *tree = trees->pdata[i];
		int dir = store_dir(store, tree->dir);
		if (renameat2(staging, tree->name, dir, tree->name, RENAME_NOREPLACE) < 0 &&
		    errno != EEXIST)
			return error_set_errno(error, "cannot publish '%s/%s'", tree->dir,
					       tree->name);
		if (fsync(dir) < 0)
			return error_set_errno(error, "cannot sync '%s/%s'", store_path(store),
					       tree->dir);
	}
	return true;
}
