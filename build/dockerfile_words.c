/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Words, flags and JSON arrays of a line.
 */
#include "build/dockerfile_words.h"

#include <string.h>

#include "libpod/base/json.h"

/* The strings of a pointer array as a vector. */
static char **take_strings(GPtrArray *strings)
{
	g_ptr_array_add(strings, NULL);
	return (char **)g_ptr_array_free(strings, FALSE);
}

/* The end of the word at @c. */
static const char *word_end(const char *c, char escape)
{
	char quote = '\0';
	for (; *c && (quote || !g_ascii_isspace(*c)); c++) {
		if (*c == escape && quote != '\'' && c[1])
			c++;
		else if (quote && *c == quote)
			quote = '\0';
		else if (!quote && (*c == '"' || *c == '\''))
			quote = *c;
	}
	return c;
}

char **dockerfile_words(const char *text, char escape)
{
	GPtrArray *words = g_ptr_array_new();
	for (const char *c = text; *c;) {
		if (g_ascii_isspace(*c)) {
			c++;
			continue;
		}
		const char *end = word_end(c, escape);
		size_t size = (size_t)(end - c);
		/* An escape at the very end escapes nothing. */
		if (!*end && end[-1] == escape && (size == 1 || end[-2] != escape))
			size--;
		if (size > 0)
			g_ptr_array_add(words, g_strndup(c, size));
		c = end;
	}
	return take_strings(words);
}

/* A flag without its quotes and escapes. Return: behind it. */
static const char *take_flag(const char *c, GString *flag)
{
	char quote = '\0';
	for (; *c && (quote || !g_ascii_isspace(*c)); c++) {
		if (quote && *c == quote)
			quote = '\0';
		else if (!quote && (*c == '"' || *c == '\''))
			quote = *c;
		else if (*c == '\\' && quote != '\'' && c[1])
			g_string_append_c(flag, *++c);
		else
			g_string_append_c(flag, *c);
	}
	return c;
}

static const char *skip_blanks(const char *c)
{
	while (g_ascii_isspace(*c))
		c++;
	return c;
}

char **dockerfile_take_flags(const char **io_text)
{
	GPtrArray *flags = g_ptr_array_new();
	const char *c = skip_blanks(*io_text);
	while (g_str_has_prefix(c, "--")) {
		GString *flag = g_string_new(NULL);
		c = skip_blanks(take_flag(c, flag));
		bool last = strcmp(flag->str, "--") == 0;
		if (last)
			g_string_free(flag, TRUE);
		else
			g_ptr_array_add(flags, g_string_free(flag, FALSE));
		if (last)
			break;
	}
	*io_text = c;
	return take_strings(flags);
}

const char *dockerfile_skip_keyword(const char *text)
{
	text = skip_blanks(text);
	while (*text && !g_ascii_isspace(*text))
		text++;
	return skip_blanks(text);
}

DockerfileJson dockerfile_json_array(const char *text, char ***out)
{
	text = skip_blanks(text);
	if (*text != '[')
		return DOCKERFILE_JSON_NONE;
	g_autoptr(Json) json = js_parse(text, strlen(text), "arguments", NULL);
	if (!json || !json_object_is_type(json, json_type_array))
		return DOCKERFILE_JSON_NONE;
	g_autoptr(Json) holder = json_object_new_object();
	js_set_take(holder, "arguments", g_steal_pointer(&json));
	return js_get_strv(holder, "arguments", out, NULL) ? DOCKERFILE_JSON_STRINGS
							   : DOCKERFILE_JSON_OTHER;
}
