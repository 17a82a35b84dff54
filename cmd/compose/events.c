/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compose events: what happens to the containers of a project.
 */
#include <string.h>
#include <time.h>

#include "cmd/compose/compose_engine.h"
#include "cmd/compose/compose_labels.h"
#include "cmd/compose/compose_verbs.h"
#include "cmd/compose/project_options.h"
#include "cmd/output.h"
#include "cmd/system/event_print.h"
#include "libpod/base/error.h"
#include "libpod/base/units.h"
#include "libpod/events.h"

typedef struct {
	bool json;
	const char *since, *until;
} EventsOptions;

static const Option options[] = {
	{0, "json", OPTION_FLAG, option_set_flag, NULL, "One JSON object for each",
	 offsetof(EventsOptions, json), OPTION_COMMON},
	{0, "since", OPTION_VALUE, option_set_string, "TIME", "Events after this time",
	 offsetof(EventsOptions, since), OPTION_COMMON},
	{0, "until", OPTION_VALUE, option_set_string, "TIME", "Events before this time, then end",
	 offsetof(EventsOptions, until), OPTION_COMMON},
	{0},
};

static const OptionGroup group = {NULL, options};

static const char *label(const Event *event, const char *name)
{
	return event->attributes ? g_hash_table_lookup(event->attributes, name) : NULL;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* What the event says besides our own labels, in the order of the names. */
static GPtrArray *list_attributes(const Event *event)
{
	GPtrArray *names = g_ptr_array_new();
	GHashTableIter iter;
	void *name = NULL;
	if (!event->attributes)
		return names;
	g_hash_table_iter_init(&iter, event->attributes);
	while (g_hash_table_iter_next(&iter, &name, NULL))
		if (!g_str_has_prefix(name, LABEL_PREFIX))
			g_ptr_array_add(names, name);
	g_ptr_array_sort(names, compare_names);
	return names;
}

static void print_json(const Event *event)
{
	g_autoptr(GPtrArray) names = list_attributes(event);
	g_autofree char *time = units_format_rfc3339(event->time, true);
	g_autoptr(Json) json = json_object_new_object();
	Json *attributes = json_object_new_object();
	js_set_string(json, "time", time);
	js_set_string(json, "type", event_type_name(event->type));
	js_set_string(json, "service", label(event, LABEL_SERVICE));
	js_set_string(json, "id", event->id);
	js_set_string(json, "action", event_docker_action(event));
	js_set_string(attributes, "image", event->image ? event->image : "");
	js_set_string(attributes, "name", event->name);
	for (guint i = 0; i < names->len; i++)
		js_set_string(attributes, names->pdata[i], label(event, names->pdata[i]));
	js_set_take(json, "attributes", attributes);
	output_text(js_text(json));
}

/* "2026-01-31 12:00:00.123456 container start ID (image=I, name=N)" */
static void print_line(const Event *event)
{
	g_autoptr(GPtrArray) names = list_attributes(event);
	g_autoptr(GString) line = g_string_new(NULL);
	struct tm tm;
	time_t seconds = event->time / 1000000000;
	char date[64];
	localtime_r(&seconds, &tm);
	strftime(date, sizeof date, "%Y-%m-%d %H:%M:%S", &tm);
	g_string_printf(line, "%s.%06d %s %s %s (image=%s, name=%s", date,
			(int)(event->time % 1000000000 / 1000), event_type_name(event->type),
			event_docker_action(event), event->id, event->image ? event->image : "",
			event->name);
	for (guint i = 0; i < names->len; i++)
		g_string_append_printf(line, ", %s=%s", (char *)names->pdata[i],
				       label(event, names->pdata[i]));
	g_string_append_c(line, ')');
	output_text(line->str);
}

/* Is it one of the project's containers, of the services that are meant? */
static bool is_meant(const Event *event, const char *project, const char *const *services)
{
	const char *service = label(event, LABEL_SERVICE);
	return event->type == EVENT_CONTAINER && event->id && event->name && service &&
	       g_strcmp0(label(event, LABEL_PROJECT), project) == 0 &&
	       (!services[0] || g_strv_contains(services, service));
}

/* Print what is there, and wait for more until @until. */
static bool follow(EventReader *reader, const EventsOptions *opts, const char *project,
		   const char *const *services, int64_t since, int64_t until, GError **error)
{
	Event event;
	for (;;) {
		while (event_reader_next(reader, &event)) {
			if (event.time < since || event.time > until ||
			    !is_meant(&event, project, services))
				continue;
			if (opts->json)
				print_json(&event);
			else
				print_line(&event);
		}
		int64_t left = (until - units_now()) / 1000000;
		if (!output_flush())
			return error_set_errno(error, "write /dev/stdout");
		if (left <= 0)
			return true;
		event_reader_wait(reader, (int)MIN(left + 1, G_MAXINT32));
	}
}

static int cmd_events(Invocation *inv)
{
	EventsOptions opts = {0};
	g_auto(ProjectOptions) given = {0};
	g_autoptr(GError) error = NULL;
	g_autofree char *name = NULL;
	int64_t since = 0, until = INT64_MAX, now = units_now();
	if (!command_parse(inv, (void *[]){&opts, &given}))
		return inv->status;
	g_autofree const char **services = command_args(inv, 0);
	g_autoptr(Engine) engine = NULL;
	if ((!opts.since || units_parse_time(opts.since, now, &since, &error)) &&
	    (!opts.until || units_parse_time(opts.until, now, &until, &error)) &&
	    project_options_name(&given, &name, NULL, &error))
		engine = compose_engine(inv, true, &error);
	if (!engine)
		return command_fail(error);
	g_autoptr(EventReader) reader = event_reader_new(engine, !opts.since && !opts.until);
	return follow(reader, &opts, name, services, since, until, &error) ? 0
									   : command_fail(error);
}

const Command compose_events_command = {
	.paths = (const char *const[]){"compose events", NULL},
	.usage = "[options] [SERVICE...]",
	.summary = "Show what happens to the containers",
	.description = "Prints events of the project's containers as they come; with --since or "
		       "--until also those that are past.",
	.examples = (const char *const[]){"skiff compose events --json",
					  "skiff compose events --since 10m --until 0s web", NULL},
	.max_args = -1,
	.groups = (const OptionGroup *const[]){&group, &project_option_group, NULL},
	.run = cmd_events,
};
