/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/record.h"
#include "storage/image_index.h"
#include "storage/image_priv.h"
#include "storage/manifest.h"
#include "tests/unit/storage/store_fixture.h"

static char *id_of(Store *store, const char *name)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(Image) image = image_lookup(store, name, &error);
	g_assert_no_error(error);
	return image ? g_strdup(image->id) : NULL;
}

#define assert_found(store, name, id)                                                              \
	do {                                                                                       \
		g_autofree char *found_ = id_of(store, name);                                      \
		g_assert_cmpstr(found_, ==, id);                                                   \
	} while (0)

static void test_publish(void)
{
	g_auto(TempDir) temp = temp_dir_new();
	g_autoptr(Store) store = fixture_store(&temp);
	g_autoptr(GError) error = NULL;
	g_autofree char *first = fixture_layer(store, NULL, "one", 10);
	g_autofree char *second = fixture_layer(store, first, "two", 20);
	const char *const contents[] = {"one", "two", NULL};
	g_autofree char *config = fixture_config("2024-05-06T07:08:09Z", contents);
	const char *const names[] = {"docker.io/library/a:latest", "localhost/b:1", NULL};
	const ImagePublish publish = {
		.config = config,
		.config_size = strlen(config),
		.manifest = "{}",
		.manifest_size = 2,
		.names = names,
		.repo_digest =
			"docker.io/library/"
			"a@sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
	};
	g_autofree char *id = image_publish(store, &publish, &error);
	g_assert_no_error(error);
	g_autoptr(Image) image = image_resolve(store, "a", &error);
	g_assert_no_error(error);
	g_assert_cmpstr(image->id, ==, id);
	g_assert_cmpuint(image->size, ==, 30);
	g_assert_cmpstr(image->chain_ids[1], ==, second);
	g_assert_cmpstr(image->config_text, ==, config);
	g_assert_cmpuint(g_strv_length(image->names), ==, 2);
	g_assert_cmpstr(image->digest, ==,
			"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a");
	g_assert_cmpint(image->created, ==, G_GINT64_CONSTANT(1714979289) * 1000000000);
	assert_found(store, publish.repo_digest, id);
	assert_found(store, image->digest, id);
}

/* An image that came without a manifest gets one, in the form that its config or the user asks
 * for. */
static void test_made_manifest(void)
{
	static const struct {
		const char *inner, *type;
		ImageForm form;
	} rows[] = {
		{"{}", MEDIA_TYPE_OCI_MANIFEST, IMAGE_FORM_FITTING},
		{"{\"OnBuild\":[],\"Shell\":null}", MEDIA_TYPE_OCI_MANIFEST, IMAGE_FORM_FITTING},
		{"{\"OnBuild\":[\"RUN x\"]}", MEDIA_TYPE_DOCKER_MANIFEST, IMAGE_FORM_FITTING},
		{"{\"Healthcheck\":{\"Test\":[\"CMD\",\"x\"]}}", MEDIA_TYPE_DOCKER_MANIFEST,
		 IMAGE_FORM_FITTING},
		{"{\"Shell\":[\"/x\"]}", MEDIA_TYPE_OCI_MANIFEST, IMAGE_FORM_OCI},
		{"{\"User\":\"1\"}", MEDIA_TYPE_DOCKER_MANIFEST, IMAGE_FORM_DOCKER},
	};
	g_auto(TempDir) temp = temp_dir_new();
	g_autoptr(Store) store = fixture_store(&temp);
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autoptr(GError) error = NULL;
		g_autofree char *type = NULL;
		g_autofree char *name = g_strdup_printf("localhost/team/made:%zu", i);
		const char *const names[] = {name, "localhost/other:1", NULL};
		g_autofree char *config =
			g_strdup_printf("{\"architecture\":\"a%zu\",\"os\":\"linux\",\"config\":%s,"
					"\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[]}}",
					i, rows[i].inner);
		const ImagePublish publish = {.config = config,
					      .config_size = strlen(config),
					      .names = names,
					      .form = rows[i].form};
		g_autofree char *id = image_publish(store, &publish, &error);
		g_assert_no_error(error);
		g_autoptr(Image) image = image_resolve(store, id, &error);
		g_assert_true(image_manifest_type(store, image, &type, &error));
		g_assert_cmpstr(type, ==, rows[i].type);
		g_auto(GStrv) digests = image_all_digests(image);
		g_assert_cmpuint(g_strv_length(digests), ==, 2);
		g_autofree char *made = g_strconcat("localhost/team/made@", image->digest, NULL);
		g_assert_true(g_strv_contains((const char *const *)digests, made));
		assert_found(store, made, id);
		g_autofree char *stranger = g_strconcat("localhost/team@", image->digest, NULL);
		assert_found(store, stranger, NULL);
	}
}

static void test_lookup(void)
{
	g_auto(TempDir) temp = temp_dir_new();
	g_autoptr(Store) store = fixture_store(&temp);
	g_autofree char *hub = fixture_image(store, "hub", "docker.io/library/app:latest");
	g_autofree char *local = fixture_image(store, "local", "localhost/app:latest");
	g_autofree char *other = fixture_image(store, "other", "registry.example:5000/team/app:v2");
	assert_found(store, "app", local);
	assert_found(store, "app:latest", local);
	assert_found(store, "docker.io/app", hub);
	assert_found(store, "library/app", hub);
	assert_found(store, "registry.example:5000/team/app:v2", other);
	assert_found(store, "registry.example:5000/team/app", NULL);
	assert_found(store, "nothing", NULL);
	assert_found(store, other, other);
	g_autofree char *prefix = g_strndup(other, 12);
	assert_found(store, prefix, other);
	g_autofree char *digest = g_strconcat("sha256:", other, NULL);
	assert_found(store, digest, other);
	g_autofree char *short_digest = g_strconcat("sha256:", prefix, NULL);
	assert_found(store, short_digest, other);

	g_autoptr(GError) error = NULL;
	g_assert_null(image_resolve(store, "nothing", &error));
	g_assert_true(error_matches(error, ENGINE_ERROR_NOT_FOUND));
	g_assert_true(g_str_has_prefix(error->message, "nothing: image not known\n"));
}

static void test_ambiguous_prefix(void)
{
	g_auto(TempDir) temp = temp_dir_new();
	g_autoptr(Store) store = fixture_store(&temp);
	/* Seventeen images: two of them begin with the same digit. */
	char first[17] = {0};
	char twice = 0;
	for (int i = 0; i < 17 && !twice; i++) {
		g_autofree char *content = g_strdup_printf("image %d", i);
		g_autofree char *id = fixture_image(store, content, NULL);
		twice = strchr(first, id[0]) ? id[0] : 0;
		first[i] = id[0];
	}
	const char prefix[] = {twice, 0};
	g_autoptr(GError) error = NULL;
	g_assert_null(image_lookup(store, prefix, &error));
	g_assert_true(error_matches(error, ENGINE_ERROR_INVALID));
}

static void test_name_moves(void)
{
	g_auto(TempDir) temp = temp_dir_new();
	g_autoptr(Store) store = fixture_store(&temp);
	g_autoptr(GError) error = NULL;
	g_autofree char *old = fixture_image(store, "old", "localhost/app:latest");
	g_autofree char *new = fixture_image(store, "new", "localhost/app:latest");
	assert_found(store, "app", new);
	g_autoptr(Image) left = image_resolve(store, old, &error);
	g_assert_cmpuint(g_strv_length(left->names), ==, 0);

	/* What a crash between the two steps of a move leaves: both have it, the later wins. */
	autofd dir = openat(store_dir(store, "images"), old, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const char *line = "localhost/app:latest\n";
	g_assert_true(record_replace(dir, "names", line, strlen(line), RECORD_SYNC_NONE, &error));
	assert_found(store, "app", old);
	g_autoptr(Image) image = image_resolve(store, new, &error);
	g_assert_true(image_tag(store, image, "localhost/app:latest", &error));
	assert_found(store, "app", new);
	g_assert_no_error(error);
}

static bool refuse(ImageIndex *index, void *data, GError **error)
{
	return error_set(error, ENGINE_ERROR_INVALID, "refused");
}

static void test_replaced_by_index(void)
{
	g_auto(TempDir) temp = temp_dir_new();
	g_autoptr(Store) store = fixture_store(&temp);
	g_autoptr(GError) error = NULL;
	const char *name = "localhost/app:latest";
	g_autofree char *id = fixture_image(store, "it", name);
	/* What fails leaves the name where it was. */
	g_assert_false(image_index_replace(store, name, false, refuse, NULL, &error));
	g_assert_true(error_matches(error, ENGINE_ERROR_INVALID));
	g_clear_error(&error);
	assert_found(store, "app", id);
	g_assert_null(image_index_lookup(store, name, NULL));
	/* From an image, and from an index that had it. */
	for (int i = 0; i < 2; i++) {
		g_assert_true(image_index_replace(store, name, false, NULL, NULL, &error));
		g_assert_no_error(error);
	}
	g_autofree char *holder = image_name_holder(store, name, &error);
	g_assert_null(holder);
	g_autoptr(GPtrArray) all = image_indexes_list(store, &error);
	g_assert_cmpuint(all->len, ==, 2);
	const ImageIndex *new = all->pdata[0], *old = all->pdata[1];
	g_assert_cmpuint(g_strv_length(new->names), ==, 1);
	g_assert_cmpuint(g_strv_length(old->names), ==, 0);
	assert_found(store, id, id);
}

static void test_tag(void)
{
	g_auto(TempDir) temp = temp_dir_new();
	g_autoptr(Store) store = fixture_store(&temp);
	g_autoptr(GError) error = NULL;
	g_autofree char *id = fixture_image(store, "it", "localhost/a:latest");
	g_autoptr(Image) image = image_resolve(store, "a", &error);
	g_assert_true(image_tag(store, image, "localhost/b:latest", &error));
	g_assert_true(image_tag(store, image, "localhost/b:latest", &error));
	g_autoptr(Image) both = image_resolve(store, "b", &error);
	g_assert_cmpuint(g_strv_length(both->names), ==, 2);
	g_assert_true(image_untag(store, both, "localhost/a:latest", &error));
	assert_found(store, "a", NULL);
	assert_found(store, "b", id);
	g_assert_false(image_untag(store, both, "localhost/a:latest", &error));
	g_assert_true(error_matches(error, ENGINE_ERROR_NOT_FOUND));
	g_clear_error(&error);
	g_assert_true(image_untag(store, both, NULL, &error));
	assert_found(store, "b", NULL);
	assert_found(store, id, id);
}

static void test_publish_again(void)
{
	g_auto(TempDir) temp = temp_dir_new();
	g_autoptr(Store) store = fixture_store(&temp);
	g_autoptr(GError) error = NULL;
	g_autofree char *id = fixture_image(store, "it", "localhost/a:latest");
	g_autofree char *again = fixture_image(store, "it", "localhost/b:latest");
	g_assert_cmpstr(id, ==, again);
	g_autoptr(Image) image = image_resolve(store, "a", &error);
	g_assert_cmpuint(g_strv_length(image->names), ==, 2);
	g_assert_cmpuint(image->size, ==, 100);
}

static void test_publish_without_layer(void)
{
	g_auto(TempDir) temp = temp_dir_new();
	g_autoptr(Store) store = fixture_store(&temp);
	g_autoptr(GError) error = NULL;
	const char *const contents[] = {"never unpacked", NULL};
	g_autofree char *config = fixture_config("2024-01-01T00:00:00Z", contents);
	const ImagePublish publish = {.config = config, .config_size = strlen(config)};
	g_assert_null(image_publish(store, &publish, &error));
	g_assert_true(error_matches(error, ENGINE_ERROR_CORRUPT));
	g_autoptr(GPtrArray) images = images_list(store, NULL);
	g_assert_cmpuint(images->len, ==, 0);
}

static void test_remove(void)
{
	g_auto(TempDir) temp = temp_dir_new();
	g_autoptr(Store) store = fixture_store(&temp);
	g_autoptr(GError) error = NULL;
	g_autofree char *gone = fixture_image(store, "gone", "localhost/gone:latest");
	g_autofree char *kept = fixture_image(store, "kept", "localhost/kept:latest");
	g_autoptr(Image) image = image_resolve(store, "gone", &error);
	g_assert_true(image_remove(store, image, NULL, NULL, &error));
	g_assert_no_error(error);
	assert_found(store, "gone", NULL);
	assert_found(store, "kept", kept);
	g_auto(GStrv) layers = record_list(store_dir(store, "layers"), &error);
	g_assert_cmpuint(g_strv_length(layers), ==, 1);
	g_assert_true(store_empty_trash(store, &error));
	(void)gone;
}

#define N_VANISHING 400

/* Images taken away one after the other, as rmi does it. */
typedef struct {
	Store *store;
	int wanted; /* atomic: how many are to go */
} Remover;

static char *vanishing_id(int i)
{
	return g_strdup_printf("%064x", i + 1);
}

static void *remove_images(void *data)
{
	Remover *remover = data;
	for (int i = 0; i < N_VANISHING; i++) {
		g_autofree char *id = vanishing_id(i);
		g_autofree char *names = g_strconcat(id, "/names", NULL);
		g_autofree char *config = g_strconcat(id, "/config.json", NULL);
		while (g_atomic_int_get(&remover->wanted) <= i)
			g_thread_yield();
		int trash = store_dir(remover->store, "trash");
		g_assert_cmpint(renameat(store_dir(remover->store, "images"), id, trash, id), ==,
				0);
		g_assert_cmpint(unlinkat(trash, names, 0), ==, 0);
		g_assert_cmpint(unlinkat(trash, config, 0), ==, 0);
	}
	return NULL;
}

/* A record that goes while it is read is absent: not broken, and not one without names. */
static void test_vanishing(void)
{
	g_auto(TempDir) temp = temp_dir_new();
	g_autoptr(Store) store = fixture_store(&temp);
	g_autofree char *first = fixture_image(store, "first", "localhost/app:latest");
	g_autofree char *source = g_strconcat(first, "/config.json", NULL);
	g_autofree char *source_names = g_strconcat(first, "/names", NULL);
	int images = store_dir(store, "images");
	for (int i = 0; i < N_VANISHING; i++) {
		g_autofree char *id = vanishing_id(i);
		g_autofree char *config = g_strconcat(id, "/config.json", NULL);
		g_autofree char *names = g_strconcat(id, "/names", NULL);
		g_assert_cmpint(mkdirat(images, id, 0700), ==, 0);
		g_assert_cmpint(linkat(images, source_names, images, names, 0), ==, 0);
		g_assert_cmpint(linkat(images, source, images, config, 0), ==, 0);
	}
	(void)store_dir(store, "trash");
	Remover remover = {.store = store};
	GThread *thread = g_thread_new("remover", remove_images, &remover);
	for (int i = 0; i < N_VANISHING; i++) {
		g_autofree char *id = vanishing_id(i);
		g_autoptr(GError) error = NULL;
		g_atomic_int_inc(&remover.wanted);
		for (bool there = true; there;) {
			g_autoptr(Image) image = image_lookup(store, id, &error);
			g_assert_no_error(error);
			there = image != NULL;
			g_assert_true(!there || image->names[0]);
		}
	}
	g_thread_join(thread);
}

#define N_MOVES 40

typedef struct {
	Store *store;
	char *ids[2];
	int ended; /* atomic */
} Mover;

static void *move_name(void *data)
{
	Mover *mover = data;
	for (int i = 0; i < N_MOVES; i++) {
		g_autoptr(GError) error = NULL;
		g_autoptr(Image) image = image_load(mover->store, mover->ids[i % 2], &error);
		g_assert_no_error(error);
		g_assert_true(
			image_tag(mover->store, image, "docker.io/library/app:latest", &error));
		g_assert_no_error(error);
	}
	g_atomic_int_set(&mover->ended, 1);
	return NULL;
}

/* An image between two others that takes long to look at: so that much happens between these. */
static void add_slow(Store *store, const char *one, const char *two)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *id = NULL;
	for (int i = 0; !id || (strcmp(one, id) < 0) == (strcmp(two, id) < 0); i++) {
		g_autofree char *content = g_strdup_printf("slow %d", i);
		g_free(id);
		id = fixture_image(store, content, NULL);
	}
	g_autoptr(GString) names = g_string_new(NULL);
	for (int i = 0; i < 40000; i++)
		g_string_append_printf(names, "localhost/%d:1\n", i);
	autofd dir = openat(store_dir(store, "images"), id, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	g_assert_true(
		record_replace(dir, "names", names->str, names->len, RECORD_SYNC_NONE, &error));
}

/* A name that goes from image to image is always somewhere. */
static void test_moving_name(void)
{
	g_auto(TempDir) temp = temp_dir_new();
	g_autoptr(Store) store = fixture_store(&temp);
	Mover mover = {.store = store,
		       .ids = {fixture_image(store, "one", NULL),
			       fixture_image(store, "two", "docker.io/library/app:latest")}};
	add_slow(store, mover.ids[0], mover.ids[1]);
	GThread *thread = g_thread_new("mover", move_name, &mover);
	while (!g_atomic_int_get(&mover.ended)) {
		g_autoptr(GError) error = NULL;
		g_autoptr(Image) image = image_lookup(store, "app", &error);
		g_assert_no_error(error);
		g_assert_nonnull(image);
	}
	g_thread_join(thread);
	g_free(mover.ids[0]);
	g_free(mover.ids[1]);
}

static void test_list(void)
{
	g_auto(TempDir) temp = temp_dir_new();
	g_autoptr(Store) store = fixture_store(&temp);
	g_autoptr(GError) error = NULL;
	static const char *const times[] = {"2024-01-02T00:00:00Z", "2024-01-03T00:00:00Z",
					    "2024-01-01T00:00:00Z"};
	const char *const none[] = {NULL};
	for (size_t i = 0; i < G_N_ELEMENTS(times); i++) {
		g_autofree char *config = fixture_config(times[i], none);
		const ImagePublish publish = {.config = config, .config_size = strlen(config)};
		g_autofree char *id = image_publish(store, &publish, &error);
		g_assert_no_error(error);
		g_assert_nonnull(id);
	}
	g_autofree char *broken = fixture_image(store, "broken", NULL);
	autofd dir = openat(store_dir(store, "images"), broken, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	g_assert_true(record_replace(dir, "config.json", "", 0, RECORD_SYNC_NONE, &error));

	g_autoptr(GPtrArray) images = images_list(store, &error);
	g_assert_no_error(error);
	g_assert_cmpuint(images->len, ==, 3);
	g_assert_cmpstr(((Image *)images->pdata[0])->config->created, ==, times[1]);
	g_assert_cmpstr(((Image *)images->pdata[2])->config->created, ==, times[2]);
	g_assert_null(image_lookup(store, broken, &error));
	g_assert_true(error_matches(error, ENGINE_ERROR_CORRUPT));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/image/publish/record", test_publish);
	g_test_add_func("/image/publish/again-adds-names", test_publish_again);
	g_test_add_func("/image/publish/needs-its-layers", test_publish_without_layer);
	g_test_add_func("/image/publish/makes-a-manifest", test_made_manifest);
	g_test_add_func("/image/lookup/names-and-ids", test_lookup);
	g_test_add_func("/image/lookup/ambiguous-prefix", test_ambiguous_prefix);
	g_test_add_func("/image/names/move", test_name_moves);
	g_test_add_func("/image/names/tag-and-untag", test_tag);
	g_test_add_func("/image/names/replaced-by-index", test_replaced_by_index);
	g_test_add_func("/image/remove/sweeps-its-layers", test_remove);
	g_test_add_func("/image/lookup/vanishing", test_vanishing);
	g_test_add_func("/image/lookup/moving-name", test_moving_name);
	g_test_add_func("/image/list/newest-first-without-broken", test_list);
	return g_test_run();
}
