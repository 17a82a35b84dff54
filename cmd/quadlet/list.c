/* SPDX-License-Identifier: Apache-2.0 */
/*
 * quadlet list
 */
#include <string.h>

#include "cmd/commands.h"
#include "cmd/output.h"
#include "cmd/quadlet/quadlet_verb.h"
#include "libpod/base/error.h"

typedef struct {
	const char *format;
	bool no_heading;
	GPtrArray *filters;
} ListOptions;

static void list_options_clear(ListOptions *opts)
{
	g_clear_pointer(&opts->filters, g_ptr_array_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ListOptions, list_options_clear)

static const Option options[] = {
	{'f', "filter", OPTION_LIST, option_set_list, "name=PATTERN",
	 "Only files whose name matches (* and ?)", offsetof(ListOptions, filters), OPTION_COMMON},
	{0, "format", OPTION_VALUE, option_set_string, "FORMAT",
	 "json, jsonl, table or a Go template", offsetof(ListOptions, format), OPTION_COMMON},
	{'n', "noheading", OPTION_FLAG, option_set_flag, NULL, "No column titles",
	 offsetof(ListOptions, no_heading), OPTION_COMMON},
	{0},
};

static const OptionGroup group = {NULL, options};

typedef struct {
	const QuadletUnit *unit;
	char *service, *application;
	const char *status; /* borrowed from the table of them */
} Row;

#define ROW ((const Row *)row)

static TemplateValue get_name(const void *row, TemplateHeap *heap)
{
	return template_string(ROW->unit->name);
}

static TemplateValue get_unit_name(const void *row, TemplateHeap *heap)
{
	return template_string(ROW->service);
}

static TemplateValue get_path(const void *row, TemplateHeap *heap)
{
	return template_string(ROW->unit->path);
}

static TemplateValue get_status(const void *row, TemplateHeap *heap)
{
	return template_string(ROW->status);
}

static TemplateValue get_application(const void *row, TemplateHeap *heap)
{
	return template_string(ROW->application ? ROW->application : "");
}

static const OutputField fields[] = {
	{"App", "APPLICATION", get_application},  {"Name", "NAME", get_name},
	{"Path", "PATH ON DISK", get_path},       {"Status", "STATUS", get_status},
	{"UnitName", "UNIT NAME", get_unit_name}, {0},
};

static const OutputTable table = {
	.verb = "quadlet list",
	.ranged = true,
	.type_name = "quadlet.listOutput",
	.fields = fields,
	.columns = "{{.Name}}\t{{.UnitName}}\t{{.Path}}\t{{.Status}}\t{{.App}}",
};

static void row_free(void *data)
{
	Row *row = data;
	g_free(row->service);
	g_free(row->application);
	g_free(row);
}

/* One unit's block of `systemctl show`. */
static void note_state(GHashTable *states, const char *block)
{
	g_auto(GStrv) lines = g_strsplit(block, "\n", -1);
	const char *id = NULL, *load = "", *active = "", *sub = "";
	for (char **line = lines; *line; line++) {
		const char *equals = strchr(*line, '=');
		if (g_str_has_prefix(*line, "Id="))
			id = equals + 1;
		else if (g_str_has_prefix(*line, "LoadState="))
			load = equals + 1;
		else if (g_str_has_prefix(*line, "ActiveState="))
			active = equals + 1;
		else if (g_str_has_prefix(*line, "SubState="))
			sub = equals + 1;
	}
	if (id)
		g_hash_table_insert(states, g_strdup(id),
				    strcmp(load, "loaded") == 0
					    ? g_strdup_printf("%s/%s", active, sub)
					    : g_strdup("Not loaded"));
}

/* Unit to state, of all rows with one call; empty if there is no systemd to ask. */
static GHashTable *ask_states(const GPtrArray *rows)
{
	GHashTable *states = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	g_autoptr(GPtrArray) args = g_ptr_array_new();
	static const char *const fixed[] = {"show", "--property=Id,LoadState,ActiveState,SubState",
					    "--"};
	for (size_t i = 0; i < G_N_ELEMENTS(fixed); i++)
		g_ptr_array_add(args, (char *)fixed[i]);
	for (size_t i = 0; i < rows->len; i++) {
		const Row *row = rows->pdata[i];
		/* A template has no state. */
		if (!strstr(row->service, "@."))
			g_ptr_array_add(args, row->service);
	}
	if (args->len == G_N_ELEMENTS(fixed))
		return states;
	g_ptr_array_add(args, NULL);
	g_autoptr(GError) error = NULL;
	g_autofree char *answer = quadlet_verb_systemctl((const char *const *)args->pdata, &error);
	if (!answer)
		output_note("systemd does not answer: %s", error->message);
	g_auto(GStrv) blocks = g_strsplit(answer ? answer : "", "\n\n", -1);
	for (char **block = blocks; *block; block++)
		note_state(states, *block);
	return states;
}

static bool check_filters(const GPtrArray *filters, GError **error)
{
	for (size_t i = 0; filters && i < filters->len; i++)
		if (!g_str_has_prefix(filters->pdata[i], "name="))
			return error_set(error, ENGINE_ERROR_INVALID, "%s is not a valid filter",
					 (const char *)filters->pdata[i]);
	return true;
}

static bool matches(const GPtrArray *filters, const char *name)
{
	bool any = !filters || filters->len == 0;
	for (size_t i = 0; filters && i < filters->len; i++)
		any = any || g_pattern_match_simple((const char *)filters->pdata[i] + 5, name);
	return any;
}

static bool list_files(const ListOptions *opts, GError **error)
{
	g_auto(QuadletFiles) files = {0};
	g_autoptr(GPtrArray) rows = g_ptr_array_new_with_free_func(row_free);
	if (!check_filters(opts->filters, error))
		return false;
	quadlet_files_init(&files);
	quadlet_files_load(&files);
	for (size_t i = 0; i < files.set.units->len; i++) {
		const QuadletUnit *unit = files.set.units->pdata[i];
		if (!matches(opts->filters, unit->name))
			continue;
		Row *row = g_new(Row, 1);
		*row = (Row){unit, quadlet_unit_service_name(unit),
			     quadlet_files_application(&files, unit), NULL};
		g_ptr_array_add(rows, row);
	}
	g_autoptr(GHashTable) states = ask_states(rows);
	for (size_t i = 0; i < rows->len; i++) {
		Row *row = rows->pdata[i];
		row->status = g_hash_table_lookup(states, row->service);
		if (!row->status)
			row->status = strstr(row->service, "@.") ? "Template" : "Unknown";
	}
	const OutputOptions output = {.format = opts->format, .no_heading = opts->no_heading};
	return output_list(&table, &output, rows->pdata, rows->len, error);
}

static int cmd_quadlet_list(Invocation *inv)
{
	g_auto(ListOptions) opts = {0};
	g_autoptr(GError) error = NULL;
	if (!command_parse(inv, (void *[]){&opts}))
		return inv->status;
	return list_files(&opts, &error) ? 0 : command_fail(error);
}

const Command quadlet_list_command = {
	.paths = (const char *const[]){"quadlet list", "quadlet ls", NULL},
	.usage = "[options]",
	.summary = "List quadlet files and the state of their units",
	.description =
		"Lists the files that systemd's units are made of, with what systemd says of "
		"these units.",
	.examples = (const char *const[]){"skiff quadlet list",
					  "skiff quadlet list --filter name='web*'", NULL},
	.max_args = 0,
	.groups = (const OptionGroup *const[]){&group, NULL},
	.run = cmd_quadlet_list,
};
