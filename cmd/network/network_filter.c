/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/network/network_filter.h"

#include <string.h>

#include "cmd/labels.h"
#include "cmd/object_filter.h"
#include "cmd/option.h"
#include "libpod/base/error.h"
#include "libpod/base/units.h"

static const char *const keys[] = {"dangling", "driver", "id",    "label",
				   "label!",   "name",   "until", NULL};

static bool match_dangling(Engine *engine, const NamedNetwork *network, const char *value,
			   bool *out, GError **error)
{
	bool wanted = false;
	if (!option_parse_bool(value, &wanted, NULL))
		return error_set(error, ENGINE_ERROR_INVALID,
				 "invalid dangling filter value \"%s\"", value);
	g_auto(GStrv) users = named_network_users(engine, network->name, error);
	if (!users)
		return false;
	bool dangling = !users[0] && strcmp(network->name, NETWORK_DEFAULT_NAME) != 0;
	*out = dangling == wanted;
	return true;
}

/* Does the network match one KEY=VALUE? */
static bool matches(Engine *engine, const void *object, const char *key, const char *value,
		    bool *out, GError **error)
{
	const NamedNetwork *network = object;
	int64_t time = 0;
	if (strcmp(key, "dangling") == 0)
		return match_dangling(engine, network, value, out, error);
	if (strcmp(key, "driver") == 0) {
		*out = strcmp(value, "bridge") == 0;
	} else if (strcmp(key, "id") == 0) {
		*out = g_str_has_prefix(network->id, value);
	} else if (strcmp(key, "label") == 0) {
		*out = labels_match(network->labels, value);
	} else if (strcmp(key, "label!") == 0) {
		*out = !labels_match(network->labels, value);
	} else if (strcmp(key, "name") == 0) {
		*out = g_regex_match_simple(value, network->name, 0, 0);
	} else {
		if (!units_parse_time(value, units_now(), &time, error))
			return false;
		*out = network->created < time;
	}
	return true;
}

static const ObjectFilter filter = {
	.keys = keys,
	.unknown = "invalid filter ",
	.unknown_tail = "",
	.matches = matches,
};

bool network_filter_apply(Engine *engine, GPtrArray *networks, const GPtrArray *texts,
			  GError **error)
{
	return object_filter_apply(&filter, engine, networks, texts, error);
}
