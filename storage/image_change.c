/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --change of import and commit. Pure.
 */
#include "storage/image_change.h"

#include <string.h>

#include "libpod/base/error.h"
#include "libpod/base/path.h"

/* The member @key of @config, made as @type where it is missing. Borrowed. */
static Json *member(Json *config, const char *key, json_type type)
{
	Json *value = NULL;
	if (json_object_object_get_ex(config, key, &value) && json_object_is_type(value, type))
		return value;
	value = type == json_type_array ? json_object_new_array() : json_object_new_object();
	js_set_take(config, key, value);
	return value;
}

/* A JSON array of strings, or a line for the shell. */
static bool set_command(Json *config, const char *key, const char *value, GError **error)
{
	if (value[0] != '[') {
		const char *const line[] = {"/bin/sh", "-c", value, NULL};
		js_set_take(config, key, js_from_strv(line));
		return true;
	}
	g_autoptr(Json) list = js_parse(value, strlen(value), key, error);
	if (!list)
		return false;
	for (size_t i = 0; i < json_object_array_length(list); i++)
		if (!json_object_is_type(json_object_array_get_idx(list, i), json_type_string))
			return error_set(error, ENGINE_ERROR_INVALID,
					 "%s: not a list of strings: %s", key, value);
	js_set_take(config, key, g_steal_pointer(&list));
	return true;
}

/* "KEY=VALUE" or "KEY VALUE", a value perhaps in double quotes. */
static bool split_pair(const char *what, const char *text, char **out_key, char **out_value,
		       GError **error)
{
	size_t size = strcspn(text, "= \t");
	if (size == 0 || !text[size])
		return error_set(error, ENGINE_ERROR_INVALID, "%s '%s' is not KEY=VALUE", what,
				 text);
	g_autofree char *value = g_strstrip(g_strdup(text + size + 1));
	size_t length = strlen(value);
	bool quoted = length >= 2 && value[0] == '"' && value[length - 1] == '"';
	*out_key = g_strndup(text, size);
	*out_value = quoted ? g_strndup(value + 1, length - 2) : g_steal_pointer(&value);
	return true;
}

/* Set a variable, replacing an earlier one of the same name. */
static bool set_env(Json *config, const char *key, const char *text, GError **error)
{
	g_autofree char *name = NULL;
	g_autofree char *value = NULL;
	if (!split_pair("ENV", text, &name, &value, error))
		return false;
	g_autofree char *prefix = g_strconcat(name, "=", NULL);
	Json *old = member(config, key, json_type_array);
	Json *list = json_object_new_array();
	for (size_t i = 0; i < json_object_array_length(old); i++) {
		Json *item = json_object_array_get_idx(old, i);
		if (!g_str_has_prefix(json_object_get_string(item), prefix))
			json_object_array_add(list, json_object_get(item));
	}
	g_autofree char *line = g_strconcat(prefix, value, NULL);
	json_object_array_add(list, json_object_new_string(line));
	js_set_take(config, key, list);
	return true;
}

static bool set_label(Json *config, const char *key, const char *text, GError **error)
{
	g_autofree char *name = NULL;
	g_autofree char *value = NULL;
	if (!split_pair("LABEL", text, &name, &value, error))
		return false;
	js_set_string(member(config, key, json_type_object), name, value);
	return true;
}

/* Words of a set: ports get "/tcp" where no protocol is written. */
static bool set_words(Json *config, const char *key, const char *text, GError **error)
{
	bool ports = strcmp(key, "ExposedPorts") == 0;
	g_autoptr(Json) list = text[0] == '[' ? js_parse(text, strlen(text), key, error) : NULL;
	if (text[0] == '[' && !list)
		return false;
	g_auto(GStrv) words = list ? NULL : g_strsplit_set(text, " \t", -1);
	size_t n = list ? json_object_array_length(list) : g_strv_length(words);
	for (size_t i = 0; i < n; i++) {
		const char *word = list ? json_object_get_string(json_object_array_get_idx(list, i))
					: words[i];
		if (!word || !*word)
			continue;
		g_autofree char *full = ports && !strchr(word, '/')
						? g_strconcat(word, "/tcp", NULL)
						: g_strdup(word);
		js_set_take(member(config, key, json_type_object), full, json_object_new_object());
	}
	return true;
}

static bool set_text(Json *config, const char *key, const char *text, GError **error)
{
	(void)error;
	js_set_string(config, key, text);
	return true;
}

static bool set_workdir(Json *config, const char *key, const char *text, GError **error)
{
	if (text[0] != '/')
		return error_set(error, ENGINE_ERROR_INVALID,
				 "WORKDIR '%s' is not an absolute path", text);
	g_autofree char *clean = path_clean(text);
	js_set_string(config, key, clean);
	return true;
}

static bool add_onbuild(Json *config, const char *key, const char *text, GError **error)
{
	(void)error;
	json_object_array_add(member(config, key, json_type_array), json_object_new_string(text));
	return true;
}

static const struct {
	const char *name;
	const char *key;
	bool (*set)(Json *config, const char *key, const char *text, GError **error);
} instructions[] = {
	{"CMD", "Cmd", set_command},
	{"ENTRYPOINT", "Entrypoint", set_command},
	{"ENV", "Env", set_env},
	{"EXPOSE", "ExposedPorts", set_words},
	{"LABEL", "Labels", set_label},
	{"ONBUILD", "OnBuild", add_onbuild},
	{"STOPSIGNAL", "StopSignal", set_text},
	{"USER", "User", set_text},
	{"VOLUME", "Volumes", set_words},
	{"WORKDIR", "WorkingDir", set_workdir},
};

bool image_change_apply(Json *config, const char *text, GError **error)
{
	size_t size = strcspn(text, " \t=");
	for (size_t i = 0; i < G_N_ELEMENTS(instructions); i++) {
		if (strlen(instructions[i].name) != size ||
		    g_ascii_strncasecmp(instructions[i].name, text, size) != 0)
			continue;
		g_autofree char *rest = g_strdup(text[size] ? text + size + 1 : "");
		(void)g_strstrip(rest);
		if (!*rest)
			break;
		return instructions[i].set(config, instructions[i].key, rest, error);
	}
	g_autofree char *upper = g_ascii_strup(text, -1);
	bool formed = text[size] != '\0' && text[size + 1] != '\0';
	return error_set(error, ENGINE_ERROR_INVALID, "invalid change \"%s\" - %s%.*s", text,
			 formed ? "invalid instruction " : "must be formatted as KEY VALUE",
			 formed ? (int)size : 0, upper);
}
