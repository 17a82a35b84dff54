/* SPDX-License-Identifier: Apache-2.0 */
#include "libpod/monitor/restart_policy.h"

#include <glib.h>

#include "libpod/base/error.h"

static void parse_good(void)
{
	static const struct {
		const char *text;
		RestartKind kind;
		int retries;
	} rows[] = {
		{"no", RESTART_NO, 0},
		{"never", RESTART_NO, 0},
		{"always", RESTART_ALWAYS, 0},
		{"unless-stopped", RESTART_UNLESS_STOPPED, 0},
		{"on-failure", RESTART_ON_FAILURE, 0},
		{"on-failure:0", RESTART_ON_FAILURE, 0},
		{"on-failure:12", RESTART_ON_FAILURE, 12},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		RestartKind kind = RESTART_NO;
		int retries = -1;
		g_autoptr(GError) error = NULL;
		g_assert_true(restart_parse(rows[i].text, &kind, &retries, &error));
		g_assert_no_error(error);
		g_assert_cmpint(kind, ==, rows[i].kind);
		g_assert_cmpint(retries, ==, rows[i].retries);
	}
}

static void parse_bad(void)
{
	static const char *const texts[] = {
		"",
		"yes",
		"Always",
		"on-failure:",
		"on-failure:-1",
		"on-failure:x",
		"on-failure:99999999999",
		"always:3",
		"no:1",
		"on-failure:1:2",
		" no",
	};
	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
		RestartKind kind = RESTART_ALWAYS;
		int retries = 77;
		g_autoptr(GError) error = NULL;
		g_assert_false(restart_parse(texts[i], &kind, &retries, &error));
		g_assert_error(error, ENGINE_ERROR, ENGINE_ERROR_INVALID);
		g_assert_cmpint(kind, ==, RESTART_ALWAYS);
		g_assert_cmpint(retries, ==, 77);
	}
}

static void names_round_trip(void)
{
	for (int i = RESTART_NO; i <= RESTART_UNLESS_STOPPED; i++) {
		RestartKind kind;
		int retries;
		g_assert_true(restart_parse(restart_name((RestartKind)i), &kind, &retries, NULL));
		g_assert_cmpint(kind, ==, i);
	}
	for (int i = LOG_DRIVER_K8S_FILE; i <= LOG_DRIVER_PASSTHROUGH; i++) {
		LogDriver driver;
		g_assert_true(log_driver_parse(log_driver_name((LogDriver)i), &driver, NULL));
		g_assert_cmpint(driver, ==, i);
	}
	g_autoptr(GError) error = NULL;
	LogDriver driver = LOG_DRIVER_NONE;
	g_assert_false(log_driver_parse("syslog", &driver, &error));
	g_assert_error(error, ENGINE_ERROR, ENGINE_ERROR_INVALID);
}

static void wants(void)
{
	static const struct {
		RestartPolicy policy;
		int code;
		bool wanted;
	} rows[] = {
		{{.kind = RESTART_NO}, 1, false},
		{{.kind = RESTART_ALWAYS}, 0, true},
		{{.kind = RESTART_ALWAYS, .stopped_by_user = true}, 1, false},
		{{.kind = RESTART_UNLESS_STOPPED, .attempts = 1000}, 0, true},
		{{.kind = RESTART_ALWAYS, .retries = 2, .attempts = 1}, 0, true},
		{{.kind = RESTART_ALWAYS, .retries = 2, .attempts = 2}, 0, false},
		{{.kind = RESTART_ON_FAILURE}, 0, false},
		{{.kind = RESTART_ON_FAILURE, .attempts = 1000}, 137, true},
		{{.kind = RESTART_ON_FAILURE, .retries = 2, .attempts = 1}, 1, true},
		{{.kind = RESTART_ON_FAILURE, .retries = 2, .attempts = 2}, 1, false},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
		g_assert_cmpint(restart_policy_wants(&rows[i].policy, rows[i].code), ==,
				rows[i].wanted);
}

/* A run as long as the window is a success, from which attempts count anew. */
static void attempts(void)
{
	static const struct {
		int window_ms, attempts;
		int64_t ran_ms;
		int counted;
	} rows[] = {
		{0, 3, 0, 3},     {0, 3, G_MAXINT64, 3}, {500, 3, 0, 3}, {500, 3, 499, 3},
		{500, 3, 500, 0}, {500, 0, 500, 0},      {1, 7, 2, 0},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		const RestartPolicy policy = {
			.kind = RESTART_ALWAYS,
			.window_ms = rows[i].window_ms,
			.attempts = rows[i].attempts,
		};
		g_assert_cmpint(restart_policy_attempts(&policy, rows[i].ran_ms), ==,
				rows[i].counted);
	}
}

static void delays(void)
{
	const RestartPolicy policy = {.kind = RESTART_ALWAYS};
	const RestartPolicy constant = {.kind = RESTART_ALWAYS, .delay_ms = 90000};
	int delay = 0;
	int64_t total = 0;
	static const int expected[] = {100,  200,   400,   800,   1600,  3200,
				       6400, 12800, 25600, 51200, 60000, 60000};
	for (size_t i = 0; i < G_N_ELEMENTS(expected); i++) {
		delay = restart_policy_delay(&policy, delay, 5);
		total += delay;
		g_assert_cmpint(delay, ==, expected[i]);
	}
	g_assert_cmpint(total, >, 0);
	g_assert_cmpint(restart_policy_delay(&policy, 60000, 9999), ==, 60000);
	g_assert_cmpint(restart_policy_delay(&policy, 60000, 10000), ==, 100);
	g_assert_cmpint(restart_policy_delay(&policy, G_MAXINT, 0), ==, 60000);
	g_assert_cmpint(restart_policy_delay(&constant, 0, 5), ==, 90000);
	g_assert_cmpint(restart_policy_delay(&constant, 90000, 20000), ==, 90000);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/monitor/restart/parse-good", parse_good);
	g_test_add_func("/monitor/restart/parse-bad", parse_bad);
	g_test_add_func("/monitor/restart/names-round-trip", names_round_trip);
	g_test_add_func("/monitor/restart/wants", wants);
	g_test_add_func("/monitor/restart/attempts", attempts);
	g_test_add_func("/monitor/restart/delays", delays);
	return g_test_run();
}
