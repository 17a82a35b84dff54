/* SPDX-License-Identifier: Apache-2.0 */
#include "build/cache_image.h"

#include <string.h>

#include "build/cache_key.h"
#include "libpod/base/error.h"
#include "libpod/base/units.h"

#define KEY_SIZE  64
#define STEPS_MAX 10000
#define KEYS_MAX  4

static Json *copy_json(const Json *json)
{
	Json *copy = NULL;
	if (json_object_deep_copy((Json *)json, &copy, NULL) < 0)
		g_error("out of memory");
	return copy;
}

char *cache_image_key(const Json *config)
{
	g_autoptr(Json) copy = copy_json(config);
	Json *history = NULL;
	json_object_object_del(copy, "created");
	json_object_object_del(copy, CACHE_IMAGE_MEMBER);
	(void)json_object_object_get_ex(copy, "history", &history);
	/* A foreign image's may hold anything. */
	size_t n = json_object_is_type(history, json_type_array) ? json_object_array_length(history)
								 : 0;
	for (size_t i = 0; i < n; i++) {
		Json *entry = json_object_array_get_idx(history, i);
		if (json_object_is_type(entry, json_type_object))
			json_object_object_del(entry, "created");
	}
	g_autoptr(CacheKey) key = cache_key_new();
	cache_key_add(key, "image", js_text(copy));
	return cache_key_hex(key);
}

Json *cache_image_member(const BuildState *state)
{
	Json *member = json_object_new_object();
	js_set_take(member, "steps", copy_json(state->steps));
	return member;
}

char *cache_image_publish(Store *store, const BuildState *state, const CacheImageOptions *options,
			  GError **error)
{
	g_autoptr(BuildState) copy = build_state_copy(state);
	Json *member = cache_image_member(state), *image = json_object_new_object();
	if (options->config) {
		js_set_string(image, "key", options->key);
		js_set_string(image, "config", options->config);
		js_set_take(member, "image", image);
	} else {
		js_unref(image);
	}
	js_set_take(copy->image, "config", json_object_new_object());
	js_set_take(copy->image, CACHE_IMAGE_MEMBER, member);
	const char *config = build_state_finish(copy, options->created);
	const ImagePublish publish = {.config = config, .config_size = strlen(config)};
	return image_publish(store, &publish, error);
}

static bool is_key(const char *text)
{
	return text && strlen(text) == KEY_SIZE && strspn(text, "0123456789abcdef") == KEY_SIZE;
}

/* The first @n layers of an image, as a record's. */
static char **first_layers(const Image *image, size_t n)
{
	char **layers = g_new0(char *, n + 1);
	for (size_t i = 0; i < n; i++)
		layers[i] = g_strdup(image->chain_ids[i]);
	return layers;
}

static void add_record(GHashTable *records, const BuildRecord *from, const char *key)
{
	BuildRecord *record = g_new0(BuildRecord, 1);
	record->key = g_strdup(key);
	record->layers = g_strdupv(from->layers);
	record->diff_id = g_strdup(from->diff_id);
	record->created = g_strdup(from->created);
	record->created_by = g_strdup(from->created_by);
	record->config = g_strdup(from->config);
	record->made = from->made;
	g_hash_table_replace(records, record->key, record);
}

static bool fail(GError **error, const char *what)
{
	return error_set(error, ENGINE_ERROR_CORRUPT, "the build cache is malformed: %s", what);
}

/* A point in time, no span before now; *@out: ns. */
static bool is_date(const char *text, int64_t *out)
{
	return text && strlen(text) > 10 && text[10] == 'T' &&
	       units_parse_time(text, 0, out, NULL) && *out >= 0;
}

/* One step, under each of its keys. */
static bool read_step(const Image *image, Json *json, GHashTable *records, GError **error)
{
	g_autoptr(BuildRecord) record = g_new0(BuildRecord, 1);
	g_auto(GStrv) keys = NULL;
	int64_t n = 0, max = g_strv_length(image->chain_ids);
	bool own = false;
	if (!json_object_is_type(json, json_type_object) ||
	    !js_get_strv(json, "keys", &keys, error) ||
	    !js_get_int(json, "layers", 0, max, &n, error) ||
	    !js_get_bool(json, "own", &own, error) ||
	    !js_dup_string(json, "created", &record->created, error) ||
	    !js_dup_string(json, "created_by", &record->created_by, error))
		return error && *error ? false : fail(error, "a step is no object");
	if (!keys || !keys[0] || g_strv_length(keys) > KEYS_MAX || !record->created_by ||
	    !is_date(record->created, &record->made) || (own && n == 0))
		return fail(error, "a step lacks something");
	record->layers = first_layers(image, (size_t)n);
	record->diff_id = own ? g_strdup(image->config->diff_ids[n - 1]) : NULL;
	for (char **key = keys; *key; key++) {
		if (!is_key(*key))
			return fail(error, "a key");
		add_record(records, record, *key);
	}
	return true;
}

/* The config that came of the steps: it must be one of its key, and of these layers. */
static bool read_config(const Image *image, Json *json, GHashTable *records, GError **error)
{
	const char *key = NULL, *text = NULL;
	if (!js_get_string(json, "key", &key, error) ||
	    !js_get_string(json, "config", &text, error))
		return false;
	g_autoptr(Json) config = text ? js_parse(text, strlen(text), "config", error) : NULL;
	if (!config)
		return text ? false : fail(error, "an image without a config");
	/* Its times are no part of the key, and it is to be an image's as it is. */
	g_autoptr(ImageConfig) checked = image_config_parse(text, strlen(text), error);
	if (!checked)
		return false;
	g_autofree char *own = cache_image_key(config);
	if (!is_key(key) || strcmp(own, key) != 0)
		return fail(error, "a config under the wrong key");
	const BuildRecord record = {
		.layers = image->chain_ids,
		.created = (char *)"1970-01-01T00:00:00Z",
		.created_by = (char *)"image",
		.config = (char *)text,
	};
	add_record(records, &record, key);
	return true;
}

/* All that the member says, into a table of its own. */
static bool read_member(const Image *image, Json *member, GHashTable *records, GError **error)
{
	Json *steps = NULL, *config = NULL;
	if (!js_get_array(member, "steps", &steps, error) ||
	    !js_get_object(member, "image", &config, error))
		return false;
	size_t n = steps ? json_object_array_length(steps) : 0;
	if (n > STEPS_MAX)
		return fail(error, "too many steps");
	for (size_t i = 0; i < n; i++)
		if (!read_step(image, json_object_array_get_idx(steps, i), records, error))
			return false;
	return !config || read_config(image, config, records, error);
}

int cache_image_read(const Image *image, GHashTable *records, GError **error)
{
	Json *member = NULL;
	g_autoptr(Json) json =
		js_parse(image->config_text, image->config_size, "the image's config", error);
	g_autoptr(GHashTable) found = g_hash_table_new_full(g_str_hash, g_str_equal, NULL,
							    (GDestroyNotify)build_record_free);
	if (!json || !js_get_object(json, CACHE_IMAGE_MEMBER, &member, error) ||
	    (member && !read_member(image, member, found, error)))
		return 0;
	GHashTableIter iter;
	void *value = NULL;
	g_hash_table_iter_init(&iter, found);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		const BuildRecord *record = value;
		add_record(records, record, record->key);
	}
	return (int)g_hash_table_size(found);
}
