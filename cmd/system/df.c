/* SPDX-License-Identifier: Apache-2.0 */
/*
 * system df: what is where on the disk.
 */
#include <string.h>

#include "cmd/commands.h"
#include "cmd/engine_open.h"
#include "cmd/output.h"
#include "libpod/base/error.h"
#include "libpod/base/units.h"
#include "libpod/disk_usage.h"

typedef struct {
	bool verbose;
	const char *format;
} DfOptions;

static const Option options[] = {
	{'v', "verbose", OPTION_FLAG, option_set_flag, NULL,
	 "A row for each image, container, volume", offsetof(DfOptions, verbose), OPTION_COMMON},
	{0, "format", OPTION_VALUE, option_set_string, "FORMAT", "json or a Go template",
	 offsetof(DfOptions, format), OPTION_COMMON},
	{0},
};

static const OptionGroup group = {NULL, options};

/* One line of the short form. */
typedef struct {
	const char *type;
	int64_t total, active, size, reclaimable;
} Row;

#define ROW ((const Row *)row)

static TemplateValue human(TemplateHeap *heap, int64_t bytes)
{
	return template_string(
		template_heap_take(heap, units_format_human_size((uint64_t)MAX(bytes, 0))));
}

/* "12.3MB (45%)"; rounded as Go does it. g_free() it. */
static char *reclaimable_text(const Row *row)
{
	g_autofree char *size = units_format_human_size((uint64_t)MAX(row->reclaimable, 0));
	double percent = row->size > 0 ? 100.0 * (double)row->reclaimable / (double)row->size : 0;
	return g_strdup_printf("%s (%d%%)", size, (int)(percent + 0.5));
}

static TemplateValue get_type(const void *row, TemplateHeap *heap)
{
	return template_string(ROW->type);
}

static TemplateValue get_total(const void *row, TemplateHeap *heap)
{
	return template_int(ROW->total);
}

static TemplateValue get_active(const void *row, TemplateHeap *heap)
{
	return template_int(ROW->active);
}

static TemplateValue get_size(const void *row, TemplateHeap *heap)
{
	return human(heap, ROW->size);
}

static TemplateValue get_reclaimable(const void *row, TemplateHeap *heap)
{
	return template_string(template_heap_take(heap, reclaimable_text(row)));
}

static TemplateValue get_raw_size(const void *row, TemplateHeap *heap)
{
	return template_int(ROW->size);
}

static TemplateValue get_raw_reclaimable(const void *row, TemplateHeap *heap)
{
	return template_int(ROW->reclaimable);
}

static const OutputField fields[] = {
	{"Active", NULL, get_active},
	{"RawReclaimable", "RAWRECLAIMABLE", get_raw_reclaimable},
	{"RawSize", "RAWSIZE", get_raw_size},
	{"Reclaimable", NULL, get_reclaimable},
	{"Size", NULL, get_size},
	{"Total", NULL, get_total},
	{"TotalCount", NULL, get_total},
	{"Type", NULL, get_type},
	{0},
};

/* podman's keys, docker's last. */
static Json *to_json(const void *row)
{
	g_autofree char *size = units_format_human_size((uint64_t)ROW->size);
	g_autofree char *reclaimable = reclaimable_text(row);
	Json *json = json_object_new_object();
	js_set_string(json, "Type", ROW->type);
	js_set_int(json, "Total", ROW->total);
	js_set_int(json, "Active", ROW->active);
	js_set_int(json, "RawSize", ROW->size);
	js_set_int(json, "RawReclaimable", ROW->reclaimable);
	js_set_int(json, "TotalCount", ROW->total);
	js_set_string(json, "Size", size);
	js_set_string(json, "Reclaimable", reclaimable);
	return json;
}

static const OutputTable table = {
	.verb = "df",
	.ranged = true,
	.type_name = "*system.dfSummary",
	.fields = fields,
	.columns = "{{.Type}}\t{{.Total}}\t{{.Active}}\t{{.Size}}\t{{.Reclaimable}}",
	.to_json = to_json,
};

/* Sum up what the long form shows row by row. */
static void summarize(const DiskUsage *usage, Row rows[3])
{
	rows[0] = (Row){"Images", usage->images->len, 0, usage->layers, usage->unneeded_layers};
	rows[1] = (Row){"Containers", usage->containers->len, 0, 0, 0};
	rows[2] = (Row){"Local Volumes", usage->volumes->len, 0, 0, 0};
	for (guint i = 0; i < usage->images->len; i++)
		rows[0].active += ((ImageUsage *)usage->images->pdata[i])->containers > 0;
	for (guint i = 0; i < usage->containers->len; i++) {
		const ContainerUsage *ctr = usage->containers->pdata[i];
		rows[1].active += ctr->active;
		rows[1].size += ctr->size;
		rows[1].reclaimable += ctr->active ? 0 : ctr->size;
	}
	for (guint i = 0; i < usage->volumes->len; i++) {
		const VolumeUsage *volume = usage->volumes->pdata[i];
		rows[2].active += volume->links > 0;
		rows[2].size += volume->size;
		rows[2].reclaimable += volume->links > 0 ? 0 : volume->size;
	}
}

/* A table from lines with tabs. */
static void print_lines(const char *title, GPtrArray *lines)
{
	g_autoptr(GString) text = g_string_new(NULL);
	output_align((char *const *)lines->pdata, lines->len, text);
	output_printf("%s space usage:\n\n", title);
	/* Names come from images: output_text() makes them harmless. */
	if (text->len > 0)
		g_string_truncate(text, text->len - 1);
	g_auto(GStrv) each = g_strsplit(text->str, "\n", -1);
	for (size_t i = 0; each[i]; i++)
		output_text(each[i]);
}

static char *size_text(int64_t bytes)
{
	return units_format_human_size((uint64_t)MAX(bytes, 0));
}

static void print_images(const DiskUsage *usage, int64_t now)
{
	g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);
	g_ptr_array_add(lines, g_strdup("REPOSITORY\tTAG\tIMAGE ID\tCREATED\tSIZE\tSHARED "
					"SIZE\tUNIQUE SIZE\tCONTAINERS"));
	for (guint i = 0; i < usage->images->len; i++) {
		const ImageUsage *row = usage->images->pdata[i];
		const char *name = row->image->names[0];
		const char *colon = name ? strrchr(name, ':') : NULL;
		bool tagged = colon && !strchr(colon, '/');
		g_autofree char *repository = !name    ? g_strdup("<none>")
					      : tagged ? g_strndup(name, colon - name)
						       : g_strdup(name);
		g_autofree char *ago =
			units_format_ago(MAX(0, now - row->image->created) / 1000000000);
		g_autofree char *size = size_text(row->size);
		g_autofree char *shared = size_text(row->shared);
		g_autofree char *unique = size_text(row->unique);
		g_ptr_array_add(lines,
				g_strdup_printf("%s\t%s\t%.12s\t%s\t%s\t%s\t%s\t%u", repository,
						tagged ? colon + 1 : "<none>", row->image->id, ago,
						size, shared, unique, row->containers));
	}
	print_lines("Images", lines);
}

/* On one line, whole as podman has it. g_free() it. */
static char *command_text(const ContainerSummary *s)
{
	return g_strdelimit(g_strjoinv(" ", s->command), "\n\t\r", ' ');
}

static void print_containers(const DiskUsage *usage, int64_t now)
{
	g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);
	g_ptr_array_add(lines, g_strdup("CONTAINER ID\tIMAGE\tCOMMAND\tLOCAL "
					"VOLUMES\tSIZE\tCREATED\tSTATUS\tNAMES"));
	for (guint i = 0; i < usage->containers->len; i++) {
		const ContainerUsage *row = usage->containers->pdata[i];
		const ContainerSummary *s = container_summary(row->ctr);
		g_autofree char *size = size_text(row->size);
		g_autofree char *ago = units_format_ago(MAX(0, now - s->created) / 1000000000);
		g_autofree char *command = command_text(s);
		g_ptr_array_add(lines,
				g_strdup_printf("%.12s\t%.12s\t%s\t%u\t%s\t%s\t%s\t%s", s->id,
						s->image_id ? s->image_id : "", command,
						g_strv_length(s->volume_names), size, ago,
						container_state_name(s->state), s->name));
	}
	print_lines("\nContainers", lines);
}

static void print_volumes(const DiskUsage *usage)
{
	g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);
	g_ptr_array_add(lines, g_strdup("VOLUME NAME\tLINKS\tSIZE"));
	for (guint i = 0; i < usage->volumes->len; i++) {
		const VolumeUsage *row = usage->volumes->pdata[i];
		g_autofree char *size = size_text(row->size);
		g_ptr_array_add(lines,
				g_strdup_printf("%s\t%u\t%s", row->volume->name, row->links, size));
	}
	print_lines("\nLocal Volumes", lines);
}

static bool df(const DfOptions *opts, Engine *engine, GError **error)
{
	g_autoptr(DiskUsage) usage = disk_usage_new(engine, error);
	if (!usage)
		return false;
	if (opts->verbose) {
		int64_t now = units_now();
		print_images(usage, now);
		print_containers(usage, now);
		print_volumes(usage);
		return true;
	}
	Row rows[3];
	summarize(usage, rows);
	void *const pointers[] = {&rows[0], &rows[1], &rows[2]};
	const OutputOptions output = {.format = opts->format};
	return output_list(&table, &output, pointers, G_N_ELEMENTS(pointers), error);
}

static int cmd_system_df(Invocation *inv)
{
	DfOptions opts = {0};
	g_autoptr(GError) error = NULL;
	if (!command_parse(inv, (void *[]){&opts}))
		return inv->status;
	if (opts.verbose && opts.format)
		error_set(&error, ENGINE_ERROR_INVALID,
			  "cannot combine --format and --verbose flags");
	g_autoptr(Engine) engine = error ? NULL : command_engine(inv, true, &error);
	if (!engine || !df(&opts, engine, &error))
		return command_fail(error);
	return 0;
}

const Command system_df_command = {
	.paths = (const char *const[]){"system df", NULL},
	.usage = "[options]",
	.summary = "Show what is where on the disk",
	.description = "Sums up images, containers and volumes, and what of it could be removed. A "
		       "layer that several images share counts once.",
	.examples =
		(const char *const[]){"skiff system df", "skiff system df -v",
				      "skiff system df --format '{{.Type}} {{.RawSize}}'", NULL},
	.man = "# FIELDS\n\nTemplates of *--format* may use: *.Active*, *.RawReclaimable*, "
	       "*.RawSize*, *.Reclaimable*, *.Size*, *.Total*, *.TotalCount*, *.Type*.\n",
	.max_args = 0,
	.groups = (const OptionGroup *const[]){&group, NULL},
	.run = cmd_system_df,
};
