/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/system/event_filter.h"

#include <string.h>

#include "cmd/system/event_print.h"
#include "libpod/base/error.h"

typedef struct {
	const char *name;
	bool (*match)(const Event *event, const char *value);
	bool all; /* every value must match, not one of them */
} Key;

struct EventFilter {
	GPtrArray *texts; /* of strings */
};

static bool is_object(const Event *event, EventType type, const char *value)
{
	return event->type == type && (g_strcmp0(event->name, value) == 0 ||
				       (event->id && *value && g_str_has_prefix(event->id, value)));
}

static bool match_container(const Event *event, const char *value)
{
	return is_object(event, EVENT_CONTAINER, value);
}

static bool match_volume(const Event *event, const char *value)
{
	return event->type == EVENT_VOLUME && g_str_has_prefix(event->name, value);
}

/* An image, or the image of a container: with or without registry and tag. */
static bool match_image(const Event *event, const char *value)
{
	if (is_object(event, EVENT_IMAGE, value))
		return true;
	const char *name = event->type == EVENT_IMAGE ? event->name : event->image;
	size_t length = strlen(value);
	for (const char *at = name; at && *value; at = strchr(at, '/') ? strchr(at, '/') + 1 : NULL)
		if (strncmp(at, value, length) == 0 && strchr(":@", at[length]))
			return true;
	return false;
}

static bool match_event(const Event *event, const char *value)
{
	return strcmp(event->status, value) == 0 || strcmp(event_docker_action(event), value) == 0;
}

static bool match_type(const Event *event, const char *value)
{
	return strcmp(event_type_name(event->type), value) == 0;
}

static bool match_label(const Event *event, const char *value)
{
	const char *equals = strchr(value, '=');
	g_autofree char *key =
		equals ? g_strndup(value, (size_t)(equals - value)) : g_strdup(value);
	const char *has = event->attributes ? g_hash_table_lookup(event->attributes, key) : NULL;
	return has && (!equals || strcmp(has, equals + 1) == 0);
}

static const Key keys[] = {
	{"container", match_container, false}, {"event", match_event, false},
	{"image", match_image, false},         {"label", match_label, true},
	{"type", match_type, false},           {"volume", match_volume, false},
};

/* The value of @text if it is about @key, else NULL. */
static const char *value_of(const char *text, const Key *key)
{
	size_t length = strlen(key->name);
	return strncmp(text, key->name, length) == 0 && text[length] == '=' ? text + length + 1
									    : NULL;
}

static bool check(const char *text, GError **error)
{
	const char *equals = strchr(text, '=');
	if (!equals)
		return error_set(error, ENGINE_ERROR_INVALID, "invalid filter \"%s\"", text);
	for (size_t i = 0; i < G_N_ELEMENTS(keys); i++)
		if (value_of(text, &keys[i]))
			return true;
	return error_set(error, ENGINE_ERROR_INVALID, "%.*s is an invalid filter",
			 (int)(equals - text), text);
}

EventFilter *event_filter_new(const GPtrArray *texts, GError **error)
{
	g_autoptr(EventFilter) filter = g_new0(EventFilter, 1);
	filter->texts = g_ptr_array_new_with_free_func(g_free);
	for (guint i = 0; texts && i < texts->len; i++) {
		if (!check(texts->pdata[i], error))
			return NULL;
		g_ptr_array_add(filter->texts, g_strdup(texts->pdata[i]));
	}
	return g_steal_pointer(&filter);
}

void event_filter_free(EventFilter *filter)
{
	if (!filter)
		return;
	g_ptr_array_unref(filter->texts);
	g_free(filter);
}

static bool key_matches(const EventFilter *filter, const Key *key, const Event *event)
{
	bool any = false, one = false;
	for (guint i = 0; i < filter->texts->len; i++) {
		const char *value = value_of(filter->texts->pdata[i], key);
		if (!value)
			continue;
		bool match = key->match(event, value);
		if (key->all && !match)
			return false;
		any = true;
		one |= match;
	}
	return !any || one;
}

bool event_filter_matches(const EventFilter *filter, const Event *event)
{
	for (size_t i = 0; filter->texts->len > 0 && i < G_N_ELEMENTS(keys); i++)
		if (!key_matches(filter, &keys[i], event))
			return false;
	return true;
}
