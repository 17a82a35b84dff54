/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pod rm and pod prune: remove pods with all their containers.
 */
#include <string.h>

#include "cmd/commands.h"
#include "cmd/confirm.h"
#include "cmd/container/selection.h"
#include "cmd/engine_open.h"
#include "cmd/output.h"
#include "cmd/pod/pods.h"
#include "libpod/base/error.h"

typedef struct {
	PodSelection selection; /* first: the shared groups write there */
	bool force;
	int64_t timeout; /* seconds */
} PodRmOptions;

static const Option options[] = {
	{'f', "force", OPTION_FLAG, option_set_flag, NULL,
	 "Stop running containers first, and don't mind missing pods",
	 offsetof(PodRmOptions, force), OPTION_COMMON},
	{'i', "ignore", OPTION_FLAG, option_set_flag, NULL, "Don't mind missing pods",
	 offsetof(PodRmOptions, selection.ignore), OPTION_COMMON},
	{'t', "time", OPTION_VALUE, option_set_int, "SECONDS",
	 "With --force: how long to wait before killing", offsetof(PodRmOptions, timeout),
	 OPTION_COMMON},
	{0},
};

static const OptionGroup group = {NULL, options};

static bool remove_one(Engine *engine, const Pod *pod, void *data, GPtrArray *errors)
{
	const PodRmOptions *opts = data;
	GError *failed = NULL;
	const PodRemove remove = {.force = opts->force, .timeout_s = selection_time(opts->timeout)};
	if (pod_remove(engine, pod, &remove, &failed))
		return true;
	/* Somebody was faster. */
	if (opts->selection.ignore && error_matches(failed, ENGINE_ERROR_NOT_FOUND))
		g_error_free(failed);
	else
		g_ptr_array_add(errors, failed);
	return false;
}

/* podman's code for a missing pod. */
static int exit_code(const GError *error)
{
	return error_matches(error, ENGINE_ERROR_NOT_FOUND) ? 1 : error_exit_code(error);
}

/* --force implies --ignore. */
static int cmd_pod_rm(Invocation *inv)
{
	PodRmOptions opts = {.timeout = SELECTION_TIME_UNSET};
	g_autoptr(GError) error = NULL;
	int status = 0;
	bool parsed = command_parse(inv, (void *[]){&opts, &opts, &opts});
	if (parsed && opts.timeout != SELECTION_TIME_UNSET && !opts.force)
		error_set(&error, ENGINE_ERROR_INVALID,
			  "--force option must be specified to use the --time option");
	opts.selection.ignore |= opts.force;
	if (!parsed)
		status = inv->status;
	else if (error)
		status = command_fail(error);
	else
		status = pod_selection_run(
			&opts.selection, inv,
			&(PodTask){.work = remove_one, .data = &opts, .exit_code = exit_code});
	pod_selection_clear(&opts.selection);
	return status;
}

const Command pod_rm_command = {
	.paths = (const char *const[]){"pod rm", NULL},
	.usage = "[options] POD [POD...]",
	.summary = "Remove pods and their containers",
	.description = "Removes pods with all their containers, none of which may be running "
		       "unless --force is given.",
	.examples = (const char *const[]){"skiff pod rm web", "skiff pod rm -f web",
					  "skiff pod rm --all", NULL},
	.max_args = -1,
	.groups = (const OptionGroup *const[]){&group, &pod_selection_group, &pod_id_file_group,
					       NULL},
	.arg = COMMAND_ARG_POD,
	.more_args = COMMAND_ARG_POD,
	.run = cmd_pod_rm,
};

typedef struct {
	bool force;
} PruneOptions;

static const Option prune_options[] = {
	{'f', "force", OPTION_FLAG, option_set_flag, NULL, "Do not ask",
	 offsetof(PruneOptions, force), OPTION_COMMON},
	{0},
};

static const OptionGroup prune_group = {NULL, prune_options};

/* Nothing of it runs, and something did. */
bool pod_is_prunable(const GPtrArray *members)
{
	const char *status = pod_status(members);
	return strcmp(status, "Exited") == 0 || strcmp(status, "Stopped") == 0;
}

int pods_prune(Engine *engine)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GPtrArray) pods = pods_list(engine, &error);
	int status = 0;
	for (guint i = 0; pods && i < pods->len; i++) {
		const Pod *pod = pods->pdata[i];
		const PodRemove remove = {.timeout_s = -1};
		g_autoptr(GError) failed = NULL;
		g_autoptr(GPtrArray) members = pod_members(engine, pod, &failed);
		if (members && !pod_is_prunable(members))
			continue;
		if (members && pod_remove(engine, pod, &remove, &failed))
			output_printf("%s\n", pod->id);
		/* It was started or removed meanwhile, or others need it. */
		else if (!error_matches(failed, ENGINE_ERROR_BAD_STATE) &&
			 !error_matches(failed, ENGINE_ERROR_EXISTS) &&
			 !error_matches(failed, ENGINE_ERROR_NOT_FOUND))
			status = command_fail(failed);
	}
	return pods ? status : command_fail(error);
}

static int cmd_pod_prune(Invocation *inv)
{
	PruneOptions opts = {0};
	g_autoptr(GError) error = NULL;
	if (!command_parse(inv, (void *[]){&opts}))
		return inv->status;
	g_autoptr(Engine) engine = command_engine(inv, false, &error);
	if (!engine)
		return command_fail(error);
	if (!opts.force &&
	    !confirm_ask("WARNING! This will remove all stopped/exited pods..", &error))
		return error ? command_fail(error) : 0;
	return pods_prune(engine);
}

const Command pod_prune_command = {
	.paths = (const char *const[]){"pod prune", NULL},
	.usage = "[options]",
	.summary = "Remove all pods that have ended",
	.description = "Removes all pods of which nothing runs any more, and prints their ids. "
		       "Pods that were never started stay.",
	.examples = (const char *const[]){"skiff pod prune -f", NULL},
	.max_args = 0,
	.groups = (const OptionGroup *const[]){&prune_group, NULL},
	.run = cmd_pod_prune,
};
