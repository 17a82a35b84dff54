/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The walk through a tree, and a pax header for each of its entries. Runs in the jail.
 */
#include "storage/tree_pack.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/wall.h"

#define BLOCK           512
#define PIECE_SIZE      (256u << 10)
#define XATTR_LIST_MAX  65536
#define XATTR_VALUE_MAX 65536
#define OCTAL_ID_MAX    07777777
#define OCTAL_SIZE_MAX  077777777777
#define WHITEOUT_PREFIX ".wh."
#define OPAQUE_NAME     ".wh..wh..opq"
#define MQUEUE_MAGIC    0x19800202
#define NO_LINKS        (wall_stands("packed-links") ? O_NOFOLLOW : 0)
#define OPEN_FLAGS      (O_RDONLY | NO_LINKS | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)

typedef struct {
	const TreePackOptions *options;
	TreePackStats stats;
	GString *path;     /* of the entry at hand in the archive */
	GHashTable *links; /* "DEV:INO" -> path of its first name, for files with several */
	uint64_t top_mount;
	GString *pax; /* records of the entry at hand */
	char *names;  /* buffers for attributes */
	char *value;
	char *piece; /* and for content */
} Walk;

/* One pax record: its length counts itself. */
static void add_record(GString *pax, const char *key, const char *value, size_t size)
{
	size_t body = strlen(key) + size + 3; /* the blank, "=" and the newline */
	size_t length = body + 1;
	for (;;) {
		char digits[24];
		size_t n = (size_t)snprintf(digits, sizeof(digits), "%zu", length);
		if (body + n == length)
			break;
		length = body + n;
	}
	g_string_append_printf(pax, "%zu %s=", length, key);
	g_string_append_len(pax, value, (gssize)size);
	g_string_append_c(pax, '\n');
}

static void add_number(GString *pax, const char *key, int64_t value)
{
	char text[24];
	int n = snprintf(text, sizeof(text), "%" G_GINT64_FORMAT, value);
	add_record(pax, key, text, (size_t)n);
}

/* Octal digits with leading zeros and a NUL in a field of @width bytes. */
static void put_octal(unsigned char *block, int at, int width, uint64_t value)
{
	block[at + width - 1] = '\0';
	for (int i = width - 2; i >= 0; i--, value >>= 3)
		block[at + i] = (unsigned char)('0' + (value & 7));
}

/* A text of the header: as much as fits, the rest is in the pax header. */
static void put_text(unsigned char *block, int at, size_t width, const char *text)
{
	memcpy(block + at, text, MIN(strlen(text), width));
}

/* Write a header block. */
static bool put_block(Walk *w, unsigned char *block, char type, GError **error)
{
	memset(block + 148, ' ', 8);
	block[156] = (unsigned char)type;
	put_text(block, 257, 8, "ustar");
	memcpy(block + 263, "00", 2);
	unsigned sum = 0;
	for (int i = 0; i < BLOCK; i++)
		sum += block[i];
	put_octal(block, 148, 7, sum);
	return w->options->raw(w->options->data, block, BLOCK, error);
}

static bool put_padding(Walk *w, uint64_t size, GError **error)
{
	static const unsigned char zeros[BLOCK];
	size_t rest = (size_t)(-size % BLOCK);
	return rest == 0 || w->options->raw(w->options->data, zeros, rest, error);
}

/* The extended header before an entry that does not fit into a plain one. */
static bool put_pax(Walk *w, GError **error)
{
	if (w->pax->len == 0)
		return true;
	unsigned char block[BLOCK] = {0};
	put_text(block, 0, 100, "PaxHeaders/entry");
	put_octal(block, 100, 8, 0644);
	put_octal(block, 108, 8, 0);
	put_octal(block, 116, 8, 0);
	put_octal(block, 124, 12, w->pax->len);
	put_octal(block, 136, 12, 0);
	return put_block(w, block, 'x', error) &&
	       w->options->raw(w->options->data, w->pax->str, w->pax->len, error) &&
	       put_padding(w, w->pax->len, error);
}

/* Owners as the archive shall name them; what the map has no place for belongs to nobody. */
static void owner(const Walk *w, const struct stat *st, uint32_t *uid, uint32_t *gid)
{
	const IdMap *map = w->options->map;
	*uid = st->st_uid;
	*gid = st->st_gid;
	if (map && !idmap_translate_back(map->uids, st->st_uid, uid))
		*uid = 65534;
	if (map && !idmap_translate_back(map->gids, st->st_gid, gid))
		*gid = 65534;
}

/* Write the header of an entry; w->pax already has its attributes. */
static bool put_header(Walk *w, const char *path, char type, const struct stat *st,
		       const char *link, GError **error)
{
	unsigned char block[BLOCK] = {0};
	uint64_t size = type == '0' ? (uint64_t)st->st_size : 0;
	int64_t mtime = w->options->has_mtime ? w->options->mtime : st->st_mtim.tv_sec;
	uint32_t uid, gid;
	owner(w, st, &uid, &gid);
	if (strlen(path) > 100)
		add_record(w->pax, "path", path, strlen(path));
	if (link && strlen(link) > 100)
		add_record(w->pax, "linkpath", link, strlen(link));
	if (uid > OCTAL_ID_MAX)
		add_number(w->pax, "uid", uid);
	if (gid > OCTAL_ID_MAX)
		add_number(w->pax, "gid", gid);
	if (size > OCTAL_SIZE_MAX)
		add_number(w->pax, "size", (int64_t)size);
	if (mtime < 0 || mtime > OCTAL_SIZE_MAX)
		add_number(w->pax, "mtime", mtime);
	bool done = put_pax(w, error);
	g_string_truncate(w->pax, 0);

	put_text(block, 0, 100, path);
	put_octal(block, 100, 8, st->st_mode & 07777);
	put_octal(block, 108, 8, MIN(uid, OCTAL_ID_MAX));
	put_octal(block, 116, 8, MIN(gid, OCTAL_ID_MAX));
	put_octal(block, 124, 12, MIN(size, OCTAL_SIZE_MAX));
	put_octal(block, 136, 12, (uint64_t)CLAMP(mtime, 0, OCTAL_SIZE_MAX));
	if (link)
		put_text(block, 157, 100, link);
	put_octal(block, 329, 8, type == '3' || type == '4' ? major(st->st_rdev) : 0);
	put_octal(block, 337, 8, type == '3' || type == '4' ? minor(st->st_rdev) : 0);
	w->stats.entries++;
	return done && put_block(w, block, type, error);
}

/* Attributes that an archive carries; *out_opaque tells of an upper directory's mark. */
static bool add_xattrs(Walk *w, int fd, bool *out_opaque, GError **error)
{
	ssize_t size = flistxattr(fd, w->names, XATTR_LIST_MAX);
	if (size < 0)
		return errno == ENOTSUP ||
		       error_set_errno(error, "cannot list attributes of '%s'", w->path->str);
	for (const char *name = w->names; name < w->names + size; name += strlen(name) + 1) {
		bool is_mark = g_str_has_prefix(name, "user.overlay.");
		if (is_mark && strcmp(name, "user.overlay.opaque") != 0)
			continue;
		if (!g_str_has_prefix(name, "user.") && strcmp(name, "security.capability") != 0)
			continue;
		ssize_t length = fgetxattr(fd, name, w->value, XATTR_VALUE_MAX);
		if (length < 0 && (errno == ENODATA || errno == ENOTSUP))
			continue;
		if (length < 0)
			return error_set_errno(error, "cannot read an attribute of '%s'",
					       w->path->str);
		if (is_mark) {
			*out_opaque |= length == 1 && w->value[0] == 'y';
			continue;
		}
		g_autofree char *key = g_strconcat("SCHILY.xattr.", name, NULL);
		add_record(w->pax, key, w->value, (size_t)length);
	}
	return true;
}

/* The content of a file: as many bytes as its header says. */
static bool put_content(Walk *w, int fd, uint64_t size, GError **error)
{
	const TreePackOptions *o = w->options;
	if (o->file && !o->file(o->data, w->path->str, size, error))
		return false;
	for (uint64_t left = size; left > 0;) {
		ssize_t n = read(fd, w->piece, (size_t)MIN(left, PIECE_SIZE));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_set_errno(error, "cannot read '%s'", w->path->str);
		if (n == 0) { /* it has become shorter */
			n = (ssize_t)MIN(left, PIECE_SIZE);
			memset(w->piece, 0, (size_t)n);
		}
		if (!o->content(o->data, w->piece, (size_t)n, error))
			return false;
		left -= (uint64_t)n;
	}
	w->stats.size += size;
	return put_padding(w, size, error);
}

/* Is the failure to open an entry one to go on after? */
static bool passes_over(Walk *w, GError **error)
{
	if (errno == ENOENT || errno == ELOOP || errno == ENOTDIR || errno == ENXIO)
		return true; /* it is not what it was a moment ago */
	if ((errno == EACCES || errno == EPERM) && w->options->skip_unreadable) {
		w->stats.unreadable++;
		return true;
	}
	return error_set_errno(error, "cannot open '%s'", w->path->str);
}

/* A file that is open; anything else has taken its place. */
static bool pack_open_file(Walk *w, int fd, GError **error)
{
	struct stat st;
	bool opaque = false;
	if (fstat(fd, &st) < 0)
		return error_set_errno(error, "cannot look at '%s'", w->path->str);
	if (!S_ISREG(st.st_mode))
		return true;
	g_autofree char *key =
		g_strdup_printf("%lx:%lx", (unsigned long)st.st_dev, (unsigned long)st.st_ino);
	const char *first = st.st_nlink > 1 ? g_hash_table_lookup(w->links, key) : NULL;
	if (first)
		return put_header(w, w->path->str, '1', &st, first, error);
	if (st.st_nlink > 1)
		g_hash_table_insert(w->links, g_steal_pointer(&key), g_strdup(w->path->str));
	return add_xattrs(w, fd, &opaque, error) &&
	       put_header(w, w->path->str, '0', &st, NULL, error) &&
	       put_content(w, fd, (uint64_t)st.st_size, error);
}

static bool pack_file(Walk *w, int dir_fd, const char *name, GError **error)
{
	autofd fd = openat(dir_fd, name, OPEN_FLAGS);
	return fd < 0 ? passes_over(w, error) : pack_open_file(w, fd, error);
}

/* A whiteout hides what lower layers have: an empty file of a name that begins with ".wh.". */
static bool put_whiteout(Walk *w, const char *name, GError **error)
{
	g_autofree char *dir = g_path_get_dirname(w->path->str);
	g_autofree char *path = strcmp(dir, ".") == 0
					? g_strconcat(WHITEOUT_PREFIX, name, NULL)
					: g_strconcat(dir, "/" WHITEOUT_PREFIX, name, NULL);
	const struct stat st = {.st_mode = S_IFREG | 0600};
	return put_header(w, path, '0', &st, NULL, error);
}

/* A link, a device, a fifo: what has no content. */
static bool pack_special(Walk *w, int dir_fd, const char *name, const struct stat *st,
			 GError **error)
{
	char target[PATH_MAX];
	if (S_ISLNK(st->st_mode)) {
		ssize_t n = readlinkat(dir_fd, name, target, sizeof(target) - 1);
		if (n < 0)
			return errno == EINVAL || passes_over(w, error);
		target[n] = '\0';
		return put_header(w, w->path->str, '2', st, target, error);
	}
	if (S_ISCHR(st->st_mode) && st->st_rdev == makedev(0, 0) && w->options->layer)
		return put_whiteout(w, name, error);
	if (S_ISCHR(st->st_mode))
		return put_header(w, w->path->str, '3', st, NULL, error);
	if (S_ISBLK(st->st_mode))
		return put_header(w, w->path->str, '4', st, NULL, error);
	if (S_ISFIFO(st->st_mode))
		return put_header(w, w->path->str, '6', st, NULL, error);
	return true; /* a socket means nothing elsewhere */
}

static uint64_t mount_id(int fd)
{
	struct statx stx;
	return statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &stx) == 0 ? stx.stx_mnt_id : 0;
}

/* Are the files the kernel's own, made when they are read? */
static bool is_kernels(int fd)
{
	static const unsigned long types[] = {
		PROC_SUPER_MAGIC,   SYSFS_MAGIC,      CGROUP_SUPER_MAGIC, CGROUP2_SUPER_MAGIC,
		DEVPTS_SUPER_MAGIC, SECURITYFS_MAGIC, DEBUGFS_MAGIC,      TRACEFS_MAGIC,
		BPF_FS_MAGIC,       MQUEUE_MAGIC,
	};
	struct statfs fs;
	bool found = fstatfs(fd, &fs) < 0;
	for (size_t i = 0; !found && i < G_N_ELEMENTS(types); i++)
		found = (unsigned long)fs.f_type == types[i];
	return found;
}

/* Does the directory belong to a mount that is left out? */
static bool is_foreign(const Walk *w, int fd)
{
	return mount_id(fd) != w->top_mount && (w->options->one_mount || is_kernels(fd));
}

static int compare_names(gconstpointer a, gconstpointer b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The names in a directory, sorted. */
static GPtrArray *read_names(Walk *w, int fd, GError **error)
{
	autofd own = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *stream = own < 0 ? NULL : fdopendir(own);
	if (!stream)
		return error_set_errno_null(error, "cannot read '%s'", w->path->str);
	(void)fd_steal(&own);
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
	const struct dirent *entry = NULL;
	while ((errno = 0, entry = readdir(stream)) != NULL)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			g_ptr_array_add(names, g_strdup(entry->d_name));
	int failure = errno;
	(void)closedir(stream);
	errno = failure;
	if (failure && failure != ENOENT)
		return error_set_errno_null(error, "cannot read '%s'", w->path->str);
	g_ptr_array_sort(names, compare_names);
	return g_steal_pointer(&names);
}

static bool pack_entry(Walk *w, int dir_fd, const char *name, bool is_top, GError **error);

/* All entries of an open directory, whose path is w->path. */
static bool pack_children(Walk *w, int fd, GError **error)
{
	g_autoptr(GPtrArray) names = read_names(w, fd, error);
	size_t length = w->path->len;
	for (guint i = 0; names && i < names->len; i++) {
		const char *name = names->pdata[i];
		if (length > 0)
			g_string_append_c(w->path, '/');
		g_string_append(w->path, name);
		if (w->options->layer && g_str_has_prefix(name, WHITEOUT_PREFIX))
			return error_set(error, ENGINE_ERROR_INVALID,
					 "a layer cannot have a file of the name '%s'",
					 w->path->str);
		if (!pack_entry(w, fd, name, false, error))
			return false;
		g_string_truncate(w->path, length);
	}
	return names != NULL;
}

/* A directory: its header, the mark that hides what lies below it, and what it holds. */
static bool pack_dir(Walk *w, int dir_fd, const char *name, GError **error)
{
	struct stat st;
	bool opaque = false;
	autofd fd = openat(dir_fd, name, OPEN_FLAGS | O_DIRECTORY);
	if (fd < 0)
		return passes_over(w, error);
	if (fstat(fd, &st) < 0)
		return error_set_errno(error, "cannot look at '%s'", w->path->str);
	g_autofree char *path = g_strconcat(w->path->str, "/", NULL);
	if (!add_xattrs(w, fd, &opaque, error) || !put_header(w, path, '5', &st, NULL, error))
		return false;
	const struct stat mark = {.st_mode = S_IFREG | 0600};
	g_autofree char *opaque_path = g_strconcat(path, OPAQUE_NAME, NULL);
	if (w->options->layer && opaque && !put_header(w, opaque_path, '0', &mark, NULL, error))
		return false;
	return is_foreign(w, fd) || pack_children(w, fd, error);
}

/* One entry of whatever type; w->path names it. */
static bool pack_entry(Walk *w, int dir_fd, const char *name, bool is_top, GError **error)
{
	struct stat st;
	if (fstatat(dir_fd, name, &st, NO_LINKS ? AT_SYMLINK_NOFOLLOW : 0) < 0) {
		if (is_top && errno == ENOENT)
			return error_set(error, ENGINE_ERROR_NOT_FOUND,
					 "'%s': no such file or directory", w->path->str);
		return passes_over(w, error);
	}
	if (S_ISDIR(st.st_mode))
		return pack_dir(w, dir_fd, name, error);
	if (S_ISREG(st.st_mode))
		return pack_file(w, dir_fd, name, error);
	return pack_special(w, dir_fd, name, &st, error);
}

bool tree_pack(const TreePackOptions *options, TreePackStats *out_stats, GError **error)
{
	static const unsigned char zeros[2 * BLOCK];
	const char *top = options->as ? options->as : options->name ? options->name : "";
	Walk w = {
		.options = options,
		.path = g_string_new(top),
		.links = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free),
		.top_mount = options->dir_fd >= 0 && is_kernels(options->dir_fd)
				     ? 0
				     : mount_id(options->dir_fd),
		.pax = g_string_new(NULL),
		.names = g_malloc(XATTR_LIST_MAX),
		.value = g_malloc(XATTR_VALUE_MAX),
		.piece = g_malloc(PIECE_SIZE),
	};
	bool done = (options->file_fd >= 0 ? pack_open_file(&w, options->file_fd, error)
		     : options->name ? pack_entry(&w, options->dir_fd, options->name, true, error)
				     : pack_children(&w, options->dir_fd, error)) &&
		    options->raw(options->data, zeros, sizeof(zeros), error);
	if (done)
		*out_stats = w.stats;
	g_string_free(w.path, TRUE);
	g_string_free(w.pax, TRUE);
	g_hash_table_unref(w.links);
	g_free(w.names);
	g_free(w.value);
	g_free(w.piece);
	return done;
}

static bool write_out(TreePackOutput *output, const void *bytes, size_t size, GError **error)
{
	return fd_write_all(output->fd, bytes, size) ||
	       error_set_errno(error, "cannot write the tar");
}

bool tree_pack_flush(TreePackOutput *output, GError **error)
{
	size_t used = output->used;
	output->used = 0;
	return write_out(output, output->buffer, used, error);
}

bool tree_pack_put(void *data, const void *bytes, size_t size, GError **error)
{
	TreePackOutput *output = data;
	if (size > TREE_PACK_BUFFER - output->used && !tree_pack_flush(output, error))
		return false;
	if (size > TREE_PACK_BUFFER)
		return write_out(output, bytes, size, error);
	memcpy(output->buffer + output->used, bytes, size);
	output->used += size;
	return true;
}
