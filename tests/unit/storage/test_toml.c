/* SPDX-License-Identifier: Apache-2.0 */
#include <glib.h>
#include <string.h>

#include "libpod/base/error.h"
#include "storage/toml.h"

static TomlValue *parse(const char *text, GError **error)
{
	return toml_parse(text, strlen(text), "x.conf", error);
}

static void test_values(void)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(TomlValue) root = parse(
		"# comment\ntext = \"a\\u00e9\\n\"\nnumber = 0x1F\nyes = true\n"
		"list = ['a', \"b\", ] # end\n[table.inner]\nx.y = 1\n[[many]]\nn = 1\n[[many]]\n"
		"n = 2\n",
		&error);
	g_assert_no_error(error);
	const char *text = "unset";
	int64_t number = 0;
	bool yes = false;
	g_auto(GStrv) list = NULL;
	const TomlValue *table = NULL, *many = NULL;
	g_assert_true(toml_get_string(root, "text", &text, NULL));
	g_assert_cmpstr(text, ==, "a\xc3\xa9\n");
	g_assert_true(toml_get_int(root, "number", &number, NULL));
	g_assert_cmpint(number, ==, 31);
	g_assert_true(toml_get_bool(root, "yes", &yes, NULL) && yes);
	g_assert_true(toml_get_strv(root, "list", &list, NULL));
	g_assert_cmpuint(g_strv_length(list), ==, 2);
	g_assert_true(toml_get_table(root, "table", &table, NULL));
	g_assert_nonnull(toml_lookup(table, "inner"));
	g_assert_true(toml_get_tables(root, "many", &many, NULL));
	g_assert_cmpuint(toml_length(many), ==, 2);
	const char *const *keys = toml_keys(root);
	g_assert_cmpstr(keys[0], ==, "text");
	g_assert_cmpstr(keys[5], ==, "many");
	g_assert_null(keys[6]);
}

static void test_absent(void)
{
	g_autoptr(TomlValue) root = parse("", NULL);
	const char *text = "kept";
	bool flag = true;
	g_assert_true(toml_get_string(root, "none", &text, NULL));
	g_assert_cmpstr(text, ==, "kept");
	g_assert_true(toml_get_bool(root, "none", &flag, NULL) && flag);
}

static void test_places(void)
{
	static const struct {
		const char *text;
		const char *begins;
	} rows[] = {
		{"a = 1\nb =\n", "x.conf:2:4: expected a value"},
		{"a = 1\n  a = 2\n", "x.conf:2:8: 'a' already has a value (line 1)"},
		{"[t]\n[t]\n", "x.conf:2:3: 't' is declared twice (first on line 1)"},
		{"a = \"x\n\"", "x.conf:1:7: a string has no end on its line"},
		{"a = [1,\n2,\n}", "x.conf:3:1: expected a value"},
		{"a = 99999999999999999999\n", "x.conf:1:5: the number does not fit into 64 bits"},
		{"a = 1 b", "x.conf:1:7: expected the end of the line"},
		{"a = \"\\x\"", "x.conf:1:7: unknown escape in a string"},
		{"a = \"\\u0000\"", "x.conf:1:12: the escape is not a character"},
		{"\xff", "x.conf: not valid UTF-8"},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autoptr(GError) error = NULL;
		g_assert_null(parse(rows[i].text, &error));
		g_assert_true(error_matches(error, ENGINE_ERROR_INVALID));
		g_assert_cmpstr(error->message, ==, rows[i].begins);
	}
}

static void test_wrong_types(void)
{
	g_autoptr(TomlValue) root = parse("a = 1\nb = [1]\nc = []\n\n   d = 'x'\n", NULL);
	const char *text;
	bool flag;
	g_auto(GStrv) list = NULL;
	const TomlValue *table;
	g_autoptr(GError) error = NULL;
	g_assert_false(toml_get_string(root, "a", &text, &error));
	g_assert_cmpstr(error->message, ==, "x.conf:1:5: 'a' must be a string");
	g_clear_error(&error);
	g_assert_false(toml_get_strv(root, "b", &list, &error));
	g_assert_cmpstr(error->message, ==, "x.conf:2:6: 'b' must be an array of strings");
	g_clear_error(&error);
	g_assert_false(toml_get_bool(root, "d", &flag, &error));
	g_assert_cmpstr(error->message, ==, "x.conf:5:8: 'd' must be true or false");
	g_clear_error(&error);
	g_assert_false(toml_get_table(root, "c", &table, &error));
	g_clear_error(&error);
	g_assert_false(toml_get_tables(root, "b", &table, &error));
}

static void test_limits(void)
{
	g_autofree char *brackets = g_strnfill(100000, '[');
	g_autofree char *deep = g_strconcat("a = ", brackets, NULL);
	g_autofree char *huge = g_strnfill((1 << 20) + 1, '\n');
	g_autoptr(GString) dotted = g_string_new("a");
	for (int i = 0; i < 10000; i++)
		g_string_append(dotted, ".a");
	g_string_append(dotted, " = 1");
	g_assert_null(parse(deep, NULL));
	g_assert_null(parse(huge, NULL));
	g_assert_null(parse(dotted->str, NULL));
	/* Many equal prefixes: no quadratic cost, no stack. */
	g_autoptr(GString) many = g_string_new(NULL);
	for (int i = 0; i < 20000; i++)
		g_string_append_printf(many, "[t%d]\nk = %d\n", i, i);
	g_autoptr(TomlValue) root = parse(many->str, NULL);
	g_assert_nonnull(root);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/toml/values", test_values);
	g_test_add_func("/toml/absent", test_absent);
	g_test_add_func("/toml/places", test_places);
	g_test_add_func("/toml/wrong-types", test_wrong_types);
	g_test_add_func("/toml/limits", test_limits);
	return g_test_run();
}
