/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/compose/export_units.h"

#include <string.h>

#include "cmd/compose/compose_spec.h"
#include "cmd/quadlet/unit_words.h"
#include "libpod/base/wall.h"

void unit_text_init(UnitText *text, ComposeExport *export, const char *kind, const char *path)
{
	*text = (UnitText){.export = export, .kind = kind, .path = path};
	text->unit = g_string_new(NULL);
	text->main = g_string_new(NULL);
	text->service = g_string_new(NULL);
}

static void add_section(GString *out, const char *name, const GString *lines)
{
	if (lines->len > 0)
		g_string_append_printf(out, "%s[%s]\n%s", out->len ? "\n" : "", name, lines->str);
}

void unit_text_finish(UnitText *text, const char *file, bool installed)
{
	GString *out = compose_export_file(text->export, file, text->is_secret);
	add_section(out, "Unit", text->unit);
	add_section(out, text->kind, text->main);
	add_section(out, "Service", text->service);
	if (installed)
		g_string_append(out, "\n[Install]\nWantedBy=default.target\n");
	g_string_free(text->unit, TRUE);
	g_string_free(text->main, TRUE);
	g_string_free(text->service, TRUE);
}

/* Does a whole value survive on a line of its own? Quotes around it would go, too. */
static bool fits_line(const char *value)
{
	size_t length = strlen(value);
	bool ends =
		length > 0 && (g_ascii_isspace(value[0]) || g_ascii_isspace(value[length - 1]) ||
			       value[length - 1] == '\\' ||
			       (strchr("\"'", value[0]) && value[length - 1] == value[0]));
	for (const char *at = value; *at; at++)
		if ((unsigned char)*at < ' ')
			return false;
	return !ends;
}

void unit_text_put(UnitText *text, const char *key, const char *option, const char *value)
{
	bool fits = fits_line(value);
	if (!key || (option && !fits)) {
		unit_text_put_option(text, option, value);
		return;
	}
	/* A line of its own would be another key, or another section. */
	if (!fits && wall_stands("unit-lines")) {
		compose_export_note(text->export, text->path,
				    "%s= cannot hold a value with line breaks, or with spaces, "
				    "quotes or a backslash at its end",
				    key);
		return;
	}
	g_autofree char *literal = unit_words_literal(value);
	g_string_append_printf(text->main, "%s=%s\n", key, literal);
}

void unit_text_put_word(UnitText *text, const char *key, const char *word)
{
	g_autofree char *literal = unit_words_literal(word);
	g_string_append_printf(text->main, "%s=", key);
	unit_words_quote(text->main, literal);
	g_string_append_c(text->main, '\n');
}

void unit_text_put_option(UnitText *text, const char *option, const char *value)
{
	g_autofree char *word = g_strdup_printf("%s=%s", option, value);
	unit_text_put_word(text, "PodmanArgs", word);
}

void unit_text_put_pairs(UnitText *text, const char *key, const Node *value)
{
	for (size_t i = 0; i < node_count(value); i++) {
		bool map = value->kind == NODE_MAP;
		const Node *item = map ? node_entry(value, i)->value : node_item(value, i);
		g_autofree char *scalar = node_scalar_text(item);
		g_autofree char *pair = map ? g_strdup_printf("%s=%s", node_entry(value, i)->key,
							      scalar ? scalar : "")
					    : g_strdup(scalar);
		if (pair)
			unit_text_put_word(text, key, pair);
	}
}

char *export_unit_name(const ComposeExport *export, const char *key)
{
	return g_strdup_printf("%s-%s", export->project->name, key);
}

char **export_unit_containers(const ComposeExport *export, const char *service)
{
	const Node *node = node_get(node_get(export->model, "services"), service);
	int scale = node ? compose_spec_scale(node) : 0;
	char **names = g_new0(char *, (size_t)scale + 1);
	for (int i = 0; i < scale; i++)
		names[i] = scale == 1 ? export_unit_name(export, service)
				      : g_strdup_printf("%s-%s-%d", export->project->name, service,
							i + 1);
	return names;
}

static void export_networks(ComposeExport *export)
{
	const Node *networks = node_get(export->model, "networks");
	for (size_t i = 0; i < node_count(networks); i++) {
		const NodeEntry *entry = node_entry(networks, i);
		if (!node_true(entry->value, "external"))
			export_unit_network(export, entry);
	}
}

static void export_volumes(ComposeExport *export)
{
	const Node *volumes = node_get(export->model, "volumes");
	for (size_t i = 0; i < node_count(volumes); i++) {
		const NodeEntry *entry = node_entry(volumes, i);
		if (!node_true(entry->value, "external"))
			export_unit_volume(export, entry);
	}
}

void export_units(ComposeExport *export, const char *directory)
{
	const Node *services = node_get(export->model, "services");
	export_networks(export);
	export_volumes(export);
	for (size_t i = 0; i < node_count(services); i++) {
		const NodeEntry *entry = node_entry(services, i);
		int scale = compose_spec_scale(entry->value);
		if (node_get(entry->value, "build"))
			export_unit_build(export, entry, directory);
		for (int n = 1; n <= scale; n++)
			export_unit_container(export, entry, n, scale, directory);
	}
}
