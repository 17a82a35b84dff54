/* SPDX-License-Identifier: Apache-2.0 */
#include <glib.h>
#include <string.h>

#include "libpod/base/suggest.h"

static void test_distance(void)
{
	g_assert_cmpuint(suggest_distance("run", "run", 2), ==, 0);
	g_assert_cmpuint(suggest_distance("rnu", "run", 2), ==, 1);
	g_assert_cmpuint(suggest_distance("RUN", "run", 2), ==, 0);
	g_assert_cmpuint(suggest_distance("memry", "memory", 2), ==, 1);
	g_assert_cmpuint(suggest_distance("mmeory", "memory", 2), ==, 1);
	g_assert_cmpuint(suggest_distance("", "ab", 2), ==, 2);
	g_assert_cmpuint(suggest_distance("abcdef", "ab", 2), ==, 3);
	g_assert_cmpuint(suggest_distance("kitten", "sitting", 5), ==, 3);
}

static void test_long_names_are_never_near(void)
{
	g_autofree char *name = g_strnfill(SUGGEST_MAX_LENGTH + 1, 'a');
	g_assert_cmpuint(suggest_distance(name, name, 2), ==, 3);
}

static void test_nearest_first_and_at_most_three(void)
{
	Suggestions near;
	suggest_init(&near, "image");
	const char *const names[] = {"imgaes", "imag", "imbge", "images", "volume", "image", NULL};
	for (size_t i = 0; names[i]; i++)
		suggest_offer(&near, names[i]);
	g_autofree char *text = suggest_text(&near, "--");
	g_assert_cmpstr(text, ==, "--image, --imag or --imbge");
}

static void test_short_names_allow_one_edit(void)
{
	Suggestions near;
	suggest_init(&near, "rn");
	suggest_offer(&near, "run");
	suggest_offer(&near, "ps");
	g_autofree char *text = suggest_text(&near, "");
	g_assert_cmpstr(text, ==, "run");
}

static void test_nothing_near(void)
{
	Suggestions near;
	suggest_init(&near, "zzz");
	suggest_offer(&near, "run");
	g_assert_null(suggest_text(&near, ""));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/suggest/distance", test_distance);
	g_test_add_func("/suggest/long-names-are-never-near", test_long_names_are_never_near);
	g_test_add_func("/suggest/nearest-first", test_nearest_first_and_at_most_three);
	g_test_add_func("/suggest/short-names-allow-one-edit", test_short_names_allow_one_edit);
	g_test_add_func("/suggest/nothing-near", test_nothing_near);
	return g_test_run();
}
