/* SPDX-License-Identifier: Apache-2.0 */
#include "libpod/name.h"

#include <string.h>

#include "libpod/base/error.h"

static void test_check(void)
{
	static const struct {
		const char *name;
		bool valid;
	} rows[] = {
		{"a", true},    {"A0", true},        {"0", true},      {"web_1.x-y", true},
		{"a--", true},  {"", false},         {"-a", false},    {".a", false},
		{"_a", false},  {"a b", false},      {"a/b", false},   {"a\nb", false},
		{"a:b", false}, {"\xc3\xa4", false}, {"a\x7f", false}, {"..", false},
		{"a=b", false},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autoptr(GError) error = NULL;
		g_assert_cmpint(name_check(rows[i].name, &error), ==, rows[i].valid);
		if (rows[i].valid)
			continue;
		g_assert_true(error_matches(error, ENGINE_ERROR_INVALID));
		g_assert_cmpstr(error->message, ==,
				"names must match [a-zA-Z0-9][a-zA-Z0-9_.-]*: invalid argument");
	}
	g_autofree char *longest = g_strnfill(NAME_MAX_LENGTH, 'a');
	g_autofree char *too_long = g_strnfill(NAME_MAX_LENGTH + 1, 'a');
	g_assert_true(name_check(longest, NULL));
	g_assert_false(name_check(too_long, NULL));
}

static void test_ids(void)
{
	g_autofree char *one = name_new_id();
	g_autofree char *two = name_new_id();
	g_assert_true(name_is_id(one));
	g_assert_cmpstr(one, !=, two);
	g_assert_false(name_is_id(""));
	g_assert_false(name_is_id("abc"));
	one[63] = 'G';
	g_assert_false(name_is_id(one));
	g_autofree char *longer = g_strconcat(two, "0", NULL);
	g_assert_false(name_is_id(longer));
	two[0] = 'A';
	g_assert_false(name_is_id(two));
}

static void test_generate(void)
{
	g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	for (int i = 0; i < 500; i++) {
		char *name = name_generate();
		g_assert_true(name_check(name, NULL));
		g_assert_nonnull(strchr(name, '_'));
		g_hash_table_add(seen, name);
	}
	g_assert_cmpuint(g_hash_table_size(seen), >, 300);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/name/check/podmans-grammar", test_check);
	g_test_add_func("/name/id/64-hex-digits", test_ids);
	g_test_add_func("/name/generate/valid-and-varied", test_generate);
	return g_test_run();
}
