/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of skiff-compose: it takes the place of skiff's own in this program.
 */
#include "cmd/compose/compose_verbs.h"

#include <string.h>

/* Keep alphabetized. */
static const Command *const commands[] = {
	&compose_config_command,
	&compose_version_command,
	NULL,
};

const Command *const *commands_get(void)
{
	return commands;
}

const char *commands_group_summary(const char *group)
{
	return strcmp(group, "compose") == 0 ? "Run the services of a compose file" : NULL;
}

/* What docker compose has and skiff does not yet. */
static const char *const foreign[] = {
	"alpha",   "attach", "bridge",  "build",   "commit",  "cp",   "create", "down",  "events",
	"exec",    "export", "images",  "kill",    "logs",    "ls",   "pause",  "port",  "ps",
	"publish", "pull",   "push",    "restart", "rm",      "run",  "scale",  "start", "stats",
	"stop",    "top",    "unpause", "up",      "volumes", "wait", "watch",  NULL};

bool commands_is_foreign(const char *first, const char *second)
{
	return strcmp(first, "compose") == 0 && second && g_strv_contains(foreign, second);
}
