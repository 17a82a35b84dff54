/* SPDX-License-Identifier: Apache-2.0 */
/*
 * builder prune, builder du: what builds keep.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cmd/commands.h"
#include "cmd/confirm.h"
#include "cmd/engine_open.h"
#include "cmd/output.h"
#include "libpod/base/error.h"
#include "libpod/base/units.h"
#include "libpod/container.h"
#include "libpod/inspect.h"
#include "libpod/rootless.h"
#include "storage/build_cache.h"
#include "storage/layer.h"

typedef struct {
	bool all, force;
	int64_t until; /* ns since 1970; 0: all of them */
} PruneOptions;

/* "until=24h": what was not used since. */
static bool set_filter(void *target, const Option *option, const char *value, GError **error)
{
	if (!g_str_has_prefix(value, "until="))
		return error_set(error, ENGINE_ERROR_INVALID, "invalid filter \"%s\": only until",
				 value);
	return units_parse_time(value + strlen("until="), units_now(),
				&((PruneOptions *)target)->until, error);
}

static const Option prune_options[] = {
	{'a', "all", OPTION_FLAG, option_set_flag, NULL,
	 "With the directories of RUN --mount=type=cache", offsetof(PruneOptions, all),
	 OPTION_COMMON},
	{'f', "force", OPTION_FLAG, option_set_flag, NULL, "Don't ask",
	 offsetof(PruneOptions, force), OPTION_COMMON},
	{0, "filter", OPTION_CSV, set_filter, "until=TIME", "Only what was not used since", 0,
	 OPTION_COMMON},
	OPTION_UNSUPPORTED(0, "keep-storage", OPTION_VALUE),
	OPTION_UNSUPPORTED(0, "max-used-space", OPTION_VALUE),
	OPTION_UNSUPPORTED(0, "min-free-space", OPTION_VALUE),
	OPTION_UNSUPPORTED(0, "reserved-space", OPTION_VALUE),
	{0},
};

static const OptionGroup prune_group = {NULL, prune_options};

/* The layer a record's step made; NULL: none. */
static const char *own_layer(const BuildRecord *record)
{
	return record->diff_id ? record->layers[g_strv_length(record->layers) - 1] : NULL;
}

/* Bytes of the layers of @records that are gone; each counts once. */
static uint64_t freed_size(Store *store, const GPtrArray *records)
{
	g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
	uint64_t freed = 0;
	for (guint i = 0; i < records->len; i++) {
		const BuildRecord *record = records->pdata[i];
		const char *layer = own_layer(record);
		if (!layer || !g_hash_table_add(seen, (char *)layer))
			continue;
		g_autoptr(Layer) there = layer_lookup(store, layer, NULL);
		freed += there ? 0 : record->size;
	}
	return freed;
}

/* Bytes in the caches of RUN. @out_used: when the youngest was made, ns; 0: there is none. -1 with
 * @error. */
static int64_t mounts_size(Engine *engine, int64_t *out_used, GError **error)
{
	Store *store = engine_store(engine);
	*out_used = build_cache_mounts_used(store);
	return *out_used ? inspect_tree_size(engine, store_dir(store, "cache"), BUILD_MOUNTS_DIR,
					     error)
			 : 0;
}

/* Drop the records, then what no image needs of their layers. */
static bool prune(Engine *engine, const PruneOptions *opts, GError **error)
{
	Store *store = engine_store(engine);
	g_autoptr(GPtrArray) records = build_cache_list(store, error);
	if (!records)
		return false;
	for (guint i = 0; i < records->len; i++) {
		const BuildRecord *record = records->pdata[i];
		if (opts->until && record->used >= opts->until)
			continue;
		if (!build_cache_remove(store, record->key, error))
			return false;
		output_printf("%s\n", record->key);
	}
	int64_t used = 0;
	uint64_t files = opts->until ? 0 : build_cache_files_size(store, &used);
	int64_t mounts = opts->all ? mounts_size(engine, &used, error) : 0;
	if (mounts < 0)
		return false;
	if (!opts->until &&
	    (!build_cache_trash_slots(store, error) || !build_cache_trash_files(store, error)))
		return false;
	if ((opts->all && !build_cache_trash_mounts(store, error)) || !layers_sweep(store, error) ||
	    !rootless_empty_trash(engine, error))
		return false;
	g_autofree char *freed =
		units_format_human_size(freed_size(store, records) + files + (uint64_t)mounts);
	output_printf("Total:\t%s\n", freed);
	return true;
}

static int cmd_prune(Invocation *inv)
{
	PruneOptions opts = {0};
	g_autoptr(GError) error = NULL;
	if (!command_parse(inv, (void *[]){&opts}))
		return inv->status;
	if (!opts.force && !confirm_ask("WARNING! This will remove all build cache.", &error))
		return error ? command_fail(error) : 0;
	g_autoptr(Engine) engine = command_engine(inv, false, &error);
	bool done = engine && containers_heal_steps(engine, &error) && prune(engine, &opts, &error);
	return done ? 0 : command_fail(error);
}

#define RECORD ((const BuildRecord *)row)

static TemplateValue get_id(const void *row, TemplateHeap *heap)
{
	return template_string(template_heap_take(heap, g_strndup(RECORD->key, 12)));
}

static TemplateValue get_size(const void *row, TemplateHeap *heap)
{
	return template_string(template_heap_take(heap, units_format_human_size(RECORD->size)));
}

static TemplateValue get_used(const void *row, TemplateHeap *heap)
{
	return template_string(template_heap_take(heap, units_format_rfc3339(RECORD->used, false)));
}

static TemplateValue get_step(const void *row, TemplateHeap *heap)
{
	return template_string(RECORD->created_by);
}

static const OutputField fields[] = {
	{"CreatedBy", "STEP", get_step},
	{"ID", NULL, get_id},
	{"LastUsedAt", "LAST USED", get_used},
	{"Size", NULL, get_size},
	{0},
};

static const OutputTable table = {
	.verb = "du",
	.type_name = "buildcache.Record",
	.fields = fields,
	.columns = "{{.ID}}\t{{.Size}}\t{{.LastUsedAt}}\t{{.CreatedBy}}",
};

typedef struct {
	const char *format;
} DuOptions;

static const Option du_options[] = {
	{0, "format", OPTION_VALUE, option_set_string, "FORMAT", "json or a Go template",
	 offsetof(DuOptions, format), OPTION_COMMON},
	{0},
};

static const OptionGroup du_group = {NULL, du_options};

/* What is no step, as one more row. */
static void add_row(GPtrArray *records, const char *key, const char *what, uint64_t size,
		    int64_t used)
{
	BuildRecord *record = g_new0(BuildRecord, 1);
	record->key = g_strdup(key);
	record->created_by = g_strdup(what);
	record->size = size;
	record->used = used;
	g_ptr_array_add(records, record);
}

/* The steps, what is kept of files of contexts, and the caches of RUN. NULL with @error. */
static GPtrArray *list_all(Engine *engine, GError **error)
{
	Store *store = engine_store(engine);
	int64_t files_used = 0, mounts_used = 0;
	g_autoptr(GPtrArray) records = build_cache_list(store, error);
	if (!records)
		return NULL;
	uint64_t files = build_cache_files_size(store, &files_used);
	if (files_used)
		add_row(records, "files", "digests of files that were copied", files, files_used);
	int64_t mounts = mounts_size(engine, &mounts_used, error);
	if (mounts < 0)
		return NULL;
	if (mounts_used)
		add_row(records, "mounts", "directories of RUN --mount=type=cache",
			(uint64_t)mounts, mounts_used);
	return g_steal_pointer(&records);
}

static int cmd_du(Invocation *inv)
{
	DuOptions opts = {0};
	g_autoptr(GError) error = NULL;
	if (!command_parse(inv, (void *[]){&opts}))
		return inv->status;
	g_autoptr(Engine) engine = command_engine(inv, true, &error);
	g_autoptr(GPtrArray) records = engine ? list_all(engine, &error) : NULL;
	const OutputOptions output = {.format = opts.format};
	bool done = records && output_list(&table, &output, records->pdata, records->len, &error);
	return done ? 0 : command_fail(error);
}

const Command builder_prune_command = {
	.paths = (const char *const[]){"builder prune", "buildx prune", NULL},
	.usage = "[options]",
	.summary = "Forget what was built",
	.description = "Removes the records of steps that builds ran, and the layers that only "
		       "they needed, and prints their keys and the space that is free now.",
	.examples = (const char *const[]){"skiff builder prune -f",
					  "skiff builder prune -f --filter until=240h", NULL},
	.max_args = 0,
	.groups = (const OptionGroup *const[]){&prune_group, NULL},
	.run = cmd_prune,
};

const Command builder_du_command = {
	.paths = (const char *const[]){"builder du", "buildx du", NULL},
	.usage = "[options]",
	.summary = "List what builds keep",
	.description = "Lists the steps that builds ran and need not run again, those that were "
		       "not used for the longest time first.",
	.examples =
		(const char *const[]){"skiff builder du", "skiff builder du --format json", NULL},
	.max_args = 0,
	.groups = (const OptionGroup *const[]){&du_group, NULL},
	.run = cmd_du,
};
