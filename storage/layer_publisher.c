/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The thread that publishes staged layers. See the header.
 */
#include "storage/layer_publisher.h"

#include "libpod/base/spawn.h"

struct LayerPublisher {
	Store *store;
	StoreStage *stage;
	StagedLayer *layers;
	size_t n_layers;
	void (*wake)(void *data);
	void *wake_data;
	GThread *thread;
	int has_ended; /* atomic */

	/* Written by the thread before has_ended. */
	bool ok;
	GError *error;
};

/* In order: a layer is completed against those below it, then all are published at once. */
static bool run(LayerPublisher *publisher, GError **error)
{
	g_autofree LayerPublish *items = g_new0(LayerPublish, publisher->n_layers);
	for (size_t i = 0; i < publisher->n_layers; i++) {
		const StagedLayer *staged = &publisher->layers[i];
		if (!layer_ingest_complete(staged->ingest, staged->layer, error))
			return false;
		items[i].name = layer_ingest_name(staged->ingest);
		items[i].layer = staged->layer;
		/* Else the sync would write the compressed bytes out, to no use. */
		blob_slot_reset(staged->slot);
	}
	return layers_publish(publisher->store, publisher->stage, items, publisher->n_layers,
			      error);
}

static void *thread_main(void *data)
{
	LayerPublisher *publisher = data;
	publisher->ok = run(publisher, &publisher->error);
	g_atomic_int_set(&publisher->has_ended, 1);
	publisher->wake(publisher->wake_data);
	return NULL;
}

LayerPublisher *layer_publisher_new(Store *store, StoreStage *stage, const StagedLayer *layers,
				    size_t n, void (*wake)(void *data), void *wake_data)
{
	LayerPublisher *publisher = g_new0(LayerPublisher, 1);
	publisher->store = store;
	publisher->stage = stage;
	publisher->layers = g_memdup2(layers, n * sizeof(*layers));
	publisher->n_layers = n;
	publisher->wake = wake;
	publisher->wake_data = wake_data;
	publisher->thread = spawn_thread("publisher", thread_main, publisher, &publisher->error);
	if (!publisher->thread) {
		g_atomic_int_set(&publisher->has_ended, 1);
		wake(wake_data);
	}
	return publisher;
}

bool layer_publisher_ended(LayerPublisher *publisher)
{
	return g_atomic_int_get(&publisher->has_ended);
}

bool layer_publisher_result(LayerPublisher *publisher, GError **error)
{
	if (!publisher->ok && error)
		*error = g_error_copy(publisher->error);
	return publisher->ok;
}

void layer_publisher_free(LayerPublisher *publisher)
{
	if (!publisher)
		return;
	if (publisher->thread)
		g_thread_join(publisher->thread);
	g_clear_error(&publisher->error);
	g_free(publisher->layers);
	g_free(publisher);
}
