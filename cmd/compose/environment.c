/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/compose/environment.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "cmd/compose/dotenv.h"
#include "libpod/base/error.h"
#include "libpod/base/fd.h"

struct Environment {
	const Environment *above;
	GHashTable *values;
	GPtrArray *warnings;
	GHashTable *warned; /* names */
};

Environment *environment_new(const Environment *above, GPtrArray *warnings)
{
	Environment *env = g_new0(Environment, 1);
	env->above = above;
	env->warnings = warnings;
	env->values = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	env->warned = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	return env;
}

void environment_free(Environment *env)
{
	if (!env)
		return;
	g_hash_table_unref(env->values);
	g_hash_table_unref(env->warned);
	g_free(env);
}

void environment_set(Environment *env, const char *name, const char *value, bool replace)
{
	if (replace || !g_hash_table_contains(env->values, name))
		g_hash_table_insert(env->values, g_strdup(name), g_strdup(value));
}

void environment_add_strv(Environment *env, const char *const *pairs)
{
	for (size_t i = 0; pairs && pairs[i]; i++) {
		const char *equals = strchr(pairs[i], '=');
		if (!equals)
			continue;
		g_autofree char *name = g_strndup(pairs[i], (size_t)(equals - pairs[i]));
		environment_set(env, name, equals + 1, true);
	}
}

const char *environment_lookup(const Environment *env, const char *name)
{
	const char *value = env->above ? environment_lookup(env->above, name) : NULL;
	return value ? value : g_hash_table_lookup(env->values, name);
}

bool environment_is_true(const Environment *env, const char *name)
{
	const char *value = environment_lookup(env, name);
	return value && (strcmp(value, "1") == 0 || g_ascii_strcasecmp(value, "true") == 0);
}

static const char *lookup(const char *name, void *data)
{
	return environment_lookup(data, name);
}

/* Say once that a variable is unset. */
static void missing(const char *name, void *data)
{
	Environment *env = data;
	if (!env->warnings || !g_hash_table_add(env->warned, g_strdup(name)))
		return;
	g_ptr_array_add(
		env->warnings,
		g_strdup_printf("The \"%s\" variable is not set. Defaulting to a blank string.",
				name));
}

Interpolation environment_interpolation(const Environment *env)
{
	return (Interpolation){.lookup = lookup, .data = (void *)env, .missing = missing};
}

char *environment_read_file(const char *path, size_t max_size, size_t *out_size, GError **error)
{
	autofd fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	size_t size = 0;
	if (fd < 0 && errno == ENOENT)
		return error_set_null(error, ENGINE_ERROR_NOT_FOUND, "no such file: '%s'", path);
	if (fd < 0)
		return error_set_errno_null(error, "cannot open '%s'", path);
	g_autofree char *text = fd_read_all(fd, max_size, &size, error);
	if (!text) {
		g_prefix_error(error, "cannot read '%s': ", path);
		return NULL;
	}
	if (out_size)
		*out_size = size;
	else if (strlen(text) != size)
		return error_set_null(error, ENGINE_ERROR_INVALID, "'%s' holds a NUL character",
				      path);
	return g_steal_pointer(&text);
}

bool environment_add_file(Environment *env, const char *path, GError **error)
{
	g_autofree char *text = environment_read_file(path, DOTENV_SIZE_MAX, NULL, error);
	if (!text)
		return false;
	const Interpolation outer = environment_interpolation(env);
	g_autoptr(GPtrArray) pairs = dotenv_parse(text, path, &outer, false, error);
	if (!pairs)
		return false;
	for (size_t i = 0; i < pairs->len; i++) {
		const DotenvPair *pair = pairs->pdata[i];
		if (pair->value)
			environment_set(env, pair->name, pair->value, true);
	}
	return true;
}

/* The layers from below, so that those above replace. */
static void collect(const Environment *env, GHashTable *all)
{
	GHashTableIter iter;
	gpointer name, value;
	g_hash_table_iter_init(&iter, env->values);
	while (g_hash_table_iter_next(&iter, &name, &value))
		g_hash_table_insert(all, name, value);
	if (env->above)
		collect(env->above, all);
}

static int compare_strings(const void *a, const void *b)
{
	const char *const *x = a, *const *y = b;
	return strcmp(*x, *y);
}

char **environment_list(const Environment *env)
{
	g_autoptr(GHashTable) all = g_hash_table_new(g_str_hash, g_str_equal);
	g_autoptr(GPtrArray) list = g_ptr_array_new();
	GHashTableIter iter;
	gpointer name, value;
	collect(env, all);
	g_hash_table_iter_init(&iter, all);
	while (g_hash_table_iter_next(&iter, &name, &value))
		g_ptr_array_add(list, g_strdup_printf("%s=%s", (char *)name, (char *)value));
	g_ptr_array_sort(list, compare_strings);
	g_ptr_array_add(list, NULL);
	return (char **)g_ptr_array_steal(list, NULL);
}
