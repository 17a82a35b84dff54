/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pause and unpause: stop all processes of containers for a while.
 */
#include "cmd/commands.h"
#include "cmd/container/selection.h"
#include "libpod/base/error.h"

static const Option options[] = {
	{'a', "all", OPTION_FLAG, option_set_flag, NULL, "All containers that run, or are paused",
	 offsetof(Selection, all), OPTION_COMMON},
	{'l', "latest", OPTION_FLAG, option_set_flag, NULL, "The container created last",
	 offsetof(Selection, latest), OPTION_COMMON},
	{'f', "filter", OPTION_LIST, option_set_list, "KEY=VALUE",
	 "Containers that match: name, id, label, status, ancestor, ...",
	 offsetof(Selection, filters), OPTION_COMMON},
	{0, "cidfile", OPTION_LIST, option_set_list, "FILE", "The container whose id is in a file",
	 offsetof(Selection, cidfiles), OPTION_COMMON},
	{0},
};

static const OptionGroup group = {NULL, options};

static bool is_running(const ContainerSummary *summary)
{
	return summary->state == CONTAINER_RUNNING;
}

static bool is_paused(const ContainerSummary *summary)
{
	return summary->state == CONTAINER_PAUSED;
}

static bool pause_one(Container *ctr, void *data, GError **error)
{
	return container_pause(ctr, *(const bool *)data, error);
}

/* What the host cannot do is said before any container is looked for, as podman does. */
static int change(Invocation *inv, bool pause)
{
	g_auto(Selection) selection = {0};
	g_autoptr(GError) error = NULL;
	if (!command_parse(inv, (void *[]){&selection}))
		return inv->status;
	if (!selection_check(&selection, inv, NULL, &error) ||
	    !container_pause_check(pause, &error))
		return command_fail(error);
	const SelectionTask task = {
		.work = pause_one, .data = &pause, .wanted = pause ? is_running : is_paused};
	return selection_run(&selection, inv, &task);
}

static int cmd_pause(Invocation *inv)
{
	return change(inv, true);
}

static int cmd_unpause(Invocation *inv)
{
	return change(inv, false);
}

const Command pause_command = {
	.paths = (const char *const[]){"pause", "container pause", NULL},
	.usage = "[options] CONTAINER [CONTAINER...]",
	.summary = "Pause running containers",
	.description =
		"Stops all processes of each container where they are, by the freezer of its "
		"cgroup. Without a cgroup of its own a container cannot be paused: start it "
		"with a limit or with --cgroups=enabled.",
	.examples = (const char *const[]){"skiff pause web", "skiff pause --all", NULL},
	.max_args = -1,
	.groups = (const OptionGroup *const[]){&group, NULL},
	.arg = COMMAND_ARG_CONTAINER_RUNNING,
	.more_args = COMMAND_ARG_CONTAINER_RUNNING,
	.run = cmd_pause,
};

const Command unpause_command = {
	.paths = (const char *const[]){"unpause", "container unpause", NULL},
	.usage = "[options] CONTAINER [CONTAINER...]",
	.summary = "Let paused containers go on",
	.description = "Lets the processes of each paused container go on where they were stopped.",
	.examples = (const char *const[]){"skiff unpause web", "skiff unpause --all", NULL},
	.max_args = -1,
	.groups = (const OptionGroup *const[]){&group, NULL},
	.arg = COMMAND_ARG_CONTAINER,
	.more_args = COMMAND_ARG_CONTAINER,
	.run = cmd_unpause,
};
