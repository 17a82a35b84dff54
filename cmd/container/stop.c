/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stop: end containers politely, then by force.
 */
#include "cmd/commands.h"
#include "cmd/container/selection.h"

typedef struct {
	Selection selection; /* first: the shared group writes there too */
	int64_t timeout;     /* seconds */
} StopOptions;

static const Option options[] = {
	{'t', "time", OPTION_VALUE, option_set_int, "SECONDS",
	 "How long to wait before killing, -1 for ever (default: the container's, else 10)",
	 offsetof(StopOptions, timeout), OPTION_COMMON},
	{'f', "filter", OPTION_LIST, option_set_list, "KEY=VALUE", "Containers that match",
	 offsetof(StopOptions, selection.filters), OPTION_HIDDEN},
	{0},
};

static const OptionGroup group = {NULL, options};

static void begin_one(Container *ctr, void *data)
{
	const StopOptions *opts = data;
	container_stop_begin(ctr, &(ContainerStop){.timeout_s = selection_time(opts->timeout)});
}

static bool stop_one(Container *ctr, void *data, GError **error)
{
	const StopOptions *opts = data;
	return container_stop(ctr, &(ContainerStop){.timeout_s = selection_time(opts->timeout)},
			      error);
}

/* All get their signal before the first is waited for. */
static int cmd_stop(Invocation *inv)
{
	StopOptions opts = {.timeout = SELECTION_TIME_UNSET};
	g_autoptr(GError) error = NULL;
	int status;
	if (!command_parse(inv, (void *[]){&opts, &opts.selection}))
		status = inv->status;
	else if (!selection_check(&opts.selection, inv, NULL, &error))
		status = command_fail(error);
	else
		status = selection_run(
			&opts.selection, inv,
			&(SelectionTask){.begin = begin_one, .work = stop_one, .data = &opts});
	selection_clear(&opts.selection);
	return status;
}

const Command stop_command = {
	.paths = (const char *const[]){"stop", "container stop", NULL},
	.usage = "[options] CONTAINER [CONTAINER...]",
	.summary = "Stop running containers",
	.description = "Sends each container its stop signal (usually SIGTERM), waits, and kills "
		       "what still "
		       "runs then.",
	.examples = (const char *const[]){"skiff stop web", "skiff stop -t 2 web db",
					  "skiff stop --all", NULL},
	.max_args = -1,
	.groups = (const OptionGroup *const[]){&group, &selection_group, NULL},
	.arg = COMMAND_ARG_CONTAINER_RUNNING,
	.more_args = COMMAND_ARG_CONTAINER_RUNNING,
	.run = cmd_stop,
};
