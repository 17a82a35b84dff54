/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image prune: images that nobody uses go.
 */
#include <stdio.h>
#include <string.h>

#include "cmd/commands.h"
#include "cmd/confirm.h"
#include "cmd/engine_open.h"
#include "cmd/image/image_filter.h"
#include "cmd/output.h"
#include "libpod/base/error.h"
#include "libpod/base/units.h"
#include "libpod/image_users.h"
#include "libpod/rootless.h"
#include "storage/layer.h"

typedef struct {
	bool all, force;
	GPtrArray *filters;
} PruneOptions;

static const Option options[] = {
	{'a', "all", OPTION_FLAG, option_set_flag, NULL,
	 "All images without a container, not only those without a name",
	 offsetof(PruneOptions, all), OPTION_COMMON},
	{'f', "force", OPTION_FLAG, option_set_flag, NULL, "Don't ask",
	 offsetof(PruneOptions, force), OPTION_COMMON},
	{0, "filter", OPTION_CSV, option_set_list, "KEY=VALUE",
	 "Only images that match: until, label, label!, id, reference, ...",
	 offsetof(PruneOptions, filters), OPTION_COMMON},
	OPTION_UNSUPPORTED(0, "build-cache", OPTION_FLAG),
	OPTION_UNSUPPORTED(0, "external", OPTION_FLAG),
	{0},
};

static const OptionGroup group = {NULL, options};

/* podman's question. */
static bool confirm(bool all, GError **error)
{
	return confirm_ask(all ? "WARNING! This command removes all images without at least one "
				 "container associated with them."
			       : "WARNING! This command removes all dangling images.",
			   error);
}

/* Add the sizes of an image's layers, each once. */
static void note_layers(Store *store, const Image *image, GHashTable *sizes)
{
	for (size_t i = 0; image->chain_ids[i]; i++) {
		if (g_hash_table_contains(sizes, image->chain_ids[i]))
			continue;
		g_autoptr(Layer) layer = layer_lookup(store, image->chain_ids[i], NULL);
		uint64_t *size = g_new(uint64_t, 1);
		*size = layer ? layer->size : 0;
		g_hash_table_insert(sizes, g_strdup(image->chain_ids[i]), size);
	}
}

/* What the layers had that are gone now. */
static uint64_t freed_size(Store *store, GHashTable *sizes)
{
	uint64_t freed = 0;
	GHashTableIter iter;
	void *chain_id, *size;
	g_hash_table_iter_init(&iter, sizes);
	while (g_hash_table_iter_next(&iter, &chain_id, &size)) {
		g_autoptr(Layer) layer = layer_lookup(store, chain_id, NULL);
		freed += layer ? 0 : *(uint64_t *)size;
	}
	return freed;
}

/* Remove all that match and that no container uses. Return: the exit code. */
static int prune(Engine *engine, const PruneOptions *opts, const ImageFilter *filter,
		 const GPtrArray *images)
{
	int status = 0;
	Store *store = engine_store(engine);
	g_autoptr(GHashTable) sizes =
		g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	for (size_t i = 0; i < images->len; i++) {
		g_autoptr(GError) error = NULL;
		const Image *image = images->pdata[i];
		if ((!opts->all && image->names[0]) || !image_filter_matches(filter, image))
			continue;
		note_layers(store, image, sizes);
		if (image_users_remove(engine, image, false, &error))
			output_printf("%s\n", image->id);
		else if (!error_matches(error, ENGINE_ERROR_IN_USE))
			status = command_fail(error);
	}
	g_autofree char *freed = units_format_size(freed_size(store, sizes));
	output_flush();
	(void)fprintf(stderr, "Total reclaimed space: %s\n", freed);
	return status;
}

static int run(const Invocation *inv, const PruneOptions *opts)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(Engine) engine = command_engine(inv, false, &error);
	if (!engine)
		return command_fail(error);
	g_autoptr(ImageFilter) filter =
		image_filter_new(engine_store(engine), opts->filters, NULL, NULL, &error);
	if (!filter)
		return command_fail(error);
	if (!opts->force && !confirm(opts->all, &error))
		return error ? command_fail(error) : 0;
	g_autoptr(GPtrArray) images = images_list(engine_store(engine), &error);
	int status = images ? prune(engine, opts, filter, images) : command_fail(error);
	if (images && !rootless_empty_trash(engine, &error))
		return command_fail(error);
	return status;
}

static int cmd_image_prune(Invocation *inv)
{
	PruneOptions opts = {0};
	bool parsed = command_parse(inv, (void *[]){&opts});
	int status = parsed ? run(inv, &opts) : inv->status;
	g_clear_pointer(&opts.filters, g_ptr_array_unref);
	return status;
}

const Command image_prune_command = {
	.paths = (const char *const[]){"image prune", NULL},
	.usage = "[options]",
	.summary = "Remove unused images",
	.description = "Removes images that have no name, or with --all every image without a "
		       "container, prints their ids and, on stderr, the space that is free now.",
	.examples =
		(const char *const[]){"skiff image prune",
				      "skiff image prune --all --force --filter until=240h", NULL},
	.max_args = 0,
	.groups = (const OptionGroup *const[]){&group, NULL},
	.run = cmd_image_prune,
};
