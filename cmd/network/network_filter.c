/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/network/network_filter.h"

#include <string.h>

#include "cmd/labels.h"
#include "cmd/option.h"
#include "libpod/base/error.h"
#include "libpod/base/units.h"

static const char *const keys[] = {"dangling", "driver", "id",    "label",
				   "label!",   "name",   "until", NULL};

static bool match_dangling(Engine *engine, const NamedNetwork *network, const char *value,
			   bool *out, GError **error)
{
	bool wanted = false;
	if (!option_parse_bool(value, &wanted, error))
		return false;
	g_auto(GStrv) users = named_network_users(engine, network->name, error);
	if (!users)
		return false;
	bool dangling = !users[0] && strcmp(network->name, NETWORK_DEFAULT_NAME) != 0;
	*out = dangling == wanted;
	return true;
}

/* Does the network match one KEY=VALUE? */
static bool matches(Engine *engine, const NamedNetwork *network, const char *key, const char *value,
		    bool *out, GError **error)
{
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

/* All values of @key: alternatives, but every label counts. */
static bool key_matches(Engine *engine, const NamedNetwork *network, const char *key,
			const GPtrArray *texts, bool *out, GError **error)
{
	bool all = g_str_has_prefix(key, "label"), any = false, one = false, every = true;
	size_t length = strlen(key);
	for (size_t i = 0; i < texts->len; i++) {
		const char *text = texts->pdata[i];
		bool match = false;
		if (strncmp(text, key, length) != 0 || text[length] != '=')
			continue;
		if (!matches(engine, network, key, text + length + 1, &match, error))
			return false;
		any = true;
		one |= match;
		every &= match;
	}
	*out = !any || (all ? every : one);
	return true;
}

static bool check(const char *text, GError **error)
{
	const char *equals = strchr(text, '=');
	g_autofree char *key = equals ? g_strndup(text, equals - text) : g_strdup(text);
	if (!equals)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "filter input must be in the form of filter=value: %s is invalid",
				 text);
	return g_strv_contains(keys, key) ||
	       error_set(error, ENGINE_ERROR_INVALID, "invalid filter \"%s\"", key);
}

bool network_filter_apply(Engine *engine, GPtrArray *networks, const GPtrArray *texts,
			  GError **error)
{
	for (size_t i = 0; texts && i < texts->len; i++)
		if (!check(texts->pdata[i], error))
			return false;
	for (size_t i = 0; texts && i < networks->len;) {
		bool match = true;
		for (size_t k = 0; keys[k] && match; k++)
			if (!key_matches(engine, networks->pdata[i], keys[k], texts, &match, error))
				return false;
		if (match)
			i++;
		else
			g_ptr_array_remove_index(networks, i);
	}
	return true;
}
