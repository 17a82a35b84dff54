/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The journal of a layer: writer (in the jailed unpack child) and reader (in the pack child).
 */
#include "storage/tar_journal.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <zstd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"

#define MAGIC      "SKJ1"
#define RAW_MAX    (64u << 10)
#define OUT_SIZE   (128u << 10)
#define RECORD_MAX (1u << 20)

struct TarJournal {
	int fd;
	ZSTD_CCtx *zstd;
	bool begun;      /* the magic is out */
	GByteArray *raw; /* raw bytes not written yet: neighbours become one record */
	char out[OUT_SIZE];
};

TarJournal *tar_journal_new(int fd)
{
	TarJournal *journal = g_new0(TarJournal, 1);
	journal->fd = fd;
	journal->zstd = ZSTD_createCCtx();
	g_assert(journal->zstd);
	(void)ZSTD_CCtx_setParameter(journal->zstd, ZSTD_c_compressionLevel, 1);
	(void)ZSTD_CCtx_setParameter(journal->zstd, ZSTD_c_checksumFlag, 1);
	journal->raw = g_byte_array_new();
	return journal;
}

void tar_journal_free(TarJournal *journal)
{
	if (!journal)
		return;
	ZSTD_freeCCtx(journal->zstd);
	g_byte_array_unref(journal->raw);
	g_free(journal);
}

/* Compress @size bytes; with ZSTD_e_end until all is out. */
static bool deflate_bytes(TarJournal *journal, const void *bytes, size_t size,
			  ZSTD_EndDirective mode, GError **error)
{
	ZSTD_inBuffer in = {.src = bytes, .size = size};
	for (;;) {
		ZSTD_outBuffer out = {.dst = journal->out, .size = OUT_SIZE};
		size_t rest = ZSTD_compressStream2(journal->zstd, &out, &in, mode);
		if (ZSTD_isError(rest))
			return error_set(error, ENGINE_ERROR_SYSTEM, "journal: %s",
					 ZSTD_getErrorName(rest));
		if (out.pos > 0 && !fd_write_all(journal->fd, journal->out, out.pos))
			return error_set_errno(error, "cannot write the layer's journal");
		if (mode == ZSTD_e_end ? rest == 0 : in.pos == in.size)
			return true;
	}
}

/* The magic, once, before anything else. */
static bool begin(TarJournal *journal, GError **error)
{
	if (journal->begun)
		return true;
	journal->begun = true;
	return deflate_bytes(journal, MAGIC, strlen(MAGIC), ZSTD_e_continue, error);
}

static size_t put_number(unsigned char *to, uint64_t value)
{
	size_t size = 0;
	do {
		to[size++] = (unsigned char)((value & 0x7f) | (value > 0x7f ? 0x80 : 0));
		value >>= 7;
	} while (value > 0);
	return size;
}

/* A record's kind, its counted text and two optional numbers. */
static bool put_record(TarJournal *journal, char kind, const void *text, size_t text_size,
		       const uint64_t *numbers, size_t n_numbers, GError **error)
{
	unsigned char head[11] = {(unsigned char)kind};
	unsigned char tail[20];
	size_t head_size = 1 + put_number(head + 1, text_size);
	size_t tail_size = 0;
	for (size_t i = 0; i < n_numbers; i++)
		tail_size += put_number(tail + tail_size, numbers[i]);
	return begin(journal, error) &&
	       deflate_bytes(journal, head, head_size, ZSTD_e_continue, error) &&
	       deflate_bytes(journal, text, text_size, ZSTD_e_continue, error) &&
	       deflate_bytes(journal, tail, tail_size, ZSTD_e_continue, error);
}

static bool flush_raw(TarJournal *journal, GError **error)
{
	guint size = journal->raw->len;
	if (size == 0)
		return true;
	bool done = put_record(journal, 'R', journal->raw->data, size, NULL, 0, error);
	g_byte_array_set_size(journal->raw, 0);
	return done;
}

bool tar_journal_raw(TarJournal *journal, const void *bytes, size_t size, GError **error)
{
	const char *from = bytes;
	while (size > 0) {
		guint piece = (guint)MIN(size, RAW_MAX - journal->raw->len);
		g_byte_array_append(journal->raw, (const guint8 *)from, piece);
		from += piece;
		size -= piece;
		if (journal->raw->len == RAW_MAX && !flush_raw(journal, error))
			return false;
	}
	return true;
}

bool tar_journal_file(TarJournal *journal, const char *path, uint64_t offset, uint64_t size,
		      GError **error)
{
	const uint64_t numbers[] = {offset, size};
	return flush_raw(journal, error) &&
	       put_record(journal, 'F', path, strlen(path), numbers, 2, error);
}

bool tar_journal_moved(TarJournal *journal, const char *path, uint64_t number, GError **error)
{
	return flush_raw(journal, error) &&
	       put_record(journal, 'M', path, strlen(path), &number, 1, error);
}

bool tar_journal_finish(TarJournal *journal, GError **error)
{
	return begin(journal, error) && flush_raw(journal, error) &&
	       deflate_bytes(journal, "E", 1, ZSTD_e_end, error);
}

struct TarJournalReader {
	int fd;
	ZSTD_DCtx *zstd;
	unsigned char *in;
	ZSTD_inBuffer input;
	unsigned char *out;
	size_t out_start;
	size_t out_end;
	bool begun;
	GByteArray *text;
};

TarJournalReader *tar_journal_reader_new(int fd)
{
	TarJournalReader *reader = g_new0(TarJournalReader, 1);
	reader->fd = fd;
	reader->zstd = ZSTD_createDCtx();
	g_assert(reader->zstd);
	reader->in = g_malloc(OUT_SIZE);
	reader->out = g_malloc(OUT_SIZE);
	reader->input.src = reader->in;
	reader->text = g_byte_array_new();
	return reader;
}

void tar_journal_reader_free(TarJournalReader *reader)
{
	if (!reader)
		return;
	ZSTD_freeDCtx(reader->zstd);
	g_free(reader->in);
	g_free(reader->out);
	g_byte_array_unref(reader->text);
	g_free(reader);
}

static bool set_broken(GError **error)
{
	return error_set(error, ENGINE_ERROR_CORRUPT, "the layer's journal is broken");
}

/* Inflate more into the empty output buffer. */
static bool refill(TarJournalReader *reader, GError **error)
{
	reader->out_start = reader->out_end = 0;
	while (reader->out_end == 0) {
		if (reader->input.pos == reader->input.size) {
			ssize_t n = read(reader->fd, reader->in, OUT_SIZE);
			if (n < 0 && errno == EINTR)
				continue;
			if (n < 0)
				return error_set_errno(error, "cannot read the layer's journal");
			if (n == 0)
				return set_broken(error);
			reader->input.size = (size_t)n;
			reader->input.pos = 0;
		}
		ZSTD_outBuffer out = {.dst = reader->out, .size = OUT_SIZE};
		if (ZSTD_isError(ZSTD_decompressStream(reader->zstd, &out, &reader->input)))
			return set_broken(error);
		reader->out_end = out.pos;
	}
	return true;
}

static bool get_byte(TarJournalReader *reader, unsigned char *out, GError **error)
{
	if (reader->out_start == reader->out_end && !refill(reader, error))
		return false;
	*out = reader->out[reader->out_start++];
	return true;
}

/* LEB128 of at most 63 bits: it fits a signed offset. */
static bool get_number(TarJournalReader *reader, uint64_t *out, GError **error)
{
	uint64_t value = 0;
	for (unsigned shift = 0; shift < 63; shift += 7) {
		unsigned char byte = 0;
		if (!get_byte(reader, &byte, error))
			return false;
		value |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80)) {
			*out = value;
			return true;
		}
	}
	return set_broken(error);
}

/* A counted text into reader->text, with a NUL behind it. */
static bool get_text(TarJournalReader *reader, GError **error)
{
	uint64_t size = 0;
	if (!get_number(reader, &size, error))
		return false;
	if (size > RECORD_MAX)
		return set_broken(error);
	g_byte_array_set_size(reader->text, 0);
	while (reader->text->len < size) {
		if (reader->out_start == reader->out_end && !refill(reader, error))
			return false;
		guint piece =
			(guint)MIN(size - reader->text->len, reader->out_end - reader->out_start);
		g_byte_array_append(reader->text, reader->out + reader->out_start, piece);
		reader->out_start += piece;
	}
	g_byte_array_append(reader->text, (const guint8 *)"", 1);
	return true;
}

static bool check_magic(TarJournalReader *reader, GError **error)
{
	for (size_t i = 0; i < strlen(MAGIC); i++) {
		unsigned char byte = 0;
		if (!get_byte(reader, &byte, error))
			return false;
		if (byte != (unsigned char)MAGIC[i])
			return set_broken(error);
	}
	reader->begun = true;
	return true;
}

bool tar_journal_next(TarJournalReader *reader, TarJournalRecord *out, GError **error)
{
	unsigned char kind = 0;
	if (!reader->begun && !check_magic(reader, error))
		return false;
	if (!get_byte(reader, &kind, error))
		return false;
	*out = (TarJournalRecord){.kind = (char)kind};
	if (kind == 'E')
		return true;
	if (!strchr("RFM", kind) || !kind)
		return set_broken(error);
	if (!get_text(reader, error))
		return false;
	out->text = (const char *)reader->text->data;
	out->text_size = reader->text->len - 1;
	if (kind == 'F' && !get_number(reader, &out->offset, error))
		return false;
	return kind == 'R' || get_number(reader, &out->size, error);
}
