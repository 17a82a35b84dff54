/* SPDX-License-Identifier: Apache-2.0 */
/*
 * secret exists: is there such a secret?
 */
#include "cmd/commands.h"
#include "cmd/engine_open.h"
#include "libpod/base/error.h"
#include "libpod/secret.h"

/* 1 is an answer, not a failure: nothing is printed. */
static int cmd_secret_exists(Invocation *inv)
{
	g_autoptr(GError) error = NULL;
	if (!command_parse(inv, NULL))
		return inv->status;
	g_autoptr(Engine) engine = command_engine(inv, true, &error);
	g_autoptr(Secret) secret =
		engine ? secret_resolve(engine, command_arg(inv, 0), &error) : NULL;
	if (error && !(engine && error_matches(error, ENGINE_ERROR_NOT_FOUND)))
		return command_fail(error);
	return secret ? 0 : 1;
}

const Command secret_exists_command = {
	.paths = (const char *const[]){"secret exists", NULL},
	.usage = "SECRET",
	.summary = "Tell by the exit code whether a secret exists",
	.description = "Exits with 0 if there is such a secret, with 1 if there is none.",
	.examples = (const char *const[]){"skiff secret exists token", NULL},
	.min_args = 1,
	.max_args = 1,
	.arg = COMMAND_ARG_SECRET,
	.run = cmd_secret_exists,
};
