/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Errors and the log: messages, the two tables, one line per write.
 */
#include "libpod/base/error.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "libpod/base/fd.h"
#include "libpod/base/log.h"

static void test_set(void)
{
	g_autoptr(GError) error = NULL;
	g_assert_false(error_set(&error, ENGINE_ERROR_IN_USE, "'%s' is busy", "c1"));
	g_assert_true(error_matches(error, ENGINE_ERROR_IN_USE));
	g_assert_false(error_matches(error, ENGINE_ERROR_EXISTS));
	g_assert_false(error_matches(NULL, ENGINE_ERROR_EXISTS));
	g_assert_cmpstr(error->message, ==, "'c1' is busy");
	g_assert_null(error_set_null(NULL, ENGINE_ERROR_INVALID, "nobody listens"));
}

static void test_errno(void)
{
	g_autoptr(GError) error = NULL;
	errno = ENOENT;
	g_assert_false(error_set_errno(&error, "cannot open '%s'", "x"));
	g_assert_cmpint(errno, ==, ENOENT);
	g_assert_cmpstr(error->message, ==, "cannot open 'x': No such file or directory");
	g_assert_true(error_matches(error, ENGINE_ERROR_SYSTEM));
	errno = EPERM;
	g_assert_null(error_set_errno_null(NULL, "ignored"));
	g_assert_cmpint(errno, ==, EPERM);
	g_clear_error(&error);
	errno = ENOSPC;
	g_assert_false(error_set_errno(&error, "cannot write"));
	g_assert_true(g_str_has_prefix(error->message, "cannot write: No space left on device\n"
						       "help: the disk is full: skiff system df"));
}

static void test_help(void)
{
	g_autoptr(GError) error = NULL;
	error_add_help(&error, "nothing to add to");
	g_assert_null(error);
	error_add_help(NULL, "nobody listens");
	error_set(&error, ENGINE_ERROR_DENIED, "no");
	error_add_help(&error, "chmod %d", 700);
	g_assert_cmpstr(error->message, ==, "no\nhelp: chmod 700");
	g_prefix_error(&error, "outer: ");
	g_assert_cmpstr(error->message, ==, "outer: no\nhelp: chmod 700");
}

static void test_tables(void)
{
	static const struct {
		ErrorCode code;
		int exit_code;
		int status;
	} rows[] = {
		{ENGINE_ERROR_SYSTEM, 125, 500},
		{ENGINE_ERROR_NOT_FOUND, 125, 404},
		{ENGINE_ERROR_EXISTS, 125, 409},
		{ENGINE_ERROR_IN_USE, 125, 409},
		{ENGINE_ERROR_BAD_STATE, 125, 409},
		{ENGINE_ERROR_INVALID, 125, 400},
		{ENGINE_ERROR_DENIED, 125, 403},
		{ENGINE_ERROR_CORRUPT, 125, 500},
		{ENGINE_ERROR_COMMAND_NOT_FOUND, 127, 400},
		{ENGINE_ERROR_COMMAND_NOT_EXECUTABLE, 126, 400},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autoptr(GError) error = NULL;
		error_set(&error, rows[i].code, "x");
		g_assert_cmpint(error_exit_code(error), ==, rows[i].exit_code);
		g_assert_cmpint(error_http_status(error), ==, rows[i].status);
	}
	g_assert_cmpint(error_exit_code(NULL), ==, 125);
	g_assert_cmpint(error_http_status(NULL), ==, 500);
}

/* What log_at() writes to stderr while @level is set. */
static char *logged(LogLevel level, LogLevel at, const char *text)
{
	int ends[2];
	g_assert_cmpint(pipe(ends), ==, 0);
	int saved = dup(STDERR_FILENO);
	dup2(ends[1], STDERR_FILENO);
	close(ends[1]);
	log_init(level, "unit");
	log_at(at, "%s", text);
	dup2(saved, STDERR_FILENO);
	close(saved);
	char *result = fd_read_all(ends[0], 1 << 16, NULL, NULL);
	close(ends[0]);
	log_init(LOG_LEVEL_WARN, "unit");
	return result;
}

static void test_log_lines(void)
{
	g_autofree char *shown = logged(LOG_LEVEL_INFO, LOG_LEVEL_INFO, "a\nb\x1b[31m");
	g_assert_cmpstr(shown, ==, "[unit] a b [31m\n");
	g_autofree char *hidden = logged(LOG_LEVEL_INFO, LOG_LEVEL_DEBUG, "x");
	g_assert_cmpstr(hidden, ==, "");
	g_autofree char *huge = g_strnfill(10000, 'y');
	g_autofree char *cut = logged(LOG_LEVEL_INFO, LOG_LEVEL_INFO, huge);
	g_assert_cmpuint(strlen(cut), ==, 2047);
	g_assert_true(g_str_has_suffix(cut, "y\n"));
}

static void test_log_levels(void)
{
	LogLevel level = LOG_LEVEL_INFO;
	g_assert_true(log_level_parse("Warning", &level));
	g_assert_cmpint(level, ==, LOG_LEVEL_WARN);
	g_assert_true(log_level_parse("panic", &level));
	g_assert_cmpstr(log_level_name(level), ==, "fatal");
	g_assert_true(log_level_parse("trace", &level));
	g_assert_cmpint(level, ==, LOG_LEVEL_TRACE);
	g_assert_false(log_level_parse("loud", &level));
	g_assert_cmpint(level, ==, LOG_LEVEL_TRACE);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/error/set/formats-and-matches", test_set);
	g_test_add_func("/error/errno/is-appended-and-kept", test_errno);
	g_test_add_func("/error/help/is-a-second-line", test_help);
	g_test_add_func("/error/tables/exit-code-and-http-status", test_tables);
	g_test_add_func("/log/line/is-one-and-safe", test_log_lines);
	g_test_add_func("/log/level/parse", test_log_levels);
	return g_test_run();
}
