/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The request of a monitor, to JSON in the starting command and back in the monitor.
 */
#include "libpod/monitor/monitor_task.h"

#include <signal.h>
#include <string.h>

#include "libpod/base/error.h"
#include "libpod/runtime/launch.h"

/* Which descriptors came with the request for the payload. */
static char *format_preserve(const MonitorRequest *request)
{
	if (request->n_preserve_fds == 0)
		return NULL;
	char *text = g_malloc0(request->n_preserve_fds + 1);
	for (size_t i = 0; i < request->n_preserve_fds; i++)
		text[i] = request->preserve_fds[i] >= 0 ? '1' : '0';
	return text;
}

Json *monitor_task_to_json(const MonitorRequest *request, const char *libexec)
{
	Json *json = json_object_new_object();
	js_set_string(json, "id", request->id);
	js_set_string(json, "name", request->name);
	js_set_take(json, "config", oci_config_write(request->config));
	js_set_take(json, "network", network_request_to_json(request->network));
	js_set_string(json, "logDriver", log_driver_name(request->log_driver));
	js_set_string(json, "logPath", request->log_path);
	js_set_string(json, "logTag", request->log_tag);
	if (request->log_labels && *request->log_labels)
		js_set_take(json, "logLabels", js_from_strv(request->log_labels));
	js_set_int(json, "logMaxSize", request->log_max_size);
	js_set_int(json, "logMaxFiles", request->log_max_files);
	js_set_string(json, "restart", restart_name(request->restart));
	js_set_int(json, "restartRetries", request->restart_retries);
	js_set_int(json, "restartDelay", request->restart_delay_ms);
	js_set_int(json, "restartWindow", request->restart_window_ms);
	js_set_bool(json, "autoRemove", request->auto_remove);
	js_set_bool(json, "hold", request->hold);
	js_set_bool(json, "cgroup", request->cgroup);
	js_set_bool(json, "openStdin", request->open_stdin);
	js_set_bool(json, "endsWithStarter", request->ends_with_starter);
	js_set_bool(json, "detached", request->detached);
	js_set_bool(json, "attachStdin", request->attach_stdin);
	js_set_bool(json, "attachStdout", request->attach_stdout);
	js_set_bool(json, "attachStderr", request->attach_stderr);
	js_set_int(json, "timeout", request->timeout_s);
	if (request->health)
		js_set_take(json, "health", health_config_to_json(request->health));
	js_set_int(json, "stopSignal", request->stop_signal);
	js_set_int(json, "stopTimeout", request->stop_timeout_s);
	if (request->cleanup_argv)
		js_set_take(json, "cleanup", js_from_strv(request->cleanup_argv));
	g_autofree char *preserve = format_preserve(request);
	js_set_string(json, "preserve", preserve);
	js_set_bool(json, "keepPreserved", request->keep_preserved);
	js_set_bool(json, "systemd", request->systemd);
	js_set_int(json, "notify", request->notify);
	js_set_string(json, "manager", request->manager);
	js_set_string(json, "libexec", libexec);
	js_set_string(json, "logLevel", log_level_name(request->log_level));
	return json;
}

/* Where the output is recorded. */
static bool parse_log(Json *json, MonitorTask *task, GError **error)
{
	const char *driver = "none";
	int64_t max_files = LOG_MAX_FILES_DEFAULT;
	if (!js_get_string(json, "logDriver", &driver, error) ||
	    !log_driver_parse(driver, &task->log_driver, error) ||
	    !js_dup_string(json, "logPath", &task->log_path, error) ||
	    !js_dup_string(json, "logTag", &task->log_tag, error) ||
	    !js_get_strv(json, "logLabels", &task->log_labels, error) ||
	    !js_get_int(json, "logMaxSize", G_MININT64, G_MAXINT64, &task->log_max_size, error) ||
	    !js_get_int(json, "logMaxFiles", G_MININT32, 1000, &max_files, error))
		return false;
	if (task->log_path && *task->log_path != '/')
		return error_set(error, ENGINE_ERROR_INVALID, "logPath: expected an absolute path");
	if (task->log_max_size <= 0)
		task->log_max_size = LOG_MAX_SIZE_DEFAULT;
	task->log_max_files = max_files < 0 ? LOG_MAX_FILES_DEFAULT : (int)max_files;
	return true;
}

static bool parse_restart(Json *json, MonitorTask *task, GError **error)
{
	const char *restart = "no";
	int64_t retries = 0, delay = 0, window = 0;
	int ignored;
	if (!js_get_string(json, "restart", &restart, error) ||
	    !restart_parse(restart, &task->restart, &ignored, error) ||
	    !js_get_int(json, "restartRetries", 0, G_MAXINT32, &retries, error) ||
	    !js_get_int(json, "restartDelay", 0, G_MAXINT32, &delay, error) ||
	    !js_get_int(json, "restartWindow", 0, G_MAXINT32, &window, error))
		return false;
	task->restart_retries = (int)retries;
	task->restart_delay_ms = (int)delay;
	task->restart_window_ms = (int)window;
	return true;
}

static bool parse_health(Json *json, MonitorTask *task, GError **error)
{
	Json *part = NULL;
	int64_t signum = 0, timeout = 0;
	if (!js_get_int(json, "stopSignal", 0, NSIG - 1, &signum, error) ||
	    !js_get_int(json, "stopTimeout", 0, G_MAXINT32, &timeout, error) ||
	    !js_get_object(json, "health", &part, error))
		return false;
	task->stop_signal = signum ? (int)signum : SIGTERM;
	task->stop_timeout_s = (int)timeout;
	if (part)
		task->health = health_config_from_json(part, error);
	return !part || task->health;
}

static bool parse_flags(Json *json, MonitorTask *task, GError **error)
{
	return js_get_bool(json, "autoRemove", &task->auto_remove, error) &&
	       js_get_bool(json, "hold", &task->hold, error) &&
	       js_get_bool(json, "cgroup", &task->cgroup, error) &&
	       js_get_bool(json, "openStdin", &task->open_stdin, error) &&
	       js_get_bool(json, "endsWithStarter", &task->ends_with_starter, error) &&
	       js_get_bool(json, "detached", &task->detached, error) &&
	       js_get_bool(json, "keepPreserved", &task->keep_preserved, error) &&
	       js_get_bool(json, "systemd", &task->systemd, error) &&
	       js_get_bool(json, "attachStdin", &task->attach_stdin, error) &&
	       js_get_bool(json, "attachStdout", &task->attach_stdout, error) &&
	       js_get_bool(json, "attachStderr", &task->attach_stderr, error);
}

/* The container's config and its network, each with a parser of its own. */
static bool parse_parts(Json *json, MonitorTask *task, GError **error)
{
	Json *config = NULL;
	Json *network = NULL;
	if (!js_get_object(json, "config", &config, error) ||
	    !js_get_object(json, "network", &network, error))
		return false;
	if (!config || !network)
		return error_set(error, ENGINE_ERROR_INVALID, "the request has no %s",
				 config ? "network" : "config");
	task->config = oci_config_read(config, error);
	if (!task->config)
		return false;
	task->network = network_request_from_json(network, error);
	return task->network != NULL;
}

MonitorTask *monitor_task_parse(const char *text, size_t size, GError **error)
{
	g_autoptr(MonitorTask) task = g_new0(MonitorTask, 1);
	g_autoptr(Json) json = js_parse(text, size, "monitor request", error);
	const char *level = "warn";
	int64_t timeout = 0, notify = 0;
	if (!json)
		return NULL;
	if (!js_dup_string(json, "id", &task->id, error) ||
	    !js_dup_string(json, "name", &task->name, error) ||
	    !js_get_strv(json, "cleanup", &task->cleanup_argv, error) ||
	    !js_dup_string(json, "libexec", &task->libexec, error) ||
	    !js_dup_string(json, "preserve", &task->preserve, error) ||
	    !js_dup_string(json, "manager", &task->manager, error) ||
	    !js_get_string(json, "logLevel", &level, error) ||
	    !js_get_int(json, "timeout", 0, G_MAXINT32, &timeout, error) ||
	    !js_get_int(json, "notify", 0, MONITOR_NOTIFY_HEALTHY, &notify, error) ||
	    !parse_flags(json, task, error) || !parse_log(json, task, error) ||
	    !parse_restart(json, task, error) || !parse_health(json, task, error) ||
	    !parse_parts(json, task, error))
		return NULL;
	if (task->preserve && strlen(task->preserve) > LAUNCH_PRESERVE_MAX)
		return error_set_null(error, ENGINE_ERROR_INVALID, "preserve: too many");
	if (task->manager && *task->manager != '/' &&
	    strcmp(task->manager, MONITOR_MANAGER_SYSTEM) != 0)
		return error_set_null(error, ENGINE_ERROR_INVALID, "manager: unknown");
	if (!task->id)
		return error_set_null(error, ENGINE_ERROR_INVALID, "the request has no id");
	if (!log_level_parse(level, &task->log_level))
		return error_set_null(error, ENGINE_ERROR_INVALID, "logLevel: unknown");
	task->timeout_s = (int)timeout;
	task->notify = (MonitorNotify)notify;
	return g_steal_pointer(&task);
}

void monitor_task_free(MonitorTask *task)
{
	if (!task)
		return;
	g_free(task->id);
	g_free(task->name);
	oci_config_free(task->config);
	network_request_free(task->network);
	g_free(task->log_path);
	health_config_free(task->health);
	g_free(task->log_tag);
	g_strfreev(task->log_labels);
	g_strfreev(task->cleanup_argv);
	g_free(task->libexec);
	g_free(task->preserve);
	g_free(task->manager);
	g_free(task);
}
