/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON: json-c made strict. What it lets pass even so (NaN, 'keys', NUL characters, overlong
 * UTF-8) is refused here.
 */
#include "libpod/base/json.h"

#include <string.h>

#include "libpod/base/error.h"
#include "libpod/base/record.h"
#include "libpod/base/seal.h"

#define MAX_DEPTH 64

/* Why a text is not even worth parsing, or NULL. */
static const char *find_nonsense(const char *text, size_t size)
{
	bool in_string = false;
	for (size_t i = 0; i < size; i++) {
		unsigned char c = (unsigned char)text[i];
		if (c == '\0')
			return "contains a NUL byte";
		if (in_string && c < ' ')
			return "a control character in a string";
		if (in_string && c == '\\') {
			if (++i < size && !g_ascii_isprint(text[i]))
				return "an unknown escape in a string";
		} else if (c == '"') {
			in_string = !in_string;
		} else if (!in_string && strchr("NI'/", c)) {
			return "NaN, Infinity, comments and single quotes are not JSON";
		}
	}
	/* json-c looks at the leading bits only (0.16), or refuses what is valid (0.18). */
	return g_utf8_validate_len(text, size, NULL) ? NULL : "is not UTF-8";
}

static bool is_ascii(const char *text, size_t size)
{
	unsigned char bits = 0;
	for (size_t i = 0; i < size; i++)
		bits |= (unsigned char)text[i];
	return bits < 0x80;
}

static void append_escape(GString *ascii, gunichar unit)
{
	static const char digits[] = "0123456789abcdef";
	const char escape[] = {'\\',
			       'u',
			       digits[unit >> 12 & 15],
			       digits[unit >> 8 & 15],
			       digits[unit >> 4 & 15],
			       digits[unit & 15]};
	g_string_append_len(ascii, escape, sizeof escape);
}

/*
 * The same JSON with the characters beyond ASCII written as escapes. In strict mode json-c 0.17 and
 * 0.18 take the bytes of such characters for control characters, where char is signed:
 * https://github.com/json-c/json-c/issues/875. Not needed once those are no longer in use.
 */
static GString *escape_text(const char *text, size_t size)
{
	GString *ascii = g_string_sized_new(size + size / 2);
	for (const char *at = text; at < text + size; at = g_utf8_next_char(at)) {
		gunichar c = g_utf8_get_char(at);
		if (c < 0x80) {
			g_string_append_c(ascii, (char)c);
		} else if (c < 0x10000) {
			append_escape(ascii, c);
		} else {
			append_escape(ascii, 0xd800 + ((c - 0x10000) >> 10));
			append_escape(ascii, 0xdc00 + (c & 0x3ff));
		}
	}
	return ascii;
}

/* Parse exactly one value. Return: NULL, or what is wrong; *out_place is where, SIZE_MAX if
 * nowhere. */
static const char *parse_value(const char *text, size_t size, Json **out_json, size_t *out_place)
{
	struct json_tokener *parser = json_tokener_new_ex(MAX_DEPTH);
	json_tokener_set_flags(parser, JSON_TOKENER_STRICT);
	g_autoptr(Json) json = json_tokener_parse_ex(parser, text, (int)size);
	enum json_tokener_error status = json_tokener_get_error(parser);
	size_t end = json_tokener_get_parse_end(parser);
	/* A bare number ends only where something else begins. */
	if (status == json_tokener_continue && size > 0) {
		json = json_tokener_parse_ex(parser, "", 1);
		status = json_tokener_get_error(parser);
		end = size;
	}
	json_tokener_free(parser);

	*out_place = SIZE_MAX;
	if (status == json_tokener_continue)
		return "the JSON ends too early";
	if (status == json_tokener_success)
		while (end < size && strchr(" \t\r\n", text[end]))
			end++;
	if (status != json_tokener_success || end < size)
		*out_place = end;
	if (status != json_tokener_success)
		return json_tokener_error_desc(status);
	if (end < size)
		return "text behind the JSON";
	if (!json)
		return "expected a value, found null";
	*out_json = g_steal_pointer(&json);
	return NULL;
}

/* The place in @text of what is at @place where its characters are escaped. */
static size_t unescaped_place(const char *text, size_t size, size_t place)
{
	size_t low = 0;
	size_t at = 0;
	while (at < size && low < place) {
		unsigned char lead = (unsigned char)text[at];
		low += lead < 0x80 ? 1 : lead < 0xf0 ? 6 : 12;
		at += (size_t)g_utf8_skip[lead];
	}
	return at;
}

Json *js_parse(const char *text, size_t size, const char *what, GError **error)
{
	const char *problem = size > G_MAXINT32 / 6 ? "too large" : find_nonsense(text, size);
	if (problem)
		return error_set_null(error, ENGINE_ERROR_INVALID, "%s: %s", what, problem);

	Json *json = NULL;
	size_t place = SIZE_MAX;
	if (is_ascii(text, size)) {
		problem = parse_value(text, size, &json, &place);
	} else {
		GString *ascii = escape_text(text, size);
		problem = parse_value(ascii->str, ascii->len, &json, &place);
		g_string_free(ascii, TRUE);
		if (place != SIZE_MAX)
			place = unescaped_place(text, size, place);
	}
	if (problem && place != SIZE_MAX)
		return error_set_null(error, ENGINE_ERROR_INVALID, "%s: %s at byte %zu", what,
				      problem, place);
	if (problem)
		return error_set_null(error, ENGINE_ERROR_INVALID, "%s: %s", what, problem);
	return json;
}

/* Keys of all objects below @json, itself included. */
static size_t count_keys(Json *json)
{
	size_t count = 0;
	if (json_object_is_type(json, json_type_object)) {
		json_object_object_foreach(json, key, value)
		{
			(void)key;
			count += 1 + count_keys(value);
		}
	} else if (json_object_is_type(json, json_type_array)) {
		for (size_t i = 0; i < json_object_array_length(json); i++)
			count += count_keys(json_object_array_get_idx(json, i));
	}
	return count;
}

bool js_has_unique_keys(const char *text, size_t size, Json *json)
{
	/* Outside of strings there is one colon for each key that was written. */
	size_t colons = 0;
	bool in_string = false;
	for (size_t i = 0; i < size; i++) {
		if (in_string && text[i] == '\\')
			i++;
		else if (text[i] == '"')
			in_string = !in_string;
		else if (!in_string && text[i] == ':')
			colons++;
	}
	return colons == count_keys(json);
}

Json *js_load(int dir_fd, const char *name, size_t max_size, GError **error)
{
	size_t size = 0;
	g_autofree char *text = record_read(dir_fd, name, max_size, &size, error);
	if (!text)
		return NULL;
	if (seal_check(text, size, NULL) == SEAL_BROKEN)
		return error_set_null(error, ENGINE_ERROR_CORRUPT,
				      "%s: its checksum does not match", name);
	Json *json = js_parse(text, size, name, error);
	/* In our own record, bad JSON is damage and not somebody's mistake. */
	if (!json && error && *error)
		(*error)->code = ENGINE_ERROR_CORRUPT;
	return json;
}

bool js_save(int dir_fd, const char *name, Json *json, RecordSync sync, GError **error)
{
	g_autofree char *text = seal_text(js_text(json));
	return record_replace(dir_fd, name, text, strlen(text), sync, error);
}

const char *js_text(Json *json)
{
	return json_object_to_json_string_ext(json, JSON_C_TO_STRING_PLAIN |
							    JSON_C_TO_STRING_NOSLASHESCAPE);
}

static void free_pretty_text(struct json_object *json, void *text)
{
	g_free(text);
}

const char *js_text_pretty(Json *json)
{
	const char *text = json_object_to_json_string_ext(
		json,
		JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED | JSON_C_TO_STRING_NOSLASHESCAPE);
	/*
	 * json-c indents by two and breaks empty containers: write the leading spaces of each line
	 * twice and close what has just been opened. A string holds no newline.
	 */
	GString *pretty = g_string_new(NULL);
	for (const char *line = text; *line;) {
		size_t indent = strspn(line, " ");
		size_t size = strcspn(line, "\n");
		char last = pretty->len ? pretty->str[pretty->len - 1] : '\0';
		bool closes = (last == '[' && line[indent] == ']') ||
			      (last == '{' && line[indent] == '}');
		if (closes) {
			g_string_append_len(pretty, line + indent, (gssize)(size - indent));
		} else {
			if (pretty->len)
				g_string_append_c(pretty, '\n');
			g_string_append_len(pretty, line, (gssize)indent);
			g_string_append_len(pretty, line, (gssize)size);
		}
		line += size + (line[size] == '\n');
	}
	char *owned = g_string_free(pretty, FALSE);
	json_object_set_userdata(json, owned, free_pretty_text);
	return owned;
}

/* Find @key. Return: false with INVALID if @object is no object; *out_value is NULL if absent or
 * null. */
static bool find_value(Json *object, const char *key, Json **out_value, GError **error)
{
	*out_value = NULL;
	if (!object)
		return true;
	if (!json_object_is_type(object, json_type_object))
		return error_set(error, ENGINE_ERROR_INVALID, "%s: expected an object around it",
				 key);
	json_object_object_get_ex(object, key, out_value);
	return true;
}

/* As find_value(), checking the type; @expected is "a string" and the like. */
static bool find_typed(Json *object, const char *key, json_type type, const char *expected,
		       Json **out_value, GError **error)
{
	if (!find_value(object, key, out_value, error))
		return false;
	if (*out_value && !json_object_is_type(*out_value, type))
		return error_set(error, ENGINE_ERROR_INVALID, "%s: expected %s", key, expected);
	return true;
}

/* The C string of a JSON string, or NULL if a NUL character would cut it short. */
static const char *whole_string(Json *value)
{
	const char *text = json_object_get_string(value);
	return strlen(text) == (size_t)json_object_get_string_len(value) ? text : NULL;
}

bool js_get_string(Json *object, const char *key, const char **out_borrowed, GError **error)
{
	Json *value;
	if (!find_typed(object, key, json_type_string, "a string", &value, error))
		return false;
	if (!value)
		return true;
	const char *text = whole_string(value);
	if (!text)
		return error_set(error, ENGINE_ERROR_INVALID, "%s: contains a NUL character", key);
	*out_borrowed = text;
	return true;
}

bool js_dup_string(Json *object, const char *key, char **out, GError **error)
{
	const char *text = NULL;
	if (!js_get_string(object, key, &text, error))
		return false;
	if (text)
		*out = g_strdup(text);
	return true;
}

bool js_get_bool(Json *object, const char *key, bool *out, GError **error)
{
	Json *value;
	if (!find_typed(object, key, json_type_boolean, "true or false", &value, error))
		return false;
	if (value)
		*out = json_object_get_boolean(value);
	return true;
}

bool js_get_int(Json *object, const char *key, int64_t min, int64_t max, int64_t *out,
		GError **error)
{
	Json *value;
	if (!find_typed(object, key, json_type_int, "an integer", &value, error))
		return false;
	if (!value)
		return true;
	int64_t number = json_object_get_int64(value);
	/* Beyond the signed range json-c gives the nearest value it has instead. */
	bool clamped = number == G_MININT64 ||
		       (number > 0 && json_object_get_uint64(value) > (uint64_t)G_MAXINT64);
	if (clamped || number < min || number > max)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "%s: expected an integer from %" G_GINT64_FORMAT
				 " to %" G_GINT64_FORMAT,
				 key, min, max);
	*out = number;
	return true;
}

bool js_get_object(Json *object, const char *key, Json **out_borrowed, GError **error)
{
	Json *value;
	if (!find_typed(object, key, json_type_object, "an object", &value, error))
		return false;
	if (value)
		*out_borrowed = value;
	return true;
}

bool js_get_array(Json *object, const char *key, Json **out_borrowed, GError **error)
{
	Json *value;
	if (!find_typed(object, key, json_type_array, "an array", &value, error))
		return false;
	if (value)
		*out_borrowed = value;
	return true;
}

bool js_get_strv(Json *object, const char *key, char ***out, GError **error)
{
	Json *array = NULL;
	if (!js_get_array(object, key, &array, error))
		return false;
	if (!array)
		return true;
	size_t count = json_object_array_length(array);
	g_auto(GStrv) list = g_new0(char *, count + 1);
	for (size_t i = 0; i < count; i++) {
		Json *item = json_object_array_get_idx(array, i);
		const char *text = NULL;
		if (item && json_object_is_type(item, json_type_string))
			text = whole_string(item);
		if (!text)
			return error_set(error, ENGINE_ERROR_INVALID, "%s[%zu]: expected a string",
					 key, i);
		list[i] = g_strdup(text);
	}
	*out = g_steal_pointer(&list);
	return true;
}

bool js_get_string_map(Json *object, const char *key, GHashTable **out, GError **error)
{
	Json *value = NULL;
	if (!js_get_object(object, key, &value, error))
		return false;
	if (!value)
		return true;
	g_autoptr(GHashTable) map = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	json_object_object_foreach(value, name, item)
	{
		const char *text = NULL;
		if (item && json_object_is_type(item, json_type_string))
			text = whole_string(item);
		if (!text)
			return error_set(error, ENGINE_ERROR_INVALID, "%s.%s: expected a string",
					 key, name);
		g_hash_table_replace(map, g_strdup(name), g_strdup(text));
	}
	*out = g_steal_pointer(&map);
	return true;
}

void js_set_string(Json *object, const char *key, const char *value)
{
	if (value)
		json_object_object_add(object, key, json_object_new_string(value));
}

void js_set_int(Json *object, const char *key, int64_t value)
{
	json_object_object_add(object, key, json_object_new_int64(value));
}

void js_set_bool(Json *object, const char *key, bool value)
{
	json_object_object_add(object, key, json_object_new_boolean(value));
}

void js_set_take(Json *object, const char *key, Json *value)
{
	json_object_object_add(object, key, value);
}

Json *js_from_strv(const char *const *strv)
{
	Json *array = json_object_new_array();
	for (size_t i = 0; strv && strv[i]; i++)
		json_object_array_add(array, json_object_new_string(strv[i]));
	return array;
}

Json *js_from_string_map(GHashTable *map)
{
	Json *object = json_object_new_object();
	if (!map)
		return object;
	g_autoptr(GList) keys = g_list_sort(g_hash_table_get_keys(map), (GCompareFunc)strcmp);
	for (GList *at = keys; at; at = at->next)
		js_set_string(object, at->data, g_hash_table_lookup(map, at->data));
	return object;
}
