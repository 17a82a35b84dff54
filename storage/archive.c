/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Archives of images. Runs in skiff-fetch.
 *
 * Only the outer framing of a tar is read here: names, offsets and sizes, bounded by MEMBERS_MAX.
 * The layers inside are taken apart by skiff-layer.
 */
#include "storage/archive.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/path.h"
#include "storage/inflate.h"
#include "storage/tar_reader.h"

#define MEMBERS_MAX 65536
#define PIECE_SIZE  (1u << 20)
#define SPOOL_MAX   (UINT64_C(128) << 30)
#define LINKS_MAX   8

typedef struct {
	uint64_t offset;
	uint64_t size;
	char *link; /* leads to another member; NULL for a file */
} Member;

struct Archive {
	int dir_fd;          /* -1 for a tar */
	int tar_fd;          /* -1 for a directory */
	GHashTable *members; /* name -> Member */
	char *piece;
};

static void free_member(void *data)
{
	Member *member = data;
	g_free(member->link);
	g_free(member);
}

/* A member's name without "./", "//" and a leading slash; ".." stays and leads nowhere. */
static char *plain_name(const char *name)
{
	g_auto(GStrv) parts = g_strsplit(name, "/", -1);
	GString *plain = g_string_new(NULL);
	for (size_t i = 0; parts[i]; i++) {
		if (!*parts[i] || strcmp(parts[i], ".") == 0)
			continue;
		if (plain->len > 0)
			g_string_append_c(plain, '/');
		g_string_append(plain, parts[i]);
	}
	return g_string_free(plain, FALSE);
}

/* Where a symbolic link of a member leads: docker wrote "../ID/layer.tar" for layers it had before.
 */
static char *resolve_link(const char *name, const char *target)
{
	g_autofree char *dir = g_path_get_dirname(name);
	g_autofree char *joined =
		target[0] == '/' ? g_strdup(target) : g_strconcat("/", dir, "/", target, NULL);
	g_autofree char *clean = path_clean(joined);
	return plain_name(clean);
}

static ssize_t read_tar(void *data, void *buffer, size_t size)
{
	const Archive *archive = data;
	return read(archive->tar_fd, buffer, size);
}

static bool skip_tar(void *data, uint64_t size)
{
	const Archive *archive = data;
	return size <= INT64_MAX && lseek(archive->tar_fd, (off_t)size, SEEK_CUR) >= 0;
}

static void add_member(Archive *archive, const TarEntry *entry, uint64_t offset)
{
	char *name = plain_name(entry->name);
	Member *member = g_new0(Member, 1);
	member->offset = offset;
	member->size = entry->stored;
	if (entry->type == TAR_SYMLINK)
		member->link = resolve_link(name, entry->link);
	else if (entry->type == TAR_HARDLINK)
		member->link = plain_name(entry->link);
	g_hash_table_replace(archive->members, name, member);
}

/* Learn what is where. */
static bool index_tar(Archive *archive, GError **error)
{
	const TarSource source = {.read = read_tar, .skip = skip_tar, .data = archive};
	g_autoptr(TarReader) reader = tar_reader_new(&source);
	for (;;) {
		const TarEntry *entry = NULL;
		int got = tar_reader_next(reader, &entry, error);
		if (got < 0)
			return false;
		if (got == 0)
			return true;
		if (g_hash_table_size(archive->members) >= MEMBERS_MAX)
			return error_set(error, ENGINE_ERROR_INVALID,
					 "the archive has too many files");
		bool plain = entry->type == TAR_FILE && !entry->extents;
		if (plain || entry->type == TAR_SYMLINK || entry->type == TAR_HARDLINK)
			add_member(archive, entry, tar_reader_offset(reader));
	}
}

typedef struct {
	int fd;
	uint64_t size;
	char *piece;
} Spool;

static void *spool_room(void *data, size_t *out_size, GError **error)
{
	(void)error;
	Spool *spool = data;
	*out_size = PIECE_SIZE;
	return spool->piece;
}

static bool write_spool(void *data, size_t size, GError **error)
{
	Spool *spool = data;
	spool->size += size;
	if (spool->size > SPOOL_MAX)
		return error_set(error, ENGINE_ERROR_INVALID, "the archive is larger than 128 GiB");
	if (!fd_write_all(spool->fd, spool->piece, size))
		return error_set_errno(error, "cannot write a temporary copy of the archive");
	return true;
}

/* Copy @from, inflated, into an unlinked file of the stage. */
static int spool_file(StoreStage *stage, int from, const char *head, size_t head_size,
		      GError **error)
{
	autofd fd = openat(store_stage_fd(stage), ".", O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
	if (fd < 0) {
		(void)error_set_errno(error, "cannot make a temporary copy of the archive");
		return -1;
	}
	g_autofree char *inflated = g_malloc(PIECE_SIZE);
	Spool spool = {.fd = fd, .piece = inflated};
	const InflateOutput output = {
		.room = spool_room,
		.produced = write_spool,
		.data = &spool,
	};
	g_autoptr(Inflate) inflate = inflate_new(inflate_detect(head, head_size), &output);
	g_autofree char *piece = g_malloc(PIECE_SIZE);
	memcpy(piece, head, head_size);
	for (ssize_t n = (ssize_t)head_size; n != 0; n = read(from, piece, PIECE_SIZE)) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			(void)error_set_errno(error, "cannot read the archive");
			return -1;
		}
		if (!inflate_push(inflate, piece, (size_t)n, error))
			return -1;
	}
	if (!inflate_finish(inflate, error))
		return -1;
	return fd_steal(&fd);
}

/* The first bytes of a stream, over short reads. Return: their number, -1 with errno. */
static ssize_t read_head(int fd, char *head, size_t size)
{
	size_t got = 0;
	while (got < size) {
		ssize_t n = read(fd, head + got, size - got);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		got += (size_t)n;
	}
	return (ssize_t)got;
}

/* A descriptor that holds the plain tar from its start on. */
static int open_tar(StoreStage *stage, int *fd, GError **error)
{
	char head[INFLATE_MAGIC];
	ssize_t size = read_head(*fd, head, sizeof(head));
	if (size < 0) {
		(void)error_set_errno(error, "cannot read the archive");
		return -1;
	}
	bool seekable = lseek(*fd, 0, SEEK_SET) == 0;
	if (seekable && inflate_detect(head, (size_t)size) == INFLATE_NONE)
		return fd_steal(fd);
	if (seekable && lseek(*fd, size, SEEK_SET) < 0) {
		(void)error_set_errno(error, "cannot read the archive");
		return -1;
	}
	int spooled = spool_file(stage, *fd, head, (size_t)size, error);
	if (spooled >= 0 && lseek(spooled, 0, SEEK_SET) < 0) {
		(void)error_set_errno(error, "cannot read the archive");
		fd_close(&spooled);
	}
	return spooled;
}

Archive *archive_open(StoreStage *stage, const char *path, GError **error)
{
	bool is_stdin = strcmp(path, "-") == 0;
	autofd fd = is_stdin ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
			     : openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	struct stat st;
	if (fd < 0 || fstat(fd, &st) < 0) {
		error_set_errno_go(error, "stat %s", path);
		return NULL;
	}
	g_autoptr(Archive) archive = g_new0(Archive, 1);
	archive->dir_fd = archive->tar_fd = -1;
	archive->piece = g_malloc(PIECE_SIZE);
	archive->members = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_member);
	if (S_ISDIR(st.st_mode)) {
		archive->dir_fd = fd_steal(&fd);
		return g_steal_pointer(&archive);
	}
	g_autoptr(GError) problem = NULL;
	archive->tar_fd = open_tar(stage, &fd, &problem);
	if (archive->tar_fd < 0 || !index_tar(archive, &problem)) {
		bool unknown = error_matches(problem, ENGINE_ERROR_INVALID) ||
			       error_matches(problem, ENGINE_ERROR_CORRUPT);
		g_propagate_prefixed_error(error, g_steal_pointer(&problem),
					   "%s%s: ", unknown ? ARCHIVE_UNKNOWN : "",
					   is_stdin ? "standard input" : path);
		return NULL;
	}
	return g_steal_pointer(&archive);
}

void archive_close(Archive *archive)
{
	if (!archive)
		return;
	fd_close(&archive->dir_fd);
	fd_close(&archive->tar_fd);
	g_hash_table_unref(archive->members);
	g_free(archive->piece);
	g_free(archive);
}

bool archive_is_dir(const Archive *archive)
{
	return archive->dir_fd >= 0;
}

/* The file behind a name, over links. NULL if there is none. */
static const Member *find_member(Archive *archive, const char *name)
{
	g_autofree char *plain = plain_name(name);
	const Member *member = g_hash_table_lookup(archive->members, plain);
	for (int i = 0; member && member->link && i < LINKS_MAX; i++)
		member = g_hash_table_lookup(archive->members, member->link);
	return member && !member->link ? member : NULL;
}

/* A file as a piece of a descriptor. @out_owned is to be closed if it is not -1. NOT_FOUND. */
static int locate(Archive *archive, const char *name, int *out_owned, uint64_t *out_offset,
		  uint64_t *out_size, GError **error)
{
	*out_owned = -1;
	if (archive->dir_fd < 0) {
		const Member *member = find_member(archive, name);
		if (!member) {
			(void)error_set(error, ENGINE_ERROR_NOT_FOUND, "the archive has no '%s'",
					name);
			return -1;
		}
		*out_offset = member->offset;
		*out_size = member->size;
		return archive->tar_fd;
	}
	autofd fd = path_open_in_root(archive->dir_fd, name, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
	struct stat st;
	if (fd < 0 && errno == ENOENT) {
		(void)error_set(error, ENGINE_ERROR_NOT_FOUND, "the directory has no '%s'", name);
		return -1;
	}
	if (fd < 0 || fstat(fd, &st) < 0) {
		(void)error_set_errno(error, "cannot open '%s'", name);
		return -1;
	}
	if (!S_ISREG(st.st_mode)) {
		(void)error_set(error, ENGINE_ERROR_INVALID, "'%s' is not a file", name);
		return -1;
	}
	*out_offset = 0;
	*out_size = (uint64_t)st.st_size;
	*out_owned = fd_steal(&fd);
	return *out_owned;
}

bool archive_has(Archive *archive, const char *name)
{
	autofd owned = -1;
	uint64_t offset = 0, size = 0;
	return locate(archive, name, &owned, &offset, &size, NULL) >= 0;
}

bool archive_stream(Archive *archive, const char *name, ArchiveSink sink, void *data,
		    GError **error)
{
	autofd owned = -1;
	uint64_t offset = 0, left = 0;
	int fd = locate(archive, name, &owned, &offset, &left, error);
	if (fd < 0)
		return false;
	while (left > 0) {
		ssize_t n = pread(fd, archive->piece, (size_t)MIN(left, PIECE_SIZE), (off_t)offset);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_set_errno(error, "cannot read '%s'", name);
		if (n == 0)
			return error_set(error, ENGINE_ERROR_CORRUPT, "'%s' is cut short", name);
		if (!sink(data, archive->piece, (size_t)n, error))
			return false;
		offset += (uint64_t)n;
		left -= (uint64_t)n;
	}
	return true;
}

static bool append_bytes(void *data, const void *bytes, size_t size, GError **error)
{
	(void)error;
	g_byte_array_append(data, bytes, (guint)size);
	return true;
}

char *archive_read(Archive *archive, const char *name, size_t max_size, size_t *out_size,
		   GError **error)
{
	autofd owned = -1;
	uint64_t offset = 0, size = 0;
	if (locate(archive, name, &owned, &offset, &size, error) < 0)
		return NULL;
	if (size > max_size)
		return error_set_null(error, ENGINE_ERROR_INVALID, "'%s' is larger than %zu bytes",
				      name, max_size);
	g_autoptr(GByteArray) bytes = g_byte_array_new();
	if (!archive_stream(archive, name, append_bytes, bytes, error))
		return NULL;
	if (out_size)
		*out_size = bytes->len;
	g_byte_array_append(bytes, (const guint8 *)"", 1);
	return (char *)g_byte_array_free(g_steal_pointer(&bytes), FALSE);
}
