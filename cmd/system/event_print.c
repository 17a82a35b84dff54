/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/system/event_print.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cmd/output.h"
#include "libpod/base/json.h"
#include "libpod/base/units.h"

#define SECOND INT64_C(1000000000)

typedef struct {
	const Event *event;
	bool no_trunc;
} Row;

#define EVENT (((const Row *)row)->event)

/* What the event says under @key besides labels, or NULL. */
static const char *attribute(const Event *event, const char *key)
{
	return event->attributes ? g_hash_table_lookup(event->attributes, key) : NULL;
}

/* Docker has the status in the action itself. */
static const char *health_action(const Event *event)
{
	static const char *const actions[] = {"health_status: starting", "health_status: healthy",
					      "health_status: unhealthy"};
	const char *status = attribute(event, "health_status");
	for (size_t i = 0; status && i < G_N_ELEMENTS(actions); i++)
		if (g_str_has_suffix(actions[i], status) &&
		    strlen(actions[i]) == strlen(status) + strlen("health_status: "))
			return actions[i];
	return event->status;
}

const char *event_docker_action(const Event *event)
{
	static const struct {
		EventType type;
		const char *status, *action;
	} words[] = {
		{EVENT_CONTAINER, "died", "die"},        {EVENT_CONTAINER, "remove", "destroy"},
		{EVENT_CONTAINER, "exec", "exec_start"}, {EVENT_CONTAINER, "exec_died", "exec_die"},
		{EVENT_IMAGE, "remove", "delete"},       {EVENT_IMAGE, "loadfromarchive", "load"},
		{EVENT_VOLUME, "remove", "destroy"},     {EVENT_NETWORK, "remove", "destroy"},
	};
	if (event->type == EVENT_CONTAINER && strcmp(event->status, "health_status") == 0)
		return health_action(event);
	for (size_t i = 0; i < G_N_ELEMENTS(words); i++)
		if (words[i].type == event->type && strcmp(words[i].status, event->status) == 0)
			return words[i].action;
	return event->status;
}

/* Of a network: did a container come or go? */
static bool is_connection(const Event *event)
{
	return event->type == EVENT_NETWORK && strstr(event->status, "connect");
}

static char *id_of(const Event *event, bool no_trunc)
{
	return g_strndup(event->id ? event->id : "", no_trunc ? 64 : 12);
}

/* Go's time.Time as text: "2026-01-31 12:00:00.123456789 +0100 CET", zeros at the end left out. */
static char *go_time(int64_t ns)
{
	struct tm tm;
	time_t seconds = ns / SECOND;
	char date[64], zone[64], fraction[16];
	localtime_r(&seconds, &tm);
	strftime(date, sizeof date, "%Y-%m-%d %H:%M:%S", &tm);
	strftime(zone, sizeof zone, "%z %Z", &tm);
	snprintf(fraction, sizeof fraction, ".%09d", (int)(ns % SECOND));
	size_t n = strlen(fraction);
	while (n > 0 && (fraction[n - 1] == '0' || fraction[n - 1] == '.'))
		n--;
	fraction[n] = '\0';
	return g_strconcat(date, fraction, " ", zone, NULL);
}

static gint compare_keys(gconstpointer a, gconstpointer b)
{
	return strcmp(a, b);
}

/* "(image=I, name=N, label=value)" */
static void append_details(GString *line, const Event *event)
{
	g_string_append_printf(line, " (image=%s, name=%s", event->image ? event->image : "",
			       event->name ? event->name : "");
	GList *keys = event->attributes
			      ? g_list_sort(g_hash_table_get_keys(event->attributes), compare_keys)
			      : NULL;
	for (GList *at = keys; at; at = at->next)
		g_string_append_printf(
			line, ", %s=%s", (const char *)at->data,
			(const char *)g_hash_table_lookup(event->attributes, at->data));
	g_list_free(keys);
	g_string_append_c(line, ')');
}

/* Networks come and go by themselves, or with the container whose id it is. */
static void append_network(GString *line, const Event *event, const char *id)
{
	const char *name = event->name ? event->name : "";
	if (is_connection(event))
		g_string_append_printf(line, " (container=%s, name=%s)", id, name);
	else
		g_string_append_printf(line, " (name=%s, type=bridge)", name);
}

/* podman's line of an event. */
static void print_line(const Event *event, bool no_trunc)
{
	g_autofree char *time = go_time(event->time);
	g_autofree char *id = id_of(event, no_trunc);
	g_autoptr(GString) line = g_string_new(NULL);
	g_string_printf(line, "%s %s %s", time, event_type_name(event->type), event->status);
	if (event->id)
		g_string_append_printf(line, " %s", id);
	if (event->type == EVENT_CONTAINER)
		append_details(line, event);
	else if (event->type == EVENT_NETWORK)
		append_network(line, event, id);
	else if (event->name)
		g_string_append_printf(line, " %s", event->name);
	output_text(line->str);
}

/* Docker's Actor: who it happened to, with names and labels in one table. */
static Json *actor(const Event *event)
{
	Json *attributes = js_from_string_map(event->attributes);
	g_autofree char *code = g_strdup_printf("%d", event->exit_code);
	js_set_string(attributes, "image", event->image);
	js_set_string(attributes, "name", event->name);
	if (event->has_exit_code)
		js_set_string(attributes, "exitCode", code);
	/* Docker's actor is the network, whoever is connected. */
	if (is_connection(event))
		js_set_string(attributes, "container", event->id);
	if (event->type == EVENT_NETWORK)
		js_set_string(attributes, "type", "bridge");
	bool by_name = !event->id || is_connection(event);
	Json *json = json_object_new_object();
	js_set_string(json, "ID", by_name ? event->name : event->id);
	js_set_take(json, "Attributes", attributes);
	return json;
}

/* podman's fields and docker's; those that differ in case only come in docker's spelling last. */
static Json *to_json(const void *row)
{
	const Event *event = EVENT;
	Json *json = json_object_new_object();
	g_autofree char *id = id_of(event, ((const Row *)row)->no_trunc);
	if (event->has_exit_code)
		js_set_int(json, "ContainerExitCode", event->exit_code);
	if (strcmp(event->status, "health_status") == 0)
		js_set_string(json, "HealthStatus", attribute(event, "health_status"));
	js_set_string(json, "ID", event->id ? id : NULL);
	js_set_string(json, "Image", event->image);
	js_set_string(json, event->type == EVENT_NETWORK ? "Network" : "Name", event->name);
	js_set_string(json, "Status", event->status);
	js_set_string(json, "Type", event_type_name(event->type));
	if (event->attributes)
		js_set_take(json, "Attributes", js_from_string_map(event->attributes));
	js_set_string(json, "Action", event_docker_action(event));
	js_set_take(json, "Actor", actor(event));
	js_set_string(json, "status", event_docker_action(event));
	js_set_string(json, "id", event->id ? id : NULL);
	js_set_string(json, "from", event->image);
	js_set_string(json, "scope", "local");
	js_set_int(json, "time", event->time / SECOND);
	js_set_int(json, "timeNano", event->time);
	return json;
}

static TemplateValue get_id(const void *row, TemplateHeap *heap)
{
	return template_string(
		template_heap_take(heap, id_of(EVENT, ((const Row *)row)->no_trunc)));
}

static TemplateValue get_image(const void *row, TemplateHeap *heap)
{
	return template_string(EVENT->image ? EVENT->image : "");
}

static TemplateValue get_name(const void *row, TemplateHeap *heap)
{
	return template_string(EVENT->name ? EVENT->name : "");
}

static TemplateValue get_network(const void *row, TemplateHeap *heap)
{
	return template_string(EVENT->type == EVENT_NETWORK ? EVENT->name : "");
}

static TemplateValue get_status(const void *row, TemplateHeap *heap)
{
	return template_string(EVENT->status);
}

static TemplateValue get_type(const void *row, TemplateHeap *heap)
{
	return template_string(event_type_name(EVENT->type));
}

static TemplateValue get_time(const void *row, TemplateHeap *heap)
{
	return template_int(EVENT->time / SECOND);
}

static TemplateValue get_time_nano(const void *row, TemplateHeap *heap)
{
	return template_int(EVENT->time);
}

static TemplateValue get_exit_code(const void *row, TemplateHeap *heap)
{
	return EVENT->has_exit_code ? template_int(EVENT->exit_code) : template_nil();
}

static TemplateValue get_health_status(const void *row, TemplateHeap *heap)
{
	const char *status = attribute(EVENT, "health_status");
	return template_string(status ? status : "");
}

static TemplateValue get_attributes(const void *row, TemplateHeap *heap)
{
	Json *json = template_heap_json(heap, js_from_string_map(EVENT->attributes));
	return template_from_json(json, NULL, heap);
}

/* podman's events know of a container's pod and of failures in words; ours do not. */
static TemplateValue get_empty(const void *row, TemplateHeap *heap)
{
	return template_string("");
}

static const OutputField fields[] = {
	{"ID", NULL, get_id},
	{"Image", NULL, get_image},
	{"Name", NULL, get_name},
	{"Network", NULL, get_network},
	{"Status", NULL, get_status},
	{"Type", NULL, get_type},
	{"Time", NULL, get_time},
	{"TimeNano", NULL, get_time_nano},
	{"ContainerExitCode", NULL, get_exit_code},
	{"HealthStatus", NULL, get_health_status},
	{"Attributes", NULL, get_attributes},
	{"Error", NULL, get_empty},
	{"PodID", NULL, get_empty},
	{0},
};

static const OutputTable table = {
	.verb = "events",
	.type_name = "*events.Event",
	.fields = fields,
	.columns = "{{.ID}}",
	.to_json = to_json,
};

bool event_print(const Event *event, const char *format, bool no_trunc, GError **error)
{
	Row row = {.event = event, .no_trunc = no_trunc};
	void *rows[] = {&row};
	if (!format) {
		print_line(event, no_trunc);
		return true;
	}
	const OutputOptions options = {.format = output_is_json(format) ? "jsonl" : format,
				       .no_heading = true};
	return output_list(&table, &options, rows, 1, error);
}
