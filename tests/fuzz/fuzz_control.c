/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What comes over the monitor's sockets, on both sides. The first byte chooses who reads it: a
 * message (the type follows), a monitor's request, or the detach keys (a sequence, NUL, what is
 * typed).
 */
#include <glib.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>

#include "libpod/attach_priv.h"
#include "libpod/monitor/monitor_task.h"
#include "libpod/monitor/protocol.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_message(const char *text, size_t size)
{
	g_auto(ControlRequest) request = {0};
	int code = -1;
	g_autoptr(GError) error = NULL;
	g_auto(ExecOrder) order = {0};
	if (control_request_parse(text, size, &request, NULL)) {
		g_assert_cmpint(request.signum, >=, 0);
		g_assert_cmpint(request.signum, <, NSIG);
		g_assert_nonnull(memchr(request.session, 0, sizeof request.session));
	}
	if (exec_order_parse(text, size, &order, NULL)) {
		g_assert_nonnull(order.args[0]);
		g_assert_nonnull(order.env);
	}
	if (message_exit_code(text, size, &code, NULL))
		g_assert_true(code >= 0 && code <= 255);
	g_assert_false(message_to_error(text, size, &error));
	g_assert_nonnull(error);
}

static void read_task(const char *text, size_t size)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(MonitorTask) task = monitor_task_parse(text, size, &error);
	g_assert_true((task == NULL) == (error != NULL));
	if (!task)
		return;
	g_assert_nonnull(task->id);
	g_assert_cmpint(task->log_max_size, >, 0);
	g_assert_cmpint(task->log_max_files, >=, 0);
}

/* No key is lost: what was passed on, the sequence if it is complete, and what is held back are the
 * input. */
static void read_keys(const char *text, size_t size)
{
	const char *typed = memchr(text, 0, size);
	DetachKeys keys;
	if (!typed || !detach_keys_parse(text, &keys, NULL))
		return;
	typed++;
	size -= (size_t)(typed - text);
	g_autofree char *out = g_malloc(size + DETACH_KEYS_MAX + 1);
	size_t used = 0;
	size_t at = 0;
	bool complete = false;
	/* Pieces of one byte, then of two, and so on. */
	for (size_t piece = 1; at < size && !complete; at += piece, piece++) {
		size_t n = 0;
		g_autofree char *part = g_malloc(MIN(piece, size - at) + DETACH_KEYS_MAX);
		complete = detach_keys_scan(&keys, typed + at, MIN(piece, size - at), part, &n);
		g_assert_cmpuint(used + n, <=, size);
		memcpy(out + used, part, n);
		used += n;
	}
	g_assert_cmpmem(out, used, typed, used);
	if (complete)
		g_assert_cmpint(memcmp(typed + used, keys.keys, keys.count), ==, 0);
	else
		g_assert_cmpmem(keys.keys, keys.matched, typed + used, size - used);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	g_autofree char *text = g_strndup("", 0);
	text = g_realloc(text, size);
	memcpy(text, data + 1, size - 1);
	text[size - 1] = '\0';
	switch (data[0]) {
	case 'T':
		read_task(text, size - 1);
		break;
	case 'K':
		read_keys(text, size - 1);
		break;
	default:
		read_message(text, size - 1);
		break;
	}
	return 0;
}
