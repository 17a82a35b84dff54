/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/yaml.h"

#include <stdbool.h>
#include <string.h>

static void print_value(Json *value, unsigned depth, GString *out);

/* Would a reader take these plain characters for something else than this text? */
static bool needs_quotes(const char *text)
{
	static const char *const words[] = {"true", "false", "yes", "no", "on", "off",
					    "null", "y",     "n",   "~",  "",   NULL};
	g_autofree char *lower = g_ascii_strdown(text, -1);
	char *end = NULL;
	if (g_strv_contains(words, lower) || strchr("!&*-?:,[]{}#|>@`\"'% ", text[0]))
		return true;
	(void)g_ascii_strtod(text, &end);
	return *end == '\0' || strstr(text, ": ") || strstr(text, " #") ||
	       text[strlen(text) - 1] == ':' || text[strlen(text) - 1] == ' ' ||
	       g_str_has_prefix(text, "0x");
}

static bool has_control(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			return true;
	return false;
}

/* Plain where a reader takes it for the same text, else quoted. */
static void print_string(const char *text, GString *out)
{
	if (has_control(text) || !g_utf8_validate(text, -1, NULL)) {
		g_autoptr(Json) json = json_object_new_string(text);
		g_string_append(out, js_text(json)); /* JSON's quoting is YAML's */
		return;
	}
	if (!needs_quotes(text)) {
		g_string_append(out, text);
		return;
	}
	g_string_append_c(out, '\'');
	for (; *text; text++)
		g_string_append_printf(out, *text == '\'' ? "''" : "%c", *text);
	g_string_append_c(out, '\'');
}

static void print_object(Json *object, unsigned depth, GString *out)
{
	json_object_object_foreach(object, key, value)
	{
		g_string_append_printf(out, "%*s", (int)depth * 2, "");
		print_string(key, out);
		g_string_append_c(out, ':');
		print_value(value, depth, out);
	}
}

/* Dashes stand at the depth of their key, as Go's YAML has them. */
static void print_array(Json *array, unsigned depth, GString *out)
{
	for (size_t i = 0; i < json_object_array_length(array); i++) {
		Json *value = json_object_array_get_idx(array, i);
		bool object = json_object_is_type(value, json_type_object) &&
			      json_object_object_length(value) > 0;
		g_string_append_printf(out, "%*s-", (int)depth * 2, "");
		if (!object) {
			print_value(value, depth, out);
			continue;
		}
		/* The first key stands behind the dash. */
		size_t start = out->len;
		print_object(value, depth + 1, out);
		g_string_erase(out, start, depth * 2 + 1);
	}
}

/* What stands behind "key:" or "-", up to the end of its last line. */
static void print_value(Json *value, unsigned depth, GString *out)
{
	switch (json_object_get_type(value)) {
	case json_type_object:
		if (json_object_object_length(value) == 0) {
			g_string_append(out, " {}\n");
			return;
		}
		g_string_append_c(out, '\n');
		print_object(value, depth + 1, out);
		return;
	case json_type_array:
		if (json_object_array_length(value) == 0) {
			g_string_append(out, " []\n");
			return;
		}
		g_string_append_c(out, '\n');
		print_array(value, depth, out);
		return;
	case json_type_string:
		g_string_append_c(out, ' ');
		print_string(json_object_get_string(value), out);
		break;
	case json_type_null:
		g_string_append(out, " null");
		break;
	case json_type_boolean:
	case json_type_double:
	case json_type_int:
		g_string_append_printf(out, " %s", js_text(value));
		break;
	}
	g_string_append_c(out, '\n');
}

void yaml_print(Json *object, GString *out)
{
	print_object(object, 0, out);
}
