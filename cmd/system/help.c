/* SPDX-License-Identifier: Apache-2.0 */
/*
 * help: about the commands; also the source of man pages and the dump of all options.
 */
#include "cmd/help.h"
#include "cmd/commands.h"
#include "cmd/output.h"

typedef struct {
	bool all, man, dump;
} HelpOptions;

static const Option options[] = {
	{'a', "all", OPTION_FLAG, option_set_flag, NULL, "Every command, or every option",
	 offsetof(HelpOptions, all), OPTION_COMMON},
	{0, "man", OPTION_FLAG, option_set_flag, NULL, "The man page as scdoc source",
	 offsetof(HelpOptions, man), OPTION_COMMON},
	{0, "dump-options", OPTION_FLAG, option_set_flag, NULL, "All commands and options as JSON",
	 offsetof(HelpOptions, dump), OPTION_COMMON},
	{0},
};

static const OptionGroup group = {NULL, options};

static int fail_unknown(char *const *words)
{
	g_autofree char *joined = g_strjoinv(" ", (char **)words);
	output_error_text(
		"unrecognized command `skiff %s`\nTry 'skiff --help' for more information", joined);
	return 125;
}

/* --man and --dump-options are for the build: man pages, completions, lint. */
static int cmd_help(Invocation *inv)
{
	HelpOptions opts = {0};
	if (!command_parse(inv, (void *[]){&opts}))
		return inv->status;
	if (opts.dump) {
		help_print_options_json();
		return 0;
	}
	g_autofree const char **args = command_args(inv, 0);
	char *const *words = (char *const *)args;
	size_t used = 0;
	const char *path = NULL;
	const Command *command = words[0] ? command_lookup(words, &used, &path) : NULL;
	if (words[0] && !words[1] && !command && commands_group_summary(words[0]))
		help_print_group(words[0]);
	else if (words[0] && (!command || words[used]))
		return fail_unknown(words);
	else if (opts.man)
		help_print_man(command);
	else if (command)
		help_print_command(command, path, opts.all);
	else
		help_print_root(opts.all);
	return 0;
}

const Command help_command = {
	.paths = (const char *const[]){"help", NULL},
	.usage = "[options] [COMMAND...]",
	.summary = "Explain a command",
	.description =
		"Explains a command as \"skiff COMMAND --help\" does, or lists the commands.",
	.examples = (const char *const[]){"skiff help run", "skiff help --all", NULL},
	.max_args = -1,
	.groups = (const OptionGroup *const[]){&group, NULL},
	.arg = COMMAND_ARG_COMMAND,
	.run = cmd_help,
};
