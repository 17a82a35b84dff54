/* SPDX-License-Identifier: Apache-2.0 */
/*
 * network exists: is there such a network?
 */
#include "cmd/commands.h"
#include "cmd/engine_open.h"
#include "libpod/base/error.h"
#include "libpod/named_network.h"

/* 1 is an answer, not a failure: nothing is printed. */
static int cmd_network_exists(Invocation *inv)
{
	g_autoptr(GError) error = NULL;
	if (!command_parse(inv, NULL))
		return inv->status;
	g_autoptr(Engine) engine = command_engine(inv, true, &error);
	if (!engine)
		return command_fail(error);
	g_autoptr(NamedNetwork) network =
		named_network_resolve(engine, command_arg(inv, 0), &error);
	if (error && !error_matches(error, ENGINE_ERROR_NOT_FOUND))
		return command_fail(error);
	return network ? 0 : 1;
}

const Command network_exists_command = {
	.paths = (const char *const[]){"network exists", NULL},
	.usage = "NETWORK",
	.summary = "Tell by the exit code whether a network exists",
	.description = "Exits with 0 if there is such a network, with 1 if there is none.",
	.examples =
		(const char *const[]){"skiff network exists web || skiff network create web", NULL},
	.min_args = 1,
	.max_args = 1,
	.arg = COMMAND_ARG_NETWORK,
	.run = cmd_network_exists,
};
