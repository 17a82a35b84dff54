/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Layers: unpacked trees in layers/CHAINHEX/ with diff/ and layer.json, immutable once published.
 *
 * Publishing: stage -> syncfs -> rename -> fsync(layers/). A layer directory that is visible is
 * complete.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "libpod/base/idmap.h"
#include "libpod/base/record.h"
#include "storage/store.h"

typedef struct {
	char *chain_id; /* digest */
	char *diff_id;
	char *parent;      /* chain id, NULL for the first */
	uint64_t size;     /* bytes of regular files, counted at unpack */
	uint64_t tar_size; /* of the uncompressed tar, 0 if unknown */
	char *blob_digest; /* compressed digest it came from, NULL if unknown */
	char *media_type;
	uint64_t blob_size;
} Layer;

void layer_free(Layer *layer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Layer, layer_free)

/** layer_lookup() - NULL without error if absent; CORRUPT if its record is broken. */
Layer *layer_lookup(Store *store, const char *chain_id, GError **error);

/** layer_resolve() - as layer_lookup(), for a layer that an image needs: absent is CORRUPT, too. */
Layer *layer_resolve(Store *store, const char *chain_id, GError **error);

/**
 * layer_claim() - keep a layer for the life of a stage and look it up
 * Writes staging/STAGE/pins/HEX first, so that no sweep takes the layer between this look and the
 * image's record. Whoever builds on a layer that is already there must have it from here. Return:
 * NULL without @error if the layer is absent (the pin stays and will protect it once published).
 */
Layer *layer_claim(Store *store, StoreStage *stage, const char *chain_id, GError **error);

/** layer_record_write() - write layer.json into a staged layer's directory. */
bool layer_record_write(int dir_fd, const Layer *layer, GError **error);

/**
 * layer_publish() - make staging/@stage_name/@name (which holds diff/ and layer.json) the layer
 * @chain_id A layer that is already there wins; the stage stays for its owner to free.
 */
bool layer_publish(Store *store, StoreStage *stage, const char *name, const Layer *layer,
		   GError **error);

/** layer_diff_path() - "layers/HEX/diff" relative to the store root. g_free() it. */
char *layer_diff_path(const char *chain_id);

/* The compressed bytes a layer came from, where they were kept: a file beside diff/. */
#define LAYER_KEPT_NAME "blob"

/** layer_kept_open() - the bytes that were kept. Return: descriptor of a file of layer->blob_size
 * bytes, whose digest is for the caller to check; -1 if there is none. */
int layer_kept_open(Store *store, const Layer *layer);

/** layer_map_key() - 16 hex digits that stand for a map in names. g_free() it. */
char *layer_map_key(const IdMap *map);

/** layer_mapped_path() - "layers/HEX@MAP/diff": the copy of a layer whose files are owned as @map
 * says. g_free() it. */
char *layer_mapped_path(const char *chain_id, const IdMap *map);

typedef struct {
	const char *name; /* directory in the stage */
	const Layer *layer;
} LayerPublish;

/** layers_publish() - as layer_publish() for several, bottom first, with one syncfs for all. */
bool layers_publish(Store *store, StoreStage *stage, const LayerPublish *items, size_t n_items,
		    GError **error);

/** layers_lock_shared() - keep sweeps out while layers are looked at and an image's record is
 * written. */
RecordLock *layers_lock_shared(Store *store, GError **error);

/** layers_sweep() - move layers no image needs to trash, honouring layers in use by running pulls
 * (lease). */
bool layers_sweep(Store *store, GError **error);
