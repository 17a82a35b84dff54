/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A command's side of ctl.sock.
 */
#include "libpod/monitor/control.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/monitor/protocol.h"
#include "libpod/runtime/launch.h"

#define CONTROL_SOCKET "ctl.sock"

static int connect_monitor(int run_dir_fd, GError **error)
{
	int fd = fd_socket_connect(run_dir_fd, CONTROL_SOCKET, SOCK_SEQPACKET);
	if (fd >= 0)
		return fd;
	if (errno == ENOENT || errno == ECONNREFUSED)
		error_set(error, ENGINE_ERROR_BAD_STATE, "the container is not running");
	else
		error_set_errno(error, "cannot reach the container's monitor");
	return -1;
}

/* The answer to a request. Return: its JSON with type STARTED or DONE, NULL with the error it
 * brought. */
static Json *read_answer(int fd, int *out_fds, size_t max_fds, size_t *out_n_fds, GError **error)
{
	g_autofree char *buffer = g_malloc(MESSAGE_SIZE_MAX);
	MessageType type;
	ssize_t n =
		message_receive(fd, &type, buffer, MESSAGE_SIZE_MAX, out_fds, max_fds, out_n_fds);
	if (n < 0)
		return error_set_errno_null(error, "cannot hear from the container's monitor");
	if (type == MESSAGE_ERROR) {
		message_to_error(buffer, (size_t)n, error);
		return NULL;
	}
	if (type != MESSAGE_STARTED && type != MESSAGE_DONE)
		return error_set_null(error, ENGINE_ERROR_BAD_STATE,
				      "the container ended before its monitor answered");
	return message_parse(buffer, (size_t)n, error);
}

static bool set_send_error(GError **error)
{
	if (errno == EPIPE || errno == ECONNRESET)
		return error_set(error, ENGINE_ERROR_BAD_STATE, "the container is not running");
	return error_set_errno(error, "cannot ask the container's monitor");
}

/* One request, one answer. Return: NULL with the error it brought. */
static Json *ask_json(int run_dir_fd, Json *request, GError **error)
{
	autofd fd = connect_monitor(run_dir_fd, error);
	if (fd < 0)
		return NULL;
	if (message_send(fd, MESSAGE_REQUEST, request))
		return read_answer(fd, NULL, 0, NULL, error);
	(void)set_send_error(error);
	return NULL;
}

static bool ask(int run_dir_fd, Json *request, GError **error)
{
	g_autoptr(Json) answer = ask_json(run_dir_fd, request, error);
	return answer != NULL;
}

bool control_health(int run_dir_fd, char **out_result, GError **error)
{
	g_autoptr(Json) request = json_object_new_object();
	js_set_string(request, "op", "health");
	g_autoptr(Json) answer = ask_json(run_dir_fd, request, error);
	char *result = NULL;
	if (!answer || !js_dup_string(answer, "result", &result, error))
		return false;
	if (!result)
		return error_set(error, ENGINE_ERROR_CORRUPT, "the monitor sent no result");
	*out_result = result;
	return true;
}

bool control_signal(int run_dir_fd, int signum, bool all, GError **error)
{
	g_autoptr(Json) request = json_object_new_object();
	js_set_string(request, "op", "signal");
	js_set_int(request, "signum", signum);
	js_set_bool(request, "all", all);
	return ask(run_dir_fd, request, error);
}

bool control_resize(int run_dir_fd, const char *session, uint16_t rows, uint16_t columns,
		    GError **error)
{
	g_autoptr(Json) request = json_object_new_object();
	js_set_string(request, "op", "resize");
	js_set_string(request, "session", session);
	js_set_int(request, "rows", rows);
	js_set_int(request, "columns", columns);
	return ask(run_dir_fd, request, error);
}

bool control_stopped_by_user(int run_dir_fd, bool removing, GError **error)
{
	g_autoptr(Json) request = json_object_new_object();
	js_set_string(request, "op", "stopped");
	js_set_bool(request, "removing", removing);
	return ask(run_dir_fd, request, error);
}

bool control_begin(int run_dir_fd, GError **error)
{
	g_autoptr(Json) request = json_object_new_object();
	js_set_string(request, "op", "begin");
	return ask(run_dir_fd, request, error);
}

bool control_pause(int run_dir_fd, bool pause, GError **error)
{
	g_autoptr(Json) request = json_object_new_object();
	js_set_string(request, "op", pause ? "pause" : "unpause");
	return ask(run_dir_fd, request, error);
}

bool control_update(int run_dir_fd, const ControlUpdate *update, GError **error)
{
	g_autoptr(Json) request = json_object_new_object();
	js_set_string(request, "op", "update");
	Json *limits = resources_to_json(update->resources, false);
	if (limits)
		js_set_take(request, "resources", limits);
	js_set_string(request, "restart", update->restart);
	js_set_int(request, "restartRetries", update->restart_retries);
	js_set_bool(request, "healthGiven", update->health_given);
	if (update->health)
		js_set_take(request, "health", health_config_to_json(update->health));
	if (update->set_env && *update->set_env)
		js_set_take(request, "setEnv", js_from_strv((const char *const *)update->set_env));
	if (update->unset_env && *update->unset_env)
		js_set_take(request, "unsetEnv",
			    js_from_strv((const char *const *)update->unset_env));
	if (strlen(js_text(request)) > MESSAGE_JSON_MAX)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "more than %d bytes cannot change in a running container at once",
				 MESSAGE_JSON_MAX);
	return ask(run_dir_fd, request, error);
}

static bool ask_network(int run_dir_fd, const char *op, const NetworkAttachment *attachment,
			GError **error)
{
	g_autoptr(Json) request = json_object_new_object();
	js_set_string(request, "op", op);
	if (attachment)
		js_set_take(request, "network", attachment_to_json(attachment));
	return ask(run_dir_fd, request, error);
}

bool control_connect(int run_dir_fd, const NetworkAttachment *attachment, GError **error)
{
	return ask_network(run_dir_fd, "connect", attachment, error);
}

bool control_disconnect(int run_dir_fd, const NetworkAttachment *attachment, GError **error)
{
	return ask_network(run_dir_fd, "disconnect", attachment, error);
}

bool control_servers(int run_dir_fd, const NetworkAttachment *attachment, GError **error)
{
	return ask_network(run_dir_fd, "servers", attachment, error);
}

bool control_reload(int run_dir_fd, GError **error)
{
	return ask_network(run_dir_fd, "reload", NULL, error);
}

/* The order as JSON in a memfd: a command line may be longer than a message. Return: descriptor or
 * -1. */
static int seal_order(const ExecRequest *request, GError **error)
{
	g_autoptr(Json) json = json_object_new_object();
	js_set_take(json, "args", js_from_strv(request->args));
	js_set_take(json, "env", js_from_strv(request->env));
	js_set_string(json, "cwd", request->cwd);
	js_set_string(json, "user", request->user_spec);
	js_set_bool(json, "privileged", request->privileged);
	js_set_bool(json, "terminal", request->terminal);
	js_set_bool(json, "detached", request->detached);
	js_set_int(json, "rows", request->rows);
	js_set_int(json, "columns", request->columns);
	Json *flags = json_object_new_array();
	for (size_t i = 0; i < 3; i++) {
		bool given = !request->terminal && !request->detached && request->stdio[i] >= 0;
		json_object_array_add(flags, json_object_new_boolean(given));
	}
	js_set_take(json, "stdio", flags);
	js_set_string(json, "preserve", request->preserve);
	const char *text = js_text(json);
	int fd = fd_memfd("exec-request", text, strlen(text));
	if (fd < 0)
		error_set_errno(error, "cannot make the exec request");
	return fd;
}

static bool send_exec(int fd, const ExecRequest *request, GError **error)
{
	autofd order = seal_order(request, error);
	if (order < 0)
		return false;
	int fds[4 + LAUNCH_PRESERVE_MAX] = {order};
	size_t n_fds = 1;
	for (size_t i = 0; i < 3 && !request->terminal && !request->detached; i++) {
		if (request->stdio[i] >= 0)
			fds[n_fds++] = request->stdio[i];
	}
	for (size_t i = 0; request->preserve && request->preserve[i]; i++)
		if (request->preserve[i] == '1')
			fds[n_fds++] = (int)i + 3;
	g_autoptr(Json) json = json_object_new_object();
	js_set_string(json, "op", "exec");
	return message_send_fds(fd, MESSAGE_REQUEST, json, fds, n_fds) || set_send_error(error);
}

bool control_exec(int run_dir_fd, const ExecRequest *request, char **out_session_id,
		  int *out_socket, int *out_pty, GError **error)
{
	autofd fd = connect_monitor(run_dir_fd, error);
	if (fd < 0 || !send_exec(fd, request, error))
		return false;
	autofd pty = -1;
	size_t n_fds = 0;
	char *session = NULL;
	g_autoptr(Json) answer = read_answer(fd, &pty, 1, &n_fds, error);
	if (!answer || !js_dup_string(answer, "session", &session, error))
		return false;
	if (n_fds == 0)
		pty = -1;
	*out_session_id = session;
	*out_socket = fd_steal(&fd);
	*out_pty = fd_steal(&pty);
	return true;
}
