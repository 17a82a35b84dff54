/* SPDX-License-Identifier: Apache-2.0 */
#include "libpod/signals.h"

#include "libpod/base/error.h"

static void test_parse(void)
{
	static const struct {
		const char *text;
		int number; /* 0: refused */
	} rows[] = {
		{"TERM", 15},      {"SIGTERM", 15},    {"sigterm", 15},    {"Term", 15},
		{"15", 15},        {"1", 1},           {"64", 64},         {"HUP", 1},
		{"KILL", 9},       {"SIGIOT", 6},      {"ABRT", 6},        {"CLD", 17},
		{"POLL", 29},      {"RTMIN", 34},      {"SIGRTMIN+3", 37}, {"rtmin+30", 64},
		{"RTMAX", 64},     {"SIGRTMAX-1", 63}, {"RTMAX-30", 34},   {"WINCH", 28},
		{"STKFLT", 16},    {"SYS", 31},        {"015", 15},        {"", 0},
		{"SIG", 0},        {"0", 0},           {"65", 0},          {"--1", 0},
		{"TERM ", 0},      {" TERM", 0},       {"RTMIN+31", 0},    {"RTMIN-1", 0},
		{"RTMAX+1", 0},    {"RTMIN+", 0},      {"RTMIN+x", 0},     {"RTMIN+0003", 0},
		{"SIGSIGTERM", 0}, {"99999999999", 0}, {"0x9", 0},         {"foo", 0},
		{"-9", 9},         {"-HUP", 1},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autoptr(GError) error = NULL;
		int number = 0;
		bool ok = signals_parse(rows[i].text, &number, &error);
		g_test_message("'%s'", rows[i].text);
		g_assert_cmpint(ok, ==, rows[i].number != 0);
		g_assert_cmpint(number, ==, rows[i].number);
		g_assert_true(ok || error_matches(error, ENGINE_ERROR_INVALID));
	}
}

static void test_names_round_trip(void)
{
	for (int i = 1; i <= 64; i++) {
		g_autofree char *name = signals_name(i);
		int back = 0;
		g_assert_true(signals_parse(name, &back, NULL));
		g_assert_cmpint(back, ==, i);
	}
	g_autofree char *term = signals_name(15);
	g_autofree char *realtime = signals_name(37);
	g_assert_cmpstr(term, ==, "SIGTERM");
	g_assert_cmpstr(realtime, ==, "SIGRTMIN+3");
}

static void test_podmans_words(void)
{
	g_autoptr(GError) name = NULL;
	g_autoptr(GError) number = NULL;
	int out = 0;
	g_assert_false(signals_parse("foo", &out, &name));
	g_assert_cmpstr(name->message, ==, "invalid signal: foo");
	g_clear_error(&name);
	g_assert_false(signals_parse("0", &out, &name));
	g_assert_cmpstr(name->message, ==, "invalid signal: 0");
	g_assert_false(signals_parse("99", &out, &number));
	g_assert_cmpstr(number->message, ==, "valid signals are 1 through 64");
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/signals/parse/names-and-numbers", test_parse);
	g_test_add_func("/signals/name/round-trip", test_names_round_trip);
	g_test_add_func("/signals/parse/podmans-words", test_podmans_words);
	return g_test_run();
}
