/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The end of a build: the target's state becomes an image.
 */
#include <string.h>

#include "build/cache_image.h"
#include "build/solver_priv.h"
#include "libpod/base/error.h"
#include "libpod/base/units.h"
#include "libpod/events.h"
#include "storage/build_cache.h"
#include "storage/image_index.h"
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

/* --env, as one more ENV. */
static void add_env(Build *build, BuildState *state)
{
	const GPtrArray *env = build->options->env;
	g_autoptr(GString) text = g_string_new("/bin/sh -c #(nop) ENV");
	if (!env || env->len == 0)
		return;
	for (guint i = 0; i < env->len; i++) {
		const char *equals = strchr(env->pdata[i], '=');
		g_autofree char *name =
			equals ? g_strndup(env->pdata[i], equals - (char *)env->pdata[i])
			       : g_strdup(env->pdata[i]);
		const char *value = equals ? equals + 1 : g_getenv(name);
		if (!value)
			continue;
		build_state_set_env(state, name, value);
		g_string_append_printf(text, " \"%s\"=\"%s\"", name, value);
	}
	build_state_add_history(state, build->now, text->str, true);
}

/* Members that --unsetenv and --unsetlabel name, and the history if --omit-history was typed. */
static void take_out(const BuildOptions *options, BuildState *state)
{
	Json *config = build_state_config(state), *labels = NULL;
	g_auto(GStrv) env = build_state_env(state);
	Json *kept = json_object_new_array();
	for (char **at = env; *at; at++) {
		g_autofree char *name = g_strndup(*at, strcspn(*at, "="));
		if (!options->unset_env ||
		    !g_ptr_array_find_with_equal_func((GPtrArray *)options->unset_env, name,
						      g_str_equal, NULL))
			json_object_array_add(kept, json_object_new_string(*at));
	}
	if (options->unset_env)
		js_set_take(config, "Env", kept);
	else
		js_unref(kept);
	(void)json_object_object_get_ex(config, "Labels", &labels);
	for (guint i = 0; labels && options->unset_labels && i < options->unset_labels->len; i++)
		json_object_object_del(labels, options->unset_labels->pdata[i]);
	if (options->omit_history)
		json_object_object_del(state->image, "history");
}

/* The key of the image that the state would become. */
static char *image_key(const BuildState *from)
{
	g_autoptr(BuildState) state = build_state_copy(from);
	(void)build_state_finish(state, NULL);
	return cache_image_key(state->image);
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
	/* Annotations stand in a manifest. */
	char *same = build->options->annotations ? NULL : find_same(build, config, names);
	if (same)
		return same;
	const ImagePublish image = {
		.config = config,
		.config_size = strlen(config),
		.names = (const char *const *)names,
		.form = build->options->form,
		.annotations = build->options->annotations,
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
		.made = units_now(),
	};
	if (!build_cache_store(build->store, &record, &error))
		build->options->warn(build->options->data, error->message);
}

/* Is a stage the beginning of another one that was run? */
static bool is_base(const Build *build, unsigned index)
{
	for (guint i = 0; i < build->graph->stages->len; i++) {
		const Stage *stage = build->graph->stages->pdata[i];
		if (build->results[i] && stage->base->kind == STAGE_SOURCE_STAGE &&
		    stage->base->stage == index)
			return true;
	}
	return false;
}

/* The images of --cache-to: of the target's steps, and with mode=max of the other stages'. */
static bool publish_caches(Build *build, const CacheImageOptions *options, GPtrArray *out_caches,
			   GError **error)
{
	const CacheImageOptions others = {.created = options->created};
	for (guint i = 0; i < build->graph->stages->len; i++) {
		const BuildState *state = build->results[i];
		bool target = i == build->graph->target;
		if (!state || (!target && (build->options->cache_mode == BUILD_CACHE_MIN ||
					   is_base(build, i))))
			continue;
		if (!claim_layers(build, state, error))
			return false;
		char *id =
			cache_image_publish(build->store, state, target ? options : &others, error);
		if (!id)
			return false;
		g_ptr_array_insert(out_caches, target ? 0 : -1, id);
	}
	return true;
}

char *solver_make_image(Build *build, char *const *names, GPtrArray *out_caches, GError **error)
{
	BuildState *state = build->results[build->graph->target];
	add_env(build, state);
	add_labels(build, state);
	take_out(build->options, state);
	g_autofree char *key = image_key(state);
	g_autoptr(BuildRecord) record = solver_lookup(build, key);
	bool known = record && record->config && build->options->timestamp < 0 &&
		     build->options->created < 0 && !build->options->inline_cache;
	if (build->options->inline_cache)
		js_set_take(state->image, CACHE_IMAGE_MEMBER, cache_image_member(state));
	const char *config = known ? record->config : build_state_finish(state, build->now);
	solver_say(build, names[0] ? "COMMIT %s" : "COMMIT", names[0]);
	char *id = publish(build, state, config, names, error);
	if (!id)
		return NULL;
	/* Who asks for no inline cache gets no image that has one. */
	if (!known && !build->options->inline_cache)
		remember(build, key, state, config);
	solver_say(build, "--> %.12s", id);
	for (; *names; names++)
		solver_say(build, "Successfully tagged %s", *names);
	event_image(build->engine, "build", id, *names);
	const CacheImageOptions cache = {.created = build->now, .key = key, .config = config};
	if (build->options->cache_mode == BUILD_CACHE_NONE ||
	    publish_caches(build, &cache, out_caches, error))
		return id;
	g_free(id);
	return NULL;
}
