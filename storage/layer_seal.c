/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sealing. skiff-layer makes the tar in its jail; here only its digest is taken.
 */
#include "storage/layer_seal.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/path.h"
#include "storage/digest.h"
#include "storage/hash.h"
#include "storage/layer_child.h"

#define PIECE_SIZE (1u << 20)
#define LARGE      (4u << 20)

/*
 * A large layer: the file system is told to write while we hash, in a process that has nothing of
 * ours but the directory. Who publishes the layer syncs once more, and hears what went wrong.
 * Return: its pid; -1: it is written later then.
 */
static pid_t start_writing(int dir_fd)
{
	pid_t pid = fork();
	if (pid != 0)
		return pid;
	if (dup2(dir_fd, 0) == 0 && syscall(SYS_close_range, 1U, ~0U, 0) == 0)
		(void)syncfs(0);
	_exit(0);
}

/* Take the digest of what comes from @fd, the tar of @dir_fd. Return: NULL with @error. */
static char *hash_stream(int fd, int dir_fd, uint64_t *out_size, GError **error)
{
	g_autofree char *piece = g_malloc(PIECE_SIZE);
	g_autoptr(Hash) hash = hash_new(NULL);
	pid_t writer = -1;
	ssize_t n;
	*out_size = 0;
	while ((n = read(fd, piece, PIECE_SIZE)) > 0 || (n < 0 && errno == EINTR)) {
		if (n < 0)
			continue;
		hash_update(hash, piece, (size_t)n);
		if (*out_size < LARGE && *out_size + (uint64_t)n >= LARGE)
			writer = start_writing(dir_fd);
		*out_size += (uint64_t)n;
	}
	int failure = errno;
	if (writer > 0)
		(void)waitpid(writer, NULL, 0);
	errno = failure;
	return n == 0 ? hash_finish(hash)
		      : error_set_errno_null(error, "cannot read the layer's tar");
}

bool layer_seal(Store *store, StoreStage *stage, const char *name, int userns_fd, Layer *layer,
		GError **error)
{
	autofd dir = path_open_state(store_stage_fd(stage), name, O_RDONLY | O_DIRECTORY, 0);
	int ends[2];
	if (dir < 0 || pipe2(ends, O_CLOEXEC) < 0)
		return error_set_errno(error, "cannot seal the layer");
	autofd read_end = ends[0], write_end = ends[1];
	/* A pipe as large as one may be; a smaller one does, too. */
	(void)fcntl(write_end, F_SETPIPE_SZ, PIECE_SIZE);
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
	layer->diff_id = child ? hash_stream(read_end, dir, &layer->tar_size, error) : NULL;
	if (!layer->diff_id || !layer_child_wait(child, &report, error))
		return false;
	layer->size = report.size;
	layer->chain_id = digest_chain_id(layer->parent, layer->diff_id);
	return layer_record_write(dir, layer, error);
}
