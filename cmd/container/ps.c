/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ps: list containers.
 */
#include <stdlib.h>
#include <string.h>

#include "cmd/commands.h"
#include "cmd/container/filter.h"
#include "cmd/container/ps_table.h"
#include "cmd/engine_open.h"
#include "libpod/base/error.h"
#include "libpod/base/units.h"

typedef struct {
	bool all, quiet, no_trunc, no_heading, latest;
	int64_t last; /* -1: not given */
	const char *format;
	const char *sort;
	GPtrArray *filters;
} PsOptions;

static void ps_options_clear(PsOptions *opts)
{
	g_clear_pointer(&opts->filters, g_ptr_array_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(PsOptions, ps_options_clear)

typedef int (*Compare)(const ContainerSummary *a, const ContainerSummary *b);

static int by_created(const ContainerSummary *a, const ContainerSummary *b)
{
	return (a->created > b->created) - (a->created < b->created);
}

static int by_id(const ContainerSummary *a, const ContainerSummary *b)
{
	return strcmp(a->id, b->id);
}

static int by_names(const ContainerSummary *a, const ContainerSummary *b)
{
	return g_strcmp0(a->name, b->name);
}

static int by_image(const ContainerSummary *a, const ContainerSummary *b)
{
	return g_strcmp0(a->image_name, b->image_name);
}

static int by_command(const ContainerSummary *a, const ContainerSummary *b)
{
	return g_strcmp0(a->command ? a->command[0] : NULL, b->command ? b->command[0] : NULL);
}

static int by_status(const ContainerSummary *a, const ContainerSummary *b)
{
	return strcmp(container_state_name(a->state), container_state_name(b->state));
}

static const struct {
	const char *name;
	Compare compare;
} orders[] = {
	{"command", by_command}, {"created", by_created}, {"id", by_id},
	{"image", by_image},     {"names", by_names},     {"runningfor", by_created},
	{"status", by_status},
};

static Compare lookup_order(const char *name)
{
	for (size_t i = 0; i < G_N_ELEMENTS(orders); i++)
		if (strcmp(orders[i].name, name) == 0)
			return orders[i].compare;
	return NULL;
}

static bool set_sort(void *target, const Option *option, const char *value, GError **error)
{
	((PsOptions *)target)->sort = value;
	if (lookup_order(value))
		return true;
	return error_set(
		error, ENGINE_ERROR_INVALID,
		"\"%s\" is not a valid value.  Choose from: \"command, created, id, image, names, "
		"runningfor, status\"",
		value);
}

static const Option options[] = {
	{'a', "all", OPTION_FLAG, option_set_flag, NULL, "Also containers that don't run",
	 offsetof(PsOptions, all), OPTION_COMMON},
	{'f', "filter", OPTION_LIST, option_set_list, "KEY=VALUE",
	 "Only these: name, id, label, status, health, exited, ancestor, volume, network, before, "
	 "since, until",
	 offsetof(PsOptions, filters), OPTION_COMMON},
	{0, "format", OPTION_VALUE, option_set_string, "FORMAT",
	 "json, jsonl, table or a Go template", offsetof(PsOptions, format), OPTION_COMMON},
	{'q', "quiet", OPTION_FLAG, option_set_flag, NULL, "Only the ids",
	 offsetof(PsOptions, quiet), OPTION_COMMON},
	{0, "no-trunc", OPTION_FLAG, option_set_flag, NULL, "Whole ids and commands",
	 offsetof(PsOptions, no_trunc), OPTION_COMMON},
	{'l', "latest", OPTION_FLAG, option_set_flag, NULL, "The container created last",
	 offsetof(PsOptions, latest), OPTION_COMMON},
	{'n', "last", OPTION_VALUE, option_set_int, "NUMBER", "So many of those created last",
	 offsetof(PsOptions, last), OPTION_COMMON},
	{0, "noheading", OPTION_FLAG, option_set_flag, NULL, "No column titles",
	 offsetof(PsOptions, no_heading), OPTION_COMMON},
	{0, "sort", OPTION_VALUE, set_sort, "COLUMN",
	 "command, created, id, image, names, runningfor or status", 0, OPTION_COMMON},
	OPTION_UNSUPPORTED(0, "external", OPTION_FLAG),
	OPTION_UNSUPPORTED(0, "namespace", OPTION_FLAG),
	OPTION_UNSUPPORTED(0, "ns", OPTION_FLAG),
	OPTION_UNSUPPORTED('p', "pod", OPTION_FLAG),
	OPTION_UNSUPPORTED('s', "size", OPTION_FLAG),
	OPTION_UNSUPPORTED(0, "sync", OPTION_FLAG),
	OPTION_UNSUPPORTED('w', "watch", OPTION_VALUE),
	{0},
};

static const OptionGroup group = {NULL, options};

static bool runs(const ContainerSummary *summary)
{
	return summary->state != CONTAINER_CREATED && summary->state != CONTAINER_EXITED;
}

static int compare_rows(const void *a, const void *b, void *data)
{
	const PsRow *const *x = a, *const *y = b;
	return (*(Compare *)data)((*x)->summary, (*y)->summary);
}

/* Rows of the containers that are asked for, oldest first or as --sort says. @all: newest first. */
static GPtrArray *choose(const PsOptions *opts, const ContainerFilter *filter, const GPtrArray *all)
{
	GPtrArray *rows = g_ptr_array_new_with_free_func(g_free);
	bool every =
		opts->all || opts->latest || opts->last >= 0 || container_filter_has_status(filter);
	int64_t room = opts->latest ? 1 : opts->last >= 0 ? opts->last : INT64_MAX;
	int64_t now = units_now();
	for (size_t i = 0; i < all->len && rows->len < room; i++) {
		Container *ctr = g_ptr_array_index(all, i);
		const ContainerSummary *summary = container_summary(ctr);
		if ((!every && !runs(summary)) || !container_filter_matches(filter, ctr))
			continue;
		PsRow *row = g_new(PsRow, 1);
		*row = (PsRow){summary, now, opts->no_trunc};
		g_ptr_array_insert(rows, 0, row);
	}
	Compare order = opts->sort ? lookup_order(opts->sort) : NULL;
	if (order)
		g_ptr_array_sort_with_data(rows, compare_rows, &order);
	return rows;
}

/* The filter comes first: a wrong one is told although nothing matches. */
static bool ps(const PsOptions *opts, Engine *engine, GError **error)
{
	if (opts->last >= 0 && opts->latest)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "last and latest are mutually exclusive");
	g_autoptr(ContainerFilter) filter = container_filter_new(engine, opts->filters, error);
	g_autoptr(GPtrArray) all = filter ? containers_list(engine, error) : NULL;
	if (!all)
		return false;
	g_autoptr(GPtrArray) rows = choose(opts, filter, all);
	OutputOptions output = {.format = opts->format, .no_heading = opts->no_heading};
	if (opts->quiet && !opts->format)
		output.format = "{{.ID}}";
	return output_list(&ps_table, &output, rows->pdata, rows->len, error);
}

static int cmd_ps(Invocation *inv)
{
	g_auto(PsOptions) opts = {.last = -1};
	g_autoptr(GError) error = NULL;
	if (!command_parse(inv, (void *[]){&opts}))
		return inv->status;
	g_autoptr(Engine) engine = command_engine(inv, true, &error);
	if (!engine || !ps(&opts, engine, &error))
		return command_fail(error);
	return 0;
}

const Command ps_command = {
	.paths =
		(const char *const[]){"ps", "container ls", "container list", "container ps", NULL},
	.usage = "[options]",
	.summary = "List containers",
	.description =
		"Lists the containers that run, or with --all every container, oldest first.",
	.examples = (const char *const[]){"skiff ps -a", "skiff ps --filter label=app=web -q",
					  "skiff ps --format '{{.Names}}: {{.Status}}'", NULL},
	.man = PS_TABLE_MAN,
	.max_args = 0,
	.groups = (const OptionGroup *const[]){&group, NULL},
	.run = cmd_ps,
};
