/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON over json-c: strict and bounded parsing, typed getters whose errors name the path.
 *
 * json-c owns the prefix json_, so ours is js_. Getters treat an absent key and null alike: *out
 * stays untouched and true is returned; a wrong type is INVALID ("process.args[0]: expected a
 * string").
 */
#pragma once

#include <glib.h>
#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>

#include "libpod/base/record.h"

typedef struct json_object Json;

static inline void js_unref(Json *json)
{
	json_object_put(json);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Json, js_unref)

/**
 * js_parse() - parse exactly one value, depth <= 64, valid UTF-8, nothing behind it. @what names
 * it in errors. INVALID.
 */
Json *js_parse(const char *text, size_t size, const char *what, GError **error);

/**
 * js_has_unique_keys() - does no object of @json, which @text was parsed to, have a key twice?
 *
 * Of two equal keys only the last is left in @json: where that decides about trust, ask.
 */
bool js_has_unique_keys(const char *text, size_t size, Json *json);

/**
 * js_load() - read and parse a record below @dir_fd of at most @max_size bytes. NOT_FOUND if
 * absent, CORRUPT if broken.
 */
Json *js_load(int dir_fd, const char *name, size_t max_size, GError **error);

/** js_save() - write an object as a record below @dir_fd, sealed (seal.h): js_load() sees damage.
 */
bool js_save(int dir_fd, const char *name, Json *json, RecordSync sync, GError **error);

/** js_text() - compact text, borrowed from @json. */
const char *js_text(Json *json);

/** js_text_pretty() - indented by four spaces as podman prints it, borrowed from @json. */
const char *js_text_pretty(Json *json);

/*
 * Getters. INVALID if the value has another type, a number lies outside @min and @max, a string
 * holds a NUL character, or @object is no object.
 */
bool js_get_string(Json *object, const char *key, const char **out_borrowed, GError **error);
bool js_dup_string(Json *object, const char *key, char **out, GError **error);
bool js_get_bool(Json *object, const char *key, bool *out, GError **error);
bool js_get_int(Json *object, const char *key, int64_t min, int64_t max, int64_t *out,
		GError **error);
bool js_get_object(Json *object, const char *key, Json **out_borrowed, GError **error);
bool js_get_array(Json *object, const char *key, Json **out_borrowed, GError **error);
/** js_get_strv() - an array of strings; null or absent leaves *out. g_strfreev() it. */
bool js_get_strv(Json *object, const char *key, char ***out, GError **error);
/** js_get_string_map() - an object of strings, to a GHashTable of owned strings. */
bool js_get_string_map(Json *object, const char *key, GHashTable **out, GError **error);

/* Builders: NULL strings are left out; keys are added in order; a key that is there is replaced. */
void js_set_string(Json *object, const char *key, const char *value);
void js_set_int(Json *object, const char *key, int64_t value);
void js_set_bool(Json *object, const char *key, bool value);
/** js_set_take() - add @value, taking its reference. */
void js_set_take(Json *object, const char *key, Json *value);
/** js_from_strv() - array of strings; NULL gives an empty array. */
Json *js_from_strv(const char *const *strv);
/**
 * js_from_string_map() - object from a GHashTable of strings, keys sorted; NULL gives an empty
 * object.
 */
Json *js_from_string_map(GHashTable *map);
