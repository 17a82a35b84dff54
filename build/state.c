/* SPDX-License-Identifier: Apache-2.0 */
#include "build/state.h"

#include <string.h>

#include "build/cache_image.h"
#include "libpod/base/error.h"
#include "storage/manifest.h"

static BuildState *new_state(Json *image)
{
	BuildState *state = g_new0(BuildState, 1);
	state->layers = g_ptr_array_new_with_free_func(g_free);
	state->diff_ids = g_ptr_array_new_with_free_func(g_free);
	state->image = image;
	state->steps = json_object_new_array();
	return state;
}

BuildState *build_state_new(const char *platform, GError **error)
{
	g_auto(Platform) wanted = {0};
	if (!platform)
		platform_host(&wanted);
	else if (!platform_parse(platform, &wanted, error))
		return NULL;
	Json *image = json_object_new_object();
	js_set_string(image, "architecture", wanted.architecture);
	js_set_string(image, "variant", wanted.variant);
	js_set_string(image, "os", wanted.os);
	js_set_take(image, "config", json_object_new_object());
	js_set_take(image, "history", json_object_new_array());
	return new_state(image);
}

/* Make the members sure that everybody here counts on. */
static bool complete(Json *image, GError **error)
{
	Json *config = NULL, *history = NULL;
	if (!js_get_object(image, "config", &config, error) ||
	    !js_get_array(image, "history", &history, error))
		return false;
	if (!config)
		js_set_take(image, "config", json_object_new_object());
	if (!history)
		js_set_take(image, "history", json_object_new_array());
	/* docker's, of a container that nobody has */
	json_object_object_del(image, "container_config");
	json_object_object_del(image, "container");
	json_object_object_del(image, "docker_version");
	json_object_object_del(image, "id");
	json_object_object_del(image, "parent");
	json_object_object_del(image, "rootfs");
	json_object_object_del(image, CACHE_IMAGE_MEMBER);
	return true;
}

static void add_strings(GPtrArray *list, char *const *strings)
{
	for (; strings && *strings; strings++)
		g_ptr_array_add(list, g_strdup(*strings));
}

BuildState *build_state_new_image(const Image *image, GError **error)
{
	Json *json = js_parse(image->config_text, image->config_size, "the image's config", error);
	g_autoptr(BuildState) state = json ? new_state(json) : NULL;
	if (!state || !complete(json, error))
		return NULL;
	add_strings(state->layers, image->chain_ids);
	add_strings(state->diff_ids, image->config->diff_ids);
	return g_steal_pointer(&state);
}

static Json *copy_json(Json *json)
{
	Json *copy = NULL;
	if (json_object_deep_copy(json, &copy, NULL) < 0)
		g_error("out of memory");
	return copy;
}

BuildState *build_state_copy(const BuildState *from)
{
	BuildState *state = new_state(copy_json(from->image));
	for (guint i = 0; i < from->layers->len; i++) {
		g_ptr_array_add(state->layers, g_strdup(from->layers->pdata[i]));
		g_ptr_array_add(state->diff_ids, g_strdup(from->diff_ids->pdata[i]));
	}
	js_unref(state->steps);
	state->steps = copy_json(from->steps);
	state->comment = g_strdup(from->comment);
	return state;
}

void build_state_free(BuildState *state)
{
	if (!state)
		return;
	g_ptr_array_unref(state->layers);
	g_ptr_array_unref(state->diff_ids);
	js_unref(state->image);
	js_unref(state->steps);
	g_free(state->comment);
	g_free(state);
}

static Json *strings_to_json(const GPtrArray *list)
{
	Json *json = json_object_new_array();
	for (guint i = 0; i < list->len; i++)
		json_object_array_add(json, json_object_new_string(list->pdata[i]));
	return json;
}

Json *build_state_to_json(const BuildState *state)
{
	Json *json = json_object_new_object();
	js_set_take(json, "layers", strings_to_json(state->layers));
	js_set_take(json, "diff_ids", strings_to_json(state->diff_ids));
	js_set_take(json, "image", json_object_get(state->image));
	js_set_take(json, "steps", json_object_get(state->steps));
	js_set_string(json, "comment", state->comment);
	return json;
}

BuildState *build_state_from_json(Json *json, GError **error)
{
	Json *image = NULL, *steps = NULL;
	g_auto(GStrv) layers = NULL;
	g_auto(GStrv) diff_ids = NULL;
	if (!js_get_strv(json, "layers", &layers, error) ||
	    !js_get_strv(json, "diff_ids", &diff_ids, error) ||
	    !js_get_object(json, "image", &image, error) ||
	    !js_get_array(json, "steps", &steps, error))
		return NULL;
	if (!image || !steps)
		return error_set_null(error, ENGINE_ERROR_CORRUPT, "a stage gave no result");
	g_autoptr(BuildState) state = new_state(copy_json(image));
	add_strings(state->layers, layers);
	add_strings(state->diff_ids, diff_ids);
	js_unref(state->steps);
	state->steps = copy_json(steps);
	if (!js_dup_string(json, "comment", &state->comment, error))
		return NULL;
	return g_steal_pointer(&state);
}

Json *build_state_config(BuildState *state)
{
	Json *config = NULL;
	(void)json_object_object_get_ex(state->image, "config", &config);
	return config;
}

const char *build_state_string(BuildState *state, const char *key)
{
	const char *value = NULL;
	(void)js_get_string(build_state_config(state), key, &value, NULL);
	return value ? value : "";
}

char **build_state_env(BuildState *state)
{
	char **env = NULL;
	(void)js_get_strv(build_state_config(state), "Env", &env, NULL);
	return env ? env : g_new0(char *, 1);
}

bool build_state_has_env(BuildState *state, const char *name)
{
	g_auto(GStrv) env = build_state_env(state);
	size_t size = strlen(name);
	for (char **at = env; *at; at++)
		if (strncmp(*at, name, size) == 0 && (*at)[size] == '=')
			return true;
	return false;
}

void build_state_set_env(BuildState *state, const char *name, const char *value)
{
	g_autofree char *prefix = g_strconcat(name, "=", NULL);
	g_autofree char *line = g_strconcat(prefix, value, NULL);
	g_auto(GStrv) env = build_state_env(state);
	Json *list = json_object_new_array();
	bool placed = false;
	for (char **at = env; *at; at++) {
		bool same = g_str_has_prefix(*at, prefix);
		if (!same)
			json_object_array_add(list, json_object_new_string(*at));
		else if (!placed)
			json_object_array_add(list, json_object_new_string(line));
		placed = placed || same;
	}
	if (!placed)
		json_object_array_add(list, json_object_new_string(line));
	js_set_take(build_state_config(state), "Env", list);
}

const char **build_state_layers(const BuildState *state)
{
	const char **list = g_new0(const char *, state->layers->len + 1);
	for (guint i = 0; i < state->layers->len; i++)
		list[i] = state->layers->pdata[i];
	return list;
}

const char *build_state_top(const BuildState *state)
{
	return state->layers->len ? state->layers->pdata[state->layers->len - 1] : "";
}

void build_state_add_layer(BuildState *state, const char *chain_id, const char *diff_id)
{
	g_ptr_array_add(state->layers, g_strdup(chain_id));
	g_ptr_array_add(state->diff_ids, g_strdup(diff_id));
}

void build_state_add_history(BuildState *state, const char *created, const char *created_by,
			     bool empty)
{
	Json *history = NULL, *entry = json_object_new_object();
	(void)json_object_object_get_ex(state->image, "history", &history);
	js_set_string(entry, "created", created);
	js_set_string(entry, "created_by", created_by);
	js_set_string(entry, "comment", state->comment);
	if (empty)
		js_set_bool(entry, "empty_layer", true);
	g_clear_pointer(&state->comment, g_free);
	json_object_array_add(history, entry);
}

void build_state_add_step(BuildState *state, const char *key, const char *alias,
			  const char *created, const char *created_by, bool own)
{
	Json *step = json_object_new_object(), *keys = json_object_new_array();
	json_object_array_add(keys, json_object_new_string(key));
	if (alias && strcmp(alias, key) != 0)
		json_object_array_add(keys, json_object_new_string(alias));
	js_set_take(step, "keys", keys);
	js_set_int(step, "layers", state->layers->len);
	js_set_bool(step, "own", own);
	js_set_string(step, "created", created);
	js_set_string(step, "created_by", created_by);
	json_object_array_add(state->steps, step);
}

const char *build_state_finish(BuildState *state, const char *created)
{
	Json *rootfs = json_object_new_object();
	js_set_string(rootfs, "type", "layers");
	js_set_take(rootfs, "diff_ids", strings_to_json(state->diff_ids));
	js_set_take(state->image, "rootfs", rootfs);
	js_set_string(state->image, "created", created);
	return js_text(state->image);
}
