/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The walk over a source, which the checksum and the copying share.
 *
 * A directory that is itself left out may hold something that is not ("*" and "!src/a.c" in the
 * ignore file, --parents): it is looked into, and entered only when something is found.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "build/copy_priv.h"
#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/path.h"

typedef struct Frame Frame;
struct Frame {
	Frame *above;
	int fd;
	struct stat st;
	const char *name;
	size_t full_size, shown_size; /* of its paths */
	bool entered;
};

typedef struct {
	const CopyPlan *plan;
	const CopyItem *item;
	const CopyVisitor *visitor;
	const Dockerignore *ignore;
	GString *full;    /* below the root */
	GString *shown;   /* as messages have it */
	size_t item_size; /* of the item's own path in @full, with a slash behind it */
} Walk;

typedef enum {
	TAKE,
	LOOK, /* not itself, perhaps something in it */
	SKIP,
} Choice;

/* The path below the item. */
static const char *rel_path(const Walk *w, const char *full)
{
	return strlen(full) > w->item_size ? full + w->item_size : "";
}

static Choice choose(const Walk *w, bool is_dir)
{
	const char *full = w->full->str, *rel = rel_path(w, full);
	const Dockerignore *exclude = w->plan->exclude;
	bool included = !w->item->include || glob_matches_parent(w->item->include, rel);
	bool left_out = (exclude && dockerignore_matches(exclude, rel)) ||
			(w->ignore && dockerignore_matches(w->ignore, full));
	if (included && !left_out)
		return TAKE;
	if (!is_dir || (!included && !glob_may_match_below(w->item->include, rel)) ||
	    (exclude && dockerignore_prunes(exclude, rel)) ||
	    (w->ignore && dockerignore_prunes(w->ignore, full)))
		return SKIP;
	return LOOK;
}

/* Tell of a directory, before or after what it holds. */
static bool tell(const Walk *w, const Frame *frame,
		 bool (*what)(void *data, const CopyEntry *entry, GError **error), GError **error)
{
	g_autofree char *full = g_strndup(w->full->str, frame->full_size);
	g_autofree char *shown = g_strndup(w->shown->str, frame->shown_size);
	const CopyEntry entry = {
		.parent_fd = frame->above ? frame->above->fd : -1,
		.name = frame->name,
		.fd = frame->fd,
		.rel = rel_path(w, full),
		.shown = shown,
		.st = &frame->st,
	};
	return what(w->visitor->data, &entry, error);
}

/* Enter a directory and those it is in, unless that is done. */
static bool enter(const Walk *w, Frame *frame, GError **error)
{
	if (!frame || frame->entered)
		return true;
	if (!enter(w, frame->above, error))
		return false;
	frame->entered = true;
	return tell(w, frame, w->visitor->enter, error);
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The names in an open directory, sorted, in one chunk. */
static GPtrArray *read_names(const Walk *w, int fd, GStringChunk *chunk, GError **error)
{
	autofd own = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *stream = own < 0 ? NULL : fdopendir(own);
	if (!stream)
		return error_set_errno_null(error, "cannot read '%s'", w->shown->str);
	(void)fd_steal(&own);
	g_autoptr(GPtrArray) names = g_ptr_array_new();
	const struct dirent *entry = NULL;
	while ((errno = 0, entry = readdir(stream)) != NULL)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			g_ptr_array_add(names, g_string_chunk_insert(chunk, entry->d_name));
	int failure = errno;
	(void)closedir(stream);
	errno = failure;
	if (failure)
		return error_set_errno_null(error, "cannot read '%s'", w->shown->str);
	g_ptr_array_sort(names, compare_names);
	return g_steal_pointer(&names);
}

static bool walk_dir(Walk *w, Frame *frame, GError **error);

/* A directory in the directory @above. */
static bool walk_subdir(Walk *w, Frame *above, const char *name, Choice choice, GError **error)
{
	autofd fd = openat(above->fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	Frame frame = {
		.above = above,
		.fd = fd,
		.name = name,
		.full_size = w->full->len,
		.shown_size = w->shown->len,
	};
	if (fd < 0 || fstat(fd, &frame.st) < 0)
		return error_set_errno(error, "cannot read '%s'", w->shown->str);
	if (choice == TAKE && !enter(w, &frame, error))
		return false;
	return walk_dir(w, &frame, error);
}

/* One name in a directory; the paths have it already. */
static bool walk_name(Walk *w, Frame *frame, const char *name, GError **error)
{
	struct stat st;
	const int *cancelled = w->visitor->cancelled;
	if (cancelled && *cancelled)
		return error_set(error, ENGINE_ERROR_CANCELLED, "cancelled");
	if (fstatat(frame->fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return error_set_errno(error, "cannot look at '%s'", w->shown->str);
	bool is_dir = S_ISDIR(st.st_mode);
	Choice choice = choose(w, is_dir);
	if (choice == SKIP)
		return true;
	if (is_dir)
		return walk_subdir(w, frame, name, choice, error);
	if (!enter(w, frame, error))
		return false;
	const CopyEntry entry = {
		.parent_fd = frame->fd,
		.name = name,
		.fd = -1,
		.rel = rel_path(w, w->full->str),
		.shown = w->shown->str,
		.st = &st,
	};
	return w->visitor->leaf(w->visitor->data, &entry, error);
}

static void append_name(GString *path, const char *name)
{
	if (path->len > 0)
		g_string_append_c(path, '/');
	g_string_append(path, name);
}

/* All that a directory holds, and its end. */
static bool walk_dir(Walk *w, Frame *frame, GError **error)
{
	g_autoptr(GStringChunk) chunk = g_string_chunk_new(1024);
	g_autoptr(GPtrArray) names = read_names(w, frame->fd, chunk, error);
	for (guint i = 0; names && i < names->len; i++) {
		append_name(w->full, names->pdata[i]);
		append_name(w->shown, names->pdata[i]);
		if (!walk_name(w, frame, names->pdata[i], error))
			return false;
		g_string_truncate(w->full, frame->full_size);
		g_string_truncate(w->shown, frame->shown_size);
	}
	return names && (!frame->entered || tell(w, frame, w->visitor->leave, error));
}

/* An item that is a directory: it is entered even if nothing of it is taken. */
static bool walk_top(Walk *w, GError **error)
{
	autofd fd = path_open_in_root(w->item->root_fd, w->item->path, O_RDONLY | O_DIRECTORY, 0);
	Frame frame = {
		.fd = fd,
		.name = w->item->name,
		.full_size = w->full->len,
		.shown_size = w->shown->len,
	};
	if (fd < 0 || fstat(fd, &frame.st) < 0)
		return error_set_errno(error, "cannot read '%s'", w->item->shown);
	return enter(w, &frame, error) && walk_dir(w, &frame, error);
}

/* An item that is no directory. */
static bool walk_leaf(Walk *w, GError **error)
{
	struct stat st;
	g_autofree char *dir = g_path_get_dirname(w->item->path);
	g_autofree char *name = g_path_get_basename(w->item->path);
	autofd fd = path_open_in_root(w->item->root_fd, dir, O_RDONLY | O_DIRECTORY, 0);
	if (fd < 0 || fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return error_set_errno(error, "cannot look at '%s'", w->item->shown);
	if (S_ISDIR(st.st_mode) || S_ISLNK(st.st_mode))
		return error_set(error, ENGINE_ERROR_SYSTEM, "'%s' changed meanwhile",
				 w->item->shown);
	const CopyEntry entry = {
		.parent_fd = fd,
		.name = name,
		.fd = -1,
		.rel = "",
		.shown = w->item->shown,
		.st = &st,
	};
	return w->visitor->leaf(w->visitor->data, &entry, error);
}

bool copy_walk(const CopyPlan *plan, const CopyItem *item, const CopyVisitor *visitor,
	       GError **error)
{
	Walk w = {
		.plan = plan,
		.item = item,
		.visitor = visitor,
		.ignore = item->fetched ? NULL : plan->spec.ignore,
		.full = g_string_new(item->path),
		.shown = g_string_new(item->shown),
		.item_size = *item->path ? strlen(item->path) + 1 : 0,
	};
	bool done = item->kind == ITEM_LEAF ? walk_leaf(&w, error) : walk_top(&w, error);
	g_string_free(w.full, TRUE);
	g_string_free(w.shown, TRUE);
	return done;
}
