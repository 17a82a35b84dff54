/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation. A log is a chain of files: NAME.K ... NAME.1, NAME, oldest first; the
 * monitor renames them and never writes to one that it has renamed. A reader holds one of them. At
 * its end it looks where in the chain the file it holds has gone: still NAME: that was all for now.
 * NAME.K: it is finished, and after one more read to its end NAME.(K-1) comes next. Nothing is
 * assumed about how often the monitor has rotated meanwhile, so a slow follower loses only what
 * retention has deleted; then it goes on with the oldest file that is newer than what it has read.
 * No inotify (a user has 128 of them): a follower looks again after 1 to 200 ms.
 *
 * Without --follow the reader stops where the newest file ended when it began, or a flood would
 * keep it for ever.
 */
#include "libpod/logs.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/units.h"
#include "libpod/log_record.h"
#include "libpod/logs_journal.h"

#define FILES_MAX         1001
#define READ_SIZE         65536
#define TAIL_WINDOW       65536 /* bytes looked at first for --tail; eight times more at each try */
#define WAIT_FIRST_MS     1
#define WAIT_MOST_MS      200
#define ROTATION_TRIES    1000
#define ROTATION_PAUSE_MS 1

typedef struct {
	const LogsOptions *options;
	bool (*emit)(const LogLine *line, void *data);
	void *emit_data;
	int dir_fd;
	char *name;
	int fd;           /* -1: no file yet */
	struct stat file; /* of fd: dev and ino */
	int64_t offset;   /* of the next read */
	GString *buffer;  /* the beginning of a record */
	bool skipping;    /* in a record that is too long */
	bool partial[2];  /* the last line of stdout, stderr has no end yet */
	bool stopped;     /* @emit has had enough */
	struct stat last; /* without follow: the file and the size where to stop; st_ino 0 = none */
} LogReader;

static void format_name(const LogReader *reader, int index, char *out, size_t size)
{
	if (index == 0)
		g_strlcpy(out, reader->name, size);
	else
		g_snprintf(out, size, "%s.%d", reader->name, index);
}

static bool stat_index(const LogReader *reader, int index, struct stat *out)
{
	char name[300];
	format_name(reader, index, name, sizeof name);
	return fstatat(reader->dir_fd, name, out, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Open a file of the chain. Return: false with errno. */
static bool open_index(LogReader *reader, int index, int *out_fd, struct stat *out_stat)
{
	char name[300];
	format_name(reader, index, name, sizeof name);
	autofd fd = openat(reader->dir_fd, name,
			   O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 || fstat(fd, out_stat) < 0)
		return false;
	if (!S_ISREG(out_stat->st_mode)) {
		errno = EINVAL;
		return false;
	}
	*out_fd = fd_steal(&fd);
	return true;
}

static void take_file(LogReader *reader, int fd, const struct stat *st)
{
	fd_close(&reader->fd);
	reader->fd = fd;
	reader->file = *st;
	reader->offset = 0;
	reader->skipping = false;
	g_string_truncate(reader->buffer, 0);
}

static bool same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/*
 * Walk along the chain, newest first, until @seen wants no more. While the monitor rotates, one
 * name after the other is missing, from the oldest to NAME itself: only two missing in a row are
 * its end.
 */
static void walk_chain(const LogReader *reader,
		       bool (*seen)(int index, const struct stat *st, void *data), void *data)
{
	int missing = 0;
	for (int i = 0; i < FILES_MAX && missing < 2; i++) {
		struct stat st;
		if (!stat_index(reader, i, &st))
			missing++;
		else if (missing = 0, !seen(i, &st, data))
			return;
	}
}

/* What is looked for in the chain, and where it was. */
typedef struct {
	const struct stat *wanted;    /* this file */
	const struct timespec *after; /* or the oldest written after this; NULL: the oldest */
	int index;                    /* -1: not found */
	struct stat found;
} Search;

static bool is_wanted(int index, const struct stat *st, void *data)
{
	Search *search = data;
	if (same_file(st, search->wanted))
		search->index = index;
	return search->index < 0;
}

/* Where the file we hold is in the chain. Return: -1 if it was not seen there. */
static int find_index(const LogReader *reader)
{
	Search search = {.wanted = &reader->file, .index = -1};
	walk_chain(reader, is_wanted, &search);
	return search.index;
}

static bool is_newer(int index, const struct stat *st, void *data)
{
	Search *search = data;
	const struct timespec *after = search->after;
	if (!after || st->st_mtim.tv_sec > after->tv_sec ||
	    (st->st_mtim.tv_sec == after->tv_sec && st->st_mtim.tv_nsec > after->tv_nsec)) {
		search->index = index;
		search->found = *st;
	}
	return true;
}

/*
 * Open the oldest file, of those written after @after if that is given. The monitor may rotate at
 * any moment of it: what was opened is taken only if it is found to be the oldest afterwards, too.
 * Return: false if there is none.
 */
static bool open_oldest(LogReader *reader, const struct timespec *after)
{
	for (int i = 0; i < ROTATION_TRIES; i++) {
		Search before = {.after = after, .index = -1};
		walk_chain(reader, is_newer, &before);
		if (before.index < 0)
			return false;
		autofd fd = -1;
		struct stat st;
		Search again = {.after = after, .index = -1};
		if (open_index(reader, before.index, &fd, &st)) {
			walk_chain(reader, is_newer, &again);
			if (again.index >= 0 && same_file(&again.found, &st)) {
				take_file(reader, fd_steal(&fd), &st);
				return true;
			}
		}
		poll(NULL, 0, ROTATION_PAUSE_MS);
	}
	return false;
}

typedef enum {
	NEXT_NONE, /* we hold the newest */
	NEXT_TAKEN,
	NEXT_FAILED,
} NextFile;

/* Our file is not in the chain: deleted by retention, or moved by hand. Go on with what is newer.
 */
static NextFile take_newer(LogReader *reader)
{
	struct stat ours;
	if (fstat(reader->fd, &ours) < 0)
		return NEXT_FAILED;
	return open_oldest(reader, &ours.st_mtim) ? NEXT_TAKEN : NEXT_NONE;
}

/* Was the file we hold deleted? One that has a name was only not seen, because it was renamed. */
static bool is_deleted(const LogReader *reader)
{
	struct stat st;
	return fstat(reader->fd, &st) < 0 || st.st_nlink == 0;
}

/*
 * Open the file @step places behind the one we hold: -1 the next newer. If the monitor rotated in
 * between, what was opened is another one, and it is tried again.
 * Return: false with errno; ENOENT: there is none.
 */
static bool open_neighbour(LogReader *reader, int index, int step, int *out_fd, struct stat *out)
{
	autofd fd = -1;
	struct stat beyond;
	bool opened = open_index(reader, index + step, &fd, out);
	if (opened && find_index(reader) == index) {
		*out_fd = fd_steal(&fd);
		return true;
	}
	/* A name that is missing, and one beyond that is not: it is being renamed. */
	if (opened || (errno == ENOENT && stat_index(reader, index + 2 * step, &beyond)))
		errno = EAGAIN;
	return false;
}

/* Go on to the file behind ours, which is read to its end. */
static NextFile take_next(LogReader *reader)
{
	for (int i = 0; i < ROTATION_TRIES; i++) {
		struct stat st;
		int index = find_index(reader);
		int fd;
		if (index == 0)
			return NEXT_NONE;
		if (index < 0 && is_deleted(reader))
			return take_newer(reader);
		if (index > 0 && open_neighbour(reader, index, -1, &fd, &st)) {
			take_file(reader, fd, &st);
			return NEXT_TAKEN;
		}
		if (index > 0 && errno != ENOENT && errno != EAGAIN)
			return NEXT_FAILED;
		poll(NULL, 0, ROTATION_PAUSE_MS);
	}
	return find_index(reader) < 0 ? take_newer(reader) : NEXT_NONE;
}

/* Hand one record on, if it is wanted. */
static void emit_record(LogReader *reader, const char *record, size_t size)
{
	g_autoptr(Json) owner = NULL;
	LogLine line;
	const LogsOptions *options = reader->options;
	if (!log_record_parse(options->driver, record, size, &line, &owner))
		return;
	line.continued = reader->partial[line.is_stderr];
	if (options->since_ns > 0 && line.time_ns < options->since_ns)
		return;
	if (options->until_ns > 0 && line.time_ns > options->until_ns)
		return;
	reader->partial[line.is_stderr] = line.partial;
	reader->stopped = !reader->emit(&line, reader->emit_data);
}

/* Cut what was read into records; the last one may still be incomplete. */
static void take_bytes(LogReader *reader, const char *data, size_t size)
{
	while (size > 0 && !reader->stopped) {
		const char *newline = memchr(data, '\n', size);
		size_t length = newline ? (size_t)(newline - data) : size;
		if (!reader->skipping && reader->buffer->len + length > LOG_RECORD_MAX) {
			reader->skipping = true;
			g_string_truncate(reader->buffer, 0);
		}
		bool whole = newline && reader->buffer->len == 0;
		if (!reader->skipping && !whole)
			g_string_append_len(reader->buffer, data, (gssize)length);
		if (!newline)
			return;
		if (!reader->skipping && whole)
			emit_record(reader, data, length);
		else if (!reader->skipping)
			emit_record(reader, reader->buffer->str, reader->buffer->len);
		g_string_truncate(reader->buffer, 0);
		reader->skipping = false;
		data += length + 1;
		size -= length + 1;
	}
}

/* A full disk makes the monitor take half a record back: go back to where that began. */
static void check_cut(LogReader *reader)
{
	struct stat st;
	if (fstat(reader->fd, &st) < 0 || st.st_size >= reader->offset)
		return;
	reader->offset = MIN(reader->offset - (int64_t)reader->buffer->len, (int64_t)st.st_size);
	reader->skipping = false;
	g_string_truncate(reader->buffer, 0);
}

/* Is this the file and the place where a reader without follow stops? */
static size_t bytes_wanted(const LogReader *reader)
{
	if (reader->last.st_ino == 0 || !same_file(&reader->last, &reader->file))
		return READ_SIZE;
	int64_t left = (int64_t)reader->last.st_size - reader->offset;
	return (size_t)CLAMP(left, 0, READ_SIZE);
}

/* Read our file to its end. */
static bool read_to_end(LogReader *reader, GError **error)
{
	char data[READ_SIZE];
	check_cut(reader);
	while (!reader->stopped) {
		size_t wanted = bytes_wanted(reader);
		ssize_t n = wanted == 0 ? 0 : pread(reader->fd, data, wanted, reader->offset);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_set_errno(error, "cannot read the log");
		if (n == 0)
			return true;
		reader->offset += n;
		take_bytes(reader, data, (size_t)n);
	}
	return true;
}

/* The last places in a file where a line begins: a ring of as many as were asked for. */
typedef struct {
	int64_t *offsets;
	size_t room, count; /* count goes on when the ring is full */
	size_t most;
} LineStarts;

static void add_start(LineStarts *starts, int64_t offset)
{
	if (starts->room < starts->most && starts->count == starts->room) {
		starts->room = MIN(starts->most, MAX(starts->room * 2, 64));
		starts->offsets = g_renew(int64_t, starts->offsets, starts->room);
	}
	starts->offsets[starts->count++ % starts->most] = offset;
}

/* Note where lines begin from @from on, which is the middle of a record unless it is 0. */
static bool find_starts(int fd, LogDriver driver, int64_t from, int64_t size, LineStarts *starts)
{
	g_autofree char *data = g_malloc(READ_SIZE);
	g_autoptr(GString) record = g_string_new(NULL);
	bool in_record = from == 0; /* we know where this record began */
	bool begins_line = from == 0;
	int64_t record_at = from;
	starts->count = 0;
	for (int64_t at = from; at < size;) {
		ssize_t n = pread(fd, data, MIN((size_t)(size - at), READ_SIZE), at);
		if (n <= 0)
			return n == 0;
		for (ssize_t done = 0; done < n;) {
			const char *newline = memchr(data + done, '\n', (size_t)(n - done));
			ssize_t end = newline ? newline - data : n;
			if (in_record && record->len < LOG_RECORD_MAX)
				g_string_append_len(record, data + done, end - done);
			done = newline ? end + 1 : end;
			if (!newline)
				break;
			if (in_record && begins_line)
				add_start(starts, record_at);
			begins_line =
				in_record && log_record_ends_line(driver, record->str, record->len);
			record_at = at + done;
			in_record = true;
			g_string_truncate(record, 0);
		}
		at += n;
	}
	return true;
}

/* Position in one file so that at most @wanted lines follow. *out_found: how many do. */
static bool seek_tail_in_file(LogReader *reader, int64_t wanted, int64_t *out_found, GError **error)
{
	struct stat st;
	if (fstat(reader->fd, &st) < 0)
		return error_set_errno(error, "cannot stat the log");
	for (int64_t window = TAIL_WINDOW;; window *= 8) {
		int64_t from = MAX((int64_t)st.st_size - window, 0);
		LineStarts starts = {.most = (size_t)MIN(wanted, G_MAXINT32)};
		bool ok =
			find_starts(reader->fd, reader->options->driver, from, st.st_size, &starts);
		size_t found = MIN(starts.count, starts.most);
		if (ok && (from == 0 || found == starts.most)) {
			size_t first = starts.count > starts.most ? starts.count % starts.most : 0;
			reader->offset = found == starts.most ? starts.offsets[first] : 0;
			*out_found = (int64_t)found;
			g_free(starts.offsets);
			return true;
		}
		g_free(starts.offsets);
		if (!ok)
			return error_set_errno(error, "cannot read the log");
	}
}

/* Go back to the file before ours. Return: false if there is none (any more). */
static bool take_older(LogReader *reader)
{
	for (int i = 0; i < ROTATION_TRIES && !is_deleted(reader); i++) {
		struct stat st;
		int index = find_index(reader);
		int fd;
		if (index >= 0 && open_neighbour(reader, index, 1, &fd, &st)) {
			take_file(reader, fd, &st);
			return true;
		}
		if (index >= 0 && errno != EAGAIN)
			return false;
		poll(NULL, 0, ROTATION_PAUSE_MS);
	}
	return false;
}

/* Begin @tail lines before the end, going back through the chain as far as needed. */
static bool seek_tail(LogReader *reader, int64_t tail, GError **error)
{
	struct stat st;
	if (tail == 0) {
		if (fstat(reader->fd, &st) == 0)
			reader->offset = st.st_size;
		return true;
	}
	for (;;) {
		int64_t found = 0;
		if (!seek_tail_in_file(reader, tail, &found, error))
			return false;
		tail -= found;
		if (tail == 0 || !take_older(reader))
			return true;
	}
}

/* The file to begin with: the oldest, or with --tail the newest. Return: false if there is none. */
static bool open_first(LogReader *reader)
{
	if (reader->options->tail < 0)
		return open_oldest(reader, NULL);
	for (int i = 0; i < ROTATION_TRIES; i++) {
		int fd;
		struct stat st;
		if (open_index(reader, 0, &fd, &st)) {
			take_file(reader, fd, &st);
			return true;
		}
		if (!stat_index(reader, 1, &st))
			return false;
		poll(NULL, 0, ROTATION_PAUSE_MS);
	}
	return false;
}

/* Everything there is now, in all files. */
static bool read_all(LogReader *reader, GError **error)
{
	while (!reader->stopped) {
		if (!read_to_end(reader, error))
			return false;
		if (reader->last.st_ino != 0 && same_file(&reader->last, &reader->file))
			return true;
		if (find_index(reader) == 0)
			return true;
		/* The file is finished: what came between our last read and its renaming, then the
		 * next. */
		if (!read_to_end(reader, error))
			return false;
		switch (take_next(reader)) {
		case NEXT_NONE:
			return true;
		case NEXT_FAILED:
			return error_set_errno(error, "cannot open the next file of the log");
		case NEXT_TAKEN:
			break;
		}
	}
	return true;
}

/* Is there anything to wait for? */
static bool goes_on(const LogReader *reader)
{
	const LogsOptions *options = reader->options;
	if (!options->follow || reader->stopped)
		return false;
	if (options->until_ns > 0 && units_now() > options->until_ns)
		return false;
	return !options->is_running || options->is_running(options->data);
}

/* Print what there is and, for a follower, what comes, until the container has ended. */
static bool read_and_follow(LogReader *reader, GError **error)
{
	int delay = WAIT_FIRST_MS;
	/* A container that never ran has no log yet; a follower waits for it. */
	bool opened = open_first(reader);
	if (opened && reader->options->tail >= 0 &&
	    !seek_tail(reader, reader->options->tail, error))
		return false;
	if (!reader->options->follow && !stat_index(reader, 0, &reader->last))
		reader->last.st_ino = 0;
	for (;;) {
		/* Asked before reading: what was written before it ended is then read. */
		bool more = goes_on(reader);
		int64_t before = reader->offset;
		if (!opened)
			opened = open_first(reader);
		if (opened && !read_all(reader, error))
			return false;
		if (!more || reader->stopped)
			return true;
		delay = reader->offset != before ? WAIT_FIRST_MS : MIN(delay * 2, WAIT_MOST_MS);
		poll(NULL, 0, delay);
	}
}

static bool open_directory(LogReader *reader, int state_dir_fd, const char *log_path,
			   GError **error)
{
	if (!log_path) {
		reader->name = g_strdup("log");
		reader->dir_fd = fcntl(state_dir_fd, F_DUPFD_CLOEXEC, 3);
		return reader->dir_fd >= 0 ||
		       error_set_errno(error, "cannot open the log's directory");
	}
	g_autofree char *directory = g_path_get_dirname(log_path);
	reader->name = g_path_get_basename(log_path);
	reader->dir_fd = openat(AT_FDCWD, directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return reader->dir_fd >= 0 || error_set_errno(error, "cannot open '%s'", directory);
}

bool logs_are_kept(LogDriver driver)
{
	return driver != LOG_DRIVER_NONE && driver != LOG_DRIVER_PASSTHROUGH;
}

bool logs_read(int state_dir_fd, const char *log_path, const LogsOptions *options,
	       bool (*emit)(const LogLine *line, void *data), void *emit_data, GError **error)
{
	if (options->driver == LOG_DRIVER_JOURNALD)
		return logs_read_journal(options, emit, emit_data, error);
	if (!logs_are_kept(options->driver))
		return error_set(error, ENGINE_ERROR_BAD_STATE,
				 "this container is using the '%s' log driver, cannot read logs: "
				 "this container is not logging output",
				 log_driver_name(options->driver));
	LogReader reader = {
		.options = options,
		.emit = emit,
		.emit_data = emit_data,
		.dir_fd = -1,
		.fd = -1,
	};
	bool ok = open_directory(&reader, state_dir_fd, log_path, error);
	if (ok) {
		reader.buffer = g_string_new(NULL);
		ok = read_and_follow(&reader, error);
		g_string_free(reader.buffer, TRUE);
	}
	fd_close(&reader.fd);
	fd_close(&reader.dir_fd);
	g_free(reader.name);
	return ok;
}
