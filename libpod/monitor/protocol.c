/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The wire format: packing, unpacking and checking messages. Used on both sides.
 */
#include "libpod/monitor/protocol.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/runtime/launch.h"

bool message_send_fds(int socket, MessageType type, Json *json, const int *fds, size_t n_fds)
{
	const char *text = js_text(json);
	size_t size = strlen(text);
	if (size > MESSAGE_JSON_MAX) {
		errno = EMSGSIZE;
		return false;
	}
	g_autofree char *message = g_malloc(size + 1);
	message[0] = (char)type;
	memcpy(message + 1, text, size);
	return fd_send(socket, message, size + 1, fds, n_fds);
}

bool message_send(int socket, MessageType type, Json *json)
{
	return message_send_fds(socket, type, json, NULL, 0);
}

/* A message that is valid UTF-8 and fits: errors may quote what an image or a user said. */
static char *sanitize_error_text(const char *text)
{
	char *valid = g_utf8_make_valid(text, -1);
	if (strlen(valid) > MESSAGE_JSON_MAX / 8)
		valid[MESSAGE_JSON_MAX / 8] = '\0';
	if (g_utf8_validate(valid, -1, NULL))
		return valid;
	/* The cut went through a character. */
	char *again = g_utf8_make_valid(valid, -1);
	g_free(valid);
	return again;
}

bool message_send_error(int socket, const GError *error)
{
	int code = error->domain == ENGINE_ERROR ? error->code : ENGINE_ERROR_SYSTEM;
	g_autofree char *text = sanitize_error_text(error->message);
	g_autoptr(Json) json = json_object_new_object();
	js_set_int(json, "code", code);
	js_set_string(json, "message", text);
	return message_send(socket, MESSAGE_ERROR, json);
}

ssize_t message_receive(int socket, MessageType *out_type, char *buffer, size_t size, int *out_fds,
			size_t max_fds, size_t *out_n_fds)
{
	size_t n_fds = 0;
	ssize_t n = fd_receive(socket, buffer, size, out_fds, max_fds, &n_fds);
	/* A peer that closes with something unread resets us once; what it sent before is still
	 * there. */
	if (n < 0 && errno == ECONNRESET)
		n = fd_receive(socket, buffer, size, out_fds, max_fds, &n_fds);
	if (n < 0)
		return -1;
	if (out_n_fds)
		*out_n_fds = n_fds;
	*out_type = 0;
	if (n == 0)
		return 0;
	*out_type = (unsigned char)buffer[0];
	memmove(buffer, buffer + 1, (size_t)n - 1);
	buffer[n - 1] = '\0';
	return n - 1;
}

Json *message_parse(const char *text, size_t size, GError **error)
{
	g_autoptr(Json) json = js_parse(text, size, "message", error);
	if (!json)
		return NULL;
	if (!json_object_is_type(json, json_type_object))
		return error_set_null(error, ENGINE_ERROR_INVALID, "message: expected an object");
	return g_steal_pointer(&json);
}

bool message_to_error(const char *text, size_t size, GError **error)
{
	g_autoptr(Json) json = message_parse(text, size, error);
	int64_t code = ENGINE_ERROR_SYSTEM;
	const char *message = "the monitor failed without a reason";
	if (!json)
		return false;
	if (!js_get_int(json, "code", 0, ENGINE_ERROR_COMMAND_NOT_EXECUTABLE, &code, error) ||
	    !js_get_string(json, "message", &message, error))
		return false;
	return error_set(error, (ErrorCode)code, "%s", message);
}

bool message_exit_code(const char *text, size_t size, int *out_code, GError **error)
{
	g_autoptr(Json) json = message_parse(text, size, error);
	int64_t code = -1;
	if (!json || !js_get_int(json, "code", 0, 255, &code, error))
		return false;
	if (code < 0)
		return error_set(error, ENGINE_ERROR_CORRUPT, "the monitor sent no exit code");
	*out_code = (int)code;
	return true;
}

/* The name of a request. */
static bool parse_op(const char *name, ControlOp *out_op, GError **error)
{
	static const char *const names[] = {
		[CONTROL_SIGNAL] = "signal",         [CONTROL_RESIZE] = "resize",
		[CONTROL_STOPPED] = "stopped",       [CONTROL_EXEC] = "exec",
		[CONTROL_HEALTH] = "health",         [CONTROL_PAUSE] = "pause",
		[CONTROL_UNPAUSE] = "unpause",       [CONTROL_UPDATE] = "update",
		[CONTROL_BEGIN] = "begin",           [CONTROL_CONNECT] = "connect",
		[CONTROL_DISCONNECT] = "disconnect", [CONTROL_RELOAD] = "reload",
		[CONTROL_SERVERS] = "servers",
	};
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		if (strcmp(name, names[i]) == 0) {
			*out_op = (ControlOp)i;
			return true;
		}
	}
	return error_set(error, ENGINE_ERROR_INVALID, "op: unknown request '%.32s'", name);
}

void control_request_clear(ControlRequest *request)
{
	resources_clear(&request->resources);
	g_clear_pointer(&request->health, health_config_free);
	g_clear_pointer(&request->attachment, attachment_free);
	g_clear_pointer(&request->set_env, g_strfreev);
	g_clear_pointer(&request->unset_env, g_strfreev);
}

/* Variables of an update. */
static bool parse_env(Json *json, ControlRequest *request, GError **error)
{
	if (!js_get_strv(json, "setEnv", &request->set_env, error) ||
	    !js_get_strv(json, "unsetEnv", &request->unset_env, error))
		return false;
	for (char **item = request->set_env; item && *item; item++)
		if (**item == '=' || !strchr(*item, '='))
			return error_set(error, ENGINE_ERROR_INVALID,
					 "setEnv: expected NAME=VALUE");
	for (char **name = request->unset_env; name && *name; name++)
		if (**name == '\0' || strchr(*name, '='))
			return error_set(error, ENGINE_ERROR_INVALID, "unsetEnv: expected names");
	return true;
}

/* The network that a connect or disconnect speaks of. */
static bool parse_attachment(Json *json, ControlRequest *request, GError **error)
{
	bool wanted = request->op == CONTROL_CONNECT || request->op == CONTROL_DISCONNECT ||
		      request->op == CONTROL_SERVERS;
	Json *network = NULL;
	if (!js_get_object(json, "network", &network, error))
		return false;
	if (wanted && !network)
		return error_set(error, ENGINE_ERROR_INVALID, "network: missing");
	if (wanted)
		request->attachment = attachment_from_json(network, error);
	return !wanted || request->attachment;
}

/* What an update brings. */
static bool parse_update(Json *json, ControlRequest *request, GError **error)
{
	Json *resources = NULL, *health = NULL;
	const char *restart = "";
	int64_t retries = 0;
	if (!js_get_object(json, "resources", &resources, error) ||
	    !js_get_string(json, "restart", &restart, error) ||
	    !js_get_bool(json, "healthGiven", &request->health_given, error) ||
	    !js_get_object(json, "health", &health, error) ||
	    !js_get_int(json, "restartRetries", 0, G_MAXINT32, &retries, error))
		return false;
	if (g_strlcpy(request->restart, restart, sizeof request->restart) >=
	    sizeof request->restart)
		return error_set(error, ENGINE_ERROR_INVALID, "restart: too long");
	request->restart_retries = (int)retries;
	if (health) {
		request->health = health_config_from_json(health, error);
		if (!request->health)
			return false;
	}
	return parse_env(json, request, error) &&
	       resources_from_json(resources, &request->resources, error);
}

bool control_request_parse(const char *text, size_t size, ControlRequest *out_request,
			   GError **error)
{
	g_autoptr(Json) json = message_parse(text, size, error);
	const char *op = "";
	const char *session = "";
	int64_t signum = 0, rows = 0, columns = 0;
	g_auto(ControlRequest) request = {0};
	if (!json)
		return false;
	if (!js_get_string(json, "op", &op, error) || !parse_op(op, &request.op, error) ||
	    !js_get_int(json, "signum", 0, NSIG - 1, &signum, error) ||
	    !js_get_bool(json, "all", &request.all, error) ||
	    !js_get_bool(json, "removing", &request.removing, error) ||
	    !js_get_string(json, "session", &session, error) ||
	    !js_get_int(json, "rows", 0, G_MAXUINT16, &rows, error) ||
	    !js_get_int(json, "columns", 0, G_MAXUINT16, &columns, error) ||
	    !parse_update(json, &request, error) || !parse_attachment(json, &request, error))
		return false;
	if (g_strlcpy(request.session, session, sizeof request.session) >= sizeof request.session)
		return error_set(error, ENGINE_ERROR_INVALID, "session: too long");
	request.signum = (int)signum;
	request.rows = (uint16_t)rows;
	request.columns = (uint16_t)columns;
	*out_request = request;
	request = (ControlRequest){0};
	return true;
}

/* The flags that say which of stdin, stdout and stderr travel with an exec request. */
static bool parse_stdio(Json *json, bool stdio[3], GError **error)
{
	Json *flags = NULL;
	if (!js_get_array(json, "stdio", &flags, error))
		return false;
	if (!flags)
		return true;
	if (json_object_array_length(flags) != 3)
		return error_set(error, ENGINE_ERROR_INVALID, "stdio: expected three flags");
	for (size_t i = 0; i < 3; i++) {
		Json *flag = json_object_array_get_idx(flags, i);
		if (!flag || !json_object_is_type(flag, json_type_boolean))
			return error_set(error, ENGINE_ERROR_INVALID,
					 "stdio[%zu]: expected true or false", i);
		stdio[i] = json_object_get_boolean(flag);
	}
	return true;
}

bool exec_order_parse(const char *text, size_t size, ExecOrder *out_order, GError **error)
{
	g_autoptr(Json) json = message_parse(text, size, error);
	g_auto(ExecOrder) order = {0};
	int64_t rows = 0, columns = 0;
	if (!json)
		return false;
	if (!js_get_strv(json, "args", &order.args, error) ||
	    !js_get_strv(json, "env", &order.env, error) ||
	    !js_dup_string(json, "cwd", &order.cwd, error) ||
	    !js_dup_string(json, "user", &order.user_spec, error) ||
	    !js_dup_string(json, "preserve", &order.preserve, error) ||
	    !js_get_bool(json, "privileged", &order.privileged, error) ||
	    !js_get_bool(json, "terminal", &order.terminal, error) ||
	    !js_get_bool(json, "detached", &order.detached, error) ||
	    !js_get_int(json, "rows", 0, G_MAXUINT16, &rows, error) ||
	    !js_get_int(json, "columns", 0, G_MAXUINT16, &columns, error) ||
	    !parse_stdio(json, order.stdio, error))
		return false;
	if (!order.args || !order.args[0])
		return error_set(error, ENGINE_ERROR_INVALID, "args: nothing to run");
	if (order.preserve && strlen(order.preserve) > LAUNCH_PRESERVE_MAX)
		return error_set(error, ENGINE_ERROR_INVALID, "preserve: too many");
	if (!order.env)
		order.env = g_new0(char *, 1);
	order.rows = (uint16_t)rows;
	order.columns = (uint16_t)columns;
	*out_order = order;
	order = (ExecOrder){0};
	return true;
}

void exec_order_clear(ExecOrder *order)
{
	g_clear_pointer(&order->args, g_strfreev);
	g_clear_pointer(&order->env, g_strfreev);
	g_clear_pointer(&order->cwd, g_free);
	g_clear_pointer(&order->user_spec, g_free);
	g_clear_pointer(&order->preserve, g_free);
}
