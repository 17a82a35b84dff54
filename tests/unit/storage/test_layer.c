/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/record.h"
#include "tests/unit/storage/store_fixture.h"

#define ABSENT "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static void test_publish(void)
{
	g_auto(TempDir) temp = temp_dir_new();
	g_autoptr(Store) store = fixture_store(&temp);
	g_autoptr(GError) error = NULL;
	g_autofree char *first = fixture_layer(store, NULL, "one", 10);
	g_autofree char *second = fixture_layer(store, first, "two", 20);
	g_autoptr(Layer) layer = layer_lookup(store, second, &error);
	g_assert_no_error(error);
	g_assert_cmpstr(layer->parent, ==, first);
	g_assert_cmpuint(layer->size, ==, 20);
	g_assert_null(layer_lookup(store, ABSENT, &error));
	g_assert_no_error(error);
	g_assert_null(layer_lookup(store, "sha256:../x", &error));
	g_assert_true(error_matches(error, ENGINE_ERROR_INVALID));
}

static void test_publish_twice(void)
{
	g_auto(TempDir) temp = temp_dir_new();
	g_autoptr(Store) store = fixture_store(&temp);
	g_autofree char *first = fixture_layer(store, NULL, "one", 10);
	struct stat before, after;
	g_autofree char *path = layer_diff_path(first);
	g_assert_cmpint(fstatat(store_fd(store), path, &before, 0), ==, 0);
	/* The second is the same by its name: the one that is there stays. */
	g_autofree char *again = fixture_layer(store, NULL, "one", 10);
	g_assert_cmpstr(first, ==, again);
	g_assert_cmpint(fstatat(store_fd(store), path, &after, 0), ==, 0);
	g_assert_cmpuint(before.st_ino, ==, after.st_ino);
}

static void test_broken_record(void)
{
	static const char *const broken[] = {"", "{", "[]", "{\"chain_id\":7}",
					     "{\"chain_id\":\"" ABSENT "\"}"};
	g_auto(TempDir) temp = temp_dir_new();
	g_autoptr(Store) store = fixture_store(&temp);
	g_autofree char *chain = fixture_layer(store, NULL, "one", 10);
	autofd dir = openat(store_dir(store, "layers"), digest_hex(chain),
			    O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (size_t i = 0; i < G_N_ELEMENTS(broken); i++) {
		g_autoptr(GError) error = NULL;
		g_assert_true(record_replace(dir, "layer.json", broken[i], strlen(broken[i]),
					     RECORD_SYNC_NONE, &error));
		g_assert_null(layer_lookup(store, chain, &error));
		g_assert_true(error_matches(error, ENGINE_ERROR_CORRUPT));
	}
}

static bool is_there(Store *store, const char *chain_id)
{
	g_autoptr(Layer) layer = layer_lookup(store, chain_id, NULL);
	return layer != NULL;
}

static void test_sweep(void)
{
	g_auto(TempDir) temp = temp_dir_new();
	g_autoptr(Store) store = fixture_store(&temp);
	g_autoptr(GError) error = NULL;
	g_autofree char *id = fixture_image(store, "needed", NULL);
	const char *const contents[] = {"needed", NULL};
	(void)contents;
	g_autofree char *needed_diff = digest_of("needed", 6);
	g_autofree char *pinned = fixture_layer(store, NULL, "pinned", 1);
	g_autofree char *lost = fixture_layer(store, NULL, "lost", 1);
	/* A copy for another id map goes with its original. */
	g_autofree char *copy = g_strconcat(digest_hex(lost), "@0123456789abcdef", NULL);
	g_assert_cmpint(mkdirat(store_dir(store, "layers"), copy, 0700), ==, 0);

	StoreStage *stage = store_stage_new(store, &error);
	g_autoptr(Layer) claimed = layer_claim(store, stage, pinned, &error);
	g_assert_nonnull(claimed);
	g_assert_true(layers_sweep(store, &error));
	g_assert_true(is_there(store, needed_diff));
	g_assert_true(is_there(store, pinned));
	g_assert_false(is_there(store, lost));
	g_assert_cmpint(faccessat(store_dir(store, "layers"), copy, F_OK, 0), ==, -1);

	store_stage_free(stage);
	g_assert_true(layers_sweep(store, &error));
	g_assert_false(is_there(store, pinned));
	g_assert_true(is_there(store, needed_diff));
	g_assert_no_error(error);
	(void)id;
}

static void test_sweep_with_broken_image(void)
{
	g_auto(TempDir) temp = temp_dir_new();
	g_autoptr(Store) store = fixture_store(&temp);
	g_autoptr(GError) error = NULL;
	g_autofree char *id = fixture_image(store, "needed", NULL);
	autofd dir = openat(store_dir(store, "images"), id, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	g_assert_true(record_replace(dir, "config.json", "{", 1, RECORD_SYNC_NONE, &error));
	g_autofree char *chain = digest_of("needed", 6);
	/* What a broken image needs is not known, so nothing may go. */
	g_assert_true(layers_sweep(store, &error));
	g_assert_true(is_there(store, chain));
}

static void test_claim_of_absent(void)
{
	g_auto(TempDir) temp = temp_dir_new();
	g_autoptr(Store) store = fixture_store(&temp);
	g_autoptr(GError) error = NULL;
	g_autoptr(StoreStage) stage = store_stage_new(store, &error);
	g_autofree char *chain = digest_of("later", 5);
	g_assert_null(layer_claim(store, stage, chain, &error));
	g_assert_no_error(error);
	/* Published by somebody else now, with nobody else to need it: our claim holds it. */
	g_autofree char *published = fixture_layer(store, NULL, "later", 1);
	g_assert_cmpstr(published, ==, chain);
	g_assert_true(layers_sweep(store, &error));
	g_assert_true(is_there(store, chain));
}

static void test_mapped_path(void)
{
	g_autoptr(IdMap) map = idmap_new();
	idmap_add(map->uids, 0, 1, 1000);
	idmap_add(map->gids, 0, 1, 1000);
	g_autofree char *one = layer_mapped_path(ABSENT, map);
	idmap_add(map->uids, 1000, 0, 1);
	g_autofree char *two = layer_mapped_path(ABSENT, map);
	g_assert_true(g_str_has_prefix(one, "layers/e3b0c442"));
	g_assert_true(g_str_has_suffix(one, "/diff"));
	g_assert_cmpstr(one, !=, two);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/layer/publish/record", test_publish);
	g_test_add_func("/layer/publish/first-wins", test_publish_twice);
	g_test_add_func("/layer/lookup/broken-record", test_broken_record);
	g_test_add_func("/layer/sweep/spares-needed-and-pinned", test_sweep);
	g_test_add_func("/layer/sweep/keeps-all-beside-a-broken-image",
			test_sweep_with_broken_image);
	g_test_add_func("/layer/claim/protects-what-comes-later", test_claim_of_absent);
	g_test_add_func("/layer/mapped-path/differs-by-map", test_mapped_path);
	return g_test_run();
}
