/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Layers on their way in: from compressed bytes of any source to a staged, verified, unpacked
 * layer.
 *
 * One LayerIngest per layer. The owner (registry download or archive reader) pushes compressed
 * bytes as they come; behind it: digest of the compressed bytes -> inflate (gzip by isa-l, zstd,
 * none) -> digest of the tar (diff id) -> the jailed unpack child, an exec'd process of its own
 * user, pid and mount namespace, without network, with Landlock, seccomp and limits (security R10).
 * Bytes are hostile until layer_ingest_finish().
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "storage/layer.h"
#include "storage/store.h"

typedef struct LayerIngest LayerIngest;

typedef struct {
	const char *media_type;      /* as the manifest says; decides nothing alone: magic bytes are
					checked too */
	const char *expected_digest; /* of the compressed bytes, NULL if unknown (archives) */
	int64_t expected_size;       /* -1 if unknown */
	const char *expected_diff_id;
	const char *parent_chain_id; /* NULL for the first layer */
	bool keep_blob; /* leave the compressed bytes beside the tree (layer_kept_open()) */
} LayerIngestOptions;

/** layer_ingest_new() - start the unpack child in @stage. UNSUPPORTED for an unknown media type. */
LayerIngest *layer_ingest_new(Store *store, StoreStage *stage, const LayerIngestOptions *options,
			      GError **error);

/** layer_ingest_push() - the next bytes; blocks while the pipeline is full (bounded memory).
 * CORRUPT, or the child's error. */
bool layer_ingest_push(LayerIngest *ingest, const void *data, size_t size, GError **error);

/**
 * layer_ingest_finish() - end of the blob: verify digests and sizes, wait for the child
 * Return: the layer, staged and not yet visible (publish it with layer_publish once its parent is
 * there); NULL with CORRUPT (digest, size, diff id or tar), INVALID (a hostile entry).
 */
Layer *layer_ingest_finish(LayerIngest *ingest, GError **error);

/**
 * layer_ingest_needs_parent() - does the layer refer to lower ones (hard links into them,
 * directories it uses without describing them)? Then its parent must be published before
 * layer_ingest_complete().
 */
bool layer_ingest_needs_parent(const LayerIngest *ingest);

/** layer_ingest_complete() - settle what refers to lower layers; no-op for most. Call it before
 * publishing. */
bool layer_ingest_complete(LayerIngest *ingest, Layer *layer, GError **error);

/** layer_ingest_publish() - complete and publish one layer; its parent must be published. */
bool layer_ingest_publish(LayerIngest *ingest, Layer *layer, GError **error);

/** layer_ingest_name() - the directory name in the stage, for layer_publish(). Borrowed. */
const char *layer_ingest_name(const LayerIngest *ingest);

/** layer_ingest_free() - kill the child if it still runs. */
void layer_ingest_free(LayerIngest *ingest);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(LayerIngest, layer_ingest_free)
