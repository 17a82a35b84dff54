/* SPDX-License-Identifier: Apache-2.0 */
#include "build/cache_key.h"

#include <string.h>

#include "libpod/base/json.h"
#include "libpod/base/log.h"

/* Another number makes all older records worthless. */
#define VERSION "1"

#define SHOWN_MAX 5

struct CacheKey {
	GPtrArray *inputs; /* "NAME=VALUE"; a NULL at the end once it was asked for */
	GPtrArray *lists;  /* FileList * of each input, NULL for those that are no files */
};

static void free_list(void *list)
{
	file_list_free(list);
}

CacheKey *cache_key_new(void)
{
	CacheKey *key = g_new0(CacheKey, 1);
	key->inputs = g_ptr_array_new_with_free_func(g_free);
	key->lists = g_ptr_array_new_with_free_func(free_list);
	cache_key_add(key, "version", VERSION);
	return key;
}

void cache_key_free(CacheKey *key)
{
	if (!key)
		return;
	g_ptr_array_unref(key->inputs);
	g_ptr_array_unref(key->lists);
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
	g_ptr_array_add(key->lists, NULL);
}

void cache_key_add_files(CacheKey *key, const char *name, FileList *list)
{
	g_autofree char *digest = file_list_digest(list);
	cache_key_add(key, name, digest);
	key->lists->pdata[key->lists->len - 1] = list;
}

/* Where the list of the input number @at is kept. */
static char *list_name(const char *slot, guint at)
{
	return g_strdup_printf("%s-%u", slot, at);
}

void cache_key_save_files(const CacheKey *key, int dir_fd, const char *slot)
{
	for (guint at = 0; at < key->lists->len; at++) {
		g_autofree char *name = list_name(slot, at);
		g_autoptr(GError) error = NULL;
		if (key->lists->pdata[at] &&
		    !file_list_save(key->lists->pdata[at], dir_fd, name, &error))
			log_info("%s", error->message);
	}
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

static bool same_name(const char *a, const char *b)
{
	size_t size = name_size(a);
	return name_size(b) == size && strncmp(a, b, size) == 0;
}

/* The input among @list of the name that @inputs[@at] has, the second for the second; NULL: none.
 */
static const char *find(const char *const *list, const char *const *inputs, size_t at)
{
	size_t skip = 0;
	for (size_t i = 0; i < at; i++)
		skip += same_name(inputs[i], inputs[at]);
	for (; *list; list++)
		if (same_name(*list, inputs[at]) && skip-- == 0)
			return *list;
	return NULL;
}

/* A FileList's difference, as words. */
static void add_change(FileChange change, const char *path, void *data)
{
	static const char *const marks[] = {
		[FILE_CHANGED] = "", [FILE_ADDED] = "+", [FILE_REMOVED] = "-"};
	g_string_append_printf(data, " %s%s", marks[change], path);
}

/* Which files are not as they were. False: nobody knows how they were. */
static bool explain_files(GString *text, FileList *now, int dir_fd, const char *slot, guint at)
{
	g_autofree char *name = list_name(slot, at);
	g_autoptr(FileList) before = now ? file_list_load(dir_fd, name) : NULL;
	size_t n = before ? file_list_diff(before, now, SHOWN_MAX, add_change, text) : 0;
	if (n > SHOWN_MAX)
		g_string_append_printf(text, " and %zu more", n - SHOWN_MAX);
	return n > 0;
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

char *cache_key_explain(CacheKey *key, const char *const *before, int dir_fd, const char *slot)
{
	GString *text = g_string_new(NULL);
	const char *const *inputs = cache_key_inputs(key);
	for (guint at = 0; inputs[at]; at++) {
		const char *input = inputs[at], *old = find(before, inputs, at);
		if (g_strcmp0(old, input) == 0)
			continue;
		size_t size = name_size(input);
		g_string_append_printf(text, "%.*s changed:", (int)size, input);
		const char *was = old && old[size] == '=' ? old + size + 1 : "(none)";
		const char *is = input[size] == '=' ? input + size + 1 : "(none)";
		if (!explain_files(text, key->lists->pdata[at], dir_fd, slot, at) &&
		    !explain_list(text, was, is))
			g_string_append_printf(text, " %s -> %s", was, is);
		g_string_append_c(text, '\n');
	}
	for (size_t at = 0; before[at]; at++)
		if (!find(inputs, before, at))
			g_string_append_printf(text, "%.*s is gone: %s\n",
					       (int)name_size(before[at]), before[at],
					       before[at] + name_size(before[at]) + 1);
	return g_string_free(text, FALSE);
}
