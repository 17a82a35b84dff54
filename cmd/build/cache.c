/* SPDX-License-Identifier: Apache-2.0 */
/*
 * builder prune, builder du: what builds keep.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>

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

/* What is kept, by BuildKit's names. */
typedef enum {
	KEPT_STEPS = 1 << 0,
	KEPT_FILES = 1 << 1,
	KEPT_MOUNTS = 1 << 2,
} Kept;

static const struct {
	const char *name, *row; /* @row: the key of what is no step */
	Kept kept;
} types[] = {
	{"regular", NULL, KEPT_STEPS},
	{"source.local", "files", KEPT_FILES},
	{"exec.cachemount", "mounts", KEPT_MOUNTS},
};

/* --filter: all that are typed must hold. */
typedef struct {
	int64_t until;  /* not used since, ns since 1970; 0: any */
	char id[65];    /* the beginning of its key; "": any */
	unsigned types; /* Kept; 0: all of them */
} Filter;

/* Sizes are bytes, 0 without. */
typedef struct {
	Filter filter; /* first: its setter is du's, too */
	bool all, force;
	int64_t reserved, max_used, min_free;
} PruneOptions;

static bool set_type(Filter *filter, const char *name, GError **error)
{
	for (size_t i = 0; i < G_N_ELEMENTS(types); i++)
		if (strcmp(types[i].name, name) == 0)
			return filter->types |= types[i].kept;
	return error_set(error, ENGINE_ERROR_INVALID,
			 "invalid filter \"type=%s\": regular, source.local or exec.cachemount",
			 name);
}

static bool set_filter(void *target, const Option *option, const char *value, GError **error)
{
	Filter *filter = target;
	if (g_str_has_prefix(value, "until="))
		return units_parse_time(value + strlen("until="), units_now(), &filter->until,
					error);
	if (g_str_has_prefix(value, "type="))
		return set_type(filter, value + strlen("type="), error);
	if (!g_str_has_prefix(value, "id="))
		return error_set(error, ENGINE_ERROR_INVALID,
				 "invalid filter \"%s\": until, id or type", value);
	return g_strlcpy(filter->id, value + strlen("id="), sizeof filter->id) <
		       sizeof filter->id ||
	       error_set(error, ENGINE_ERROR_INVALID, "invalid filter \"%s\": it is too long",
			 value);
}

static bool set_size(void *target, const Option *option, const char *value, GError **error)
{
	return units_parse_size(value, (int64_t *)(void *)((char *)target + option->offset), error);
}

static bool matches(const Filter *filter, Kept kept, const char *key, int64_t used)
{
	return (!filter->types || filter->types & kept) &&
	       (!filter->until || used < filter->until) && g_str_has_prefix(key, filter->id);
}

#define FILTER_ROW(Options)                                                                        \
	{                                                                                          \
		0, "filter", OPTION_CSV, set_filter, "until=TIME|id=ID|type=TYPE",                 \
			"Only what was not used since, is it, or is of it: regular, "              \
			"source.local, exec.cachemount",                                           \
			offsetof(Options, filter), OPTION_COMMON                                   \
	}
#define SIZE_ROW(name, field, help, flags)                                                         \
	{                                                                                          \
		0, name, OPTION_VALUE, set_size, "SIZE", help, offsetof(PruneOptions, field),      \
			flags                                                                      \
	}

static const Option prune_options[] = {
	{'a', "all", OPTION_FLAG, option_set_flag, NULL,
	 "With the directories of RUN --mount=type=cache", offsetof(PruneOptions, all),
	 OPTION_COMMON},
	{'f', "force", OPTION_FLAG, option_set_flag, NULL, "Don't ask",
	 offsetof(PruneOptions, force), OPTION_COMMON},
	FILTER_ROW(PruneOptions),
	SIZE_ROW("max-used-space", max_used, "Stop where no more than this is kept", OPTION_COMMON),
	SIZE_ROW("min-free-space", min_free, "Stop where the disk has this much free",
		 OPTION_COMMON),
	SIZE_ROW("reserved-space", reserved, "Keep this much in any case", OPTION_COMMON),
	SIZE_ROW("keep-storage", reserved, "The same", OPTION_HIDDEN),
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

/* Of @total bytes, how many stay. */
static bool size_to_keep(Store *store, const PruneOptions *opts, uint64_t total, uint64_t *out_keep,
			 GError **error)
{
	struct statvfs fs;
	uint64_t keep = opts->max_used ? (uint64_t)opts->max_used : opts->min_free ? total : 0;
	if (fstatvfs(store_fd(store), &fs) < 0)
		return error_set_errno(error, "cannot look at the disk");
	uint64_t is_free = (uint64_t)fs.f_bavail * fs.f_frsize, wanted = (uint64_t)opts->min_free;
	uint64_t missing = wanted > is_free ? wanted - is_free : 0;
	if (missing)
		keep = MIN(keep, total > missing ? total - missing : 0);
	*out_keep = MAX(keep, (uint64_t)opts->reserved);
	return true;
}

/* Drop records, those that were not used for the longest time first, until few enough are left. */
static bool prune_steps(Store *store, const PruneOptions *opts, const GPtrArray *records,
			GError **error)
{
	uint64_t total = 0, keep = 0;
	for (guint i = 0; i < records->len; i++)
		total += ((const BuildRecord *)records->pdata[i])->size;
	if (!size_to_keep(store, opts, total, &keep, error))
		return false;
	bool bounded = opts->reserved || opts->max_used || opts->min_free;
	for (guint i = 0; i < records->len && (!bounded || total > keep); i++) {
		const BuildRecord *record = records->pdata[i];
		if (!matches(&opts->filter, KEPT_STEPS, record->key, record->used))
			continue;
		if (!build_cache_remove(store, record->key, error))
			return false;
		total -= record->size;
		output_printf("%s\n", record->key);
	}
	return true;
}

/* Forget the files of contexts, and what --explain compares with. */
static bool prune_files(Store *store, const PruneOptions *opts, uint64_t *io_freed, GError **error)
{
	bool bounded = opts->reserved || opts->max_used || opts->min_free;
	int64_t used = 0;
	uint64_t size = build_cache_files_size(store, &used);
	if ((bounded && !(opts->filter.types & KEPT_FILES)) ||
	    !matches(&opts->filter, KEPT_FILES, "files", used))
		return true;
	*io_freed += size;
	return build_cache_trash_slots(store, error) && build_cache_trash_files(store, error);
}

static bool prune_mounts(Engine *engine, const PruneOptions *opts, uint64_t *io_freed,
			 GError **error)
{
	int64_t used = 0;
	if (!opts->all && !(opts->filter.types & KEPT_MOUNTS))
		return true;
	int64_t size = mounts_size(engine, &used, error);
	if (size < 0 || !matches(&opts->filter, KEPT_MOUNTS, "mounts", used))
		return size >= 0;
	*io_freed += (uint64_t)size;
	return build_cache_trash_mounts(engine_store(engine), error);
}

/* Drop the records, then what no image needs of their layers. */
static bool prune(Engine *engine, const PruneOptions *opts, GError **error)
{
	Store *store = engine_store(engine);
	g_autoptr(GPtrArray) records = build_cache_list(store, error);
	uint64_t freed = 0;
	if (!records || !prune_steps(store, opts, records, error) ||
	    !prune_files(store, opts, &freed, error) ||
	    !prune_mounts(engine, opts, &freed, error) || !layers_sweep(store, error) ||
	    !rootless_empty_trash(engine, error))
		return false;
	g_autofree char *text = units_format_human_size(freed_size(store, records) + freed);
	output_printf("Total:\t%s\n", text);
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

/* What a row is. */
static size_t type_of(const BuildRecord *record)
{
	for (size_t i = 0; i < G_N_ELEMENTS(types); i++)
		if (g_strcmp0(types[i].row, record->key) == 0)
			return i;
	return 0;
}

static TemplateValue get_type(const void *row, TemplateHeap *heap)
{
	return template_string(types[type_of(RECORD)].name);
}

static TemplateValue get_key(const void *row, TemplateHeap *heap)
{
	return template_string(RECORD->key);
}

static const OutputField fields[] = {
	{"CreatedBy", "STEP", get_step},
	{"ID", NULL, get_id},
	{"Key", NULL, get_key},
	{"LastUsedAt", "LAST USED", get_used},
	{"Size", NULL, get_size},
	{"Type", NULL, get_type},
	{0},
};

#define VERBOSE                                                                                    \
	"ID:\t{{.Key}}\nType:\t{{.Type}}\nSize:\t{{.Size}}\nLast used:\t{{.LastUsedAt}}\n"         \
	"Step:\t{{.CreatedBy}}\n"

static const OutputTable table = {
	.verb = "du",
	.type_name = "buildcache.Record",
	.fields = fields,
	.columns = "{{.ID}}\t{{.Size}}\t{{.LastUsedAt}}\t{{.CreatedBy}}",
};

typedef struct {
	Filter filter;
	const char *format;
	bool verbose;
} DuOptions;

static const Option du_options[] = {
	FILTER_ROW(DuOptions),
	{0, "format", OPTION_VALUE, option_set_string, "FORMAT", "json or a Go template",
	 offsetof(DuOptions, format), OPTION_COMMON},
	{0, "verbose", OPTION_FLAG, option_set_flag, NULL, "All that is known of each",
	 offsetof(DuOptions, verbose), OPTION_COMMON},
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

/* Take out what the filters leave out. */
static void apply_filter(GPtrArray *records, const Filter *filter)
{
	for (guint i = records->len; i-- > 0;) {
		const BuildRecord *record = records->pdata[i];
		if (!matches(filter, types[type_of(record)].kept, record->key, record->used))
			g_ptr_array_remove_index(records, i);
	}
}

static int cmd_du(Invocation *inv)
{
	DuOptions opts = {0};
	g_autoptr(GError) error = NULL;
	if (!command_parse(inv, (void *[]){&opts}))
		return inv->status;
	g_autoptr(Engine) engine = command_engine(inv, true, &error);
	g_autoptr(GPtrArray) records = engine ? list_all(engine, &error) : NULL;
	if (records)
		apply_filter(records, &opts.filter);
	const OutputOptions output = {.format = opts.format    ? opts.format
						: opts.verbose ? VERBOSE
							       : NULL};
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
					  "skiff builder prune -f --filter until=240h",
					  "skiff builder prune -f --max-used-space 10g", NULL},
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
