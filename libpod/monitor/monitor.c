/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The starting command's side of a monitor.
 */
#include "libpod/monitor/monitor.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/units.h"
#include "libpod/monitor/monitor_task.h"
#include "libpod/monitor/protocol.h"
#include "libpod/runtime/launch.h"

#define MONITOR_PROGRAM "skiff-monitor"

struct Monitor {
	pid_t pid;
	int control_fd;
};

static const char *const restart_names[] = {
	[RESTART_NO] = "no",
	[RESTART_ON_FAILURE] = "on-failure",
	[RESTART_ALWAYS] = "always",
	[RESTART_UNLESS_STOPPED] = "unless-stopped",
};

static const char *const log_driver_names[] = {
	[LOG_DRIVER_K8S_FILE] = "k8s-file",       [LOG_DRIVER_JSON_FILE] = "json-file",
	[LOG_DRIVER_JOURNALD] = "journald",       [LOG_DRIVER_NONE] = "none",
	[LOG_DRIVER_PASSTHROUGH] = "passthrough",
};

/* What the monitor needs, sealed so that nobody can change it on the way. Return: memfd or -1. */
static int seal_request(const MonitorRequest *request, const char *program, GError **error)
{
	g_autofree char *libexec = g_path_get_dirname(program);
	g_autoptr(Json) json = monitor_task_to_json(request, libexec);
	const char *text = js_text(json);
	size_t size = strlen(text);
	if (size > MONITOR_REQUEST_MAX) {
		error_set(error, ENGINE_ERROR_INVALID,
			  "the container's configuration is too large");
		return -1;
	}
	int fd = fd_memfd("monitor-request", text, size);
	if (fd < 0)
		error_set_errno(error, "cannot make the monitor's request");
	return fd;
}

static pid_t start_program(const Spawn *spawn, MonitorSpawner spawner, void *data, GError **error)
{
	return spawner ? spawner(spawn, data, error) : spawn_start(spawn, NULL, error);
}

Monitor *monitor_spawn(const MonitorRequest *request, const int *fds, MonitorSpawner spawner,
		       void *data, GError **error)
{
	log_step(8, "monitor_spawn");
	g_autofree char *program = spawn_find_own(MONITOR_PROGRAM, error);
	if (!program)
		return NULL;
	autofd memfd = seal_request(request, program, error);
	if (memfd < 0)
		return NULL;
	int pair[2];
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return error_set_errno_null(error, "cannot make a socket pair");
	autofd ours = pair[0];
	autofd theirs = pair[1];

	int all[MONITOR_FD_COUNT - MONITOR_FD_REQUEST + LAUNCH_PRESERVE_MAX + 1] = {memfd, theirs};
	size_t n_all = MONITOR_FD_COUNT - MONITOR_FD_REQUEST;
	for (size_t i = 0; i < request->n_preserve_fds; i++)
		if (request->preserve_fds[i] >= 0)
			all[n_all++] = request->preserve_fds[i];
	if (request->notify)
		all[n_all++] = request->notify_fd;
	memcpy(all + (MONITOR_FD_STORE - MONITOR_FD_REQUEST), fds,
	       (MONITOR_FD_COUNT - MONITOR_FD_STORE) * sizeof *fds);
	const char *const argv[] = {MONITOR_PROGRAM, request->id, NULL};
	bool passthrough = request->log_driver == LOG_DRIVER_PASSTHROUGH;
	Spawn spawn = {
		.argv = argv,
		.program = program,
		.stdin_fd = passthrough ? SPAWN_INHERIT : 0,
		.stdout_fd = passthrough ? SPAWN_INHERIT : 0,
		.stderr_fd = SPAWN_INHERIT, /* for traces; the monitor lets go of it */
		.fds = all,
		.n_fds = n_all,
		.new_session = true,
		.keep_groups = request->keep_groups,
	};
	pid_t pid = start_program(&spawn, spawner, data, error);
	if (pid < 0)
		return NULL;
	Monitor *monitor = g_new0(Monitor, 1);
	monitor->pid = pid;
	monitor->control_fd = fd_steal(&ours);
	return monitor;
}

pid_t monitor_pid(const Monitor *monitor)
{
	return monitor->pid;
}

bool monitor_give_cgroup(Monitor *monitor, int base_fd, const char *name, const char *leaf,
			 const char *const *without, GError **error)
{
	g_autoptr(Json) json = json_object_new_object();
	js_set_string(json, "name", name);
	js_set_string(json, "leaf", leaf);
	if (without)
		js_set_take(json, "without", js_from_strv(without));
	/* One that has died already says why when it is asked. */
	if (message_send_fds(monitor->control_fd, MESSAGE_CGROUP, json, &base_fd, base_fd >= 0) ||
	    errno == EPIPE || errno == ECONNRESET)
		return true;
	return error_set_errno(error, "cannot tell the monitor its cgroup");
}

static bool read_started(const char *text, size_t size, pid_t *out_pid, GError **error)
{
	g_autoptr(Json) json = message_parse(text, size, error);
	int64_t pid = 0;
	if (!json || !js_get_int(json, "pid", 1, G_MAXINT32, &pid, error))
		return false;
	if (out_pid)
		*out_pid = (pid_t)pid;
	return true;
}

bool monitor_wait_started(Monitor *monitor, pid_t *out_pid, GError **error)
{
	g_autofree char *buffer = g_malloc(MESSAGE_SIZE_MAX);
	MessageType type;
	ssize_t n = message_receive(monitor->control_fd, &type, buffer, MESSAGE_SIZE_MAX, NULL, 0,
				    NULL);
	if (n < 0)
		return error_set_errno(error, "cannot hear from the monitor");
	if (type == MESSAGE_STARTED)
		return read_started(buffer, (size_t)n, out_pid, error);
	if (type == MESSAGE_ERROR)
		return message_to_error(buffer, (size_t)n, error);
	return error_set(error, ENGINE_ERROR_CORRUPT,
			 "the monitor ended before the container was started");
}

int monitor_control_fd(const Monitor *monitor)
{
	return monitor->control_fd;
}

void monitor_free(Monitor *monitor)
{
	if (!monitor)
		return;
	fd_close(&monitor->control_fd);
	/* A monitor that failed at once is our zombie; one that lives on becomes init's child. */
	while (waitpid(monitor->pid, NULL, WNOHANG) < 0 && errno == EINTR)
		;
	g_free(monitor);
}

/* The N of "on-failure:N". */
static bool parse_retries(const char *text, int *out_retries, GError **error)
{
	uint64_t retries;
	if (!units_parse_uint(text, G_MAXINT32, &retries, NULL))
		return error_set(
			error, ENGINE_ERROR_INVALID,
			"parsing restart policy retry count: strconv.Atoi: parsing \"%s\": "
			"invalid syntax",
			text);
	*out_retries = (int)retries;
	return true;
}

bool restart_parse(const char *text, RestartKind *out_kind, int *out_retries, GError **error)
{
	const char *colon = strchr(text, ':');
	size_t size = colon ? (size_t)(colon - text) : strlen(text);
	if (strcmp(text, "never") == 0)
		text = "no", size = 2;
	for (size_t i = 0; i < G_N_ELEMENTS(restart_names); i++) {
		if (strlen(restart_names[i]) != size || strncmp(text, restart_names[i], size) != 0)
			continue;
		int retries = 0;
		if (colon && i != RESTART_ON_FAILURE)
			return error_set(error, ENGINE_ERROR_INVALID,
					 "restart policy retries can only be specified with "
					 "on-failure restart policy");
		if (colon && !parse_retries(colon + 1, &retries, error))
			return false;
		*out_kind = (RestartKind)i;
		*out_retries = retries;
		return true;
	}
	error_set(error, ENGINE_ERROR_INVALID,
		  "\"%s\" is not a valid restart policy: invalid argument", text);
	error_add_help(error, "use no, on-failure[:N], always or unless-stopped");
	return false;
}

const char *restart_name(RestartKind kind)
{
	return restart_names[kind];
}

bool log_driver_parse(const char *text, LogDriver *out_driver, GError **error)
{
	for (size_t i = 0; i < G_N_ELEMENTS(log_driver_names); i++) {
		if (strcmp(text, log_driver_names[i]) == 0) {
			*out_driver = (LogDriver)i;
			return true;
		}
	}
	error_set(error, ENGINE_ERROR_INVALID, "invalid log driver \"%s\"", text);
	error_add_help(error, "use k8s-file, json-file, none or passthrough");
	return false;
}

const char *log_driver_name(LogDriver driver)
{
	return log_driver_names[driver];
}
