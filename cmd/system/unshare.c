/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unshare: a command in the user namespace that the containers share.
 */
#include "cmd/commands.h"
#include "cmd/engine_open.h"
#include "cmd/output.h"
#include "libpod/rootless.h"

static const Option options[] = {
	OPTION_UNSUPPORTED(0, "rootless-netns", OPTION_FLAG),
	{0},
};

static const OptionGroup group = {NULL, options};

/* The command's exit code is ours. */
static int cmd_unshare(Invocation *inv)
{
	g_autoptr(GError) error = NULL;
	if (!command_parse(inv, (void *[]){NULL}))
		return inv->status;
	g_autoptr(Engine) engine = command_engine(inv, false, &error);
	if (!engine)
		return command_fail(error);
	if (!engine_is_rootless(engine)) {
		output_error_text("please use unshare with rootless");
		return 125;
	}
	const char *shell = g_getenv("SHELL");
	const char *const shell_args[] = {shell && *shell ? shell : "/bin/sh", NULL};
	g_autofree const char **args = command_args(inv, 0);
	int code = rootless_enter_exec(engine, args[0] ? args : shell_args, &error);
	return code < 0 ? command_fail(error) : code;
}

const Command unshare_command = {
	.paths = (const char *const[]){"unshare", NULL},
	.usage = "[options] [COMMAND [ARG...]]",
	.summary = "Run a command in the user namespace of the containers",
	.description = "Runs a command, or your shell, where the files of containers have the "
		       "owners that the "
		       "containers see.",
	.examples = (const char *const[]){"skiff unshare ls -ln ~/.local/share/skiff/volumes",
					  "skiff unshare cat /proc/self/uid_map", NULL},
	.max_args = -1,
	.groups = (const OptionGroup *const[]){&group, NULL},
	.flags = COMMAND_STOP_AT_ARG,
	.run = cmd_unshare,
};
