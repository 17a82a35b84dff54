/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The journal of a layer: what its tar had besides the files' contents, so that the exact bytes,
 *and with them the diff id, can be made again from the unpacked tree.
 *
 * A zstd stream of records behind the magic "SKJ1":
 *   'R' LEN BYTES		these bytes as they are (headers, padding, the end)
 *   'F' LEN PATH OFF SIZE	SIZE bytes at OFF of the file PATH in diff/
 *   'M' LEN PATH N		what PATH (or anything below it) meant so far is now extra/N: a
 *later entry of the same archive took its place 'E'			the end; without it the
 *journal is cut short Numbers are LEB128.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

typedef struct TarJournal TarJournal;

/** tar_journal_new() - write a journal to @fd (borrowed). */
TarJournal *tar_journal_new(int fd);
void tar_journal_free(TarJournal *journal);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TarJournal, tar_journal_free)

/** tar_journal_raw() and its like - the next piece of the tar: bytes as they stood, or a file's
 * contents. */
bool tar_journal_raw(TarJournal *journal, const void *bytes, size_t size, GError **error);
bool tar_journal_file(TarJournal *journal, const char *path, uint64_t offset, uint64_t size,
		      GError **error);
bool tar_journal_moved(TarJournal *journal, const char *path, uint64_t number, GError **error);

/** tar_journal_finish() - write the end record and flush. */
bool tar_journal_finish(TarJournal *journal, GError **error);

/** TarJournalReader - reading one back, record by record. */
typedef struct TarJournalReader TarJournalReader;

typedef struct {
	char kind; /* 'R', 'F', 'M' or 'E' */
	const char
		*text; /* the bytes of 'R' or the path of others (with a NUL behind it); borrowed */
	size_t text_size;
	uint64_t offset; /* of 'F' */
	uint64_t size;   /* of 'F', or the number of 'M' */
} TarJournalRecord;

/** tar_journal_reader_new() - read a journal from @fd (borrowed), positioned at its start. */
TarJournalReader *tar_journal_reader_new(int fd);
void tar_journal_reader_free(TarJournalReader *reader);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TarJournalReader, tar_journal_reader_free)

/** tar_journal_next() - the next record, borrowed until the call after. CORRUPT. After 'E' don't
 * call it again. */
bool tar_journal_next(TarJournalReader *reader, TarJournalRecord *out, GError **error);
