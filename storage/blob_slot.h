/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blobs in flight: cache/blobs/NAME holds the bytes that have come so far, and its lock says that
 * somebody fetches it.
 *
 * One file is both: an OFD lock on it is held while its process lives, so a second pull of the same
 * layer waits for the first, and takes over (with the bytes that are there) when the first dies.
 * The holder removes the file while it holds the lock, once its contents are visible in the store;
 * whoever waited finds that its file has no name any more and looks into the store first. Files of
 * pulls that nobody resumed go after a week. What is in a file proves nothing until its digest has
 * been checked.
 *
 * Layers' slots are named by blob and chain id. A holder waits only for layers below its own, so
 * pulls can't wait for each other in a circle.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "storage/store.h"

typedef struct BlobSlot BlobSlot;

typedef enum {
	BLOB_SLOT_OURS,
	BLOB_SLOT_BUSY, /* another process (or thread) has it */
	BLOB_SLOT_ERROR,
} BlobSlotResult;

/**
 * blob_slot_try() - take a slot without waiting
 * @digest:	of the blob
 * @purpose:	the layer's chain id, or NULL for an image config
 *
 * Whoever gets it must look whether the object has been published meanwhile.
 */
BlobSlotResult blob_slot_try(Store *store, const char *digest, const char *purpose,
			     BlobSlot **out_slot, GError **error);

/** blob_slot_size() - bytes in it. */
int64_t blob_slot_size(const BlobSlot *slot);

/** blob_slot_read() - bytes from @offset on. Return: as pread(). */
ssize_t blob_slot_read(const BlobSlot *slot, void *buffer, size_t size, int64_t offset);

/**
 * blob_slot_append() - add bytes
 * They are only worth a faster resume: when it fails (a full disk) the slot is emptied and takes no
 * more.
 */
void blob_slot_append(BlobSlot *slot, const void *data, size_t size);

/** blob_slot_reset() - forget the bytes. */
void blob_slot_reset(BlobSlot *slot);

/** blob_slot_discard() - remove the file, let waiters go, free. NULL is fine. */
void blob_slot_discard(BlobSlot *slot);

/** blob_slot_free() - let waiters go and free; bytes stay for a resume, an empty file goes. */
void blob_slot_free(BlobSlot *slot);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BlobSlot, blob_slot_free)

/** blob_slots_sweep() - remove files that nobody holds and nobody touched for a week. */
void blob_slots_sweep(Store *store);
