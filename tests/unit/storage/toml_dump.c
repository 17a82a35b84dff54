/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads one TOML document from stdin and prints it as JSON with typed scalars, for the comparison
 * with Python's tomllib (toml_differential.py). Exit 1 and the error on stderr if it is refused.
 *
 * With -n, any number of documents, each a decimal length, a newline and that many bytes; for each
 * one line of JSON, or "refused".
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "libpod/base/json.h"
#include "storage/toml.h"

static Json *to_json(const TomlValue *value);

/* {"kind": text}: floats by their bits, so that nothing is lost in printing. */
static Json *typed(const char *kind, const char *text)
{
	Json *object = json_object_new_object();
	js_set_string(object, kind, text);
	return object;
}

static Json *float_to_json(double value)
{
	char text[64];
	if (isnan(value))
		return typed("float", "nan");
	snprintf(text, sizeof(text), "%a", value);
	return typed("float", text);
}

static Json *table_to_json(const TomlValue *table)
{
	Json *members = json_object_new_object();
	const char *const *keys = toml_keys(table);
	for (size_t i = 0; keys[i]; i++)
		js_set_take(members, keys[i], to_json(toml_lookup(table, keys[i])));
	return members;
}

static Json *array_to_json(const TomlValue *array)
{
	Json *items = json_object_new_array();
	for (size_t i = 0; i < toml_length(array); i++)
		json_object_array_add(items, to_json(toml_at(array, i)));
	return items;
}

static Json *to_json(const TomlValue *value)
{
	char number[32];
	switch (toml_kind(value)) {
	case TOML_TABLE: {
		Json *object = json_object_new_object();
		js_set_take(object, "table", table_to_json(value));
		return object;
	}
	case TOML_ARRAY:
		return array_to_json(value);
	case TOML_STRING:
		return typed("string", toml_text(value));
	case TOML_DATETIME:
		return typed("datetime", toml_text(value));
	case TOML_INTEGER:
		snprintf(number, sizeof(number), "%" PRId64, toml_integer(value));
		return typed("integer", number);
	case TOML_FLOAT:
		return float_to_json(toml_float(value));
	case TOML_BOOLEAN:
		return typed("boolean", toml_boolean(value) ? "true" : "false");
	}
	return NULL;
}

static bool dump(const char *text, size_t size)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(TomlValue) root = toml_parse(text, size, "stdin", &error);
	if (!root) {
		printf("refused\n");
		fprintf(stderr, "%s\n", error->message);
		return false;
	}
	g_autoptr(Json) json = to_json(root);
	puts(js_text(json));
	return true;
}

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "-n") == 0) {
		size_t size;
		while (scanf("%zu%*1[\n]", &size) == 1) {
			g_autofree char *text = g_malloc(size + 1);
			if (fread(text, 1, size, stdin) != size)
				return 2;
			dump(text, size);
		}
		return 0;
	}
	g_autoptr(GString) text = g_string_new(NULL);
	char buffer[4096];
	for (size_t n; (n = fread(buffer, 1, sizeof(buffer), stdin)) > 0;)
		g_string_append_len(text, buffer, n);
	return dump(text->str, text->len) ? 0 : 1;
}
