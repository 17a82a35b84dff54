/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between a download and a LayerIngest: a thread per layer, so that a layer that unpacks slowly
 * holds up neither the network nor the other layers.
 *
 * What is offered is first kept in the slot, so that a kill costs less than a chunk; blobs of less
 * than a megabyte are not worth that. The thread
 * replays what the slot had at the start, then takes what was offered and pushes it into the
 * ingest, which it also starts and finishes. About 4 MiB wait in between. All functions are for
 * the one thread that owns the pump.
 */
#pragma once

#include "storage/blob_slot.h"
#include "storage/transfer.h"

typedef struct BlobPump BlobPump;

typedef struct {
	LayerIngestOptions ingest; /* its strings must outlive the pump */
	BlobSlot *slot;            /* borrowed; nobody else may use it meanwhile */
	void (*wake)(void *data);  /* called by the thread: there is room again, or it has ended */
	void *wake_data;
} BlobPumpOptions;

/** blob_pump_new() - start the thread. */
BlobPump *blob_pump_new(Store *store, StoreStage *stage, const BlobPumpOptions *options);

typedef enum {
	BLOB_PUMP_TOOK,
	BLOB_PUMP_FULL,  /* nothing was taken: offer again after wake() */
	BLOB_PUMP_ENDED, /* it has failed: see blob_pump_result() */
} BlobPumpOffer;

/** blob_pump_offer() - the next bytes of the download; they are copied. Never blocks. */
BlobPumpOffer blob_pump_offer(BlobPump *pump, const void *data, size_t size);

/** blob_pump_has_room() - would an offer be taken? */
bool blob_pump_has_room(BlobPump *pump);

/** blob_pump_close() - no more bytes: verify and finish. */
void blob_pump_close(BlobPump *pump);

/** blob_pump_ended() - has the thread done all it will do? */
bool blob_pump_ended(BlobPump *pump);

/**
 * blob_pump_result() - what became of it; only once, after it has ended
 * @out_ingest:	to complete and publish the layer with; layer_ingest_free() it
 * Return: the staged layer; NULL with what went wrong.
 */
Layer *blob_pump_result(BlobPump *pump, LayerIngest **out_ingest, GError **error);

/** blob_pump_free() - end the thread, whatever it does, and free. NULL is fine. */
void blob_pump_free(BlobPump *pump);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BlobPump, blob_pump_free)
