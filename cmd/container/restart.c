/* SPDX-License-Identifier: Apache-2.0 */
/*
 * restart: stop what runs, then start.
 */
#include "cmd/commands.h"
#include "cmd/container/selection.h"
#include "libpod/base/error.h"
#include "libpod/pod.h"

typedef struct {
	Selection selection; /* first: the shared group writes there too */
	bool running;
	int64_t timeout; /* seconds */
} RestartOptions;

static const Option options[] = {
	{'t', "time", OPTION_VALUE, option_set_int, "SECONDS",
	 "How long to wait before killing, -1 for ever (default: the container's, else 10)",
	 offsetof(RestartOptions, timeout), OPTION_COMMON},
	{0, "running", OPTION_FLAG, option_set_flag, NULL, "Only containers that run",
	 offsetof(RestartOptions, running), OPTION_COMMON},
	{'f', "filter", OPTION_LIST, option_set_list, "KEY=VALUE", "Containers that match",
	 offsetof(RestartOptions, selection.filters), OPTION_HIDDEN},
	{0},
};

static const OptionGroup group = {NULL, options};

/* The pod that ends with its last member; NULL if the container is in none. */
static Pod *ending_pod(const Container *ctr)
{
	const char *name = container_summary(ctr)->pod;
	g_autoptr(Pod) pod = name ? pod_lookup(container_engine(ctr), name, NULL) : NULL;
	return pod && pod->exit_policy == POD_EXIT_STOP ? g_steal_pointer(&pod) : NULL;
}

static void begin_one(Container *ctr, void *data)
{
	const RestartOptions *opts = data;
	g_autoptr(Pod) pod = ending_pod(ctr);
	if (!pod)
		container_stop_begin(ctr,
				     &(ContainerStop){.timeout_s = selection_time(opts->timeout)});
}

static bool restart_one(Container *ctr, void *data, GError **error)
{
	const RestartOptions *opts = data;
	if (container_summary(ctr)->state == CONTAINER_PAUSED)
		return error_set(error, ENGINE_ERROR_BAD_STATE,
				 "unable to restart a container in a paused or unknown state: "
				 "container state improper");
	if (opts->running && container_summary(ctr)->state != CONTAINER_RUNNING)
		return false;
	const ContainerStop stop = {.timeout_s = selection_time(opts->timeout)};
	g_autoptr(Pod) pod = ending_pod(ctr);
	return pod ? pod_restart_member(container_engine(ctr), pod, ctr, &stop, error)
		   : container_stop(ctr, &stop, error) &&
			       container_start(ctr, &(ContainerStart){.detached = true}, NULL,
					       error);
}

static int restart(RestartOptions *opts, Invocation *inv)
{
	g_autoptr(GError) error = NULL;
	if (opts->running && command_n_args(inv) == 0)
		opts->selection.all = true;
	if (!selection_check(&opts->selection, inv, NULL, &error))
		return command_fail(error);
	return selection_run(&opts->selection, inv,
			     &(SelectionTask){.begin = begin_one,
					      .work = restart_one,
					      .data = opts,
					      .wanted = selection_is_no_infra});
}

static int cmd_restart(Invocation *inv)
{
	RestartOptions opts = {.timeout = SELECTION_TIME_UNSET};
	int status = command_parse(inv, (void *[]){&opts, &opts.selection}) ? restart(&opts, inv)
									    : inv->status;
	selection_clear(&opts.selection);
	return status;
}

const Command restart_command = {
	.paths = (const char *const[]){"restart", "container restart", NULL},
	.usage = "[options] CONTAINER [CONTAINER...]",
	.summary = "Stop and start containers again",
	.description = "Stops the containers that run, then starts all that were named.",
	.examples = (const char *const[]){"skiff restart web", "skiff restart --running", NULL},
	.max_args = -1,
	.groups = (const OptionGroup *const[]){&group, &selection_group, NULL},
	.arg = COMMAND_ARG_CONTAINER,
	.more_args = COMMAND_ARG_CONTAINER,
	.run = cmd_restart,
};
