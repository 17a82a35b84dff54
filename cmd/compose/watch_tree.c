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

typedef enum { WATCHED, UNSEEN, FAILED } Watched;

/* UNSEEN: it is gone again, or we may not look into it. */
static Watched watch_one(WatchTree *tree, const char *directory, uint32_t events, GError **error)
{
	int number = inotify_add_watch(tree->fd, directory, events);
	if (number < 0 && (errno == ENOENT || errno == ENOTDIR || errno == EACCES))
		return UNSEEN;
	if (number < 0) {
		bool full = errno == ENOSPC;
		error_set_errno(error, "cannot watch '%s'", directory);
		if (full)
			error_add_help(error, "raise fs.inotify.max_user_watches, or ignore more");
		return FAILED;
	}
	g_hash_table_insert(tree->paths, GINT_TO_POINTER(number), g_strdup(directory));
	return WATCHED;
}

/* The directory that @path is in, or the nearest above it that is there: it tells when the next one
 * on the way comes. */
static bool watch_above(WatchTree *tree, const char *path, GError **error)
{
	const uint32_t events = EVENTS & ~(uint32_t)IN_DONT_FOLLOW;
	g_autofree char *at = g_path_get_dirname(path);
	Watched done;
	while ((done = watch_one(tree, at, events, error)) == UNSEEN && strcmp(at, "/") != 0) {
		char *parent = g_path_get_dirname(at);
		g_free(at);
		at = parent;
	}
	/* What came on the way before that was watched told nobody. */
	const char *slash = path + (strcmp(at, "/") == 0 ? 0 : strlen(at));
	while (done == WATCHED && (slash = strchr(slash + 1, '/'))) {
		g_autofree char *next = g_strndup(path, (gsize)(slash - path));
		done = watch_one(tree, next, events, error);
	}
	return done != FAILED;
}

/* Walk what is below @path. @watch: watch its directories; @found: the set of its files, or NULL.
 * A directory is watched before it is read, so nothing that comes meanwhile is missed. */
static bool walk(WatchTree *tree, const char *path, bool watch, GHashTable *found, int depth,
		 GError **error)
{
	if (tree->prunes(path, tree->data) || depth > DEPTH_MAX)
		return true;
	if (watch && watch_one(tree, path, EVENTS, error) == FAILED)
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
	bool is_tree = is_directory(path) || g_hash_table_contains(tree->trees, path);
	g_hash_table_add(is_tree ? tree->trees : tree->files, g_strdup(path));
	/* Editors put a new file in its place, and what is removed may come again: only the
	 * directory tells. */
	return watch_above(tree, path, error) &&
	       (!is_tree || walk(tree, path, true, NULL, 0, error));
}

void watch_tree_list(WatchTree *tree, const char *path, GHashTable *out)
{
	if (is_directory(path))
		(void)walk(tree, path, false, out, 0, NULL);
	else
		g_hash_table_add(out, g_strdup(path));
}

static bool is_below(const char *path, const char *directory)
{
	size_t length = strlen(directory);
	return strncmp(path, directory, length) == 0 && path[length] == '/';
}

/* Is it in a tree, or one of the files? What is watched above them says more than was asked. */
static bool is_asked(const WatchTree *tree, const char *path)
{
	GHashTableIter iter;
	void *root = NULL;
	if (g_hash_table_contains(tree->files, path))
		return true;
	g_hash_table_iter_init(&iter, tree->trees);
	while (g_hash_table_iter_next(&iter, &root, NULL))
		if (is_below(path, root))
			return true;
	return false;
}

/* A directory on the way to what was asked for came or went: what is there by now has changed. */
static bool watch_again(WatchTree *tree, const char *directory, GHashTable *out, GError **error)
{
	GHashTable *const sets[] = {tree->trees, tree->files};
	for (size_t i = 0; i < G_N_ELEMENTS(sets); i++) {
		GHashTableIter iter;
		void *root = NULL;
		g_hash_table_iter_init(&iter, sets[i]);
		while (g_hash_table_iter_next(&iter, &root, NULL)) {
			if (!is_below(root, directory) && strcmp(root, directory) != 0)
				continue;
			if (!watch_above(tree, root, error))
				return false;
			if (is_directory(root) && !walk(tree, root, true, out, 0, error))
				return false;
			if (!is_directory(root) && access(root, F_OK) == 0)
				g_hash_table_add(out, g_strdup(root));
		}
	}
	return true;
}

/* One event. A directory that came is watched, and what is in it already has changed. */
static bool take_event(WatchTree *tree, const struct inotify_event *event, GHashTable *out,
		       GError **error)
{
	const char *directory = g_hash_table_lookup(tree->paths, GINT_TO_POINTER(event->wd));
	if (event->mask & IN_IGNORED) {
		g_autofree char *gone = g_strdup(directory);
		g_hash_table_remove(tree->paths, GINT_TO_POINTER(event->wd));
		return !gone || watch_again(tree, gone, out, error);
	}
	if (!directory || event->len == 0)
		return true;
	g_autofree char *path = g_build_filename(directory, event->name, NULL);
	bool came = event->mask & (IN_CREATE | IN_MOVED_TO);
	/* That a whole tree went takes nothing away: what was in it told for itself. */
	if ((event->mask & IN_ISDIR) && came && !is_asked(tree, path))
		return watch_again(tree, path, out, error);
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
