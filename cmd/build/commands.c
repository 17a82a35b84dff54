/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The verbs of skiff-build.
 */
#include <string.h>

#include "cmd/commands.h"

static const Command *const commands[] = {&build_command, NULL};

const Command *const *commands_get(void)
{
	return commands;
}

const char *commands_group_summary(const char *group)
{
	static const char *const groups[] = {"builder", "buildx", "image", NULL};
	return g_strv_contains(groups, group) ? "" : NULL;
}

const char *commands_foreign(const char *first, const char *second)
{
	return NULL;
}
