/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Layers on their way out: skiff-layer pack makes the tar, we check its digest. Runs in
 * skiff-fetch.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/path.h"
#include "storage/digest.h"
#include "storage/hash.h"
#include "storage/layer_child.h"
#include "storage/save.h"

#define PIECE_SIZE (256u << 10)
#define PIPE_SIZE  (1 << 20)

/* Hand out all that comes from @fd. */
static bool drain_pipe(int fd, Hash *hash, LayerSink sink, void *data, GError **error)
{
	g_autofree char *piece = g_malloc(PIECE_SIZE);
	for (;;) {
		ssize_t n = read(fd, piece, PIECE_SIZE);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_set_errno(error, "cannot read the layer's tar");
		if (n == 0)
			return true;
		hash_update(hash, piece, (size_t)n);
		if (!sink(data, piece, (size_t)n, error))
			return false;
	}
}

bool layer_export(Store *store, const Layer *layer, LayerSink sink, void *data, GError **error)
{
	const char *hex = digest_hex(layer->chain_id);
	autofd dir = path_open_state(store_dir(store, "layers"), hex, O_RDONLY | O_DIRECTORY, 0);
	int ends[2];
	if (dir < 0)
		return error_set_errno(error, "cannot open the layer '%s'", layer->chain_id);
	if (pipe2(ends, O_CLOEXEC) < 0)
		return error_set_errno(error, "cannot make a pipe");
	autofd read_end = ends[0];
	autofd write_end = ends[1];
	(void)fcntl(write_end, F_SETPIPE_SZ, PIPE_SIZE);

	g_autofree char *path = g_build_filename(store_path(store), "layers", hex, NULL);
	const char *const args[] = {"pack", NULL};
	const LayerChildOptions options = {
		.args = args,
		.dir_path = path,
		.dir_fd = dir,
		.stdout_fd = write_end,
	};
	g_autoptr(LayerChild) child = layer_child_start(&options, error);
	fd_close(&write_end);
	g_autoptr(Hash) hash = hash_new(layer->diff_id);
	if (!child || !drain_pipe(read_end, hash, sink, data, error) ||
	    !layer_child_wait(child, NULL, error))
		return false;
	g_autofree char *digest = hash_finish(hash);
	if (strcmp(digest, layer->diff_id) != 0)
		return error_set(error, ENGINE_ERROR_CORRUPT,
				 "the layer '%s' has changed: its tar now has the digest %s",
				 layer->diff_id, digest);
	return true;
}
