/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compose version.
 */
#include <string.h>

#include "cmd/compose/compose_verbs.h"
#include "cmd/compose/project_options.h"
#include "cmd/output.h"

typedef struct {
	bool brief;
	const char *format;
} VersionOptions;

static const Option options[] = {
	{'f', "format", OPTION_VALUE, option_set_string, "FORMAT", "pretty or json",
	 offsetof(VersionOptions, format), OPTION_COMMON},
	{0, "short", OPTION_FLAG, option_set_flag, NULL, "Only the number",
	 offsetof(VersionOptions, brief), OPTION_COMMON},
	{0},
};

static const OptionGroup group = {NULL, options};

static int cmd_version(Invocation *inv)
{
	VersionOptions version = {0};
	g_auto(ProjectOptions) given = {0};
	if (!command_parse(inv, (void *[]){&version, &given}))
		return inv->status;
	if (version.format && strcmp(version.format, "json") != 0 &&
	    strcmp(version.format, "pretty") != 0) {
		output_error_text("unsupported format \"%s\": pretty or json", version.format);
		return 125;
	}
	if (g_strcmp0(version.format, "json") == 0)
		output_printf("{\"version\":\"%s\"}\n", SKIFF_VERSION);
	else if (version.brief)
		output_printf("%s\n", SKIFF_VERSION);
	else
		output_printf("skiff compose version %s\n", SKIFF_VERSION);
	return 0;
}

const Command compose_version_command = {
	.paths = (const char *const[]){"compose version", NULL},
	.usage = "[options]",
	.summary = "Print the version",
	.description = "Prints the version of skiff compose, which is that of skiff.",
	.examples = (const char *const[]){"skiff compose version --short", NULL},
	.groups = (const OptionGroup *const[]){&group, &project_option_group, NULL},
	.run = cmd_version,
};
