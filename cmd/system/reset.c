/* SPDX-License-Identifier: Apache-2.0 */
/*
 * system reset: remove everything that skiff keeps for this user.
 */
#include "cmd/commands.h"
#include "cmd/confirm.h"
#include "libpod/reset.h"

typedef struct {
	bool force;
} ResetOptions;

static const Option options[] = {
	{'f', "force", OPTION_FLAG, option_set_flag, NULL, "Do not ask",
	 offsetof(ResetOptions, force), OPTION_COMMON},
	{0},
};

static const OptionGroup group = {NULL, options};

static bool confirm(Engine *engine, GError **error)
{
	g_autofree char *text =
		g_strdup_printf("WARNING! This will remove:\n"
				"        - all containers\n"
				"        - all pods\n"
				"        - all images\n"
				"        - all networks\n"
				"        - all build cache\n"
				"        - all machines\n"
				"        - all volumes\n"
				"        - the graphRoot directory: \"%s\"\n"
				"        - the runRoot directory: \"%s\"",
				store_path(engine_store(engine)), engine_run_path(engine));
	return confirm_ask(text, error);
}

static int cmd_system_reset(Invocation *inv)
{
	ResetOptions opts = {0};
	g_autoptr(GError) error = NULL;
	if (!command_parse(inv, (void *[]){&opts}))
		return inv->status;
	const EngineOptions engine_options = {
		.root = inv->global.root,
		.runroot = inv->global.runroot,
		.read_only = true,
		.damaged = true,
	};
	g_autoptr(Engine) engine = engine_open(&engine_options, &error);
	if (!engine)
		return command_fail(error);
	if (!opts.force && !confirm(engine, &error))
		return error ? command_fail(error) : 0;
	return reset_all(engine, &error) ? 0 : command_fail(error);
}

const Command system_reset_command = {
	.paths = (const char *const[]){"system reset", NULL},
	.usage = "[options]",
	.summary = "Remove all containers, images, volumes and settings of the store",
	.description = "Kills what runs and removes the store and the runtime directory with all "
		       "they hold, volumes included. Works on a damaged store, too.",
	.examples = (const char *const[]){"skiff system reset", NULL},
	.max_args = 0,
	.groups = (const OptionGroup *const[]){&group, NULL},
	.run = cmd_system_reset,
};
