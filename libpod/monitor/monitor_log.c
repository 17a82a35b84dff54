/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation. Output comes in chunks as the pipe gave them, not in lines. Every chunk is
 * cut at its newlines into records; a rest without newline becomes a record that says so, at once,
 * so nothing is held back and no memory grows with a line. The one exception is json-file, whose
 * text must be valid UTF-8: up to three bytes of a character that was cut wait for the next chunk.
 *
 * Records are gathered in a buffer of fixed size. Writing it either succeeds whole or is undone by
 * cutting the file back to where it was: a full disk costs whole records, never half ones. A killed
 * monitor can leave half a record; the next one ends that line before it goes on, and readers skip
 * what they can't read.
 */
#include "libpod/monitor/monitor_log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/journal.h"
#include "libpod/base/path.h"
#include "libpod/monitor/monitor_journal.h"

#define BUFFER_SIZE       32768
#define JSON_PIECE_MAX    4096 /* bytes of output in one record; escaping makes six of one */
#define K8S_PIECE_MAX     16384
#define JOURNAL_PIECE_MAX (512u << 10)
#define NAME_MAX_SIZE     256
#define CHECK_NS                                                                                   \
	G_GINT64_CONSTANT(1000000000) /* between looks at whether our file is still there */

typedef struct {
	size_t piece_max;
	size_t overhead;    /* bytes of a record besides its text */
	unsigned expansion; /* most bytes that one byte of text becomes */
	bool utf8;
	void (*append)(MonitorLog *log, bool is_stderr, const char *text, size_t size,
		       bool ends_line);
} LogFormat;

struct MonitorLog {
	const LogFormat *format; /* NULL: swallow all */
	MonitorJournal *journal; /* NULL: a file */
	int dir_fd;
	int fd; /* -1 until the file could be opened again */
	char name[NAME_MAX_SIZE];
	int64_t max_size;
	int max_files;
	int64_t size;       /* of the file, without what is in the buffer */
	int64_t checked_ns; /* when we last looked whether the file is still there */
	int64_t stamp_second;
	char stamp[32]; /* "2026-01-31T12:00:00.123456789" */
	unsigned char carry[2][4];
	size_t carry_size[2];
	uint64_t lost;        /* lines, in all */
	uint64_t lost_untold; /* of them, those the log does not mention yet */
	int lost_errno;
	uint64_t lines; /* in the buffer */
	size_t used;
	char buffer[BUFFER_SIZE];
};

/* Days since 1970 to a date, without libc's time zone files (the algorithm of Howard Hinnant's
 * paper). */
static void format_date(int64_t days, char out[11])
{
	int64_t shifted = days + 719468;
	int64_t era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
	unsigned day_of_era = (unsigned)(shifted - era * 146097);
	unsigned year_of_era =
		(day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	unsigned day_of_year =
		day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	unsigned month = (5 * day_of_year + 2) / 153;
	unsigned day = day_of_year - (153 * month + 2) / 5 + 1;
	month = month < 10 ? month + 3 : month - 9;
	unsigned year = (unsigned)(year_of_era + era * 400) + (month <= 2);
	g_snprintf(out, 11, "%04u-%02u-%02u", year % 10000, month % 100, day % 100);
}

/* Bring the time stamp to @now_ns; only the fraction changes within a second. */
static void set_stamp(MonitorLog *log, int64_t now_ns)
{
	int64_t second = now_ns / 1000000000;
	unsigned fraction = (unsigned)(now_ns % 1000000000);
	if (second != log->stamp_second) {
		unsigned of_day = (unsigned)(second % 86400);
		char date[11];
		format_date(second / 86400, date);
		g_snprintf(log->stamp, sizeof log->stamp, "%sT%02u:%02u:%02u.", date,
			   of_day / 3600 % 24, of_day / 60 % 60, of_day % 60);
		log->stamp_second = second;
	}
	for (size_t i = 9; i > 0; i--, fraction /= 10)
		log->stamp[19 + i] = (char)('0' + fraction % 10);
	log->stamp[29] = '\0';
}

static void put(MonitorLog *log, const char *text, size_t size)
{
	memcpy(log->buffer + log->used, text, size);
	log->used += size;
}

static void put_string(MonitorLog *log, const char *text)
{
	put(log, text, strlen(text));
}

static void append_k8s(MonitorLog *log, bool is_stderr, const char *text, size_t size,
		       bool ends_line)
{
	put_string(log, log->stamp);
	put_string(log, is_stderr ? "+00:00 stderr " : "+00:00 stdout ");
	put_string(log, ends_line ? "F " : "P ");
	put(log, text, size);
	put(log, "\n", 1);
}

/* Bytes that a character beginning with @lead has; 0 if none begins so. */
static size_t size_by_lead(unsigned char lead)
{
	if (lead < 0x80)
		return 1;
	if (lead < 0xc2 || lead > 0xf4)
		return 0;
	return lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
}

/*
 * Length of the valid UTF-8 character at @text, 0 if it is none, SIZE_MAX if it may become one. Not
 * by GLib's function: that takes a NUL for the end of the text and waits for sequences of six
 * bytes.
 */
static size_t character_size(const char *text, size_t size)
{
	const unsigned char *bytes = (const unsigned char *)text;
	size_t length = size_by_lead(bytes[0]);
	for (size_t i = 1; i < length && i < size; i++) {
		/* Overlong forms, surrogates and what is beyond U+10FFFF show in the second byte.
		 */
		unsigned char least = i > 1              ? 0x80
				      : bytes[0] == 0xe0 ? 0xa0
				      : bytes[0] == 0xf0 ? 0x90
							 : 0x80;
		unsigned char most = i > 1              ? 0xbf
				     : bytes[0] == 0xed ? 0x9f
				     : bytes[0] == 0xf4 ? 0x8f
							: 0xbf;
		if (bytes[i] < least || bytes[i] > most)
			return 0;
	}
	return length > size ? SIZE_MAX : length;
}

/* Text between JSON's quotes; what is not UTF-8 becomes U+FFFD, as docker does it. */
static void put_json_text(MonitorLog *log, const char *text, size_t size)
{
	for (size_t i = 0; i < size;) {
		unsigned char c = (unsigned char)text[i];
		char escape[8];
		if (c == '"' || c == '\\') {
			g_snprintf(escape, sizeof escape, "\\%c", c);
			put_string(log, escape);
			i++;
		} else if (c < 0x20 || c == 0x7f) {
			g_snprintf(escape, sizeof escape, "\\u%04x", c);
			put_string(log, escape);
			i++;
		} else if (c < 0x80) {
			put(log, text + i, 1);
			i++;
		} else {
			size_t length = character_size(text + i, size - i);
			bool valid = length > 0 && length != SIZE_MAX;
			if (valid)
				put(log, text + i, length);
			else
				put_string(log, "\\ufffd");
			i += valid ? length : 1;
		}
	}
}

static void append_json(MonitorLog *log, bool is_stderr, const char *text, size_t size,
			bool ends_line)
{
	put_string(log, "{\"log\":\"");
	put_json_text(log, text, size);
	put_string(log, ends_line ? "\\n\",\"stream\":\"" : "\",\"stream\":\"");
	put_string(log, is_stderr ? "stderr\",\"time\":\"" : "stdout\",\"time\":\"");
	put_string(log, log->stamp);
	put_string(log, "Z\"}\n");
}

static const LogFormat k8s_format = {
	.piece_max = K8S_PIECE_MAX,
	.overhead = 64,
	.expansion = 1,
	.append = append_k8s,
};

static const LogFormat json_format = {
	.piece_max = JSON_PIECE_MAX,
	.overhead = 96,
	.expansion = 6,
	.utf8 = true,
	.append = append_json,
};
/* Larger pieces than files have: journald takes them, and each costs it an entry. */
static const LogFormat journal_format = {
	.piece_max = JOURNAL_PIECE_MAX,
};
G_STATIC_ASSERT(K8S_PIECE_MAX + 64 <= BUFFER_SIZE);
G_STATIC_ASSERT(JSON_PIECE_MAX * 6 + 96 <= BUFFER_SIZE);

/* Open the current file, made if it is absent. A line that a killed monitor left open is ended. */
static bool open_file(MonitorLog *log)
{
	autofd fd = openat(
		log->dir_fd, log->name,
		O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0600);
	struct stat st;
	if (fd < 0 || fstat(fd, &st) < 0)
		return false;
	if (!S_ISREG(st.st_mode)) {
		errno = EINVAL;
		return false;
	}
	char last = '\n';
	if (st.st_size > 0 && pread(fd, &last, 1, st.st_size - 1) == 1 && last != '\n' &&
	    fd_write_all(fd, "\n", 1))
		st.st_size++;
	log->size = st.st_size;
	log->fd = fd_steal(&fd);
	return true;
}

static bool rename_rotated(MonitorLog *log, int from, int to)
{
	char old[NAME_MAX_SIZE + 16];
	char new[NAME_MAX_SIZE + 16];
	if (from == 0)
		g_strlcpy(old, log->name, sizeof old);
	else
		g_snprintf(old, sizeof old, "%s.%d", log->name, from);
	g_snprintf(new, sizeof new, "%s.%d", log->name, to);
	return renameat(log->dir_fd, old, log->dir_fd, new) == 0 || errno == ENOENT;
}

/* Move every file one on; the oldest goes. Renames need no space, so this works on a full disk. */
static void rotate(MonitorLog *log)
{
	fd_close(&log->fd);
	log->size = 0;
	for (int i = log->max_files - 1; i >= 0; i--)
		(void)rename_rotated(log, i, i + 1);
	if (log->max_files == 0)
		(void)unlinkat(log->dir_fd, log->name, 0);
	(void)open_file(log);
}

/* Write and count, or leave the file as it was. */
static bool write_or_undo(MonitorLog *log, const char *data, size_t size)
{
	if (log->fd < 0 && !open_file(log))
		return false;
	if (fd_write_all(log->fd, data, size)) {
		log->size += (int64_t)size;
		return true;
	}
	int failure = errno;
	(void)!ftruncate(log->fd, log->size);
	errno = failure;
	return false;
}

/* Say in the log how many lines it lacks. @lost_untold stays until that was written. */
static void tell_lost(MonitorLog *log)
{
	char text[160];
	MonitorLog *note = g_new0(MonitorLog, 1);
	int size = g_snprintf(text, sizeof text,
			      "skiff: %" G_GUINT64_FORMAT " log lines were dropped: %s",
			      log->lost_untold, strerror(log->lost_errno));
	note->format = log->format;
	memcpy(note->stamp, log->stamp, sizeof note->stamp);
	note->format->append(note, true, text, MIN((size_t)size, sizeof text - 1), true);
	if (write_or_undo(log, note->buffer, note->used))
		log->lost_untold = 0;
	g_free(note);
}

/* Write the buffer out, or drop and count it. */
static void flush(MonitorLog *log)
{
	if (log->used == 0)
		return;
	if (log->lost_untold > 0)
		tell_lost(log);
	if (log->lost_untold > 0 || !write_or_undo(log, log->buffer, log->used)) {
		log->lost_errno = errno;
		log->lost += log->lines;
		log->lost_untold += log->lines;
	}
	log->used = 0;
	log->lines = 0;
}

/* Send an entry, and before it how many are lacking. */
static void send_entry(MonitorLog *log, bool is_stderr, const char *text, size_t size,
		       bool ends_line)
{
	if (log->lost_untold > 0) {
		char note[160];
		int n = g_snprintf(note, sizeof note,
				   "skiff: %" G_GUINT64_FORMAT " log lines were dropped: %s",
				   log->lost_untold, strerror(log->lost_errno));
		if (monitor_journal_send(log->journal, true, note, (size_t)n, true))
			log->lost_untold = 0;
	}
	if (log->lost_untold == 0 &&
	    monitor_journal_send(log->journal, is_stderr, text, size, ends_line))
		return;
	if (log->lost_untold == 0)
		log->lost_errno = errno;
	log->lost++;
	log->lost_untold++;
}

/* Add a record: one line, or a piece of one. */
static void append(MonitorLog *log, bool is_stderr, const char *text, size_t size, bool ends_line)
{
	if (log->journal) {
		send_entry(log, is_stderr, text, size, ends_line);
		return;
	}
	size_t most = size * log->format->expansion + log->format->overhead;
	if (log->used + most > sizeof log->buffer)
		flush(log);
	int64_t would_be = log->size + (int64_t)(log->used + size + log->format->overhead);
	if (would_be > log->max_size && log->size + (int64_t)log->used > 0) {
		flush(log);
		rotate(log);
	}
	log->format->append(log, is_stderr, text, size, ends_line);
	log->lines++;
}

/* How many bytes at the end are the beginning of a character that goes on in the next chunk. */
static size_t cut_character_size(const char *data, size_t size)
{
	for (size_t back = 1; back <= 3 && back <= size; back++) {
		unsigned char c = (unsigned char)data[size - back];
		if (c < 0x80)
			return 0;
		if (c >= 0xc0)
			return character_size(data + size - back, back) == SIZE_MAX ? back : 0;
	}
	return 0;
}

/* Cut @data into records. */
static void append_lines(MonitorLog *log, bool is_stderr, const char *data, size_t size)
{
	while (size > 0) {
		size_t limit = MIN(size, log->format->piece_max);
		const char *newline = memchr(data, '\n', limit);
		size_t length = newline ? (size_t)(newline - data) : limit;
		if (!newline && length < size && log->format->utf8)
			length -= cut_character_size(data, length);
		append(log, is_stderr, data, length, newline != NULL);
		length += newline ? 1 : 0;
		data += length;
		size -= length;
	}
}

/* Somebody may have deleted the file under us: then writing on would fill the disk with nothing to
 * show. */
static void check_file(MonitorLog *log, int64_t now_ns)
{
	if (now_ns - log->checked_ns < CHECK_NS && now_ns >= log->checked_ns)
		return;
	log->checked_ns = now_ns;
	struct stat st;
	if (log->fd >= 0 && fstat(log->fd, &st) == 0 && st.st_nlink == 0)
		fd_close(&log->fd);
}

/* With json-file: complete a cut character, and put back the next one that is cut. */
static void append_utf8(MonitorLog *log, bool is_stderr, const char *data, size_t size)
{
	unsigned char *carry = log->carry[is_stderr];
	size_t *carried = &log->carry_size[is_stderr];
	while (*carried > 0 && size > 0) {
		carry[(*carried)++] = (unsigned char)*data++;
		size--;
		if (character_size((const char *)carry, *carried) == SIZE_MAX)
			continue;
		append_lines(log, is_stderr, (const char *)carry, *carried);
		*carried = 0;
	}
	size_t cut = cut_character_size(data, size);
	append_lines(log, is_stderr, data, size - cut);
	if (cut > 0) {
		memcpy(carry, data + size - cut, cut);
		*carried = cut;
	}
}

void monitor_log_write(MonitorLog *log, bool is_stderr, const char *data, size_t size,
		       int64_t now_ns)
{
	if (!log->format)
		return;
	set_stamp(log, now_ns);
	check_file(log, now_ns);
	if (log->format->utf8)
		append_utf8(log, is_stderr, data, size);
	else
		append_lines(log, is_stderr, data, size);
	flush(log);
}

void monitor_log_end(MonitorLog *log, int64_t now_ns)
{
	if (!log->format)
		return;
	set_stamp(log, now_ns);
	for (size_t i = 0; i < G_N_ELEMENTS(log->carry); i++) {
		append_lines(log, i == 1, (const char *)log->carry[i], log->carry_size[i]);
		log->carry_size[i] = 0;
	}
	flush(log);
}

uint64_t monitor_log_lost(const MonitorLog *log)
{
	return log->lost;
}

/* Where the file is: a directory of our own, or what the user said. */
static bool open_directory(MonitorLog *log, const MonitorLogOptions *options, GError **error)
{
	if (!options->path) {
		g_strlcpy(log->name, "log", sizeof log->name);
		log->dir_fd = fcntl(options->dir_fd, F_DUPFD_CLOEXEC, 3);
		return log->dir_fd >= 0 ||
		       error_set_errno(error, "cannot open the log's directory");
	}
	g_autofree char *directory = g_path_get_dirname(options->path);
	g_autofree char *name = g_path_get_basename(options->path);
	if (!path_name_is_safe(name) || strlen(name) > sizeof log->name - 16)
		return error_set(error, ENGINE_ERROR_INVALID, "bad log path '%s'", options->path);
	g_strlcpy(log->name, name, sizeof log->name);
	log->dir_fd = openat(AT_FDCWD, directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return log->dir_fd >= 0 ||
	       error_set_errno(error, "cannot open '%s' for the log", directory);
}

MonitorLog *monitor_log_open(const MonitorLogOptions *options, GError **error)
{
	g_autoptr(MonitorLog) log = g_new0(MonitorLog, 1);
	log->dir_fd = -1;
	log->fd = -1;
	log->stamp_second = -1;
	log->max_size = options->max_size;
	log->max_files = options->max_files;
	switch (options->driver) {
	case LOG_DRIVER_K8S_FILE:
		log->format = &k8s_format;
		break;
	case LOG_DRIVER_JSON_FILE:
		log->format = &json_format;
		break;
	case LOG_DRIVER_JOURNALD:
		log->format = &journal_format;
		log->journal = monitor_journal_open(
			options->journal_socket ? options->journal_socket : JOURNAL_SOCKET,
			options->id, options->container_name, options->tag, options->labels, error);
		return log->journal ? g_steal_pointer(&log) : NULL;
	case LOG_DRIVER_NONE:
	case LOG_DRIVER_PASSTHROUGH:
		return g_steal_pointer(&log);
	}
	if (!open_directory(log, options, error))
		return NULL;
	/* A full disk must not keep a container from starting: the file is tried again at each
	 * write. */
	if (!open_file(log) && errno != ENOSPC && errno != EDQUOT)
		return error_set_errno_null(error, "cannot open the log '%s'", log->name);
	return g_steal_pointer(&log);
}

void monitor_log_free(MonitorLog *log)
{
	if (!log)
		return;
	fd_close(&log->fd);
	fd_close(&log->dir_fd);
	monitor_journal_free(log->journal);
	g_free(log);
}
