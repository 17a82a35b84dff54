/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/compose/dotenv.h"

#include <string.h>

static const char *lookup(const char *name, void *data)
{
	return strcmp(name, "OUT") == 0 ? "o" : NULL;
}

/* "NAME=VALUE|NAME" of a file, or NULL with its error in @error. */
static char *parse(const char *text, bool raw, GError **error)
{
	const Interpolation outer = {.lookup = lookup};
	g_autoptr(GPtrArray) pairs = dotenv_parse(text, "f.env", &outer, raw, error);
	GString *out = g_string_new(NULL);
	for (guint i = 0; pairs && i < pairs->len; i++) {
		const DotenvPair *pair = pairs->pdata[i];
		g_string_append_printf(out, "%s%s%s%s", i ? "|" : "", pair->name,
				       pair->value ? "=" : "", pair->value ? pair->value : "");
	}
	return g_string_free(out, !pairs);
}

static void test_files(void)
{
	static const struct {
		const char *text, *result, *error;
	} rows[] = {
		{"", "", NULL},
		{"\xef\xbb\xbf# c\n\n A=1\r\n", "A=1", NULL},
		{"export A=1\nB: 2\nC = 3", "A=1|B=2|C=3", NULL},
		{"A=b # c\nB=b#c\nC=#c\n", "A=b|B=b#c|C=", NULL},
		{"OUT\nNONE\n", "OUT=o|NONE", NULL},
		{"A='$OUT \\n'\nB=\"$OUT\\n\\\"\\$\\\\\"\n", "A=$OUT \\n|B=o\n\"$\\", NULL},
		{"A=\"x\ny\" # c\nB='p\nq'\n", "A=x\ny|B=p\nq", NULL},
		{"A=1\nB=$A${A}\nA=2\nC=$A", "A=1|B=11|A=2|C=2", NULL},
		{"OUT=x\nA=$OUT", "OUT=x|A=o", NULL},
		{"A=\"\\0101\\t\"", "A=A\t", NULL},
		{"A.b-c[0]=1", "A.b-c[0]=1", NULL},
		{"A=1\nB=\"x\n", NULL, "f.env: line 2: unterminated quoted value"},
		{"A='x' y", NULL, "f.env: line 1: unexpected characters behind a quote: 'y'"},
		{"\n=x", NULL, "f.env: line 2: unexpected character in variable name near \"=x\""},
		{"A=${x!}", NULL, "f.env: line 1: Invalid template: \"${x!}\""},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autoptr(GError) error = NULL;
		g_autofree char *result = parse(rows[i].text, false, &error);
		g_assert_cmpstr(result, ==, rows[i].result);
		g_assert_cmpstr(error ? error->message : NULL, ==, rows[i].error);
	}
}

static void test_raw(void)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *result = parse("A=\"1\" $B # c\nOUT\n# x\nB=\n", true, &error);
	g_assert_cmpstr(result, ==, "A=\"1\" $B # c|OUT=o|B=");
	g_autofree char *bad = parse("A B=1", true, &error);
	g_assert_null(bad);
	g_assert_nonnull(error);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/compose/dotenv/files", test_files);
	g_test_add_func("/compose/dotenv/raw", test_raw);
	return g_test_run();
}
