/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kill: send a signal to containers.
 */
#include "cmd/commands.h"
#include "cmd/container/selection.h"
#include "libpod/signals.h"

typedef struct {
	const char *signal;
} KillOptions;

static const Option options[] = {
	{'s', "signal", OPTION_VALUE, option_set_string, "SIGNAL", "Name or number (default KILL)",
	 offsetof(KillOptions, signal), OPTION_COMMON},
	{0},
};

static const OptionGroup group = {NULL, options};

static bool is_running(const ContainerSummary *summary)
{
	return summary->state == CONTAINER_RUNNING || summary->state == CONTAINER_PAUSED;
}

static bool kill_one(Container *ctr, void *data, GError **error)
{
	return container_kill(ctr, *(const int *)data, error);
}

/* --all leaves out what does not run; a name that does not is an error. */
static int cmd_kill(Invocation *inv)
{
	KillOptions opts = {.signal = "KILL"};
	g_auto(Selection) selection = {0};
	g_autoptr(GError) error = NULL;
	int signum = 0;
	if (!command_parse(inv, (void *[]){&opts, &selection}))
		return inv->status;
	if (!selection_check(&selection, inv, NULL, &error) ||
	    !signals_parse(opts.signal, &signum, &error))
		return command_fail(error);
	const SelectionTask task = {.work = kill_one, .data = &signum, .wanted = is_running};
	return selection_run(&selection, inv, &task);
}

const Command kill_command = {
	.paths = (const char *const[]){"kill", "container kill", NULL},
	.usage = "[options] CONTAINER [CONTAINER...]",
	.summary = "Send a signal to running containers",
	.description =
		"Sends SIGKILL, or the signal given, to the first process of each container.",
	.examples = (const char *const[]){"skiff kill web", "skiff kill -s HUP web", NULL},
	.max_args = -1,
	.groups = (const OptionGroup *const[]){&group, &selection_group, NULL},
	.arg = COMMAND_ARG_CONTAINER_RUNNING,
	.more_args = COMMAND_ARG_CONTAINER_RUNNING,
	.run = cmd_kill,
};
