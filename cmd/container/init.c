/* SPDX-License-Identifier: Apache-2.0 */
/*
 * init: set containers up to the point where only their program is missing.
 */
#include "cmd/commands.h"
#include "cmd/container/selection.h"
#include "libpod/base/error.h"

static const Option options[] = {
	{'a', "all", OPTION_FLAG, option_set_flag, NULL, "All containers", offsetof(Selection, all),
	 OPTION_COMMON},
	{'l', "latest", OPTION_FLAG, option_set_flag, NULL, "The container created last",
	 offsetof(Selection, latest), OPTION_COMMON},
	{0},
};

static const OptionGroup group = {NULL, options};

/* With --all those that run already are no error. */
static bool init_one(Container *ctr, void *data, GError **error)
{
	const Selection *selection = data;
	g_autoptr(GError) failed = NULL;
	if (container_start(ctr, &(ContainerStart){.detached = true, .hold = true}, NULL, &failed))
		return true;
	if (selection->all && error_matches(failed, ENGINE_ERROR_BAD_STATE))
		return true;
	g_propagate_error(error, g_steal_pointer(&failed));
	return false;
}

static int cmd_init(Invocation *inv)
{
	g_auto(Selection) selection = {0};
	g_autoptr(GError) error = NULL;
	if (!command_parse(inv, (void *[]){&selection}))
		return inv->status;
	if (!selection_check(&selection, inv, NULL, &error))
		return command_fail(error);
	return selection_run(&selection, inv,
			     &(SelectionTask){.work = init_one, .data = &selection});
}

const Command init_command = {
	.paths = (const char *const[]){"init", "container init", NULL},
	.usage = "[options] CONTAINER [CONTAINER...]",
	.summary = "Set up containers without starting their programs",
	.description = "Mounts, networks and namespaces of each container are made as by a start, "
		       "and can be looked at; \"skiff start\" then executes its program.",
	.examples = (const char *const[]){"skiff init web", NULL},
	.max_args = -1,
	.groups = (const OptionGroup *const[]){&group, NULL},
	.arg = COMMAND_ARG_CONTAINER,
	.more_args = COMMAND_ARG_CONTAINER,
	.run = cmd_init,
};
