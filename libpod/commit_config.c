/* SPDX-License-Identifier: Apache-2.0 */
#include "libpod/commit_config.h"

#include <string.h>

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
