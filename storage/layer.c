/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Layers: their records, publishing and sweeping. Runs in the CLI and in skiff-fetch.
 *
 * Who may need a layer: a recorded image (its config names it by diff id) or a live stage (a file
 * in its pins/). layers/.lock orders the two sides: a claim or an image's publication holds it
 * shared, a sweep holds it alone from its first look at the images to its last rename. So a sweep
 * sees either the pin or the image, and a claim sees either the layer or its absence, never one
 * about to go.
 *
 * A crash while publishing leaves the staged directory in a dead stage; one between rename and the
 * fsync of layers/ may lose the whole layer with the power, never a part of it.
 */
#include "storage/layer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/json.h"
#include "libpod/base/log.h"
#include "libpod/base/path.h"
#include "libpod/base/record.h"
#include "storage/build_cache.h"
#include "storage/digest.h"
#include "storage/image_config.h"

#define RECORD_MAX_SIZE 16384
#define CONFIG_MAX_SIZE (4u << 20)

void layer_free(Layer *layer)
{
	if (!layer)
		return;
	g_free(layer->chain_id);
	g_free(layer->diff_id);
	g_free(layer->parent);
	g_free(layer->blob_digest);
	g_free(layer->media_type);
	g_free(layer);
}

char *layer_diff_path(const char *chain_id)
{
	return g_strdup_printf("layers/%s/diff", digest_hex(chain_id));
}

int layer_kept_open(Store *store, const Layer *layer)
{
	struct stat st;
	g_autofree char *path = g_strconcat(digest_hex(layer->chain_id), "/" LAYER_KEPT_NAME, NULL);
	if (!layer->blob_digest || !digest_is_valid(layer->blob_digest))
		return -1;
	autofd fd = path_open_state(store_dir(store, "layers"), path, O_RDONLY, 0);
	if (fd < 0 || fstat(fd, &st) < 0 || (uint64_t)st.st_size != layer->blob_size)
		return -1;
	return fd_steal(&fd);
}

char *layer_map_key(const IdMap *map)
{
	g_autofree char *uids = idmap_format(map->uids);
	g_autofree char *gids = idmap_format(map->gids);
	g_autofree char *both = g_strconcat(uids, "/", gids, NULL);
	g_autofree char *sum = g_compute_checksum_for_string(G_CHECKSUM_SHA256, both, -1);
	return g_strndup(sum, 16);
}

char *layer_mapped_path(const char *chain_id, const IdMap *map)
{
	g_autofree char *key = layer_map_key(map);
	return g_strdup_printf("layers/%s@%s/diff", digest_hex(chain_id), key);
}

static RecordLock *lock_layers(Store *store, bool shared, const char *operation, GError **error)
{
	int layers = store_dir(store, "layers");
	if (layers < 0)
		return error_set_errno_null(error, "cannot open '%s/layers'", store_path(store));
	return record_lock(layers, ".lock", shared, -1, operation, error);
}

RecordLock *layers_lock_shared(Store *store, GError **error)
{
	return lock_layers(store, true, "image", error);
}

/* Take the fields of a layer.json; the caller checks that it is the right layer. */
static Layer *read_record(Json *json, GError **error)
{
	g_autoptr(Layer) layer = g_new0(Layer, 1);
	int64_t size = 0, tar_size = 0, blob_size = 0;
	if (!js_dup_string(json, "chain_id", &layer->chain_id, error) ||
	    !js_dup_string(json, "diff_id", &layer->diff_id, error) ||
	    !js_dup_string(json, "parent", &layer->parent, error) ||
	    !js_dup_string(json, "blob_digest", &layer->blob_digest, error) ||
	    !js_dup_string(json, "media_type", &layer->media_type, error) ||
	    !js_get_int(json, "size", 0, INT64_MAX, &size, error) ||
	    !js_get_int(json, "tar_size", 0, INT64_MAX, &tar_size, error) ||
	    !js_get_int(json, "blob_size", 0, INT64_MAX, &blob_size, error))
		return NULL;
	layer->size = (uint64_t)size;
	layer->tar_size = (uint64_t)tar_size;
	layer->blob_size = (uint64_t)blob_size;
	return g_steal_pointer(&layer);
}

Layer *layer_lookup(Store *store, const char *chain_id, GError **error)
{
	if (!digest_check(chain_id, error))
		return NULL;
	int layers = store_dir(store, "layers");
	if (layers < 0)
		return error_set_errno_null(error, "cannot open '%s/layers'", store_path(store));
	autofd dir = path_open_state(layers, digest_hex(chain_id), O_PATH | O_DIRECTORY, 0);
	if (dir < 0) {
		if (errno != ENOENT)
			(void)error_set_errno(error, "layer '%s'", chain_id);
		return NULL;
	}

	g_autoptr(GError) problem = NULL;
	g_autoptr(Json) json = js_load(dir, "layer.json", RECORD_MAX_SIZE, &problem);
	g_autoptr(Layer) layer = json ? read_record(json, &problem) : NULL;
	if (!layer || g_strcmp0(layer->chain_id, chain_id) != 0 || !digest_is_valid(layer->diff_id))
		return error_set_null(error, ENGINE_ERROR_CORRUPT,
				      "layer '%s' has a broken record: %s", chain_id,
				      problem ? problem->message : "wrong contents");
	return g_steal_pointer(&layer);
}

Layer *layer_resolve(Store *store, const char *chain_id, GError **error)
{
	g_autoptr(GError) problem = NULL;
	Layer *layer = layer_lookup(store, chain_id, &problem);
	if (problem)
		g_propagate_error(error, g_steal_pointer(&problem));
	else if (!layer)
		error_set(error, ENGINE_ERROR_CORRUPT, "layer '%s' is missing", chain_id);
	return layer;
}

/* Put @chain_id into the stage's pins/. */
static bool write_pin(StoreStage *stage, const char *chain_id, GError **error)
{
	int fd = store_stage_fd(stage);
	if (mkdirat(fd, "pins", 0700) < 0 && errno != EEXIST)
		return error_set_errno(error, "cannot make 'staging/%s/pins'",
				       store_stage_name(stage));
	autofd pins = path_open_state(fd, "pins", O_RDONLY | O_DIRECTORY, 0);
	autofd pin =
		pins < 0 ? -1
			 : path_open_state(pins, digest_hex(chain_id), O_WRONLY | O_CREAT, 0600);
	if (pin < 0)
		return error_set_errno(error, "cannot pin layer '%s'", chain_id);
	return true;
}

Layer *layer_claim(Store *store, StoreStage *stage, const char *chain_id, GError **error)
{
	if (!digest_check(chain_id, error))
		return NULL;
	g_autoptr(RecordLock) lock = lock_layers(store, true, "pull", error);
	if (!lock || !write_pin(stage, chain_id, error))
		return NULL;
	return layer_lookup(store, chain_id, error);
}

bool layer_record_write(int dir_fd, const Layer *layer, GError **error)
{
	g_autoptr(Json) json = json_object_new_object();
	js_set_string(json, "chain_id", layer->chain_id);
	js_set_string(json, "diff_id", layer->diff_id);
	js_set_string(json, "parent", layer->parent);
	js_set_int(json, "size", (int64_t)layer->size);
	js_set_int(json, "tar_size", (int64_t)layer->tar_size);
	js_set_string(json, "blob_digest", layer->blob_digest);
	js_set_string(json, "media_type", layer->media_type);
	js_set_int(json, "blob_size", (int64_t)layer->blob_size);
	/* No sync of its own: publishing syncs the file system once. */
	return js_save(dir_fd, "layer.json", json, RECORD_SYNC_NONE, error);
}

bool layer_publish(Store *store, StoreStage *stage, const char *name, const Layer *layer,
		   GError **error)
{
	const LayerPublish item = {.name = name, .layer = layer};
	return layers_publish(store, stage, &item, 1, error);
}

bool layers_publish(Store *store, StoreStage *stage, const LayerPublish *items, size_t n_items,
		    GError **error)
{
	if (n_items == 0)
		return true;
	int layers = store_dir(store, "layers");
	if (layers < 0)
		return error_set_errno(error, "cannot open '%s/layers'", store_path(store));
	int staging = store_stage_fd(stage);
	if (syncfs(staging) < 0)
		return error_set_errno(error, "cannot sync '%s'", store_path(store));

	for (size_t i = 0; i < n_items; i++) {
		const char *chain_id = items[i].layer->chain_id;
		if (!write_pin(stage, chain_id, error))
			return false;
		if (renameat2(staging, items[i].name, layers, digest_hex(chain_id),
			      RENAME_NOREPLACE) < 0 &&
		    errno != EEXIST)
			return error_set_errno(error, "cannot publish layer '%s'", chain_id);
	}
	if (fsync(layers) < 0)
		return error_set_errno(error, "cannot sync '%s/layers'", store_path(store));
	return true;
}

/* Add the hex chain ids of one image's layers to @needed. */
static bool add_image_layers(int images, const char *id, GHashTable *needed, GError **error)
{
	autofd dir = path_open_state(images, id, O_PATH | O_DIRECTORY, 0);
	if (dir < 0 && errno == ENOENT)
		return true;
	if (dir < 0)
		return error_set_errno(error, "image '%s'", id);
	size_t size = 0;
	g_autofree char *text = record_read(dir, "config.json", CONFIG_MAX_SIZE, &size, error);
	g_autoptr(ImageConfig) config = text ? image_config_parse(text, size, error) : NULL;
	struct stat st;
	if (!config && fstatat(images, id, &st, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT) {
		g_clear_error(error); /* removed while it was read */
		return true;
	}
	if (!config)
		return false;

	g_autofree char *chain = NULL;
	for (size_t i = 0; config->diff_ids[i]; i++) {
		char *next = digest_chain_id(chain, config->diff_ids[i]);
		g_free(chain);
		chain = next;
		g_hash_table_add(needed, g_strdup(digest_hex(chain)));
	}
	return true;
}

/* Add what the stages have pinned; a dead stage's pins do no harm and go with it. */
static bool add_pins(int staging, GHashTable *needed, GError **error)
{
	g_auto(GStrv) stages = record_list(staging, error);
	if (!stages)
		return false;
	for (size_t i = 0; stages[i]; i++) {
		g_autofree char *path = g_strconcat(stages[i], "/pins", NULL);
		autofd pins = path_open_state(staging, path, O_RDONLY | O_DIRECTORY, 0);
		if (pins < 0)
			continue;
		g_auto(GStrv) names = record_list(pins, NULL);
		for (size_t j = 0; names && names[j]; j++)
			g_hash_table_add(needed, g_strdup(names[j]));
	}
	return true;
}

/* All that must stay, as hex digits of chain ids. NULL if it cannot be told for sure. */
static GHashTable *collect_needed(Store *store, GError **error)
{
	int images = store_dir(store, "images");
	int staging = store_dir(store, "staging");
	if (images < 0 || staging < 0)
		return error_set_errno_null(error, "cannot open '%s'", store_path(store));
	g_autoptr(GHashTable) needed = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	g_auto(GStrv) ids = record_list(images, error);
	if (!ids)
		return NULL;
	for (size_t i = 0; ids[i]; i++) {
		if (!add_image_layers(images, ids[i], needed, error)) {
			g_prefix_error(error, "image '%.12s': ", ids[i]);
			return NULL;
		}
	}
	if (!add_pins(staging, needed, error) || !build_cache_add_needed(store, needed, error))
		return NULL;
	return g_steal_pointer(&needed);
}

bool layers_sweep(Store *store, GError **error)
{
	g_autoptr(RecordLock) lock = lock_layers(store, false, "sweep", error);
	if (!lock)
		return false;
	g_autoptr(GError) problem = NULL;
	g_autoptr(GHashTable) needed = collect_needed(store, &problem);
	if (!needed) {
		/* Not knowing what is needed, keep everything: a broken image must not cost others.
		 */
		log_warn("no layer is removed: %s", problem->message);
		return true;
	}

	g_auto(GStrv) names = record_list(store_dir(store, "layers"), error);
	if (!names)
		return false;
	for (size_t i = 0; names[i]; i++) {
		/* HEX, or HEX@MAP for a copy with other ids, which goes with its original. */
		g_autofree char *hex = g_strndup(names[i], strcspn(names[i], "@"));
		if (!g_hash_table_contains(needed, hex) &&
		    !store_trash(store, "layers", names[i], error))
			return false;
	}
	return true;
}
