/* SPDX-License-Identifier: Apache-2.0 */
#include <glib.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <pty.h>
#include <unistd.h>

#include "cmd/escape.h"
#include "cmd/progress.h"

typedef struct {
	int master, slave;
	Progress *progress;
} Fixture;

static void set_size(const Fixture *f, unsigned short columns, unsigned short rows)
{
	const struct winsize size = {.ws_col = columns, .ws_row = rows};
	g_assert_cmpint(ioctl(f->master, TIOCSWINSZ, &size), ==, 0);
}

static void set_up(Fixture *f, const void *data)
{
	g_setenv("NO_COLOR", "1", TRUE);
	g_assert_cmpint(openpty(&f->master, &f->slave, NULL, NULL, NULL), ==, 0);
	set_size(f, 30, 6);
	f->progress = progress_new(f->slave);
}

static void tear_down(Fixture *f, const void *data)
{
	progress_free(f->progress);
	g_assert_cmpint(close(f->slave), ==, 0);
	g_assert_cmpint(close(f->master), ==, 0);
}

/* What came to the terminal, with its newlines as we wrote them; E is an escape. A terminal hands
 * on what was written piece by piece. */
static void assert_shown(const Fixture *f, const char *wanted)
{
	g_autoptr(GString) text = g_string_new(NULL);
	struct pollfd from = {.fd = f->master, .events = POLLIN};

	while ((text->len < strlen(wanted) || g_str_has_suffix(text->str, "\r")) &&
	       poll(&from, 1, 10000) > 0) {
		char got[4096];
		ssize_t n = read(f->master, got, sizeof got);
		g_assert_cmpint(n, >, 0);
		g_string_append_len(text, got, n);
		g_string_replace(text, "\r\n", "\n", 0);
		g_string_replace(text, "\033", "E", 0);
	}
	g_assert_cmpstr(text->str, ==, wanted);
}

static void draw(const Fixture *f, const char *first, const char *second, const char *right)
{
	progress_begin(f->progress);
	progress_line(f->progress, PROGRESS_STYLE_NONE, first, right);
	if (second)
		progress_line(f->progress, PROGRESS_STYLE_NONE, second, right);
	progress_end(f->progress);
}

static void test_frames(Fixture *f, const void *data)
{
	draw(f, "one", "two", NULL);
	assert_shown(f, "oneE[K\ntwoE[K\nE[J");
	draw(f, "three", NULL, "0.5s");
	assert_shown(f, "\rE[2Athree                    0.5sE[K\nE[J");
	progress_print(f->progress, PROGRESS_STYLE_NONE, "stays");
	assert_shown(f, "\rE[1AE[Jstays\nthree                    0.5sE[K\nE[J");
	progress_erase(f->progress);
	assert_shown(f, "\rE[1AE[J");
	progress_print(f->progress, PROGRESS_STYLE_NONE, "below");
	assert_shown(f, "below\n");
}

static void test_kept(Fixture *f, const void *data)
{
	draw(f, "one", NULL, NULL);
	assert_shown(f, "oneE[K\nE[J");
	progress_keep(f->progress);
	draw(f, "two", NULL, NULL);
	assert_shown(f, "twoE[K\nE[J");
}

/* Terminals break lines for which they became too narrow: the block has more rows then. */
static void test_resized(Fixture *f, const void *data)
{
	draw(f, "abcdefghijklmnopqrstuvwxyz", "short", NULL);
	assert_shown(f, "abcdefghijklmnopqrstuvwxyzE[K\nshortE[K\nE[J");
	set_size(f, 20, 6);
	draw(f, "abcdefghijklmnopqrstuvwxyz", NULL, NULL);
	assert_shown(f, "\rE[3Aabcdefghijklmnop...E[K\nE[J");
	set_size(f, 30, 3);
	progress_begin(f->progress);
	for (int i = 0; i < 9; i++)
		progress_line(f->progress, PROGRESS_STYLE_NONE, "x", NULL);
	progress_end(f->progress);
	/* One row is the cursor's. */
	assert_shown(f, "\rE[1AxE[K\nxE[K\nE[J");
}

static void test_foreign(Fixture *f, const void *data)
{
	draw(f, "a\033[2Jb\n\xff", NULL, NULL);
	assert_shown(f, "a\\x1b[2Jb\\x0a\\xffE[K\nE[J");
	progress_print(f->progress, PROGRESS_STYLE_NONE, "\033]0;title\a\nnext");
	assert_shown(f, "\rE[1AE[J\\x1b]0;title\\x07\nnext\na\\x1b[2Jb\\x0a\\xffE[K\nE[J");
}

static void test_time(void)
{
	static const struct {
		gint64 us;
		const char *text;
	} cases[] = {
		{-1, "0.0s"},           {0, "0.0s"},           {349999, "0.3s"},
		{59990000, "59.9s"},    {60000000, "1m00s"},   {125000000, "2m05s"},
		{3599000000, "59m59s"}, {3720000000, "1h02m"},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *text = progress_format_time(cases[i].us);
		g_assert_cmpstr(text, ==, cases[i].text);
	}
}

static void test_fit(void)
{
	static const struct {
		const char *text;
		unsigned columns;
		const char *wanted;
	} cases[] = {
		{"abc", 3, "abc"},
		{"abcd", 3, "..."},
		{"abcdef", 5, "ab..."},
		{"abcd", 0, ""},
		{"\u4e2d\u4e2d", 4, "\u4e2d\u4e2d"},
		{"\u4e2d\u4e2d\u4e2d", 5, "\u4e2d..."},
		{"\u4e2d\u4e2d\u4e2d", 4, "..."},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *text = progress_fit(cases[i].text, cases[i].columns);
		g_assert_cmpstr(text, ==, cases[i].wanted);
	}
}

static void test_clean(void)
{
	static const char *const cases[][2] = {
		{"plain\n", "plain"},
		{"10%\r20%\r30%\r\n", "30%"},
		{"\033[1;31mred\033[0m\033[K", "red"},
		{"a\tb", "a    b"},
		{"\033]0;title\arest", "rest"},
		{"\033]0;open", ""},
		{"\033(Bx", "x"},
		{"\033=x", "x"},
		{"end\033", "end"},
		{"end\033[", "end"},
		{"end\033[12", "end"},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *text = progress_clean(cases[i][0]);
		g_assert_cmpstr(text, ==, cases[i][1]);
	}
}

/* Whatever a program prints: nothing of it moves the cursor, and it has the width it should. */
static void test_any_bytes(void)
{
	static const char bytes[] = "\033[]()#;0?19mKHJ\r\a\t\b\xc3\xa4\xe4\xb8\xad\xff\x9b ab";
	for (int round = 0; round < 20000; round++) {
		char text[48] = "";
		int size = g_test_rand_int_range(0, sizeof text);
		for (int i = 0; i < size; i++)
			text[i] = bytes[g_test_rand_int_range(0, sizeof bytes - 1)];
		g_autofree char *clean = progress_clean(text);
		g_autofree char *shown = escape_terminal(clean, false);
		g_assert_true(g_utf8_validate(shown, -1, NULL));
		g_assert_null(strpbrk(shown, "\033\r\n\a\b\t"));
		unsigned columns = (unsigned)g_test_rand_int_range(0, 40), width = 0;
		g_autofree char *fit = progress_fit(shown, columns);
		for (const char *at = fit; *at; at = g_utf8_next_char(at))
			width += g_unichar_iswide(g_utf8_get_char(at)) ? 2 : 1;
		g_assert_cmpuint(width, <=, columns);
	}
}

static void test_kind(void)
{
	g_autoptr(GError) error = NULL;
	ProgressKind kind = PROGRESS_AUTO;
	g_assert_true(progress_kind_parse("rawjson", &kind, &error));
	g_assert_cmpint(kind, ==, PROGRESS_JSON);
	g_assert_true(progress_kind_parse("none", &kind, &error));
	g_assert_cmpint(kind, ==, PROGRESS_QUIET);
	g_assert_false(progress_kind_parse("fancy", &kind, &error));
	g_assert_cmpstr(error->message, ==, "invalid progress type \"fancy\"");
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add("/cmd/progress/frames", Fixture, NULL, set_up, test_frames, tear_down);
	g_test_add("/cmd/progress/kept", Fixture, NULL, set_up, test_kept, tear_down);
	g_test_add("/cmd/progress/resized", Fixture, NULL, set_up, test_resized, tear_down);
	g_test_add("/cmd/progress/foreign", Fixture, NULL, set_up, test_foreign, tear_down);
	g_test_add_func("/cmd/progress/time", test_time);
	g_test_add_func("/cmd/progress/fit", test_fit);
	g_test_add_func("/cmd/progress/clean", test_clean);
	g_test_add_func("/cmd/progress/any-bytes", test_any_bytes);
	g_test_add_func("/cmd/progress/kind", test_kind);
	return g_test_run();
}
