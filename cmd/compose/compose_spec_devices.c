/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A service's GPUs and other devices of CDI, and what it may do with disks.
 */
#include <string.h>

#include "cmd/compose/compose_spec_priv.h"
#include "libpod/spec_parse.h"

/* The GPUs of a request, by CDI's names: all, the first so many, or those that are named. */
static bool add_gpus(Build *build, const char *key, const Node *request, GError **error)
{
	const Node *ids = node_get(request, "device_ids"), *count = node_get(request, "count");
	int64_t n = node_is(count, NODE_INT) ? count->integer : -1;
	for (size_t i = 0; i < node_count(ids); i++) {
		g_autofree char *id = node_scalar_text(node_item(ids, i));
		bool whole = strchr(id, '=') != NULL;
		if (!spec_call(build, key, whole ? spec_add_device : spec_add_gpu, id, error))
			return false;
	}
	if (node_count(ids) > 0)
		return true;
	if (n < 0)
		return spec_call(build, key, spec_add_gpu, "all", error);
	for (int64_t i = 0; i < MIN(n, 64); i++) {
		g_autofree char *id = g_strdup_printf("%" G_GINT64_FORMAT, i);
		if (!spec_call(build, key, spec_add_gpu, id, error))
			return false;
	}
	return true;
}

bool spec_add_requests(Build *build, const char *key, const Node *list, bool gpus, GError **error)
{
	for (size_t i = 0; i < node_count(list); i++) {
		const Node *request = node_item(list, i), *can = node_get(request, "capabilities");
		const char *driver = node_string(request, "driver");
		bool gpu = gpus || g_strcmp0(driver, "cdi") == 0;
		for (size_t c = 0; c < node_count(can); c++)
			gpu = gpu || strcmp(node_item(can, c)->text, "gpu") == 0;
		if (!gpu)
			return compose_unsupported(
				build->make, key,
				"devices are GPUs, or CDI's with driver: cdi: another request is",
				error);
		if (!add_gpus(build, key, request, error))
			return false;
	}
	return true;
}

bool spec_apply_gpus(Build *build, const Node *value, GError **error)
{
	return spec_add_requests(build, "gpus", value, true, error);
}

/* "DEVICE:NUMBER" of each member. */
static bool add_throttles(Build *build, const Node *list, const char *key, SpecSetter set,
			  GError **error)
{
	for (size_t i = 0; i < node_count(list); i++) {
		const Node *item = node_item(list, i), *number = node_get(item, key);
		g_autofree char *value = number ? node_scalar_text(number) : g_strdup("");
		g_autofree char *text = g_strdup_printf("%s:%s", node_string(item, "path"), value);
		if (!spec_call(build, "blkio_config", set, text, error))
			return false;
	}
	return true;
}

bool spec_apply_blkio(Build *build, const Node *value, GError **error)
{
	static const struct {
		const char *key, *number;
		SpecSetter set;
	} lists[] = {
		{"device_read_bps", "rate", spec_add_device_read_bps},
		{"device_read_iops", "rate", spec_add_device_read_iops},
		{"device_write_bps", "rate", spec_add_device_write_bps},
		{"device_write_iops", "rate", spec_add_device_write_iops},
		{"weight_device", "weight", spec_add_blkio_weight_device},
	};
	const Node *weight = node_get(value, "weight");
	g_autofree char *text = weight ? node_scalar_text(weight) : NULL;
	if (text && !spec_call(build, "blkio_config", spec_set_blkio_weight, text, error))
		return false;
	for (size_t i = 0; i < G_N_ELEMENTS(lists); i++)
		if (!add_throttles(build, node_get(value, lists[i].key), lists[i].number,
				   lists[i].set, error))
			return false;
	return true;
}
