/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The end of a build: the target's state becomes an image.
 */
#include <string.h>

#include "build/solver_priv.h"
#include "libpod/base/error.h"
#include "libpod/events.h"
#include "storage/build_cache.h"
#include "storage/layer.h"

/* --label, as one more LABEL. */
static void add_labels(Build *build, BuildState *state)
{
	const GPtrArray *labels = build->options->labels;
	Json *config = build_state_config(state), *object = NULL;
	g_autoptr(GString) text = g_string_new("/bin/sh -c #(nop) LABEL");
	if (!labels || labels->len == 0)
		return;
	if (!json_object_object_get_ex(config, "Labels", &object) || !object) {
		object = json_object_new_object();
		js_set_take(config, "Labels", object);
	}
	for (guint i = 0; i < labels->len; i++) {
		g_auto(GStrv) pair = g_strsplit(labels->pdata[i], "=", 2);
		js_set_string(object, pair[0], pair[1] ? pair[1] : "");
		g_string_append_printf(text, " \"%s\"=\"%s\"", pair[0], pair[1] ? pair[1] : "");
	}
	build_state_add_history(state, build->now, text->str, true);
}

/* All of the image but its times. */
static char *image_key(const BuildState *from)
{
	g_autoptr(BuildState) state = build_state_copy(from);
	Json *history = NULL;
	(void)json_object_object_get_ex(state->image, "history", &history);
	for (size_t i = 0; history && i < json_object_array_length(history); i++)
		json_object_object_del(json_object_array_get_idx(history, i), "created");
	g_autoptr(CacheKey) key = cache_key_new();
	cache_key_add(key, "image", build_state_finish(state, NULL));
	return cache_key_hex(key);
}

/* The layers stay until the image is recorded; each must be there. */
static bool claim_layers(Build *build, const BuildState *state, GError **error)
{
	for (guint i = 0; i < state->layers->len; i++) {
		g_autoptr(GError) failed = NULL;
		g_autoptr(Layer) layer =
			layer_claim(build->store, build->stage, state->layers->pdata[i], &failed);
		if (layer)
			continue;
		if (failed) {
			g_propagate_error(error, g_steal_pointer(&failed));
			return false;
		}
		error_set(error, ENGINE_ERROR_NOT_FOUND, "layer '%s' was removed meanwhile",
			  (const char *)state->layers->pdata[i]);
		error_add_help(error, "build again");
		return false;
	}
	return true;
}

/* An image of before with exactly this config and these names: nothing has to be written. */
static char *find_same(Build *build, const char *config, char *const *names)
{
	g_autofree char *id = g_compute_checksum_for_string(G_CHECKSUM_SHA256, config, -1);
	g_autoptr(Image) image = image_lookup(build->store, id, NULL);
	if (!image || strcmp(image->id, id) != 0)
		return NULL;
	for (; *names; names++)
		if (!g_strv_contains((const char *const *)image->names, *names))
			return NULL;
	return g_steal_pointer(&id);
}

/* Record it. */
static char *publish(Build *build, const BuildState *state, const char *config, char *const *names,
		     GError **error)
{
	char *same = find_same(build, config, names);
	if (same)
		return same;
	const ImagePublish image = {
		.config = config,
		.config_size = strlen(config),
		.names = (const char *const *)names,
	};
	return claim_layers(build, state, error) ? image_publish(build->store, &image, error)
						 : NULL;
}

/* For the next build of the same: its times. A failure costs that only. */
static void remember(Build *build, const char *key, const BuildState *state, const char *config)
{
	g_autoptr(GError) error = NULL;
	g_autofree const char **layers = build_state_layers(state);
	const BuildRecord record = {
		.key = (char *)key,
		.layers = (char **)layers,
		.created = build->now,
		.created_by = (char *)"image",
		.config = (char *)config,
	};
	if (!build_cache_store(build->store, &record, &error))
		build->options->warn(build->options->data, error->message);
}

char *solver_make_image(Build *build, char *const *names, GError **error)
{
	BuildState *state = build->results[build->graph->target];
	add_labels(build, state);
	g_autofree char *key = image_key(state);
	g_autoptr(BuildRecord) record =
		build->options->no_cache ? NULL : build_cache_lookup(build->store, key);
	bool known = record && record->config && build->options->timestamp < 0 &&
		     build->options->created < 0;
	const char *config = known ? record->config : build_state_finish(state, build->now);
	solver_say(build, names[0] ? "COMMIT %s" : "COMMIT", names[0]);
	char *id = publish(build, state, config, names, error);
	if (!id)
		return NULL;
	if (!known)
		remember(build, key, state, config);
	solver_say(build, "--> %.12s", id);
	for (; *names; names++)
		solver_say(build, "Successfully tagged %s", *names);
	event_image(build->engine, "build", id, *names);
	return id;
}
