/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A .quadlets file: whatever is in it, every file becomes a service that reads back as the same
 * text, and one that is broken becomes a service that fails.
 */
#include <glib.h>
#include <stdint.h>
#include <string.h>

#include "cmd/quadlet/quadlet_output.h"
#include "cmd/quadlet/quadlet_source.h"
#include "cmd/quadlet/unit_words.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What we write is read as what was meant. */
static void check_service(const QuadletUnit *unit)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *text = unit_file_format(unit->out);
	g_autoptr(UnitFile) again = unit_file_new();
	unsigned line = 0;
	g_assert_true(g_utf8_validate(text, -1, NULL));
	if (!unit_file_add_text(again, text, strlen(text), "again", 1, &line, &error))
		g_error("line %u: %s\n%s", line, error->message, text);
	g_autofree char *second = unit_file_format(again);
	g_assert_cmpstr(text, ==, second);
	const char *start = unit_file_get(unit->out, "Service", "ExecStart");
	g_assert_nonnull(start);
	g_assert_cmpint(quadlet_unit_is_broken(unit), ==,
			g_str_has_prefix(start, "/generator -fail"));
	g_autoptr(GPtrArray) links = quadlet_output_links(unit);
	for (size_t i = 0; i < links->len; i += 2)
		g_assert_null(strstr(links->pdata[i], "/../"));
}

/* Words that were quoted are the same words. */
static void check_words(const char *text)
{
	g_autoptr(GPtrArray) words = unit_words_split(text, UNIT_WORDS_ESCAPES, NULL);
	g_autofree char *line = unit_words_join(words);
	bool open;
	g_autoptr(GPtrArray) again = unit_words_split(line, UNIT_WORDS_ESCAPES, &open);
	g_assert_false(open);
	g_assert_cmpuint(again->len, ==, words->len);
	for (size_t i = 0; i < words->len; i++)
		g_assert_cmpstr(again->pdata[i], ==, words->pdata[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autofree char *text = g_strndup((const char *)data, size);
	check_words(text);
	g_autoptr(GPtrArray) parts = quadlet_split(text, strlen(text), NULL);
	g_auto(QuadletSet) set = {0};
	quadlet_set_init(&set, "/skiff", "/generator", true);
	for (size_t i = 0; parts && i < parts->len; i++) {
		const QuadletPart *part = parts->pdata[i];
		QuadletUnit *unit = quadlet_set_add(&set, part->name, "/q/file");
		if (unit)
			quadlet_unit_add_text(unit, part->text, part->size, "/q/file", part->line);
	}
	static const char *const names[] = {"fuzz.container", "fuzz.volume",  "fuzz.network",
					    "fuzz.pod",       "fuzz.image",   "fuzz.build",
					    "fuzz.kube",      "fuzz.artifact"};
	QuadletUnit *unit = quadlet_set_add(&set, names[size % G_N_ELEMENTS(names)], "/q/fuzz");
	if (unit)
		quadlet_unit_add_text(unit, (const char *)data, size, "/q/fuzz", 1);
	quadlet_set_translate(&set);
	for (size_t i = 0; i < set.units->len; i++)
		check_service(set.units->pdata[i]);
	return 0;
}
