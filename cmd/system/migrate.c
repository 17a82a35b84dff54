/* SPDX-License-Identifier: Apache-2.0 */
/*
 * system migrate, system renumber: what podman needs them for does not exist here.
 */
#include <stdio.h>

#include "cmd/commands.h"

static const Option migrate_options[] = {
	{0, "migrate-db", OPTION_FLAG, option_set_ignored, NULL,
	 "Accepted for podman's sake: there is no database", 0, 0},
	OPTION_UNSUPPORTED(0, "new-runtime", OPTION_VALUE),
	{0},
};

static const OptionGroup migrate_group = {NULL, migrate_options};

static int cmd_system_migrate(Invocation *inv)
{
	if (!command_parse(inv, (void *[]){NULL}))
		return inv->status;
	fputs("Nothing to migrate: sub-id ranges are read at every start, and records carry their "
	      "version\n",
	      stderr);
	return 0;
}

static int cmd_system_renumber(Invocation *inv)
{
	if (!command_parse(inv, (void *[]){NULL}))
		return inv->status;
	fputs("Nothing to renumber: locks are files of the objects they belong to\n", stderr);
	return 0;
}

const Command system_migrate_command = {
	.paths = (const char *const[]){"system migrate", NULL},
	.usage = "[options]",
	.summary = "Do nothing: there is nothing to migrate",
	.description = "Exists for scripts that call podman's. Sub-id ranges are read at every "
		       "start, and there is no database.",
	.examples = (const char *const[]){"skiff system migrate", NULL},
	.max_args = 0,
	.groups = (const OptionGroup *const[]){&migrate_group, NULL},
	.run = cmd_system_migrate,
};

const Command system_renumber_command = {
	.paths = (const char *const[]){"system renumber", NULL},
	.usage = "",
	.summary = "Do nothing: locks have no numbers",
	.description = "Exists for scripts that call podman's. A lock is a file beside what it "
		       "locks.",
	.examples = (const char *const[]){"skiff system renumber", NULL},
	.max_args = 0,
	.groups = (const OptionGroup *const[]){NULL},
	.run = cmd_system_renumber,
};
