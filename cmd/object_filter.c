/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/object_filter.h"

#include <string.h>

#include "libpod/base/error.h"
#include "libpod/base/suggest.h"

/* All values of @key: alternatives, but every label counts. */
static bool key_matches(const ObjectFilter *filter, Engine *engine, const void *object,
			const char *key, const GPtrArray *texts, bool *out, GError **error)
{
	bool all = g_str_has_prefix(key, "label"), any = false, one = false, every = true;
	size_t length = strlen(key);
	for (size_t i = 0; i < texts->len; i++) {
		const char *text = texts->pdata[i];
		bool match = false;
		if (strncmp(text, key, length) != 0 || text[length] != '=')
			continue;
		if (!filter->matches(engine, object, key, text + length + 1, &match, error))
			return false;
		any = true;
		one |= match;
		every &= match;
	}
	*out = !any || (all ? every : one);
	return true;
}

/* Does the key exist? Its value is looked at with the first object. */
static bool check(const ObjectFilter *filter, const char *text, GError **error)
{
	const char *equals = strchr(text, '=');
	g_autofree char *key = equals ? g_strndup(text, equals - text) : g_strdup(text);
	if (!equals)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "filter input must be in the form of filter=value: %s is invalid",
				 text);
	if (g_strv_contains(filter->keys, key))
		return true;
	Suggestions near;
	suggest_init(&near, key);
	for (size_t i = 0; filter->keys[i]; i++)
		suggest_offer(&near, filter->keys[i]);
	error_set(error, ENGINE_ERROR_INVALID, "%s\"%s\"%s", filter->unknown, key,
		  filter->unknown_tail);
	suggest_add_help(&near, "", error);
	return false;
}

bool object_filter_apply(const ObjectFilter *filter, Engine *engine, GPtrArray *objects,
			 const GPtrArray *texts, GError **error)
{
	for (size_t i = 0; texts && i < texts->len; i++)
		if (!check(filter, texts->pdata[i], error))
			return false;
	for (size_t i = 0; texts && i < objects->len;) {
		bool match = true;
		for (size_t k = 0; filter->keys[k] && match; k++)
			if (!key_matches(filter, engine, objects->pdata[i], filter->keys[k], texts,
					 &match, error))
				return false;
		if (match)
			i++;
		else
			g_ptr_array_remove_index(objects, i);
	}
	return true;
}
