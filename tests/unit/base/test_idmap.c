/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Id maps: parsing, checking, translating.
 */
#include "libpod/base/idmap.h"

#include <unistd.h>

#include "libpod/base/error.h"

static void test_parse(void)
{
	g_autoptr(GError) error = NULL;
	IdRange range = {0};
	g_assert_true(idmap_parse_range("0:100000:65536", &range, &error));
	g_assert_cmpuint(range.outside, ==, 100000);
	g_assert_cmpuint(range.count, ==, 65536);
	g_assert_true(idmap_parse_range("1:2", &range, &error));
	g_assert_cmpuint(range.count, ==, 1);
	g_assert_true(idmap_parse_range("0:0:4294967295", &range, &error));
	static const char *const bad[] = {
		"",
		"1",
		"1:2:3:4",
		"a:1:1",
		"1:-1:1",
		"1:1:0",
		"1:1:4294967296",
		"1:1: 1",
		"0x1:1:1",
		":1:1",
		"1::1",
		"4294967295:0:1",
		"1:1:4294967295",
		"4294967290:0:10",
	};
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
		g_autoptr(GError) problem = NULL;
		if (idmap_parse_range(bad[i], &range, &problem))
			g_error("accepted: '%s'", bad[i]);
		g_assert_true(error_matches(problem, ENGINE_ERROR_INVALID));
	}
}

static void test_check(void)
{
	g_autoptr(IdMap) map = idmap_new();
	g_autoptr(GError) error = NULL;
	g_assert_false(idmap_check(map->uids, &error));
	g_clear_error(&error);
	idmap_add(map->uids, 0, 1000, 1);
	idmap_add(map->uids, 1, 100000, 65536);
	g_assert_true(idmap_check(map->uids, &error));
	g_autoptr(IdMap) inside = idmap_copy(map);
	idmap_add(inside->uids, 65536, 300000, 1);
	g_assert_false(idmap_check(inside->uids, &error));
	g_assert_true(error_matches(error, ENGINE_ERROR_INVALID));
	g_clear_error(&error);
	g_autoptr(IdMap) outside = idmap_copy(map);
	idmap_add(outside->uids, 70000, 165535, 1);
	g_assert_false(idmap_check(outside->uids, &error));
	g_assert_true(idmap_check(map->uids, NULL));
	for (guint i = 0; i < 339; i++)
		idmap_add(map->gids, i, 100000 + i * 2, 1);
	g_assert_true(idmap_check(map->gids, NULL));
	idmap_add(map->gids, 1000, 1, 1);
	g_assert_true(idmap_check(map->gids, NULL));
	idmap_add(map->gids, 1001, 3, 1);
	g_assert_false(idmap_check(map->gids, NULL));
}

static void test_translate(void)
{
	g_autoptr(IdMap) map = idmap_new();
	idmap_add(map->uids, 1, 100000, 65536);
	idmap_add(map->uids, 0, 1000, 1);
	uint32_t id = 7;
	g_assert_true(idmap_translate(map->uids, 0, &id));
	g_assert_cmpuint(id, ==, 1000);
	g_assert_true(idmap_translate(map->uids, 65536, &id));
	g_assert_cmpuint(id, ==, 165535);
	g_assert_false(idmap_translate(map->uids, 65537, &id));
	g_assert_true(idmap_translate_back(map->uids, 100000, &id));
	g_assert_cmpuint(id, ==, 1);
	g_assert_false(idmap_translate_back(map->uids, 99999, &id));
	g_assert_cmpuint(id, ==, 1);
	g_autofree char *text = idmap_format(map->uids);
	g_assert_cmpstr(text, ==, "0:1000:1,1:100000:65536");
}

static void test_root(void)
{
	g_autoptr(IdMap) map = idmap_new();
	idmap_add(map->uids, 1000, 5, 10);
	idmap_add(map->uids, 7, 70000, 2);
	g_assert_cmpuint(idmap_root(map->uids), ==, 70000);
	idmap_add(map->uids, 0, 9, 1);
	g_assert_cmpuint(idmap_root(map->uids), ==, 9);
}

static void test_single(void)
{
	g_autoptr(IdMap) map = idmap_single();
	g_assert_true(idmap_is_single(map));
	uint32_t id;
	g_assert_true(idmap_translate(map->uids, 0, &id));
	g_assert_cmpuint(id, ==, geteuid());
	idmap_add(map->gids, 1, 100000, 1);
	g_assert_false(idmap_is_single(map));
	idmap_free(NULL);
}

/* Whatever this host grants: a usable map, or an error that says how to get one. */
static void test_for_user(void)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(IdMap) map = idmap_for_user(&error);
	if (!map) {
		g_assert_true(error_matches(error, ENGINE_ERROR_NOT_FOUND));
		return;
	}
	g_assert_true(idmap_check(map->uids, &error));
	g_assert_true(idmap_check(map->gids, &error));
	uint32_t id;
	g_assert_true(idmap_translate(map->uids, 0, &id));
	g_assert_cmpuint(id, ==, geteuid());
	g_assert_true(idmap_translate(map->gids, 0, &id));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/idmap/parse", test_parse);
	g_test_add_func("/idmap/check/overlaps-and-bounds", test_check);
	g_test_add_func("/idmap/translate", test_translate);
	g_test_add_func("/idmap/root", test_root);
	g_test_add_func("/idmap/single", test_single);
	g_test_add_func("/idmap/for-user", test_for_user);
	return g_test_run();
}
