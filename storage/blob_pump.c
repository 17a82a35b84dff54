/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The thread between a download and the unpacking of one layer. See the header.
 */
#include "storage/blob_pump.h"

#include <string.h>

#include "libpod/base/error.h"
#include "libpod/base/spawn.h"

#define CHUNK_SIZE (128u << 10)
#define QUEUE_MAX  (4u << 20)
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
	GCond filled;      /* the thread waits for it */
	GQueue chunks;     /* of Chunk */
	size_t queued;     /* bytes in all of them */
	bool was_full;     /* the owner waits for room */
	Chunk *filling;    /* the owner's: not yet in the queue, nor in the slot */
	int64_t slot_size; /* what the slot had at the start */
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
	for (int64_t at = 0; at < pump->slot_size;) {
		size_t size = (size_t)MIN(pump->slot_size - at, CHUNK_SIZE);
		ssize_t n = blob_slot_read(pump->options.slot, buffer, size, at);
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
	for (Chunk *chunk; (chunk = take_chunk(pump));) {
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

/* The thread: its results are the owner's to read once has_ended is set. */
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
	pump->slot_size = blob_slot_size(options->slot);
	g_mutex_init(&pump->mutex);
	g_cond_init(&pump->filled);
	g_queue_init(&pump->chunks);
	pump->thread = spawn_thread("blob-pump", thread_main, pump, &pump->error);
	if (!pump->thread) {
		pump->has_ended = true;
		options->wake(options->wake_data);
	}
	return pump;
}

static Chunk *chunk_new(void)
{
	Chunk *chunk = g_malloc(sizeof(*chunk));
	chunk->size = 0;
	return chunk;
}

/* The chunk in hand goes into the slot, where a kill does not reach it, and to the thread. */
static void send_chunk(BlobPump *pump)
{
	Chunk *chunk = g_steal_pointer(&pump->filling);
	int64_t expected = pump->options.ingest.expected_size;
	if (!chunk)
		return;
	if (expected < 0 || expected >= KEEP_FROM)
		blob_slot_append(pump->options.slot, chunk->data, chunk->size);
	g_mutex_lock(&pump->mutex);
	g_queue_push_tail(&pump->chunks, chunk);
	pump->queued += chunk->size;
	g_cond_signal(&pump->filled);
	g_mutex_unlock(&pump->mutex);
}

BlobPumpOffer blob_pump_offer(BlobPump *pump, const void *data, size_t size)
{
	const char *bytes = data;
	g_mutex_lock(&pump->mutex);
	bool has_ended = pump->has_ended;
	bool is_full = !has_ended && pump->queued >= QUEUE_MAX;
	pump->was_full = pump->was_full || is_full;
	g_mutex_unlock(&pump->mutex);
	if (has_ended || is_full)
		return has_ended ? BLOB_PUMP_ENDED : BLOB_PUMP_FULL;
	while (size > 0) {
		if (!pump->filling)
			pump->filling = chunk_new();
		Chunk *chunk = pump->filling;
		size_t part = MIN(size, CHUNK_SIZE - chunk->size);
		memcpy(chunk->data + chunk->size, bytes, part);
		chunk->size += part;
		bytes += part;
		size -= part;
		if (chunk->size == CHUNK_SIZE)
			send_chunk(pump);
	}
	return BLOB_PUMP_TOOK;
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
	send_chunk(pump);
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
	if (pump->thread)
		g_thread_join(pump->thread);
	g_queue_clear_full(&pump->chunks, g_free);
	g_free(pump->filling);
	g_mutex_clear(&pump->mutex);
	g_cond_clear(&pump->filled);
	layer_free(pump->layer);
	layer_ingest_free(pump->ingest);
	g_clear_error(&pump->error);
	g_free(pump);
}
