/* SPDX-License-Identifier: Apache-2.0 */
#include "libpod/monitor/monitor_task.h"

#include <glib.h>
#include <string.h>

#include "libpod/base/error.h"

static Json *make_request(void)
{
	g_autoptr(OciConfig) config = oci_config_new();
	g_autoptr(NetworkRequest) network = network_request_new();
	const char *const cleanup[] = {"/usr/bin/skiff", "container", "cleanup", "x", NULL};
	g_strfreev(config->args);
	config->args = g_strsplit("sh -c true", " ", -1);
	config->cwd = g_strdup("/");
	config->terminal = true;
	network->mode = NETWORK_NONE;
	g_autoptr(HealthConfig) health = health_config_new();
	health->regular.test = g_strsplit("CMD-SHELL true", " ", -1);
	MonitorRequest request = {
		.id = "0123",
		.health = health,
		.stop_signal = 3,
		.stop_timeout_s = 9,
		.config = config,
		.network = network,
		.log_driver = LOG_DRIVER_JSON_FILE,
		.log_max_size = -1,
		.log_max_files = -1,
		.restart = RESTART_ON_FAILURE,
		.restart_retries = 3,
		.restart_delay_ms = 700,
		.restart_window_ms = 9000,
		.open_stdin = true,
		.attach_stderr = true,
		.timeout_s = 17,
		.cleanup_argv = cleanup,
		.log_level = LOG_LEVEL_TRACE,
		.keep_preserved = true,
		.manager = "/run/user/1000",
		.notify = MONITOR_NOTIFY_HEALTHY,
	};
	return monitor_task_to_json(&request, "/usr/libexec/skiff");
}

static MonitorTask *parse(Json *json, GError **error)
{
	const char *text = js_text(json);
	return monitor_task_parse(text, strlen(text), error);
}

static void round_trip(void)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(Json) json = make_request();
	g_autoptr(MonitorTask) task = parse(json, &error);
	g_assert_no_error(error);
	g_assert_cmpstr(task->id, ==, "0123");
	g_assert_null(task->name);
	g_assert_cmpstr(task->manager, ==, "/run/user/1000");
	g_assert_true(task->config->terminal);
	g_assert_cmpstr(task->config->args[2], ==, "true");
	g_assert_cmpint(task->network->mode, ==, NETWORK_NONE);
	g_assert_cmpint(task->log_driver, ==, LOG_DRIVER_JSON_FILE);
	g_assert_cmpint(task->log_max_size, ==, LOG_MAX_SIZE_DEFAULT);
	g_assert_cmpint(task->log_max_files, ==, LOG_MAX_FILES_DEFAULT);
	g_assert_cmpint(task->restart, ==, RESTART_ON_FAILURE);
	g_assert_cmpint(task->restart_retries, ==, 3);
	g_assert_cmpint(task->restart_delay_ms, ==, 700);
	g_assert_cmpint(task->restart_window_ms, ==, 9000);
	g_assert_true(task->open_stdin);
	g_assert_false(task->detached);
	g_assert_false(task->attach_stdout);
	g_assert_true(task->attach_stderr);
	g_assert_cmpint(task->timeout_s, ==, 17);
	g_assert_cmpstr(task->health->regular.test[1], ==, "true");
	g_assert_cmpint(task->stop_signal, ==, 3);
	g_assert_cmpint(task->stop_timeout_s, ==, 9);
	g_assert_cmpstr(task->cleanup_argv[3], ==, "x");
	g_assert_cmpstr(task->libexec, ==, "/usr/libexec/skiff");
	g_assert_cmpint(task->log_level, ==, LOG_LEVEL_TRACE);
	g_assert_true(task->keep_preserved);
	g_assert_cmpint(task->notify, ==, MONITOR_NOTIFY_HEALTHY);
}

/* A value of the wrong kind anywhere is refused. */
static void refuses_wrong_values(void)
{
	static const struct {
		const char *key, *json;
	} rows[] = {
		{"id", "5"},
		{"health", "[]"},
		{"health", "{\"regular\":{}}"},
		{"stopSignal", "-1"},
		{"stopTimeout", "-1"},
		{"config", "[]"},
		{"config", "null"},
		{"network", "null"},
		{"network", "{\"mode\":\"moon\"}"},
		{"logDriver", "\"syslog\""},
		{"logPath", "\"relative\""},
		{"logMaxFiles", "1001"},
		{"restart", "\"sometimes\""},
		{"restartRetries", "-1"},
		{"timeout", "-1"},
		{"cleanup", "\"sh\""},
		{"logLevel", "\"loud\""},
		{"openStdin", "1"},
		{"keepPreserved", "1"},
		{"notify", "4"},
		{"notify", "-1"},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autoptr(GError) error = NULL;
		g_autoptr(Json) json = make_request();
		js_set_take(json, rows[i].key, json_tokener_parse(rows[i].json));
		g_assert_null(parse(json, &error));
		g_assert_error(error, ENGINE_ERROR, ENGINE_ERROR_INVALID);
	}
	g_autoptr(GError) error = NULL;
	g_autoptr(Json) json = make_request();
	json_object_object_del(json, "id");
	g_assert_null(parse(json, &error));
	g_assert_error(error, ENGINE_ERROR, ENGINE_ERROR_INVALID);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/monitor/task/round-trip", round_trip);
	g_test_add_func("/monitor/task/refuses-wrong-values", refuses_wrong_values);
	return g_test_run();
}
