/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A new name for a container: state.json says it beside the old one, names/ gets one more link,
 * state.json says which is meant, and the old link goes. Killed in between, the container may have
 * both links, but its record knows them: the other one goes with the next rename, the removal or
 * the healing of the next boot.
 */
#include <string.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/json.h"
#include "libpod/container_priv.h"
#include "libpod/events.h"
#include "libpod/name.h"
#include "libpod/pod.h"

/* Has no other container and no pod the name? */
static bool name_is_free(const Container *ctr, const char *name, GError **error)
{
	const char *id = ctr->summary.id;
	g_autofree char *holder = NULL;
	if (!container_find_holder(ctr->engine, name, &holder, error))
		return false;
	if (holder && strcmp(holder, id) != 0)
		return error_set(error, ENGINE_ERROR_EXISTS,
				 "renaming container %s: name %s already in use, cannot rename "
				 "container %s: container already exists",
				 id, name, id);
	if (pod_name_is_taken(ctr->engine, name))
		return error_set(error, ENGINE_ERROR_EXISTS,
				 "renaming container %s: name \"%s\" is in use: pod already exists",
				 id, name);
	return true;
}

/* Make names/@name lead to the container. */
static bool link_name(int names, const char *name, const char *id, GError **error)
{
	(void)unlinkat(names, name, 0);
	if (symlinkat(id, names, name) < 0 || fsync(names) < 0)
		return error_set_errno(error, "cannot record the name '%s'", name);
	return true;
}

/* Both are taken. The state of a running container is told from elsewhere. */
static bool record_names(Container *ctr, char *name, char *former, RecordSync sync, GError **error)
{
	ctr->summary.name = name;
	g_free(ctr->summary.former_name);
	ctr->summary.former_name = former;
	g_autoptr(Json) json = container_state_to_json(&ctr->summary);
	int dir = container_dir(ctr, error);
	return dir >= 0 && js_save(dir, "state.json", json, sync, error);
}

bool container_rename(Container *ctr, const char *name, GError **error)
{
	if (!name_check(name, error))
		return false;
	g_autoptr(RecordLock) op = container_lock(ctr, -1, "rename", error);
	if (!op || !container_reload(ctr, error))
		return false;
	if (strcmp(ctr->summary.name, name) == 0)
		return true;
	ContainerSummary *s = &ctr->summary;
	int names = store_dir(engine_store(ctr->engine), "names");
	g_autoptr(RecordLock) lock = record_lock(names, ".lock", false, -1, "rename", error);
	if (!lock)
		return false;
	container_unlink_name(names, s->former_name, s->id);
	/* Lost by a power cut, the first is not missed: the boot's healing looks at all links. */
	if (!name_is_free(ctr, name, error) ||
	    !record_names(ctr, s->name, g_strdup(name), RECORD_SYNC_NONE, error) ||
	    !link_name(names, name, s->id, error) ||
	    !record_names(ctr, g_strdup(name), s->name, RECORD_SYNC_FULL, error))
		return false;
	(void)unlinkat(names, s->former_name, 0);
	event_container(ctr->engine, ctr, "rename");
	return true;
}
