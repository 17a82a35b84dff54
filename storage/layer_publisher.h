/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Publishes a batch of staged layers in a thread: completing and syncing take as long as the disk
 * does, and meanwhile the pull's loop has downloads to drive.
 */
#pragma once

#include "storage/blob_slot.h"
#include "storage/transfer.h"

typedef struct LayerPublisher LayerPublisher;

/* Staged layers, bottom first; all is borrowed until the publisher has ended. */
typedef struct {
	LayerIngest *ingest;
	Layer *layer;
	BlobSlot *slot;
} StagedLayer;

/**
 * layer_publisher_new() - start to publish @n layers; those below the first are published
 * @wake:	called by the thread when it has ended
 *
 * Only the first one may need its parent (layer_ingest_needs_parent()).
 */
LayerPublisher *layer_publisher_new(Store *store, StoreStage *stage, const StagedLayer *layers,
				    size_t n, void (*wake)(void *data), void *wake_data);

/** layer_publisher_ended() - has it? */
bool layer_publisher_ended(LayerPublisher *publisher);

/** layer_publisher_result() - after it has ended: are all of them visible? */
bool layer_publisher_result(LayerPublisher *publisher, GError **error);

/** layer_publisher_free() - wait for the thread, free. NULL is fine. */
void layer_publisher_free(LayerPublisher *publisher);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(LayerPublisher, layer_publisher_free)
