/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/compose/node.h"

#include "libpod/base/error.h"

static const Place here = {"f.yaml", 3, 7};

/* A map of @n keys, "k0" upwards. */
static Node *make_map(int n)
{
	Node *map = node_new(NODE_MAP, here);
	for (int i = 0; i < n; i++) {
		g_autofree char *key = g_strdup_printf("k%d", i);
		node_set(map, key, here, node_new_int(i, here));
	}
	return map;
}

/* Small maps are searched, big ones have an index: both must hold through removals. */
static void test_maps(void)
{
	static const int sizes[] = {3, 16, 17, 100};
	for (size_t s = 0; s < G_N_ELEMENTS(sizes); s++) {
		g_autoptr(Node) map = make_map(sizes[s]);
		node_remove(map, "k1");
		node_remove(map, "k1");
		g_assert_null(node_get(map, "k1"));
		g_assert_cmpuint(node_count(map), ==, (size_t)sizes[s] - 1);
		g_assert_cmpint(node_get(map, "k2")->integer, ==, 2);
		node_set(map, "k2", here, node_new_int(20, here));
		g_assert_cmpint(node_get(map, "k2")->integer, ==, 20);
		g_assert_cmpuint(node_count(map), ==, (size_t)sizes[s] - 1);
		g_autofree char *last = g_strdup_printf("k%d", sizes[s] - 1);
		g_autoptr(Node) taken = node_steal(map, last);
		g_assert_nonnull(taken);
		g_assert_null(node_get(map, last));
		g_autoptr(Node) copy = node_copy(map);
		g_assert_true(node_equal(copy, map));
		node_set(copy, "k0", here, node_new_int(9, here));
		g_assert_false(node_equal(copy, map));
	}
}

static void test_settle(void)
{
	g_autoptr(Node) map = make_map(20);
	node_get(map, "k5")->tag = NODE_TAG_RESET;
	node_get(map, "k6")->tag = NODE_TAG_OVERRIDE;
	Node *list = node_new(NODE_LIST, here);
	node_append(list, node_new_int(1, here));
	node_append(list, node_new_int(2, here));
	node_item(list, 0)->tag = NODE_TAG_RESET;
	node_set(map, "list", here, list);
	node_settle(map);
	g_assert_null(node_get(map, "k5"));
	g_assert_cmpint(node_get(map, "k6")->tag, ==, NODE_TAG_NONE);
	g_assert_cmpint(node_get(map, "k19")->integer, ==, 19);
	g_assert_cmpuint(node_count(node_get(map, "list")), ==, 1);
	g_assert_cmpint(node_item(node_get(map, "list"), 0)->integer, ==, 2);
}

static void test_json(void)
{
	g_autoptr(Node) map = node_new(NODE_MAP, here);
	node_set(map, "b", here, node_new(NODE_NULL, here));
	node_set_text(map, "a", "x\"y");
	node_set(map, "c", here, node_new_float(0.5, here));
	g_autoptr(Json) json = node_to_json(map);
	g_assert_cmpstr(js_text(json), ==, "{\"a\":\"x\\\"y\",\"b\":null,\"c\":0.5}");
}

static void test_places(void)
{
	g_autoptr(GError) error = NULL;
	g_assert_false(place_error(&error, here, "bad %s", "thing"));
	g_assert_cmpstr(error->message, ==, "f.yaml:3:7: bad thing");
	g_assert_true(error_matches(error, ENGINE_ERROR_INVALID));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/compose/node/maps", test_maps);
	g_test_add_func("/compose/node/settle", test_settle);
	g_test_add_func("/compose/node/json", test_json);
	g_test_add_func("/compose/node/places", test_places);
	return g_test_run();
}
