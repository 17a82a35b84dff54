/* SPDX-License-Identifier: Apache-2.0 */
#include "libpod/logs_journal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/spawn.h"
#include "libpod/base/units.h"

#define READ_SIZE   65536
#define FIELD_MAX   (16u << 20)
#define IDLE_MS     200
#define IDLE_ROUNDS 3 /* journald writes a moment after it was told */

struct JournalParser {
	GByteArray *buffer;
	GString *message;
	int64_t time_ns;
	bool has_message, is_stderr, partial;
	bool open[2]; /* the last line of stdout, stderr has no end yet */
};

JournalParser *journal_parser_new(void)
{
	JournalParser *parser = g_new0(JournalParser, 1);
	parser->buffer = g_byte_array_new();
	parser->message = g_string_new(NULL);
	return parser;
}

void journal_parser_free(JournalParser *parser)
{
	if (!parser)
		return;
	g_byte_array_unref(parser->buffer);
	g_string_free(parser->message, TRUE);
	g_free(parser);
}

static void take_field(JournalParser *parser, const char *key, const char *value, size_t size)
{
	if (strcmp(key, "MESSAGE") == 0) {
		g_string_truncate(parser->message, 0);
		g_string_append_len(parser->message, value, (gssize)size);
		parser->has_message = true;
	} else if (strcmp(key, "PRIORITY") == 0) {
		parser->is_stderr = size == 1 && value[0] == '3';
	} else if (strcmp(key, "CONTAINER_PARTIAL_MESSAGE") == 0) {
		parser->partial = size == 4 && memcmp(value, "true", 4) == 0;
	} else if (strcmp(key, "__REALTIME_TIMESTAMP") == 0) {
		g_autofree char *text = g_strndup(value, size);
		parser->time_ns = (int64_t)g_ascii_strtoull(text, NULL, 10) * 1000;
	}
}

/*
 * One line "KEY=value", or "KEY", eight bytes of length, the value, "\n". Return: bytes taken, 0 if
 * more are needed, -1 if it makes no sense.
 */
static ssize_t take_one(JournalParser *parser, const char *data, size_t size)
{
	const char *end = memchr(data, '\n', MIN(size, FIELD_MAX));
	if (!end)
		return size >= FIELD_MAX ? -1 : 0;
	size_t line = (size_t)(end - data);
	const char *equals = memchr(data, '=', line);
	g_autofree char *key = g_strndup(data, equals ? (size_t)(equals - data) : line);
	if (equals || line == 0) {
		if (equals)
			take_field(parser, key, equals + 1, (size_t)(end - equals - 1));
		return (ssize_t)line + 1;
	}
	uint64_t length;
	if (size < line + 1 + sizeof length)
		return 0;
	memcpy(&length, end + 1, sizeof length);
	length = GUINT64_FROM_LE(length);
	if (length > FIELD_MAX)
		return -1;
	size_t whole = line + 1 + sizeof length + (size_t)length + 1;
	if (size < whole)
		return 0;
	take_field(parser, key, end + 1 + sizeof length, (size_t)length);
	return (ssize_t)whole;
}

/* An empty line ends an entry. */
static bool emit_entry(JournalParser *parser, bool (*emit)(const LogLine *line, void *data),
		       void *emit_data)
{
	bool ok = true;
	if (parser->has_message) {
		const LogLine line = {
			.time_ns = parser->time_ns,
			.is_stderr = parser->is_stderr,
			.partial = parser->partial,
			.continued = parser->open[parser->is_stderr],
			.text = parser->message->str,
			.size = parser->message->len,
		};
		parser->open[parser->is_stderr] = parser->partial;
		ok = emit(&line, emit_data);
	}
	parser->has_message = parser->is_stderr = parser->partial = false;
	return ok;
}

bool journal_parser_add(JournalParser *parser, const char *data, size_t size,
			bool (*emit)(const LogLine *line, void *data), void *emit_data)
{
	g_byte_array_append(parser->buffer, (const guint8 *)data, (guint)size);
	size_t done = 0;
	ssize_t taken = 1;
	while (done < parser->buffer->len) {
		const char *at = (const char *)parser->buffer->data + done;
		bool ends = *at == '\n';
		taken = take_one(parser, at, parser->buffer->len - done);
		if (taken <= 0)
			break;
		done += (size_t)taken;
		if (ends && !emit_entry(parser, emit, emit_data))
			return false;
	}
	g_byte_array_remove_range(parser->buffer, 0, (guint)done);
	return taken >= 0;
}

/* What the caller asked for, between the parser and its own function. */
typedef struct {
	const LogsOptions *options;
	bool (*emit)(const LogLine *line, void *data);
	void *data;
} Wanted;

static bool emit_wanted(const LogLine *line, void *data)
{
	const Wanted *wanted = data;
	const LogsOptions *options = wanted->options;
	if ((options->since_ns > 0 && line->time_ns < options->since_ns) ||
	    (options->until_ns > 0 && line->time_ns > options->until_ns))
		return true;
	return wanted->emit(line, wanted->data);
}

/* Entries of ours only: anybody can write an entry with our container's id. */
static pid_t start_journalctl(const LogsOptions *options, int stdout_fd, GError **error)
{
	g_autofree char *program = spawn_find_system("journalctl");
	if (!program) {
		error_set(error, ENGINE_ERROR_NOT_FOUND,
			  "reading the journal needs journalctl, which is not installed");
		return -1;
	}
	g_autofree char *id = g_strconcat("CONTAINER_ID_FULL=", options->id, NULL);
	g_autofree char *uid = g_strdup_printf("_UID=%u", geteuid());
	/* Never both: with --since, journalctl 252 takes --lines from the beginning. */
	g_autofree char *from =
		options->tail < 0 ? g_strdup_printf("--since=@%" G_GINT64_FORMAT,
						    options->since_ns / 1000000000)
				  : g_strdup_printf("--lines=%" G_GINT64_FORMAT, options->tail);
	const char *argv[] = {program,
			      "--quiet",
			      "--no-pager",
			      "--output=export",
			      "--output-fields=MESSAGE,PRIORITY,CONTAINER_PARTIAL_MESSAGE",
			      id,
			      uid,
			      from,
			      options->tail < 0 ? "--no-tail" : "--quiet",
			      options->follow ? "--follow" : NULL,
			      NULL};
	const Spawn spawn = {.argv = argv, .stdout_fd = stdout_fd, .stderr_fd = SPAWN_INHERIT};
	return spawn_start(&spawn, NULL, error);
}

/* Read until the end, or with --follow until the container has ended and nothing comes any more. */
static bool pump(int fd, const LogsOptions *options, Wanted *wanted, GError **error)
{
	g_autoptr(JournalParser) parser = journal_parser_new();
	g_autofree char *data = g_malloc(READ_SIZE);
	for (int idle = 0;;) {
		struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
		bool over = options->until_ns > 0 && units_now() > options->until_ns;
		bool runs = !over && (!options->is_running || options->is_running(options->data));
		int ready = poll(&poll_fd, 1, options->follow ? IDLE_MS : -1);
		if (ready == 0 && !runs && ++idle >= IDLE_ROUNDS)
			return true;
		if (ready <= 0)
			continue;
		idle = 0;
		ssize_t n = read(fd, data, READ_SIZE);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_set_errno(error, "cannot read from journalctl");
		if (n == 0 || !journal_parser_add(parser, data, (size_t)n, emit_wanted, wanted))
			return true;
	}
}

bool logs_read_journal(const LogsOptions *options, bool (*emit)(const LogLine *line, void *data),
		       void *emit_data, GError **error)
{
	int ends[2];
	if (options->tail == 0 && !options->follow)
		return true;
	if (pipe2(ends, O_CLOEXEC) < 0)
		return error_set_errno(error, "cannot make a pipe");
	autofd read_end = ends[0];
	autofd write_end = ends[1];
	pid_t pid = start_journalctl(options, write_end, error);
	fd_close(&write_end);
	if (pid < 0)
		return false;
	Wanted wanted = {options, emit, emit_data};
	bool ok = pump(read_end, options, &wanted, error);
	fd_close(&read_end);
	(void)kill(pid, SIGTERM);
	(void)spawn_wait(pid, NULL);
	return ok;
}
