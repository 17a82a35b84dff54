/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compose ps, ls: what runs.
 */
#include <string.h>

#include "cmd/compose/compose_labels.h"
#include "cmd/compose/compose_engine.h"
#include "cmd/compose/compose_live.h"
#include "cmd/compose/compose_verbs.h"
#include "cmd/labels.h"
#include "cmd/output.h"
#include "libpod/base/error.h"
#include "libpod/base/units.h"
#include "network/portmap.h"

typedef struct {
	bool all, quiet, services, no_trunc;
	Tristate orphans;
	const char *format;
	GPtrArray *filters, *statuses;
} PsOptions;

static void ps_options_clear(PsOptions *opts)
{
	g_clear_pointer(&opts->filters, g_ptr_array_unref);
	g_clear_pointer(&opts->statuses, g_ptr_array_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(PsOptions, ps_options_clear)

static const Option ps_rows[] = {
	{'a', "all", OPTION_FLAG, option_set_flag, NULL, "Also those that do not run",
	 offsetof(PsOptions, all), OPTION_COMMON},
	{0, "filter", OPTION_LIST, option_set_list, "status=STATUS", "Only those of a status",
	 offsetof(PsOptions, filters), OPTION_COMMON},
	{0, "format", OPTION_VALUE, option_set_string, "FORMAT", "table, json or a template",
	 offsetof(PsOptions, format), OPTION_COMMON},
	{'q', "quiet", OPTION_FLAG, option_set_flag, NULL, "Only ids", offsetof(PsOptions, quiet),
	 OPTION_COMMON},
	{0, "services", OPTION_FLAG, option_set_flag, NULL, "Only the names of the services",
	 offsetof(PsOptions, services), OPTION_COMMON},
	{0, "status", OPTION_LIST, option_set_list, "STATUS",
	 "Only those of a status: running, exited, created, paused, restarting",
	 offsetof(PsOptions, statuses), OPTION_COMMON},
	{0, "no-trunc", OPTION_FLAG, option_set_flag, NULL, "Whole commands",
	 offsetof(PsOptions, no_trunc), OPTION_COMMON},
	{0, "orphans", OPTION_TRISTATE, option_set_tristate, NULL,
	 "Also those of services that are not in the files any more (default true)",
	 offsetof(PsOptions, orphans), OPTION_COMMON},
	{0},
};

static const OptionGroup ps_group = {NULL, ps_rows};

/* One line. */
typedef struct {
	const ComposeContainer *item;
	bool no_trunc;
} PsRow;

#define ITEM    (((const PsRow *)row)->item)
#define SUMMARY container_summary(ITEM->ctr)

static TemplateValue own(TemplateHeap *heap, char *text)
{
	return template_string(template_heap_take(heap, text));
}

static char *ago(int64_t ns)
{
	return units_format_ago((units_now() - ns) / 1000000000);
}

static char *status_text(const ContainerSummary *s)
{
	g_autofree char *since = ago(s->state == CONTAINER_EXITED ? s->finished : s->started);
	if (s->state == CONTAINER_EXITED)
		return g_strdup_printf("Exited (%d) %s ago", s->exit_code, since);
	if (s->state == CONTAINER_CREATED)
		return g_strdup("Created");
	if (s->state == CONTAINER_RESTARTING)
		return g_strdup("Restarting");
	return g_strdup_printf(
		"Up %s%s%s%s%s", since, s->state == CONTAINER_PAUSED ? " (Paused)" : "",
		s->health ? " (" : "", s->health ? s->health : "", s->health ? ")" : "");
}

static char *command_text(const PsRow *row)
{
	const ContainerSummary *s = SUMMARY;
	g_autofree char *joined = s->command ? g_strjoinv(" ", s->command) : g_strdup("");
	g_strdelimit(joined, "\n\t\r", ' ');
	if (row->no_trunc || !g_utf8_validate(joined, -1, NULL) || g_utf8_strlen(joined, -1) <= 18)
		return g_strdup_printf("\"%s\"", joined);
	g_autofree char *start = g_utf8_substring(joined, 0, 17);
	return g_strdup_printf("\"%s…\"", start);
}

static TemplateValue get_name(const void *row, TemplateHeap *heap)
{
	return template_string(SUMMARY->name);
}

static TemplateValue get_id(const void *row, TemplateHeap *heap)
{
	return template_string(SUMMARY->id);
}

static TemplateValue get_image(const void *row, TemplateHeap *heap)
{
	return template_string(SUMMARY->image_name);
}

static TemplateValue get_command(const void *row, TemplateHeap *heap)
{
	return own(heap, command_text(row));
}

static TemplateValue get_service(const void *row, TemplateHeap *heap)
{
	return template_string(ITEM->service);
}

/* "2026-01-31 12:00:00 +0100 CET" */
static TemplateValue get_created(const void *row, TemplateHeap *heap)
{
	g_autoptr(GDateTime) time = g_date_time_new_from_unix_local(SUMMARY->created / 1000000000);
	return own(heap, g_date_time_format(time, "%Y-%m-%d %H:%M:%S %z %Z"));
}

static TemplateValue get_running_for(const void *row, TemplateHeap *heap)
{
	g_autofree char *text = ago(SUMMARY->created);
	return own(heap, g_strconcat(text, " ago", NULL));
}

static TemplateValue get_labels(const void *row, TemplateHeap *heap)
{
	return own(heap, labels_format(SUMMARY->labels));
}

static TemplateValue get_local_volumes(const void *row, TemplateHeap *heap)
{
	char **names = SUMMARY->volume_names;
	return own(heap, g_strdup_printf("%u", names ? g_strv_length(names) : 0));
}

static TemplateValue get_mounts(const void *row, TemplateHeap *heap)
{
	char **names = SUMMARY->volume_names;
	return names ? own(heap, g_strjoinv(",", names)) : template_string("");
}

static TemplateValue get_networks(const void *row, TemplateHeap *heap)
{
	g_autofree const char **names = container_network_labels(SUMMARY);
	return own(heap, g_strjoinv(",", (char **)names));
}

/* docker compose does not ask for it either. */
static TemplateValue get_size(const void *row, TemplateHeap *heap)
{
	return template_string("0B");
}

static TemplateValue get_status(const void *row, TemplateHeap *heap)
{
	return own(heap, status_text(SUMMARY));
}

static TemplateValue get_state(const void *row, TemplateHeap *heap)
{
	return template_string(container_state_name(container_shown_state(SUMMARY)));
}

static TemplateValue get_health(const void *row, TemplateHeap *heap)
{
	return template_string(SUMMARY->health ? SUMMARY->health : "");
}

static TemplateValue get_project(const void *row, TemplateHeap *heap)
{
	return template_string(compose_state_label(ITEM->ctr, LABEL_PROJECT));
}

static TemplateValue get_exit_code(const void *row, TemplateHeap *heap)
{
	return template_int(SUMMARY->exit_code);
}

static TemplateValue get_ports(const void *row, TemplateHeap *heap)
{
	const GPtrArray *ports = SUMMARY->ports;
	return ports && ports->len > 0 ? own(heap, portmap_format(ports)) : template_string("");
}

/* What is published, one object for each port, in docker compose's words. */
static Json *publishers(const GPtrArray *ports)
{
	Json *list = json_object_new_array();
	for (guint i = 0; ports && i < ports->len; i++) {
		const PortMapping *port = ports->pdata[i];
		for (int n = 0; n < port->count; n++) {
			Json *one = json_object_new_object();
			js_set_string(one, "URL", port->host_ip ? port->host_ip : "0.0.0.0");
			js_set_int(one, "TargetPort", port->container_port + n);
			js_set_int(one, "PublishedPort", port->host_port ? port->host_port + n : 0);
			js_set_string(one, "Protocol", port->protocol == PORT_UDP ? "udp" : "tcp");
			json_object_array_add(list, one);
		}
	}
	return list;
}

static TemplateValue get_publishers(const void *row, TemplateHeap *heap)
{
	Json *list = template_heap_json(heap, publishers(SUMMARY->ports));
	return template_from_json(list, NULL, heap);
}

/* As docker compose has them, in its order; "ps --format json" prints them all. */
static const OutputField ps_fields[] = {
	{"Command", NULL, get_command},
	{"CreatedAt", NULL, get_created},
	{"ExitCode", NULL, get_exit_code},
	{"Health", NULL, get_health},
	{"ID", NULL, get_id},
	{"Image", NULL, get_image},
	{"Labels", NULL, get_labels},
	{"LocalVolumes", NULL, get_local_volumes},
	{"Mounts", NULL, get_mounts},
	{"Name", NULL, get_name},
	{"Names", NULL, get_name},
	{"Networks", NULL, get_networks},
	{"Ports", NULL, get_ports},
	{"Project", NULL, get_project},
	{"Publishers", NULL, get_publishers},
	{"RunningFor", "CREATED", get_running_for},
	{"Service", NULL, get_service},
	{"Size", NULL, get_size},
	{"State", NULL, get_state},
	{"Status", NULL, get_status},
	{0},
};

static const OutputTable ps_table = {
	.verb = "ps",
	.type_name = "formatter.ContainerContext",
	.fields = ps_fields,
	.columns =
		"{{.Name}}\t{{.Image}}\t{{.Command}}\t{{.Service}}\t{{.RunningFor}}\t{{.Status}}\t"
		"{{.Ports}}",
};

/* --status and --filter status= choose by state; anything else is refused. */
static bool read_statuses(const PsOptions *opts, GPtrArray *statuses, GError **error)
{
	for (guint i = 0; opts->statuses && i < opts->statuses->len; i++)
		g_ptr_array_add(statuses, opts->statuses->pdata[i]);
	for (guint i = 0; opts->filters && i < opts->filters->len; i++) {
		char *filter = opts->filters->pdata[i];
		if (!g_str_has_prefix(filter, "status="))
			return error_set(error, ENGINE_ERROR_INVALID,
					 "unknown filter '%s': only status=STATUS", filter);
		g_ptr_array_add(statuses, filter + strlen("status="));
	}
	return true;
}

static bool is_listed(const ComposeContainer *item, const PsOptions *opts,
		      const GPtrArray *statuses)
{
	const char *state =
		container_state_name(container_shown_state(container_summary(item->ctr)));
	for (guint i = 0; i < statuses->len; i++)
		if (strcmp(statuses->pdata[i], state) == 0)
			return true;
	return statuses->len == 0 && (opts->all || compose_state_runs(item->ctr));
}

/* Ids, or the names of services, each once. */
static void print_short(const GPtrArray *items, const PsOptions *opts)
{
	const char *last = NULL;
	for (guint i = 0; i < items->len; i++) {
		const ComposeContainer *item = items->pdata[i];
		if (opts->quiet)
			output_printf("%s\n", container_summary(item->ctr)->id);
		else if (g_strcmp0(last, item->service) != 0)
			output_text(item->service);
		last = item->service;
	}
}

static bool print_ps(const GPtrArray *items, const PsOptions *opts, GError **error)
{
	bool json = g_strcmp0(opts->format, "json") == 0;
	const OutputOptions output = {.format = json ? "jsonl" : opts->format};
	g_autofree PsRow *rows = g_new0(PsRow, items->len + 1);
	g_autofree void **list = g_new0(void *, items->len + 1);
	if (opts->quiet || opts->services) {
		print_short(items, opts);
		return true;
	}
	for (guint i = 0; i < items->len; i++) {
		rows[i] = (PsRow){items->pdata[i], opts->no_trunc};
		list[i] = &rows[i];
	}
	return output_list(&ps_table, &output, list, items->len, error);
}

static int compare_names(const void *a, const void *b)
{
	const ComposeContainer *const *x = a, *const *y = b;
	int order = strcmp((*x)->service, (*y)->service);
	return order ? order : (*x)->number - (*y)->number;
}

/* Without files nothing is an orphan. */
static bool is_orphan(const ComposeLive *live, const ComposeContainer *item)
{
	return live->project &&
	       !node_get(node_get(live->project->model, "services"), item->service);
}

static int cmd_ps(Invocation *inv)
{
	g_auto(PsOptions) opts = {0};
	g_auto(ProjectOptions) given = {0};
	g_auto(ComposeLive) live = {0};
	g_autoptr(GError) error = NULL;
	if (!command_parse(inv, (void *[]){&opts, &given}))
		return inv->status;
	g_autofree const char **services = command_args(inv, 0);
	g_autoptr(GPtrArray) statuses = g_ptr_array_new();
	if (!read_statuses(&opts, statuses, &error) ||
	    !compose_live_open(&live, inv, &given, true, services, &error))
		return command_fail(error);
	g_autoptr(GPtrArray) items = compose_state_select(live.state, services, opts.all);
	for (guint i = items->len; i-- > 0;)
		if (!is_listed(items->pdata[i], &opts, statuses) ||
		    (opts.orphans == TRISTATE_FALSE && is_orphan(&live, items->pdata[i])))
			g_ptr_array_remove_index(items, i);
	g_ptr_array_sort(items, compare_names);
	return print_ps(items, &opts, &error) ? 0 : command_fail(error);
}

const Command compose_ps_command = {
	.paths = (const char *const[]){"compose ps", NULL},
	.usage = "[options] [SERVICE...]",
	.summary = "List the containers of the project",
	.description = "Lists the project's containers that run, with --all all of them.",
	.examples = (const char *const[]){"skiff compose ps -a", "skiff compose ps --format json",
					  NULL},
	.max_args = -1,
	.groups = (const OptionGroup *const[]){&ps_group, &project_option_group, NULL},
	.run = cmd_ps,
};

/* ls. */

typedef struct {
	bool all, quiet;
	const char *format;
	GPtrArray *filters;
} LsOptions;

static void ls_options_clear(LsOptions *opts)
{
	g_clear_pointer(&opts->filters, g_ptr_array_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(LsOptions, ls_options_clear)

static const Option ls_rows[] = {
	{'a', "all", OPTION_FLAG, option_set_flag, NULL, "Also projects of which nothing runs",
	 offsetof(LsOptions, all), OPTION_COMMON},
	{0, "format", OPTION_VALUE, option_set_string, "FORMAT", "table or json",
	 offsetof(LsOptions, format), OPTION_COMMON},
	{'q', "quiet", OPTION_FLAG, option_set_flag, NULL, "Only names", offsetof(LsOptions, quiet),
	 OPTION_COMMON},
	{0, "filter", OPTION_LIST, option_set_list, "name=REGEX",
	 "Only those whose names match one of these", offsetof(LsOptions, filters), OPTION_COMMON},
	{0},
};

static const OptionGroup ls_group = {NULL, ls_rows};

typedef struct {
	const char *name, *files;                  /* borrowed from a container */
	unsigned counts[CONTAINER_RESTARTING + 1]; /* by state */
} Project;

/* "exited(1), running(2)" */
static char *counts_text(const Project *project)
{
	g_autoptr(GPtrArray) parts = g_ptr_array_new_with_free_func(g_free);
	for (int state = 0; state <= CONTAINER_RESTARTING; state++)
		if (project->counts[state])
			g_ptr_array_add(parts,
					g_strdup_printf("%s(%u)", container_state_name(state),
							project->counts[state]));
	g_ptr_array_add(parts, NULL);
	return g_strjoinv(", ", (char **)parts->pdata);
}

static TemplateValue get_project_name(const void *row, TemplateHeap *heap)
{
	return template_string(((const Project *)row)->name);
}

static TemplateValue get_project_status(const void *row, TemplateHeap *heap)
{
	return own(heap, counts_text(row));
}

static TemplateValue get_project_files(const void *row, TemplateHeap *heap)
{
	return template_string(((const Project *)row)->files);
}

static const OutputField ls_fields[] = {
	{"Name", NULL, get_project_name},
	{"Status", NULL, get_project_status},
	{"ConfigFiles", NULL, get_project_files},
	{0},
};

static const OutputTable ls_table = {
	.verb = "ls",
	.type_name = "formatter.Project",
	.fields = ls_fields,
	.columns = "{{.Name}}\t{{.Status}}\t{{.ConfigFiles}}",
};

static int compare_projects(const void *a, const void *b)
{
	const Project *const *x = a, *const *y = b;
	return strcmp((*x)->name, (*y)->name);
}

/* Count the containers of each project. */
static GPtrArray *collect_projects(const GPtrArray *containers)
{
	GPtrArray *list = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GHashTable) known = g_hash_table_new(g_str_hash, g_str_equal);
	for (guint i = 0; i < containers->len; i++) {
		const Container *ctr = containers->pdata[i];
		const char *name = compose_state_label(ctr, LABEL_PROJECT);
		Project *project = g_hash_table_lookup(known, name);
		if (!*name)
			continue;
		if (!project) {
			project = g_new0(Project, 1);
			project->name = name;
			project->files = compose_state_label(ctr, LABEL_CONFIG_FILES);
			g_hash_table_insert(known, (void *)name, project);
			g_ptr_array_add(list, project);
		}
		project->counts[container_summary(ctr)->state]++;
	}
	g_ptr_array_sort(list, compare_projects);
	return list;
}

/* --filter name=REGEX; several are alternatives. *out: the whole of it as one expression. */
static bool read_names(const LsOptions *opts, GRegex **out, GError **error)
{
	g_autoptr(GString) text = g_string_new(NULL);
	g_autoptr(GError) reason = NULL;
	for (guint i = 0; opts->filters && i < opts->filters->len; i++) {
		const char *filter = opts->filters->pdata[i];
		if (!g_str_has_prefix(filter, "name="))
			return error_set(error, ENGINE_ERROR_INVALID,
					 "unknown filter '%s': only name=REGEX", filter);
		g_string_append_printf(text, "%s(?:%s)", text->len ? "|" : "",
				       filter + strlen("name="));
	}
	*out = text->len ? g_regex_new(text->str, 0, 0, &reason) : NULL;
	return !reason || error_set(error, ENGINE_ERROR_INVALID, "--filter: %s", reason->message);
}

/* Does any of its containers run? */
static bool is_alive(const Project *project)
{
	for (int state = 0; state <= CONTAINER_RESTARTING; state++)
		if (state != CONTAINER_EXITED && state != CONTAINER_CREATED &&
		    project->counts[state])
			return true;
	return false;
}

static int cmd_ls(Invocation *inv)
{
	g_auto(LsOptions) opts = {0};
	g_autoptr(GRegex) names = NULL;
	g_auto(ProjectOptions) given = {0};
	g_autoptr(GError) error = NULL;
	if (!command_parse(inv, (void *[]){&opts, &given}))
		return inv->status;
	g_autoptr(Engine) engine =
		read_names(&opts, &names, &error) ? compose_engine(inv, true, &error) : NULL;
	g_autoptr(GPtrArray) containers = engine ? containers_list(engine, &error) : NULL;
	if (!containers)
		return command_fail(error);
	g_autoptr(GPtrArray) projects = collect_projects(containers);
	g_autoptr(GPtrArray) rows = g_ptr_array_new();
	for (guint i = 0; i < projects->len; i++) {
		const Project *project = projects->pdata[i];
		if ((opts.all || is_alive(project)) &&
		    (!names || g_regex_match(names, project->name, 0, NULL)))
			g_ptr_array_add(rows, projects->pdata[i]);
	}
	for (guint i = 0; opts.quiet && i < rows->len; i++)
		output_text(((Project *)rows->pdata[i])->name);
	const OutputOptions output = {.format = opts.format};
	if (!opts.quiet && !output_list(&ls_table, &output, rows->pdata, rows->len, &error))
		return command_fail(error);
	return 0;
}

const Command compose_ls_command = {
	.paths = (const char *const[]){"compose ls", NULL},
	.usage = "[options]",
	.summary = "List the projects",
	.description =
		"Lists the projects that have running containers, with --all all that have any.",
	.examples = (const char *const[]){"skiff compose ls -a", NULL},
	.groups = (const OptionGroup *const[]){&ls_group, &project_option_group, NULL},
	.run = cmd_ls,
};
