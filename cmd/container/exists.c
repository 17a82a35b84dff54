/* SPDX-License-Identifier: Apache-2.0 */
/*
 * container exists: is there such a container?
 */
#include "cmd/commands.h"
#include "cmd/engine_open.h"
#include "libpod/container.h"

/* podman also asks its storage with --external; ours holds no other containers. */
static const Option options[] = {
	{'e', "external", OPTION_FLAG, option_set_ignored, NULL,
	 "Accepted for podman's sake: skiff's store holds no other containers", 0, 0},
	{0},
};

static const OptionGroup group = {NULL, options};

/* 1 is an answer, not a failure: nothing is printed. */
static int cmd_container_exists(Invocation *inv)
{
	g_autoptr(GError) error = NULL;
	if (!command_parse(inv, (void *[]){NULL}))
		return inv->status;
	g_autoptr(Engine) engine = command_engine(inv, true, &error);
	if (!engine)
		return command_fail(error);
	g_autoptr(Container) ctr = container_lookup(engine, command_arg(inv, 0), &error);
	if (error)
		return command_fail(error);
	return ctr ? 0 : 1;
}

const Command container_exists_command = {
	.paths = (const char *const[]){"container exists", NULL},
	.usage = "CONTAINER",
	.summary = "Tell by the exit code whether a container exists",
	.description = "Exits with 0 if there is such a container, with 1 if there is none.",
	.examples = (const char *const[]){"skiff container exists web && skiff stop web", NULL},
	.min_args = 1,
	.max_args = 1,
	.groups = (const OptionGroup *const[]){&group, NULL},
	.arg = COMMAND_ARG_CONTAINER,
	.run = cmd_container_exists,
};
