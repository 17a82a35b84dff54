/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sources: a word of COPY to the files it names.
 *
 * As in docker, a word is a path below the root however it is written ("/a", "a", "../a"); links in
 * it and at its end are followed inside the root. Wildcards are matched component by component in
 * directories that are none but themselves: a link to a directory is matched as a link.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "build/copy_priv.h"
#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/path.h"
#include "libpod/base/suggest.h"

#define LINKS_MAX     40
#define SUGGEST_NAMES 1000 /* of a directory that are looked at */

/* A path on its way to its canonical form. */
typedef struct {
	GString *done;
	char *rest;
	int links;
	bool missing; /* what is in @done does not exist */
} Canonical;

static void canonical_clear(Canonical *c)
{
	g_string_free(c->done, TRUE);
	g_free(c->rest);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Canonical, canonical_clear)

/* Go on with what the link says. */
static bool follow(Canonical *c, int link_fd)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(link_fd, "", target, sizeof(target) - 1);
	if (n < 0)
		return false;
	if (++c->links > LINKS_MAX) {
		errno = ELOOP;
		return false;
	}
	target[n] = '\0';
	if (*target == '/')
		g_string_truncate(c->done, 0);
	char *rest = g_strconcat(target, "/", c->rest, NULL);
	g_free(c->rest);
	c->rest = rest;
	return true;
}

/* One component. Return: false with errno. */
static bool step(Canonical *c, int root_fd, const char *name)
{
	if (strcmp(name, ".") == 0)
		return true;
	if (strcmp(name, "..") == 0) {
		char *slash = strrchr(c->done->str, '/');
		g_string_truncate(c->done, slash ? (size_t)(slash - c->done->str) : 0);
		c->missing = false;
		return true;
	}
	g_autofree char *next = g_strconcat(c->done->str, c->done->len ? "/" : "", name, NULL);
	autofd fd = c->missing ? -1 : path_open_in_root(root_fd, next, O_PATH | O_NOFOLLOW, 0);
	struct stat st;
	if (fd < 0 && !c->missing && errno != ENOENT)
		return false;
	c->missing = fd < 0;
	if (fd >= 0 && fstat(fd, &st) < 0)
		return false;
	if (fd >= 0 && S_ISLNK(st.st_mode))
		return follow(c, fd);
	g_string_assign(c->done, next);
	return true;
}

char *copy_canonical(int root_fd, const char *path, bool *out_missing)
{
	g_auto(Canonical) c = {.done = g_string_new(NULL), .rest = g_strdup(path)};
	for (;;) {
		const char *start = c.rest + strspn(c.rest, "/");
		size_t size = strcspn(start, "/");
		if (size == 0)
			break;
		g_autofree char *name = g_strndup(start, size);
		char *rest = g_strdup(start + size);
		g_free(c.rest);
		c.rest = rest;
		if (!step(&c, root_fd, name))
			return NULL;
	}
	if (out_missing)
		*out_missing = c.missing;
	if (!out_missing && c.missing) {
		errno = ENOENT;
		return NULL;
	}
	return g_strdup(c.done->str);
}

void copy_item_free(void *data)
{
	CopyItem *item = data;
	if (!item)
		return;
	g_free(item->shown);
	g_free(item->path);
	g_free(item->name);
	glob_free(item->include);
	if (item->fetched)
		fd_close(&item->root_fd);
	git_source_free(item->git);
	remote_file_free(item->file);
	g_free(item);
}

static gint compare_names(gconstpointer a, gconstpointer b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* A backslash alone makes none: then the word is a name, as in docker. */
static bool has_wildcard(const char *text)
{
	for (; *text; text++) {
		if (*text == '\\' && text[1])
			text++;
		else if (strchr("*?[", *text))
			return true;
	}
	return false;
}

/* Without slashes at its ends, "." and ".." resolved by the words. */
static char *clean(const char *path)
{
	g_autofree char *absolute = g_strconcat("/", path, NULL);
	g_autofree char *cleaned = path_clean(absolute);
	return g_strdup(cleaned + 1);
}

/* Names beside the one that is not there, as far as they are like it. */
static void suggest_beside(const CopyPlan *plan, const char *source, GError **error)
{
	const char *slash = strrchr(source, '/');
	g_autofree char *parent =
		slash ? g_strndup(source, (size_t)(slash - source)) : g_strdup(".");
	int fd = path_open_in_root(plan->spec.root_fd, parent, O_RDONLY | O_DIRECTORY, 0);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
	const struct dirent *entry;
	while (dir && names->len < SUGGEST_NAMES && (entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			g_ptr_array_add(names, g_strdup(entry->d_name));
	if (dir)
		(void)closedir(dir);
	g_ptr_array_sort(names, compare_names);
	g_ptr_array_add(names, NULL);
	suggest_add_near(slash ? slash + 1 : source, (char **)names->pdata,
			 "sources are looked up inside the build context", error);
}

/* The word does not name anything that may be copied. */
static bool set_absent(const CopyPlan *plan, const char *source, GError **error)
{
	int number = errno;
	if (number != ENOENT && number != ENOTDIR && number != ELOOP)
		return error_set_errno(error, "cannot open '%s'", source);
	if (plan->spec.keep_owner)
		return error_set(error, ENGINE_ERROR_NOT_FOUND, "'%s': %s", source,
				 strerror(number));
	(void)error_set(error, ENGINE_ERROR_NOT_FOUND, "'%s': %s in the build context", source,
			number == ENOENT ? "no such file or directory" : strerror(number));
	suggest_beside(plan, source, error);
	return false;
}

/* Is the path left out by the ignore file, with all that could be in it? */
static bool is_ignored(const CopyPlan *plan, const char *path, bool is_dir)
{
	const Dockerignore *ignore = plan->spec.ignore;
	if (!ignore || !*path)
		return false;
	return is_dir ? dockerignore_prunes(ignore, path) : dockerignore_matches(ignore, path);
}

/* Make an item of a path that was found; @wild: it was matched. */
static bool add_found(CopyPlan *plan, const char *shown, bool wild, GError **error)
{
	struct stat st;
	g_autofree char *path = copy_canonical(plan->spec.root_fd, shown, NULL);
	autofd fd = path ? path_open_in_root(plan->spec.root_fd, path, O_PATH | O_NOFOLLOW, 0) : -1;
	if (fd < 0 || fstat(fd, &st) < 0)
		return set_absent(plan, shown, error);
	bool is_dir = S_ISDIR(st.st_mode);
	if (is_ignored(plan, path, is_dir)) {
		if (wild)
			return true;
		(void)error_set(error, ENGINE_ERROR_NOT_FOUND,
				"'%s': no such file or directory in the build context", shown);
		error_add_help(error, "the context's ignore file leaves it out");
		return false;
	}
	const char *slash = strrchr(shown, '/');
	const char *name = slash ? slash + 1 : shown;
	if (plan->exclude && (wild || !is_dir) && *name &&
	    (dockerignore_matches(plan->exclude, name) ||
	     dockerignore_matches(plan->exclude, shown)))
		return true;
	CopyItem *item = g_new0(CopyItem, 1);
	item->kind = is_dir ? ITEM_DIR : ITEM_LEAF;
	item->root_fd = plan->spec.root_fd;
	item->shown = g_strdup(shown);
	item->path = g_steal_pointer(&path);
	item->name = g_strdup(name);
	g_ptr_array_add(plan->items, item);
	return true;
}

/* The names in a directory that match, sorted. NULL with errno. */
static GPtrArray *match_names(int dir_fd, const Glob *glob)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
	int own = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *stream = own < 0 ? NULL : fdopendir(own);
	if (!stream) {
		fd_close(&own);
		return NULL;
	}
	for (const struct dirent *entry; (errno = 0, entry = readdir(stream));)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
		    glob_matches(glob, entry->d_name))
			g_ptr_array_add(names, g_strdup(entry->d_name));
	int failure = errno;
	(void)closedir(stream);
	errno = failure;
	g_ptr_array_sort(names, compare_names);
	return failure ? NULL : g_steal_pointer(&names);
}

/* Match the components from @parts on in the directory @base. */
static bool expand(CopyPlan *plan, const char *base, char *const *parts, bool first, GError **error)
{
	if (!*parts)
		return add_found(plan, base, true, error);
	int flags = O_RDONLY | O_DIRECTORY | (first ? 0 : O_NOFOLLOW);
	autofd dir = path_open_in_root(plan->spec.root_fd, base, flags, 0);
	if (dir < 0)
		return errno == ENOENT || errno == ENOTDIR || errno == ELOOP ||
		       error_set_errno(error, "cannot read '%s'", base);
	g_autoptr(Glob) glob = glob_new(*parts, GLOB_PATH, error);
	if (!glob)
		return false;
	g_autoptr(GPtrArray) names = match_names(dir, glob);
	if (!names)
		return error_set_errno(error, "cannot list '%s'", *base ? base : ".");
	for (guint i = 0; i < names->len; i++) {
		g_autofree char *path =
			g_strconcat(base, *base ? "/" : "", (char *)names->pdata[i], NULL);
		if (!expand(plan, path, parts + 1, false, error))
			return false;
	}
	return true;
}

/* --parents: all of "BASE/./" that matches the rest, with the directories on the way. */
static bool add_parents(CopyPlan *plan, const char *source, GError **error)
{
	const char *pivot = strstr(source, "/./");
	g_autofree char *base_text = pivot ? g_strndup(source, (size_t)(pivot - source)) : NULL;
	g_autofree char *base = clean(base_text ? base_text : "");
	g_autofree char *pattern = clean(pivot ? pivot + 3 : source);
	g_autofree char *path = copy_canonical(plan->spec.root_fd, base, NULL);
	if (!path)
		return set_absent(plan, source, error);
	if (!has_wildcard(pattern)) {
		g_autofree char *whole = g_strconcat(path, "/", pattern, NULL);
		autofd fd = path_open_in_root(plan->spec.root_fd, whole, O_PATH | O_NOFOLLOW, 0);
		if (fd < 0)
			return set_absent(plan, source, error);
	}
	g_autoptr(Glob) include = *pattern ? glob_new(pattern, GLOB_IGNORE, error) : NULL;
	if (*pattern && !include)
		return false;
	CopyItem *item = g_new0(CopyItem, 1);
	item->kind = ITEM_DIR;
	item->root_fd = plan->spec.root_fd;
	item->shown = g_strdup(base);
	item->path = g_steal_pointer(&path);
	item->name = g_strdup("");
	item->include = g_steal_pointer(&include);
	g_ptr_array_add(plan->items, item);
	return true;
}

bool copy_add_local(CopyPlan *plan, const char *source, GError **error)
{
	if (plan->spec.root_fd < 0)
		return error_set(error, ENGINE_ERROR_NOT_FOUND, "'%s': there is no build context",
				 source);
	if (plan->spec.parents)
		return add_parents(plan, source, error);
	g_autofree char *path = clean(source);
	if (plan->spec.exact || !has_wildcard(path))
		return add_found(plan, path, false, error);
	g_auto(GStrv) parts = g_strsplit(path, "/", -1);
	size_t plain = 0;
	while (!has_wildcard(parts[plain]))
		plain++;
	g_autoptr(GString) base = g_string_new(NULL);
	for (size_t i = 0; i < plain; i++)
		g_string_append_printf(base, "%s%s", i ? "/" : "", parts[i]);
	return expand(plan, base->str, parts + plain, true, error);
}
