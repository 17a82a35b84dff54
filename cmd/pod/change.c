/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pod start, stop, restart, kill, pause, unpause: what is done with all containers of pods.
 */
#include "cmd/commands.h"
#include "cmd/container/selection.h"
#include "cmd/pod/pods.h"
#include "libpod/base/error.h"
#include "libpod/signals.h"

typedef struct {
	PodSelection selection; /* first: the shared groups write there */
	int64_t timeout;        /* seconds */
	const char *signal;
	int signum;
} ChangeOptions;

static const Option stop_options[] = {
	{'i', "ignore", OPTION_FLAG, option_set_flag, NULL, "Don't mind missing pods",
	 offsetof(ChangeOptions, selection.ignore), OPTION_COMMON},
	{'t', "time", OPTION_VALUE, option_set_int, "SECONDS",
	 "How long to wait before killing (default: each container's, else 10)",
	 offsetof(ChangeOptions, timeout), OPTION_COMMON},
	{0},
};

static const OptionGroup stop_group = {NULL, stop_options};

static const Option kill_options[] = {
	{'s', "signal", OPTION_VALUE, option_set_string, "SIGNAL", "Name or number (default KILL)",
	 offsetof(ChangeOptions, signal), OPTION_COMMON},
	{0},
};

static const OptionGroup kill_group = {NULL, kill_options};

static bool start(Engine *engine, const Pod *pod, void *data, GPtrArray *errors)
{
	return pod_start(engine, pod, errors);
}

static bool stop(Engine *engine, const Pod *pod, void *data, GPtrArray *errors)
{
	const ChangeOptions *opts = data;
	return pod_stop(engine, pod, selection_time(opts->timeout), errors);
}

static bool restart(Engine *engine, const Pod *pod, void *data, GPtrArray *errors)
{
	return pod_restart(engine, pod, errors);
}

static bool kill_all(Engine *engine, const Pod *pod, void *data, GPtrArray *errors)
{
	const ChangeOptions *opts = data;
	return pod_kill(engine, pod, opts->signum, errors);
}

static bool freeze(Engine *engine, const Pod *pod, void *data, GPtrArray *errors)
{
	return pod_pause(engine, pod, true, errors);
}

static bool thaw(Engine *engine, const Pod *pod, void *data, GPtrArray *errors)
{
	return pod_pause(engine, pod, false, errors);
}

/* What they have in common; the groups of a verb all write to one ChangeOptions. */
static int change(Invocation *inv, PodWork work)
{
	ChangeOptions opts = {.timeout = SELECTION_TIME_UNSET, .signal = "KILL"};
	g_autoptr(GError) error = NULL;
	int status;
	if (!command_parse(inv, (void *[]){&opts, &opts, &opts}))
		status = inv->status;
	else if (!signals_parse(opts.signal, &opts.signum, &error))
		status = command_fail(error);
	else
		status = pod_selection_run(&opts.selection, inv,
					   &(PodTask){.work = work, .data = &opts});
	pod_selection_clear(&opts.selection);
	return status;
}

static int cmd_pod_start(Invocation *inv)
{
	return change(inv, start);
}

static int cmd_pod_stop(Invocation *inv)
{
	return change(inv, stop);
}

static int cmd_pod_restart(Invocation *inv)
{
	return change(inv, restart);
}

static int cmd_pod_kill(Invocation *inv)
{
	return change(inv, kill_all);
}

static int cmd_pod_pause(Invocation *inv)
{
	return change(inv, freeze);
}

static int cmd_pod_unpause(Invocation *inv)
{
	return change(inv, thaw);
}

const Command pod_start_command = {
	.paths = (const char *const[]){"pod start", NULL},
	.usage = "[options] POD [POD...]",
	.summary = "Start all containers of pods",
	.description = "Starts what does not run of each pod, its infra container first. "
		       "Members that lost their infra container are started anew.",
	.examples = (const char *const[]){"skiff pod start web", "skiff pod start --all", NULL},
	.max_args = -1,
	.groups = (const OptionGroup *const[]){&pod_selection_group, &pod_id_file_group, NULL},
	.arg = COMMAND_ARG_POD,
	.more_args = COMMAND_ARG_POD,
	.run = cmd_pod_start,
};

const Command pod_stop_command = {
	.paths = (const char *const[]){"pod stop", NULL},
	.usage = "[options] POD [POD...]",
	.summary = "Stop all containers of pods",
	.description = "Stops all containers of each pod side by side, then its infra container.",
	.examples = (const char *const[]){"skiff pod stop web", "skiff pod stop -t 2 --all", NULL},
	.max_args = -1,
	.groups = (const OptionGroup *const[]){&stop_group, &pod_selection_group,
					       &pod_id_file_group, NULL},
	.arg = COMMAND_ARG_POD,
	.more_args = COMMAND_ARG_POD,
	.run = cmd_pod_stop,
};

const Command pod_restart_command = {
	.paths = (const char *const[]){"pod restart", NULL},
	.usage = "[options] POD [POD...]",
	.summary = "Stop and start all containers of pods",
	.description = "Stops what runs of each pod, then starts all of it.",
	.examples = (const char *const[]){"skiff pod restart web", NULL},
	.max_args = -1,
	.groups = (const OptionGroup *const[]){&pod_selection_group, NULL},
	.arg = COMMAND_ARG_POD,
	.more_args = COMMAND_ARG_POD,
	.run = cmd_pod_restart,
};

const Command pod_kill_command = {
	.paths = (const char *const[]){"pod kill", NULL},
	.usage = "[options] POD [POD...]",
	.summary = "Send a signal to all containers of pods",
	.description = "Sends SIGKILL, or the signal given, to the first process of each container "
		       "of each pod, the infra container included.",
	.examples = (const char *const[]){"skiff pod kill web", "skiff pod kill -s HUP web", NULL},
	.max_args = -1,
	.groups = (const OptionGroup *const[]){&kill_group, &pod_selection_group, NULL},
	.arg = COMMAND_ARG_POD,
	.more_args = COMMAND_ARG_POD,
	.run = cmd_pod_kill,
};

const Command pod_pause_command = {
	.paths = (const char *const[]){"pod pause", NULL},
	.usage = "[options] POD [POD...]",
	.summary = "Pause all containers of pods",
	.description = "Stops the processes of all containers of each pod where they are, as "
		       "\"skiff pause\" does.",
	.examples = (const char *const[]){"skiff pod pause web", NULL},
	.max_args = -1,
	.groups = (const OptionGroup *const[]){&pod_selection_group, NULL},
	.arg = COMMAND_ARG_POD,
	.more_args = COMMAND_ARG_POD,
	.run = cmd_pod_pause,
};

const Command pod_unpause_command = {
	.paths = (const char *const[]){"pod unpause", NULL},
	.usage = "[options] POD [POD...]",
	.summary = "Let the containers of paused pods go on",
	.description = "Lets the processes of all paused containers of each pod go on.",
	.examples = (const char *const[]){"skiff pod unpause web", NULL},
	.max_args = -1,
	.groups = (const OptionGroup *const[]){&pod_selection_group, NULL},
	.arg = COMMAND_ARG_POD,
	.more_args = COMMAND_ARG_POD,
	.run = cmd_pod_unpause,
};
