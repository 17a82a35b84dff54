/* SPDX-License-Identifier: Apache-2.0 */
#include "libpod/monitor/monitor_log.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/json.h"
#include "libpod/base/path.h"

/* 2026-01-31T12:00:00.123456789Z */
#define SOME_TIME G_GINT64_CONSTANT(1769860800123456789)
#define STAMP     "2026-01-31T12:00:00.123456789"

typedef struct {
	char *path;
	int fd;
} Dir;

static void dir_set_up(Dir *dir, gconstpointer data)
{
	dir->path = g_dir_make_tmp("skiff-log-XXXXXX", NULL);
	g_assert_nonnull(dir->path);
	dir->fd = openat(AT_FDCWD, dir->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void dir_tear_down(Dir *dir, gconstpointer data)
{
	fd_close(&dir->fd);
	g_autofree char *parent = g_path_get_dirname(dir->path);
	g_autofree char *name = g_path_get_basename(dir->path);
	autofd parent_fd = openat(AT_FDCWD, parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	g_assert_true(path_remove_tree(parent_fd, name));
	g_free(dir->path);
}

static MonitorLog *open_log(Dir *dir, LogDriver driver, int64_t max_size, int max_files)
{
	g_autoptr(GError) error = NULL;
	MonitorLogOptions options = {
		.driver = driver, .dir_fd = dir->fd, .max_size = max_size, .max_files = max_files};
	MonitorLog *log = monitor_log_open(&options, &error);
	g_assert_no_error(error);
	return log;
}

static char *contents(Dir *dir, const char *name)
{
	autofd fd = openat(dir->fd, name, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? NULL : fd_read_all(fd, 1 << 24, NULL, NULL);
}

static void write_text(MonitorLog *log, bool is_stderr, const char *text)
{
	monitor_log_write(log, is_stderr, text, strlen(text), SOME_TIME);
}

static void assert_contents(Dir *dir, const char *name, const char *expected)
{
	g_autofree char *text = contents(dir, name);
	g_assert_cmpstr(text, ==, expected);
}

static void k8s_lines(Dir *dir, gconstpointer data)
{
	g_autoptr(MonitorLog) log = open_log(dir, LOG_DRIVER_K8S_FILE, 1 << 20, 3);
	write_text(log, false, "one\ntwo\n");
	write_text(log, true, "err");
	write_text(log, true, "or\n\nlast");
	monitor_log_end(log, SOME_TIME);
	assert_contents(dir, "log",
			STAMP "+00:00 stdout F one\n" STAMP "+00:00 stdout F two\n" STAMP
			      "+00:00 stderr P err\n" STAMP "+00:00 stderr F or\n" STAMP
			      "+00:00 stderr F \n" STAMP "+00:00 stderr P last\n");
}

static void json_lines(Dir *dir, gconstpointer data)
{
	g_autoptr(MonitorLog) log = open_log(dir, LOG_DRIVER_JSON_FILE, 1 << 20, 3);
	write_text(log, false, "a \"b\"\\\t\x1b\n");
	write_text(log, true, "rest");
	assert_contents(dir, "log",
			"{\"log\":\"a "
			"\\\"b\\\"\\\\\\u0009\\u001b\\n\",\"stream\":\"stdout\",\"time\":\"" STAMP
			"Z\"}\n{\"log\":\"rest\",\"stream\":\"stderr\",\"time\":\"" STAMP "Z\"}\n");
}

/* All text of a json-file log, joined. */
static char *joined_json(Dir *dir)
{
	g_autofree char *text = contents(dir, "log");
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	GString *joined = g_string_new(NULL);
	for (size_t i = 0; lines[i] && *lines[i]; i++) {
		g_autoptr(GError) error = NULL;
		g_autoptr(Json) json = js_parse(lines[i], strlen(lines[i]), "log", &error);
		g_assert_no_error(error);
		Json *log = json_object_object_get(json, "log");
		g_string_append_len(joined, json_object_get_string(log),
				    json_object_get_string_len(log));
	}
	return g_string_free(joined, FALSE);
}

/* However the pipe cuts characters, the log holds them whole. */
static void json_cut_characters(Dir *dir, gconstpointer data)
{
	const char *text = "a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80z\n";
	for (size_t cut = 1; cut < strlen(text); cut++) {
		(void)unlinkat(dir->fd, "log", 0);
		g_autoptr(MonitorLog) log = open_log(dir, LOG_DRIVER_JSON_FILE, 1 << 20, 3);
		monitor_log_write(log, false, text, cut, SOME_TIME);
		write_text(log, true, "!");
		monitor_log_write(log, false, text + cut, strlen(text) - cut, SOME_TIME);
		monitor_log_end(log, SOME_TIME);
		g_autofree char *joined = joined_json(dir);
		g_auto(GStrv) parts = g_strsplit(joined, "!", 2);
		g_autofree char *whole = g_strconcat(parts[0], parts[1], NULL);
		g_assert_cmpstr(whole, ==, text);
	}
}

static void json_invalid_bytes(Dir *dir, gconstpointer data)
{
	g_autoptr(MonitorLog) log = open_log(dir, LOG_DRIVER_JSON_FILE, 1 << 20, 3);
	write_text(log, false,
		   "\xff"
		   "a\xe2\x82\n");
	write_text(log, false, "end \xe2\x82");
	monitor_log_end(log, SOME_TIME);
	g_autofree char *joined = joined_json(dir);
	const char *bad = "\xef\xbf\xbd";
	g_autofree char *expected = g_strconcat(bad, "a", bad, bad, "\nend ", bad, bad, NULL);
	g_assert_cmpstr(joined, ==, expected);
}

/* Lead bytes of sequences that UTF-8 no longer has, and a cut character with NULs behind it. */
static void json_no_endless_wait(Dir *dir, gconstpointer data)
{
	g_autoptr(MonitorLog) log = open_log(dir, LOG_DRIVER_JSON_FILE, 1 << 20, 3);
	static const char *const pieces[] = {"\xfd", "\x80", "\x80", "\x80", "\x80", "\xc3"};
	for (size_t i = 0; i < G_N_ELEMENTS(pieces); i++)
		write_text(log, false, pieces[i]);
	for (size_t i = 0; i < 8; i++)
		monitor_log_write(log, false, "", 1, SOME_TIME);
	g_autofree char *text = contents(dir, "log");
	size_t nuls = 0;
	for (const char *at = text; (at = strstr(at, "\\u0000")); at++)
		nuls++;
	g_assert_cmpuint(nuls, ==, 8);
}

/* Dates around leap days and the end of years, against GLib's calendar. */
static void dates(Dir *dir, gconstpointer data)
{
	static const int64_t seconds[] = {0,          951782399,  951868799,  951868800, 1709164799,
					  1709251200, 4107542399, 4107542400, 1798761599};
	for (size_t i = 0; i < G_N_ELEMENTS(seconds); i++) {
		(void)unlinkat(dir->fd, "log", 0);
		g_autoptr(MonitorLog) log = open_log(dir, LOG_DRIVER_K8S_FILE, 1 << 20, 3);
		monitor_log_write(log, false, "x\n", 2, seconds[i] * 1000000000 + 5);
		g_autoptr(GDateTime) date = g_date_time_new_from_unix_utc(seconds[i]);
		g_autofree char *stamp = g_date_time_format(date, "%Y-%m-%dT%H:%M:%S");
		g_autofree char *expected =
			g_strconcat(stamp, ".000000005+00:00 stdout F x\n", NULL);
		assert_contents(dir, "log", expected);
	}
}

static void rotates_whole_records(Dir *dir, gconstpointer data)
{
	g_autoptr(MonitorLog) log = open_log(dir, LOG_DRIVER_K8S_FILE, 4096, 3);
	for (int i = 0; i < 400; i++) {
		g_autofree char *line = g_strdup_printf("line %d\n", i);
		write_text(log, false, line);
	}
	GString *all = g_string_new(NULL);
	static const char *const names[] = {"log.3", "log.2", "log.1", "log"};
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		g_autofree char *text = contents(dir, names[i]);
		g_assert_nonnull(text);
		g_assert_cmpuint(strlen(text), <=, 4096);
		g_assert_cmpint(text[strlen(text) - 1], ==, '\n');
		g_string_append(all, text);
	}
	g_autofree char *beyond = contents(dir, "log.4");
	g_assert_null(beyond);
	/* What is there is the end of it, without a gap. */
	g_auto(GStrv) lines = g_strsplit(all->str, "\n", -1);
	guint n = g_strv_length(lines) - 1;
	for (guint i = 0; i < n; i++) {
		g_autofree char *expected =
			g_strdup_printf(STAMP "+00:00 stdout F line %u", 400 - n + i);
		g_assert_cmpstr(lines[i], ==, expected);
	}
	g_string_free(all, TRUE);
}

static void rotates_without_history(Dir *dir, gconstpointer data)
{
	g_autoptr(MonitorLog) log = open_log(dir, LOG_DRIVER_K8S_FILE, 1024, 0);
	for (int i = 0; i < 100; i++)
		write_text(log, false, "some text\n");
	g_autofree char *text = contents(dir, "log");
	g_autofree char *rotated = contents(dir, "log.1");
	g_assert_cmpuint(strlen(text), <=, 1024);
	g_assert_null(rotated);
}

static void continues_a_file(Dir *dir, gconstpointer data)
{
	g_autoptr(MonitorLog) first = open_log(dir, LOG_DRIVER_K8S_FILE, 1 << 20, 3);
	write_text(first, false, "one\n");
	/* A writer that was killed in the middle of a record. */
	autofd fd = openat(dir->fd, "log", O_WRONLY | O_APPEND | O_CLOEXEC);
	g_assert_true(fd_write_all(fd, "2026-01", 7));
	g_autoptr(MonitorLog) second = open_log(dir, LOG_DRIVER_K8S_FILE, 1 << 20, 3);
	write_text(second, false, "two\n");
	assert_contents(dir, "log",
			STAMP "+00:00 stdout F one\n2026-01\n" STAMP "+00:00 stdout F two\n");
}

/* A limit on file sizes stands in for a full disk: a write is cut short, then refused. */
static void full_disk(Dir *dir, gconstpointer data)
{
	struct rlimit old, limit = {.rlim_cur = 1000, .rlim_max = RLIM_INFINITY};
	g_assert_cmpint(getrlimit(RLIMIT_FSIZE, &old), ==, 0);
	limit.rlim_max = old.rlim_max;
	signal(SIGXFSZ, SIG_IGN);
	g_autoptr(MonitorLog) log = open_log(dir, LOG_DRIVER_K8S_FILE, 1 << 20, 3);
	g_assert_cmpint(setrlimit(RLIMIT_FSIZE, &limit), ==, 0);
	for (int i = 0; i < 30; i++)
		write_text(log, false, "0123456789\n");
	uint64_t lost = monitor_log_lost(log);
	g_assert_cmpuint(lost, >, 0);
	g_assert_cmpuint(lost, <, 30);
	g_autofree char *full = contents(dir, "log");
	g_assert_cmpint(full[strlen(full) - 1], ==, '\n');
	g_assert_cmpint(setrlimit(RLIMIT_FSIZE, &old), ==, 0);

	write_text(log, false, "again\n");
	g_assert_cmpuint(monitor_log_lost(log), ==, lost);
	g_autofree char *expected =
		g_strdup_printf("%s" STAMP "+00:00 stderr F skiff: %" G_GUINT64_FORMAT
				" log lines were dropped: %s\n" STAMP "+00:00 stdout F again\n",
				full, lost, g_strerror(EFBIG));
	assert_contents(dir, "log", expected);
}

static void deleted_under_us(Dir *dir, gconstpointer data)
{
	g_autoptr(MonitorLog) log = open_log(dir, LOG_DRIVER_K8S_FILE, 1 << 20, 3);
	write_text(log, false, "one\n");
	g_assert_cmpint(unlinkat(dir->fd, "log", 0), ==, 0);
	/* It looks once a second. */
	monitor_log_write(log, false, "two\n", 4, SOME_TIME + 2000000000);
	g_autofree char *text = contents(dir, "log");
	g_assert_nonnull(text);
	g_assert_true(g_str_has_suffix(text, " stdout F two\n"));
}

static void refuses_what_is_no_file(Dir *dir, gconstpointer data)
{
	g_autoptr(GError) error = NULL;
	g_assert_cmpint(symlinkat("/etc/passwd", dir->fd, "log"), ==, 0);
	MonitorLogOptions options = {
		.driver = LOG_DRIVER_K8S_FILE, .dir_fd = dir->fd, .max_size = 4096};
	g_assert_null(monitor_log_open(&options, &error));
	g_assert_error(error, ENGINE_ERROR, ENGINE_ERROR_SYSTEM);
	g_clear_error(&error);
	g_assert_cmpint(unlinkat(dir->fd, "log", 0), ==, 0);
	g_assert_cmpint(mkfifoat(dir->fd, "log", 0600), ==, 0);
	g_assert_null(monitor_log_open(&options, &error));
	g_assert_error(error, ENGINE_ERROR, ENGINE_ERROR_SYSTEM);
}

static void none_swallows(Dir *dir, gconstpointer data)
{
	g_autoptr(MonitorLog) log = open_log(dir, LOG_DRIVER_NONE, 1 << 20, 3);
	write_text(log, false, "x\n");
	monitor_log_end(log, SOME_TIME);
	g_autofree char *text = contents(dir, "log");
	g_assert_null(text);
}

/* A line longer than any buffer, in chunks of every size. */
static void long_line(Dir *dir, gconstpointer data)
{
	static const LogDriver drivers[] = {LOG_DRIVER_K8S_FILE, LOG_DRIVER_JSON_FILE};
	g_autofree char *line = g_strnfill(200000, '\x01');
	for (size_t i = 0; i < G_N_ELEMENTS(drivers); i++) {
		(void)unlinkat(dir->fd, "log", 0);
		g_autoptr(MonitorLog) log = open_log(dir, drivers[i], 1 << 24, 3);
		monitor_log_write(log, false, line, 200000, SOME_TIME);
		write_text(log, false, "\n");
		monitor_log_end(log, SOME_TIME);
		g_assert_cmpuint(monitor_log_lost(log), ==, 0);
		g_autofree char *text = contents(dir, "log");
		size_t count = 0;
		const char *mark = drivers[i] == LOG_DRIVER_K8S_FILE ? "\x01" : "\\u0001";
		for (const char *at = text; (at = strstr(at, mark)); at += strlen(mark))
			count++;
		g_assert_cmpuint(count, ==, 200000);
	}
}

#define ADD(name, function)                                                                        \
	g_test_add("/monitor/log/" name, Dir, NULL, dir_set_up, function, dir_tear_down)

/* journald's end of the socket, in a temporary directory. */
static int listen_journal(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	g_strlcpy(address.sun_path, path, sizeof address.sun_path);
	g_assert_cmpint(bind(fd, (struct sockaddr *)&address, sizeof address), ==, 0);
	return fd;
}

/* The next datagram: fields up to MESSAGE, whose text goes to @out_message. */
static char *receive_entry(int fd, GString *out_message)
{
	static char data[1 << 20];
	int file = -1;
	ssize_t n = fd_receive(fd, data, sizeof data, &file, 1, NULL);
	if (file >= 0) {
		/* Sealed: nobody changes it behind journald's back. */
		int seals = fcntl(file, F_GET_SEALS);
		g_assert_cmpint(seals & F_SEAL_WRITE, ==, F_SEAL_WRITE);
		n = pread(file, data, sizeof data, 0);
		close(file);
	}
	g_assert_cmpint(n, >, 0);
	const char *message = memmem(data, (size_t)n, "MESSAGE\n", 8);
	while (message && message > data && message[-1] != '\n')
		message = memmem(message + 1, (size_t)(data + n - message - 1), "MESSAGE\n", 8);
	g_assert_nonnull(message);
	uint64_t size;
	memcpy(&size, message + 8, sizeof size);
	size = GUINT64_FROM_LE(size);
	g_assert_cmpuint((size_t)(message - data) + 16 + size + 1, ==, (size_t)n);
	g_string_truncate(out_message, 0);
	g_string_append_len(out_message, message + 16, (gssize)size);
	return g_strndup(data, (gsize)(message - data));
}

static MonitorLog *open_journal(const char *path)
{
	g_autoptr(GError) error = NULL;
	MonitorLogOptions options = {
		.driver = LOG_DRIVER_JOURNALD,
		.id = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
		.container_name = "web",
		.tag = "mine",
		.labels = (const char *const[]){"APP=shop", "B=\nMESSAGE=c", NULL},
		.journal_socket = path,
	};
	MonitorLog *log = monitor_log_open(&options, &error);
	g_assert_no_error(error);
	return log;
}

static void test_journal(Dir *dir, gconstpointer data)
{
	g_autofree char *path = g_build_filename(dir->path, "journal", NULL);
	autofd journal = listen_journal(path);
	g_autoptr(MonitorLog) log = open_journal(path);
	g_autoptr(GString) message = g_string_new(NULL);
	monitor_log_write(log, false, "one\ntwo", 7, SOME_TIME);
	monitor_log_write(log, true, "\0\377\n", 3, SOME_TIME);
	g_autofree char *first = receive_entry(journal, message);
	g_assert_cmpstr(message->str, ==, "one");
	g_assert_cmpstr(first, ==,
			"CONTAINER_ID=0123456789ab\n"
			"CONTAINER_ID_FULL="
			"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\n"
			"CONTAINER_NAME=web\nCONTAINER_TAG=mine\nSYSLOG_IDENTIFIER=mine\n"
			"APP=shop\nPRIORITY=6\n");
	g_autofree char *second = receive_entry(journal, message);
	g_assert_cmpstr(message->str, ==, "two");
	g_assert_true(g_str_has_suffix(second, "PRIORITY=6\nCONTAINER_PARTIAL_MESSAGE=true\n"));
	g_autofree char *third = receive_entry(journal, message);
	g_assert_cmpmem(message->str, message->len, "\0\377", 2);
	g_assert_true(g_str_has_suffix(third, "PRIORITY=3\n"));
	g_assert_cmpuint(monitor_log_lost(log), ==, 0);
}

/* More than a datagram holds goes as a file. */
static void test_journal_long(Dir *dir, gconstpointer data)
{
	g_autofree char *path = g_build_filename(dir->path, "journal", NULL);
	autofd journal = listen_journal(path);
	g_autoptr(MonitorLog) log = open_journal(path);
	g_autoptr(GString) message = g_string_new(NULL);
	const size_t size = 500000;
	g_autofree char *text = g_malloc(size + 1);
	memset(text, 'x', size);
	text[size] = '\n';
	monitor_log_write(log, false, text, size + 1, SOME_TIME);
	g_autofree char *fields = receive_entry(journal, message);
	g_assert_cmpuint(message->len, ==, size);
	g_assert_false(strstr(fields, "PARTIAL") != NULL);
	g_assert_cmpuint(monitor_log_lost(log), ==, 0);
}

/* A journald that is started anew is found; what came while it was away is counted and told. */
static void test_journal_restart(Dir *dir, gconstpointer data)
{
	g_autofree char *path = g_build_filename(dir->path, "journal", NULL);
	int journal = listen_journal(path);
	g_autoptr(MonitorLog) log = open_journal(path);
	g_autoptr(GString) message = g_string_new(NULL);
	close(journal);
	g_assert_cmpint(unlink(path), ==, 0);
	monitor_log_write(log, false, "a\nb\n", 4, SOME_TIME);
	g_assert_cmpuint(monitor_log_lost(log), ==, 2);
	autofd again = listen_journal(path);
	monitor_log_write(log, false, "c\n", 2, SOME_TIME);
	g_free(receive_entry(again, message));
	g_assert_true(g_str_has_prefix(message->str, "skiff: 2 log lines were dropped: "));
	g_free(receive_entry(again, message));
	g_assert_cmpstr(message->str, ==, "c");
	g_assert_cmpuint(monitor_log_lost(log), ==, 2);
}

static void test_journal_absent(Dir *dir, gconstpointer data)
{
	g_autofree char *path = g_build_filename(dir->path, "journal", NULL);
	g_autoptr(GError) error = NULL;
	MonitorLogOptions options = {
		.driver = LOG_DRIVER_JOURNALD, .id = "0", .journal_socket = path};
	g_assert_null(monitor_log_open(&options, &error));
	g_assert_true(g_str_has_prefix(error->message, "cannot connect to journald at '"));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	ADD("k8s-lines", k8s_lines);
	ADD("json-lines", json_lines);
	ADD("json-cut-characters", json_cut_characters);
	ADD("json-invalid-bytes", json_invalid_bytes);
	ADD("json-no-endless-wait", json_no_endless_wait);
	ADD("dates", dates);
	ADD("rotates-whole-records", rotates_whole_records);
	ADD("rotates-without-history", rotates_without_history);
	ADD("continues-a-file", continues_a_file);
	ADD("full-disk", full_disk);
	ADD("deleted-under-us", deleted_under_us);
	ADD("refuses-what-is-no-file", refuses_what_is_no_file);
	ADD("none-swallows", none_swallows);
	ADD("long-line", long_line);
	g_test_add("/monitor-log/journal", Dir, NULL, dir_set_up, test_journal, dir_tear_down);
	g_test_add("/monitor-log/journal/long", Dir, NULL, dir_set_up, test_journal_long,
		   dir_tear_down);
	g_test_add("/monitor-log/journal/restart", Dir, NULL, dir_set_up, test_journal_restart,
		   dir_tear_down);
	g_test_add("/monitor-log/journal/absent", Dir, NULL, dir_set_up, test_journal_absent,
		   dir_tear_down);
	return g_test_run();
}
