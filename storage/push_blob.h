/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The compressed bytes of a layer, made in a thread of its own: those that were kept when the layer
 * was pulled, else its exact tar made again and compressed, into an unlinked file of the stage. The
 * digest of what is read is checked either way: a layer that has changed is an error.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "storage/compress.h"
#include "storage/layer.h"
#include "storage/store.h"

typedef struct PushBlob PushBlob;

typedef struct {
	const Layer *layer; /* borrowed for the blob's life */
	CompressOptions compress;
	bool take_kept; /* bytes that were kept will do */
	void (*wake)(void *data);
	void *wake_data;
} PushBlobOptions;

/** push_blob_new() - start the thread; @stage and @store must outlive it. */
PushBlob *push_blob_new(Store *store, StoreStage *stage, const PushBlobOptions *options);

/** push_blob_ended() - is it done, one way or the other? */
bool push_blob_ended(PushBlob *blob);

/** push_blob_check() - after it has ended: could the bytes be made? */
bool push_blob_check(const PushBlob *blob, GError **error);

/** push_blob_digest() - and its like: what was made; borrowed. */
const char *push_blob_digest(const PushBlob *blob);
int64_t push_blob_size(const PushBlob *blob);
int push_blob_fd(const PushBlob *blob);
/** push_blob_is_kept() - are they the bytes that were pulled? */
bool push_blob_is_kept(const PushBlob *blob);

/** push_blob_free() - end the thread and free. NULL is fine. */
void push_blob_free(PushBlob *blob);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PushBlob, push_blob_free)
