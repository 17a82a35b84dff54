/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rename: another name for a container.
 */
#include "cmd/commands.h"
#include "cmd/engine_open.h"
#include "libpod/container.h"

static int cmd_rename(Invocation *inv)
{
	g_autoptr(GError) error = NULL;
	if (!command_parse(inv, NULL))
		return inv->status;
	g_autoptr(Engine) engine = command_engine(inv, false, &error);
	g_autoptr(Container) ctr =
		engine ? container_resolve(engine, command_arg(inv, 0), &error) : NULL;
	if (!ctr || !container_rename(ctr, command_arg(inv, 1), &error))
		return command_fail(error);
	return 0;
}

const Command rename_command = {
	.paths = (const char *const[]){"rename", "container rename", NULL},
	.usage = "CONTAINER NAME",
	.summary = "Rename a container",
	.description = "Gives a container another name, also while it runs.",
	.examples = (const char *const[]){"skiff rename web web-old", NULL},
	.min_args = 2,
	.max_args = 2,
	.arg = COMMAND_ARG_CONTAINER,
	.run = cmd_rename,
};
