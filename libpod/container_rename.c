/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A new name for a container: first one more link in names/, then state.json, then the old link
 * goes. Killed in between, the container has both names and the record says which is meant; the
 * healing of the next boot drops the other.
 */
#include <string.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/json.h"
#include "libpod/container_priv.h"
#include "libpod/events.h"
#include "libpod/name.h"
#include "libpod/pod.h"

/* Make names/@name lead to the container, unless another container or a pod has the name. */
static bool take_name(Container *ctr, int names, const char *name, GError **error)
{
	const char *id = ctr->summary.id;
	g_autofree char *holder = NULL;
	if (container_name_is_taken(ctr->engine, name, &holder)) {
		if (strcmp(holder, id) == 0)
			return true; /* a rename that was killed half way */
		return error_set(error, ENGINE_ERROR_EXISTS,
				 "renaming container %s: name %s already in use, cannot rename "
				 "container %s: container already exists",
				 id, name, id);
	}
	if (pod_name_is_taken(ctr->engine, name))
		return error_set(error, ENGINE_ERROR_EXISTS,
				 "renaming container %s: name \"%s\" is in use: pod already exists",
				 id, name);
	(void)unlinkat(names, name, 0);
	if (symlinkat(id, names, name) < 0 || fsync(names) < 0)
		return error_set_errno(error, "cannot record the name '%s'", name);
	return true;
}

/* Replace the record, for good: the state of a running container is told from elsewhere. */
static bool record_name(Container *ctr, const char *name, GError **error)
{
	g_free(ctr->summary.name);
	ctr->summary.name = g_strdup(name);
	g_autoptr(Json) json = container_state_to_json(&ctr->summary);
	int dir = container_dir(ctr, error);
	return dir >= 0 && js_save(dir, "state.json", json, RECORD_SYNC_FULL, error);
}

bool container_rename(Container *ctr, const char *name, GError **error)
{
	if (!name_check(name, error))
		return false;
	g_autoptr(RecordLock) op = container_lock(ctr, -1, "rename", error);
	if (!op || !container_reload(ctr, error))
		return false;
	g_autofree char *old = g_strdup(ctr->summary.name);
	if (strcmp(old, name) == 0)
		return true;
	int names = store_dir(engine_store(ctr->engine), "names");
	g_autoptr(RecordLock) lock = record_lock(names, ".lock", false, -1, "rename", error);
	if (!lock || !take_name(ctr, names, name, error) || !record_name(ctr, name, error))
		return false;
	(void)unlinkat(names, old, 0);
	event_container(ctr->engine, ctr, "rename");
	return true;
}
