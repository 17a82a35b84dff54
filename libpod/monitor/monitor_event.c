/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events of what the monitor does on its own: nobody else is there to write them. Name, image and
 * labels are read from the record each time, so that none of it is held here and a new name counts.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "libpod/base/fd.h"
#include "libpod/base/units.h"
#include "libpod/monitor/event_file.h"
#include "libpod/monitor/monitor_priv.h"

#define STATE_MAX (1024 * 1024)

/* Who it happens to, from the record. */
static Json *describe(MonitorLoop *loop, const char *status)
{
	Json *json = json_object_new_object();
	g_autoptr(Json) state = js_load(MONITOR_FD_STATE, "state.json", STATE_MAX, NULL);
	const char *name = loop->task->name;
	const char *image = NULL;
	Json *labels = NULL;
	if (state) {
		(void)js_get_string(state, "name", &name, NULL);
		(void)js_get_string(state, "image", &image, NULL);
		(void)js_get_object(state, "labels", &labels, NULL);
	}
	js_set_int(json, "t", units_now());
	js_set_string(json, "type", "container");
	js_set_string(json, "status", status);
	js_set_string(json, "id", loop->task->id);
	js_set_string(json, "name", name);
	js_set_string(json, "image", image);
	js_set_take(json, "attributes",
		    labels ? json_object_get(labels) : json_object_new_object());
	return json;
}

/* Append it where the commands' events are. */
static void append(Json *json, const char *status)
{
	autofd run = openat(MONITOR_FD_RUN, "../..", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (run < 0 || !event_file_append(run, json))
		log_info("the event '%s' was not recorded: %s", status, strerror(errno));
}

void monitor_event(MonitorLoop *loop, const char *status)
{
	g_autoptr(Json) json = describe(loop, status);
	append(json, status);
}

void monitor_event_died(MonitorLoop *loop)
{
	g_autoptr(Json) json = describe(loop, "died");
	js_set_int(json, "exit", loop->exit_code);
	append(json, "died");
}

void monitor_event_health(MonitorLoop *loop, const char *output)
{
	const HealthState *state = &loop->health.state;
	g_autoptr(Json) json = describe(loop, "health_status");
	g_autofree char *streak = g_strdup_printf("%d", state->streak);
	Json *attributes = NULL;
	json_object_object_get_ex(json, "attributes", &attributes);
	/* The labels are the record's: a copy of it is changed, which dies with us. */
	js_set_string(attributes, "health_status", health_status_name(state->status));
	js_set_string(attributes, "health_failing_streak", streak);
	if (output)
		js_set_string(attributes, "health_log", output);
	append(json, "health_status");
}
