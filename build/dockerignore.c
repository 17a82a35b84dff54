/* SPDX-License-Identifier: Apache-2.0 */
/*
 * .dockerignore: a list of patterns, the last match wins.
 */
#include "build/dockerignore.h"

#include <string.h>

#include "build/glob.h"
#include "libpod/base/error.h"

typedef struct {
	Glob *glob;
	bool include; /* "!" */
} Pattern;

struct Dockerignore {
	GArray *patterns; /* Pattern */
};

static void clear_pattern(void *data)
{
	glob_free(((Pattern *)data)->glob);
}

void dockerignore_free(Dockerignore *ignore)
{
	if (!ignore)
		return;
	g_array_unref(ignore->patterns);
	g_free(ignore);
}

/* "." and ".." resolved by the words alone, no slash at either end; "" for the context itself. */
static char *clean_path(const char *path)
{
	g_auto(GStrv) parts = g_strsplit(path, "/", -1);
	g_autoptr(GPtrArray) kept = g_ptr_array_new();
	for (size_t i = 0; parts[i]; i++) {
		bool up = strcmp(parts[i], "..") == 0;
		if (!*parts[i] || strcmp(parts[i], ".") == 0)
			continue;
		if (up && kept->len > 0 && strcmp(kept->pdata[kept->len - 1], "..") != 0)
			g_ptr_array_set_size(kept, (gint)kept->len - 1);
		else if (!up || *path != '/')
			g_ptr_array_add(kept, parts[i]);
	}
	g_ptr_array_add(kept, NULL);
	return g_strjoinv("/", (char **)kept->pdata);
}

/* One line without its end. */
static bool add_line(Dockerignore *ignore, const char *text, GError **error)
{
	g_autofree char *line = g_strstrip(g_strdup(text));
	if (*text == '#' || !*line)
		return true;
	bool include = *line == '!';
	g_autofree char *body = g_strstrip(g_strdup(line + include));
	if (!*body)
		return error_set(error, ENGINE_ERROR_INVALID, "'!' without a pattern");
	if (ignore->patterns->len == DOCKERIGNORE_PATTERNS_MAX)
		return error_set(error, ENGINE_ERROR_INVALID, "more than %d patterns",
				 DOCKERIGNORE_PATTERNS_MAX);
	g_autofree char *path = clean_path(body);
	/* The context itself is never left out. */
	if (!*path)
		return true;
	Pattern pattern = {.glob = glob_new(path, GLOB_IGNORE, error), .include = include};
	if (!pattern.glob)
		return false;
	g_array_append_val(ignore->patterns, pattern);
	return true;
}

Dockerignore *dockerignore_parse(const char *text, size_t size, const char *name, GError **error)
{
	if (size > DOCKERIGNORE_SIZE_MAX || (size > 0 && memchr(text, '\0', size)))
		return error_set_null(error, ENGINE_ERROR_INVALID,
				      "%s: larger than %u bytes, or with a NUL byte", name,
				      DOCKERIGNORE_SIZE_MAX);
	bool marked = size >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0;
	g_autofree char *copy = g_strndup(text + (marked ? 3 : 0), size - (marked ? 3 : 0));
	g_auto(GStrv) lines = g_strsplit(copy, "\n", -1);
	g_autoptr(Dockerignore) ignore = g_new0(Dockerignore, 1);
	ignore->patterns = g_array_new(FALSE, FALSE, sizeof(Pattern));
	g_array_set_clear_func(ignore->patterns, clear_pattern);
	for (unsigned i = 0; lines[i]; i++) {
		if (!add_line(ignore, lines[i], error)) {
			g_prefix_error(error, "%s:%u: ", name, i + 1);
			return NULL;
		}
	}
	return g_steal_pointer(&ignore);
}

bool dockerignore_matches(const Dockerignore *ignore, const char *path)
{
	for (guint i = ignore->patterns->len; i > 0; i--) {
		const Pattern *pattern = &g_array_index(ignore->patterns, Pattern, i - 1);
		if (glob_matches_parent(pattern->glob, path))
			return !pattern->include;
	}
	return false;
}

bool dockerignore_prunes(const Dockerignore *ignore, const char *path)
{
	if (!dockerignore_matches(ignore, path))
		return false;
	for (guint i = 0; i < ignore->patterns->len; i++) {
		const Pattern *pattern = &g_array_index(ignore->patterns, Pattern, i);
		if (pattern->include && glob_may_match_below(pattern->glob, path))
			return false;
	}
	return true;
}

char **dockerignore_names(const char *dockerfile)
{
	GPtrArray *names = g_ptr_array_new();
	if (dockerfile)
		g_ptr_array_add(names, g_strconcat(dockerfile, ".dockerignore", NULL));
	g_ptr_array_add(names, g_strdup(".containerignore"));
	g_ptr_array_add(names, g_strdup(".dockerignore"));
	g_ptr_array_add(names, NULL);
	return (char **)g_ptr_array_free(names, FALSE);
}
