/* SPDX-License-Identifier: Apache-2.0 */
/*
 * container cleanup: what a monitor becomes when its container has ended.
 */
#include "cmd/commands.h"
#include "cmd/engine_open.h"
#include "libpod/container.h"

static int cmd_cleanup(Invocation *inv)
{
	g_autoptr(GError) error = NULL;
	if (!command_parse(inv, NULL))
		return inv->status;
	g_autoptr(Engine) engine = command_engine(inv, true, &error);
	if (!engine || !container_cleanup(engine, command_arg(inv, 0), &error))
		return command_fail(error);
	return 0;
}

const Command cleanup_command = {
	.paths = (const char *const[]){"container cleanup", NULL},
	.usage = "CONTAINER",
	.summary = "Put a container's records right after its end",
	.description = "Records how a container ended and removes it if it was made with --rm. The "
		       "monitor "
		       "runs this itself.",
	.min_args = 1,
	.max_args = 1,
	.arg = COMMAND_ARG_CONTAINER,
	.flags = COMMAND_HIDDEN,
	.run = cmd_cleanup,
};
