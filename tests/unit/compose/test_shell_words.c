/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/compose/shell_words.h"

static void test_words(void)
{
	static const struct {
		const char *line;
		const char *words; /* joined by "|"; NULL: refused */
	} rows[] = {
		{"", ""},
		{" a  b\tc\n", "a|b|c"},
		{"'a b' \"c d\"", "a b|c d"},
		{"a'b'\"c\"", "abc"},
		{"'' x \"\"", "|x|"},
		{"a\\ b \\\"", "a b|\""},
		{"\"a\\\"b\" 'c\\d'", "a\"b|c\\d"},
		{"#x a", "#x|a"},
		{"a; b", "a"},
		{"a && b", "a"},
		{"a > b", "a"},
		{"a '>' b", "a|>|b"},
		{"a 'b", NULL},
		{"a \"b", NULL},
		{"(a)", NULL},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_auto(GStrv) words = shell_words_split(rows[i].line);
		g_autofree char *joined = words ? g_strjoinv("|", words) : NULL;
		g_assert_cmpstr(joined, ==, rows[i].words);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/compose/shell-words/split", test_words);
	return g_test_run();
}
