/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the monitor recorded of a container's health: in the runtime directory while it runs, with
 * the container when it has ended.
 */
#include <string.h>

#include "libpod/base/error.h"
#include "libpod/base/json.h"
#include "libpod/container_priv.h"

#define HEALTH_RECORD "health.json"
#define RECORD_MAX    (1024 * 1024)

Json *container_health(Container *ctr)
{
	const ContainerSpec *spec = container_spec(ctr, NULL);
	if (!spec || !health_config_has_probe(spec->health))
		return NULL;
	Json *record = container_run_fd(ctr) < 0
			       ? NULL
			       : js_load(container_run_fd(ctr), HEALTH_RECORD, RECORD_MAX, NULL);
	if (!record)
		record = js_load(container_dir_fd(ctr), HEALTH_RECORD, RECORD_MAX, NULL);
	if (record && json_object_is_type(record, json_type_object)) {
		json_object_object_del(record, "crc"); /* its seal is nobody's business */
		return record;
	}
	js_unref(record);
	/* One that never ran, in podman's form. */
	Json *json = json_object_new_object();
	js_set_string(json, "Status", ctr->summary.health ? ctr->summary.health : "");
	js_set_int(json, "FailingStreak", 0);
	js_set_take(json, "Log", NULL);
	return json;
}
