/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/tar_split.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/json.h"
#include "libpod/base/path.h"
#include "storage/inflate.h"
#include "storage/tar_priv.h"
#include "storage/tar_reader.h"

#define PIECE_SIZE     65536
#define SPLIT_LINE_MAX (64u << 20)
#define FILE_MAX       (INT64_C(1) << 46)
#define HEADERS_MAX    (8u << 20) /* more than the reader takes */

/* Types of lines. */
#define LINE_FILE    1
#define LINE_SEGMENT 2

typedef struct {
	int tree_fd;
	ArchiveSink sink;
	void *data;
	GString *line;       /* what has come of it */
	uint64_t position;   /* in the tar */
	GByteArray *headers; /* of the tar since the last file's line */
	uint64_t headers_at; /* where they begin in the tar */
	char piece[PIECE_SIZE];
} Assembly;

typedef struct {
	const guint8 *bytes;
	size_t left;
} Headers;

static bool emit(Assembly *assembly, const void *bytes, size_t size, GError **error)
{
	assembly->position += size;
	return assembly->sink(assembly->data, bytes, size, error);
}

/* Bytes of the tar that stand in the line itself: headers, padding, the end. */
static bool put_segment(Assembly *assembly, Json *json, GError **error)
{
	const char *payload = NULL;
	gsize size = 0;
	if (!js_get_string(json, "payload", &payload, error))
		return false;
	if (!payload)
		return true;
	g_autofree guchar *bytes = g_base64_decode(payload, &size);
	if (assembly->headers->len == 0)
		assembly->headers_at = assembly->position;
	if (assembly->headers->len + size <= HEADERS_MAX)
		g_byte_array_append(assembly->headers, bytes, (guint)size);
	return size == 0 || emit(assembly, bytes, size, error);
}

/* A part of a regular file. */
static bool put_range(Assembly *assembly, int fd, const char *name, uint64_t at, uint64_t size,
		      GError **error)
{
	for (uint64_t left = size; left > 0;) {
		ssize_t n = pread(fd, assembly->piece, (size_t)MIN(left, PIECE_SIZE), (off_t)at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_set_errno(error, "cannot read the layer's file '%s'", name);
		if (n == 0)
			return error_set(error, ENGINE_ERROR_CORRUPT, "'%s' is cut short", name);
		if (!emit(assembly, assembly->piece, (size_t)n, error))
			return false;
		left -= (uint64_t)n;
		at += (uint64_t)n;
	}
	return true;
}

static ssize_t read_headers(void *data, void *buffer, size_t size)
{
	Headers *headers = data;
	size_t n = MIN(size, headers->left);
	memcpy(buffer, headers->bytes, n);
	headers->bytes += n;
	headers->left -= n;
	return (ssize_t)n;
}

/* Might these headers be a sparse file's? All others need not be parsed. podman takes no layer with
 * the older form, GNU's type 'S'. */
static bool looks_sparse(const Headers *headers)
{
	static const char word[] = "GNU.sparse.";
	return memmem(headers->bytes, headers->left, word, sizeof word - 1) != NULL;
}

/* The data of a sparse file: the runs that its headers list. The lines have the size with holes. */
static bool put_sparse(Assembly *assembly, int fd, const char *name, int64_t size, Headers *headers,
		       GError **error)
{
	const TarSource source = {.read = read_headers, .data = headers};
	const TarEntry *entry = NULL;
	g_autoptr(TarReader) reader = tar_reader_new(&source);
	g_autoptr(GError) problem = NULL;
	/* The map of pax 1.0 stands before the data, and tar-split drops it. */
	if (tar_reader_next(reader, &entry, &problem) != 1)
		return error_set(error, ENGINE_ERROR_UNSUPPORTED,
				 "'%s' is sparse, and podman did not keep the map of its runs "
				 "(pax format 1.0); pull the image anew instead",
				 name);
	if (!entry->extents)
		return put_range(assembly, fd, name, 0, (uint64_t)size, error);
	if (entry->size != (uint64_t)size)
		return error_set(error, ENGINE_ERROR_CORRUPT,
				 "tar-split: '%s' has another size than in its header", name);
	for (guint i = 0; i < entry->extents->len; i++) {
		const TarExtent *run = &g_array_index(entry->extents, TarExtent, i);
		if (!put_range(assembly, fd, name, run->offset, run->size, error))
			return false;
	}
	return true;
}

/* Exactly @size bytes of a regular file, or what its sparse headers say of them. */
static bool put_file(Assembly *assembly, const char *name, int64_t size, GError **error)
{
	struct stat st;
	autofd fd =
		path_open_in_root(assembly->tree_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0);
	if (fd < 0 || fstat(fd, &st) < 0)
		return error_set_errno(error, "cannot open the layer's file '%s'", name);
	if (!S_ISREG(st.st_mode))
		return error_set(error, ENGINE_ERROR_CORRUPT, "'%s' is not a regular file", name);
	/* What was before ended anywhere; headers begin at a block. */
	size_t padding = MIN(-assembly->headers_at & (TAR_BLOCK_SIZE - 1), assembly->headers->len);
	Headers headers = {assembly->headers->data + padding, assembly->headers->len - padding};
	if (headers.left > 0 && looks_sparse(&headers))
		return put_sparse(assembly, fd, name, size, &headers, error);
	return put_range(assembly, fd, name, 0, (uint64_t)size, error);
}

/* A name that is no UTF-8 stands in base64 beside the other. Return: g_free() it. */
static char *name_of(Json *json, GError **error)
{
	const char *name = NULL, *raw = NULL;
	gsize size = 0;
	if (!js_get_string(json, "name_raw", &raw, error) ||
	    !js_get_string(json, "name", &name, error))
		return NULL;
	g_autofree char *decoded = raw ? (char *)g_base64_decode(raw, &size) : NULL;
	if (decoded)
		return memchr(decoded, '\0', size) ? NULL : g_strndup(decoded, size);
	return g_strdup(name);
}

static bool put_line(Assembly *assembly, GError **error)
{
	int64_t type = 0, size = 0;
	g_autoptr(Json) json =
		js_parse(assembly->line->str, assembly->line->len, "tar-split", error);
	if (!json || !js_get_int(json, "type", 0, G_MAXINT, &type, error) ||
	    !js_get_int(json, "size", 0, FILE_MAX, &size, error))
		return false;
	if (type == LINE_SEGMENT)
		return put_segment(assembly, json, error);
	if (type != LINE_FILE)
		return error_set(error, ENGINE_ERROR_CORRUPT,
				 "tar-split: a line of an unknown type");
	bool done = size == 0;
	g_autofree char *name = done ? NULL : name_of(json, error);
	if (!done && (!name || !*name))
		return error && *error ? false
				       : error_set(error, ENGINE_ERROR_CORRUPT,
						   "tar-split: a file without a name");
	done = done || put_file(assembly, name, size, error);
	g_byte_array_set_size(assembly->headers, 0);
	return done;
}

static void *room(void *data, size_t *out_size, GError **error)
{
	Assembly *assembly = data;
	size_t have = assembly->line->len;
	if (have > SPLIT_LINE_MAX)
		return error_set_null(error, ENGINE_ERROR_CORRUPT, "tar-split: a line without end");
	/* Bytes that are not there yet lie behind the string's end. */
	g_string_set_size(assembly->line, have + PIECE_SIZE);
	g_string_set_size(assembly->line, have);
	*out_size = PIECE_SIZE;
	return assembly->line->str + have;
}

/* New bytes at the end of the line: use all lines that are whole now. */
static bool produced(void *data, size_t size, GError **error)
{
	Assembly *assembly = data;
	GString *rest = assembly->line;
	rest->len += size;
	rest->str[rest->len] = '\0';
	g_autoptr(GString) all = rest;
	assembly->line = g_string_new(NULL);
	size_t from = 0;
	for (char *end; (end = memchr(all->str + from, '\n', all->len - from)) != NULL;) {
		size_t length = (size_t)(end - (all->str + from));
		g_string_append_len(assembly->line, all->str + from, (gssize)length);
		from += length + 1;
		if (length > 0 && !put_line(assembly, error))
			return false;
		g_string_truncate(assembly->line, 0);
	}
	g_string_append_len(assembly->line, all->str + from, (gssize)(all->len - from));
	return true;
}

static bool run(Assembly *assembly, int split_fd, GError **error)
{
	const InflateOutput output = {room, produced, assembly};
	g_autoptr(Inflate) inflate = inflate_new(INFLATE_GZIP, &output);
	g_autofree char *bytes = g_malloc(PIECE_SIZE);
	for (;;) {
		ssize_t n = read(split_fd, bytes, PIECE_SIZE);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_set_errno(error, "cannot read the tar-split");
		if (n == 0)
			break;
		if (!inflate_push(inflate, bytes, (size_t)n, error))
			return false;
	}
	if (!inflate_finish(inflate, error))
		return false;
	return assembly->line->len == 0 || put_line(assembly, error);
}

bool tar_split_assemble(int split_fd, int tree_fd, ArchiveSink sink, void *data, GError **error)
{
	g_autofree Assembly *assembly = g_new0(Assembly, 1);
	assembly->tree_fd = tree_fd;
	assembly->sink = sink;
	assembly->data = data;
	assembly->line = g_string_new(NULL);
	assembly->headers = g_byte_array_new();
	bool done = run(assembly, split_fd, error);
	g_string_free(assembly->line, TRUE);
	g_byte_array_unref(assembly->headers);
	return done;
}
