/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sealing. skiff-layer makes the tar in its jail; here only its digest is taken.
 */
#include "storage/layer_seal.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/path.h"
#include "storage/digest.h"
#include "storage/hash.h"
#include "storage/layer_child.h"

#define PIECE_SIZE (1u << 20)

/* Take the digest of what comes from @fd. Return: NULL with @error. */
static char *hash_stream(int fd, uint64_t *out_size, GError **error)
{
	g_autofree char *piece = g_malloc(PIECE_SIZE);
	g_autoptr(Hash) hash = hash_new(NULL);
	*out_size = 0;
	for (;;) {
		ssize_t n = read(fd, piece, PIECE_SIZE);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_set_errno_null(error, "cannot read the layer's tar");
		if (n == 0)
			return hash_finish(hash);
		hash_update(hash, piece, (size_t)n);
		*out_size += (uint64_t)n;
	}
}

bool layer_seal(Store *store, StoreStage *stage, const char *name, int userns_fd, Layer *layer,
		GError **error)
{
	autofd dir = path_open_state(store_stage_fd(stage), name, O_RDONLY | O_DIRECTORY, 0);
	int ends[2];
	if (dir < 0 || pipe2(ends, O_CLOEXEC) < 0)
		return error_set_errno(error, "cannot seal the layer");
	autofd read_end = ends[0], write_end = ends[1];
	g_autofree char *path =
		g_build_filename(store_path(store), "staging", store_stage_name(stage), name, NULL);
	const char *const args[] = {"seal", NULL};
	const LayerChildOptions options = {
		.args = args,
		.dir_path = path,
		.dir_fd = dir,
		.userns_fd = MAX(userns_fd, 0),
		.stdout_fd = write_end,
	};
	g_autoptr(LayerChild) child = layer_child_start(&options, error);
	fd_close(&write_end);
	LayerReport report = {0};
	layer->diff_id = child ? hash_stream(read_end, &layer->tar_size, error) : NULL;
	if (!layer->diff_id || !layer_child_wait(child, &report, error))
		return false;
	layer->size = report.size;
	layer->chain_id = digest_chain_id(layer->parent, layer->diff_id);
	return layer_record_write(dir, layer, error);
}
