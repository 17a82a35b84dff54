/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys of the build cache, what --explain says of them, a stage's state, --secret.
 */
#include <glib.h>
#include <string.h>

#include "build/cache_image.h"
#include "build/cache_key.h"
#include "build/solver.h"
#include "build/state.h"

/* A key of two inputs. */
static char *hex_of(const char *first, const char *second, const char *const *list)
{
	g_autoptr(CacheKey) key = cache_key_new();
	cache_key_add(key, "a", first);
	cache_key_add(key, "b", second);
	cache_key_add_list(key, "list", list);
	return cache_key_hex(key);
}

static void test_key_differs(void)
{
	const char *const two[] = {"a", "b", NULL}, *const one[] = {"a b", NULL};
	const char *const none[] = {NULL};
	g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	g_assert_true(g_hash_table_add(seen, hex_of("x", "y", NULL)));
	g_assert_true(g_hash_table_add(seen, hex_of("xy", "", NULL)));
	g_assert_true(g_hash_table_add(seen, hex_of("", "xy", NULL)));
	g_assert_true(g_hash_table_add(seen, hex_of("x\nb=y", "", NULL)));
	g_assert_true(g_hash_table_add(seen, hex_of(NULL, "y", NULL)));
	g_assert_true(g_hash_table_add(seen, hex_of("", "y", NULL)));
	g_assert_true(g_hash_table_add(seen, hex_of("x", "y", none)));
	g_assert_true(g_hash_table_add(seen, hex_of("x", "y", one)));
	g_assert_true(g_hash_table_add(seen, hex_of("x", "y", two)));
	g_assert_false(g_hash_table_add(seen, hex_of("x", "y", two)));
}

static void test_key_can_be_asked_in_between(void)
{
	g_autoptr(CacheKey) key = cache_key_new();
	cache_key_add(key, "a", "1");
	g_assert_cmpuint(g_strv_length((char **)cache_key_inputs(key)), ==, 2);
	cache_key_add(key, "b", "2");
	g_assert_cmpuint(g_strv_length((char **)cache_key_inputs(key)), ==, 3);
	g_autofree char *first = cache_key_hex(key);
	g_autoptr(CacheKey) same = cache_key_new();
	cache_key_add(same, "a", "1");
	cache_key_add(same, "b", "2");
	g_autofree char *second = cache_key_hex(same);
	g_assert_cmpstr(first, ==, second);
}

static void test_explain(void)
{
	const char *const before[] = {"version=1", "a=1",     "list=[\"A=1\",\"B=2\"]",
				      "gone!",     "mount=1", "mount=two",
				      "mount=3",   NULL};
	const char *const list[] = {"B=2", "A=3", NULL};
	g_autoptr(CacheKey) key = cache_key_new();
	cache_key_add(key, "a", "2");
	cache_key_add_list(key, "list", list);
	cache_key_add(key, "gone", "now there");
	cache_key_add(key, "mount", "one");
	cache_key_add(key, "mount", "two");
	g_autofree char *text = cache_key_explain(key, before, -1, NULL);
	g_assert_cmpstr(text, ==,
			"a changed: 1 -> 2\nlist changed: -A=1 +A=3\n"
			"gone changed: (none) -> now there\nmount changed: 1 -> one\n"
			"mount is gone: 3\n");
	g_autofree char *same = cache_key_explain(key, cache_key_inputs(key), -1, NULL);
	g_assert_cmpstr(same, ==, "");
}

static void test_state(void)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(BuildState) state = build_state_new(NULL, NULL);
	build_state_set_env(state, "A", "1");
	build_state_set_env(state, "AB", "2");
	build_state_set_env(state, "A", "3");
	state->comment = g_strdup("FROM x");
	build_state_add_history(state, "now", "first", true);
	build_state_add_layer(state, "sha256:c", "sha256:d");
	build_state_add_history(state, "now", "second", false);
	g_autoptr(Json) json = build_state_to_json(state);
	g_autoptr(BuildState) copy = build_state_from_json(json, &error);
	g_assert_no_error(error);
	g_auto(GStrv) env = build_state_env(copy);
	g_assert_cmpstr(env[0], ==, "A=3");
	g_assert_cmpstr(env[1], ==, "AB=2");
	g_assert_null(env[2]);
	g_assert_cmpstr(build_state_top(copy), ==, "sha256:c");
	build_state_set_env(copy, "A", "changed");
	g_auto(GStrv) untouched = build_state_env(state);
	g_assert_cmpstr(untouched[0], ==, "A=3");
	const char *text = build_state_finish(copy, "then");
	g_assert_nonnull(strstr(text, "\"diff_ids\":[\"sha256:d\"]"));
	g_assert_nonnull(strstr(text, "\"comment\":\"FROM x\",\"empty_layer\":true"));
	g_assert_nonnull(strstr(text, "\"created\":\"then\""));
}

/* The key of a config that somebody else wrote. */
static void test_image_key(void)
{
	static const char *const odd[] = {
		"{}",
		"{\"history\":[1,null,\"x\",[],{\"created\":1}]}",
		"{\"history\":\"x\"}",
		"{\"history\":null}",
	};
	g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(odd); i++) {
		g_autoptr(Json) json = js_parse(odd[i], strlen(odd[i]), "config", NULL);
		g_assert_true(g_hash_table_add(seen, cache_image_key(json)));
	}
	g_autoptr(Json) same = js_parse("{\"created\":\"now\"}", 17, "config", NULL);
	g_assert_false(g_hash_table_add(seen, cache_image_key(same)));
}

static void check_secret(const char *text, const char *id, const char *file, const char *env)
{
	g_autoptr(GError) error = NULL;
	BuildSecret *secret = build_secret_parse(text, &error);
	g_assert_no_error(error);
	g_assert_cmpstr(secret->id, ==, id);
	g_assert_cmpstr(secret->file, ==, file);
	g_assert_cmpstr(secret->env, ==, env);
	build_secret_free(secret);
}

static void test_secret(void)
{
	g_setenv("SKIFF_TEST_SECRET", "x", TRUE);
	check_secret("id=a,src=/f", "a", "/f", NULL);
	check_secret("id=a,source=f=g", "a", "f=g", NULL);
	check_secret("id=a,env=V", "a", NULL, "V");
	check_secret("type=env,id=a,src=V", "a", NULL, "V");
	check_secret("id=SKIFF_TEST_SECRET", "SKIFF_TEST_SECRET", NULL, "SKIFF_TEST_SECRET");
	check_secret("id=nothing", "nothing", "nothing", NULL);
	const char *const wrong[] = {"", "id", "id=", "src=/f", "id=a,color=red", "id=a,type=x"};
	for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
		g_autoptr(GError) error = NULL;
		g_assert_null(build_secret_parse(wrong[i], &error));
		g_assert_nonnull(error);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/build/cache_key/differs", test_key_differs);
	g_test_add_func("/build/cache_key/can-be-asked-in-between",
			test_key_can_be_asked_in_between);
	g_test_add_func("/build/cache_key/explain", test_explain);
	g_test_add_func("/build/state", test_state);
	g_test_add_func("/build/cache_image/key", test_image_key);
	g_test_add_func("/build/secret", test_secret);
	return g_test_run();
}
