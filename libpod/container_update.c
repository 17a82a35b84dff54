/* SPDX-License-Identifier: Apache-2.0 */
/*
 * update: other limits, or another restart policy.
 *
 * create.json stays as it was; update.json holds what differs, and is replaced as a whole. A
 * running container is changed first, through its monitor, which keeps the limits for the runs that
 * its restart policy makes; killed in between, we leave limits that last until the next start.
 */
#include <string.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/json.h"
#include "libpod/base/log.h"
#include "libpod/base/path.h"
#include "libpod/container_cgroup.h"
#include "libpod/container_priv.h"
#include "libpod/events.h"
#include "libpod/monitor/control.h"
#include "libpod/spec_parse.h"

#define RECORD         "update.json"
#define RECORD_VERSION 1
#define RECORD_MAX     (1024 * 1024)

bool container_apply_update(Container *ctr, ContainerSpec *spec, GError **error)
{
	g_autoptr(GError) failed = NULL;
	g_autoptr(Json) json = js_load(container_dir_fd(ctr), RECORD, RECORD_MAX, &failed);
	if (error_matches(failed, ENGINE_ERROR_NOT_FOUND))
		return true;
	Json *resources = NULL;
	const char *restart = NULL;
	int64_t version = 0, retries = 0;
	int ignored;
	g_auto(OciResources) read = {0};
	if (!json) {
		g_propagate_error(error, g_steal_pointer(&failed));
		return false;
	}
	if (!js_get_int(json, "v", 0, INT32_MAX, &version, error) ||
	    !js_get_object(json, "resources", &resources, error) ||
	    !js_get_string(json, "restart", &restart, error) ||
	    !js_get_int(json, "restartRetries", 0, G_MAXINT32, &retries, error) ||
	    (restart && !restart_parse(restart, &spec->restart, &ignored, error)) ||
	    !resources_from_json(resources, &read, error)) {
		g_prefix_error(error, RECORD ": ");
		return false;
	}
	if (version != RECORD_VERSION)
		return error_set(error, ENGINE_ERROR_UNSUPPORTED,
				 RECORD " has version %" G_GINT64_FORMAT ", this skiff knows %d",
				 version, RECORD_VERSION);
	if (restart)
		spec->restart_retries = (int)retries;
	if (read.pids != 0) {
		spec->pids_limit = read.pids;
		spec->pids_limit_set = true;
		read.pids = 0;
	}
	resources_merge(&spec->resources, &read);
	return true;
}

/* All limits and the policy, as they are from now on. */
static bool save(Container *ctr, const ContainerSpec *spec, GError **error)
{
	g_autoptr(Json) json = json_object_new_object();
	g_auto(OciResources) all = {.pids = spec->pids_limit_set ? spec->pids_limit : 0};
	resources_merge(&all, &spec->resources);
	js_set_int(json, "v", RECORD_VERSION);
	Json *resources = resources_to_json(&all, true);
	if (resources)
		js_set_take(json, "resources", resources);
	js_set_string(json, "restart", restart_name(spec->restart));
	js_set_int(json, "restartRetries", spec->restart_retries);
	const char *text = js_text(json);
	int dir = container_dir(ctr, error);
	return dir >= 0 &&
	       record_replace(dir, RECORD, text, strlen(text),
			      ctr->summary.auto_remove ? RECORD_SYNC_NONE : RECORD_SYNC_FULL,
			      error);
}

/* Have the monitor of a live container change what runs. */
static bool change_live(Container *ctr, const ContainerUpdate *update, const OciResources *changes,
			const char *restart, int retries, GError **error)
{
	g_auto(OciResources) possible = {0};
	resources_merge(&possible, changes);
	if (!container_cgroup_extend(ctr, update->limits, &possible, error))
		return false;
	return control_update(container_run_fd(ctr), &possible, restart, retries, error);
}

/* The spec as it will be, checked. */
static bool merge(Container *ctr, const ContainerUpdate *update, const OciResources *changes,
		  GError **error)
{
	g_auto(OciResources) merged = {0};
	ContainerSpec *spec = ctr->spec;
	resources_merge(&merged, &spec->resources);
	resources_merge(&merged, changes);
	merged.pids = 0;
	if (!spec_check_limits(update->limits, error) || !spec_check_memory(&merged, error))
		return false;
	if (update->restart && !spec_set_restart(spec, update->restart, error))
		return false;
	if (spec->remove && spec->restart != RESTART_NO)
		return error_set(
			error, ENGINE_ERROR_INVALID,
			"the --rm option conflicts with --restart, when the restartPolicy is not "
			"\"\" and \"no\"");
	resources_merge(&spec->resources, &merged);
	if (changes->pids != 0) {
		spec->pids_limit = changes->pids;
		spec->pids_limit_set = true;
	}
	return true;
}

bool container_update(Container *ctr, const ContainerUpdate *update, GError **error)
{
	g_autoptr(RecordLock) op = container_lock(ctr, -1, "update", error);
	if (!op || !container_reload(ctr, error))
		return false;
	const ContainerSpec *limits = update->limits;
	g_auto(OciResources) changes = {.pids = limits->pids_limit_set ? limits->pids_limit : 0};
	resources_merge(&changes, &limits->resources);
	g_clear_pointer(&ctr->spec, spec_free);
	const ContainerSpec *spec = container_spec(ctr, error);
	if (!spec || !merge(ctr, update, &changes, error))
		return false;
	const char *restart = update->restart ? restart_name(spec->restart) : NULL;
	bool live = container_is_live(ctr);
	if ((live && !change_live(ctr, update, &changes, restart, spec->restart_retries, error)) ||
	    !save(ctr, spec, error)) {
		g_clear_pointer(&ctr->spec, spec_free);
		return false;
	}
	event_container(ctr->engine, ctr, "update");
	return true;
}
