/* SPDX-License-Identifier: Apache-2.0 */
/*
 * build: the rows about where its result and its cache go, and where they come from.
 */
#include <string.h>

#include "cmd/build/build.h"
#include "libpod/base/error.h"
#include "libpod/base/units.h"
#include "storage/manifest.h"

void build_output_free(void *data)
{
	BuildOutput *output = data;
	if (!output)
		return;
	g_free(output->dest);
	g_free(output);
}

void build_cache_place_free(void *data)
{
	BuildCachePlace *place = data;
	if (!place)
		return;
	g_free(place->where);
	g_free(place);
}

/* The value of KEY in "KEY=VALUE,..."; the parts are CSV, as they were typed. */
typedef struct {
	char **parts;
	const char *what; /* for messages */
} Pairs;

static const char *find(const Pairs *pairs, const char *key)
{
	const char *found = NULL;
	size_t size = strlen(key);
	for (char **part = pairs->parts; *part; part++)
		if (g_ascii_strncasecmp(*part, key, size) == 0 && (*part)[size] == '=')
			found = *part + size + 1;
	return found;
}

/* Every part is a pair of a known key. */
static bool check_keys(const Pairs *pairs, const char *const *known, GError **error)
{
	for (char **part = pairs->parts; *part; part++) {
		const char *equals = strchr(*part, '=');
		if (!equals)
			return error_set(error, ENGINE_ERROR_INVALID,
					 "invalid %s option, expected format key=value: '%s'",
					 pairs->what, *part);
		g_autofree char *key = g_ascii_strdown(*part, equals - *part);
		if (!g_strv_contains(known, key))
			return error_set(error, ENGINE_ERROR_INVALID,
					 "unrecognized key \"%s\" in %s option", key, pairs->what);
	}
	return true;
}

/* --- -o --- */

static const struct {
	const char *name;
	BuildOutputKind kind;
	bool is_file; /* goes to a file or to standard output */
} output_types[] = {
	{"cacheonly", BUILD_OUTPUT_NONE, false}, {"docker", BUILD_OUTPUT_DOCKER, true},
	{"image", BUILD_OUTPUT_NONE, false},     {"local", BUILD_OUTPUT_LOCAL, false},
	{"oci", BUILD_OUTPUT_OCI, true},         {"registry", BUILD_OUTPUT_PUSH, false},
	{"tar", BUILD_OUTPUT_TAR, true},
};

static BuildOutput *new_output(BuildOutputKind kind, const char *dest)
{
	BuildOutput *output = g_new0(BuildOutput, 1);
	output->kind = kind;
	output->dest = g_strdup(dest);
	return output;
}

static bool take_bool(const Pairs *pairs, const char *key, bool *io_value, GError **error)
{
	const char *text = find(pairs, key);
	return !text || option_parse_bool(text, io_value, error);
}

/* "type=TYPE[,dest=PATH][,tar=BOOL][,push=BOOL]". */
static BuildOutput *parse_pairs(const Pairs *pairs, GError **error)
{
	static const char *const known[] = {"type", "dest", "tar", "push", "name", NULL};
	const char *type = find(pairs, "type"), *dest = find(pairs, "dest");
	bool tar = true, push = false;
	if (!check_keys(pairs, known, error) || !take_bool(pairs, "tar", &tar, error) ||
	    !take_bool(pairs, "push", &push, error))
		return NULL;
	if (!type)
		return error_set_null(error, ENGINE_ERROR_INVALID,
				      "missing required key \"type\" in build output option");
	for (size_t i = 0; i < G_N_ELEMENTS(output_types); i++) {
		if (strcmp(output_types[i].name, type) != 0)
			continue;
		BuildOutputKind kind = output_types[i].kind;
		if (kind == BUILD_OUTPUT_LOCAL && !dest)
			return error_set_null(
				error, ENGINE_ERROR_INVALID,
				"missing required key \"dest\" in build output option");
		/* docker's: without a place the image goes to the store, where it is already */
		if (kind == BUILD_OUTPUT_DOCKER && !dest)
			kind = BUILD_OUTPUT_NONE;
		if (push && kind == BUILD_OUTPUT_NONE)
			kind = BUILD_OUTPUT_PUSH;
		BuildOutput *output = new_output(kind, dest                      ? dest
						       : output_types[i].is_file ? "-"
										 : NULL);
		output->is_dir = kind == BUILD_OUTPUT_OCI && !tar;
		return output;
	}
	return error_set_null(error, ENGINE_ERROR_INVALID,
			      "invalid type \"%s\" selected for build output", type);
}

/* "-" is a tar on standard output, a plain path a directory. */
bool build_set_output(void *target, const Option *option, const char *value, GError **error)
{
	BuildVerb *verb = target;
	g_auto(GStrv) parts = g_strsplit(value, ",", -1);
	const Pairs pairs = {parts, "output"};
	BuildOutput *output = strcmp(value, "-") == 0 ? new_output(BUILD_OUTPUT_TAR, "-")
			      : strchr(value, '=')    ? parse_pairs(&pairs, error)
						      : new_output(BUILD_OUTPUT_LOCAL, value);
	if (!output)
		return false;
	if (!*value || (output->dest && !*output->dest) ||
	    (output->is_dir && strcmp(output->dest, "-") == 0)) {
		build_output_free(output);
		return error_set(error, ENGINE_ERROR_INVALID, "the destination is empty");
	}
	if (!verb->outputs)
		verb->outputs = g_ptr_array_new_with_free_func(build_output_free);
	g_ptr_array_add(verb->outputs, output);
	return true;
}

bool build_verb_needs_stdout(const BuildVerb *verb)
{
	for (guint i = 0; verb->outputs && i < verb->outputs->len; i++)
		if (g_strcmp0(((const BuildOutput *)verb->outputs->pdata[i])->dest, "-") == 0)
			return true;
	return false;
}

/* --- caches --- */

/* The keys of one type of cache. */
static BuildCachePlace *parse_place(const Pairs *pairs, bool to, GError **error)
{
	static const char *const known[] = {"type", "ref", "dest", "src", "mode", NULL};
	const char *type = find(pairs, "type"), *mode = find(pairs, "mode");
	if (!check_keys(pairs, known, error))
		return NULL;
	if (!type)
		return error_set_null(error, ENGINE_ERROR_INVALID,
				      "missing required key \"type\" in cache option");
	bool local = strcmp(type, "local") == 0, inlined = strcmp(type, "inline") == 0;
	if (!local && !inlined && strcmp(type, "registry") != 0)
		return error_set_null(error, ENGINE_ERROR_UNSUPPORTED,
				      "no cache of type \"%s\": registry, local or inline", type);
	if (inlined && !to)
		return error_set_null(error, ENGINE_ERROR_INVALID,
				      "an inline cache is read by type=registry,ref=IMAGE");
	if (mode && strcmp(mode, "min") != 0 && strcmp(mode, "max") != 0)
		return error_set_null(error, ENGINE_ERROR_INVALID,
				      "invalid mode \"%s\": it is min or max", mode);
	const char *key = local ? (to ? "dest" : "src") : "ref", *where = find(pairs, key);
	if (!inlined && (!where || !*where))
		return error_set_null(error, ENGINE_ERROR_INVALID,
				      "missing required key \"%s\" in cache option", key);
	BuildCachePlace *place = g_new0(BuildCachePlace, 1);
	place->kind = local     ? BUILD_CACHE_PLACE_LOCAL
		      : inlined ? BUILD_CACHE_PLACE_INLINE
				: BUILD_CACHE_PLACE_REGISTRY;
	place->where = g_strdup(where);
	place->all_stages = g_strcmp0(mode, "max") == 0;
	return place;
}

/* podman's: a repository, whose tag "buildcache" is ours unless one was typed. */
static BuildCachePlace *repository(const char *value)
{
	const char *slash = strrchr(value, '/');
	bool tagged = strchr(slash ? slash : value, ':') || strchr(value, '@');
	BuildCachePlace *place = g_new0(BuildCachePlace, 1);
	place->kind = BUILD_CACHE_PLACE_REGISTRY;
	place->where = g_strconcat(value, tagged ? "" : ":buildcache", NULL);
	place->all_stages = true;
	return place;
}

bool build_set_cache(void *target, const Option *option, const char *value, GError **error)
{
	BuildVerb *verb = target;
	bool to = strcmp(option->name, "cache-to") == 0;
	g_auto(GStrv) parts = g_strsplit(value, ",", -1);
	const Pairs pairs = {parts, "cache"};
	if (!*value)
		return error_set(error, ENGINE_ERROR_INVALID, "no place was given");
	BuildCachePlace *place =
		strchr(value, '=') ? parse_place(&pairs, to, error) : repository(value);
	GPtrArray **list = to ? &verb->cache_to : &verb->cache_from;
	if (!place)
		return false;
	if (!*list)
		*list = g_ptr_array_new_with_free_func(build_cache_place_free);
	g_ptr_array_add(*list, place);
	return true;
}

bool build_set_ttl(void *target, const Option *option, const char *value, GError **error)
{
	int64_t ttl = 0;
	if (!units_parse_duration(value, &ttl, error))
		return false;
	if (ttl < 0)
		return error_set(error, ENGINE_ERROR_INVALID, "it is negative");
	((BuildVerb *)target)->cache_ttl = ttl;
	((BuildVerb *)target)->has_ttl = true;
	return true;
}

/* --- what else there is --- */

bool build_set_platform(void *target, const Option *option, const char *value, GError **error)
{
	BuildVerb *verb = target;
	g_auto(Platform) platform = {0};
	if (!platform_parse(value, &platform, error))
		return false;
	if (!verb->platforms)
		verb->platforms = g_ptr_array_new_with_free_func(g_free);
	if (!g_ptr_array_find_with_equal_func(verb->platforms, value, g_str_equal, NULL))
		g_ptr_array_add(verb->platforms, g_strdup(value));
	return true;
}

bool build_set_allow(void *target, const Option *option, const char *value, GError **error)
{
	BuildVerb *verb = target;
	if (strcmp(value, "security.insecure") == 0)
		return verb->allow_insecure = true;
	if (strcmp(value, "device") == 0)
		return verb->allow_devices = true;
	/* RUN may have the host's network anyway, as in podman. */
	return strcmp(value, "network.host") == 0 ||
	       error_set(error, ENGINE_ERROR_INVALID,
			 "invalid entitlement \"%s\": security.insecure, device or network.host",
			 value);
}
