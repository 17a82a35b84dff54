/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A layer back into a tar: the journal's bytes with the files' contents between them. Runs in the
 * jail.
 */
#include "storage/tar_pack.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/path.h"
#include "storage/tar_journal.h"

#define BUFFER_SIZE (1u << 20)

/* Content that was set aside: which records of a path it belongs to. */
typedef struct {
	char *path;
	uint64_t number;
	guint record; /* 'F' records before this one mean the moved content */
} Moved;

typedef struct {
	int diff_fd;
	int extra_fd; /* -1 if nothing was set aside */
	int out_fd;
	GPtrArray *moved;
	guint record;
	char *buffer;
	size_t used;
} Pack;

static void free_moved(void *data)
{
	Moved *moved = data;
	g_free(moved->path);
	g_free(moved);
}

static bool flush(Pack *pack, GError **error)
{
	if (pack->used > 0 && !fd_write_all(pack->out_fd, pack->buffer, pack->used))
		return error_set_errno(error, "cannot write the layer's tar");
	pack->used = 0;
	return true;
}

/* Through the buffer, so that the hash and the pipe see large pieces. */
static bool put(Pack *pack, const char *bytes, size_t size, GError **error)
{
	while (size > 0) {
		size_t piece = MIN(size, BUFFER_SIZE - pack->used);
		memcpy(pack->buffer + pack->used, bytes, piece);
		pack->used += piece;
		bytes += piece;
		size -= piece;
		if (pack->used == BUFFER_SIZE && !flush(pack, error))
			return false;
	}
	return true;
}

/* First reading: learn what was set aside. */
static bool collect_moved(Pack *pack, int journal_fd, GError **error)
{
	g_autoptr(TarJournalReader) reader = tar_journal_reader_new(journal_fd);
	TarJournalRecord record;
	guint n_files = 0;
	do {
		if (!tar_journal_next(reader, &record, error))
			return false;
		n_files += record.kind == 'F';
		if (record.kind != 'M')
			continue;
		Moved *moved = g_new0(Moved, 1);
		moved->path = g_strdup(record.text);
		moved->number = record.size;
		moved->record = n_files;
		g_ptr_array_add(pack->moved, moved);
	} while (record.kind != 'E');
	return true;
}

/* Where the content of @path as the record numbered pack->record means it lies now. */
static int open_content(Pack *pack, const char *path)
{
	const int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK;
	for (guint i = 0; i < pack->moved->len; i++) {
		const Moved *moved = pack->moved->pdata[i];
		size_t size = strlen(moved->path);
		if (pack->record >= moved->record || strncmp(path, moved->path, size) != 0 ||
		    (path[size] != '\0' && path[size] != '/'))
			continue;
		g_autofree char *place =
			g_strdup_printf("%" G_GUINT64_FORMAT "%s", moved->number, path + size);
		return path_open_in_root(pack->extra_fd, place, flags, 0);
	}
	return path_open_in_root(pack->diff_fd, path, flags, 0);
}

/* Straight into the buffer. A file that has changed since is corruption, not the end. */
static bool put_content(Pack *pack, const TarJournalRecord *record, GError **error)
{
	autofd fd = open_content(pack, record->text);
	pack->record++;
	struct stat st;
	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return error_set(error, ENGINE_ERROR_CORRUPT, "the layer has lost the file '%s'",
				 record->text);
	uint64_t at = record->offset;
	uint64_t left = record->size;
	while (left > 0) {
		size_t want = (size_t)MIN(left, BUFFER_SIZE - pack->used);
		ssize_t n = pread(fd, pack->buffer + pack->used, want, (off_t)at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return error_set(error, ENGINE_ERROR_CORRUPT,
					 "the layer's file '%s' is too short", record->text);
		pack->used += (size_t)n;
		at += (uint64_t)n;
		left -= (uint64_t)n;
		if (pack->used == BUFFER_SIZE && !flush(pack, error))
			return false;
	}
	return true;
}

/* Second reading: write. */
static bool write_all(Pack *pack, int journal_fd, GError **error)
{
	g_autoptr(TarJournalReader) reader = tar_journal_reader_new(journal_fd);
	TarJournalRecord record;
	for (;;) {
		if (!tar_journal_next(reader, &record, error))
			return false;
		if (record.kind == 'E')
			return flush(pack, error);
		if (record.kind == 'R' && !put(pack, record.text, record.text_size, error))
			return false;
		if (record.kind == 'F' && !put_content(pack, &record, error))
			return false;
	}
}

bool tar_pack_journal(int layer_fd, int out_fd, GError **error)
{
	autofd diff = path_open_state(layer_fd, "diff", O_PATH | O_DIRECTORY, 0);
	autofd extra = path_open_state(layer_fd, "extra", O_PATH | O_DIRECTORY, 0);
	autofd journal = path_open_state(layer_fd, "journal", O_RDONLY, 0);
	if (diff < 0)
		return error_set_errno(error, "cannot open the layer's tree");
	if (journal < 0)
		return error_set(error, ENGINE_ERROR_UNSUPPORTED,
				 "the layer has no journal to rebuild its tar from");
	Pack pack = {
		.diff_fd = diff,
		.extra_fd = extra,
		.out_fd = out_fd,
		.moved = g_ptr_array_new_with_free_func(free_moved),
		.buffer = g_malloc(BUFFER_SIZE),
	};
	bool done = collect_moved(&pack, journal, error) &&
		    (lseek(journal, 0, SEEK_SET) == 0 ||
		     error_set_errno(error, "cannot read the layer's journal")) &&
		    write_all(&pack, journal, error);
	g_ptr_array_unref(pack.moved);
	g_free(pack.buffer);
	return done;
}
