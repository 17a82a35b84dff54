/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The thread that makes a layer's bytes. See the header.
 */
#include "storage/push_blob.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/log.h"
#include "libpod/base/spawn.h"
#include "storage/hash.h"
#include "storage/save.h"

#define PIECE_SIZE (256u << 10)

struct PushBlob {
	Store *store;
	StoreStage *stage;
	PushBlobOptions options;
	GThread *thread;
	int has_ended; /* atomic */
	int stop;      /* atomic */

	/* Written by the thread before has_ended. */
	int fd;
	char *digest;
	int64_t size;
	bool is_kept;
	GError *error;

	/* The thread's. */
	Hash *hash;
	Compress *compress;
};

/* CompressSink: into the file and its digest. */
static bool write_bytes(void *data, const void *bytes, size_t size, GError **error)
{
	PushBlob *blob = data;
	hash_update(blob->hash, bytes, size);
	blob->size += (int64_t)size;
	return fd_write_all(blob->fd, bytes, size) ||
	       error_set_errno(error, "cannot write a temporary file");
}

/* LayerSink: the next bytes of the tar. */
static bool take_tar(void *data, const void *bytes, size_t size, GError **error)
{
	PushBlob *blob = data;
	if (g_atomic_int_get(&blob->stop))
		return error_set(error, ENGINE_ERROR_CANCELLED, "cancelled");
	return compress_push(blob->compress, bytes, size, error);
}

/* The exact tar, compressed. layer_export() checks its diff id. */
static bool make_anew(PushBlob *blob, GError **error)
{
	blob->fd = openat(store_stage_fd(blob->stage), ".", O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
	if (blob->fd < 0)
		return error_set_errno(error, "cannot make a temporary file");
	blob->hash = hash_new(NULL);
	blob->compress = compress_new(&blob->options.compress, write_bytes, blob);
	if (!layer_export(blob->store, blob->options.layer, take_tar, blob, error) ||
	    !compress_finish(blob->compress, error))
		return false;
	blob->digest = hash_finish(blob->hash);
	return true;
}

/* Hash a file to its end. Return: false with errno; EIO if it has another size. */
static bool hash_file(const PushBlob *blob, int fd, int64_t size, Hash *hash)
{
	g_autofree char *piece = g_malloc(PIECE_SIZE);
	for (int64_t at = 0; at < size;) {
		ssize_t n = pread(fd, piece, PIECE_SIZE, at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n == 0 || g_atomic_int_get(&blob->stop))
			errno = EIO;
		if (n <= 0 || g_atomic_int_get(&blob->stop))
			return false;
		hash_update(hash, piece, (size_t)n);
		at += n;
	}
	return true;
}

/* The bytes that were kept, if they are still what they were. */
static bool use_kept(PushBlob *blob)
{
	const Layer *layer = blob->options.layer;
	autofd fd = blob->options.take_kept ? layer_kept_open(blob->store, layer) : -1;
	if (fd < 0)
		return false;
	g_autoptr(Hash) hash = hash_new(layer->blob_digest);
	g_autofree char *digest =
		hash_file(blob, fd, (int64_t)layer->blob_size, hash) ? hash_finish(hash) : NULL;
	if (g_strcmp0(digest, layer->blob_digest) != 0) {
		log_warn("the kept bytes of layer %.19s have changed: making them anew",
			 layer->diff_id);
		return false;
	}
	blob->fd = fd_steal(&fd);
	blob->size = (int64_t)layer->blob_size;
	blob->digest = g_steal_pointer(&digest);
	blob->is_kept = true;
	return true;
}

static void *thread_main(void *data)
{
	PushBlob *blob = data;
	if (!use_kept(blob) && !make_anew(blob, &blob->error))
		g_prefix_error(&blob->error, "layer %.19s: ", blob->options.layer->diff_id);
	g_atomic_int_set(&blob->has_ended, 1);
	blob->options.wake(blob->options.wake_data);
	return NULL;
}

PushBlob *push_blob_new(Store *store, StoreStage *stage, const PushBlobOptions *options)
{
	PushBlob *blob = g_new0(PushBlob, 1);
	blob->store = store;
	blob->stage = stage;
	blob->options = *options;
	blob->fd = -1;
	blob->thread = spawn_thread("push", thread_main, blob, &blob->error);
	if (!blob->thread) {
		g_atomic_int_set(&blob->has_ended, 1);
		blob->options.wake(blob->options.wake_data);
	}
	return blob;
}

bool push_blob_ended(PushBlob *blob)
{
	return g_atomic_int_get(&blob->has_ended);
}

bool push_blob_check(const PushBlob *blob, GError **error)
{
	if (blob->error && error)
		*error = g_error_copy(blob->error);
	return !blob->error;
}

const char *push_blob_digest(const PushBlob *blob)
{
	return blob->digest;
}

int64_t push_blob_size(const PushBlob *blob)
{
	return blob->size;
}

int push_blob_fd(const PushBlob *blob)
{
	return blob->fd;
}

bool push_blob_is_kept(const PushBlob *blob)
{
	return blob->is_kept;
}

void push_blob_free(PushBlob *blob)
{
	if (!blob)
		return;
	g_atomic_int_set(&blob->stop, 1);
	if (blob->thread)
		g_thread_join(blob->thread);
	g_clear_error(&blob->error);
	hash_free(blob->hash);
	compress_free(blob->compress);
	fd_close(&blob->fd);
	g_free(blob->digest);
	g_free(blob);
}
