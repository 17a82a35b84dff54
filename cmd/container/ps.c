/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ps: list containers.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/commands.h"
#include "cmd/container/filter.h"
#include "cmd/container/ps_table.h"
#include "cmd/engine_open.h"
#include "libpod/base/error.h"
#include "libpod/base/units.h"
#include "libpod/inspect.h"

typedef struct {
	bool all, quiet, no_trunc, no_heading, latest, size, namespaces, pod, ignored;
	uint64_t watch; /* seconds; 0: once */
	int64_t last;   /* -1: not given */
	const char *format;
	const char *sort;
	GPtrArray *filters;
} PsOptions;

static void ps_options_clear(PsOptions *opts)
{
	g_clear_pointer(&opts->filters, g_ptr_array_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(PsOptions, ps_options_clear)

typedef int (*Compare)(const PsRow *a, const PsRow *b);

static int by_created(const PsRow *x, const PsRow *y)
{
	const ContainerSummary *a = x->summary, *b = y->summary;
	return (a->created > b->created) - (a->created < b->created);
}

static int by_id(const PsRow *x, const PsRow *y)
{
	const ContainerSummary *a = x->summary, *b = y->summary;
	return strcmp(a->id, b->id);
}

static int by_names(const PsRow *x, const PsRow *y)
{
	const ContainerSummary *a = x->summary, *b = y->summary;
	return g_strcmp0(a->name, b->name);
}

static int by_image(const PsRow *x, const PsRow *y)
{
	const ContainerSummary *a = x->summary, *b = y->summary;
	return g_strcmp0(a->image_name, b->image_name);
}

static int by_command(const PsRow *x, const PsRow *y)
{
	const ContainerSummary *a = x->summary, *b = y->summary;
	return g_strcmp0(a->command ? a->command[0] : NULL, b->command ? b->command[0] : NULL);
}

static int by_status(const PsRow *x, const PsRow *y)
{
	const ContainerSummary *a = x->summary, *b = y->summary;
	return strcmp(container_state_name(a->state), container_state_name(b->state));
}

static int by_size(const PsRow *a, const PsRow *b)
{
	return (a->rw_size > b->rw_size) - (a->rw_size < b->rw_size);
}

static const struct {
	const char *name;
	Compare compare;
} orders[] = {
	{"command", by_command}, {"created", by_created}, {"id", by_id},
	{"image", by_image},     {"names", by_names},     {"runningfor", by_created},
	{"size", by_size},       {"status", by_status},
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
		"runningfor, size, status\"",
		value);
}

static const Option options[] = {
	{'a', "all", OPTION_FLAG, option_set_flag, NULL, "Also containers that don't run",
	 offsetof(PsOptions, all), OPTION_COMMON},
	{'f', "filter", OPTION_LIST, option_set_list, "KEY=VALUE",
	 "Only these: name, id, label, status, health, exited, ancestor, volume, network, before, "
	 "since, until, command, annotation, pod, restart-policy, should-start-on-boot",
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
	 "command, created, id, image, names, runningfor, size or status", 0, OPTION_COMMON},
	{'s', "size", OPTION_FLAG, option_set_flag, NULL,
	 "What each container has written, and with its image", offsetof(PsOptions, size),
	 OPTION_COMMON},
	{0, "namespace", OPTION_FLAG, option_set_flag, NULL, "The namespaces of each container",
	 offsetof(PsOptions, namespaces), OPTION_COMMON},
	{0, "ns", OPTION_FLAG, option_set_flag, NULL, "As --namespace",
	 offsetof(PsOptions, namespaces), OPTION_HIDDEN},
	{'w', "watch", OPTION_VALUE, option_set_uint, "SECONDS",
	 "Again and again, on a clear screen", offsetof(PsOptions, watch), OPTION_COMMON},
	{0, "external", OPTION_FLAG, option_set_flag, NULL,
	 "Accepted for podman's sake: nobody else keeps containers in this store",
	 offsetof(PsOptions, ignored), 0},
	{0, "sync", OPTION_FLAG, option_set_flag, NULL,
	 "Accepted for podman's sake: the state is always told as it is",
	 offsetof(PsOptions, ignored), 0},
	{'p', "pod", OPTION_FLAG, option_set_flag, NULL, "The pod of each container",
	 offsetof(PsOptions, pod), OPTION_COMMON},
	{0},
};

static const OptionGroup group = {NULL, options};

/* podman does not list what is paused without --all either. */
static bool runs(const ContainerSummary *summary)
{
	return summary->state != CONTAINER_CREATED && summary->state != CONTAINER_EXITED &&
	       summary->state != CONTAINER_PAUSED && summary->state != CONTAINER_INITIALIZED;
}

static int compare_rows(const void *a, const void *b, void *data)
{
	const PsRow *const *x = a, *const *y = b;
	return (*(Compare *)data)(*x, *y);
}

/* A member's are those of its pod's infra container. */
static const GPtrArray *ports_of(const ContainerSummary *s, const GPtrArray *all)
{
	if (!s->pod || s->infra || s->network_mode != NETWORK_CONTAINER)
		return s->ports;
	for (guint i = 0; i < all->len; i++) {
		const ContainerSummary *other = container_summary(all->pdata[i]);
		if (other->infra && g_strcmp0(other->pod, s->pod) == 0)
			return other->ports;
	}
	return s->ports;
}

/* Rows of the containers that are asked for, oldest first or as --sort says. @all: newest first. */
static GPtrArray *choose(const PsOptions *opts, const ContainerFilter *filter, const GPtrArray *all)
{
	GPtrArray *rows = g_ptr_array_new_with_free_func(ps_row_free);
	bool every =
		opts->all || opts->latest || opts->last >= 0 || container_filter_has_status(filter);
	int64_t room = opts->latest ? 1 : opts->last >= 0 ? opts->last : INT64_MAX;
	int64_t now = units_now();
	for (size_t i = 0; i < all->len && rows->len < room; i++) {
		Container *ctr = g_ptr_array_index(all, i);
		const ContainerSummary *summary = container_summary(ctr);
		if ((!every && !runs(summary)) || !container_filter_matches(filter, ctr))
			continue;
		PsRow *row = g_new0(PsRow, 1);
		*row = (PsRow){.summary = summary,
			       .ports = ports_of(summary, all),
			       .now = now,
			       .no_trunc = opts->no_trunc};
		if (opts->namespaces)
			ps_row_read_namespaces(row);
		g_ptr_array_insert(rows, 0, row);
	}
	return rows;
}

/* Fill in the sizes, all in one go. */
static bool read_sizes(Engine *engine, GPtrArray *rows, GError **error)
{
	g_autoptr(GPtrArray) paths = g_ptr_array_new_with_free_func(g_free);
	for (guint i = 0; i < rows->len; i++) {
		const ContainerSummary *s = ((PsRow *)rows->pdata[i])->summary;
		g_ptr_array_add(paths, g_strdup_printf("containers/%s%s/upper", s->id,
						       s->auto_remove ? ".rm" : ""));
	}
	g_autofree int64_t *sizes = g_new0(int64_t, rows->len + 1);
	if (!inspect_tree_sizes(engine, store_fd(engine_store(engine)),
				(const char *const *)paths->pdata, paths->len, sizes, error))
		return false;
	for (guint i = 0; i < rows->len; i++) {
		PsRow *row = rows->pdata[i];
		const char *image_id = row->summary->image_id;
		g_autoptr(Image) image =
			image_id ? image_lookup(engine_store(engine), image_id, NULL) : NULL;
		row->has_size = true;
		row->rw_size = sizes[i];
		row->rootfs_size = image ? (int64_t)image->size : 0;
	}
	return true;
}

/* podman's rules on what goes together. */
static bool check_options(const PsOptions *opts, GError **error)
{
	if (opts->last >= 0 && opts->latest)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "last and latest are mutually exclusive");
	if (opts->quiet && (opts->size || opts->namespaces))
		return error_set(error, ENGINE_ERROR_INVALID,
				 "quiet conflicts with size and namespace");
	if (opts->size && opts->namespaces)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "size and namespace options conflict");
	if (opts->watch > 0 && opts->latest)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "the watch and latest flags cannot be used together");
	return true;
}

/* The filter comes first: a wrong one is told although nothing matches. */
static bool ps(const PsOptions *opts, Engine *engine, GError **error)
{
	g_autoptr(ContainerFilter) filter = container_filter_new(engine, opts->filters, error);
	g_autoptr(GPtrArray) all = filter ? containers_list(engine, error) : NULL;
	if (!all)
		return false;
	g_autoptr(GPtrArray) rows = choose(opts, filter, all);
	Compare order = opts->sort ? lookup_order(opts->sort) : NULL;
	/* A template may ask for sizes, but they have to be asked for, as with podman. */
	if ((opts->size || order == by_size) && !read_sizes(engine, rows, error))
		return false;
	if (order)
		g_ptr_array_sort_with_data(rows, compare_rows, &order);
	OutputTable table = ps_table;
	g_autofree char *columns = ps_table_columns(opts->size, opts->namespaces, opts->pod);
	table.columns = columns;
	OutputOptions output = {.format = opts->format, .no_heading = opts->no_heading};
	if (opts->quiet && !opts->format)
		output.format = "{{.ID}}";
	return output_list(&table, &output, rows->pdata, rows->len, error);
}

static int cmd_ps(Invocation *inv)
{
	g_auto(PsOptions) opts = {.last = -1};
	g_autoptr(GError) error = NULL;
	if (!command_parse(inv, (void *[]){&opts}))
		return inv->status;
	g_autoptr(Engine) engine =
		check_options(&opts, &error) ? command_engine(inv, true, &error) : NULL;
	bool ok = engine != NULL;
	do {
		/* As podman: the screen is cleared, whatever it is. */
		if (ok && opts.watch > 0)
			output_printf("\033[2J\033[H");
		ok = ok && ps(&opts, engine, &error) &&
		     (output_flush() || error_set_errno(&error, "write /dev/stdout"));
	} while (ok && opts.watch > 0 && sleep((unsigned)opts.watch) == 0);
	return ok ? 0 : command_fail(error);
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
