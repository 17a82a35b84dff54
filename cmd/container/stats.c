/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stats: what containers use, once or again and again.
 */
#include <stdio.h>
#include <string.h>

#include "cmd/commands.h"
#include "cmd/container/selection.h"
#include "cmd/engine_open.h"
#include "cmd/output.h"
#include "libpod/base/error.h"
#include "libpod/base/log.h"
#include "libpod/stats.h"

#define INTERVAL_DEFAULT 5 /* seconds */

typedef struct {
	Selection selection;
	bool no_stream, no_reset, no_trunc;
	int64_t interval;
	const char *format;
} StatsOptions;

typedef struct {
	char *id, *name;
	bool no_trunc;
	ContainerStats stats;
} StatsRow;

#define ROW   ((const StatsRow *)row)
#define STATS (ROW->stats)

static const Option options[] = {
	{'a', "all", OPTION_FLAG, option_set_flag, NULL, "Also those that do not run",
	 offsetof(StatsOptions, selection.all), OPTION_COMMON},
	{'l', "latest", OPTION_FLAG, option_set_flag, NULL, "The container created last",
	 offsetof(StatsOptions, selection.latest), OPTION_COMMON},
	{0, "no-stream", OPTION_FLAG, option_set_flag, NULL, "Look once",
	 offsetof(StatsOptions, no_stream), OPTION_COMMON},
	{0, "no-reset", OPTION_FLAG, option_set_flag, NULL, "Do not clear the screen between looks",
	 offsetof(StatsOptions, no_reset), OPTION_COMMON},
	{'i', "interval", OPTION_VALUE, option_set_int, "SECONDS", "Time between looks (default 5)",
	 offsetof(StatsOptions, interval), OPTION_COMMON},
	{0, "no-trunc", OPTION_FLAG, option_set_flag, NULL, "Whole ids",
	 offsetof(StatsOptions, no_trunc), OPTION_COMMON},
	{0, "format", OPTION_VALUE, option_set_string, "FORMAT", "json, table or a Go template",
	 offsetof(StatsOptions, format), OPTION_COMMON},
	{0},
};

static const OptionGroup group = {NULL, options};

/* Docker's sizes: four digits, no space. */
static char *format_size(uint64_t bytes, bool binary)
{
	static const char *const decimal[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
	static const char *const binaries[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	double value = (double)bytes, base = binary ? 1024 : 1000;
	size_t unit = 0;
	while (value >= base && unit + 1 < G_N_ELEMENTS(decimal)) {
		value /= base;
		unit++;
	}
	return g_strdup_printf("%.4g%s", value, (binary ? binaries : decimal)[unit]);
}

static TemplateValue pair(uint64_t a, uint64_t b, bool binary, TemplateHeap *heap)
{
	g_autofree char *first = format_size(a, binary);
	g_autofree char *second = format_size(b, binary);
	return template_string(template_heap_take(heap, g_strdup_printf("%s / %s", first, second)));
}

static TemplateValue percent(double value, TemplateHeap *heap)
{
	return template_string(template_heap_take(heap, g_strdup_printf("%.2f%%", value)));
}

static double memory_percent(const ContainerStats *stats)
{
	return stats->memory_limit > 0 ? (double)stats->memory * 100 / (double)stats->memory_limit
				       : 0;
}

/* A fraction without the zeros at its end: "1.5", "12". */
static char *format_fraction(uint64_t whole, uint64_t part, int digits)
{
	g_autofree char *text = g_strdup_printf("%llu.%0*llu", (unsigned long long)whole, digits,
						(unsigned long long)part);
	size_t length = strlen(text);
	while (text[length - 1] == '0')
		length--;
	if (text[length - 1] == '.')
		length--;
	return g_strndup(text, length);
}

/* A time as Go prints a time.Duration. */
static char *format_duration(int64_t ns)
{
	uint64_t value = ns > 0 ? (uint64_t)ns : 0;
	if (value == 0)
		return g_strdup("0s");
	if (value < 1000)
		return g_strdup_printf("%lluns", (unsigned long long)value);
	if (value < 1000000000) {
		bool micro = value < 1000000;
		uint64_t unit = micro ? 1000 : 1000000;
		g_autofree char *text = format_fraction(value / unit, value % unit, micro ? 3 : 6);
		return g_strconcat(text, micro ? "µs" : "ms", NULL);
	}
	uint64_t seconds = value / 1000000000;
	g_autofree char *text = format_fraction(seconds % 60, value % 1000000000, 9);
	if (seconds < 60)
		return g_strconcat(text, "s", NULL);
	if (seconds < 3600)
		return g_strdup_printf("%llum%ss", (unsigned long long)seconds / 60, text);
	return g_strdup_printf("%lluh%llum%ss", (unsigned long long)seconds / 3600,
			       (unsigned long long)seconds / 60 % 60, text);
}

static TemplateValue get_id(const void *row, TemplateHeap *heap)
{
	if (ROW->no_trunc)
		return template_string(ROW->id);
	return template_string(template_heap_take(heap, g_strndup(ROW->id, 12)));
}

static TemplateValue get_whole_id(const void *row, TemplateHeap *heap)
{
	return template_string(ROW->id);
}

static TemplateValue get_name(const void *row, TemplateHeap *heap)
{
	return template_string(ROW->name);
}

static TemplateValue get_cpu_percent(const void *row, TemplateHeap *heap)
{
	return percent(STATS.percent, heap);
}

static TemplateValue get_average(const void *row, TemplateHeap *heap)
{
	return percent(STATS.average, heap);
}

static TemplateValue get_cpu_nano(const void *row, TemplateHeap *heap)
{
	return template_int(STATS.cpu);
}

static TemplateValue get_system_nano(const void *row, TemplateHeap *heap)
{
	return template_int(STATS.now);
}

static TemplateValue get_cpu_time(const void *row, TemplateHeap *heap)
{
	return template_string(template_heap_take(heap, format_duration(STATS.cpu)));
}

static TemplateValue get_memory(const void *row, TemplateHeap *heap)
{
	return pair(STATS.memory, STATS.memory_limit, false, heap);
}

static TemplateValue get_memory_bytes(const void *row, TemplateHeap *heap)
{
	return pair(STATS.memory, STATS.memory_limit, true, heap);
}

static TemplateValue get_memory_limit(const void *row, TemplateHeap *heap)
{
	return template_int((int64_t)STATS.memory_limit);
}

static TemplateValue get_memory_percent(const void *row, TemplateHeap *heap)
{
	return percent(memory_percent(&STATS), heap);
}

static TemplateValue get_network(const void *row, TemplateHeap *heap)
{
	return pair(STATS.net_in, STATS.net_out, false, heap);
}

static TemplateValue get_block(const void *row, TemplateHeap *heap)
{
	return pair(STATS.block_in, STATS.block_out, false, heap);
}

static TemplateValue get_pids(const void *row, TemplateHeap *heap)
{
	return template_string(
		template_heap_take(heap, g_strdup_printf("%llu", (unsigned long long)STATS.pids)));
}

static const OutputField fields[] = {
	{"AVGCPU", "AVG CPU %", get_average},
	{"AvgCPU", "AVG CPU %", get_average},
	{"BlockIO", "BLOCK IO", get_block},
	{"CPU", NULL, get_cpu_percent},
	{"CPUNano", NULL, get_cpu_nano},
	{"CPUPerc", "CPU %", get_cpu_percent},
	{"ContainerID", NULL, get_whole_id},
	{"Duration", NULL, get_cpu_nano},
	{"ID", NULL, get_id},
	{"MemLimit", NULL, get_memory_limit},
	{"MemPerc", "MEM %", get_memory_percent},
	{"MemUsage", "MEM USAGE / LIMIT", get_memory},
	{"MemUsageBytes", "MEM USAGE / LIMIT", get_memory_bytes},
	{"Name", NULL, get_name},
	{"NetIO", "NET IO", get_network},
	{"PIDS", NULL, get_pids},
	{"PIDs", "PIDS", get_pids},
	{"SystemNano", NULL, get_system_nano},
	{"Up", "CPU TIME", get_cpu_time},
	{"UpTime", "CPU TIME", get_cpu_time},
	{0},
};

/* podman's keys, which are others than its fields. */
static Json *to_json(const void *row)
{
	static const struct {
		const char *key;
		TemplateValue (*get)(const void *row, TemplateHeap *heap);
	} keys[] = {
		{"id", get_id},
		{"name", get_name},
		{"cpu_time", get_cpu_time},
		{"cpu_percent", get_cpu_percent},
		{"avg_cpu", get_average},
		{"mem_usage", get_memory},
		{"mem_percent", get_memory_percent},
		{"net_io", get_network},
		{"block_io", get_block},
		{"pids", get_pids},
	};
	g_autoptr(TemplateHeap) heap = template_heap_new();
	Json *json = json_object_new_object();
	for (size_t i = 0; i < G_N_ELEMENTS(keys); i++)
		js_set_string(json, keys[i].key, keys[i].get(row, heap).string);
	return json;
}

static const OutputTable table = {
	.verb = "stats",
	.ranged = true,
	.type_name = "containers.containerStats",
	.fields = fields,
	.columns = "{{.ID}}\t{{.Name}}\t{{.CPUPerc}}\t{{.MemUsage}}\t{{.MemPerc}}\t{{.NetIO}}\t"
		   "{{.BlockIO}}\t{{.PIDS}}\t{{.UpTime}}\t{{.AVGCPU}}",
	.to_json = to_json,
};

static void row_free(void *pointer)
{
	StatsRow *row = pointer;
	g_free(row->id);
	g_free(row->name);
	g_free(row);
}

static bool runs(const Container *ctr)
{
	ContainerState state = container_summary(ctr)->state;
	return state == CONTAINER_RUNNING || state == CONTAINER_PAUSED;
}

/* Look at one container; @before holds the rows of the last look, by id. */
static void add_row(GPtrArray *rows, Container *ctr, GHashTable *before, bool no_trunc)
{
	const ContainerSummary *s = container_summary(ctr);
	const StatsRow *old = g_hash_table_lookup(before, s->id);
	StatsRow *row = g_new0(StatsRow, 1);
	row->id = g_strdup(s->id);
	row->name = g_strdup(s->name);
	row->no_trunc = no_trunc;
	stats_read(ctr, old ? &old->stats : NULL, &row->stats);
	g_ptr_array_add(rows, row);
}

/* Everybody who is asked for, as they are now. Return: NULL with @error. */
static GPtrArray *look(const StatsOptions *opts, const Invocation *inv, Engine *engine,
		       GHashTable *before, bool *out_missing, GError **error)
{
	g_autoptr(GPtrArray) rows = g_ptr_array_new_with_free_func(row_free);
	g_autoptr(GPtrArray) list = selection_resolve(&opts->selection, inv, engine, error);
	bool named = command_n_args(inv) > 0 || opts->selection.latest;
	if (!list)
		return NULL;
	for (guint i = 0; i < list->len; i++) {
		Selected *selected = g_ptr_array_index(list, i);
		Container *ctr = selected->ctr;
		if (!named && !opts->selection.all && !runs(ctr))
			continue;
		add_row(rows, ctr, before, opts->no_trunc);
		const StatsRow *row = g_ptr_array_index(rows, rows->len - 1);
		*out_missing |= runs(ctr) && !row->stats.in_cgroup;
	}
	return g_steal_pointer(&rows);
}

/* The live view begins each time at the top of the screen. */
static void reset_screen(const StatsOptions *opts)
{
	if (!opts->no_reset && !opts->no_stream && output_is_terminal(1))
		output_printf("\033[2J\033[1;1H");
}

/* Look, print, wait, until somebody ends us or nobody reads us. Return: false with @error. */
static bool watch(const StatsOptions *opts, Invocation *inv, Engine *engine, GError **error)
{
	const OutputOptions output = {.format = opts->format};
	g_autoptr(GPtrArray) rows = NULL;
	bool told = false;
	for (;;) {
		g_autoptr(GHashTable) before = g_hash_table_new(g_str_hash, g_str_equal);
		bool missing = false;
		for (guint i = 0; rows && i < rows->len; i++) {
			StatsRow *row = g_ptr_array_index(rows, i);
			g_hash_table_insert(before, row->id, row);
		}
		GPtrArray *next = look(opts, inv, engine, before, &missing, error);
		if (!next)
			return false;
		g_clear_pointer(&rows, g_ptr_array_unref);
		rows = next;
		if (missing && !told)
			log_warn("without a cgroup of its own, what a container uses is summed up "
				 "over its processes");
		told |= missing;
		reset_screen(opts);
		if (!output_list(&table, &output, rows->pdata, rows->len, error))
			return false;
		if (!output_flush() || opts->no_stream)
			return true;
		g_usleep((gulong)opts->interval * G_USEC_PER_SEC);
	}
}

/* podman's rules for what may be asked together. */
static int stats(Invocation *inv, bool of_pods)
{
	StatsOptions opts = {.interval = INTERVAL_DEFAULT, .selection.of_pods = of_pods};
	g_autoptr(GError) error = NULL;
	if (!command_parse(inv, (void *[]){&opts}))
		return inv->status;
	int ways = opts.selection.all + opts.selection.latest + (command_n_args(inv) > 0);
	if (ways > 1)
		error_set(&error, ENGINE_ERROR_INVALID,
			  "--all, --latest and %s cannot be used together",
			  of_pods ? "pods" : "containers");
	else if (opts.interval < 1 || opts.interval > G_MAXINT32)
		error_set(&error, ENGINE_ERROR_INVALID,
			  "invalid interval, must be a positive number greater zero");
	g_autoptr(Engine) engine = error ? NULL : command_engine(inv, true, &error);
	if (!engine || !watch(&opts, inv, engine, &error))
		return command_fail(error);
	return 0;
}

static int cmd_stats(Invocation *inv)
{
	return stats(inv, false);
}

static int cmd_pod_stats(Invocation *inv)
{
	return stats(inv, true);
}

const Command stats_command = {
	.paths = (const char *const[]){"stats", "container stats", NULL},
	.usage = "[options] [CONTAINER...]",
	.summary = "Show what containers use",
	.description = "Shows CPU, memory, network, disk and processes of the containers that run, "
		       "or of those that are named, again and again until it is interrupted.",
	.examples = (const char *const[]){"skiff stats", "skiff stats --no-stream web",
					  "skiff stats --format '{{.Name}} {{.MemUsage}}'", NULL},
	.man = "# FIELDS\n\nTemplates of *--format* may use: *.AVGCPU*, *.BlockIO*, *.CPUPerc*, "
	       "*.CPUNano*, *.ContainerID*, *.ID*, *.MemLimit*, *.MemPerc*, *.MemUsage*, "
	       "*.MemUsageBytes*, *.Name*, *.NetIO*, *.PIDS*, *.SystemNano*, *.UpTime*.\n",
	.max_args = -1,
	.groups = (const OptionGroup *const[]){&group, NULL},
	.arg = COMMAND_ARG_CONTAINER_RUNNING,
	.more_args = COMMAND_ARG_CONTAINER_RUNNING,
	.run = cmd_stats,
};

const Command pod_stats_command = {
	.paths = (const char *const[]){"pod stats", NULL},
	.usage = "[options] [POD...]",
	.summary = "Show what the containers of pods use",
	.description = "As \"skiff stats\", of the containers of all pods or of those that are "
		       "named.",
	.examples = (const char *const[]){"skiff pod stats --no-stream web", NULL},
	.max_args = -1,
	.groups = (const OptionGroup *const[]){&group, NULL},
	.arg = COMMAND_ARG_POD,
	.more_args = COMMAND_ARG_POD,
	.run = cmd_pod_stats,
};
