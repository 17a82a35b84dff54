/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A TOML document, alone and as registries.conf. A refusal must name a place inside the document;
 * every value that is accepted must know its own.
 */
#include <glib.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "storage/registries_conf.h"
#include "storage/toml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Touch every value, so that a sanitizer sees what is not there. */
static size_t walk(const TomlValue *value, int depth)
{
	size_t count = 1;
	g_assert_cmpint(depth, <=, 200);
	switch (toml_kind(value)) {
	case TOML_TABLE: {
		const char *const *keys = toml_keys(value);
		for (size_t i = 0; keys[i]; i++)
			count += walk(toml_lookup(value, keys[i]), depth + 1);
		break;
	}
	case TOML_ARRAY:
		for (size_t i = 0; i < toml_length(value); i++)
			count += walk(toml_at(value, i), depth + 1);
		break;
	case TOML_STRING:
	case TOML_DATETIME:
		g_assert_true(g_utf8_validate(toml_text(value), -1, NULL));
		break;
	case TOML_INTEGER:
	case TOML_FLOAT:
	case TOML_BOOLEAN:
		g_assert_null(toml_text(value));
		break;
	}
	return count;
}

static void check_refusal(const GError *error, const char *text, size_t size)
{
	int line, column;
	size_t lines = 1;
	for (size_t i = 0; i < size; i++)
		lines += text[i] == '\n';
	g_assert_nonnull(error);
	if (sscanf(error->message, "fuzz:%d:%d: ", &line, &column) != 2)
		return;
	g_assert_cmpint(line, >=, 1);
	g_assert_cmpuint((size_t)line, <=, lines);
	g_assert_cmpint(column, >=, 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	g_autoptr(GError) error = NULL;
	g_autoptr(TomlValue) root = toml_parse(text, size, "fuzz", &error);
	if (root)
		walk(root, 0);
	else
		check_refusal(error, text, size);

	g_autofree char *copy = g_strndup(text, size);
	g_autoptr(RegistriesConf) conf = registries_conf_new();
	if (!registries_conf_add(conf, "fuzz", copy, NULL))
		return 0;
	g_autoptr(Reference) ref = reference_parse("example.com/team/app:v1", NULL);
	g_autoptr(Reference) short_name = reference_parse("app", NULL);
	g_autoptr(GPtrArray) sources = registries_conf_sources(conf, ref, NULL);
	for (size_t i = 0; sources && i < sources->len; i++) {
		const RegistrySource *source = g_ptr_array_index(sources, i);
		g_assert_true(*source->host && *source->repository);
	}
	g_autoptr(ShortName) found = registries_conf_short_name(conf, short_name, NULL);
	if (found)
		g_assert_cmpuint(found->candidates->len, >=, 1);
	return 0;
}
