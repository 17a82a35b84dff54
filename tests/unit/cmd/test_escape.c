/* SPDX-License-Identifier: Apache-2.0 */
#include <glib.h>

#include "cmd/escape.h"

static void assert_quoted(const char *text, const char *wanted)
{
	g_autofree char *quoted = escape_quote(text);
	g_assert_cmpstr(quoted, ==, wanted);
}

static void test_quote(void)
{
	assert_quoted("abc", "\"abc\"");
	assert_quoted("a\"b\\", "\"a\\\"b\\\\\"");
	assert_quoted("\n\t\x01\x7f", "\"\\n\\t\\x01\\x7f\"");
	assert_quoted("caf\u00e9", "\"caf\u00e9\"");
	assert_quoted("\u202e", "\"\\u202e\"");
	assert_quoted("\xff", "\"\\xff\"");
}

static void assert_terminal(const char *text, bool newlines, const char *wanted)
{
	g_autofree char *escaped = escape_terminal(text, newlines);
	g_assert_cmpstr(escaped, ==, wanted);
}

static void test_terminal(void)
{
	assert_terminal("plain \u00e9\u4e2d", false, "plain \u00e9\u4e2d");
	assert_terminal("\x1b[2J", false, "\\x1b[2J");
	assert_terminal("a\rb\x08", false, "a\\x0db\\x08");
	assert_terminal("\xc2\x9b"
			"1m",
			false, "\\u009b1m");
	assert_terminal("\u202egnp.exe\u2066", false, "\\u202egnp.exe\\u2066");
	assert_terminal("\xc3(", false, "\\xc3(");
	assert_terminal("a\nb\tc", false, "a\\x0ab\\x09c");
	assert_terminal("a\nb\tc\x07", true, "a\nb\tc\\x07");
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/escape/quote", test_quote);
	g_test_add_func("/escape/terminal", test_terminal);
	return g_test_run();
}
