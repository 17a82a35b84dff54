/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compose: a program of its own takes over, with the same words.
 */
#include "cmd/system/compose.h"

#include <unistd.h>

#include "cmd/commands.h"
#include "libpod/base/error.h"
#include "libpod/base/spawn.h"

/* "--name=value" for what was said in front of the verb. */
static void add_global(GPtrArray *words, const char *name, const char *value)
{
	if (value)
		g_ptr_array_add(words, g_strdup_printf("--%s=%s", name, value));
}

int compose_exec(const Invocation *inv, const char *const *args)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *program = spawn_find_own("skiff-compose", &error);
	g_autofree char *self = program ? g_file_read_link("/proc/self/exe", &error) : NULL;
	if (!self)
		return command_fail(error);
	g_autoptr(GPtrArray) words = g_ptr_array_new_with_free_func(g_free);
	/* Its first word says where skiff is: what a monitor becomes at its end. */
	g_ptr_array_add(words, g_strdup(self));
	add_global(words, "log-level", inv->global.log_level);
	add_global(words, "root", inv->global.root);
	add_global(words, "runroot", inv->global.runroot);
	for (const char *const *word = args; *word; word++)
		g_ptr_array_add(words, g_strdup(*word));
	g_ptr_array_add(words, NULL);
	(void)execv(program, (char **)words->pdata);
	error_set_errno(&error, "cannot run '%s'", program);
	return command_fail(error);
}

/* The options are not ours: skiff-compose reads them. */
static int cmd_compose(Invocation *inv)
{
	return compose_exec(inv, (const char *const *)inv->args);
}

const Command compose_command = {
	.paths = (const char *const[]){"compose", NULL},
	.usage = "[options] COMMAND [ARG...]",
	.summary = "Run the services of a compose file",
	.description =
		"Reads compose.yaml and runs what it describes. \"skiff compose --help\" lists "
		"the commands.",
	.examples = (const char *const[]){"skiff compose config", NULL},
	.max_args = -1,
	.flags = COMMAND_STOP_AT_ARG,
	.run = cmd_compose,
};
