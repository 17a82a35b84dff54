/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pod ps: list pods.
 */
#include <string.h>

#include "cmd/commands.h"
#include "cmd/engine_open.h"
#include "cmd/labels.h"
#include "cmd/object_filter.h"
#include "cmd/output.h"
#include "libpod/base/error.h"
#include "libpod/base/units.h"
#include "libpod/pod.h"

typedef struct {
	const char *format, *sort;
	bool quiet, no_heading, no_trunc, latest, ids, names, statuses, namespaces;
	GPtrArray *filters;
} PodPsOptions;

static void pod_ps_options_clear(PodPsOptions *opts)
{
	g_clear_pointer(&opts->filters, g_ptr_array_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(PodPsOptions, pod_ps_options_clear)

static bool set_sort(void *target, const Option *option, const char *value, GError **error)
{
	static const char *const orders[] = {"created", "id", "name", "number", "status", NULL};
	((PodPsOptions *)target)->sort = value;
	return g_strv_contains(orders, value) ||
	       error_set(error, ENGINE_ERROR_INVALID,
			 "invalid option for --sort, options are: id, names, or number");
}

static const Option options[] = {
	{'f', "filter", OPTION_LIST, option_set_list, "KEY=VALUE",
	 "Only these: name, id, label, status, ctr-names, ctr-ids, ctr-number, ctr-status, "
	 "network, until",
	 offsetof(PodPsOptions, filters), OPTION_COMMON},
	{0, "format", OPTION_VALUE, option_set_string, "FORMAT",
	 "json, jsonl, table or a Go template", offsetof(PodPsOptions, format), OPTION_COMMON},
	{'q', "quiet", OPTION_FLAG, option_set_flag, NULL, "Only the ids",
	 offsetof(PodPsOptions, quiet), OPTION_COMMON},
	{'n', "noheading", OPTION_FLAG, option_set_flag, NULL, "No column titles",
	 offsetof(PodPsOptions, no_heading), OPTION_COMMON},
	{0, "no-trunc", OPTION_FLAG, option_set_flag, NULL, "Whole ids",
	 offsetof(PodPsOptions, no_trunc), OPTION_COMMON},
	{'l', "latest", OPTION_FLAG, option_set_flag, NULL, "The pod created last",
	 offsetof(PodPsOptions, latest), OPTION_COMMON},
	{0, "ctr-ids", OPTION_FLAG, option_set_flag, NULL, "The ids of the containers",
	 offsetof(PodPsOptions, ids), OPTION_COMMON},
	{0, "ctr-names", OPTION_FLAG, option_set_flag, NULL, "The names of the containers",
	 offsetof(PodPsOptions, names), OPTION_COMMON},
	{0, "ctr-status", OPTION_FLAG, option_set_flag, NULL, "The states of the containers",
	 offsetof(PodPsOptions, statuses), OPTION_COMMON},
	{0, "namespace", OPTION_FLAG, option_set_flag, NULL, "The namespaces that are shared",
	 offsetof(PodPsOptions, namespaces), OPTION_COMMON},
	{0, "ns", OPTION_FLAG, option_set_flag, NULL, "As --namespace",
	 offsetof(PodPsOptions, namespaces), OPTION_HIDDEN},
	{0, "sort", OPTION_VALUE, set_sort, "COLUMN",
	 "created (default), id, name, number or status", 0, OPTION_COMMON | OPTION_WHOLE},
	{0},
};

static const OptionGroup group = {NULL, options};

typedef struct {
	Pod *pod;
	GPtrArray *members; /* borrowed from the list of all */
	int64_t now;
	bool no_trunc;
} PodRow;

static void row_free(void *pointer)
{
	PodRow *row = pointer;
	pod_free(row->pod);
	g_ptr_array_unref(row->members);
	g_free(row);
}

#define ROW ((const PodRow *)row)
#define POD (ROW->pod)

static TemplateValue short_id(const PodRow *row, const char *id, TemplateHeap *heap)
{
	if (!id)
		return template_string("");
	return row->no_trunc ? template_string(id)
			     : template_string(template_heap_take(heap, g_strndup(id, 12)));
}

static const ContainerSummary *member(const PodRow *row, guint i)
{
	return container_summary(row->members->pdata[i]);
}

/* The infra container's own record says what networks the pod is on. */
static const ContainerSummary *infra_of(const PodRow *row)
{
	const ContainerSummary *first = row->members->len > 0 ? member(row, 0) : NULL;
	return first && first->infra ? first : NULL;
}

/* Something of each container, with commas. g_free() it. */
static char *join(const PodRow *row, const char *(*what)(const ContainerSummary *), bool shorten)
{
	GString *text = g_string_new(NULL);
	for (guint i = 0; i < row->members->len; i++) {
		const char *one = what(member(row, i));
		g_string_append_printf(text, "%s%.*s", i > 0 ? "," : "", shorten ? 12 : 255, one);
	}
	return g_string_free(text, FALSE);
}

static const char *id_of(const ContainerSummary *s)
{
	return s->id;
}

static const char *name_of(const ContainerSummary *s)
{
	return s->name;
}

static const char *state_of(const ContainerSummary *s)
{
	return container_state_name(s->state);
}

static TemplateValue get_id(const void *row, TemplateHeap *heap)
{
	return short_id(ROW, POD->id, heap);
}

static TemplateValue get_name(const void *row, TemplateHeap *heap)
{
	return template_string(POD->name);
}

static TemplateValue get_status(const void *row, TemplateHeap *heap)
{
	return template_string(pod_status(ROW->members));
}

static TemplateValue get_created(const void *row, TemplateHeap *heap)
{
	g_autofree char *ago = units_format_ago(MAX(0, ROW->now - POD->created) / 1000000000);
	return template_string(template_heap_take(heap, g_strconcat(ago, " ago", NULL)));
}

static TemplateValue get_infra_id(const void *row, TemplateHeap *heap)
{
	return short_id(ROW, POD->infra_id, heap);
}

static TemplateValue get_number(const void *row, TemplateHeap *heap)
{
	return template_int(ROW->members->len);
}

static TemplateValue get_ids(const void *row, TemplateHeap *heap)
{
	return template_string(template_heap_take(heap, join(ROW, id_of, !ROW->no_trunc)));
}

static TemplateValue get_names(const void *row, TemplateHeap *heap)
{
	return template_string(template_heap_take(heap, join(ROW, name_of, false)));
}

static TemplateValue get_statuses(const void *row, TemplateHeap *heap)
{
	return template_string(template_heap_take(heap, join(ROW, state_of, false)));
}

static TemplateValue get_cgroup(const void *row, TemplateHeap *heap)
{
	return template_string("");
}

static TemplateValue get_namespaces(const void *row, TemplateHeap *heap)
{
	g_autofree const char **names = pod_share_names(POD->share);
	return template_string(template_heap_take(heap, g_strjoinv(",", (char **)names)));
}

static TemplateValue get_labels(const void *row, TemplateHeap *heap)
{
	return template_string(template_heap_take(heap, labels_format(POD->labels)));
}

/* The names of its networks. g_free() the array only. */
static const char **networks_of(const PodRow *row)
{
	const ContainerSummary *infra = infra_of(row);
	return infra && infra->network_mode == NETWORK_NAMED ? container_network_labels(infra)
							     : g_new0(const char *, 1);
}

static TemplateValue get_networks(const void *row, TemplateHeap *heap)
{
	g_autofree const char **names = networks_of(ROW);
	return template_string(template_heap_take(heap, g_strjoinv(",", (char **)names)));
}

static TemplateValue get_restarts(const void *row, TemplateHeap *heap)
{
	int64_t n = 0;
	for (guint i = 0; i < ROW->members->len; i++)
		n += member(ROW, i)->restart_count;
	return template_int(n);
}

static const OutputField fields[] = {
	{"Cgroup", "CGROUP", get_cgroup},
	{"ContainerIds", "IDS", get_ids},
	{"ContainerNames", "NAMES", get_names},
	{"ContainerStatuses", "STATUS", get_statuses},
	{"Created", "CREATED", get_created},
	{"ID", "POD ID", get_id},
	{"Id", "POD ID", get_id},
	{"InfraID", "INFRA ID", get_infra_id},
	{"Labels", NULL, get_labels},
	{"Name", "NAME", get_name},
	{"Namespace", "NAMESPACES", get_namespaces},
	{"Networks", NULL, get_networks},
	{"NumberOfContainers", "# OF CONTAINERS", get_number},
	{"Restarts", NULL, get_restarts},
	{"Status", "STATUS", get_status},
	{0},
};

static Json *containers_json(const PodRow *row)
{
	Json *list = json_object_new_array();
	for (guint i = 0; i < row->members->len; i++) {
		const ContainerSummary *s = member(row, i);
		Json *one = json_object_new_object();
		js_set_string(one, "Id", s->id);
		js_set_string(one, "Names", s->name);
		js_set_string(one, "Status", container_state_name(s->state));
		js_set_int(one, "RestartCount", s->restart_count);
		json_object_array_add(list, one);
	}
	return list;
}

static Json *to_json(const void *row)
{
	Json *json = json_object_new_object();
	g_autofree char *created = units_format_rfc3339(POD->created, true);
	g_autofree const char **networks = networks_of(ROW);
	js_set_string(json, "Cgroup", "");
	js_set_take(json, "Containers", containers_json(ROW));
	js_set_string(json, "Created", created);
	js_set_string(json, "Id", POD->id);
	js_set_string(json, "InfraId", POD->infra_id ? POD->infra_id : "");
	js_set_string(json, "Name", POD->name);
	js_set_string(json, "Namespace", "");
	js_set_take(json, "Networks", js_from_strv(networks));
	js_set_string(json, "Status", pod_status(ROW->members));
	js_set_take(json, "Labels", js_from_string_map(POD->labels));
	return json;
}

static bool call(const void *row, const char *name, const char *arg, TemplateHeap *heap,
		 TemplateValue *out)
{
	if (strcmp(name, "Label") != 0)
		return false;
	*out = template_string(g_hash_table_lookup(POD->labels, arg));
	return true;
}

static const OutputTable table = {
	.verb = "pod ps",
	.ranged = true,
	.type_name = "pods.ListPodReporter",
	.fields = fields,
	.columns = NULL,
	.to_json = to_json,
	.call = call,
};

/* Does one of the containers have this name, id or state? */
static bool matches_member(const PodRow *row, const char *key, const char *value)
{
	for (guint i = 0; i < row->members->len; i++) {
		const ContainerSummary *s = member(row, i);
		if (strcmp(key, "ctr-names") == 0 ? g_regex_match_simple(value, s->name, 0, 0)
		    : strcmp(key, "ctr-ids") == 0
			    ? g_str_has_prefix(s->id, value)
			    : strcmp(container_state_name(s->state), value) == 0)
			return true;
	}
	return false;
}

static bool check_status(const char *value, GError **error)
{
	static const char *const states[] = {"stopped", "running", "paused",   "exited",
					     "dead",    "created", "degraded", NULL};
	return g_strv_contains(states, value) ||
	       error_set(error, ENGINE_ERROR_INVALID, "%s is not a valid pod status", value);
}

static bool matches_network(const PodRow *row, const char *value)
{
	g_autofree const char **names = networks_of(row);
	return g_strv_contains(names, value);
}

/* One KEY=VALUE of --filter. */
static bool matches(Engine *engine, const void *object, const char *key, const char *value,
		    bool *out, GError **error)
{
	const PodRow *row = object;
	uint64_t number = 0;
	int64_t time = 0;
	if (strcmp(key, "id") == 0)
		*out = g_str_has_prefix(row->pod->id, value);
	else if (strcmp(key, "name") == 0)
		*out = g_regex_match_simple(value, row->pod->name, 0, 0);
	else if (strcmp(key, "label") == 0)
		*out = labels_match(row->pod->labels, value);
	else if (strcmp(key, "label!") == 0)
		*out = !labels_match(row->pod->labels, value);
	else if (strcmp(key, "network") == 0)
		*out = matches_network(row, value);
	else if (strcmp(key, "status") == 0)
		*out = g_ascii_strcasecmp(pod_status(row->members), value) == 0;
	else if (strcmp(key, "ctr-number") != 0 && strcmp(key, "until") != 0)
		*out = matches_member(row, key, value);
	if (strcmp(key, "status") == 0)
		return check_status(value, error);
	if (strcmp(key, "until") == 0) {
		bool parsed = units_parse_time(value, units_now(), &time, error);
		*out = row->pod->created < time;
		return parsed;
	}
	if (strcmp(key, "ctr-number") != 0)
		return true;
	bool parsed = units_parse_uint(value, UINT32_MAX, &number, error);
	*out = row->members->len == number;
	return parsed;
}

static const char *const keys[] = {"id",         "name",      "label",   "label!",
				   "status",     "ctr-names", "ctr-ids", "ctr-number",
				   "ctr-status", "network",   "until",   NULL};

static const ObjectFilter filter = {
	.keys = keys,
	.unknown = "",
	.unknown_tail = " is an invalid filter",
	.matches = matches,
};

/* Wrong filters are said although there is no pod. */
static bool check_filters(const GPtrArray *texts, GError **error)
{
	for (guint i = 0; texts && i < texts->len; i++) {
		const char *text = texts->pdata[i];
		g_autofree char *key = g_strndup(text, strcspn(text, "="));
		if (!strchr(text, '='))
			return error_set(
				error, ENGINE_ERROR_INVALID,
				"filter input must be in the form of filter=value: %s is invalid",
				text);
		if (!g_strv_contains(keys, key))
			return error_set(error, ENGINE_ERROR_INVALID, "%s is an invalid filter",
					 key);
		if (g_str_has_prefix(text, "status=") &&
		    !check_status(text + strlen("status="), error))
			return false;
	}
	return true;
}

static int compare_rows(const void *a, const void *b, void *data)
{
	const PodRow *x = *(const PodRow *const *)a, *y = *(const PodRow *const *)b;
	const char *order = data;
	if (strcmp(order, "id") == 0)
		return strcmp(x->pod->id, y->pod->id);
	if (strcmp(order, "name") == 0)
		return strcmp(x->pod->name, y->pod->name);
	if (strcmp(order, "number") == 0)
		return (x->members->len > y->members->len) - (x->members->len < y->members->len);
	if (strcmp(order, "status") == 0)
		return strcmp(pod_status(x->members), pod_status(y->members));
	return (x->pod->created < y->pod->created) - (x->pod->created > y->pod->created);
}

/* The columns that were asked for. g_free() it. */
static char *columns_of(const PodPsOptions *opts)
{
	GString *text = g_string_new("{{.ID}}\t{{.Name}}\t{{.Status}}\t{{.Created}}\t{{.InfraID}}");
	if (opts->ids)
		g_string_append(text, "\t{{.ContainerIds}}");
	if (opts->names)
		g_string_append(text, "\t{{.ContainerNames}}");
	if (opts->statuses)
		g_string_append(text, "\t{{.ContainerStatuses}}");
	if (opts->namespaces)
		g_string_append(text, "\t{{.Cgroup}}\t{{.Namespace}}");
	if (!opts->ids && !opts->names && !opts->statuses)
		g_string_append(text, "\t{{.NumberOfContainers}}");
	return g_string_free(text, FALSE);
}

/* The rows borrow their containers from @all. */
static GPtrArray *make_rows(const PodPsOptions *opts, GPtrArray *pods, const GPtrArray *all)
{
	GPtrArray *rows = g_ptr_array_new_with_free_func(row_free);
	while (pods->len > 0 && !(opts->latest && rows->len == 1)) {
		PodRow *row = g_new0(PodRow, 1);
		row->pod = g_ptr_array_steal_index(pods, 0);
		row->members = pod_members_of(all, row->pod);
		row->now = units_now();
		row->no_trunc = opts->no_trunc;
		g_ptr_array_add(rows, row);
	}
	return rows;
}

static bool list_pods(const PodPsOptions *opts, Engine *engine, GError **error)
{
	g_autoptr(GPtrArray) pods = pods_list(engine, error);
	g_autoptr(GPtrArray) all = pods ? containers_list(engine, error) : NULL;
	if (!all)
		return false;
	g_autoptr(GPtrArray) rows = make_rows(opts, pods, all);
	if (!object_filter_apply(&filter, engine, rows, opts->filters, error))
		return false;
	g_ptr_array_sort_with_data(rows, compare_rows,
				   (void *)(opts->sort ? opts->sort : "created"));
	g_autofree char *columns = columns_of(opts);
	OutputTable shown = table;
	shown.columns = columns;
	OutputOptions output = {.format = opts->format, .no_heading = opts->no_heading};
	if (opts->quiet && !opts->format)
		output.format = "{{.ID}}";
	return output_list(&shown, &output, rows->pdata, rows->len, error);
}

static int cmd_pod_ps(Invocation *inv)
{
	g_auto(PodPsOptions) opts = {0};
	g_autoptr(GError) error = NULL;
	if (!command_parse(inv, (void *[]){&opts}))
		return inv->status;
	if (opts.quiet && opts.format)
		error_set(&error, ENGINE_ERROR_INVALID, "quiet and format cannot be used together");
	g_autoptr(Engine) engine = !error && check_filters(opts.filters, &error)
					   ? command_engine(inv, true, &error)
					   : NULL;
	return engine && list_pods(&opts, engine, &error) ? 0 : command_fail(error);
}

const Command pod_ps_command = {
	.paths = (const char *const[]){"pod ps", "pod ls", "pod list", NULL},
	.usage = "[options]",
	.summary = "List pods",
	.description = "Lists all pods, newest first.",
	.examples = (const char *const[]){"skiff pod ps", "skiff pod ps --filter status=running -q",
					  "skiff pod ps --format '{{.Name}}: {{.Status}}'", NULL},
	.man = "# FIELDS\n\nTemplates of *--format* may use: *.Cgroup*, *.ContainerIds*, "
	       "*.ContainerNames*, *.ContainerStatuses*, *.Created*, *.ID*, *.InfraID*, *.Labels*, "
	       "*.Name*, *.Namespace*, *.Networks*, *.NumberOfContainers*, *.Restarts*, *.Status*, "
	       "and *.Label \"KEY\"*.\n",
	.max_args = 0,
	.groups = (const OptionGroup *const[]){&group, NULL},
	.run = cmd_pod_ps,
};
