/* SPDX-License-Identifier: Apache-2.0 */
/*
 * update: other limits, variables, probes, or another restart policy.
 *
 * create.json stays as it was; update.json holds what differs, and is replaced as a whole. A
 * running container is changed first, through its monitor, which keeps limits and variables for the
 * runs that its restart policy makes; killed in between, we leave limits that last until the next
 * start.
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

/* Limits and the policy. */
static bool apply_limits(Json *json, ContainerSpec *spec, GError **error)
{
	Json *resources = NULL;
	const char *restart = NULL;
	int64_t retries = 0;
	int ignored;
	g_auto(OciResources) read = {0};
	if (!js_get_object(json, "resources", &resources, error) ||
	    !js_get_string(json, "restart", &restart, error) ||
	    !js_get_int(json, "restartRetries", 0, G_MAXINT32, &retries, error) ||
	    (restart && !restart_parse(restart, &spec->restart, &ignored, error)) ||
	    !resources_from_json(resources, &read, error))
		return false;
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

/* What is there in place of the spec's. */
static bool apply_parts(Json *json, Container *ctr, ContainerSpec *spec, GError **error)
{
	Json *health = NULL;
	char **env = NULL;
	if (!js_get_object(json, "health", &health, error) ||
	    !js_get_strv(json, "env", &env, error))
		return false;
	if (env) {
		g_strfreev(spec->env);
		spec->env = env;
		ctr->updated |= CONTAINER_UPDATED_ENV;
	}
	if (json_object_object_get(json, "ulimits")) {
		g_array_set_size(spec->ulimits, 0);
		ctr->updated |= CONTAINER_UPDATED_ULIMITS;
		if (!spec_ulimits_from_json(json, "ulimits", spec->ulimits, error))
			return false;
	}
	if (!health)
		return true;
	health_config_free(spec->health);
	spec->health = health_config_from_json(health, error);
	ctr->updated |= CONTAINER_UPDATED_HEALTH;
	return spec->health != NULL;
}

bool container_apply_update(Container *ctr, ContainerSpec *spec, GError **error)
{
	g_autoptr(GError) failed = NULL;
	g_autoptr(Json) json = js_load(container_dir_fd(ctr), RECORD, RECORD_MAX, &failed);
	int64_t version = 0;
	ctr->updated = 0;
	if (error_matches(failed, ENGINE_ERROR_NOT_FOUND))
		return true;
	if (!json) {
		g_propagate_error(error, g_steal_pointer(&failed));
		return false;
	}
	if (js_get_int(json, "v", 0, INT32_MAX, &version, error) && version != RECORD_VERSION)
		return error_set(error, ENGINE_ERROR_UNSUPPORTED,
				 RECORD " has version %" G_GINT64_FORMAT ", this skiff knows %d",
				 version, RECORD_VERSION);
	if (version == RECORD_VERSION && apply_limits(json, spec, error) &&
	    apply_parts(json, ctr, spec, error))
		return true;
	g_prefix_error(error, RECORD ": ");
	return false;
}

/* All limits and the policy, as they are from now on, and what was replaced. */
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
	if (ctr->updated & CONTAINER_UPDATED_ENV)
		js_set_take(json, "env", js_from_strv((const char *const *)spec->env));
	if (ctr->updated & CONTAINER_UPDATED_ULIMITS)
		js_set_take(json, "ulimits", spec_ulimits_to_json(spec->ulimits));
	if (ctr->updated & CONTAINER_UPDATED_HEALTH)
		js_set_take(json, "health", health_config_to_json(spec->health));
	int dir = container_dir(ctr, error);
	if (strlen(js_text(json)) > RECORD_MAX - 64) /* and its seal */
		return error_set(error, ENGINE_ERROR_INVALID,
				 "what is changed takes more than %d bytes", RECORD_MAX);
	return dir >= 0 &&
	       js_save(dir, RECORD, json,
		       ctr->summary.auto_remove ? RECORD_SYNC_NONE : RECORD_SYNC_FULL, error);
}

/* What was asked for, each with its value. */
static char **assignments(const GPtrArray *asked)
{
	char **list = g_new0(char *, asked->len + 1);
	for (guint i = 0; i < asked->len; i++) {
		const char *text = asked->pdata[i];
		list[i] = g_strconcat(text, strchr(text, '=') ? NULL : "=", NULL);
	}
	return list;
}

/* Have the monitor of a live container change what runs. */
static bool change_live(Container *ctr, const ContainerUpdate *update, const OciResources *changes,
			GError **error)
{
	const ContainerSpec *spec = ctr->spec;
	g_auto(OciResources) possible = {0};
	resources_merge(&possible, changes);
	g_auto(GStrv) set = assignments(update->asked->env_asked);
	if (!container_cgroup_extend(ctr, update->asked, &possible, error))
		return false;
	const ControlUpdate change = {
		.resources = &possible,
		.restart = update->restart ? restart_name(spec->restart) : NULL,
		.restart_retries = spec->restart_retries,
		.health_given = spec_health_is_asked(&update->asked->health_asked),
		.health = health_config_has_probe(spec->health) ? spec->health : NULL,
		.set_env = set,
		.unset_env = update->asked->unset_env,
	};
	return control_update(container_run_fd(ctr), &change, error);
}

/* Variables that are set, in their place or at the end, then those that go. */
static void merge_env(Container *ctr, const ContainerSpec *asked)
{
	ContainerSpec *spec = ctr->spec;
	const GPtrArray *set = asked->env_asked;
	if (set->len == 0 && !asked->unset_env)
		return;
	ctr->updated |= CONTAINER_UPDATED_ENV;
	for (guint i = 0; i < set->len; i++) {
		g_auto(GStrv) parts = g_strsplit(set->pdata[i], "=", 2);
		spec->env = g_environ_setenv(spec->env, parts[0], parts[1] ? parts[1] : "", TRUE);
	}
	for (char **name = asked->unset_env; name && *name; name++)
		spec->env = g_environ_unsetenv(spec->env, *name);
}

static void merge_ulimits(Container *ctr, const ContainerSpec *asked)
{
	GArray *ulimits = ctr->spec->ulimits;
	for (guint i = 0; i < asked->ulimits->len; i++) {
		const OciRlimit *limit = &g_array_index(asked->ulimits, OciRlimit, i);
		guint j = 0;
		while (j < ulimits->len &&
		       g_array_index(ulimits, OciRlimit, j).resource != limit->resource)
			j++;
		if (j < ulimits->len)
			g_array_index(ulimits, OciRlimit, j) = *limit;
		else
			g_array_append_val(ulimits, *limit);
		ctr->updated |= CONTAINER_UPDATED_ULIMITS;
	}
}

static bool merge_health(Container *ctr, const SpecHealth *asked, GError **error)
{
	if (!spec_health_is_asked(asked))
		return true;
	ctr->updated |= CONTAINER_UPDATED_HEALTH;
	return spec_health_update(ctr->spec, asked, error);
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
	if (!spec_check_limits(update->asked, error) || !spec_check_memory(&merged, error))
		return false;
	if (update->restart &&
	    !restart_parse(update->restart, &spec->restart, &spec->restart_retries, error))
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
	merge_env(ctr, update->asked);
	merge_ulimits(ctr, update->asked);
	return merge_health(ctr, &update->asked->health_asked, error);
}

bool container_update(Container *ctr, const ContainerUpdate *update, GError **error)
{
	g_autoptr(RecordLock) op = container_lock(ctr, -1, "update", error);
	if (!op || !container_reload(ctr, error))
		return false;
	const ContainerSpec *asked = update->asked;
	g_auto(OciResources) changes = {.pids = asked->pids_limit_set ? asked->pids_limit : 0};
	resources_merge(&changes, &asked->resources);
	g_clear_pointer(&ctr->spec, spec_free);
	const ContainerSpec *spec = container_spec(ctr, error);
	if (!spec)
		return false;
	if (!merge(ctr, update, &changes, error) ||
	    (container_is_live(ctr) && !change_live(ctr, update, &changes, error)) ||
	    !save(ctr, spec, error)) {
		g_clear_pointer(&ctr->spec, spec_free);
		return false;
	}
	event_container(ctr->engine, ctr, "update");
	return true;
}
