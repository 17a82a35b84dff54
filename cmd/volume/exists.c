/* SPDX-License-Identifier: Apache-2.0 */
/*
 * volume exists: is there such a volume?
 */
#include "cmd/commands.h"
#include "cmd/engine_open.h"
#include "libpod/volume.h"

/* 1 is an answer, not a failure: nothing is printed. */
static int cmd_volume_exists(Invocation *inv)
{
	g_autoptr(GError) error = NULL;
	if (!command_parse(inv, NULL))
		return inv->status;
	g_autoptr(Engine) engine = command_engine(inv, true, &error);
	if (!engine)
		return command_fail(error);
	g_autoptr(Volume) volume = volume_lookup(engine, command_arg(inv, 0), &error);
	if (error)
		return command_fail(error);
	return volume ? 0 : 1;
}

const Command volume_exists_command = {
	.paths = (const char *const[]){"volume exists", NULL},
	.usage = "VOLUME",
	.summary = "Tell by the exit code whether a volume exists",
	.description = "Exits with 0 if there is such a volume, with 1 if there is none.",
	.examples =
		(const char *const[]){"skiff volume exists data || skiff volume create data", NULL},
	.min_args = 1,
	.max_args = 1,
	.arg = COMMAND_ARG_VOLUME,
	.run = cmd_volume_exists,
};
