/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compose systemd: the stack as quadlet files.
 */
#include "cmd/compose/compose_verbs.h"
#include "cmd/compose/export_units.h"
#include "cmd/compose/project_options.h"

typedef struct {
	const char *output;
} SystemdOptions;

static const Option options[] = {
	{'o', "output", OPTION_VALUE, option_set_string, "DIR",
	 "Write the files there, made if it is missing; else they are printed",
	 offsetof(SystemdOptions, output), OPTION_COMMON},
	{0},
};

static const OptionGroup group = {NULL, options};

static int cmd_systemd(Invocation *inv)
{
	SystemdOptions opts = {0};
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
	g_autofree char *directory =
		opts.output ? g_canonicalize_filename(opts.output, NULL) : NULL;
	compose_export_init(&export, project, false);
	export_units(&export, directory);
	return compose_export_finish(&export, directory, "systemd", &error) ? 0
									    : command_fail(error);
}

const Command compose_systemd_command = {
	.paths = (const char *const[]){"compose systemd", NULL},
	.usage = "[options] [SERVICE...]",
	.summary = "Write the stack as quadlet files for systemd",
	.description =
		"Makes .container, .network, .volume and .build files that systemd's generator "
		"turns into services with the same names, data and images as \"skiff compose up\" "
		"has; what systemd has no words for is listed on standard error.",
	.examples = (const char *const[]){"skiff compose systemd",
					  "skiff compose systemd -o ~/.config/containers/systemd",
					  NULL},
	.max_args = -1,
	.groups = (const OptionGroup *const[]){&group, &project_option_group, NULL},
	.run = cmd_systemd,
};
