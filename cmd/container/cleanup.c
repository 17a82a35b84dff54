/* SPDX-License-Identifier: Apache-2.0 */
/*
 * container cleanup: what a monitor becomes when its container has ended.
 */
#include "cmd/commands.h"
#include "cmd/engine_open.h"
#include "libpod/container.h"

typedef struct {
	uint64_t code;
} CleanupOptions;

static const Option options[] = {
	{0, "exit-code", OPTION_VALUE, option_set_uint, "CODE",
	 "Exit with this: for a service manager it is the container's",
	 offsetof(CleanupOptions, code), 0},
	{0},
};

static const OptionGroup group = {NULL, options};

static int cmd_cleanup(Invocation *inv)
{
	CleanupOptions opts = {0};
	g_autoptr(GError) error = NULL;
	if (!command_parse(inv, (void *[]){&opts}))
		return inv->status;
	g_autoptr(Engine) engine = command_engine(inv, true, &error);
	if (!engine || !container_cleanup(engine, command_arg(inv, 0), command_arg(inv, 1), &error))
		return command_fail(error);
	return (int)(opts.code & 0xff);
}

const Command cleanup_command = {
	.paths = (const char *const[]){"container cleanup", NULL},
	.usage = "CONTAINER [POD]",
	.summary = "Put a container's records right after its end",
	.description = "Records how a container ended and removes it if it was made with --rm. The "
		       "monitor "
		       "runs this itself.",
	.min_args = 1,
	.max_args = 2,
	.groups = (const OptionGroup *const[]){&group, NULL},
	.arg = COMMAND_ARG_CONTAINER,
	.flags = COMMAND_HIDDEN,
	.run = cmd_cleanup,
};
