/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of skiff-compose: it takes the place of skiff's own in this program.
 */
#include "cmd/compose/compose_verbs.h"

#include <string.h>

/* Keep alphabetized. */
static const Command *const commands[] = {
	&compose_attach_command,  &compose_build_command,
	&compose_commit_command,  &compose_config_command,
	&compose_cp_command,      &compose_create_command,
	&compose_down_command,    &compose_events_command,
	&compose_exec_command,    &compose_export_command,
	&compose_graph_command,   &compose_images_command,
	&compose_kill_command,    &compose_kube_command,
	&compose_logs_command,    &compose_ls_command,
	&compose_pause_command,   &compose_port_command,
	&compose_ps_command,      &compose_pull_command,
	&compose_push_command,    &compose_restart_command,
	&compose_rm_command,      &compose_run_command,
	&compose_scale_command,   &compose_start_command,
	&compose_stats_command,   &compose_stop_command,
	&compose_swarm_command,   &compose_systemd_command,
	&compose_top_command,     &compose_unpause_command,
	&compose_up_command,      &compose_version_command,
	&compose_volumes_command, &compose_wait_command,
	&compose_watch_command,   NULL,
};

const Command *const *commands_get(void)
{
	return commands;
}

const char *commands_group_summary(const char *group)
{
	return strcmp(group, "compose") == 0 ? "Run the services of a compose file" : NULL;
}

/* What docker compose has and skiff does not. */
static const struct {
	const char *verb, *why;
} foreign[] = {
	{"alpha", "its verbs are experiments; `skiff compose graph` draws what `alpha viz` does"},
	{"bridge", "skiff runs no transformer images; `skiff compose kube` writes the manifests"},
	{"publish", "skiff keeps no projects in registries; `skiff compose push` sends the images"},
};

const char *commands_foreign(const char *first, const char *second)
{
	for (size_t i = 0; i < G_N_ELEMENTS(foreign); i++)
		if (strcmp(first, "compose") == 0 && g_strcmp0(second, foreign[i].verb) == 0)
			return foreign[i].why;
	return NULL;
}
