/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation. The source becomes a tar, made by one jailed child, and the tar becomes
 * files again in another; we only join them by a pipe and decide the name under which the source
 * arrives. Each child sees one tree: a container's view, or one directory of the host. What we know
 * of the destination may be stale when the second child resolves it again, inside its tree; then it
 * fails or writes to another place in that tree, never outside.
 */
#include "libpod/copy.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/spawn.h"
#include "libpod/tree_transfer.h"

#define MAX_LINKS 40

#define NO_ARCHIVE "source must be a (compressed) tar archive when copying from stdin"

/* One end, opened. */
typedef struct {
	const CopyEnd *end;
	ContainerView *view; /* NULL for the host */
	bool borrowed;       /* both ends are the same container */
	IdMap *map;
	int fd; /* of the host */
	Tree tree;
} Side;

/* What arrives where. */
typedef struct {
	bool source_is_dir;
	bool contents;     /* "SRC/.": what it holds */
	char *source_name; /* what the source is called where links of a container led */
	char *dir;         /* the directory that receives it, in the destination's tree */
	char *name;        /* the name it gets there; NULL with contents */
} Plan;

static void side_clear(Side *side)
{
	if (!side->borrowed)
		container_view_close(side->view);
	fd_close(&side->fd);
	idmap_free(side->map);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Side, side_clear)

static void plan_clear(Plan *plan)
{
	g_free(plan->source_name);
	g_free(plan->dir);
	g_free(plan->name);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Plan, plan_clear)

static bool is_stream(const CopyEnd *end)
{
	return !end->ctr && strcmp(end->path, "-") == 0;
}

/* podman's words; @path as typed. Return: always false. */
static bool set_missing(const CopyEnd *end, const char *reason, GError **error)
{
	if (!end->ctr)
		return error_set(error, ENGINE_ERROR_NOT_FOUND,
				 "\"%s\" could not be found on the host: %s", end->path, reason);
	return error_set(error, ENGINE_ERROR_NOT_FOUND,
			 "\"%s%s\" could not be found on container %s: %s",
			 end->path[0] == '/' ? "" : "/", end->path, end->name, reason);
}

/* Does the path end in "/." or is it nothing else? */
static bool names_contents(const char *path)
{
	return strcmp(path, ".") == 0 || strcmp(path, "/") == 0 || g_str_has_suffix(path, "/.");
}

/* The last component, without slashes behind it. g_free() it. */
static char *base_name(const char *path)
{
	return g_path_get_basename(path);
}

/* All but the last component. g_free() it. */
static char *parent_name(const char *path)
{
	g_autofree char *trimmed = g_strdup(path);
	size_t n = strlen(trimmed);
	while (n > 1 && trimmed[n - 1] == '/')
		trimmed[--n] = '\0';
	return g_path_get_dirname(trimmed);
}

/* Without what only says that it has to be a directory: "/", "/.". g_free() it. */
static char *without_slashes(const char *path)
{
	size_t n = strlen(path);
	while (n > 1 && (path[n - 1] == '/' || (path[n - 1] == '.' && path[n - 2] == '/')))
		n--;
	return g_strndup(path, n);
}

/* A view of the container; both ends share one where they are the same container. */
static bool open_container(Side *side, const Side *other, GError **error)
{
	side->borrowed = other && other->view &&
			 g_str_equal(container_summary(other->end->ctr)->id,
				     container_summary(side->end->ctr)->id);
	side->view = side->borrowed ? other->view
				    : container_view_open(side->end->ctr, VIEW_MOUNTS, error);
	if (!side->view)
		return false;
	side->tree = tree_of_view(side->view);
	return true;
}

/* Paths of the host are the user's own words: links are followed as any command of his would. */

/* The source on the host: the directory itself or the open file; links are followed. */
static bool open_host_source(Side *side, Plan *plan, GError **error)
{
	const char *path = side->end->path;
	struct stat st;
	if (fstatat(AT_FDCWD, path, &st, 0) < 0)
		return set_missing(side->end,
				   errno == ENOTDIR  ? "not a directory"
				   : errno == ENOENT ? "no such file or directory"
						     : strerror(errno),
				   error);
	if (!S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode))
		return error_set(error, ENGINE_ERROR_INVALID,
				 "'%s' is neither a file nor a directory", path);
	side->fd = openat(AT_FDCWD, path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (side->fd < 0 || fstat(side->fd, &st) < 0)
		return error_set_errno(error, "cannot open '%s'", path);
	plan->source_is_dir = S_ISDIR(st.st_mode);
	plan->source_name = base_name(path);
	side->tree = tree_of_host(side->fd, &side->map);
	return true;
}

/*
 * Where a path really leads if its last part is a link. Only the text of the link is used; it is
 * resolved inside the container, later.
 */
static char *follow_links(const Tree *tree, const char *path, GError **error)
{
	g_autofree char *at = g_strdup(path);
	for (int i = 0; i < MAX_LINKS; i++) {
		TreeStat st = {0};
		if (!tree_stat(tree, at, false, &st, error))
			return NULL;
		g_autofree char *target = st.target;
		if (!target)
			return g_steal_pointer(&at);
		g_autofree char *parent = parent_name(at);
		char *next = g_path_is_absolute(target) ? g_strdup(target)
							: g_build_filename(parent, target, NULL);
		g_free(at);
		at = next;
	}
	return error_set_null(error, ENGINE_ERROR_INVALID, "'%s': too many links", path);
}

/* Open the source and learn whether it is a directory. */
static bool open_source(Side *side, Plan *plan, GError **error)
{
	plan->contents = names_contents(side->end->path);
	if (is_stream(side->end))
		return true;
	if (!side->end->ctr)
		return open_host_source(side, plan, error);
	TreeStat st = {0};
	if (!open_container(side, NULL, error) ||
	    !tree_stat(&side->tree, side->end->path, true, &st, error))
		return false;
	if (!st.exists)
		return set_missing(side->end, "no such file or directory", error);
	plan->source_is_dir = st.is_dir;
	g_autofree char *real =
		plan->contents ? NULL : follow_links(&side->tree, side->end->path, error);
	plan->source_name = real ? base_name(real) : NULL;
	return real || plan->contents;
}

/* The destination, which links say is at @real, as it is: a directory, a file, or nothing in a
 * directory. */
static bool plan_arrival(Plan *plan, const Side *from, const CopyEnd *to, const char *real,
			 const TreeStat *there, bool parent_is_dir, GError **error)
{
	bool needs_dir = g_str_has_suffix(to->path, "/") || names_contents(to->path);
	if (is_stream(from->end) && !there->is_dir)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "destination must be a directory when copying from stdin");
	if (there->is_dir) {
		plan->dir = g_strdup(real);
		plan->name = plan->contents ? NULL : g_strdup(plan->source_name);
		return true;
	}
	if (there->exists && plan->source_is_dir)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "destination must be a directory when copying a directory");
	if ((needs_dir && !(plan->source_is_dir && parent_is_dir)) || !parent_is_dir)
		return set_missing(
			to, there->exists ? "not a directory" : "no such file or directory", error);
	plan->dir = parent_name(real);
	plan->name = base_name(real);
	plan->contents = false;
	return true;
}

/* Look at the destination in the container: what is there, and in which directory. */
static bool open_container_target(Side *side, const Side *from, Plan *plan, GError **error)
{
	TreeStat there = {0}, parent = {0};
	if (!open_container(side, from, error))
		return false;
	g_autofree char *typed =
		g_strconcat(side->end->path[0] == '/' ? "" : "/", side->end->path, NULL);
	g_autofree char *path = without_slashes(typed);
	if (!tree_stat(&side->tree, path, true, &there, error))
		return false;
	g_autofree char *real =
		there.is_dir ? g_strdup(path) : follow_links(&side->tree, path, error);
	g_autofree char *above = real ? parent_name(real) : NULL;
	if (!above || (!there.is_dir && !tree_stat(&side->tree, above, true, &parent, error)))
		return false;
	return plan_arrival(plan, from, side->end, real, &there, parent.is_dir, error);
}

/* A directory of the host that exists, or the one that shall hold the new name. */
static bool open_host_target(Side *side, const Side *from, Plan *plan, GError **error)
{
	g_autofree char *path = without_slashes(side->end->path);
	struct stat st, above_st;
	TreeStat there = {.exists = fstatat(AT_FDCWD, path, &st, 0) == 0};
	there.is_dir = there.exists && S_ISDIR(st.st_mode);
	bool is_file = there.exists && !there.is_dir;
	/* lint: allow realpath: a path that the user typed, on the host */
	g_autofree char *real = is_file ? realpath(path, NULL) : g_strdup(path);
	g_autofree char *above = real ? parent_name(real) : NULL;
	if (!above)
		return error_set_errno(error, "cannot resolve '%s'", path);
	bool is_dir = !there.is_dir && fstatat(AT_FDCWD, above, &above_st, 0) == 0 &&
		      S_ISDIR(above_st.st_mode);
	if (!plan_arrival(plan, from, side->end, real, &there, is_dir, error))
		return false;
	side->fd = openat(AT_FDCWD, plan->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (side->fd < 0)
		return error_set_errno(error, "cannot open '%s'", plan->dir);
	g_free(plan->dir);
	plan->dir = g_strdup("/"); /* of the tree that the child sees */
	side->tree = tree_of_host(side->fd, &side->map);
	return true;
}

/* Both children at work. */
static bool join(const Side *from, const Side *to, const Plan *plan, const char *owner,
		 const CopyOptions *options, GError **error)
{
	const TreeSource source = {
		.tree = &from->tree,
		.path = from->end->ctr ? from->end->path : "/",
		.as = plan->name,
		.flags = from->end->ctr ? TREE_SKIP_UNREADABLE : 0,
	};
	const unsigned flags = options->overwrite ? TREE_OVERWRITE : 0;
	return tree_transfer(&source, &to->tree, plan->dir, owner, flags, error);
}

/* No archive at all: the pipe is closed before its first byte. */
static bool is_empty(int pipe_fd)
{
	struct pollfd poll_fd = {.fd = pipe_fd, .events = POLLIN};
	while (poll(&poll_fd, 1, -1) < 0 && errno == EINTR)
		continue;
	return !(poll_fd.revents & POLLIN);
}

/* From standard input. */
static bool put_stream(const Side *to, const Plan *plan, const char *owner,
		       const CopyOptions *options, GError **error)
{
	pid_t pid = -1;
	autofd in = tree_input("-", &pid, error);
	if (in < 0)
		return false;
	if (is_empty(in))
		return spawn_wait(pid, NULL) >= 0 &&
		       error_set(error, ENGINE_ERROR_CORRUPT, NO_ARCHIVE);
	g_autoptr(LayerChild) put = tree_put(&to->tree, plan->dir, owner,
					     options->overwrite ? TREE_OVERWRITE : 0, in, error);
	fd_close(&in);
	g_autoptr(GError) failed = NULL;
	g_autoptr(Json) report = put ? layer_child_wait_report(put, &failed) : NULL;
	int code = spawn_wait(pid, NULL);
	if (put && !report && error_matches(failed, ENGINE_ERROR_CORRUPT))
		return error_set(error, ENGINE_ERROR_CORRUPT, NO_ARCHIVE "\ncause: %s",
				 failed->message);
	if (failed)
		g_propagate_error(error, g_steal_pointer(&failed));
	else if (put && code != 0)
		return error_set(error, ENGINE_ERROR_CORRUPT, "the archive could not be read");
	return report != NULL;
}

/* To standard output. */
static bool get_stream(const Side *from, const Plan *plan, GError **error)
{
	if (isatty(STDOUT_FILENO))
		return error_set(error, ENGINE_ERROR_INVALID,
				 "cannot write an archive to a terminal: redirect it");
	g_autoptr(LayerChild) get =
		tree_get(&from->tree, from->end->path, plan->contents ? NULL : plan->source_name,
			 TREE_SKIP_UNREADABLE, SPAWN_INHERIT, error);
	return get && tree_get_finish(get, error);
}

bool copy_run(const CopyEnd *from_end, const CopyEnd *to_end, const CopyOptions *options,
	      GError **error)
{
	g_auto(Side) from = {.end = from_end, .fd = -1};
	g_auto(Side) to = {.end = to_end, .fd = -1};
	g_auto(Plan) plan = {0};
	if (!open_source(&from, &plan, error))
		return false;
	if (is_stream(to_end))
		return get_stream(&from, &plan, error);
	if (!(to_end->ctr ? open_container_target(&to, &from, &plan, error)
			  : open_host_target(&to, &from, &plan, error)))
		return false;
	g_autofree char *owner = !to_end->ctr          ? g_strdup("0:0")
				 : options->keep_owner ? NULL
						       : container_view_owner(to.view, error);
	if (!owner && to_end->ctr && !options->keep_owner)
		return false;
	if (is_stream(from_end))
		return put_stream(&to, &plan, owner, options, error);
	return join(&from, &to, &plan, owner, options, error);
}
