/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compose top, stats: what runs in the containers, and what they use.
 */
#include <string.h>

#include "cmd/commands.h"
#include "cmd/compose/compose_live.h"
#include "cmd/compose/compose_verbs.h"
#include "cmd/container/process.h"
#include "cmd/output.h"

/* Those of `skiff top`. */
static const char *const columns[] = {"user",  "pid", "ppid", "pcpu",
				      "etime", "tty", "time", "args"};

/* Cells are one line each, whatever a process calls itself. */
static void add_process(const ComposeContainer *item, const ProcessList *list, size_t at,
			GPtrArray *lines)
{
	GString *line = g_string_new(NULL);
	g_string_printf(line, "%s\t%d", item->service, item->number);
	for (size_t c = 0; c < G_N_ELEMENTS(columns); c++) {
		g_autofree char *cell = process_column(list, at, columns[c]);
		g_strdelimit(cell, "\t\n\r", ' ');
		g_string_append_printf(line, "\t%s", cell);
	}
	g_ptr_array_add(lines, g_string_free(line, FALSE));
}

static bool add_container(const ComposeContainer *item, GPtrArray *lines, GError **error)
{
	if (!compose_state_runs(item->ctr))
		return true;
	g_autoptr(GArray) pids = container_processes(item->ctr, error);
	if (!pids)
		return false;
	g_autoptr(ProcessList) list = process_list_new((pid_t *)(void *)pids->data, pids->len);
	for (size_t i = 0; i < process_list_count(list); i++)
		add_process(item, list, i, lines);
	return true;
}

static int cmd_top(Invocation *inv)
{
	g_auto(ProjectOptions) given = {0};
	g_auto(ComposeLive) live = {0};
	g_autoptr(GError) error = NULL;
	if (!command_parse(inv, (void *[]){&given}))
		return inv->status;
	g_autofree const char **services = command_args(inv, 0);
	if (!compose_live_open(&live, inv, &given, true, services, &error))
		return command_fail(error);
	g_autoptr(GPtrArray) items = compose_state_select(live.state, services, true);
	g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);
	GString *head = g_string_new("SERVICE\t#");
	for (size_t c = 0; c < G_N_ELEMENTS(columns); c++)
		g_string_append_printf(head, "\t%s", process_header(columns[c]));
	g_ptr_array_add(lines, g_string_free(head, FALSE));
	for (guint i = 0; i < items->len; i++)
		if (!add_container(items->pdata[i], lines, &error))
			return command_fail(error);
	g_autoptr(GString) out = g_string_new(NULL);
	output_align((char *const *)lines->pdata, lines->len, out);
	g_string_truncate(out, out->len - 1);
	output_text(out->str);
	return 0;
}

const Command compose_top_command = {
	.paths = (const char *const[]){"compose top", NULL},
	.usage = "[SERVICE...]",
	.summary = "List what runs in the containers",
	.description = "Lists the processes of the containers, read from the host: users, process "
		       "ids and times are those of the container.",
	.examples = (const char *const[]){"skiff compose top web", NULL},
	.max_args = -1,
	.groups = (const OptionGroup *const[]){&project_option_group, NULL},
	.run = cmd_top,
};

/* stats. */

typedef struct {
	bool all, no_stream, no_trunc;
	const char *format;
} StatsOptions;

static const Option stats_rows[] = {
	{'a', "all", OPTION_FLAG, option_set_flag, NULL, "Also those that do not run",
	 offsetof(StatsOptions, all), OPTION_COMMON},
	{0, "format", OPTION_VALUE, option_set_string, "FORMAT", "table, json or a template",
	 offsetof(StatsOptions, format), OPTION_COMMON},
	{0, "no-stream", OPTION_FLAG, option_set_flag, NULL, "Look once",
	 offsetof(StatsOptions, no_stream), OPTION_COMMON},
	{0, "no-trunc", OPTION_FLAG, option_set_flag, NULL, "Whole ids",
	 offsetof(StatsOptions, no_trunc), OPTION_COMMON},
	{0},
};

static const OptionGroup stats_group = {NULL, stats_rows};

/* The words of `skiff stats`: its options and the names of the containers. */
static bool add_stats_words(const Invocation *inv, const ProjectOptions *given,
			    const StatsOptions *opts, GPtrArray *words, GError **error)
{
	g_auto(ComposeLive) live = {0};
	g_autofree const char **services = command_args(inv, 0);
	if (!compose_live_open(&live, inv, given, true, services, error))
		return false;
	g_autoptr(GPtrArray) items = compose_state_select(live.state, services, true);
	for (guint i = 0; i < items->len; i++) {
		const Container *ctr = ((ComposeContainer *)items->pdata[i])->ctr;
		if (opts->all || compose_state_runs(ctr))
			g_ptr_array_add(words, g_strdup(container_summary(ctr)->name));
	}
	return true;
}

static int cmd_stats(Invocation *inv)
{
	StatsOptions opts = {0};
	g_auto(ProjectOptions) given = {0};
	g_autoptr(GError) error = NULL;
	g_autoptr(GPtrArray) words = g_ptr_array_new_with_free_func(g_free);
	if (!command_parse(inv, (void *[]){&opts, &given}))
		return inv->status;
	if (opts.no_stream)
		g_ptr_array_add(words, g_strdup("--no-stream"));
	if (opts.no_trunc)
		g_ptr_array_add(words, g_strdup("--no-trunc"));
	if (opts.format)
		g_ptr_array_add(words, g_strdup_printf("--format=%s", opts.format));
	guint n_options = words->len;
	if (!add_stats_words(inv, &given, &opts, words, &error))
		return command_fail(error);
	/* Without a name it would look at all containers of this user. */
	if (words->len == n_options) {
		output_error_text("no container of the project is running");
		return 1;
	}
	return compose_delegate(inv, &stats_command, "stats", words);
}

const Command compose_stats_command = {
	.paths = (const char *const[]){"compose stats", NULL},
	.usage = "[options] [SERVICE...]",
	.summary = "Show what the containers use",
	.description = "Shows CPU, memory, network and disk use of the project's containers, as "
		       "\"skiff stats\" does.",
	.examples = (const char *const[]){"skiff compose stats --no-stream web", NULL},
	.max_args = -1,
	.groups = (const OptionGroup *const[]){&stats_group, &project_option_group, NULL},
	.run = cmd_stats,
};
