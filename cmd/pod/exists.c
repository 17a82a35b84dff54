/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pod exists: is there such a pod?
 */
#include "cmd/commands.h"
#include "cmd/engine_open.h"
#include "libpod/pod.h"

/* 1 is an answer, not a failure: nothing is printed. */
static int cmd_pod_exists(Invocation *inv)
{
	g_autoptr(GError) error = NULL;
	if (!command_parse(inv, NULL))
		return inv->status;
	g_autoptr(Engine) engine = command_engine(inv, true, &error);
	g_autoptr(Pod) pod = engine ? pod_lookup(engine, command_arg(inv, 0), &error) : NULL;
	if (error)
		return command_fail(error);
	return pod ? 0 : 1;
}

const Command pod_exists_command = {
	.paths = (const char *const[]){"pod exists", NULL},
	.usage = "POD",
	.summary = "Tell by the exit code whether a pod exists",
	.description = "Exits with 0 if there is such a pod, with 1 if there is none.",
	.examples = (const char *const[]){"skiff pod exists web", NULL},
	.min_args = 1,
	.max_args = 1,
	.arg = COMMAND_ARG_POD,
	.run = cmd_pod_exists,
};
