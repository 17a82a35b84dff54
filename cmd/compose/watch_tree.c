/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/compose/watch_tree.h"

#include <errno.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/log.h"

/* A file that is written to is told when its writer closes it. */
#define EVENTS                                                                                     \
	(IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_ATTRIB |        \
	 IN_ONLYDIR | IN_DONT_FOLLOW | IN_EXCL_UNLINK)
#define DEPTH_MAX 100

struct WatchTree {
	int fd;
	WatchTreePrunes prunes;
	void *data;
	GHashTable *paths; /* number of a watch -> directory */
	GHashTable *files; /* set of files whose directories are watched for them alone */
	GHashTable *trees; /* set of directories that were added */
};

WatchTree *watch_tree_new(WatchTreePrunes prunes, void *data, GError **error)
{
	int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (fd < 0)
		return error_set_errno_null(error, "inotify");
	WatchTree *tree = g_new0(WatchTree, 1);
	tree->fd = fd;
	tree->prunes = prunes;
	tree->data = data;
	tree->paths = g_hash_table_new_full(g_direct_hash, g_direct_equal, NULL, g_free);
	tree->files = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	tree->trees = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	return tree;
}

void watch_tree_free(WatchTree *tree)
{
	if (!tree)
		return;
	fd_close(&tree->fd);
	g_hash_table_unref(tree->paths);
	g_hash_table_unref(tree->files);
	g_hash_table_unref(tree->trees);
	g_free(tree);
}

int watch_tree_fd(const WatchTree *tree)
{
	return tree->fd;
}

static bool is_directory(const char *path)
{
	struct stat st;
	return lstat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static bool watch_one(WatchTree *tree, const char *directory, GError **error)
{
	int number = inotify_add_watch(tree->fd, directory, EVENTS);
	/* It is gone again, or we may not look into it. */
	if (number < 0 && (errno == ENOENT || errno == ENOTDIR || errno == EACCES))
		return true;
	if (number < 0) {
		bool full = errno == ENOSPC;
		error_set_errno(error, "cannot watch '%s'", directory);
		if (full)
			error_add_help(error, "raise fs.inotify.max_user_watches, or ignore more");
		return false;
	}
	g_hash_table_insert(tree->paths, GINT_TO_POINTER(number), g_strdup(directory));
	return true;
}

/* Walk what is below @path. @watch: watch its directories; @found: the set of its files, or NULL.
 * A directory is watched before it is read, so nothing that comes meanwhile is missed. */
static bool walk(WatchTree *tree, const char *path, bool watch, GHashTable *found, int depth,
		 GError **error)
{
	if (tree->prunes(path, tree->data) || depth > DEPTH_MAX)
		return true;
	if (watch && !watch_one(tree, path, error))
		return false;
	GDir *dir = g_dir_open(path, 0, NULL);
	const char *name;
	bool ok = true;
	while (dir && ok && (name = g_dir_read_name(dir))) {
		g_autofree char *full = g_build_filename(path, name, NULL);
		if (is_directory(full))
			ok = walk(tree, full, watch, found, depth + 1, error);
		else if (found)
			g_hash_table_add(found, g_steal_pointer(&full));
	}
	if (dir)
		g_dir_close(dir);
	return ok;
}

bool watch_tree_add(WatchTree *tree, const char *path, GError **error)
{
	if (is_directory(path)) {
		g_hash_table_add(tree->trees, g_strdup(path));
		return walk(tree, path, true, NULL, 0, error);
	}
	/* Editors put a new file in its place: only the directory tells. */
	g_autofree char *directory = g_path_get_dirname(path);
	g_hash_table_add(tree->files, g_strdup(path));
	return watch_one(tree, directory, error);
}

void watch_tree_list(WatchTree *tree, const char *path, GHashTable *out)
{
	if (is_directory(path))
		(void)walk(tree, path, false, out, 0, NULL);
	else
		g_hash_table_add(out, g_strdup(path));
}

/* Is it below a tree, or one of the files? A file's directory says more than was asked. */
static bool is_asked(const WatchTree *tree, const char *path)
{
	GHashTableIter iter;
	void *root = NULL;
	if (g_hash_table_contains(tree->files, path))
		return true;
	g_hash_table_iter_init(&iter, tree->trees);
	while (g_hash_table_iter_next(&iter, &root, NULL)) {
		size_t length = strlen(root);
		if (strncmp(path, root, length) == 0 &&
		    (path[length] == '/' || path[length] == '\0'))
			return true;
	}
	return false;
}

/* One event. A directory that came is watched, and what is in it already has changed. */
static bool take_event(WatchTree *tree, const struct inotify_event *event, GHashTable *out,
		       GError **error)
{
	const char *directory = g_hash_table_lookup(tree->paths, GINT_TO_POINTER(event->wd));
	if (event->mask & IN_IGNORED) {
		g_hash_table_remove(tree->paths, GINT_TO_POINTER(event->wd));
		return true;
	}
	if (!directory || event->len == 0)
		return true;
	g_autofree char *path = g_build_filename(directory, event->name, NULL);
	bool came = event->mask & (IN_CREATE | IN_MOVED_TO);
	if (!is_asked(tree, path))
		return true;
	if ((event->mask & IN_ISDIR) && came && !walk(tree, path, true, out, 0, error))
		return false;
	/* The owner or time of a directory is nobody's matter. */
	if ((event->mask & IN_ISDIR) && !came && (event->mask & IN_ATTRIB))
		return true;
	g_hash_table_add(out, g_steal_pointer(&path));
	return true;
}

bool watch_tree_read(WatchTree *tree, GHashTable *out, bool *out_lost, GError **error)
{
	char buffer[16384] __attribute__((aligned(__alignof__(struct inotify_event))));
	ssize_t n;
	*out_lost = false;
	while ((n = read(tree->fd, buffer, sizeof buffer)) > 0) {
		for (ssize_t at = 0; at < n;) {
			const struct inotify_event *event = (const void *)(buffer + at);
			if (event->mask & IN_Q_OVERFLOW)
				*out_lost = true;
			else if (!take_event(tree, event, out, error))
				return false;
			at += (ssize_t)(sizeof *event + event->len);
		}
	}
	return n >= 0 || errno == EAGAIN || errno == EINTR ||
	       error_set_errno(error, "cannot read what changed");
}
