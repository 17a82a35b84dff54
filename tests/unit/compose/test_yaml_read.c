/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/compose/yaml_read.h"

#include <string.h>
#include <sys/resource.h>

/* The documents as JSON, joined by newlines; NULL with @error. */
static char *read_json(const char *text, GError **error)
{
	g_autoptr(GPtrArray) documents = yaml_read(text, strlen(text), "f.yaml", error);
	GString *out = g_string_new(NULL);
	for (guint i = 0; documents && i < documents->len; i++) {
		g_autoptr(Json) json = node_to_json(documents->pdata[i]);
		g_string_append_printf(out, "%s%s", i ? "\n" : "", js_text(json));
	}
	return g_string_free(out, !documents);
}

static void test_texts(void)
{
	static const struct {
		const char *text, *json, *error;
	} rows[] = {
		{"", "", NULL},
		{"a: 1\n---\nb: 2\n---\n", "{\"a\":1}\n{\"b\":2}", NULL},
		{"a: \"1\"\nb: !!str 2\nc: 'x'", "{\"a\":\"1\",\"b\":\"2\",\"c\":\"x\"}", NULL},
		{"a: &x [1]\nb: *x", "{\"a\":[1],\"b\":[1]}", NULL},
		{"a: &x {p: 1, q: 1}\nb: {<<: *x, q: 2}",
		 "{\"a\":{\"p\":1,\"q\":1},\"b\":{\"p\":1,\"q\":2}}", NULL},
		{"b: {q: 2, <<: [{p: 1}, {p: 2, r: 3}]}", "{\"b\":{\"p\":1,\"q\":2,\"r\":3}}",
		 NULL},
		{"b: {'<<': x}", "{\"b\":{\"<<\":\"x\"}}", NULL},
		{"1: a\ntrue: b", "{\"1\":\"a\",\"true\":\"b\"}", NULL},
		{"a: 1\na: 2", NULL, "f.yaml:2:1: mapping key 'a' already defined"},
		{"a: *x", NULL, "f.yaml:1:4: unknown anchor 'x'"},
		{"a: &x [*x]", NULL, "f.yaml:1:8: anchor 'x' contains itself"},
		{"a: &x {<<: *x}", NULL, "f.yaml:1:12: anchor 'x' contains itself"},
		{"a: {<<: 1}", NULL, "f.yaml:1:9: '<<' takes a mapping or a list of mappings"},
		{"[a]: 1", NULL, "f.yaml:1:1: a key must be a word"},
		{"a: \"x\\0y\"", NULL, "f.yaml:1:4: a text must not hold a NUL character"},
		{"&x a: 1\n---\nb: *x", NULL, "f.yaml:3:4: unknown anchor 'x'"},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autoptr(GError) error = NULL;
		g_autofree char *json = read_json(rows[i].text, &error);
		g_assert_cmpstr(error ? error->message : NULL, ==, rows[i].error);
		g_assert_cmpstr(json, ==, rows[i].json);
	}
}

static void test_places(void)
{
	static const char text[] = "a:\n  b: [x,\n    y]\n";
	g_autoptr(GPtrArray) documents = yaml_read(text, strlen(text), "f.yaml", NULL);
	const NodeEntry *entry = node_get_entry(node_get(documents->pdata[0], "a"), "b");
	g_assert_cmpuint(entry->at.line, ==, 2);
	g_assert_cmpuint(entry->at.column, ==, 3);
	g_assert_cmpuint(node_item(entry->value, 1)->at.line, ==, 3);
	g_assert_cmpuint(node_item(entry->value, 1)->at.column, ==, 5);
	g_assert_cmpstr(entry->at.file, ==, "f.yaml");
}

/* Nine lines that stand for a billion values, or for gigabytes of one text, cost little. */
static void test_bombs(void)
{
	static const char *const leaves[] = {"x", "a long text", NULL};
	for (size_t leaf = 0; leaves[leaf]; leaf++) {
		g_autoptr(GString) text = g_string_new(NULL);
		g_autofree char *filler = g_strnfill(leaf ? 100000 : 1, 'x');
		g_string_append_printf(text, "l0: &l0 [%s]\n", filler);
		for (int i = 1; i < 10; i++) {
			g_string_append_printf(text, "l%d: &l%d [", i, i);
			for (int n = 0; n < 9; n++)
				g_string_append_printf(text, "*l%d, ", i - 1);
			g_string_append(text, "]\n");
		}
		g_autoptr(GError) error = NULL;
		g_assert_null(yaml_read(text->str, text->len, "f.yaml", &error));
		g_assert_nonnull(strstr(error->message, "too many values"));
	}
	struct rusage usage;
	g_assert_cmpint(getrusage(RUSAGE_SELF, &usage), ==, 0);
	g_assert_cmpint(usage.ru_maxrss, <, 400 * 1024);
}

static void test_depth(void)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *open = g_strnfill(100000, '[');
	g_assert_null(yaml_read(open, strlen(open), "f.yaml", &error));
	g_assert_nonnull(strstr(error->message, "nested too deeply"));
	g_clear_error(&error);
	/* Aliases deepen what is written flat. */
	g_autoptr(GString) text = g_string_new("l0: &l0 [x]\n");
	for (int i = 1; i < 80; i++)
		g_string_append_printf(text, "l%d: &l%d [*l%d]\n", i, i, i - 1);
	g_assert_null(yaml_read(text->str, text->len, "f.yaml", &error));
	g_assert_nonnull(strstr(error->message, "nested too deeply"));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/compose/yaml-read/texts", test_texts);
	g_test_add_func("/compose/yaml-read/places", test_places);
	g_test_add_func("/compose/yaml-read/bombs", test_bombs);
	g_test_add_func("/compose/yaml-read/depth", test_depth);
	return g_test_run();
}
