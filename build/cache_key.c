/* SPDX-License-Identifier: Apache-2.0 */
#include "build/cache_key.h"

#include <string.h>

#include "libpod/base/json.h"

/* Another number makes all older records worthless. */
#define VERSION "1"

struct CacheKey {
	GPtrArray *inputs; /* "NAME=VALUE"; a NULL at the end once it was asked for */
};

CacheKey *cache_key_new(void)
{
	CacheKey *key = g_new0(CacheKey, 1);
	key->inputs = g_ptr_array_new_with_free_func(g_free);
	cache_key_add(key, "version", VERSION);
	return key;
}

void cache_key_free(CacheKey *key)
{
	if (!key)
		return;
	g_ptr_array_unref(key->inputs);
	g_free(key);
}

/* The NULL that cache_key_inputs() put there. */
static void open_end(CacheKey *key)
{
	GPtrArray *list = key->inputs;
	if (list->len > 0 && !list->pdata[list->len - 1])
		g_ptr_array_set_size(list, (int)list->len - 1);
}

void cache_key_add(CacheKey *key, const char *name, const char *value)
{
	open_end(key);
	if (value)
		g_ptr_array_add(key->inputs, g_strconcat(name, "=", value, NULL));
	else
		g_ptr_array_add(key->inputs, g_strconcat(name, "!", NULL));
}

void cache_key_add_list(CacheKey *key, const char *name, const char *const *values)
{
	g_autoptr(Json) list = js_from_strv(values);
	cache_key_add(key, name, values ? js_text(list) : NULL);
}

char *cache_key_hex(const CacheKey *key)
{
	g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
	for (guint i = 0; i < key->inputs->len && key->inputs->pdata[i]; i++) {
		const char *input = key->inputs->pdata[i];
		/* With the NUL: so "ab", "c" is not "a", "bc". */
		g_checksum_update(sum, (const guchar *)input, (gssize)strlen(input) + 1);
	}
	return g_strdup(g_checksum_get_string(sum));
}

const char *const *cache_key_inputs(CacheKey *key)
{
	open_end(key);
	g_ptr_array_add(key->inputs, NULL);
	return (const char *const *)key->inputs->pdata;
}

/* "NAME" of "NAME=VALUE" or "NAME!". */
static size_t name_size(const char *input)
{
	return strcspn(input, "=!");
}

/* The input of the same name among @list; NULL: none. */
static const char *find(const char *const *list, const char *input)
{
	size_t size = name_size(input);
	for (; *list; list++)
		if (name_size(*list) == size && strncmp(*list, input, size) == 0)
			return *list;
	return NULL;
}

/* What is in @list and not in @other, as "'A=1', 'B=2'". */
static void add_missing(GString *text, char *const *list, const char *const *other,
			const char *word)
{
	for (; list && *list; list++)
		if (!other || !g_strv_contains(other, *list))
			g_string_append_printf(text, " %s%s", word, *list);
}

/* A value that is a list: what came and went. False if it is none. */
static bool explain_list(GString *text, const char *before, const char *now)
{
	g_autoptr(Json) old = js_parse(before, strlen(before), "list", NULL);
	g_autoptr(Json) new = js_parse(now, strlen(now), "list", NULL);
	if (!old || !new || !json_object_is_type(old, json_type_array) ||
	    !json_object_is_type(new, json_type_array))
		return false;
	g_autoptr(Json) both = json_object_new_object();
	g_auto(GStrv) olds = NULL;
	g_auto(GStrv) news = NULL;
	js_set_take(both, "old", json_object_get(old));
	js_set_take(both, "new", json_object_get(new));
	if (!js_get_strv(both, "old", &olds, NULL) || !js_get_strv(both, "new", &news, NULL))
		return false;
	add_missing(text, olds, (const char *const *)news, "-");
	add_missing(text, news, (const char *const *)olds, "+");
	return true;
}

char *cache_key_explain(CacheKey *key, const char *const *before)
{
	g_autoptr(GString) text = g_string_new(NULL);
	if (!before)
		return g_strdup("it was never run here\n");
	const char *const *inputs = cache_key_inputs(key);
	for (; *inputs; inputs++) {
		const char *old = find(before, *inputs);
		if (g_strcmp0(old, *inputs) == 0)
			continue;
		size_t size = name_size(*inputs);
		g_string_append_printf(text, "%.*s changed:", (int)size, *inputs);
		const char *was = old && old[size] == '=' ? old + size + 1 : "(none)";
		const char *is = (*inputs)[size] == '=' ? *inputs + size + 1 : "(none)";
		if (!explain_list(text, was, is))
			g_string_append_printf(text, " %s -> %s", was, is);
		g_string_append_c(text, '\n');
	}
	if (!text->len)
		g_string_append(text, "its record was pruned\n");
	return g_string_free(g_steal_pointer(&text), FALSE);
}
