/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compose images, volumes: what the containers of a project are made of.
 */
#include <string.h>

#include "cmd/compose/compose_labels.h"
#include "cmd/compose/compose_live.h"
#include "cmd/compose/compose_verbs.h"
#include "cmd/output.h"
#include "libpod/base/units.h"
#include "libpod/volume.h"
#include "storage/image.h"
#include "storage/reference.h"

typedef struct {
	bool quiet;
	const char *format;
} ListOptions;

static const Option options[] = {
	{0, "format", OPTION_VALUE, option_set_string, "FORMAT", "table, json or a template",
	 offsetof(ListOptions, format), OPTION_COMMON},
	{'q', "quiet", OPTION_FLAG, option_set_flag, NULL, "Only ids or names",
	 offsetof(ListOptions, quiet), OPTION_COMMON},
	{0},
};

static const OptionGroup group = {NULL, options};

static TemplateValue own(TemplateHeap *heap, char *text)
{
	return template_string(template_heap_take(heap, text));
}

/* The image of one container. */
typedef struct {
	const ContainerSummary *container;
	Image *image; /* NULL: it is gone */
	char *repository, *tag;
} ImageRow;

#define IMAGE ((const ImageRow *)row)

static void image_row_free(void *data)
{
	ImageRow *row = data;
	image_free(row->image);
	g_free(row->repository);
	g_free(row->tag);
	g_free(row);
}

static ImageRow *image_row_new(Engine *engine, const ContainerSummary *container)
{
	ImageRow *row = g_new0(ImageRow, 1);
	g_autoptr(Reference) name = reference_parse(container->image_name, NULL);
	row->container = container;
	row->image = image_lookup(engine_store(engine), container->image_id, NULL);
	row->tag = g_strdup(name && name->tag ? name->tag : "<none>");
	if (name) {
		g_clear_pointer(&name->tag, g_free);
		g_clear_pointer(&name->digest, g_free);
		row->repository = reference_format(name);
	} else {
		row->repository = g_strdup("<none>");
	}
	return row;
}

static char *platform_of(const ImageRow *row)
{
	const ImageConfig *config = row->image ? row->image->config : NULL;
	if (!config || !config->os || !config->architecture)
		return g_strdup("");
	return g_strdup_printf("%s/%s%s%s", config->os, config->architecture,
			       config->variant ? "/" : "", config->variant ? config->variant : "");
}

static TemplateValue get_container(const void *row, TemplateHeap *heap)
{
	return template_string(IMAGE->container->name);
}

static TemplateValue get_repository(const void *row, TemplateHeap *heap)
{
	return template_string(IMAGE->repository);
}

static TemplateValue get_tag(const void *row, TemplateHeap *heap)
{
	return template_string(IMAGE->tag);
}

static TemplateValue get_platform(const void *row, TemplateHeap *heap)
{
	return own(heap, platform_of(row));
}

static TemplateValue get_id(const void *row, TemplateHeap *heap)
{
	return own(heap, g_strndup(IMAGE->container->image_id, 12));
}

static TemplateValue get_size(const void *row, TemplateHeap *heap)
{
	return own(heap, units_format_human_size(IMAGE->image ? IMAGE->image->size : 0));
}

static TemplateValue get_created(const void *row, TemplateHeap *heap)
{
	if (!IMAGE->image || IMAGE->image->created == 0)
		return template_string("N/A");
	int64_t age = MAX(0, units_now() - IMAGE->image->created) / 1000000000;
	g_autofree char *text = units_format_ago(age);
	return own(heap, g_strconcat(text, " ago", NULL));
}

static const OutputField image_fields[] = {
	{"Container", NULL, get_container},
	{"Repository", NULL, get_repository},
	{"Tag", NULL, get_tag},
	{"Platform", NULL, get_platform},
	{"ID", "IMAGE ID", get_id},
	{"Size", NULL, get_size},
	{"Created", NULL, get_created},
	{0},
};

/* As docker compose has it: the size in bytes, the time of the image. */
static Json *image_to_json(const void *row)
{
	Json *json = json_object_new_object();
	g_autofree char *platform = platform_of(row);
	g_autofree char *created =
		units_format_rfc3339(IMAGE->image ? IMAGE->image->created : 0, false);
	js_set_string(json, "ID", IMAGE->container->image_id);
	js_set_string(json, "ContainerName", IMAGE->container->name);
	js_set_string(json, "Repository", IMAGE->repository);
	js_set_string(json, "Tag", IMAGE->tag);
	js_set_string(json, "Platform", platform);
	js_set_int(json, "Size", IMAGE->image ? (int64_t)IMAGE->image->size : 0);
	js_set_string(json, "Created", created);
	return json;
}

static const OutputTable image_table = {
	.verb = "images",
	.type_name = "api.ImageSummary",
	.fields = image_fields,
	.columns = "{{.Container}}\t{{.Repository}}\t{{.Tag}}\t{{.Platform}}\t{{.ID}}\t{{.Size}}\t"
		   "{{.Created}}",
	.to_json = image_to_json,
};

/* Each image once. */
static void print_ids(const GPtrArray *rows)
{
	g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
	for (guint i = 0; i < rows->len; i++) {
		const ImageRow *row = rows->pdata[i];
		if (g_hash_table_add(seen, row->container->image_id))
			output_printf("%s\n", row->container->image_id);
	}
}

static int cmd_images(Invocation *inv)
{
	ListOptions opts = {0};
	g_auto(ProjectOptions) given = {0};
	g_auto(ComposeLive) live = {0};
	g_autoptr(GError) error = NULL;
	if (!command_parse(inv, (void *[]){&opts, &given}))
		return inv->status;
	g_autofree const char **services = command_args(inv, 0);
	if (!compose_live_open(&live, inv, &given, true, services, &error))
		return command_fail(error);
	g_autoptr(GPtrArray) items = compose_state_select(live.state, services, true);
	g_autoptr(GPtrArray) rows = g_ptr_array_new_with_free_func(image_row_free);
	for (guint i = 0; i < items->len; i++) {
		const Container *ctr = ((ComposeContainer *)items->pdata[i])->ctr;
		g_ptr_array_add(rows, image_row_new(live.engine, container_summary(ctr)));
	}
	const OutputOptions output = {.format = opts.format};
	if (opts.quiet)
		print_ids(rows);
	else if (!output_list(&image_table, &output, rows->pdata, rows->len, &error))
		return command_fail(error);
	return 0;
}

const Command compose_images_command = {
	.paths = (const char *const[]){"compose images", NULL},
	.usage = "[options] [SERVICE...]",
	.summary = "List the images that the containers are made from",
	.description = "Lists the containers of the project with the images they were made from.",
	.examples = (const char *const[]){"skiff compose images",
					  "skiff compose images --format json web", NULL},
	.max_args = -1,
	.groups = (const OptionGroup *const[]){&group, &project_option_group, NULL},
	.run = cmd_images,
};

/* volumes. */

#define VOLUME ((const Volume *)row)

static TemplateValue get_driver(const void *row, TemplateHeap *heap)
{
	return template_string(VOLUME->driver);
}

static TemplateValue get_name(const void *row, TemplateHeap *heap)
{
	return template_string(VOLUME->name);
}

static TemplateValue get_mountpoint(const void *row, TemplateHeap *heap)
{
	return template_string(VOLUME->mountpoint);
}

static TemplateValue get_scope(const void *row, TemplateHeap *heap)
{
	return template_string(VOLUME->scope);
}

static gint compare_keys(gconstpointer a, gconstpointer b)
{
	return strcmp(a, b);
}

/* "a=1,b=2" */
static TemplateValue get_labels(const void *row, TemplateHeap *heap)
{
	GString *text = g_string_new(NULL);
	GList *keys = VOLUME->labels ? g_hash_table_get_keys(VOLUME->labels) : NULL;
	keys = g_list_sort(keys, compare_keys);
	for (GList *at = keys; at; at = at->next)
		g_string_append_printf(text, "%s%s=%s", text->len ? "," : "",
				       (const char *)at->data,
				       (char *)g_hash_table_lookup(VOLUME->labels, at->data));
	g_list_free(keys);
	return own(heap, g_string_free(text, FALSE));
}

static const OutputField volume_fields[] = {
	{"Driver", NULL, get_driver},         {"Name", "VOLUME NAME", get_name},
	{"Mountpoint", NULL, get_mountpoint}, {"Scope", NULL, get_scope},
	{"Labels", NULL, get_labels},         {0},
};

static const OutputTable volume_table = {
	.verb = "volumes",
	.type_name = "formatter.volumeContext",
	.fields = volume_fields,
	.columns = "{{.Driver}}\t{{.Name}}",
};

/* Does a container of one of the services mount it? */
static bool is_mounted(const GPtrArray *items, const char *name)
{
	for (guint i = 0; i < items->len; i++) {
		const ContainerSummary *s =
			container_summary(((ComposeContainer *)items->pdata[i])->ctr);
		if (s->volume_names && g_strv_contains((const char *const *)s->volume_names, name))
			return true;
	}
	return false;
}

static int cmd_volumes(Invocation *inv)
{
	ListOptions opts = {0};
	g_auto(ProjectOptions) given = {0};
	g_auto(ComposeLive) live = {0};
	g_autoptr(GError) error = NULL;
	if (!command_parse(inv, (void *[]){&opts, &given}))
		return inv->status;
	g_autofree const char **services = command_args(inv, 0);
	g_autoptr(GPtrArray) all = NULL;
	if (compose_live_open(&live, inv, &given, true, services, &error))
		all = volumes_list(live.engine, &error);
	if (!all)
		return command_fail(error);
	g_autoptr(GPtrArray) items = compose_state_select(live.state, services, true);
	g_autoptr(GPtrArray) rows = g_ptr_array_new();
	for (guint i = 0; i < all->len; i++) {
		const Volume *volume = all->pdata[i];
		const char *project =
			volume->labels ? g_hash_table_lookup(volume->labels, LABEL_PROJECT) : NULL;
		bool ours = !services[0] && g_strcmp0(project, live.name) == 0;
		if (ours || is_mounted(items, volume->name))
			g_ptr_array_add(rows, all->pdata[i]);
	}
	for (guint i = 0; opts.quiet && i < rows->len; i++)
		output_text(((Volume *)rows->pdata[i])->name);
	const OutputOptions output = {
		.format = g_strcmp0(opts.format, "json") == 0 ? "jsonl" : opts.format,
	};
	if (!opts.quiet && !output_list(&volume_table, &output, rows->pdata, rows->len, &error))
		return command_fail(error);
	return 0;
}

const Command compose_volumes_command = {
	.paths = (const char *const[]){"compose volumes", NULL},
	.usage = "[options] [SERVICE...]",
	.summary = "List the volumes",
	.description = "Lists the project's volumes and those that its containers mount; of named "
		       "services only what their containers mount.",
	.examples = (const char *const[]){"skiff compose volumes -q", NULL},
	.max_args = -1,
	.groups = (const OptionGroup *const[]){&group, &project_option_group, NULL},
	.run = cmd_volumes,
};
