/* SPDX-License-Identifier: Apache-2.0 */
/*
 * network reload: see to what of the networks of containers was killed.
 */
#include "cmd/commands.h"
#include "cmd/container/selection.h"
#include "cmd/output.h"
#include "libpod/base/error.h"
#include "libpod/container_network.h"

static const Option options[] = {
	{'a', "all", OPTION_FLAG, option_set_flag, NULL, "All containers that run",
	 offsetof(Selection, all), OPTION_COMMON},
	{'l', "latest", OPTION_FLAG, option_set_flag, NULL, "The container created last",
	 offsetof(Selection, latest), OPTION_COMMON},
	{0},
};

static const OptionGroup group = {NULL, options};

static bool is_live(const ContainerSummary *summary)
{
	return summary->state == CONTAINER_RUNNING || summary->state == CONTAINER_PAUSED;
}

static bool reload_one(Container *ctr, void *data, GError **error)
{
	/* podman prints ids here, whatever was typed. */
	if (container_network_reload(ctr, error))
		output_text(container_summary(ctr)->id);
	return false;
}

static int cmd_network_reload(Invocation *inv)
{
	g_auto(Selection) selection = {0};
	g_autoptr(GError) error = NULL;
	if (!command_parse(inv, (void *[]){&selection}))
		return inv->status;
	if (!selection_check(&selection, inv, "you must provide at least one name or id", &error))
		return command_fail(error);
	const SelectionTask task = {.work = reload_one, .wanted = is_live};
	return selection_run(&selection, inv, &task);
}

const Command network_reload_command = {
	.paths = (const char *const[]){"network reload", NULL},
	.usage = "[options] [CONTAINER...]",
	.summary = "See to the networks of containers",
	.description = "Has the monitor of each container bring back at once what of its networks "
		       "was killed, which it would do by itself in a moment. There are no firewall "
		       "rules to be made again.",
	.examples = (const char *const[]){"skiff network reload web", "skiff network reload --all",
					  NULL},
	.max_args = -1,
	.groups = (const OptionGroup *const[]){&group, NULL},
	.arg = COMMAND_ARG_CONTAINER_RUNNING,
	.more_args = COMMAND_ARG_CONTAINER_RUNNING,
	.run = cmd_network_reload,
};
