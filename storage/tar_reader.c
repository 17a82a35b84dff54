/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading tar: blocks, headers, the walk from entry to entry. Runs in the jailed unpack child, and
 * in skiff-fetch for the outer framing of archives.
 *
 * One buffer of 256 KiB. Header bytes and padding go to the source's raw() as they are consumed;
 * file data is handed out as pointers into the buffer. Nothing here allocates by a number found in
 * the archive without a bound before it.
 */
#include "storage/tar_reader.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "libpod/base/error.h"
#include "libpod/base/wall.h"
#include "storage/tar_priv.h"

#define BUFFER_SIZE (256u << 10)
#define ONE_PIECE   (128u << 10)
/* Bytes behind the end-of-archive blocks; real archives have up to one record of zeros. */
#define TRAILER_MAX (64u << 20)

struct TarReader {
	TarSource source;
	unsigned char *buffer;
	size_t start; /* of what is unread */
	size_t end;
	uint64_t offset;  /* bytes consumed */
	uint64_t left;    /* stored data of this entry not handed out yet */
	uint64_t padding; /* behind it */
	TarEntry entry;
	TarPax pax;
	char *long_name; /* GNU 'L' and 'K' */
	char *long_link;
	char *name; /* what entry.name and entry.link point to */
	char *link;
};

TarReader *tar_reader_new(const TarSource *source)
{
	TarReader *reader = g_new0(TarReader, 1);
	reader->source = *source;
	reader->buffer = g_malloc(BUFFER_SIZE);
	tar_pax_init(&reader->pax);
	return reader;
}

void tar_reader_free(TarReader *reader)
{
	if (!reader)
		return;
	tar_pax_clear(&reader->pax);
	g_clear_pointer(&reader->entry.extents, g_array_unref);
	g_free(reader->long_name);
	g_free(reader->long_link);
	g_free(reader->name);
	g_free(reader->link);
	g_free(reader->buffer);
	g_free(reader);
}

uint64_t tar_reader_offset(const TarReader *reader)
{
	return reader->offset;
}

/* Append at most @size bytes to the buffer: as many as come at once, or exactly what is wanted of a
 * lender. */
static ssize_t read_some(TarReader *reader, size_t wanted, size_t size)
{
	unsigned char *to = reader->buffer + reader->end;
	const void *lent = NULL;
	if (!reader->source.borrow)
		return reader->source.read(reader->source.data, to, size);
	ssize_t n = reader->source.borrow(reader->source.data, wanted, &lent);
	if (n > 0)
		memcpy(to, lent, (size_t)n);
	return n;
}

/* Have at least @want unread bytes in the buffer, or all there are. Return: false with errno set.
 */
static bool fill(TarReader *reader, size_t want)
{
	if (reader->end - reader->start >= want)
		return true;
	if (BUFFER_SIZE - reader->start < want || reader->start == reader->end) {
		memmove(reader->buffer, reader->buffer + reader->start,
			reader->end - reader->start);
		reader->end -= reader->start;
		reader->start = 0;
	}
	while (reader->end - reader->start < want) {
		ssize_t n = read_some(reader, want - (reader->end - reader->start),
				      BUFFER_SIZE - reader->end);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		if (n == 0)
			return true;
		reader->end += (size_t)n;
	}
	return true;
}

/* Take @size bytes that are in the buffer as raw bytes. */
static bool consume_raw(TarReader *reader, size_t size, GError **error)
{
	const unsigned char *bytes = reader->buffer + reader->start;
	reader->start += size;
	reader->offset += size;
	return !reader->source.raw || reader->source.raw(reader->source.data, bytes, size, error);
}

static bool set_truncated(GError **error)
{
	return error_set(error, ENGINE_ERROR_CORRUPT, "tar: the archive is cut short");
}

/*
 * The next block, consumed as raw bytes; it stays in the buffer until the next read.
 * Return: 1, 0 at a clean end of the stream, -1 with @error.
 */
static int next_block(TarReader *reader, const unsigned char **out_block, GError **error)
{
	if (!fill(reader, TAR_BLOCK_SIZE)) {
		(void)error_set_errno(error, "cannot read the tar stream");
		return -1;
	}
	size_t got = reader->end - reader->start;
	if (got == 0)
		return 0;
	if (got < TAR_BLOCK_SIZE) {
		(void)set_truncated(error);
		return -1;
	}
	*out_block = reader->buffer + reader->start;
	return consume_raw(reader, TAR_BLOCK_SIZE, error) ? 1 : -1;
}

/* Read @size bytes and their padding as raw bytes into a string with a NUL behind it. */
static char *read_special(TarReader *reader, uint64_t size, GError **error)
{
	if (size > TAR_SPECIAL_MAX && wall_stands("extension-size"))
		return error_set_null(error, ENGINE_ERROR_CORRUPT,
				      "tar: an extended header of %" G_GUINT64_FORMAT " bytes",
				      size);
	g_autofree char *text = g_malloc(size + TAR_BLOCK_SIZE);
	for (uint64_t done = 0; done < size; done += TAR_BLOCK_SIZE) {
		const unsigned char *block = NULL;
		int got = next_block(reader, &block, error);
		if (got == 0)
			(void)set_truncated(error);
		if (got <= 0)
			return NULL;
		memcpy(text + done, block, TAR_BLOCK_SIZE);
	}
	text[size] = '\0';
	return g_steal_pointer(&text);
}

static bool is_zero(const unsigned char *bytes, size_t size)
{
	return size == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, size - 1) == 0);
}

static bool take_header_number(const unsigned char *block, int at, size_t size, const char *what,
			       int64_t *out, GError **error)
{
	if (tar_number(block + at, size, out))
		return true;
	return error_set(error, ENGINE_ERROR_CORRUPT, "tar: a header's %s is not a number", what);
}

/* Owner and group: what the kernel can hold, and never "no id". */
static bool take_ids(TarEntry *entry, int64_t uid, int64_t gid, GError **error)
{
	const int64_t max = (int64_t)UINT32_MAX - 1;
	if ((uid < 0 || gid < 0 || uid > max || gid > max) && wall_stands("owner-range"))
		return error_set(error, ENGINE_ERROR_CORRUPT, "tar: an owner is out of range");
	entry->uid = (uint32_t)uid;
	entry->gid = (uint32_t)gid;
	return true;
}

/* Mode, owner, time and size, from the header and what pax said. */
static bool take_numbers(TarReader *reader, const unsigned char *block, GError **error)
{
	TarEntry *entry = &reader->entry;
	const TarPax *pax = &reader->pax;
	int64_t mode = 0, uid = 0, gid = 0, size = 0, mtime = 0;
	if (!take_header_number(block, AT_MODE, 8, "mode", &mode, error) ||
	    !take_header_number(block, AT_UID, 8, "uid", &uid, error) ||
	    !take_header_number(block, AT_GID, 8, "gid", &gid, error) ||
	    !take_header_number(block, AT_SIZE, 12, "size", &size, error) ||
	    !take_header_number(block, AT_MTIME, 12, "mtime", &mtime, error))
		return false;
	entry->mode = (uint32_t)mode & 07777;
	entry->mtime = pax->has_mtime ? pax->mtime : mtime;
	entry->mtime_ns = pax->has_mtime ? pax->mtime_ns : 0;
	if (!take_ids(entry, pax->uid >= 0 ? pax->uid : uid, pax->gid >= 0 ? pax->gid : gid, error))
		return false;
	if (pax->size >= 0)
		size = pax->size;
	if (size < 0 || size > (INT64_C(1) << 60))
		return error_set(error, ENGINE_ERROR_CORRUPT, "tar: a size is out of range");
	entry->stored = entry->size = (uint64_t)size;
	return true;
}

/* One table of (offset, size) pairs of the old GNU format. Return: false if malformed. */
static bool add_gnu_pairs(const unsigned char *table, int count, GArray *numbers)
{
	for (int i = 0; i < count; i++, table += 24) {
		int64_t offset = 0, size = 0;
		if (table[0] == 0 && table[12] == 0)
			return true;
		if (!tar_number(table, 12, &offset) || !tar_number(table + 12, 12, &size) ||
		    offset < 0 || size < 0 || numbers->len >= 2 * TAR_EXTENTS_MAX)
			return false;
		uint64_t pair[2] = {(uint64_t)offset, (uint64_t)size};
		g_array_append_vals(numbers, pair, 2);
	}
	return true;
}

/* Old GNU sparse: the map is in the header and in extension blocks behind it. */
static bool take_gnu_sparse(TarReader *reader, const unsigned char *block, GError **error)
{
	TarEntry *entry = &reader->entry;
	g_autoptr(GArray) numbers = g_array_new(FALSE, FALSE, sizeof(uint64_t));
	int64_t real_size = 0;
	bool good = tar_number(block + AT_GNU_REALSIZE, 12, &real_size) && real_size >= 0 &&
		    add_gnu_pairs(block + AT_GNU_SPARSE, 4, numbers);
	bool more = block[AT_GNU_MORE];
	while (good && more) {
		int got = next_block(reader, &block, error);
		if (got < 0)
			return false;
		good = got > 0 && add_gnu_pairs(block, 21, numbers);
		more = good && block[AT_SPARSE_MORE];
	}
	if (!good)
		return error_set(error, ENGINE_ERROR_CORRUPT, "tar: a sparse map is malformed");
	entry->size = (uint64_t)real_size;
	entry->extents = tar_extents_build(numbers, entry->size, entry->stored, error);
	return entry->extents != NULL;
}

/* The next "NUMBER\n" of a map that stands before the data (pax sparse 1.0). -1 if malformed. */
static int64_t map_number(TarReader *reader, GString *text, size_t *at, uint64_t *left,
			  GError **error)
{
	for (;;) {
		const char *from = text->str + *at;
		const char *newline = memchr(from, '\n', text->len - *at);
		if (newline) {
			*at += (size_t)(newline - from) + 1;
			return tar_decimal(from, (size_t)(newline - from));
		}
		const unsigned char *block = NULL;
		if (*left < TAR_BLOCK_SIZE || text->len >= TAR_SPECIAL_MAX ||
		    next_block(reader, &block, error) <= 0)
			return -1;
		g_string_append_len(text, (const char *)block, TAR_BLOCK_SIZE);
		*left -= TAR_BLOCK_SIZE;
	}
}

/* Pax sparse 1.0: the map is text at the front of the data, padded to a block. */
static bool take_map_in_data(TarReader *reader, GError **error)
{
	TarEntry *entry = &reader->entry;
	g_autoptr(GString) text = g_string_new(NULL);
	g_autoptr(GArray) numbers = g_array_new(FALSE, FALSE, sizeof(uint64_t));
	size_t at = 0;
	int64_t count = map_number(reader, text, &at, &entry->stored, error);
	bool good = count >= 0 && count <= TAR_EXTENTS_MAX;
	for (int64_t i = 0; good && i < 2 * count; i++) {
		int64_t number = map_number(reader, text, &at, &entry->stored, error);
		uint64_t value = (uint64_t)number;
		good = number >= 0;
		g_array_append_val(numbers, value);
	}
	if (!good)
		return error && *error ? false
				       : error_set(error, ENGINE_ERROR_CORRUPT,
						   "tar: a sparse map is malformed");
	entry->extents = tar_extents_build(numbers, entry->size, entry->stored, error);
	return entry->extents != NULL;
}

/* Sparse files in any of four formats. */
static bool take_sparse(TarReader *reader, const unsigned char *block, GError **error)
{
	TarEntry *entry = &reader->entry;
	const TarPax *pax = &reader->pax;
	if (entry->type != TAR_FILE)
		return true;
	if (block[AT_TYPE] == 'S')
		return take_gnu_sparse(reader, block, error);
	bool in_data = pax->sparse_major == 1 && pax->sparse_minor == 0;
	if (!in_data && pax->sparse_numbers->len == 0)
		return true;
	if (pax->sparse_realsize < 0)
		return error_set(error, ENGINE_ERROR_CORRUPT,
				 "tar: a sparse file without its size");
	entry->size = (uint64_t)pax->sparse_realsize;
	if (in_data)
		return take_map_in_data(reader, error);
	entry->extents = tar_extents_build(pax->sparse_numbers, entry->size, entry->stored, error);
	return entry->extents != NULL;
}

/* Name and link target: pax first, then GNU's long ones, then the header's own. */
static bool take_names(TarReader *reader, const unsigned char *block, GError **error)
{
	TarPax *pax = &reader->pax;
	g_free(reader->name);
	g_free(reader->link);
	reader->link = NULL;
	if (pax->sparse_name)
		reader->name = g_steal_pointer(&pax->sparse_name);
	else if (pax->path)
		reader->name = g_steal_pointer(&pax->path);
	else if (reader->long_name)
		reader->name = g_steal_pointer(&reader->long_name);
	else
		reader->name = tar_header_name(block);
	if (!tar_header_type(block[AT_TYPE], reader->name, &reader->entry.type))
		return error_set(error, ENGINE_ERROR_CORRUPT, "tar: unknown entry type 0x%02x",
				 block[AT_TYPE]);
	if (reader->entry.type != TAR_SYMLINK && reader->entry.type != TAR_HARDLINK)
		return true;
	if (pax->linkpath)
		reader->link = g_steal_pointer(&pax->linkpath);
	else if (reader->long_link)
		reader->link = g_steal_pointer(&reader->long_link);
	else
		reader->link = tar_header_text(block, AT_LINK, 100);
	return true;
}

/* A header of a real entry: fill reader->entry and set up its data. */
static bool take_entry(TarReader *reader, const unsigned char *source, GError **error)
{
	/* Sparse maps read on and may move the buffer. */
	unsigned char block[TAR_BLOCK_SIZE];
	memcpy(block, source, sizeof(block));
	TarEntry *entry = &reader->entry;
	if (!take_names(reader, block, error) || !take_numbers(reader, block, error))
		return false;
	entry->name = reader->name;
	entry->link = reader->link;
	entry->xattrs = reader->pax.xattrs;
	if (entry->type != TAR_FILE) {
		/* Some writers put a size here; no data follows it. A link with data is an attack.
		 */
		if (entry->type == TAR_HARDLINK && entry->size > 0 && wall_stands("link-data"))
			return error_set(error, ENGINE_ERROR_CORRUPT,
					 "tar: the hard link '%s' has data", entry->name);
		entry->size = entry->stored = 0;
	}
	if (!take_sparse(reader, block, error))
		return false;
	reader->left = entry->stored;
	reader->padding = -entry->stored % TAR_BLOCK_SIZE;
	return true;
}

/* Headers that describe the next one. Return: 1 taken, 0 it is not one of them, -1 with @error. */
static int take_extension(TarReader *reader, const unsigned char *block, GError **error)
{
	unsigned char flag = block[AT_TYPE];
	int64_t size = 0;
	if (!strchr("xgXLK", flag) || flag == 0)
		return 0;
	if (!take_header_number(block, AT_SIZE, 12, "size", &size, error))
		return -1;
	g_autofree char *text = read_special(reader, size < 0 ? UINT64_MAX : (uint64_t)size, error);
	if (!text)
		return -1;
	if (flag == 'L') {
		g_free(reader->long_name);
		reader->long_name = g_strdup(text);
	} else if (flag == 'K') {
		g_free(reader->long_link);
		reader->long_link = g_strdup(text);
	} else if (flag != 'g') {
		/* Global headers hold comments; like Go we apply nothing of them. */
		if (!tar_pax_parse(&reader->pax, text, (size_t)size, error))
			return -1;
	}
	return 1;
}

/* Consume all behind the end-of-archive blocks. */
static bool drain(TarReader *reader, GError **error)
{
	uint64_t begin = reader->offset;
	for (;;) {
		if (!fill(reader, BUFFER_SIZE))
			return error_set_errno(error, "cannot read the tar stream");
		size_t got = reader->end - reader->start;
		if (got == 0)
			return true;
		if (!consume_raw(reader, got, error))
			return false;
		if (reader->offset - begin > TRAILER_MAX && wall_stands("trailer-size"))
			return error_set(error, ENGINE_ERROR_CORRUPT,
					 "tar: too many bytes behind the end of the archive");
	}
}

/* Pass over what is left of the data, then over the padding. */
static bool finish_entry(TarReader *reader, GError **error)
{
	if (reader->source.skip && reader->left > reader->end - reader->start) {
		uint64_t far = reader->left - (reader->end - reader->start);
		if (!reader->source.skip(reader->source.data, far))
			return error_set_errno(error, "cannot read the tar stream");
		reader->offset += reader->left;
		reader->start = reader->end;
		reader->left = 0;
	}
	while (reader->left > 0) {
		const void *data = NULL;
		size_t size = 0;
		if (!tar_reader_data(reader, &data, &size, error) ||
		    (reader->source.raw &&
		     !reader->source.raw(reader->source.data, data, size, error)))
			return false;
	}
	if (reader->padding > 0) {
		if (!fill(reader, (size_t)reader->padding))
			return error_set_errno(error, "cannot read the tar stream");
		size_t got = MIN((size_t)reader->padding, reader->end - reader->start);
		/* A last entry without its padding is how some writers end. */
		if (!consume_raw(reader, got, error))
			return false;
		reader->padding = 0;
	}
	return true;
}

/* Forget what extended headers said about the entry before. */
static void reset_entry(TarReader *reader)
{
	tar_pax_clear(&reader->pax);
	tar_pax_init(&reader->pax);
	g_clear_pointer(&reader->long_name, g_free);
	g_clear_pointer(&reader->long_link, g_free);
	g_clear_pointer(&reader->entry.extents, g_array_unref);
	reader->entry = (TarEntry){0};
}

int tar_reader_next(TarReader *reader, const TarEntry **out_entry, GError **error)
{
	if (!finish_entry(reader, error))
		return -1;
	reset_entry(reader);
	for (bool zero_before = false;;) {
		const unsigned char *block = NULL;
		int got = next_block(reader, &block, error);
		if (got <= 0)
			return got;
		if (is_zero(block, TAR_BLOCK_SIZE)) {
			if (zero_before)
				return drain(reader, error) ? 0 : -1;
			zero_before = true;
			continue;
		}
		if (zero_before || !tar_header_is_valid(block)) {
			(void)error_set(error, ENGINE_ERROR_CORRUPT,
					"tar: a header is malformed at byte %" G_GUINT64_FORMAT,
					reader->offset - TAR_BLOCK_SIZE);
			return -1;
		}
		int taken = take_extension(reader, block, error);
		if (taken < 0)
			return -1;
		if (taken > 0)
			continue;
		if (!take_entry(reader, block, error))
			return -1;
		*out_entry = &reader->entry;
		return 1;
	}
}

/* Data straight from a lender. */
static bool lend_data(TarReader *reader, const void **out_data, size_t *out_size, GError **error)
{
	ssize_t n = reader->source.borrow(reader->source.data, (size_t)MIN(reader->left, SSIZE_MAX),
					  out_data);
	if (n < 0)
		return error_set_errno(error, "cannot read the tar stream");
	if (n == 0)
		return set_truncated(error);
	*out_size = (size_t)n;
	reader->offset += *out_size;
	reader->left -= *out_size;
	return true;
}

bool tar_reader_data(TarReader *reader, const void **out_data, size_t *out_size, GError **error)
{
	*out_size = 0;
	if (reader->left == 0)
		return true;
	if (reader->source.borrow && reader->start == reader->end)
		return lend_data(reader, out_data, out_size, error);
	size_t want = reader->left <= ONE_PIECE ? (size_t)reader->left : 1;
	if (!fill(reader, want))
		return error_set_errno(error, "cannot read the tar stream");
	size_t got = reader->end - reader->start;
	if (got < want)
		return set_truncated(error);
	*out_size = (size_t)MIN((uint64_t)got, reader->left);
	*out_data = reader->buffer + reader->start;
	reader->start += *out_size;
	reader->offset += *out_size;
	reader->left -= *out_size;
	return true;
}
