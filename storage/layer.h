/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Layers: unpacked trees in layers/CHAINHEX/ with diff/ and layer.json, immutable once published.
 *
 * Publishing: stage -> syncfs -> rename -> fsync(layers/). A layer directory that is visible is complete.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "storage/store.h"

typedef struct {
	char *chain_id; /* digest */
	char *diff_id;
	char *parent;	/* chain id, NULL for the first */
	uint64_t size;	/* bytes of regular files, counted at unpack */
	char *blob_digest; /* compressed digest it came from, NULL if unknown */
	char *media_type;
	uint64_t blob_size;
} Layer;

void layer_free(Layer *layer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Layer, layer_free)

/** layer_lookup() - NULL without error if absent; CORRUPT if its record is broken. */
Layer *layer_lookup(Store *store, const char *chain_id, GError **error);

/**
 * layer_publish() - make staging/@stage_name/@name (which holds diff/ and layer.json) the layer @chain_id
 * A layer that is already there wins; the stage stays for its owner to free.
 */
bool layer_publish(Store *store, StoreStage *stage, const char *name, const Layer *layer, GError **error);

/** layer_diff_path() - "layers/HEX/diff" relative to the store root. g_free() it. */
char *layer_diff_path(const char *chain_id);

/** layers_sweep() - move layers no image needs to trash, honouring layers in use by running pulls (lease). */
bool layers_sweep(Store *store, GError **error);
