/* SPDX-License-Identifier: Apache-2.0 */
#include "libpod/mapped_layers.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/log.h"
#include "libpod/rootless.h"
#include "storage/layer_mapped.h"

#define MAX_MESSAGE 4096

/* What the child needs. */
typedef struct {
	Store *store;
	StoreStage *stage;
	const GPtrArray *trees;
	const IdMap *map;
	int message_fd; /* memory file for its error */
} CopyJob;

/* In the namespace. */
static int copy_trees(void *data)
{
	const CopyJob *job = data;
	g_autoptr(GError) error = NULL;
	for (guint i = 0; i < job->trees->len; i++) {
		if (mapped_tree_copy(job->store, job->stage, job->trees->pdata[i], job->map,
				     &error))
			continue;
		(void)fd_write_all(job->message_fd, error->message, strlen(error->message));
		return 1;
	}
	return 0;
}

/* Run the child and take over its error. */
static bool run_copy(Engine *engine, CopyJob *job, GError **error)
{
	autofd message = memfd_create("message", MFD_CLOEXEC);
	if (message < 0)
		return error_set_errno(error, "cannot make a memory file");
	job->message_fd = message;
	int code = rootless_run(engine, copy_trees, job, error);
	if (code <= 0)
		return code == 0;
	char text[MAX_MESSAGE];
	ssize_t n = pread(message, text, sizeof text - 1, 0);
	text[MAX(n, 0)] = '\0';
	return error_set(error, ENGINE_ERROR_SYSTEM, "%s",
			 n > 0 ? text : "cannot copy the layers for other ids");
}

const IdMap *mapped_layers_map(Engine *engine, const IdMap *map)
{
	const IdMap *shared = map ? engine_id_map(engine) : NULL;
	return shared && idmap_is_single(shared) ? NULL : map;
}

bool mapped_layers_ensure(Engine *engine, const char *const *chain_ids, const char *base,
			  const IdMap *map, GError **error)
{
	Store *store = engine_store(engine);
	g_autoptr(GPtrArray) missing = mapped_trees_missing(store, chain_ids, base, map, error);
	if (!missing)
		return false;
	if (missing->len == 0)
		return true;
	log_debug("copying %u trees for another id map", missing->len);
	g_autoptr(StoreStage) stage = store_stage_new(store, error);
	if (!stage)
		return false;
	CopyJob job = {.store = store, .stage = stage, .trees = missing, .map = map};
	return run_copy(engine, &job, error) && mapped_trees_publish(store, stage, missing, error);
}
