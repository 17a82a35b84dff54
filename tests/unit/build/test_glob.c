/* SPDX-License-Identifier: Apache-2.0 */
#include <glib.h>
#include <string.h>

#include "build/glob.h"

static bool matches(const char *pattern, GlobKind kind, const char *text)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(Glob) glob = glob_new(pattern, kind, &error);
	g_assert_no_error(error);
	return glob_matches(glob, text);
}

static void test_paths(void)
{
	static const struct {
		const char *pattern, *text;
		bool path, ignore;
	} rows[] = {
		{"", "", true, true},          {"*", "abc", true, true},
		{"*", "a/b", false, false},    {"a*/b", "abc/b", true, true},
		{"a**b", "ab", true, true},    {"a**b", "a/x/b", false, true},
		{"**", "a/b", false, true},    {"**/b", "b", false, true},
		{"**/b", "a/b", true, true},   {"a/**/b", "a/b", false, true},
		{"a/**", "a", false, false},   {"[a-cx]", "b", true, true},
		{"[^a-c]", "b", false, false}, {"[^a-c]", "d", true, true},
		{"[\\]]", "]", true, true},    {"[\\-x]", "-", true, true},
		{"[ä-ö]", "ö", true, true},    {"[ä-ö]x", "öx", true, true},
		{"?", "ö", true, true},        {"??", "ö", false, false},
		{"\\*", "*", true, true},      {"\\*", "a", false, false},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_test_message("%s on %s", rows[i].pattern, rows[i].text);
		g_assert_cmpint(matches(rows[i].pattern, GLOB_PATH, rows[i].text), ==,
				rows[i].path);
		g_assert_cmpint(matches(rows[i].pattern, GLOB_IGNORE, rows[i].text), ==,
				rows[i].ignore);
	}
}

static void test_bad_patterns(void)
{
	static const char *const bad[] = {"[", "[]", "[a", "[a-", "[a-]", "[-a]", "a\\", "[^]"};
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
		g_autoptr(GError) error = NULL;
		g_test_message("%s", bad[i]);
		g_assert_null(glob_new(bad[i], GLOB_PATH, &error));
		g_assert_nonnull(error);
	}
}

static void test_prefix(void)
{
	g_autoptr(Glob) glob = glob_new("a*b", GLOB_TEXT, NULL);
	size_t work = 1000;
	g_assert_cmpint(glob_prefix(glob, "axbxb.", 6, false, &work), ==, 3);
	g_assert_cmpint(glob_prefix(glob, "axbxb.", 6, true, &work), ==, 5);
	g_assert_cmpint(glob_prefix(glob, "xab", 3, true, &work), ==, -1);
	work = 2;
	g_assert_cmpint(glob_prefix(glob, "ab", 2, true, &work), ==, -1);
	g_assert_cmpuint(work, ==, 0);
}

static void test_reversed(void)
{
	g_autoptr(Glob) glob = glob_new("ab?", GLOB_TEXT, NULL);
	size_t work = 1000;
	glob_reverse(glob);
	/* "xabö" from its end */
	g_assert_cmpint(glob_prefix(glob,
				    "\xb6\xc3"
				    "bax",
				    5, false, &work),
			==, 4);
}

static void test_parents(void)
{
	static const struct {
		const char *pattern, *path;
		bool matches;
	} rows[] = {
		{"a", "a", true},        {"a", "a/b/c", true},    {"a", "ab/c", false},
		{"a/b", "a/b/c", true},  {"a/b", "a", false},     {"*", "a/b", true},
		{"**/b", "a/b/c", true}, {"a/*/c", "a/b", false}, {"", "a", false},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autoptr(Glob) glob = glob_new(rows[i].pattern, GLOB_IGNORE, NULL);
		g_test_message("%s for %s", rows[i].pattern, rows[i].path);
		g_assert_cmpint(glob_matches_parent(glob, rows[i].path), ==, rows[i].matches);
	}
}

/* 20 patterns on 20,000 paths, as a large context has them: far below the walk itself. */
static void test_many_paths_are_cheap(void)
{
	g_autoptr(GPtrArray) globs = g_ptr_array_new_with_free_func((GDestroyNotify)glob_free);
	for (int i = 0; i < 20; i++) {
		g_autofree char *pattern = g_strdup_printf(i % 2 ? "name%d" : "**/*.ext%d", i);
		g_ptr_array_add(globs, glob_new(pattern, GLOB_IGNORE, NULL));
	}
	g_test_timer_start();
	for (int i = 0; i < 20000; i++) {
		g_autofree char *path = g_strdup_printf("src/lib/part%d/file%d.c", i / 100, i);
		for (guint at = 0; at < globs->len; at++)
			g_assert_false(glob_matches_parent(globs->pdata[at], path));
	}
	double seconds = g_test_timer_elapsed();
	g_test_minimized_result(seconds, "seconds for 400,000 matches: %.3f", seconds);
}

static void test_may_match_below(void)
{
	static const struct {
		const char *pattern, *path;
		bool may;
	} rows[] = {
		{"a/b", "a", true}, {"a/b", "b", false},     {"a/b/c", "a/b", true},
		{"*/c", "a", true}, {"*/c", "a/b", false},   {"**/c", "a/b", true},
		{"a", "a", false},  {"a/**", "a/b/c", true},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autoptr(Glob) glob = glob_new(rows[i].pattern, GLOB_IGNORE, NULL);
		g_test_message("%s below %s", rows[i].pattern, rows[i].path);
		g_assert_cmpint(glob_may_match_below(glob, rows[i].path), ==, rows[i].may);
	}
}

/* What takes others 2^n steps. */
static void test_many_stars_are_cheap(void)
{
	GString *pattern = g_string_new(NULL);
	for (int i = 0; i < 1000; i++)
		g_string_append(pattern, "*a");
	g_string_append_c(pattern, 'b');
	g_autofree char *stars = g_string_free(pattern, FALSE);
	g_autofree char *text = g_strnfill(4000, 'a');
	g_assert_false(matches(stars, GLOB_PATH, text));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/glob/paths", test_paths);
	g_test_add_func("/glob/bad-patterns", test_bad_patterns);
	g_test_add_func("/glob/prefix", test_prefix);
	g_test_add_func("/glob/reversed", test_reversed);
	g_test_add_func("/glob/parents", test_parents);
	g_test_add_func("/glob/many-paths-are-cheap", test_many_paths_are_cheap);
	g_test_add_func("/glob/may-match-below", test_may_match_below);
	g_test_add_func("/glob/many-stars-are-cheap", test_many_stars_are_cheap);
	return g_test_run();
}
