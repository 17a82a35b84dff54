/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/image/image_filter.h"

#include <fnmatch.h>
#include <string.h>

#include "cmd/labels.h"
#include "cmd/option.h"
#include "libpod/base/error.h"
#include "libpod/base/suggest.h"
#include "libpod/base/units.h"
#include "storage/image_index.h"

typedef struct {
	const char *key;
	char *value;
	int64_t number;  /* a time, or a truth */
	bool is_negated; /* KEY!=VALUE */
} Condition;

struct ImageFilter {
	GPtrArray *conditions;
	GPtrArray *references; /* patterns */
	GHashTable *used;      /* ids of images; borrowed; may be NULL */
};

static void condition_free(void *pointer)
{
	Condition *condition = pointer;
	g_free(condition->value);
	g_free(condition);
}

static bool is_since(const Condition *c)
{
	return strcmp(c->key, "since") == 0 || strcmp(c->key, "after") == 0;
}

/* What a value means, where it is not the text itself. */
static bool prepare(Condition *c, Store *store, GError **error)
{
	static const char *const truths[] = {"dangling", "intermediate", "manifest", "readonly",
					     NULL};
	if (strcmp(c->key, "containers") == 0) {
		/* "external" are those of other tools, of which there are none. */
		bool flag = false, external = strcmp(c->value, "external") == 0;
		if (!external && !option_parse_bool(c->value, &flag, NULL))
			return error_set(error, ENGINE_ERROR_INVALID,
					 "unsupported value \"%s\" for containers filter",
					 c->value);
		c->number = external ? -1 : flag;
	} else if (g_strv_contains(truths, c->key)) {
		bool flag = false;
		if (!option_parse_bool(c->value, &flag, NULL))
			return error_set(error, ENGINE_ERROR_INVALID,
					 "non-boolean value \"%s\" for %s filter", c->value,
					 c->key);
		c->number = flag;
	} else if (strcmp(c->key, "before") == 0 || is_since(c)) {
		g_autoptr(Image) image = image_resolve(store, c->value, error);
		if (!image) {
			g_prefix_error(error,
				       "could not find local image for filter filter "
				       "\"%s\"=\"%s\": ",
				       c->key, c->value);
			return false;
		}
		c->number = image->created;
	} else if (strcmp(c->key, "until") == 0) {
		return units_parse_time(c->value, units_now(), &c->number, error);
	}
	return true;
}

/* Parse one KEY=VALUE; references are kept apart, they are alternatives. */
static bool add_condition(ImageFilter *filter, Store *store, const char *text, GError **error)
{
	static const char *const keys[] = {
		"after", "before",   "containers", "dangling", "digest", "id",    "intermediate",
		"label", "manifest", "reference",  "readonly", "since",  "until", NULL};
	const char *equals = strchr(text, '=');
	if (!equals)
		return error_set(
			error, ENGINE_ERROR_INVALID,
			"invalid image filter \"%s\": must be in the format \"filter=value or "
			"filter!=value\"",
			text);
	bool is_negated = equals > text && equals[-1] == '!';
	g_autofree char *key = g_strndup(text, equals - text - is_negated);
	if (strcmp(key, "reference") == 0 && !is_negated) {
		g_ptr_array_add(filter->references, g_strdup(equals + 1));
		return true;
	}
	Suggestions near;
	suggest_init(&near, key);
	for (size_t i = 0; keys[i]; i++) {
		suggest_offer(&near, keys[i]);
		if (strcmp(keys[i], key) != 0)
			continue;
		if (strcmp(key, "containers") == 0 && !filter->used)
			return error_set(error, ENGINE_ERROR_UNSUPPORTED, "unsupported filter: %s",
					 key);
		Condition *condition = g_new0(Condition, 1);
		*condition = (Condition){keys[i], g_strdup(equals + 1), 0, is_negated};
		g_ptr_array_add(filter->conditions, condition);
		return prepare(condition, store, error);
	}
	error_set(error, ENGINE_ERROR_INVALID, "unsupported image filter \"%s\"", key);
	suggest_add_help(&near, "", error);
	return false;
}

bool image_filter_asks_for_users(const GPtrArray *texts)
{
	for (size_t i = 0; texts && i < texts->len; i++)
		if (g_str_has_prefix(texts->pdata[i], "containers"))
			return true;
	return false;
}

ImageFilter *image_filter_new(Store *store, const GPtrArray *texts, const char *reference,
			      GHashTable *used, GError **error)
{
	g_autoptr(ImageFilter) filter = g_new0(ImageFilter, 1);
	filter->used = used;
	filter->conditions = g_ptr_array_new_with_free_func(condition_free);
	filter->references = g_ptr_array_new_with_free_func(g_free);
	for (size_t i = 0; texts && i < texts->len; i++)
		if (!add_condition(filter, store, texts->pdata[i], error))
			return NULL;
	if (reference)
		g_ptr_array_add(filter->references, g_strdup(reference));
	return g_steal_pointer(&filter);
}

void image_filter_free(ImageFilter *filter)
{
	if (!filter)
		return;
	g_ptr_array_unref(filter->conditions);
	g_ptr_array_unref(filter->references);
	g_free(filter);
}

/* A pattern matches a name whole, from any of its path's components on, with or without the tag. */
static bool pattern_matches(const char *pattern, const char *name)
{
	const char *colon = strrchr(name, ':');
	g_autofree char *untagged =
		colon && !strchr(colon, '/') ? g_strndup(name, colon - name) : g_strdup(name);
	const char *forms[] = {name, untagged};
	for (size_t f = 0; f < G_N_ELEMENTS(forms); f++) {
		for (const char *at = forms[f]; at;
		     at = strchr(at, '/') ? strchr(at, '/') + 1 : NULL)
			if (fnmatch(pattern, at, FNM_PATHNAME) == 0)
				return true;
	}
	return false;
}

bool image_filter_matches_name(const ImageFilter *filter, const char *name)
{
	for (size_t i = 0; i < filter->references->len; i++)
		if (pattern_matches(filter->references->pdata[i], name))
			return true;
	return filter->references->len == 0;
}

/* Is this the beginning of one of its manifests' digests? */
static bool has_digest(const Image *image, const char *start)
{
	if (image->digest && g_str_has_prefix(image->digest, start))
		return true;
	for (size_t i = 0; image->repo_digests[i]; i++) {
		const char *digest = strchr(image->repo_digests[i], '@');
		if (digest && g_str_has_prefix(digest + 1, start))
			return true;
	}
	return false;
}

static bool has_name(const Image *image, const char *pattern)
{
	for (size_t i = 0; image->names[i]; i++)
		if (pattern_matches(pattern, image->names[i]))
			return true;
	return false;
}

/* Of one condition; unlike those of containers they must all match. */
static bool condition_matches(const ImageFilter *filter, const Condition *c, const Image *image)
{
	if (strcmp(c->key, "containers") == 0)
		return c->number >= 0 &&
		       g_hash_table_contains(filter->used, image->id) == (c->number != 0);
	if (strcmp(c->key, "dangling") == 0)
		return (image->names[0] == NULL) == (c->number != 0);
	if (strcmp(c->key, "id") == 0)
		return g_str_has_prefix(image->id, c->value);
	if (strcmp(c->key, "label") == 0)
		return labels_match(image->config->labels, c->value);
	if (strcmp(c->key, "digest") == 0)
		return has_digest(image, c->value);
	if (strcmp(c->key, "manifest") == 0)
		return image_is_index_view(image) == (c->number != 0);
	/* There are no images of others, and none between two. */
	if (strcmp(c->key, "readonly") == 0 || strcmp(c->key, "intermediate") == 0)
		return c->number == 0;
	if (strcmp(c->key, "reference") == 0)
		return has_name(image, c->value);
	if (is_since(c))
		return image->created > c->number;
	return image->created < c->number; /* before, until */
}

static bool passes(const ImageFilter *filter, const Condition *c, const Image *image)
{
	return condition_matches(filter, c, image) != c->is_negated;
}

bool image_filter_matches(const ImageFilter *filter, const Image *image)
{
	for (size_t i = 0; i < filter->conditions->len; i++)
		if (!passes(filter, filter->conditions->pdata[i], image))
			return false;
	for (size_t i = 0; image->names[i]; i++)
		if (image_filter_matches_name(filter, image->names[i]))
			return true;
	return filter->references->len == 0;
}
