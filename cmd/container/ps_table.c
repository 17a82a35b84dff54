/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/container/ps_table.h"

#include <string.h>
#include <unistd.h>

#include "cmd/labels.h"
#include "libpod/base/units.h"
#include "network/portmap.h"

#define NEVER       INT64_C(-62135596800) /* Go's zero time, as podman prints it */
#define COMMAND_MAX 17

#define SUMMARY (((const PsRow *)row)->summary)

static int64_t seconds_or_never(int64_t ns)
{
	return ns == 0 ? NEVER : ns / 1000000000;
}

static const char *text_or_empty(const char *text)
{
	return text ? text : "";
}

/* A whole id, or its first 12 digits. */
static TemplateValue short_id(const PsRow *row, const char *id, TemplateHeap *heap)
{
	if (!id || row->no_trunc)
		return template_string(id);
	return template_string(template_heap_take(heap, g_strndup(id, 12)));
}

static TemplateValue get_id(const void *row, TemplateHeap *heap)
{
	return short_id(row, SUMMARY->id, heap);
}

static TemplateValue get_image(const void *row, TemplateHeap *heap)
{
	return template_string(SUMMARY->image_name);
}

static TemplateValue get_image_id(const void *row, TemplateHeap *heap)
{
	return short_id(row, SUMMARY->image_id, heap);
}

/* The words with spaces between, on one line. */
static TemplateValue get_command(const void *row, TemplateHeap *heap)
{
	char *joined = SUMMARY->command ? g_strjoinv(" ", SUMMARY->command) : g_strdup("");
	g_strdelimit(joined, "\n\t\r", ' ');
	if (!((const PsRow *)row)->no_trunc && g_utf8_validate(joined, -1, NULL) &&
	    g_utf8_strlen(joined, -1) > COMMAND_MAX) {
		g_autofree char *whole = joined;
		g_autofree char *start = g_utf8_substring(whole, 0, COMMAND_MAX);
		joined = g_strconcat(start, "...", NULL);
	}
	return template_string(template_heap_take(heap, joined));
}

static TemplateValue get_created(const void *row, TemplateHeap *heap)
{
	return template_time(
		template_heap_take(heap, units_format_rfc3339(SUMMARY->created, false)));
}

static char *ago(int64_t from, int64_t now)
{
	return units_format_ago(MAX(0, now - from) / 1000000000);
}

static TemplateValue get_created_human(const void *row, TemplateHeap *heap)
{
	g_autofree char *text = ago(SUMMARY->created, ((const PsRow *)row)->now);
	return template_string(template_heap_take(heap, g_strconcat(text, " ago", NULL)));
}

/* podman's words; a code nobody saw is "unknown". g_free() it. */
static char *state_text(const PsRow *row)
{
	const ContainerSummary *s = row->summary;
	if (container_shown_state(s) == CONTAINER_RUNNING) {
		g_autofree char *text = ago(s->started, row->now);
		return g_strconcat("Up ", text, NULL);
	}
	if (s->state == CONTAINER_EXITED) {
		g_autofree char *text = ago(s->finished, row->now);
		g_autofree char *code =
			s->exit_known ? g_strdup_printf("%d", s->exit_code) : g_strdup("unknown");
		return g_strdup_printf("Exited (%s) %s ago", code, text);
	}
	char *name = g_strdup(container_state_name(container_shown_state(s)));
	name[0] = g_ascii_toupper(name[0]);
	return name;
}

/* With the health of one that has a probe: "Up 3 seconds (healthy)". g_free() it. */
static char *status_text(const PsRow *row)
{
	g_autofree char *state = state_text(row);
	const char *health = row->summary->health;
	return health ? g_strdup_printf("%s (%s)", state, health) : g_steal_pointer(&state);
}

static TemplateValue get_status(const void *row, TemplateHeap *heap)
{
	return template_string(template_heap_take(heap, status_text(row)));
}

static TemplateValue get_state(const void *row, TemplateHeap *heap)
{
	return template_string(container_state_name(container_shown_state(SUMMARY)));
}

static TemplateValue get_ports(const void *row, TemplateHeap *heap)
{
	const GPtrArray *ports = ((const PsRow *)row)->ports;
	if (!ports || ports->len == 0)
		return template_string("");
	return template_string(template_heap_take(heap, portmap_format(ports)));
}

static TemplateValue get_names(const void *row, TemplateHeap *heap)
{
	return template_string(SUMMARY->name);
}

static TemplateValue get_labels(const void *row, TemplateHeap *heap)
{
	return template_string(template_heap_take(heap, labels_format(SUMMARY->labels)));
}

static TemplateValue get_mounts(const void *row, TemplateHeap *heap)
{
	return template_from_strv((const char *const *)SUMMARY->mounts, heap);
}

static TemplateValue get_networks(const void *row, TemplateHeap *heap)
{
	g_autofree const char **labels = container_network_labels(SUMMARY);
	return template_string(template_heap_take(heap, g_strjoinv(",", (char **)labels)));
}

static TemplateValue get_pid(const void *row, TemplateHeap *heap)
{
	return template_int(SUMMARY->pid);
}

static TemplateValue get_exited(const void *row, TemplateHeap *heap)
{
	return template_bool(SUMMARY->state == CONTAINER_EXITED);
}

static TemplateValue get_exit_code(const void *row, TemplateHeap *heap)
{
	return template_int(SUMMARY->exit_code);
}

static TemplateValue get_exited_at(const void *row, TemplateHeap *heap)
{
	return template_int(seconds_or_never(SUMMARY->finished));
}

static TemplateValue get_started_at(const void *row, TemplateHeap *heap)
{
	return template_int(seconds_or_never(SUMMARY->started));
}

static TemplateValue get_restarts(const void *row, TemplateHeap *heap)
{
	return template_int(SUMMARY->restart_count);
}

static TemplateValue get_auto_remove(const void *row, TemplateHeap *heap)
{
	return template_bool(SUMMARY->auto_remove);
}

/* go-units' HumanSizeWithPrecision(3). g_free() it. */
static char *three_digits(int64_t bytes)
{
	g_autofree char *spaced = units_format_size((uint64_t)MAX(bytes, 0));
	g_auto(GStrv) parts = g_strsplit(spaced, " ", -1);
	return g_strjoinv("", parts);
}

static TemplateValue get_size(const void *row, TemplateHeap *heap)
{
	const PsRow *r = row;
	if (!r->has_size)
		return template_string("");
	g_autofree char *own = three_digits(r->rw_size);
	g_autofree char *all = three_digits(r->rootfs_size);
	return template_string(
		template_heap_take(heap, g_strdup_printf("%s (virtual %s)", own, all)));
}

/* The file in /proc/PID/ns, the field of templates, podman's key in JSON. */
static const struct {
	const char *file, *key;
} namespace_rows[PS_NAMESPACES] = {
	{"cgroup", "Cgroup"},      {"ipc", "Ipc"}, {"mnt", "Mnt"}, {"net", "Net"}, {"pid", "Pidns"},
	{"user", "UserNamespace"}, {"uts", "Uts"},
};

void ps_row_free(void *pointer)
{
	PsRow *row = pointer;
	for (size_t i = 0; i < PS_NAMESPACES; i++)
		g_free(row->namespaces[i]);
	g_free(row);
}

void ps_row_read_namespaces(PsRow *row)
{
	row->wants_namespaces = true;
	for (size_t i = 0; row->summary->pid > 0 && i < PS_NAMESPACES; i++) {
		char target[64];
		g_autofree char *path = g_strdup_printf("/proc/%d/ns/%s", row->summary->pid,
							namespace_rows[i].file);
		ssize_t n = readlink(path, target, sizeof target - 1);
		const char *open = n > 0 ? memchr(target, '[', (size_t)n) : NULL;
		if (open)
			row->namespaces[i] = g_strndup(open + 1, (gsize)(target + n - open - 2));
	}
}

static TemplateValue namespace_value(const void *row, size_t i)
{
	return template_string(text_or_empty(((const PsRow *)row)->namespaces[i]));
}

#define NAMESPACE_GETTER(name, i)                                                                  \
	static TemplateValue get_##name##_ns(const void *row, TemplateHeap *heap)                  \
	{                                                                                          \
		return namespace_value(row, i);                                                    \
	}

NAMESPACE_GETTER(cgroup, 0)
NAMESPACE_GETTER(ipc, 1)
NAMESPACE_GETTER(mnt, 2)
NAMESPACE_GETTER(net, 3)
NAMESPACE_GETTER(pid, 4)
NAMESPACE_GETTER(user, 5)
NAMESPACE_GETTER(uts, 6)

static const TemplateSchema namespaces_schema = {.type_name = "entities.ListContainerNamespaces"};

/* In the order of podman's struct. */
static TemplateValue get_namespaces(const void *row, TemplateHeap *heap)
{
	static const struct {
		const char *field;
		size_t i;
	} order[] = {{"MNT", 2},   {"Cgroup", 0}, {"IPC", 1}, {"NET", 3},
		     {"PIDNS", 4}, {"UTS", 6},    {"User", 5}};
	Json *json = template_heap_json(heap, json_object_new_object());
	for (size_t i = 0; i < G_N_ELEMENTS(order); i++)
		js_set_string(json, order[i].field,
			      text_or_empty(((const PsRow *)row)->namespaces[order[i].i]));
	return template_from_json(json, &namespaces_schema, heap);
}

char *ps_table_columns(bool size, bool namespaces, bool pod)
{
	const char *columns = ps_table.columns;
	if (namespaces)
		columns =
			"{{.ID}}\t{{.Names}}\t{{.Pid}}\t{{.CGROUPNS}}\t{{.IPC}}\t{{.MNT}}\t{{.NET}}"
			"\t"
			"{{.PIDNS}}\t{{.USERNS}}\t{{.UTS}}";
	return g_strconcat(columns, pod ? "\t{{.Pod}}\t{{.PodName}}" : "",
			   size ? "\t{{.Size}}" : "", NULL);
}

static TemplateValue get_pod(const void *row, TemplateHeap *heap)
{
	return short_id(row, text_or_empty(SUMMARY->pod), heap);
}

static TemplateValue get_pod_name(const void *row, TemplateHeap *heap)
{
	return template_string(text_or_empty(SUMMARY->pod_name));
}

static TemplateValue get_is_infra(const void *row, TemplateHeap *heap)
{
	return template_bool(SUMMARY->infra);
}

static const OutputField fields[] = {
	{"AutoRemove", NULL, get_auto_remove},
	{"CGROUPNS", "CGROUPNS", get_cgroup_ns},
	{"Command", NULL, get_command},
	{"Created", NULL, get_created},
	{"CreatedAt", NULL, get_created},
	{"CreatedHuman", "CREATED", get_created_human},
	{"ExitCode", NULL, get_exit_code},
	{"Exited", NULL, get_exited},
	{"ExitedAt", NULL, get_exited_at},
	{"ID", "CONTAINER ID", get_id},
	{"IPC", "IPC", get_ipc_ns},
	{"Image", NULL, get_image},
	{"ImageID", "IMAGE ID", get_image_id},
	{"IsInfra", NULL, get_is_infra},
	{"Labels", NULL, get_labels},
	{"MNT", "MNT", get_mnt_ns},
	{"Mounts", NULL, get_mounts},
	{"NET", "NET", get_net_ns},
	{"Names", NULL, get_names},
	{"Namespaces", NULL, get_namespaces},
	{"Networks", NULL, get_networks},
	{"PIDNS", "PIDNS", get_pid_ns},
	{"Pid", NULL, get_pid},
	{"Pod", "POD ID", get_pod},
	{"PodName", "PODNAME", get_pod_name},
	{"Ports", NULL, get_ports},
	{"Restarts", NULL, get_restarts},
	{"RunningFor", "RUNNING FOR", get_created_human},
	{"Size", NULL, get_size},
	{"StartedAt", NULL, get_started_at},
	{"State", NULL, get_state},
	{"Status", NULL, get_status},
	{"USERNS", "USERNS", get_user_ns},
	{"UTS", "UTS", get_uts_ns},
	{0},
};

static Json *namespaces_json(const PsRow *row)
{
	Json *json = json_object_new_object();
	for (size_t i = 0; row->wants_namespaces && i < PS_NAMESPACES; i++)
		if (row->namespaces[i])
			js_set_string(json, namespace_rows[i].key, row->namespaces[i]);
	return json;
}

/* null unless it was asked for. */
static Json *size_json(const PsRow *row)
{
	if (!row->has_size)
		return NULL;
	Json *json = json_object_new_object();
	js_set_int(json, "rootFsSize", row->rootfs_size);
	js_set_int(json, "rwSize", row->rw_size);
	return json;
}

/* podman's keys, of which some differ from the fields of templates. */
static Json *to_json(const void *row)
{
	const ContainerSummary *s = SUMMARY;
	const char *names[] = {text_or_empty(s->name), NULL};
	g_autofree const char **networks = container_network_labels(s);
	g_autofree char *status = status_text(row);
	g_autofree char *created = ago(s->created, ((const PsRow *)row)->now);
	g_autofree char *created_ago = g_strconcat(created, " ago", NULL);
	const GPtrArray *ports = ((const PsRow *)row)->ports;
	Json *json = json_object_new_object();
	js_set_bool(json, "AutoRemove", s->auto_remove);
	js_set_take(json, "Command", js_from_strv((const char *const *)s->command));
	js_set_string(json, "CreatedAt", created_ago);
	js_set_bool(json, "Exited", s->state == CONTAINER_EXITED);
	js_set_int(json, "ExitedAt", seconds_or_never(s->finished));
	js_set_int(json, "ExitCode", s->exit_code);
	js_set_string(json, "Id", s->id);
	js_set_string(json, "Image", text_or_empty(s->image_name));
	js_set_string(json, "ImageID", text_or_empty(s->image_id));
	js_set_bool(json, "IsInfra", s->infra);
	js_set_take(json, "Labels", js_from_string_map(s->labels));
	js_set_take(json, "Mounts", js_from_strv((const char *const *)s->mounts));
	js_set_take(json, "Names", js_from_strv(names));
	js_set_take(json, "Namespaces", namespaces_json(row));
	js_set_take(json, "Networks", js_from_strv(networks));
	js_set_int(json, "Pid", s->pid);
	js_set_string(json, "Pod", text_or_empty(s->pod));
	js_set_string(json, "PodName", text_or_empty(s->pod_name));
	js_set_take(json, "Ports", ports ? port_mappings_to_json(ports) : json_object_new_array());
	js_set_int(json, "Restarts", s->restart_count);
	js_set_take(json, "Size", size_json(row));
	js_set_int(json, "StartedAt", seconds_or_never(s->started));
	js_set_string(json, "State", container_state_name(container_shown_state(s)));
	js_set_string(json, "Status", status);
	js_set_int(json, "Created", s->created / 1000000000);
	return json;
}

/* {{.Label "x"}} */
static bool call(const void *row, const char *name, const char *arg, TemplateHeap *heap,
		 TemplateValue *out)
{
	if (strcmp(name, "Label") != 0)
		return false;
	*out = template_string(SUMMARY->labels ? g_hash_table_lookup(SUMMARY->labels, arg) : NULL);
	return true;
}

const OutputTable ps_table = {
	.verb = "ps",
	.ranged = true,
	.type_name = "containers.psReporter",
	.fields = fields,
	.columns = "{{.ID}}\t{{.Image}}\t{{.Command}}\t{{.CreatedHuman}}\t{{.Status}}\t{{.Ports}}\t"
		   "{{.Names}}",
	.to_json = to_json,
	.call = call,
};
