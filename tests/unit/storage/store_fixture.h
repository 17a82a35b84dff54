/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A store in a temporary directory with layers and images made by hand.
 */
#pragma once

#include <string.h>
#include <sys/stat.h>

#include "storage/digest.h"
#include "storage/image.h"
#include "storage/layer.h"
#include "storage/store.h"
#include "tests/unit/base/temp_dir.h"

static inline Store *fixture_store(const TempDir *temp)
{
	g_autofree char *path = g_build_filename(temp->path, "store", NULL);
	g_autoptr(GError) error = NULL;
	Store *store = store_open(path, &error);
	g_assert_no_error(error);
	return store;
}

/** fixture_layer() - publish a layer with an empty diff/. Return: its chain id. */
static inline char *fixture_layer(Store *store, const char *parent, const char *content,
				  uint64_t size)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(StoreStage) stage = store_stage_new(store, &error);
	g_assert_no_error(error);
	g_assert_cmpint(mkdirat(store_stage_fd(stage), "layer-0", 0700), ==, 0);
	autofd dir = openat(store_stage_fd(stage), "layer-0", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	g_assert_cmpint(mkdirat(dir, "diff", 0755), ==, 0);
	Layer layer = {.diff_id = digest_of(content, strlen(content)),
		       .parent = (char *)parent,
		       .size = size};
	layer.chain_id = digest_chain_id(parent, layer.diff_id);
	g_assert_true(layer_record_write(dir, &layer, &error));
	g_assert_true(layer_publish(store, stage, "layer-0", &layer, &error));
	g_assert_no_error(error);
	g_free(layer.diff_id);
	return layer.chain_id;
}

/** fixture_config() - a config of layers with these contents (as fixture_layer() got them). */
static inline char *fixture_config(const char *created, const char *const *contents)
{
	g_autoptr(GString) text = g_string_new(NULL);
	g_string_printf(text,
			"{\"created\":\"%s\",\"os\":\"linux\",\"rootfs\":{\"type\":\"layers\","
			"\"diff_ids\":[",
			created);
	for (size_t i = 0; contents[i]; i++) {
		g_autofree char *diff_id = digest_of(contents[i], strlen(contents[i]));
		g_string_append_printf(text, "%s\"%s\"", i ? "," : "", diff_id);
	}
	g_string_append(text, "]}}");
	return g_string_free(g_steal_pointer(&text), FALSE);
}

/** fixture_image() - an image of one layer called @content, with one name (or none). Return: its
 * id. */
static inline char *fixture_image(Store *store, const char *content, const char *name)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *chain = fixture_layer(store, NULL, content, 100);
	g_assert_nonnull(chain);
	const char *const contents[] = {content, NULL};
	g_autofree char *config = fixture_config("2024-01-01T00:00:00Z", contents);
	const char *const names[] = {name, NULL};
	const ImagePublish publish = {
		.config = config, .config_size = strlen(config), .names = names};
	char *id = image_publish(store, &publish, &error);
	g_assert_no_error(error);
	return id;
}
