/* SPDX-License-Identifier: Apache-2.0 */
/*
 * images: list them, one row for each name.
 */
#include <string.h>

#include "cmd/commands.h"
#include "cmd/engine_open.h"
#include "cmd/image/image_filter.h"
#include "cmd/output.h"
#include "libpod/base/error.h"
#include "libpod/base/units.h"
#include "libpod/container.h"
#include "storage/image_index.h"

#define NONE "<none>"

typedef struct {
	bool all, quiet, no_trunc, no_heading, digests, history;
	const char *format, *sort;
	GPtrArray *filters;
} ImagesOptions;

static void images_options_clear(ImagesOptions *opts)
{
	g_clear_pointer(&opts->filters, g_ptr_array_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ImagesOptions, images_options_clear)

/* One line of the list: an image under one of its names. */
typedef struct {
	const Image *image;
	char *repository, *tag;
	int64_t now; /* ns */
	bool no_trunc;
	unsigned containers; /* made from it; counted for JSON and templates only */
} ImageRow;

static void row_free(void *pointer)
{
	ImageRow *row = pointer;
	g_free(row->repository);
	g_free(row->tag);
	g_free(row);
}

typedef int (*Compare)(const ImageRow *a, const ImageRow *b);

static int by_created(const ImageRow *a, const ImageRow *b)
{
	return (a->image->created < b->image->created) - (a->image->created > b->image->created);
}

static int by_id(const ImageRow *a, const ImageRow *b)
{
	return strcmp(a->image->id, b->image->id);
}

static int by_repository(const ImageRow *a, const ImageRow *b)
{
	return strcmp(a->repository, b->repository);
}

static int by_size(const ImageRow *a, const ImageRow *b)
{
	return (a->image->size > b->image->size) - (a->image->size < b->image->size);
}

static int by_tag(const ImageRow *a, const ImageRow *b)
{
	return strcmp(a->tag, b->tag);
}

static const struct {
	const char *name;
	Compare compare;
} orders[] = {
	{"created", by_created}, {"id", by_id},   {"repository", by_repository},
	{"size", by_size},       {"tag", by_tag},
};

static Compare lookup_order(const char *name)
{
	for (size_t i = 0; i < G_N_ELEMENTS(orders); i++)
		if (strcmp(orders[i].name, name) == 0)
			return orders[i].compare;
	return NULL;
}

static const Option options[] = {
	{'a', "all", OPTION_FLAG, option_set_flag, NULL,
	 "Accepted for podman's sake: skiff keeps no intermediate images",
	 offsetof(ImagesOptions, all), 0},
	{'f', "filter", OPTION_CSV, option_set_list, "KEY=VALUE",
	 "Only these: reference, dangling, label, id, digest, before, since (after), until, "
	 "containers, intermediate, manifest, readonly; KEY!=VALUE: only others",
	 offsetof(ImagesOptions, filters), OPTION_COMMON},
	{0, "format", OPTION_VALUE, option_set_string, "FORMAT",
	 "json, jsonl, table or a Go template", offsetof(ImagesOptions, format), OPTION_COMMON},
	{'q', "quiet", OPTION_FLAG, option_set_flag, NULL, "Only the ids",
	 offsetof(ImagesOptions, quiet), OPTION_COMMON},
	{0, "no-trunc", OPTION_FLAG, option_set_flag, NULL, "Whole ids",
	 offsetof(ImagesOptions, no_trunc), OPTION_COMMON},
	{0, "digests", OPTION_FLAG, option_set_flag, NULL, "A column of digests",
	 offsetof(ImagesOptions, digests), OPTION_COMMON},
	{'n', "noheading", OPTION_FLAG, option_set_flag, NULL, "No column titles",
	 offsetof(ImagesOptions, no_heading), OPTION_COMMON},
	{0, "sort", OPTION_VALUE, option_set_string, "COLUMN",
	 "created (default), id, repository, size or tag", offsetof(ImagesOptions, sort),
	 OPTION_COMMON},
	{0, "history", OPTION_FLAG, option_set_flag, NULL, "A column of the names it has had",
	 offsetof(ImagesOptions, history), OPTION_COMMON},
	{0},
};

static const OptionGroup group = {NULL, options};

#define ROW ((const ImageRow *)row)

static TemplateValue get_repository(const void *row, TemplateHeap *heap)
{
	return template_string(ROW->repository);
}

static TemplateValue get_tag(const void *row, TemplateHeap *heap)
{
	return template_string(ROW->tag);
}

static TemplateValue get_id(const void *row, TemplateHeap *heap)
{
	const char *id = ROW->image->id;
	return template_string(template_heap_take(
		heap, ROW->no_trunc ? g_strconcat("sha256:", id, NULL) : g_strndup(id, 12)));
}

static TemplateValue get_created(const void *row, TemplateHeap *heap)
{
	g_autofree char *ago =
		units_format_ago(MAX(0, ROW->now - ROW->image->created) / 1000000000);
	return template_string(template_heap_take(heap, g_strconcat(ago, " ago", NULL)));
}

/* podman keeps the second alone. */
static TemplateValue get_created_at(const void *row, TemplateHeap *heap)
{
	int64_t second = ROW->image->created - ROW->image->created % 1000000000;
	return template_time(template_heap_take(heap, units_format_rfc3339(second, false)));
}

static TemplateValue get_containers(const void *row, TemplateHeap *heap)
{
	return template_int(ROW->containers);
}

static TemplateValue get_history(const void *row, TemplateHeap *heap)
{
	return template_string(
		template_heap_take(heap, g_strjoinv(", ", (char **)ROW->image->names)));
}

static TemplateValue get_size(const void *row, TemplateHeap *heap)
{
	return template_string(template_heap_take(heap, units_format_size(ROW->image->size)));
}

static TemplateValue get_digest(const void *row, TemplateHeap *heap)
{
	return template_string(ROW->image->digest ? ROW->image->digest : NONE);
}

static TemplateValue get_names(const void *row, TemplateHeap *heap)
{
	return template_from_strv((const char *const *)ROW->image->names, heap);
}

static TemplateValue get_repo_digests(const void *row, TemplateHeap *heap)
{
	g_auto(GStrv) digests = image_all_digests(ROW->image);
	Json *list = template_heap_json(heap, js_from_strv((const char *const *)digests));
	return template_from_json(list, NULL, heap);
}

static TemplateValue get_labels(const void *row, TemplateHeap *heap)
{
	Json *labels = template_heap_json(heap, js_from_string_map(ROW->image->config->labels));
	return template_from_json(labels, NULL, heap);
}

static TemplateValue get_parent_id(const void *row, TemplateHeap *heap)
{
	return template_string("");
}

static TemplateValue get_shared_size(const void *row, TemplateHeap *heap)
{
	return template_int(0);
}

static TemplateValue get_virtual_size(const void *row, TemplateHeap *heap)
{
	return template_int((int64_t)ROW->image->size);
}

static TemplateValue get_is_list(const void *row, TemplateHeap *heap)
{
	return template_bool(image_is_index_view(ROW->image));
}

static TemplateValue get_architecture(const void *row, TemplateHeap *heap)
{
	return template_string(ROW->image->config->architecture);
}

static TemplateValue get_os(const void *row, TemplateHeap *heap)
{
	return template_string(ROW->image->config->os);
}

static TemplateValue get_whole_id(const void *row, TemplateHeap *heap)
{
	return template_string(ROW->image->id);
}

static TemplateValue get_dangling(const void *row, TemplateHeap *heap)
{
	return template_bool(!ROW->image->names[0]);
}

static TemplateValue get_read_only(const void *row, TemplateHeap *heap)
{
	return template_bool(false);
}

static const OutputField fields[] = {
	{"Arch", NULL, get_architecture},
	{"Containers", NULL, get_containers},
	{"Created", NULL, get_created},
	{"CreatedAt", NULL, get_created_at},
	{"CreatedSince", NULL, get_created},
	{"CreatedTime", NULL, get_created_at},
	{"Dangling", NULL, get_dangling},
	{"Digest", NULL, get_digest},
	{"History", NULL, get_history},
	{"ID", "IMAGE ID", get_id},
	{"Id", NULL, get_whole_id},
	{"IsManifestList", NULL, get_is_list},
	{"Labels", NULL, get_labels},
	{"Names", NULL, get_names},
	{"Os", NULL, get_os},
	{"ParentId", NULL, get_parent_id},
	{"ReadOnly", "R/O", get_read_only},
	{"RepoDigests", NULL, get_repo_digests},
	{"RepoTags", NULL, get_names},
	{"Repository", NULL, get_repository},
	{"SharedSize", NULL, get_shared_size},
	{"Size", NULL, get_size},
	{"Tag", NULL, get_tag},
	{"VirtualSize", NULL, get_virtual_size},
	{0},
};

/* podman's keys; what is per name stands in Names. */
static Json *to_json(const void *row)
{
	const Image *image = ROW->image;
	g_autofree char *created = units_format_rfc3339(image->created, false);
	Json *json = json_object_new_object();
	js_set_string(json, "Id", image->id);
	js_set_string(json, "ParentId", "");
	js_set_take(json, "RepoTags", NULL);
	g_auto(GStrv) digests = image_all_digests(image);
	js_set_take(json, "RepoDigests", js_from_strv((const char *const *)digests));
	js_set_int(json, "Size", image->size);
	js_set_int(json, "SharedSize", 0);
	js_set_int(json, "VirtualSize", image->size);
	js_set_take(json, "Labels", js_from_string_map(image->config->labels));
	js_set_int(json, "Containers", ROW->containers);
	js_set_take(json, "Names", js_from_strv((const char *const *)image->names));
	js_set_string(json, "Digest", image->digest);
	js_set_take(json, "History", js_from_strv((const char *const *)image->names));
	js_set_int(json, "Created", image->created / 1000000000);
	js_set_string(json, "CreatedAt", created);
	return json;
}

static bool call(const void *row, const char *name, const char *arg, TemplateHeap *heap,
		 TemplateValue *out)
{
	if (strcmp(name, "Label") != 0)
		return false;
	*out = template_string(g_hash_table_lookup(ROW->image->config->labels, arg));
	return true;
}

#define COLUMNS(digest, history)                                                                   \
	"{{.Repository}}\t{{.Tag}}\t" digest "{{.ID}}\t{{.Created}}\t{{.Size}}" history

static const OutputTable table = {
	.verb = "images",
	.ranged = true,
	.type_name = "images.imageReporter",
	.fields = fields,
	.columns = COLUMNS("", ""),
	.to_json = to_json,
	.call = call,
};

/* @name NULL: <none>, also the tag of a name that ends in a digest. */
static void add_row(GPtrArray *rows, const Image *image, const char *name,
		    const ImagesOptions *opts)
{
	ImageRow *row = g_new0(ImageRow, 1);
	*row = (ImageRow){.image = image, .now = units_now(), .no_trunc = opts->no_trunc};
	const char *colon = name ? strrchr(name, ':') : NULL;
	bool tagged = colon && !strchr(colon, '/');
	row->repository = !name    ? g_strdup(NONE)
			  : tagged ? g_strndup(name, colon - name)
				   : g_strdup(name);
	row->tag = g_strdup(tagged ? colon + 1 : NONE);
	g_ptr_array_add(rows, row);
}

/* How many containers each image has: image id to GUINT_TO_POINTER(). */
static GHashTable *count_containers(Engine *engine, GError **error)
{
	g_autoptr(GPtrArray) all = containers_list(engine, error);
	if (!all)
		return NULL;
	GHashTable *counts = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	for (size_t i = 0; i < all->len; i++) {
		const char *id = container_summary(all->pdata[i])->image_id;
		unsigned n = id ? GPOINTER_TO_UINT(g_hash_table_lookup(counts, id)) : 0;
		if (id)
			g_hash_table_insert(counts, g_strdup(id), GUINT_TO_POINTER(n + 1));
	}
	return counts;
}

static int compare_rows(const void *a, const void *b, void *data)
{
	const ImageRow *const *x = a, *const *y = b;
	return (*(Compare *)data)(*x, *y);
}

/* A row for each name, or one for each image where names are no part of the output. */
static GPtrArray *build_rows(const GPtrArray *images, const ImageFilter *filter,
			     const ImagesOptions *opts, bool once)
{
	GPtrArray *rows = g_ptr_array_new_with_free_func(row_free);
	for (size_t i = 0; i < images->len; i++) {
		const Image *image = g_ptr_array_index(images, i);
		if (!image_filter_matches(filter, image))
			continue;
		if (once || !image->names[0])
			add_row(rows, image, image->names[0], opts);
		for (size_t j = 0; !once && image->names[j]; j++)
			if (image_filter_matches_name(filter, image->names[j]))
				add_row(rows, image, image->names[j], opts);
	}
	Compare order = lookup_order(opts->sort);
	g_ptr_array_sort_with_data(rows, compare_rows, &order);
	return rows;
}

/* Manifest lists stand among the images. */
static bool add_lists(Store *store, GPtrArray *images, GError **error)
{
	g_autoptr(GPtrArray) lists = image_indexes_list(store, error);
	for (size_t i = 0; lists && i < lists->len; i++)
		g_ptr_array_add(images, image_index_view(g_ptr_array_index(lists, i)));
	return lists != NULL;
}

/* Rows borrow from the images. The containers are read only if a format or a filter may ask for
 * them. */
static bool list_images(const ImagesOptions *opts, const char *name, Engine *engine, GError **error)
{
	if (opts->filters && name)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "cannot specify an image and a filter(s)");
	Store *store = engine_store(engine);
	bool counted = opts->format || image_filter_asks_for_users(opts->filters);
	g_autoptr(GHashTable) counts = counted ? count_containers(engine, error) : NULL;
	if (counted && !counts)
		return false;
	g_autoptr(ImageFilter) filter = image_filter_new(store, opts->filters, name, counts, error);
	g_autoptr(GPtrArray) images = filter ? images_list(store, error) : NULL;
	if (!images || !add_lists(store, images, error))
		return false;
	bool ids = opts->quiet && !opts->format;
	bool once = ids || output_is_json(opts->format) || g_strcmp0(opts->format, "jsonl") == 0;
	g_autoptr(GPtrArray) rows = build_rows(images, filter, opts, once);
	for (size_t i = 0; counts && i < rows->len; i++) {
		ImageRow *row = g_ptr_array_index(rows, i);
		row->containers = GPOINTER_TO_UINT(g_hash_table_lookup(counts, row->image->id));
	}
	OutputTable shown = table;
	static const char *const columns[2][2] = {
		{COLUMNS("", ""), COLUMNS("", "\t{{.History}}")},
		{COLUMNS("{{.Digest}}\t", ""), COLUMNS("{{.Digest}}\t", "\t{{.History}}")},
	};
	shown.columns = columns[opts->digests][opts->history];
	const OutputOptions output = {
		.format = ids ? "{{.ID}}" : opts->format,
		.no_heading = opts->no_heading,
	};
	return output_list(&shown, &output, rows->pdata, rows->len, error);
}

static int cmd_images(Invocation *inv)
{
	g_auto(ImagesOptions) opts = {.sort = "created"};
	g_autoptr(GError) error = NULL;
	if (!command_parse(inv, (void *[]){&opts}))
		return inv->status;
	if (!lookup_order(opts.sort))
		error_set(&error, ENGINE_ERROR_INVALID,
			  "\"%s\" is not a valid field for sorting. Choose from: created, id, "
			  "repository, size, tag",
			  opts.sort);
	g_autoptr(Engine) engine = error ? NULL : command_engine(inv, true, &error);
	if (!engine || !list_images(&opts, command_arg(inv, 0), engine, &error))
		return command_fail(error);
	return 0;
}

const Command images_command = {
	.paths = (const char *const[]){"images", "image ls", "image list", NULL},
	.usage = "[options] [IMAGE]",
	.summary = "List images",
	.description = "Lists the images in the store, newest first, or only those of one name.",
	.examples =
		(const char *const[]){"skiff images", "skiff images --filter dangling=true -q",
				      "skiff images --format '{{.Repository}}:{{.Tag}} {{.Size}}'",
				      NULL},
	.man = "# FIELDS\n\nTemplates of *--format* may use: *.Arch*, *.Os*, *.ParentId*, "
	       "*.IsManifestList*, *.SharedSize*, *.VirtualSize*, *.Containers*, *.Created*, "
	       "*.CreatedAt*, "
	       "*.CreatedSince*, "
	       "*.CreatedTime*, *.Dangling*, *.Digest*, *.History*, *.ID*, *.Id*, *.Labels*, "
	       "*.Names*, *.RepoDigests*, "
	       "*.Repository*, "
	       "*.Size*, *.Tag*, and *.Label \"KEY\"*.\n",
	.max_args = 1,
	.groups = (const OptionGroup *const[]){&group, NULL},
	.arg = COMMAND_ARG_IMAGE,
	.run = cmd_images,
};
