/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The thread between a download and the unpacking of one layer. See the header.
 */
#include "storage/blob_pump.h"

#include <string.h>

#include "libpod/base/error.h"

#define CHUNK_SIZE (128u << 10)
/* A kill loses what is queued, and no more than a megabyte may be fetched twice. */
#define QUEUE_MAX (640u << 10)
/* Below this a resume is not worth the writing. */
#define KEEP_FROM (1 << 20)

typedef struct {
	size_t size;
	char data[CHUNK_SIZE];
} Chunk;

struct BlobPump {
	Store *store;
	StoreStage *stage;
	BlobPumpOptions options;
	GThread *thread;

	GMutex mutex;
	GCond filled;  /* the thread waits for it */
	GQueue chunks; /* of Chunk; the last one may still be filled up */
	size_t queued; /* bytes in all of them */
	bool was_full; /* the owner waits for room */
	bool is_closed;
	bool is_cancelled;
	bool has_ended;

	/* Written by the thread before has_ended. */
	Layer *layer;
	LayerIngest *ingest;
	GError *error;
};

/* The next chunk, or NULL at the end or when cancelled. */
static Chunk *take_chunk(BlobPump *pump)
{
	g_mutex_lock(&pump->mutex);
	while (g_queue_is_empty(&pump->chunks) && !pump->is_closed && !pump->is_cancelled)
		g_cond_wait(&pump->filled, &pump->mutex);
	Chunk *chunk = pump->is_cancelled ? NULL : g_queue_pop_head(&pump->chunks);
	if (chunk)
		pump->queued -= chunk->size;
	bool wake = pump->was_full && pump->queued <= QUEUE_MAX / 2;
	if (wake)
		pump->was_full = false;
	g_mutex_unlock(&pump->mutex);
	if (wake)
		pump->options.wake(pump->options.wake_data);
	return chunk;
}

static bool is_cancelled(BlobPump *pump)
{
	g_mutex_lock(&pump->mutex);
	bool cancelled = pump->is_cancelled;
	g_mutex_unlock(&pump->mutex);
	return cancelled;
}

/* Push what an earlier pull left in the slot. */
static bool replay(BlobPump *pump, LayerIngest *ingest, GError **error)
{
	g_autofree char *buffer = g_malloc(CHUNK_SIZE);
	int64_t size = blob_slot_size(pump->options.slot);
	for (int64_t at = 0; at < size;) {
		ssize_t n = blob_slot_read(pump->options.slot, buffer, CHUNK_SIZE, at);
		if (n < 0)
			return error_set_errno(error, "cannot read a partial download");
		if (n == 0)
			return error_set(error, ENGINE_ERROR_CORRUPT,
					 "a partial download has shrunk");
		if (is_cancelled(pump))
			return error_set(error, ENGINE_ERROR_CANCELLED, "cancelled");
		if (!layer_ingest_push(ingest, buffer, (size_t)n, error))
			return false;
		at += n;
	}
	return true;
}

/* Push what is offered until the owner closes. */
static bool pump_network(BlobPump *pump, LayerIngest *ingest, GError **error)
{
	int64_t expected = pump->options.ingest.expected_size;
	bool keep = expected < 0 || expected >= KEEP_FROM;
	for (Chunk *chunk; (chunk = take_chunk(pump));) {
		if (keep)
			blob_slot_append(pump->options.slot, chunk->data, chunk->size);
		bool ok = layer_ingest_push(ingest, chunk->data, chunk->size, error);
		g_free(chunk);
		if (!ok)
			return false;
	}
	return is_cancelled(pump) ? error_set(error, ENGINE_ERROR_CANCELLED, "cancelled") : true;
}

static Layer *run(BlobPump *pump, LayerIngest **out_ingest, GError **error)
{
	g_autoptr(LayerIngest) ingest =
		layer_ingest_new(pump->store, pump->stage, &pump->options.ingest, error);
	if (!ingest || !replay(pump, ingest, error) || !pump_network(pump, ingest, error))
		return NULL;
	Layer *layer = layer_ingest_finish(ingest, error);
	if (layer)
		*out_ingest = g_steal_pointer(&ingest);
	return layer;
}

static void *thread_main(void *data)
{
	BlobPump *pump = data;
	LayerIngest *ingest = NULL;
	GError *error = NULL;
	Layer *layer = run(pump, &ingest, &error);
	g_mutex_lock(&pump->mutex);
	pump->layer = layer;
	pump->ingest = ingest;
	pump->error = error;
	pump->has_ended = true;
	g_mutex_unlock(&pump->mutex);
	pump->options.wake(pump->options.wake_data);
	return NULL;
}

BlobPump *blob_pump_new(Store *store, StoreStage *stage, const BlobPumpOptions *options)
{
	BlobPump *pump = g_new0(BlobPump, 1);
	pump->store = store;
	pump->stage = stage;
	pump->options = *options;
	g_mutex_init(&pump->mutex);
	g_cond_init(&pump->filled);
	g_queue_init(&pump->chunks);
	pump->thread = g_thread_new("blob-pump", thread_main, pump);
	return pump;
}

/* Copy into the last chunk and new ones. The mutex is held. */
static void append(BlobPump *pump, const char *data, size_t size)
{
	while (size > 0) {
		Chunk *last = g_queue_peek_tail(&pump->chunks);
		if (!last || last->size == CHUNK_SIZE) {
			last = g_malloc(sizeof(*last));
			last->size = 0;
			g_queue_push_tail(&pump->chunks, last);
		}
		size_t part = MIN(size, CHUNK_SIZE - last->size);
		memcpy(last->data + last->size, data, part);
		last->size += part;
		pump->queued += part;
		data += part;
		size -= part;
	}
}

BlobPumpOffer blob_pump_offer(BlobPump *pump, const void *data, size_t size)
{
	BlobPumpOffer result = BLOB_PUMP_TOOK;
	g_mutex_lock(&pump->mutex);
	if (pump->has_ended) {
		result = BLOB_PUMP_ENDED;
	} else if (pump->queued >= QUEUE_MAX) {
		pump->was_full = true;
		result = BLOB_PUMP_FULL;
	} else {
		append(pump, data, size);
		g_cond_signal(&pump->filled);
	}
	g_mutex_unlock(&pump->mutex);
	return result;
}

bool blob_pump_has_room(BlobPump *pump)
{
	g_mutex_lock(&pump->mutex);
	bool room = pump->queued < QUEUE_MAX || pump->has_ended;
	g_mutex_unlock(&pump->mutex);
	return room;
}

void blob_pump_close(BlobPump *pump)
{
	g_mutex_lock(&pump->mutex);
	pump->is_closed = true;
	g_cond_signal(&pump->filled);
	g_mutex_unlock(&pump->mutex);
}

bool blob_pump_ended(BlobPump *pump)
{
	g_mutex_lock(&pump->mutex);
	bool ended = pump->has_ended;
	g_mutex_unlock(&pump->mutex);
	return ended;
}

Layer *blob_pump_result(BlobPump *pump, LayerIngest **out_ingest, GError **error)
{
	if (pump->error) {
		g_propagate_error(error, g_steal_pointer(&pump->error));
		return NULL;
	}
	*out_ingest = g_steal_pointer(&pump->ingest);
	return g_steal_pointer(&pump->layer);
}

void blob_pump_free(BlobPump *pump)
{
	if (!pump)
		return;
	g_mutex_lock(&pump->mutex);
	pump->is_cancelled = true;
	g_cond_signal(&pump->filled);
	g_mutex_unlock(&pump->mutex);
	g_thread_join(pump->thread);
	g_queue_clear_full(&pump->chunks, g_free);
	g_mutex_clear(&pump->mutex);
	g_cond_clear(&pump->filled);
	layer_free(pump->layer);
	layer_ingest_free(pump->ingest);
	g_clear_error(&pump->error);
	g_free(pump);
}
