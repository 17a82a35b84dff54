/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/volume/volume_filter.h"

#include <string.h>

#include "cmd/labels.h"
#include "cmd/object_filter.h"
#include "cmd/option.h"
#include "libpod/base/error.h"
#include "libpod/base/units.h"

static const char *const keys[] = {"dangling", "driver", "label", "label!", "name", "opt",
				   "scope",    "since",  "after", "until",  NULL};

static bool is_used(Engine *engine, const Volume *volume, bool *out, GError **error)
{
	g_auto(GStrv) users = volume_users(engine, volume->name, error);
	if (!users)
		return false;
	*out = users[0] != NULL;
	return true;
}

/* Does the volume match one KEY=VALUE? */
static bool matches(Engine *engine, const void *object, const char *key, const char *value,
		    bool *out, GError **error)
{
	const Volume *volume = object;
	int64_t time = 0;
	bool wanted = false, used = false;
	*out = false;
	if (strcmp(key, "dangling") == 0) {
		if (!option_parse_bool(value, &wanted, NULL))
			return error_set(error, ENGINE_ERROR_INVALID,
					 "\"%s\" is not a valid value for the \"dangling\" "
					 "filter - must be true or false",
					 value);
		if (!is_used(engine, volume, &used, error))
			return false;
		*out = used != wanted;
	} else if (strcmp(key, "driver") == 0) {
		*out = strcmp(volume->driver, value) == 0;
	} else if (strcmp(key, "label") == 0) {
		*out = labels_match(volume->labels, value);
	} else if (strcmp(key, "label!") == 0) {
		*out = !labels_match(volume->labels, value);
	} else if (strcmp(key, "opt") == 0) {
		*out = labels_match(volume->options, value);
	} else if (strcmp(key, "scope") == 0) {
		*out = g_strcmp0(volume->scope, value) == 0;
	} else if (strcmp(key, "name") == 0) {
		*out = g_regex_match_simple(value, volume->name, 0, 0);
	} else {
		if (!units_parse_time(value, units_now(), &time, error))
			return false;
		*out = strcmp(key, "until") == 0 ? volume->created < time : volume->created > time;
	}
	return true;
}

static const ObjectFilter filter = {
	.keys = keys,
	.unknown = "",
	.unknown_tail = " is an invalid volume filter",
	.matches = matches,
};

bool volume_filter_apply(Engine *engine, GPtrArray *volumes, const GPtrArray *texts, GError **error)
{
	return object_filter_apply(&filter, engine, volumes, texts, error);
}
