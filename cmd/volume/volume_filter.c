/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/volume/volume_filter.h"

#include <string.h>

#include "cmd/labels.h"
#include "cmd/option.h"
#include "libpod/base/error.h"
#include "libpod/base/suggest.h"
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
static bool matches(Engine *engine, const Volume *volume, const char *key, const char *value,
		    bool *out, GError **error)
{
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

/* All values of @key: alternatives, but every label counts. */
static bool key_matches(Engine *engine, const Volume *volume, const char *key,
			const GPtrArray *texts, bool *out, GError **error)
{
	bool all = g_str_has_prefix(key, "label"), any = false, one = false, match = false;
	size_t length = strlen(key);
	for (size_t i = 0; i < texts->len; i++) {
		const char *text = texts->pdata[i];
		if (strncmp(text, key, length) != 0 || text[length] != '=')
			continue;
		if (!matches(engine, volume, key, text + length + 1, &match, error))
			return false;
		any = true;
		one |= match;
		if (all && !match) {
			*out = false;
			return true;
		}
	}
	*out = !any || one;
	return true;
}

/* Does the key exist? Its value is looked at with the first volume. */
static bool check(const char *text, GError **error)
{
	const char *equals = strchr(text, '=');
	g_autofree char *key = equals ? g_strndup(text, equals - text) : g_strdup(text);
	if (!equals)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "filter input must be in the form of filter=value: %s is invalid",
				 text);
	if (g_strv_contains(keys, key))
		return true;
	Suggestions near;
	suggest_init(&near, key);
	for (size_t i = 0; keys[i]; i++)
		suggest_offer(&near, keys[i]);
	error_set(error, ENGINE_ERROR_INVALID, "\"%s\" is an invalid volume filter", key);
	suggest_add_help(&near, "", error);
	return false;
}

bool volume_filter_apply(Engine *engine, GPtrArray *volumes, const GPtrArray *texts, GError **error)
{
	for (size_t i = 0; texts && i < texts->len; i++)
		if (!check(texts->pdata[i], error))
			return false;
	for (size_t i = 0; texts && i < volumes->len;) {
		bool match = true;
		for (size_t k = 0; keys[k] && match; k++)
			if (!key_matches(engine, volumes->pdata[i], keys[k], texts, &match, error))
				return false;
		if (match)
			i++;
		else
			g_ptr_array_remove_index(volumes, i);
	}
	return true;
}
