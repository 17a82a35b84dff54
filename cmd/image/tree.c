/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image tree: the layers of an image, or with --whatrequires what stands on its top layer.
 */
#include <string.h>

#include "cmd/commands.h"
#include "cmd/engine_open.h"
#include "cmd/escape.h"
#include "cmd/output.h"
#include "libpod/base/error.h"
#include "storage/digest.h"
#include "storage/image.h"
#include "storage/layer.h"

typedef struct {
	bool what_requires;
} TreeOptions;

static const Option options[] = {
	{0, "whatrequires", OPTION_FLAG, option_set_flag, NULL,
	 "Show the layers and images that stand on this one", offsetof(TreeOptions, what_requires),
	 OPTION_COMMON},
	{0},
};

static const OptionGroup group = {NULL, options};

typedef struct {
	Store *store;
	GPtrArray *images;
	GString *text; /* is printed when all could be read */
	GError **error;
} Tree;

/* "4.497MB": docker's four significant digits. */
static char *format_size(uint64_t bytes)
{
	static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
	double size = (double)bytes;
	size_t unit = 0;
	for (; size >= 1000 && unit + 1 < G_N_ELEMENTS(units); unit++)
		size /= 1000;
	return g_strdup_printf("%.4g%s", size, units[unit]);
}

/* The names of images as Go prints a list. */
static void append_names(GString *text, char *const *names)
{
	g_autofree char *joined = g_strjoinv(" ", (char **)names);
	g_string_append_printf(text, "[%s]", joined);
}

/* "ID: 94fb0cb1c8a5 Size: 4.495MB Top Layer of: [...]" behind what draws the tree. */
static bool add_node(Tree *tree, const char *indent, bool last, const char *chain_id)
{
	g_autoptr(Layer) layer = layer_resolve(tree->store, chain_id, tree->error);
	if (!layer)
		return false;
	g_autofree char *size = format_size(layer->size);
	g_autoptr(GPtrArray) names = g_ptr_array_new();
	GString *text = tree->text;
	g_string_append_printf(text, "%s%sID: %.12s Size: %7s", indent, last ? "└── " : "├── ",
			       digest_hex(chain_id), size);
	for (size_t i = 0; i < tree->images->len; i++) {
		const Image *image = tree->images->pdata[i];
		size_t n = g_strv_length(image->chain_ids);
		if (n == 0 || strcmp(image->chain_ids[n - 1], chain_id) != 0)
			continue;
		for (size_t j = 0; image->names[j]; j++)
			g_ptr_array_add(names, image->names[j]);
	}
	if (names->len > 0) {
		g_ptr_array_add(names, NULL);
		g_string_append(text, " Top Layer of: ");
		append_names(text, (char *const *)names->pdata);
	}
	g_string_append_c(text, '\n');
	return true;
}

/* The different layers that stand directly on one. */
static GPtrArray *children_of(const Tree *tree, const char *chain_id)
{
	GPtrArray *children = g_ptr_array_new();
	for (size_t i = 0; i < tree->images->len; i++) {
		const Image *image = tree->images->pdata[i];
		for (size_t j = 0; image->chain_ids[j] && image->chain_ids[j + 1]; j++) {
			char *child = image->chain_ids[j + 1];
			if (strcmp(image->chain_ids[j], chain_id) == 0 &&
			    !g_ptr_array_find_with_equal_func(children, child, g_str_equal, NULL))
				g_ptr_array_add(children, child);
		}
	}
	return children;
}

/* A layer and all above it. Images have at most 500 layers, so deep it can go. */
static bool add_requiring(Tree *tree, const char *indent, bool last, const char *chain_id)
{
	g_autoptr(GPtrArray) children = children_of(tree, chain_id);
	g_autofree char *deeper = g_strconcat(indent, last ? "    " : "│   ", NULL);
	bool ok = add_node(tree, indent, last, chain_id);
	for (size_t i = 0; ok && i < children->len; i++)
		ok = add_requiring(tree, deeper, i + 1 == children->len, children->pdata[i]);
	return ok;
}

static bool add_tree(Tree *tree, const Image *image, bool what_requires)
{
	size_t n = g_strv_length(image->chain_ids);
	g_autofree char *size = format_size(image->size);
	g_string_append_printf(tree->text, "Image ID: %.12s\nTags:     ", image->id);
	append_names(tree->text, image->names);
	g_string_append_printf(tree->text, "\nSize:     %s\n%s\n", size,
			       n ? "Image Layers" : "No Image Layers");
	if (n > 0 && what_requires)
		return add_requiring(tree, "", true, image->chain_ids[n - 1]);
	for (size_t i = n; i-- > 0;)
		if (!add_node(tree, "", i == 0, image->chain_ids[i]))
			return false;
	return true;
}

static int cmd_image_tree(Invocation *inv)
{
	TreeOptions opts = {0};
	g_autoptr(GError) error = NULL;
	if (!command_parse(inv, (void *[]){&opts}))
		return inv->status;
	g_autoptr(Engine) engine = command_engine(inv, true, &error);
	if (!engine)
		return command_fail(error);
	Store *store = engine_store(engine);
	g_autoptr(Image) image = image_resolve(store, command_arg(inv, 0), &error);
	g_autoptr(GPtrArray) images = image ? images_list(store, &error) : NULL;
	g_autoptr(GString) text = g_string_new(NULL);
	Tree tree = {store, images, text, &error};
	if (!images || !add_tree(&tree, image, opts.what_requires))
		return command_fail(error);
	g_auto(GStrv) lines = g_strsplit(text->str, "\n", -1);
	for (size_t i = 0; lines[i] && lines[i][0]; i++)
		output_text(lines[i]);
	return 0;
}

const Command image_tree_command = {
	.paths = (const char *const[]){"image tree", NULL},
	.usage = "[options] IMAGE",
	.summary = "Show the layers of an image",
	.description =
		"Prints the layers of an image with their sizes, the top one first, and which "
		"images end there.",
	.examples = (const char *const[]){"skiff image tree debian",
					  "skiff image tree --whatrequires debian", NULL},
	.min_args = 1,
	.max_args = 1,
	.groups = (const OptionGroup *const[]){&group, NULL},
	.arg = COMMAND_ARG_IMAGE,
	.run = cmd_image_tree,
};
