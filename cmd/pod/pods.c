/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/pod/pods.h"

#include <fcntl.h>
#include <string.h>

#include "cmd/engine_open.h"
#include "cmd/output.h"
#include "libpod/base/error.h"
#include "libpod/base/fd.h"

#define ID_FILE_MAX 4096

static const Option options[] = {
	{'a', "all", OPTION_FLAG, option_set_flag, NULL, "All pods", offsetof(PodSelection, all),
	 OPTION_COMMON},
	{'l', "latest", OPTION_FLAG, option_set_flag, NULL, "The pod created last",
	 offsetof(PodSelection, latest), OPTION_COMMON},
	{0},
};

const OptionGroup pod_selection_group = {NULL, options};

static const Option id_file_options[] = {
	{0, "pod-id-file", OPTION_LIST, option_set_list, "FILE", "The pod whose id is in a file",
	 offsetof(PodSelection, id_files), OPTION_COMMON},
	{0},
};

const OptionGroup pod_id_file_group = {NULL, id_file_options};

void pod_selection_clear(PodSelection *selection)
{
	g_clear_pointer(&selection->id_files, g_ptr_array_unref);
}

char *pod_id_file_read(const char *path, GError **error)
{
	autofd file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (file < 0) {
		error_set_errno_go(error, "error reading pod ID file: open %s", path);
		return NULL;
	}
	char *text = fd_read_all(file, ID_FILE_MAX, NULL, error);
	if (text)
		text[strcspn(text, "\r\n")] = '\0';
	return text;
}

/* podman's rules on what goes together. */
static bool check(const PodSelection *selection, const Invocation *inv, GError **error)
{
	size_t n = command_n_args(inv);
	if (selection->all && selection->latest)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "--all and --latest cannot be used together");
	if (n > 0 && selection->all)
		return error_set(error, ENGINE_ERROR_INVALID, "no arguments are needed with --all");
	if (n > 0 && selection->latest)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "--latest and pods cannot be used together");
	if (selection->id_files && (selection->all || selection->latest))
		return error_set(error, ENGINE_ERROR_INVALID,
				 "--all, --latest, and --pod-id-file cannot be used together");
	return n > 0 || selection->all || selection->latest || selection->id_files ||
	       error_set(error, ENGINE_ERROR_INVALID, "you must provide at least one name or id");
}

/* One pod that was named; a missing one may be ignored. */
static bool add_name(GPtrArray *pods, const PodSelection *selection, Engine *engine,
		     const char *name, GError **error)
{
	g_autoptr(GError) failed = NULL;
	Pod *pod = pod_resolve(engine, name, &failed);
	if (pod)
		g_ptr_array_add(pods, pod);
	if (!failed || (selection->ignore && error_matches(failed, ENGINE_ERROR_NOT_FOUND)))
		return true;
	g_propagate_error(error, g_steal_pointer(&failed));
	return false;
}

static bool add_id_file(GPtrArray *pods, const PodSelection *selection, Engine *engine,
			const char *path, GError **error)
{
	g_autoptr(GError) failed = NULL;
	g_autofree char *id = pod_id_file_read(path, &failed);
	if (id)
		return add_name(pods, selection, engine, id, error);
	if (selection->ignore && error_matches(failed, ENGINE_ERROR_NOT_FOUND))
		return true;
	g_propagate_error(error, g_steal_pointer(&failed));
	return false;
}

/* The pods, in the order they were named. One that is missing is enough for nothing to be done. */
static GPtrArray *resolve(const PodSelection *selection, const Invocation *inv, Engine *engine,
			  GError **error)
{
	if (selection->all)
		return pods_list(engine, error);
	g_autoptr(GPtrArray) pods = g_ptr_array_new_with_free_func((GDestroyNotify)pod_free);
	if (selection->latest) {
		Pod *pod = pod_latest(engine, error);
		if (!pod)
			return NULL;
		g_ptr_array_add(pods, pod);
	}
	for (size_t i = 0; i < command_n_args(inv); i++)
		if (!add_name(pods, selection, engine, command_arg(inv, i), error))
			return NULL;
	for (guint i = 0; selection->id_files && i < selection->id_files->len; i++)
		if (!add_id_file(pods, selection, engine, selection->id_files->pdata[i], error))
			return NULL;
	return g_steal_pointer(&pods);
}

static int fail(const PodTask *task, const GError *error)
{
	output_error(error);
	return task->exit_code ? task->exit_code(error) : error_exit_code(error);
}

/* Work on one and say how it went. Return: exit code. */
static int run_one(Engine *engine, const Pod *pod, const PodTask *task)
{
	g_autoptr(GPtrArray) errors = g_ptr_array_new_with_free_func((GDestroyNotify)g_error_free);
	int status = 0;
	if (task->work(engine, pod, task->data, errors))
		output_printf("%s\n", pod->id);
	for (guint i = 0; i < errors->len; i++)
		status = fail(task, errors->pdata[i]);
	return status;
}

int pod_selection_run(const PodSelection *selection, const Invocation *inv, const PodTask *task)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(Engine) engine =
		check(selection, inv, &error) ? command_engine(inv, false, &error) : NULL;
	if (!engine)
		return command_fail(error);
	g_autoptr(GPtrArray) pods = resolve(selection, inv, engine, &error);
	if (!pods)
		return fail(task, error);
	int status = 0;
	for (guint i = 0; i < pods->len; i++) {
		int code = run_one(engine, pods->pdata[i], task);
		status = code ? code : status;
	}
	return status;
}
