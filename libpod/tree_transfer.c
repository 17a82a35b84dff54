/* SPDX-License-Identifier: Apache-2.0 */
#include "libpod/tree_transfer.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/json.h"
#include "libpod/base/log.h"
#include "libpod/base/spawn.h"
#include "libpod/base/userns.h"

#define PIPE_SIZE (1 << 20)

Tree tree_of_view(const ContainerView *view)
{
	return (Tree){
		.root_fd = view->root_fd,
		.userns_fd = view->userns_fd > 0 ? view->userns_fd : 0,
	};
}

Tree tree_of_host(int fd, IdMap **out_map)
{
	if (!userns_is_initial_root())
		*out_map = idmap_single();
	return (Tree){.root_fd = fd, .map = *out_map, .is_host = true};
}

/* Start skiff-layer on a tree. */
static LayerChild *start(const Tree *tree, const char *const *args, int in_fd, int out_fd,
			 GError **error)
{
	const LayerChildOptions options = {
		.args = args,
		.dir_fd = tree->root_fd,
		.userns_fd = tree->userns_fd,
		.map = tree->map,
		.stdin_fd = in_fd,
		.stdout_fd = out_fd,
	};
	return layer_child_start(&options, error);
}

LayerChild *tree_get(const Tree *tree, const char *path, const char *as, unsigned flags, int out_fd,
		     GError **error)
{
	const char *args[10] = {"get", "--path", path};
	size_t n = 3;
	if (as) {
		args[n++] = "--as";
		args[n++] = as;
	}
	if (flags & TREE_ONE_MOUNT)
		args[n++] = "--one-mount";
	if (flags & TREE_SKIP_UNREADABLE)
		args[n++] = "--skip-unreadable";
	if (flags & TREE_NOFOLLOW)
		args[n++] = "--nofollow";
	return start(tree, args, 0, out_fd, error);
}

LayerChild *tree_put(const Tree *tree, const char *path, const char *owner, unsigned flags,
		     int in_fd, GError **error)
{
	const char *args[10] = {"put", "--path", path};
	size_t n = 3;
	if (owner) {
		args[n++] = "--owner";
		args[n++] = owner;
	}
	if (flags & TREE_OVERWRITE)
		args[n++] = "--overwrite";
	return start(tree, args, in_fd, 0, error);
}

/* For verbs whose report says no more than that it was done. */
static bool run(const Tree *tree, const char *const *args, GError **error)
{
	g_autoptr(LayerChild) child = start(tree, args, 0, 0, error);
	g_autoptr(Json) report = child ? layer_child_wait_report(child, error) : NULL;
	return report != NULL;
}

bool tree_make(const Tree *tree, const char *path, const char *owner, GError **error)
{
	return run(tree,
		   (const char *const[]){"make", "--path", path, owner ? "--owner" : NULL, owner,
					 NULL},
		   error);
}

bool tree_remove(const Tree *tree, const char *path, GError **error)
{
	return run(tree, (const char *const[]){"remove", "--path", path, NULL}, error);
}

bool tree_get_finish(LayerChild *child, GError **error)
{
	int64_t unreadable = 0;
	g_autoptr(Json) report = layer_child_wait_report(child, error);
	if (!report || !js_get_int(report, "unreadable", 0, INT64_MAX, &unreadable, error))
		return false;
	if (unreadable > 0)
		log_warn("%" G_GINT64_FORMAT " files could not be read and were left out",
			 unreadable);
	return true;
}

bool tree_stat(const Tree *tree, const char *path, bool follow, TreeStat *out, GError **error)
{
	const char *const args[] = {"stat", "--path", path, follow ? NULL : "--nofollow", NULL};
	g_autoptr(GError) failed = NULL;
	g_autoptr(LayerChild) child = start(tree, args, 0, 0, error);
	if (!child)
		return false;
	g_autoptr(Json) report = layer_child_wait_report(child, &failed);
	*out = (TreeStat){0};
	if (failed && error_matches(failed, ENGINE_ERROR_NOT_FOUND))
		return true;
	const char *kind = NULL;
	if (!report || !js_get_string(report, "kind", &kind, &failed) ||
	    !js_dup_string(report, "target", &out->target, &failed)) {
		g_propagate_error(error, g_steal_pointer(&failed));
		return false;
	}
	out->exists = true;
	out->is_dir = g_strcmp0(kind, "dir") == 0;
	return true;
}

int tree_input(const char *file, pid_t *out_pid, GError **error)
{
	g_autofree char *program = spawn_find_own("skiff-fetch", error);
	int ends[2];
	if (!program)
		return -1;
	autofd in = strcmp(file, "-") == 0 ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
					   : open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (in < 0) {
		error_set_errno_go(error, "open %s", file);
		return -1;
	}
	if (pipe2(ends, O_CLOEXEC) < 0) {
		error_set_errno(error, "cannot make a pipe");
		return -1;
	}
	autofd read_end = ends[0], write_end = ends[1];
	const char *const argv[] = {"skiff-fetch", "inflate", NULL};
	const Spawn spawn = {
		.argv = argv,
		.program = program,
		.stdin_fd = in,
		.stdout_fd = write_end,
		.stderr_fd = SPAWN_INHERIT,
	};
	*out_pid = spawn_start(&spawn, NULL, error);
	return *out_pid < 0 ? -1 : fd_steal(&read_end);
}

/* Both failed, or one: which error tells the user more? */
static bool choose_error(bool got, GError *get_error, bool put, GError *put_error, GError **error)
{
	g_autoptr(GError) first = get_error;
	g_autoptr(GError) second = put_error;
	if (got && put)
		return true;
	/* A source that ended early spoils the archive; a target that ended early breaks the pipe.
	 */
	bool prefer_put = !put && (got || !error_matches(second, ENGINE_ERROR_CORRUPT));
	g_propagate_error(error, prefer_put ? g_steal_pointer(&second) : g_steal_pointer(&first));
	return false;
}

/* Nodes of devices are not made: say so, and fail where nothing else was to be copied. */
static bool check_devices(Json *report, const char *path, GError **error)
{
	int64_t entries = 0, devices = 0;
	if (!js_get_int(report, "entries", 0, INT64_MAX, &entries, error) ||
	    !js_get_int(report, "devices", 0, INT64_MAX, &devices, error))
		return false;
	if (devices > 0 && devices == entries)
		return error_set(error, ENGINE_ERROR_UNSUPPORTED,
				 "'%s' is a device: skiff makes no device nodes", path);
	if (devices > 0)
		log_warn("%" G_GINT64_FORMAT " device nodes of '%s' were left out", devices, path);
	return true;
}

bool tree_transfer(const TreeSource *from, const Tree *to, const char *dir, const char *owner,
		   unsigned flags, GError **error)
{
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) < 0)
		return error_set_errno(error, "cannot make a pipe");
	autofd read_end = ends[0], write_end = ends[1];
	/* Both children work on while the other waits for the disk; a refusal costs only time. */
	(void)fcntl(write_end, F_SETPIPE_SZ, PIPE_SIZE);
	g_autoptr(LayerChild) get =
		tree_get(from->tree, from->path, from->as, from->flags, write_end, error);
	fd_close(&write_end);
	g_autoptr(LayerChild) put = get ? tree_put(to, dir, owner, flags, read_end, error) : NULL;
	fd_close(&read_end);
	if (!put)
		return false;
	GError *get_error = NULL, *put_error = NULL;
	g_autoptr(Json) report = layer_child_wait_report(put, &put_error);
	bool got = tree_get_finish(get, &get_error);
	return choose_error(got, get_error, report != NULL, put_error, error) &&
	       check_devices(report, from->path, error);
}
