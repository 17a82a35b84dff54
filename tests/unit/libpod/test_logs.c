/* SPDX-License-Identifier: Apache-2.0 */
#include "libpod/logs.h"

#include <fcntl.h>
#include <glib.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/path.h"
#include "libpod/log_record.h"
#include "libpod/monitor/monitor_log.h"
#include "libpod/log_tag.h"
#include "libpod/logs_journal.h"

#define SECOND G_GINT64_CONSTANT(1000000000)
#define START  (G_GINT64_CONSTANT(1769860800) * SECOND)

/* A log in a directory, and what a reader made of it. */
typedef struct {
	char *path;
	int fd;
	MonitorLog *log;
	LogDriver driver;
	int written; /* lines */
	int rounds;  /* of a follower */
	GString *out;
} Bed;

static void open_log(Bed *bed, int64_t max_size, int max_files)
{
	MonitorLogOptions options = {.driver = bed->driver,
				     .dir_fd = bed->fd,
				     .max_size = max_size,
				     .max_files = max_files};
	bed->log = monitor_log_open(&options, NULL);
	g_assert_nonnull(bed->log);
}

static void bed_set_up(Bed *bed, gconstpointer data)
{
	bed->path = g_dir_make_tmp("skiff-logs-XXXXXX", NULL);
	bed->fd = openat(AT_FDCWD, bed->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bed->driver = GPOINTER_TO_INT(data);
	bed->out = g_string_new(NULL);
}

static void bed_tear_down(Bed *bed, gconstpointer data)
{
	g_autofree char *parent = g_path_get_dirname(bed->path);
	g_autofree char *name = g_path_get_basename(bed->path);
	autofd parent_fd = openat(AT_FDCWD, parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	g_assert_true(path_remove_tree(parent_fd, name));
	monitor_log_free(bed->log);
	fd_close(&bed->fd);
	g_string_free(bed->out, TRUE);
	g_free(bed->path);
}

/* Lines "0\n", "1\n", ... one second apart. */
static void write_lines(Bed *bed, int count)
{
	for (int i = 0; i < count; i++) {
		char line[16];
		int size = g_snprintf(line, sizeof line, "%d\n", bed->written);
		monitor_log_write(bed->log, false, line, (size_t)size,
				  START + bed->written * SECOND);
		bed->written++;
	}
}

static bool collect(const LogLine *line, void *data)
{
	Bed *bed = data;
	if (line->is_stderr)
		g_string_append(bed->out, "E:");
	if (line->continued)
		g_string_append_c(bed->out, '+');
	g_string_append_len(bed->out, line->text, (gssize)line->size);
	g_string_append_c(bed->out, line->partial ? '~' : ' ');
	return true;
}

static const char *read_logs(Bed *bed, LogsOptions options)
{
	g_autoptr(GError) error = NULL;
	options.driver = bed->driver;
	g_string_truncate(bed->out, 0);
	g_assert_true(logs_read(bed->fd, NULL, &options, collect, bed, &error));
	g_assert_no_error(error);
	return bed->out->str;
}

/* "first first+1 ... last-1 " */
static char *numbers(int first, int last)
{
	GString *text = g_string_new(NULL);
	for (int i = first; i < last; i++)
		g_string_append_printf(text, "%d ", i);
	return g_string_free(text, FALSE);
}

static void assert_numbers(const char *text, int first, int last)
{
	g_autofree char *expected = numbers(first, last);
	g_assert_cmpstr(text, ==, expected);
}

static void all_and_tail(Bed *bed, gconstpointer data)
{
	open_log(bed, 1 << 20, 3);
	g_assert_cmpstr(read_logs(bed, (LogsOptions){.tail = -1}), ==, "");
	write_lines(bed, 100);
	assert_numbers(read_logs(bed, (LogsOptions){.tail = -1}), 0, 100);
	static const int tails[] = {0, 1, 2, 99, 100, 101, 100000};
	for (size_t i = 0; i < G_N_ELEMENTS(tails); i++)
		assert_numbers(read_logs(bed, (LogsOptions){.tail = tails[i]}),
			       MAX(0, 100 - tails[i]), 100);
	assert_numbers(read_logs(bed, (LogsOptions){.tail = G_MAXINT64}), 0, 100);
}

static void across_rotation(Bed *bed, gconstpointer data)
{
	open_log(bed, 2048, 50);
	write_lines(bed, 500);
	assert_numbers(read_logs(bed, (LogsOptions){.tail = -1}), 0, 500);
	for (int tail = 1; tail < 500; tail += 37)
		assert_numbers(read_logs(bed, (LogsOptions){.tail = tail}), 500 - tail, 500);
}

/* Tail in a file larger than its first window. */
static void long_tail(Bed *bed, gconstpointer data)
{
	open_log(bed, 1 << 24, 3);
	write_lines(bed, 6000);
	static const int tails[] = {1, 1000, 1500, 3000, 5999};
	for (size_t i = 0; i < G_N_ELEMENTS(tails); i++)
		assert_numbers(read_logs(bed, (LogsOptions){.tail = tails[i]}), 6000 - tails[i],
			       6000);
}

static void since_and_until(Bed *bed, gconstpointer data)
{
	open_log(bed, 1024, 50);
	write_lines(bed, 100);
	LogsOptions options = {.tail = -1, .since_ns = START + 20 * SECOND};
	assert_numbers(read_logs(bed, options), 20, 100);
	options.until_ns = START + 30 * SECOND;
	assert_numbers(read_logs(bed, options), 20, 31);
	options.since_ns = 0;
	assert_numbers(read_logs(bed, options), 0, 31);
}

static void write_raw(Bed *bed, bool is_stderr, const char *text)
{
	monitor_log_write(bed->log, is_stderr, text, strlen(text), START);
}

static void partial_lines(Bed *bed, gconstpointer data)
{
	open_log(bed, 1 << 20, 3);
	write_raw(bed, false, "one ");
	write_raw(bed, true, "err");
	write_raw(bed, false, "line\n");
	write_raw(bed, true, "or\n");
	write_raw(bed, false, "end");
	g_assert_cmpstr(read_logs(bed, (LogsOptions){.tail = -1}), ==,
			"one ~E:err~+line E:+or end~");
	g_assert_cmpstr(read_logs(bed, (LogsOptions){.tail = 1}), ==, "end~");
}

static void skips_what_is_torn(Bed *bed, gconstpointer data)
{
	open_log(bed, 1 << 20, 3);
	write_lines(bed, 2);
	autofd fd = openat(bed->fd, "log", O_WRONLY | O_APPEND | O_CLOEXEC);
	g_assert_true(fd_write_all(fd, "2026-01-31T12:0\n\n{\"log\":\n", 25));
	write_lines(bed, 2);
	g_assert_true(fd_write_all(fd, "2026-01-31T12:00:00Z stdo", 25));
	assert_numbers(read_logs(bed, (LogsOptions){.tail = -1}), 0, 4);
}

/* Plays the container: at each look of the follower it writes some more and rotates many times. */
static bool flood(void *data)
{
	Bed *bed = data;
	if (bed->rounds-- == 0)
		return false;
	write_lines(bed, 100);
	return true;
}

static void follow_across_rotation(Bed *bed, gconstpointer data)
{
	open_log(bed, 1024, 20);
	write_lines(bed, 5);
	bed->rounds = 8;
	LogsOptions options = {.tail = -1, .follow = true, .is_running = flood, .data = bed};
	assert_numbers(read_logs(bed, options), 0, 805);
}

static void follow_from_tail(Bed *bed, gconstpointer data)
{
	open_log(bed, 1024, 20);
	write_lines(bed, 50);
	bed->rounds = 3;
	LogsOptions options = {.tail = 0, .follow = true, .is_running = flood, .data = bed};
	assert_numbers(read_logs(bed, options), 50, 350);
}

/* The log appears only after the follower began. */
static void follow_before_the_first_line(Bed *bed, gconstpointer data)
{
	open_log(bed, 4096, 20);
	g_assert_cmpint(unlinkat(bed->fd, "log", 0), ==, 0);
	bed->rounds = 2;
	LogsOptions options = {.tail = -1, .follow = true, .is_running = flood, .data = bed};
	const char *text = read_logs(bed, options);
	/* What went into the deleted file is gone; the monitor notices within a second of its
	 * clock. */
	g_assert_true(g_str_has_suffix(text, "198 199 "));
}

/* A follower that was too slow goes on with the oldest there is, and repeats nothing. */
static bool flood_beyond_retention(void *data)
{
	Bed *bed = data;
	if (bed->rounds-- == 0)
		return false;
	write_lines(bed, 400);
	return true;
}

static void follow_beyond_retention(Bed *bed, gconstpointer data)
{
	open_log(bed, 1024, 3);
	write_lines(bed, 5);
	bed->rounds = 4;
	LogsOptions options = {
		.tail = -1, .follow = true, .is_running = flood_beyond_retention, .data = bed};
	g_auto(GStrv) words = g_strsplit(read_logs(bed, options), " ", -1);
	int last = -1;
	for (size_t i = 0; words[i] && *words[i]; i++) {
		int number = (int)g_ascii_strtoll(words[i], NULL, 10);
		g_assert_cmpint(number, >, last);
		last = number;
	}
	g_assert_cmpint(last, ==, bed->written - 1);
}

static bool stop_at_once(const LogLine *line, void *data)
{
	(*(int *)data)++;
	return false;
}

static void emit_stops(Bed *bed, gconstpointer data)
{
	int count = 0;
	open_log(bed, 1024, 3);
	write_lines(bed, 50);
	LogsOptions options = {.driver = bed->driver, .tail = -1, .follow = true};
	g_assert_true(logs_read(bed->fd, NULL, &options, stop_at_once, &count, NULL));
	g_assert_cmpint(count, ==, 1);
}

static void by_path(Bed *bed, gconstpointer data)
{
	g_autofree char *path = g_build_filename(bed->path, "elsewhere.log", NULL);
	MonitorLogOptions options = {.driver = bed->driver,
				     .dir_fd = -1,
				     .path = path,
				     .max_size = 1 << 20,
				     .max_files = 3};
	bed->log = monitor_log_open(&options, NULL);
	write_lines(bed, 3);
	LogsOptions reading = {.driver = bed->driver, .tail = -1};
	g_assert_true(logs_read(-1, path, &reading, collect, bed, NULL));
	assert_numbers(bed->out->str, 0, 3);
}

static void no_file_drivers(void)
{
	static const LogDriver drivers[] = {LOG_DRIVER_NONE, LOG_DRIVER_PASSTHROUGH};
	for (size_t i = 0; i < G_N_ELEMENTS(drivers); i++) {
		g_autoptr(GError) error = NULL;
		LogsOptions options = {.driver = drivers[i], .tail = -1};
		g_assert_false(logs_read(-1, NULL, &options, collect, NULL, &error));
		g_assert_error(error, ENGINE_ERROR, ENGINE_ERROR_BAD_STATE);
	}
}

static void times(void)
{
	static const struct {
		const char *text;
		int64_t ns;
	} good[] = {
		{"1970-01-01T00:00:00Z", 0},
		{"1970-01-01T00:00:01.5Z", 3 * SECOND / 2},
		{"2026-01-31T12:00:00.123456789+00:00", START + 123456789},
		{"2026-01-31T14:30:00.1234567891+02:30", START + 123456789},
		{"2026-01-31T04:00:00-08:00", START},
		{"2024-02-29T00:00:00Z", G_GINT64_CONSTANT(1709164800) * SECOND},
	};
	static const char *const bad[] = {
		"",
		"2026-01-31",
		"2026-01-31T12:00:00",
		"2026-01-31 12:00:00Z",
		"2026-13-01T00:00:00Z",
		"1969-01-01T00:00:00Z",
		"2300-01-01T00:00:00Z",
		"2026-01-31T12:00:00Zx",
		"2026-01-31T12:00:00+2",
		"-026-01-31T12:00:00Z",
	};
	int64_t ns = 0;
	for (size_t i = 0; i < G_N_ELEMENTS(good); i++) {
		g_assert_true(log_time_parse(good[i].text, strlen(good[i].text), &ns));
		g_assert_cmpint(ns, ==, good[i].ns);
	}
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
		g_assert_false(log_time_parse(bad[i], strlen(bad[i]), &ns));
}

static void records(void)
{
	static const struct {
		LogDriver driver;
		const char *record, *text;
		bool ok, ends_line;
	} rows[] = {
		{LOG_DRIVER_K8S_FILE, "2026-01-31T12:00:00Z stdout F a b", "a b", true, true},
		{LOG_DRIVER_K8S_FILE, "2026-01-31T12:00:00Z stdout P ", "", true, false},
		{LOG_DRIVER_K8S_FILE, "2026-01-31T12:00:00Z stderr F", "", true, true},
		{LOG_DRIVER_K8S_FILE, "2026-01-31T12:00:00Z stdout F:x tagged", "tagged", true,
		 true},
		{LOG_DRIVER_K8S_FILE, "2026-01-31T12:00:00Z stdout X a", NULL, false, false},
		{LOG_DRIVER_K8S_FILE, "2026-01-31T12:00:00Z stdxxx F a", NULL, false, true},
		{LOG_DRIVER_K8S_FILE, "yesterday stdout F a", NULL, false, true},
		{LOG_DRIVER_K8S_FILE, "", NULL, false, false},
		{LOG_DRIVER_JSON_FILE,
		 "{\"log\":\"a\\n\",\"stream\":\"stdout\",\"time\":\"2026-01-31T12:00:00Z\"}", "a",
		 true, true},
		{LOG_DRIVER_JSON_FILE,
		 "{\"log\":\"a\",\"stream\":\"stdout\",\"time\":\"2026-01-31T12:00:00Z\"}", "a",
		 true, false},
		{LOG_DRIVER_JSON_FILE,
		 "{\"log\":\"\\\"q\\\"\\u0041\\n\",\"stream\":\"stderr\",\"time\":\"2026-01-31T12:"
		 "00:00Z\"}",
		 "\"q\"A", true, true},
		/* Another writer's spacing and order. */
		{LOG_DRIVER_JSON_FILE,
		 "{\"time\": \"2026-01-31T12:00:00Z\", \"log\": \"b\\n\", \"stream\": \"stdout\"}",
		 "b", true, false},
		{LOG_DRIVER_JSON_FILE, "{\"log\":\"a\\n\",\"stream\":\"stdout\"}", NULL, false,
		 true},
		{LOG_DRIVER_JSON_FILE, "{\"log\":5}", NULL, false, false},
		{LOG_DRIVER_JSON_FILE, "{\"log\":\"a\\", NULL, false, false},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		LogLine line;
		g_autoptr(Json) owner = NULL;
		size_t size = strlen(rows[i].record);
		g_assert_cmpint(
			log_record_parse(rows[i].driver, rows[i].record, size, &line, &owner), ==,
			rows[i].ok);
		g_assert_cmpint(log_record_ends_line(rows[i].driver, rows[i].record, size), ==,
				rows[i].ends_line);
		if (rows[i].ok)
			g_assert_cmpmem(line.text, line.size, rows[i].text, strlen(rows[i].text));
	}
}

static void add(const char *name, void (*function)(Bed *, gconstpointer))
{
	static const LogDriver drivers[] = {LOG_DRIVER_K8S_FILE, LOG_DRIVER_JSON_FILE};
	for (size_t i = 0; i < G_N_ELEMENTS(drivers); i++) {
		g_autofree char *path =
			g_strdup_printf("/logs/%s/%s", log_driver_name(drivers[i]), name);
		g_test_add(path, Bed, GINT_TO_POINTER(drivers[i]), bed_set_up, function,
			   bed_tear_down);
	}
}

static bool append_line(const LogLine *line, void *data)
{
	g_string_append_printf(data, "%" G_GINT64_FORMAT "%s%s%s ", line->time_ns,
			       line->is_stderr ? "e" : "o", line->partial ? "p" : "",
			       line->continued ? "c" : "");
	g_string_append_len(data, line->text, (gssize)line->size);
	g_string_append_c(data, '|');
	return true;
}

/* journalctl's export format, in pieces of every size. */
static void test_journal_export(void)
{
	static const char stream[] =
		"__CURSOR=s=1;i=2\n__REALTIME_TIMESTAMP=1000\n_BOOT_ID=x\nPRIORITY=6\n"
		"MESSAGE=a=b\n\n"
		"__REALTIME_TIMESTAMP=2000\nMESSAGE\n\5\0\0\0\0\0\0\0x\n\0\n=\nPRIORITY=3\n"
		"CONTAINER_PARTIAL_MESSAGE=true\n\n"
		"__REALTIME_TIMESTAMP=3000\nPRIORITY=3\nMESSAGE=\n\n"
		"__REALTIME_TIMESTAMP=4000\n\n";
	static const char expected[] = "1000000o a=b|2000000ep x\n\0\n=|3000000ec |";
	for (size_t piece = 1; piece < sizeof stream; piece++) {
		g_autoptr(JournalParser) parser = journal_parser_new();
		g_autoptr(GString) seen = g_string_new(NULL);
		for (size_t at = 0; at < sizeof stream - 1; at += piece)
			g_assert_true(journal_parser_add(parser, stream + at,
							 MIN(piece, sizeof stream - 1 - at),
							 append_line, seen));
		g_assert_cmpmem(seen->str, seen->len, expected, sizeof expected - 1);
	}
	g_autoptr(JournalParser) parser = journal_parser_new();
	static const char huge[] = "MESSAGE\n\377\377\377\377\377\377\377\377x\n";
	g_assert_false(journal_parser_add(parser, huge, sizeof huge - 1, append_line, NULL));
}

static void test_tag(void)
{
	g_autoptr(ContainerSpec) spec = spec_new();
	spec->name = g_strdup("web");
	spec->image_name = g_strdup("localhost/a:b");
	g_autoptr(GError) error = NULL;
	g_autofree char *tag = log_tag_expand("{{.Name}}-{{ .ImageName }}/{{.ID}}.", spec,
					      "0123456789abcdef", &error);
	g_assert_cmpstr(tag, ==, "web-localhost/a:b/0123456789ab.");
	g_assert_null(log_tag_expand("{{.Nam}}", spec, "", &error));
	g_assert_true(g_str_has_prefix(error->message, "log tag: there is no field '.Nam'"));
	g_clear_error(&error);
	g_assert_null(log_tag_expand("a{{.Name", spec, "", &error));
	g_clear_error(&error);
	g_assert_null(log_tag_expand("a\nb", spec, "", NULL));
}

/* Stops the monitor in the middle of a rotation, when the last line of a finished file was read. */
static bool collect_and_rotate(const LogLine *line, void *data)
{
	Bed *bed = data;
	static const char *const names[] = {"log.4", "log.3", "log.2", "log.1", "log"};
	int number = (int)g_ascii_strtoll(line->text, NULL, 10);
	if (number == 199)
		for (int i = 1; i < 4; i++)
			g_assert_cmpint(renameat(bed->fd, names[i], bed->fd, names[i - 1]), ==, 0);
	if (number == 200)
		g_assert_cmpint(renameat(bed->fd, names[4], bed->fd, names[3]), ==, 0);
	return collect(line, data);
}

/* A name that is missing between two others is not the end of the chain. */
static void half_rotated(Bed *bed, gconstpointer data)
{
	open_log(bed, 1 << 20, 10);
	static const char *const names[] = {"log.3", "log.2", "log.1", NULL};
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		write_lines(bed, 100);
		monitor_log_free(g_steal_pointer(&bed->log));
		if (names[i])
			g_assert_cmpint(renameat(bed->fd, "log", bed->fd, names[i]), ==, 0);
		open_log(bed, 1 << 20, 10);
	}
	LogsOptions options = {.driver = bed->driver, .tail = -1};
	g_autoptr(GError) error = NULL;
	g_assert_true(logs_read(bed->fd, NULL, &options, collect_and_rotate, bed, &error));
	g_assert_no_error(error);
	assert_numbers(bed->out->str, 0, 400);
}

#define RACE_LINES 4000

static bool is_writing(void *data)
{
	return g_atomic_int_get((int *)data) == 0;
}

typedef struct {
	Bed *bed;
	int ended;
} Writer;

static gpointer write_and_end(gpointer data)
{
	Writer *writer = data;
	write_lines(writer->bed, RACE_LINES);
	g_atomic_int_set(&writer->ended, 1);
	return NULL;
}

/* Readers beside a monitor that rotates at every fiftieth line or so. */
static void race_with_rotation(Bed *bed, gconstpointer data)
{
	open_log(bed, 2048, 400);
	write_lines(bed, 1);
	Writer writer = {.bed = bed};
	GThread *thread = g_thread_new("writer", write_and_end, &writer);
	LogsOptions options = {
		.tail = -1, .follow = true, .is_running = is_writing, .data = &writer.ended};
	const char *text = read_logs(bed, options);
	g_thread_join(thread);
	assert_numbers(text, 0, RACE_LINES + 1);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	add("all-and-tail", all_and_tail);
	add("across-rotation", across_rotation);
	add("long-tail", long_tail);
	add("since-and-until", since_and_until);
	add("partial-lines", partial_lines);
	add("skips-what-is-torn", skips_what_is_torn);
	add("follow-across-rotation", follow_across_rotation);
	add("follow-from-tail", follow_from_tail);
	add("follow-before-the-first-line", follow_before_the_first_line);
	add("follow-beyond-retention", follow_beyond_retention);
	add("half-rotated", half_rotated);
	add("race-with-rotation", race_with_rotation);
	add("emit-stops", emit_stops);
	add("by-path", by_path);
	g_test_add_func("/logs/no-file-drivers", no_file_drivers);
	g_test_add_func("/logs/times", times);
	g_test_add_func("/logs/records", records);
	g_test_add_func("/logs/journal-export", test_journal_export);
	g_test_add_func("/logs/tag", test_tag);
	return g_test_run();
}
