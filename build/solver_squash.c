/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --squash-all: the files of all layers, the base's too, as one layer.
 */
#include "build/solver_step.h"
#include "libpod/base/error.h"

/* The LayerMaker: a copy of all that is there. */
static bool make_whole(StageRun *run, const char *layer_dir, void *data, bool *out_empty,
		       GError **error)
{
	bool is_dir = true;
	RunPart part = {.layers = data, .root_fd = -1, .source = (char *)"/", .dress = true};
	g_autofree char *diff = g_strconcat(layer_dir, "/diff", NULL);
	return run_part_copy(run->build, &part, diff, &is_dir, error);
}

/* No entry of the history has a layer of its own any more. */
static void empty_history(BuildState *state)
{
	Json *history = NULL;
	(void)json_object_object_get_ex(state->image, "history", &history);
	for (size_t i = 0; history && i < json_object_array_length(history); i++) {
		Json *entry = json_object_array_get_idx(history, i);
		if (json_object_is_type(entry, json_type_object))
			js_set_bool(entry, "empty_layer", true);
	}
}

bool solver_squash_all(StageRun *run, GError **error)
{
	BuildState *state = run->state;
	if (!run->build->options->squash_all || run->stage->index != run->build->graph->target ||
	    state->layers->len < 2)
		return true;
	g_autofree const char **borrowed = build_state_layers(state);
	g_auto(GStrv) layers = g_strdupv((char **)borrowed);
	g_autoptr(CacheKey) key = cache_key_new();
	cache_key_add(key, "instruction", "all layers as one");
	cache_key_add(key, "layers", build_state_top(state));
	solver_key_timestamp(run, key);
	g_ptr_array_set_size(state->layers, 0);
	g_ptr_array_set_size(state->diff_ids, 0);
	empty_history(state);
	/* The image has none of the layers of the steps so far: its cache cannot tell of them. */
	js_unref(state->steps);
	state->steps = json_object_new_array();
	LayerStep step = {
		.i = run->stage->from,
		.key = key,
		.created_by = (char *)"/bin/sh -c #(nop) all layers as one",
		.make = make_whole,
		.data = layers,
	};
	return solver_layer_step(run, &step, error);
}
