/* SPDX-License-Identifier: Apache-2.0 */
#include "libpod/commit_config.h"

#include <string.h>

#include "libpod/base/error.h"

/* The image's own object, to be changed; an empty one without an image. */
static Json *image_object(const Image *image, GError **error)
{
	Json *inner = NULL;
	if (!image)
		return json_object_new_object();
	g_autoptr(Json) whole =
		js_parse(image->config_text, image->config_size, "the image's config", error);
	if (!whole || !js_get_object(whole, "config", &inner, error))
		return NULL;
	return inner ? json_object_get(inner) : json_object_new_object();
}

static void set_list(Json *config, const char *key, char *const *list)
{
	json_object_object_del(config, key);
	if (list && list[0])
		js_set_take(config, key, js_from_strv((const char *const *)list));
}

/* Docker's rule: an entrypoint of the user's drops the image's command too. */
static void set_command(Json *config, const ContainerSpec *spec)
{
	if (spec->entrypoint_set)
		set_list(config, "Entrypoint", spec->entrypoint);
	if (spec->command)
		set_list(config, "Cmd", spec->command);
	else if (spec->entrypoint_set)
		json_object_object_del(config, "Cmd");
}

/* Did skiff set the variable by itself? */
static bool is_own(const char *assignment, const Image *image)
{
	static const char *const names[] = {"container", "TERM",     "http_proxy", "https_proxy",
					    "ftp_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY",
					    "FTP_PROXY", "NO_PROXY", NULL};
	g_autofree char *name = g_strndup(assignment, strcspn(assignment, "="));
	return g_strv_contains(names, name) &&
	       (!image || !g_strv_contains((const char *const *)image->config->env, assignment));
}

/* The container's variables: those of its image and of -e and --env-file. */
static void set_env(Json *config, const ContainerSpec *spec, const Image *image)
{
	g_autoptr(GPtrArray) env = g_ptr_array_new();
	for (size_t i = 0; spec->env && spec->env[i]; i++)
		if (!is_own(spec->env[i], image))
			g_ptr_array_add(env, spec->env[i]);
	g_ptr_array_add(env, NULL);
	set_list(config, "Env", (char *const *)env->pdata);
}

static void set_exposed(Json *config, const ContainerSpec *spec)
{
	Json *ports = json_object_new_object();
	for (size_t i = 0; spec->exposed && spec->exposed[i]; i++)
		js_set_take(ports, spec->exposed[i], json_object_new_object());
	if (spec->exposed && spec->exposed[0])
		js_set_take(config, "ExposedPorts", ports);
	else
		js_unref(ports);
}

Json *commit_config(const ContainerSpec *spec, const Image *image, GError **error)
{
	Json *config = image_object(image, error);
	if (!config)
		return NULL;
	set_command(config, spec);
	set_env(config, spec, image);
	set_exposed(config, spec);
	if (spec->user)
		js_set_string(config, "User", spec->user);
	if (spec->workdir && strcmp(spec->workdir, "/") != 0)
		js_set_string(config, "WorkingDir", spec->workdir);
	if (spec->labels && g_hash_table_size(spec->labels) > 0)
		js_set_take(config, "Labels", js_from_string_map(spec->labels));
	if (spec->stop_signal_text)
		js_set_string(config, "StopSignal", spec->stop_signal_text);
	return config;
}

/* One more variable, or another value of it. */
static void merge_variable(Json *config, const char *assignment)
{
	Json *old = NULL, *list = json_object_new_array();
	size_t length = strcspn(assignment, "=");
	if (!js_get_array(config, "Env", &old, NULL))
		old = NULL;
	for (size_t i = 0; old && i < json_object_array_length(old); i++) {
		Json *item = json_object_array_get_idx(old, i);
		const char *text = json_object_get_string(item);
		if (strcspn(text, "=") != length || strncmp(text, assignment, length) != 0)
			json_object_array_add(list, json_object_get(item));
	}
	json_object_array_add(list, json_object_new_string(assignment));
	js_set_take(config, "Env", list);
}

/* Members of an object beside those that are there. */
static void merge_object(Json *config, const char *key, Json *from)
{
	Json *to = NULL;
	if (!js_get_object(config, key, &to, NULL) || !to) {
		to = json_object_new_object();
		js_set_take(config, key, to);
	}
	json_object_object_foreach(from, name, value) js_set_take(to, name, json_object_get(value));
}

/* One member of --config, of the type that it must have. */
static bool merge_member(Json *config, const char *key, json_type type, Json *value, GError **error)
{
	if (!json_object_is_type(value, type))
		return error_set(error, ENGINE_ERROR_INVALID, "--config: '%s' is no %s", key,
				 json_type_to_name(type));
	for (size_t i = 0; type == json_type_array && i < json_object_array_length(value); i++) {
		Json *item = json_object_array_get_idx(value, i);
		if (!json_object_is_type(item, json_type_string))
			return error_set(error, ENGINE_ERROR_INVALID,
					 "--config: '%s' is no list of strings", key);
		if (strcmp(key, "Env") == 0)
			merge_variable(config, json_object_get_string(item));
	}
	if (type == json_type_object && strcmp(key, "Healthcheck") != 0)
		merge_object(config, key, value);
	else if (strcmp(key, "Env") != 0)
		js_set_take(config, key, json_object_get(value));
	return true;
}

bool commit_config_merge(Json *config, const char *text, size_t size, GError **error)
{
	static const struct {
		const char *key;
		json_type type;
	} members[] = {
		{"Cmd", json_type_array},          {"Entrypoint", json_type_array},
		{"Env", json_type_array},          {"ExposedPorts", json_type_object},
		{"Healthcheck", json_type_object}, {"Labels", json_type_object},
		{"OnBuild", json_type_array},      {"Shell", json_type_array},
		{"StopSignal", json_type_string},  {"User", json_type_string},
		{"Volumes", json_type_object},     {"WorkingDir", json_type_string},
	};
	g_autoptr(Json) from = js_parse(text, size, "--config", error);
	if (!from)
		return false;
	if (!json_object_is_type(from, json_type_object))
		return error_set(error, ENGINE_ERROR_INVALID, "--config: no JSON object");
	for (size_t i = 0; i < G_N_ELEMENTS(members); i++) {
		Json *value = NULL;
		if (json_object_object_get_ex(from, members[i].key, &value) && value &&
		    !merge_member(config, members[i].key, members[i].type, value, error))
			return false;
	}
	return true;
}
