/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compose swarm: the stack as a file for docker stack deploy.
 */
#include "cmd/compose/compose_verbs.h"
#include "cmd/compose/export_swarm.h"
#include "cmd/compose/project_options.h"
#include "cmd/compose/project_output.h"

typedef struct {
	const char *output;
} SwarmOptions;

static const Option options[] = {
	{'o', "output", OPTION_VALUE, option_set_string, "FILE",
	 "Write there in place of standard output", offsetof(SwarmOptions, output), OPTION_COMMON},
	{0},
};

static const OptionGroup group = {NULL, options};

static int cmd_swarm(Invocation *inv)
{
	SwarmOptions opts = {0};
	g_auto(ProjectOptions) given = {0};
	g_auto(ComposeExport) export = {0};
	g_autoptr(GError) error = NULL;
	if (!command_parse(inv, (void *[]){&opts, &given}))
		return inv->status;
	g_autofree const char **services = command_args(inv, 0);
	const ComposeOptions more = {.services = services};
	g_autoptr(ComposeProject) project = project_options_load(&given, &more, &error);
	if (!project)
		return command_fail(error);
	compose_export_init(&export, project, true);
	g_autoptr(Node) stack = export_swarm(&export);
	g_autoptr(GString) out = g_string_new(NULL);
	project_output_yaml(stack, out);
	if (!compose_export_write(opts.output, out, true, &error))
		return command_fail(error);
	compose_export_notes(&export, "Swarm");
	return 0;
}

const Command compose_swarm_command = {
	.paths = (const char *const[]){"compose swarm", NULL},
	.usage = "[options] [SERVICE...]",
	.summary = "Write the stack for docker stack deploy",
	.description =
		"Prints one stack file of format 3.8, with what the project says for one machine "
		"under deploy; what a swarm has no words for is listed on standard error.",
	.examples = (const char *const[]){"skiff compose swarm -o stack.yaml", NULL},
	.max_args = -1,
	.groups = (const OptionGroup *const[]){&group, &project_option_group, NULL},
	.run = cmd_swarm,
};
