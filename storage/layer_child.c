/* SPDX-License-Identifier: Apache-2.0 */
/*
 * skiff-layer, the parent's side: start it, read its report, reap it. Runs in skiff-fetch.
 */
#include "storage/layer_child.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/idmap.h"
#include "libpod/base/json.h"
#include "libpod/base/log.h"
#include "libpod/base/spawn.h"
#include "libpod/base/userns.h"

#define REPORT_MAX 65536
#define NAMESPACES (CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS)

struct LayerChild {
	pid_t pid;
	int report_fd;
};

/* Runs between clone and exec: no allocation but what spawn_exec() does. */
static int exec_child(void *data)
{
	const Spawn *spawn = data;
	return spawn_exec(spawn) ? 127 : 0;
}

/* Our ids as the child shall have them. NULL with *out_root for real root, which needs no map. */
static IdMap *choose_map(bool *out_root)
{
	*out_root = userns_is_initial_root();
	if (*out_root)
		return NULL;
	g_autoptr(GError) problem = NULL;
	IdMap *map = idmap_for_user(&problem);
	if (!map)
		log_debug("only one id for unpacking: %s", problem->message);
	return map ? map : idmap_single();
}

LayerChild *layer_child_start(const LayerChildOptions *options, GError **error)
{
	g_autofree char *program = spawn_find_own("skiff-layer", error);
	if (!program)
		return NULL;
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) < 0)
		return error_set_errno_null(error, "cannot make a pipe");
	autofd read_end = ends[0];
	autofd write_end = ends[1];
	bool is_root = false;
	g_autoptr(IdMap) map = options->userns_fd > 0 ? NULL
			       : options->map         ? idmap_copy(options->map)
						      : choose_map(&is_root);

	g_autoptr(GPtrArray) argv = g_ptr_array_new();
	g_ptr_array_add(argv, (char *)"skiff-layer");
	g_ptr_array_add(argv, (char *)options->args[0]);
	if (options->dir_path) {
		g_ptr_array_add(argv, (char *)"--layer");
		g_ptr_array_add(argv, (char *)options->dir_path);
	}
	if (map && idmap_is_single(map))
		g_ptr_array_add(argv, (char *)"--single-id");
	for (size_t i = 1; options->args[i]; i++)
		g_ptr_array_add(argv, (char *)options->args[i]);
	g_ptr_array_add(argv, NULL);
	const char *const env[] = {"LC_ALL=C", NULL};
	const int fds[] = {options->dir_fd, write_end, options->extra_fd};
	Spawn spawn = {
		.argv = (const char *const *)argv->pdata,
		.program = program,
		.envp = env,
		.stdin_fd = options->stdin_fd,
		.stdout_fd = options->stdout_fd,
		.fds = fds,
		.n_fds = options->extra_fd > 0 ? 3 : 2,
	};
	pid_t pid = options->userns_fd > 0
			    ? userns_fork_join(options->userns_fd, NAMESPACES, exec_child, &spawn,
					       NULL, error)
			    : userns_fork_new(map, NAMESPACES, exec_child, &spawn, NULL, error);
	if (pid < 0)
		return NULL;
	LayerChild *child = g_new0(LayerChild, 1);
	child->pid = pid;
	child->report_fd = fd_steal(&read_end);
	return child;
}

/* Turn the child's own error into ours. The text was written by a jailed process: it is only a
 * text. */
static bool take_error(Json *json, GError **error)
{
	int64_t code = ENGINE_ERROR_CORRUPT;
	const char *message = NULL;
	if (!js_get_int(json, "error", 0, ENGINE_ERROR_SYSTEM + 64, &code, error) ||
	    !js_get_string(json, "message", &message, error))
		return false;
	return error_set(error, (ErrorCode)code, "%s", message ? message : "unpacking failed");
}

/* The child has read hostile bytes: its report is checked as such. */
static bool take_numbers(Json *json, LayerReport *out, GError **error)
{
	int64_t numbers[5] = {0};
	static const char *const names[] = {"size", "entries", "devices", "xattrs", "deferred"};
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
		if (!js_get_int(json, names[i], 0, INT64_MAX, &numbers[i], error))
			return false;
	*out = (LayerReport){
		.size = (uint64_t)numbers[0],
		.entries = (uint64_t)numbers[1],
		.devices = (uint64_t)numbers[2],
		.xattrs = (uint64_t)numbers[3],
		.deferred = (uint64_t)numbers[4],
	};
	return true;
}

/* Reap. Return: the wait status. */
static int reap(LayerChild *child)
{
	int status = 0;
	while (waitpid(child->pid, &status, 0) < 0 && errno == EINTR)
		;
	child->pid = -1;
	return status;
}

Json *layer_child_wait_report(LayerChild *child, GError **error)
{
	size_t size = 0;
	g_autofree char *text = fd_read_all(child->report_fd, REPORT_MAX, &size, error);
	if (!text)
		(void)kill(child->pid, SIGKILL);
	int status = reap(child);
	if (!text)
		return NULL;
	if (size == 0 && WIFSIGNALED(status))
		return error_set_null(error, ENGINE_ERROR_CORRUPT,
				      "unpacking was ended by signal %d (limits of the jail)",
				      WTERMSIG(status));
	if (size == 0)
		return error_set_null(error, ENGINE_ERROR_SYSTEM,
				      "skiff-layer ended with code %d and no report",
				      WEXITSTATUS(status));
	g_autoptr(Json) json = js_parse(text, size, "report of skiff-layer", error);
	bool ok = false;
	if (!json || !js_get_bool(json, "ok", &ok, error) || (!ok && !take_error(json, error)))
		return NULL;
	return g_steal_pointer(&json);
}

bool layer_child_wait(LayerChild *child, LayerReport *out_report, GError **error)
{
	LayerReport report = {0};
	g_autoptr(Json) json = layer_child_wait_report(child, error);
	if (!json || !take_numbers(json, &report, error))
		return false;
	if (out_report)
		*out_report = report;
	return true;
}

void layer_child_free(LayerChild *child)
{
	if (!child)
		return;
	if (child->pid > 0) {
		(void)kill(child->pid, SIGKILL);
		(void)reap(child);
	}
	fd_close(&child->report_fd);
	g_free(child);
}
