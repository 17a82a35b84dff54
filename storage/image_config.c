/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The image config: parse and validate. Runs in the CLI and in skiff-fetch.
 *
 * Everything here was written by somebody we do not know. A value that decides anything on the host
 * side is checked for its form; what is only shown (author, history, labels) is bounded by the size
 * of the whole and escaped by whoever prints it.
 */
#include "storage/image_config.h"

#include <string.h>

#include "libpod/base/error.h"
#include "libpod/base/path.h"
#include "libpod/base/wall.h"
#include "storage/digest.h"

#define CONFIG_MAX_SIZE (4u << 20)
#define MAX_LAYERS      500 /* what the kernel's overlay takes as lower directories */
#define MAX_LIST        4096
#define MAX_VALUE       (128u << 10) /* MAX_ARG_STRLEN: no longer string survives execve() */

/* Refuse control characters in a value that names something (a user, a path, a signal). */
static bool check_plain(const char *what, const char *value, size_t max, GError **error)
{
	if (!value)
		return true;
	if (strlen(value) > max)
		return error_set(error, ENGINE_ERROR_INVALID, "image config: %s is too long", what);
	for (const char *p = value; *p; p++) {
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			return error_set(error, ENGINE_ERROR_INVALID,
					 "image config: %s has a control character", what);
	}
	return true;
}

/* Bounds that hold for any list of strings that reaches execve(). */
static bool check_list(const char *what, char **list, GError **error)
{
	if (list && g_strv_length(list) > MAX_LIST)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "image config: %s has too many entries", what);
	for (size_t i = 0; list && list[i]; i++) {
		if (strlen(list[i]) >= MAX_VALUE)
			return error_set(error, ENGINE_ERROR_INVALID,
					 "image config: %s[%zu] is too long", what, i);
	}
	return true;
}

/*
 * KEY=VALUE with a key. An entry without '=' would mean "copy it from the host" to a careless
 * reader (CVE-2020-14370, CVE-2026-57231), so it is an error rather than dropped.
 */
static bool check_env(char **env, GError **error)
{
	for (size_t i = 0; env[i]; i++) {
		const char *equals = strchr(env[i], '=');
		if (!equals && !wall_stands("environment-grammar"))
			continue;
		if (!equals || equals == env[i])
			return error_set(error, ENGINE_ERROR_INVALID,
					 "image config: Env[%zu] is not KEY=VALUE", i);
		g_autofree char *key = g_strndup(env[i], (size_t)(equals - env[i]));
		if (!check_plain("an Env key", key, 4096, error))
			return false;
	}
	return check_list("Env", env, error);
}

/* The keys of an object as a list: how Docker writes sets. */
static char **object_keys(Json *object)
{
	g_autoptr(GPtrArray) keys = g_ptr_array_new();
	if (object) {
		json_object_object_foreach(object, key, value)
		{
			(void)value;
			g_ptr_array_add(keys, g_strdup(key));
		}
	}
	g_ptr_array_add(keys, NULL);
	return (char **)g_ptr_array_free(g_steal_pointer(&keys), FALSE);
}

/* Volumes become cleaned absolute paths: "/../../etc" is "/etc" of the container. */
static bool read_volumes(Json *object, ImageConfig *config, GError **error)
{
	Json *volumes = NULL;
	if (!js_get_object(object, "Volumes", &volumes, error))
		return false;
	g_auto(GStrv) keys = object_keys(volumes);
	if (!check_list("Volumes", keys, error))
		return false;
	for (size_t i = 0; keys[i]; i++) {
		if (!check_plain("a volume path", keys[i], 4095, error))
			return false;
		g_autofree char *rooted = g_strconcat("/", keys[i], NULL);
		char *clean = path_clean(rooted);
		g_free(keys[i]);
		keys[i] = clean;
		if (strcmp(clean, "/") == 0)
			return error_set(error, ENGINE_ERROR_INVALID,
					 "image config: a volume cannot be the root directory");
	}
	config->volumes = g_steal_pointer(&keys);
	return true;
}

/* Ports keep their text ("80/tcp", "8000-8010/udp"); only their characters are checked here. */
static bool read_ports(Json *object, ImageConfig *config, GError **error)
{
	Json *ports = NULL;
	if (!js_get_object(object, "ExposedPorts", &ports, error))
		return false;
	config->exposed_ports = object_keys(ports);
	for (size_t i = 0; config->exposed_ports[i]; i++) {
		const char *port = config->exposed_ports[i];
		size_t good = strspn(
			port, "0123456789-/abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
		if (port[good] || strlen(port) > 32 || !g_ascii_isdigit(port[0]))
			return error_set(error, ENGINE_ERROR_INVALID,
					 "image config: ExposedPorts has an invalid port");
	}
	return check_list("ExposedPorts", config->exposed_ports, error);
}

static bool read_labels(Json *object, ImageConfig *config, GError **error)
{
	g_clear_pointer(&config->labels, g_hash_table_unref);
	if (!js_get_string_map(object, "Labels", &config->labels, error))
		return false;
	if (!config->labels)
		config->labels = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	return true;
}

/* A relative WorkingDir is meant from the root, as docker takes it. */
static bool read_working_dir(Json *object, ImageConfig *config, GError **error)
{
	const char *dir = NULL;
	if (!js_get_string(object, "WorkingDir", &dir, error) ||
	    !check_plain("WorkingDir", dir, 4095, error))
		return false;
	if (dir && dir[0]) {
		g_autofree char *rooted = g_strconcat("/", dir, NULL);
		config->working_dir = path_clean(rooted);
	}
	return true;
}

/* Empty strings mean unset in files that Go programs write. */
static void drop_empty(char **text)
{
	if (*text && !**text)
		g_clear_pointer(text, g_free);
}

static void drop_empty_list(char ***list)
{
	if (*list && !**list)
		g_clear_pointer(list, g_strfreev);
}

/* The inner "config" object: what a container made from the image does. */
static bool read_execution(Json *object, ImageConfig *config, GError **error)
{
	Json *healthcheck = NULL;
	if (!js_dup_string(object, "User", &config->user, error) ||
	    !js_dup_string(object, "StopSignal", &config->stop_signal, error) ||
	    !js_get_strv(object, "Env", &config->env, error) ||
	    !js_get_strv(object, "Entrypoint", &config->entrypoint, error) ||
	    !js_get_strv(object, "Cmd", &config->cmd, error) ||
	    !js_get_strv(object, "Shell", &config->shell, error) ||
	    !js_get_object(object, "Healthcheck", &healthcheck, error) ||
	    !read_working_dir(object, config, error) || !read_volumes(object, config, error) ||
	    !read_ports(object, config, error) || !read_labels(object, config, error))
		return false;
	drop_empty(&config->user);
	drop_empty(&config->stop_signal);
	drop_empty_list(&config->entrypoint);
	drop_empty_list(&config->cmd);
	drop_empty_list(&config->shell);
	if (healthcheck)
		config->healthcheck = json_object_get(healthcheck);
	return (!config->env || check_env(config->env, error)) &&
	       check_list("Entrypoint", config->entrypoint, error) &&
	       check_list("Cmd", config->cmd, error) && check_list("Shell", config->shell, error) &&
	       check_plain("User", config->user, 1024, error) &&
	       check_plain("StopSignal", config->stop_signal, 32, error);
}

/* Diff ids are checked here: paths and chain ids are made of them. */
static bool read_rootfs(Json *json, ImageConfig *config, GError **error)
{
	Json *rootfs = NULL;
	const char *type = NULL;
	if (!js_get_object(json, "rootfs", &rootfs, error))
		return false;
	if (!rootfs)
		return error_set(error, ENGINE_ERROR_INVALID, "image config: rootfs is missing");
	if (!js_get_string(rootfs, "type", &type, error) ||
	    !js_get_strv(rootfs, "diff_ids", &config->diff_ids, error))
		return false;
	if (type && strcmp(type, "layers") != 0)
		return error_set(error, ENGINE_ERROR_INVALID, "image config: unknown rootfs type");
	if (!config->diff_ids)
		config->diff_ids = g_new0(char *, 1);
	if (g_strv_length(config->diff_ids) > MAX_LAYERS && wall_stands("layer-count"))
		return error_set(error, ENGINE_ERROR_INVALID,
				 "image config: more than %d layers, which no overlay can mount",
				 MAX_LAYERS);
	for (size_t i = 0; config->diff_ids[i]; i++) {
		if (!digest_check(config->diff_ids[i], error)) {
			g_prefix_error(error, "image config: rootfs.diff_ids[%zu]: ", i);
			return false;
		}
	}
	return true;
}

/* What is printed must be plain text; history is kept as it is, for `history`. */
static bool read_top(Json *json, ImageConfig *config, GError **error)
{
	Json *history = NULL;
	if (!js_dup_string(json, "created", &config->created, error) ||
	    !js_dup_string(json, "author", &config->author, error) ||
	    !js_dup_string(json, "architecture", &config->architecture, error) ||
	    !js_dup_string(json, "os", &config->os, error) ||
	    !js_dup_string(json, "variant", &config->variant, error) ||
	    !js_get_array(json, "history", &history, error))
		return false;
	if (history && json_object_array_length(history) > MAX_LIST)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "image config: history has too many entries");
	if (history)
		config->history = json_object_get(history);
	drop_empty(&config->created);
	drop_empty(&config->variant);
	return check_plain("architecture", config->architecture, 128, error) &&
	       check_plain("os", config->os, 128, error) &&
	       check_plain("variant", config->variant, 128, error) &&
	       check_plain("created", config->created, 128, error);
}

ImageConfig *image_config_parse(const char *text, size_t size, GError **error)
{
	if (size > CONFIG_MAX_SIZE)
		return error_set_null(error, ENGINE_ERROR_INVALID,
				      "image config is larger than 4 MiB");
	g_autoptr(Json) json = js_parse(text, size, "image config", error);
	if (!json)
		return NULL;
	if (!json_object_is_type(json, json_type_object))
		return error_set_null(error, ENGINE_ERROR_INVALID, "image config is not an object");
	/* A manifest has these; an image config never does (CVE-2021-41190). */
	if (json_object_object_get_ex(json, "layers", NULL) ||
	    json_object_object_get_ex(json, "manifests", NULL))
		return error_set_null(error, ENGINE_ERROR_INVALID,
				      "image config is a manifest at the same time");

	g_autoptr(ImageConfig) config = g_new0(ImageConfig, 1);
	Json *execution = NULL;
	if (!read_top(json, config, error) || !read_rootfs(json, config, error) ||
	    !js_get_object(json, "config", &execution, error))
		return NULL;
	g_autoptr(Json) none = json_object_new_object();
	if (!read_execution(execution ? execution : none, config, error))
		return NULL;
	if (!config->env)
		config->env = g_new0(char *, 1);
	return g_steal_pointer(&config);
}

void image_config_free(ImageConfig *config)
{
	if (!config)
		return;
	g_free(config->created);
	g_free(config->author);
	g_free(config->architecture);
	g_free(config->os);
	g_free(config->variant);
	g_free(config->user);
	g_strfreev(config->env);
	g_strfreev(config->entrypoint);
	g_strfreev(config->cmd);
	g_strfreev(config->volumes);
	g_strfreev(config->exposed_ports);
	g_strfreev(config->shell);
	g_free(config->working_dir);
	g_free(config->stop_signal);
	g_clear_pointer(&config->labels, g_hash_table_unref);
	g_strfreev(config->diff_ids);
	js_unref(config->healthcheck);
	js_unref(config->history);
	g_free(config);
}
