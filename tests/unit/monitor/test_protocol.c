/* SPDX-License-Identifier: Apache-2.0 */
#include "libpod/monitor/protocol.h"

#include <errno.h>
#include <glib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"

typedef struct {
	int a, b;
} Pair;

static void pair_set_up(Pair *pair, gconstpointer data)
{
	int fds[2];
	g_assert_cmpint(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), ==, 0);
	pair->a = fds[0];
	pair->b = fds[1];
}

static void pair_tear_down(Pair *pair, gconstpointer data)
{
	fd_close(&pair->a);
	fd_close(&pair->b);
}

static void round_trip(Pair *pair, gconstpointer data)
{
	char buffer[256];
	MessageType type;
	int code = -1;
	g_autoptr(Json) json = json_object_new_object();
	js_set_int(json, "code", 42);
	g_assert_true(message_send(pair->a, MESSAGE_EXIT, json));
	ssize_t n = message_receive(pair->b, &type, buffer, sizeof buffer, NULL, 0, NULL);
	g_assert_cmpint(type, ==, MESSAGE_EXIT);
	g_assert_cmpint(n, ==, (ssize_t)strlen("{\"code\":42}"));
	g_assert_true(message_exit_code(buffer, (size_t)n, &code, NULL));
	g_assert_cmpint(code, ==, 42);
}

static void end_of_socket(Pair *pair, gconstpointer data)
{
	char buffer[16];
	MessageType type = MESSAGE_EXIT;
	fd_close(&pair->a);
	g_assert_cmpint(message_receive(pair->b, &type, buffer, sizeof buffer, NULL, 0, NULL), ==,
			0);
	g_assert_cmpint(type, ==, 0);
}

/* A peer that closes with something unread must not cost us what it sent before. */
static void reset_keeps_messages(Pair *pair, gconstpointer data)
{
	char buffer[64];
	MessageType type;
	g_autoptr(Json) json = json_object_new_object();
	js_set_int(json, "code", 3);
	g_assert_cmpint(send(pair->b, "0typed", 6, 0), ==, 6);
	g_assert_true(message_send(pair->a, MESSAGE_EXIT, json));
	fd_close(&pair->a);
	g_assert_cmpint(message_receive(pair->b, &type, buffer, sizeof buffer, NULL, 0, NULL), >,
			0);
	g_assert_cmpint(type, ==, MESSAGE_EXIT);
}

static void too_large_is_refused(Pair *pair, gconstpointer data)
{
	char buffer[8];
	MessageType type;
	g_assert_cmpint(send(pair->a, "1 more than eight", 17, 0), ==, 17);
	g_assert_cmpint(message_receive(pair->b, &type, buffer, sizeof buffer, NULL, 0, NULL), ==,
			-1);
	g_assert_cmpint(errno, ==, EMSGSIZE);
	g_autofree char *text = g_strnfill(MESSAGE_JSON_MAX, 'x');
	g_autoptr(Json) json = json_object_new_object();
	js_set_string(json, "text", text);
	g_assert_false(message_send(pair->a, MESSAGE_REQUEST, json));
	g_assert_cmpint(errno, ==, EMSGSIZE);
}

static void errors_travel(Pair *pair, gconstpointer data)
{
	g_autofree char *buffer = g_malloc(MESSAGE_SIZE_MAX);
	MessageType type;
	g_autoptr(GError) error = NULL;
	g_autoptr(GError) received = NULL;
	error_set(&error, ENGINE_ERROR_COMMAND_NOT_FOUND, "no '%s' here", "\x1b[1m\xff");
	error_add_help(&error, "install it");
	g_assert_true(message_send_error(pair->a, error));
	ssize_t n = message_receive(pair->b, &type, buffer, MESSAGE_SIZE_MAX, NULL, 0, NULL);
	g_assert_cmpint(type, ==, MESSAGE_ERROR);
	g_assert_false(message_to_error(buffer, (size_t)n, &received));
	g_assert_error(received, ENGINE_ERROR, ENGINE_ERROR_COMMAND_NOT_FOUND);
	g_assert_cmpstr(received->message, ==, "no '\x1b[1m\xef\xbf\xbd' here\nhelp: install it");
}

static void long_errors_are_cut(Pair *pair, gconstpointer data)
{
	g_autofree char *buffer = g_malloc(MESSAGE_SIZE_MAX);
	g_autofree char *text = g_strnfill(1 << 20, '\x01');
	g_autoptr(GError) error = g_error_new_literal(ENGINE_ERROR, ENGINE_ERROR_INVALID, text);
	g_autoptr(GError) received = NULL;
	MessageType type;
	g_assert_true(message_send_error(pair->a, error));
	ssize_t n = message_receive(pair->b, &type, buffer, MESSAGE_SIZE_MAX, NULL, 0, NULL);
	g_assert_false(message_to_error(buffer, (size_t)n, &received));
	g_assert_error(received, ENGINE_ERROR, ENGINE_ERROR_INVALID);
	g_assert_cmpuint(strlen(received->message), >, 1000);
}

static void descriptors_travel(Pair *pair, gconstpointer data)
{
	char buffer[64];
	int fds[2] = {-1, -1};
	size_t n_fds = 0;
	MessageType type;
	g_autoptr(Json) json = json_object_new_object();
	g_assert_true(message_send_fds(pair->a, MESSAGE_STARTED, json, (const int[]){0, 1}, 2));
	g_assert_cmpint(message_receive(pair->b, &type, buffer, sizeof buffer, fds, 2, &n_fds), ==,
			2);
	g_assert_cmpuint(n_fds, ==, 2);
	fd_close(&fds[0]);
	fd_close(&fds[1]);
}

static void requests_good(void)
{
	const char *text = "{\"op\":\"signal\",\"signum\":15,\"all\":true}";
	ControlRequest request;
	g_assert_true(control_request_parse(text, strlen(text), &request, NULL));
	g_assert_cmpint(request.op, ==, CONTROL_SIGNAL);
	g_assert_cmpint(request.signum, ==, 15);
	g_assert_true(request.all);
	g_assert_cmpstr(request.session, ==, "");
	text = "{\"op\":\"resize\",\"session\":\"abc\",\"rows\":24,\"columns\":65535}";
	g_assert_true(control_request_parse(text, strlen(text), &request, NULL));
	g_assert_cmpint(request.op, ==, CONTROL_RESIZE);
	g_assert_cmpint(request.columns, ==, 65535);
	g_assert_cmpstr(request.session, ==, "abc");
	text = "{\"op\":\"pause\"}";
	g_assert_true(control_request_parse(text, strlen(text), &request, NULL));
	g_assert_cmpint(request.op, ==, CONTROL_PAUSE);
	text = "{\"op\":\"update\",\"resources\":{\"memory\":{\"limit\":7}},"
	       "\"restart\":\"on-failure\",\"restartRetries\":3}";
	g_assert_true(control_request_parse(text, strlen(text), &request, NULL));
	g_assert_cmpint(request.op, ==, CONTROL_UPDATE);
	g_assert_cmpint(request.resources.memory, ==, 7);
	g_assert_cmpstr(request.restart, ==, "on-failure");
	g_assert_cmpint(request.restart_retries, ==, 3);
	control_request_clear(&request);
	g_assert_false(request.health_given);
	text = "{\"op\":\"update\",\"healthGiven\":true,\"health\":{\"regular\":"
	       "{\"test\":[\"CMD\",\"true\"],\"interval\":0,\"timeout\":5}}}";
	g_assert_true(control_request_parse(text, strlen(text), &request, NULL));
	g_assert_true(request.health_given);
	g_assert_cmpstr(request.health->regular.test[1], ==, "true");
	g_assert_cmpint(request.health->regular.timeout, ==, 5);
	control_request_clear(&request);
	text = "{\"op\":\"update\",\"setEnv\":[\"A=b=c\",\"D=\"],\"unsetEnv\":[\"E\"]}";
	g_assert_true(control_request_parse(text, strlen(text), &request, NULL));
	g_assert_cmpstr(request.set_env[1], ==, "D=");
	g_assert_cmpstr(request.unset_env[0], ==, "E");
	control_request_clear(&request);
}

static void requests_bad(void)
{
	static const char *const texts[] = {
		"",
		"[]",
		"{}",
		"{\"op\":\"reboot\"}",
		"{\"op\":1}",
		"{\"op\":\"signal\",\"signum\":65}",
		"{\"op\":\"signal\",\"signum\":-1}",
		"{\"op\":\"signal\",\"signum\":1e3}",
		"{\"op\":\"resize\",\"rows\":65536}",
		"{\"op\":\"signal\",\"signum\":9} x",
		"{\"op\":\"update\",\"resources\":{\"memory\":{\"limit\":\"7\"}}}",
		"{\"op\":\"update\",\"resources\":{\"unified\":{\"../x.y\":\"7\"}}}",
		"{\"op\":\"update\",\"restart\":\"a-policy-that-nobody-has\"}",
		"{\"op\":\"update\",\"restartRetries\":-1}",
		"{\"op\":\"update\",\"setEnv\":[\"A\"]}",
		"{\"op\":\"update\",\"setEnv\":[\"=x\"]}",
		"{\"op\":\"update\",\"unsetEnv\":[\"A=b\"]}",
		"{\"op\":\"update\",\"unsetEnv\":\"A\"}",
		"{\"op\":\"update\",\"healthGiven\":true,\"health\":{\"regular\":{}}}",
		"{\"op\":\"update\",\"healthGiven\":true,\"health\":{\"regular\":"
		"{\"test\":[\"CMD\"],\"timeout\":0}}}",
		("{\"op\":\"resize\",\"session\":"
		 "\"0123456789012345678901234567890123456789012345678901234567890123456789\"}"),
	};
	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
		ControlRequest request;
		g_autoptr(GError) error = NULL;
		g_assert_false(control_request_parse(texts[i], strlen(texts[i]), &request, &error));
		g_assert_error(error, ENGINE_ERROR, ENGINE_ERROR_INVALID);
	}
}

static void orders(void)
{
	const char *good =
		"{\"args\":[\"sh\",\"-c\",\"x\"],\"user\":\"1:2\",\"stdio\":[false,true,true]}";
	g_auto(ExecOrder) order = {0};
	g_assert_true(exec_order_parse(good, strlen(good), &order, NULL));
	g_assert_cmpstr(order.args[2], ==, "x");
	g_assert_nonnull(order.env);
	g_assert_null(order.env[0]);
	g_assert_cmpstr(order.user_spec, ==, "1:2");
	g_assert_false(order.stdio[0]);
	g_assert_true(order.stdio[2]);

	static const char *const bad[] = {
		"{}",
		"{\"args\":[]}",
		"{\"args\":\"sh\"}",
		"{\"args\":[1]}",
		"{\"args\":[\"sh\"],\"stdio\":[true]}",
		"{\"args\":[\"sh\"],\"stdio\":[1,2,3]}",
		"{\"args\":[\"a\\u0000b\"]}",
	};
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
		g_auto(ExecOrder) none = {0};
		g_autoptr(GError) error = NULL;
		g_assert_false(exec_order_parse(bad[i], strlen(bad[i]), &none, &error));
		g_assert_error(error, ENGINE_ERROR, ENGINE_ERROR_INVALID);
	}
}

static void exit_codes(void)
{
	static const char *const bad[] = {
		"{}", "{\"code\":256}", "{\"code\":-1}", "{\"code\":\"1\"}", "1", "{"};
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
		int code = 77;
		g_assert_false(message_exit_code(bad[i], strlen(bad[i]), &code, NULL));
		g_assert_cmpint(code, ==, 77);
	}
}

#define ADD_PAIR(name, function) g_test_add(name, Pair, NULL, pair_set_up, function, pair_tear_down)

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	ADD_PAIR("/monitor/protocol/round-trip", round_trip);
	ADD_PAIR("/monitor/protocol/end-of-socket", end_of_socket);
	ADD_PAIR("/monitor/protocol/reset-keeps-messages", reset_keeps_messages);
	ADD_PAIR("/monitor/protocol/too-large-is-refused", too_large_is_refused);
	ADD_PAIR("/monitor/protocol/errors-travel", errors_travel);
	ADD_PAIR("/monitor/protocol/long-errors-are-cut", long_errors_are_cut);
	ADD_PAIR("/monitor/protocol/descriptors-travel", descriptors_travel);
	g_test_add_func("/monitor/protocol/requests-good", requests_good);
	g_test_add_func("/monitor/protocol/requests-bad", requests_bad);
	g_test_add_func("/monitor/protocol/orders", orders);
	g_test_add_func("/monitor/protocol/exit-codes", exit_codes);
	return g_test_run();
}
