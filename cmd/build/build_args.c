/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/build/build_args.h"

#include <fcntl.h>
#include <string.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"

#define ARG_FILE_MAX (1u << 20)
#define PASSED_MAX   (16 << 20) /* bytes of values that compose passes */

bool build_args_fill(GHashTable *table, const GPtrArray *list, const char *what, bool env,
		     GError **error)
{
	for (guint i = 0; list && i < list->len; i++) {
		const char *text = list->pdata[i], *equals = strchr(text, '=');
		size_t size = equals ? (size_t)(equals - text) : strlen(text);
		g_autofree char *name = g_strndup(text, size);
		const char *value = equals ? equals + 1 : env ? g_getenv(name) : NULL;
		if (!env && value && g_str_has_prefix(value, "target:"))
			return error_set(error, ENGINE_ERROR_UNSUPPORTED,
					 "%s '%s': targets are of docker's bake", what, text);
		if (size == 0 || (!equals && !env))
			return error_set(error, ENGINE_ERROR_INVALID,
					 "%s '%s': expected NAME=VALUE", what, text);
		if (value)
			g_hash_table_insert(table, env ? g_strdup(name) : g_ascii_strdown(name, -1),
					    g_strdup(value));
	}
	return true;
}

/* What compose passes is seen in no command line; none of it reaches a program of the build. */
static bool read_passed(const BuildVerb *verb, GHashTable *args, GError **error)
{
	g_autoptr(GPtrArray) list = g_ptr_array_new();
	size_t size = 0;
	for (uint64_t i = 0; i < verb->fds; i++)
		if (fcntl(3 + (int)i, F_SETFD, FD_CLOEXEC) < 0)
			return error_set_errno(error, "descriptor %d", 3 + (int)i);
	if (verb->fds == 0)
		return true;
	g_autofree char *text = fd_read_all(3, PASSED_MAX, &size, error);
	for (size_t at = 0; text && at < size; at += strlen(text + at) + 1)
		g_ptr_array_add(list, text + at);
	return text && build_args_fill(args, list, "--build-arg", true, error);
}

/* --build-arg-file: a line for each; "#" begins a comment. */
static bool read_files(const BuildVerb *verb, GHashTable *args, GError **error)
{
	const GPtrArray *files = verb->arg_files;
	for (guint i = 0; files && i < files->len; i++) {
		size_t size = 0;
		/* lint: allow open: the user's own file */
		autofd fd = open(files->pdata[i], O_RDONLY | O_CLOEXEC | O_NOCTTY);
		if (fd < 0)
			return error_set_errno(error, "open %s", (char *)files->pdata[i]);
		g_autofree char *text = fd_read_all(fd, ARG_FILE_MAX, &size, error);
		g_auto(GStrv) lines = text ? g_strsplit(text, "\n", -1) : NULL;
		g_autoptr(GPtrArray) list = g_ptr_array_new();
		for (char **line = lines; line && *line; line++)
			if (*g_strstrip(*line) && **line != '#')
				g_ptr_array_add(list, *line);
		if (!lines || !build_args_fill(args, list, files->pdata[i], true, error))
			return false;
	}
	return true;
}

bool build_args_is_set(GHashTable *args, const char *name)
{
	const char *value = g_hash_table_lookup(args, name);
	bool is_set = false;
	return value && option_parse_bool(value, &is_set, NULL) && is_set;
}

bool build_args_read(const BuildVerb *verb, GHashTable *args, GError **error)
{
	return read_files(verb, args, error) &&
	       build_args_fill(args, verb->build_args, "--build-arg", true, error) &&
	       read_passed(verb, args, error);
}

const char *build_args_epoch(GHashTable *args, const char *given)
{
	if (!given && !g_hash_table_contains(args, EPOCH))
		given = g_getenv(EPOCH);
	if (given && *given)
		g_hash_table_insert(args, g_strdup(EPOCH), g_strdup(given));
	const char *epoch = g_hash_table_lookup(args, EPOCH);
	return g_strcmp0(epoch, EPOCH_OF_CONTEXT) == 0 ? NULL : epoch;
}
