/* SPDX-License-Identifier: Apache-2.0 */
/*
 * volume ls
 */
#include <string.h>

#include "cmd/commands.h"
#include "cmd/engine_open.h"
#include "cmd/labels.h"
#include "cmd/output.h"
#include "cmd/system/report.h"
#include "cmd/volume/volume_filter.h"
#include "libpod/base/error.h"
#include "libpod/base/units.h"
#include "libpod/inspect.h"

typedef struct {
	const char *format;
	bool quiet, no_heading;
	GPtrArray *filters;
} VolumeLsOptions;

static void volume_ls_options_clear(VolumeLsOptions *opts)
{
	g_clear_pointer(&opts->filters, g_ptr_array_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(VolumeLsOptions, volume_ls_options_clear)

static const Option options[] = {
	{'f', "filter", OPTION_LIST, option_set_list, "KEY=VALUE",
	 "Only these: name, label, driver, dangling, opt, scope, since, until",
	 offsetof(VolumeLsOptions, filters), OPTION_COMMON},
	{0, "format", OPTION_VALUE, option_set_string, "FORMAT",
	 "json, jsonl, table or a Go template", offsetof(VolumeLsOptions, format), OPTION_COMMON},
	{'q', "quiet", OPTION_FLAG, option_set_flag, NULL, "Only the names",
	 offsetof(VolumeLsOptions, quiet), OPTION_COMMON},
	{'n', "noheading", OPTION_FLAG, option_set_flag, NULL, "No column titles",
	 offsetof(VolumeLsOptions, no_heading), OPTION_COMMON},
	{0},
};

static const OptionGroup group = {NULL, options};

typedef struct {
	const Volume *volume;
	Engine *engine;
} VolumeRow;

#define VOLUME (((const VolumeRow *)row)->volume)

static TemplateValue get_created_at(const void *row, TemplateHeap *heap)
{
	return template_time(
		template_heap_take(heap, units_format_rfc3339(VOLUME->created, false)));
}

static TemplateValue get_driver(const void *row, TemplateHeap *heap)
{
	return template_string(VOLUME->driver);
}

static TemplateValue get_map(GHashTable *table, TemplateHeap *heap)
{
	return template_from_json(template_heap_json(heap, js_from_string_map(table)), NULL, heap);
}

static TemplateValue get_labels(const void *row, TemplateHeap *heap)
{
	return template_string(template_heap_take(heap, labels_format(VOLUME->labels)));
}

static TemplateValue get_mountpoint(const void *row, TemplateHeap *heap)
{
	return template_string(VOLUME->mountpoint);
}

static TemplateValue get_name(const void *row, TemplateHeap *heap)
{
	return template_string(VOLUME->name);
}

static TemplateValue get_options(const void *row, TemplateHeap *heap)
{
	return get_map(VOLUME->options, heap);
}

static TemplateValue get_scope(const void *row, TemplateHeap *heap)
{
	return template_string(VOLUME->scope);
}

static TemplateValue get_anonymous(const void *row, TemplateHeap *heap)
{
	return template_bool(VOLUME->anonymous);
}

static Json *to_json(const void *row)
{
	return inspect_volume(((const VolumeRow *)row)->engine, VOLUME, NULL);
}

/* What `volume inspect` says, too. */
static TemplateValue from_report(const void *row, const char *key, TemplateHeap *heap)
{
	Json *json = template_heap_json(heap, to_json(row));
	TemplateValue report = template_from_json(json, &report_volume_schema, heap);
	TemplateValue value = template_nil();
	(void)report.ops->lookup(report.data, key, heap, &value);
	return value;
}

#define REPORT_GETTER(function, key)                                                               \
	static TemplateValue function(const void *row, TemplateHeap *heap)                         \
	{                                                                                          \
		return from_report(row, key, heap);                                                \
	}

REPORT_GETTER(get_gid, "GID")
REPORT_GETTER(get_lock_number, "LockNumber")
REPORT_GETTER(get_mount_count, "MountCount")
REPORT_GETTER(get_needs_chown, "NeedsChown")
REPORT_GETTER(get_needs_copy_up, "NeedsCopyUp")
REPORT_GETTER(get_status, "Status")
REPORT_GETTER(get_storage_id, "StorageID")
REPORT_GETTER(get_timeout, "Timeout")
REPORT_GETTER(get_uid, "UID")

static const OutputField fields[] = {
	{"Anonymous", NULL, get_anonymous},
	{"CreatedAt", NULL, get_created_at},
	{"Driver", NULL, get_driver},
	{"GID", "GID", get_gid},
	{"Labels", NULL, get_labels},
	{"LockNumber", NULL, get_lock_number},
	{"MountCount", NULL, get_mount_count},
	{"Mountpoint", NULL, get_mountpoint},
	{"Name", "VOLUME NAME", get_name},
	{"NeedsChown", NULL, get_needs_chown},
	{"NeedsCopyUp", NULL, get_needs_copy_up},
	{"Options", NULL, get_options},
	{"Scope", NULL, get_scope},
	{"Status", NULL, get_status},
	{"StorageID", NULL, get_storage_id},
	{"Timeout", NULL, get_timeout},
	{"UID", "UID", get_uid},
	{0},
};

static bool call(const void *row, const char *name, const char *arg, TemplateHeap *heap,
		 TemplateValue *out)
{
	if (strcmp(name, "Label") != 0)
		return false;
	*out = template_string(VOLUME->labels ? g_hash_table_lookup(VOLUME->labels, arg) : NULL);
	return true;
}

static const OutputTable table = {
	.verb = "volume ls",
	.ranged = true,
	.type_name = "volumes.volumeReporter",
	.fields = fields,
	.columns = "{{.Driver}}\t{{.Name}}",
	.to_json = to_json,
	.call = call,
};

/* The rows borrow from @volumes and live as long as this call. */
static bool list_volumes(const VolumeLsOptions *opts, Engine *engine, GError **error)
{
	if (opts->quiet && opts->format)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "quiet and format flags cannot be used together");
	g_autoptr(GPtrArray) volumes = volumes_list(engine, error);
	if (!volumes || !volume_filter_apply(engine, volumes, opts->filters, error))
		return false;
	g_autofree VolumeRow *storage = g_new(VolumeRow, volumes->len + 1);
	g_autofree void **rows = g_new(void *, volumes->len + 1);
	for (size_t i = 0; i < volumes->len; i++) {
		storage[i] = (VolumeRow){volumes->pdata[i], engine};
		rows[i] = &storage[i];
	}
	const OutputOptions output = {
		.format = opts->quiet ? "{{.Name}}" : opts->format,
		.no_heading = opts->no_heading,
	};
	return output_list(&table, &output, rows, volumes->len, error);
}

static int cmd_volume_ls(Invocation *inv)
{
	g_auto(VolumeLsOptions) opts = {0};
	g_autoptr(GError) error = NULL;
	if (!command_parse(inv, (void *[]){&opts}))
		return inv->status;
	g_autoptr(Engine) engine = command_engine(inv, true, &error);
	return engine && list_volumes(&opts, engine, &error) ? 0 : command_fail(error);
}

const Command volume_ls_command = {
	.paths = (const char *const[]){"volume ls", "volume list", NULL},
	.usage = "[options]",
	.summary = "List volumes",
	.description = "Lists the volumes.",
	.examples = (const char *const[]){"skiff volume ls",
					  "skiff volume ls -q --filter dangling=true", NULL},
	.man = "# FIELDS\n\nTemplates of *--format* may use: *.Anonymous*, *.CreatedAt*, "
	       "*.Driver*, *.GID*, *.Labels*, *.LockNumber*, *.MountCount*, *.Mountpoint*, "
	       "*.Name*, "
	       "*.NeedsChown*, *.NeedsCopyUp*, *.Options*, *.Scope*, *.Status*, *.StorageID*, "
	       "*.Timeout*, *.UID*, and *.Label \"KEY\"*.\n",
	.max_args = 0,
	.groups = (const OptionGroup *const[]){&group, NULL},
	.run = cmd_volume_ls,
};
