/* SPDX-License-Identifier: Apache-2.0 */
/*
 * z11: --filter of images, volumes, networks and events, one a line behind a letter that says
 * whose: 'i', 'v', 'n', 'e'. Refused in words, or what stays is a part of what there was, in its
 * order, and asking the same again takes nothing more away.
 */
#include <fcntl.h>
#include <glib.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/image/image_filter.h"
#include "cmd/network/network_filter.h"
#include "cmd/system/event_filter.h"
#include "cmd/volume/volume_filter.h"
#include "tests/unit/storage/store_fixture.h"

#define FILTERS_MAX 16

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct {
	TempDir temp;
	Engine *engine;
	GHashTable *used;
} bed;

static void remove_bed(void)
{
	engine_close(bed.engine);
	g_hash_table_unref(bed.used);
	temp_dir_clear(&bed.temp);
}

static GHashTable *labels_new(void)
{
	GHashTable *labels = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	g_hash_table_insert(labels, g_strdup("key"), g_strdup("value"));
	return labels;
}

static void add_objects(void)
{
	Store *store = engine_store(bed.engine);
	g_autofree char *one = fixture_image(store, "one", "docker.io/library/app:1.2");
	g_free(fixture_image(store, "two", NULL));
	g_hash_table_add(bed.used, g_strdup(one));
	g_autoptr(GError) error = NULL;
	g_autoptr(GHashTable) labels = labels_new();
	const VolumeCreate volumes[] = {{.name = "data", .labels = labels}, {.name = "other"}};
	for (size_t i = 0; i < G_N_ELEMENTS(volumes); i++) {
		volume_free(volume_create(bed.engine, &volumes[i], &error));
		g_assert_no_error(error);
	}
	const NamedNetworkCreate network = {.name = "inner", .labels = labels, .internal = true};
	named_network_free(named_network_create(bed.engine, &network, &error));
	g_assert_no_error(error);
}

static void open_bed(void)
{
	bed.temp = temp_dir_new();
	bed.used = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	g_autofree char *root = g_build_filename(bed.temp.path, "root", NULL);
	g_autofree char *run = g_build_filename(bed.temp.path, "run", NULL);
	const EngineOptions options = {.root = root, .runroot = run};
	g_autoptr(GError) error = NULL;
	bed.engine = engine_open(&options, &error);
	g_assert_no_error(error);
	add_objects();
	(void)atexit(remove_bed);
}

static void check_images(const GPtrArray *texts)
{
	g_autoptr(GError) error = NULL;
	Store *store = engine_store(bed.engine);
	GHashTable *used = image_filter_asks_for_users(texts) ? bed.used : NULL;
	g_autoptr(ImageFilter) filter = image_filter_new(store, texts, NULL, used, &error);
	g_assert_true((filter == NULL) == (error != NULL));
	g_autoptr(GPtrArray) images = filter ? images_list(store, &error) : NULL;
	for (guint i = 0; images && i < images->len; i++) {
		const Image *image = images->pdata[i];
		bool any = !image->names[0];
		for (char **name = image->names; *name; name++)
			any |= image_filter_matches_name(filter, *name);
		/* An image that passes does so under a name. */
		g_assert_true(!image_filter_matches(filter, image) || any);
	}
}

typedef bool (*Apply)(Engine *engine, GPtrArray *objects, const GPtrArray *texts, GError **error);

/* @objects are ours: what is filtered are lists that borrow them. */
static void check_objects(Apply apply, GPtrArray *objects, const GPtrArray *texts)
{
	g_autoptr(GPtrArray) kept = g_ptr_array_new();
	g_ptr_array_extend(kept, objects, NULL, NULL);
	g_autoptr(GError) error = NULL;
	bool done = apply(bed.engine, kept, texts, &error);
	g_assert_true(done == (error == NULL));
	if (!done)
		return;
	guint at = 0;
	for (guint i = 0; i < objects->len && at < kept->len; i++)
		at += objects->pdata[i] == kept->pdata[at];
	g_assert_cmpuint(at, ==, kept->len);
	g_assert_true(apply(bed.engine, kept, texts, &error));
	g_assert_cmpuint(at, ==, kept->len);
}

static void check_events(const GPtrArray *texts)
{
	static const Event events[] = {
		{.type = EVENT_CONTAINER, .status = "died", .id = "1", .name = "n", .image = "i"},
		{.type = EVENT_VOLUME, .status = "create", .name = "data"},
		{.type = EVENT_POD, .status = "start", .id = "2", .name = "pod"},
	};
	g_autoptr(GError) error = NULL;
	g_autoptr(EventFilter) filter = event_filter_new(texts, &error);
	g_assert_true((filter == NULL) == (error != NULL));
	for (size_t i = 0; filter && i < G_N_ELEMENTS(events); i++)
		g_assert_true(event_filter_matches(filter, &events[i]) ==
			      event_filter_matches(filter, &events[i]));
}

static void check(char kind, const GPtrArray *texts)
{
	if (kind == 'i') {
		check_images(texts);
	} else if (kind == 'v') {
		g_autoptr(GPtrArray) volumes = volumes_list(bed.engine, NULL);
		check_objects(volume_filter_apply, volumes, texts);
	} else if (kind == 'n') {
		g_autoptr(GPtrArray) networks = named_networks_list(bed.engine, NULL);
		check_objects(network_filter_apply, networks, texts);
	} else if (kind == 'e') {
		check_events(texts);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!bed.engine)
		open_bed();
	if (size == 0)
		return 0;
	g_autofree char *text = g_strndup((const char *)data + 1, size - 1);
	/* Arguments of a command line are UTF-8. */
	if (!g_utf8_validate(text, -1, NULL))
		return 0;
	g_auto(GStrv) lines = g_strsplit(text, "\n", FILTERS_MAX);
	g_autoptr(GPtrArray) texts = g_ptr_array_new();
	for (char **line = lines; *line; line++)
		g_ptr_array_add(texts, *line);
	check((char)data[0], texts);
	return 0;
}
