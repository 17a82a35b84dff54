/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/commands.h"

#include <string.h>

/* Keep alphabetized. */
static const Command *const commands[] = {
	&attach_command,
	&auto_update_command,
	&build_command,
	&builder_du_command,
	&builder_prune_command,
	&cleanup_command,
	&commit_command,
	&compose_command,
	&complete_command,
	&completion_command,
	&container_exists_command,
	&container_inspect_command,
	&container_prune_command,
	&cp_command,
	&create_command,
	&diff_command,
	&doctor_command,
	&events_command,
	&exec_command,
	&export_command,
	&generate_systemd_command,
	&healthcheck_run_command,
	&help_command,
	&history_command,
	&image_exists_command,
	&image_import_from_command,
	&image_inspect_command,
	&image_mount_command,
	&image_prune_command,
	&image_tree_command,
	&image_unmount_command,
	&images_command,
	&import_command,
	&info_command,
	&init_command,
	&inspect_command,
	&kill_command,
	&load_command,
	&login_command,
	&logout_command,
	&logs_command,
	&manifest_add_command,
	&manifest_annotate_command,
	&manifest_create_command,
	&manifest_exists_command,
	&manifest_inspect_command,
	&manifest_push_command,
	&manifest_remove_command,
	&manifest_rm_command,
	&mount_command,
	&network_connect_command,
	&network_create_command,
	&network_disconnect_command,
	&network_exists_command,
	&network_inspect_command,
	&network_ls_command,
	&network_prune_command,
	&network_reload_command,
	&network_rm_command,
	&network_update_command,
	&pause_command,
	&pod_create_command,
	&pod_exists_command,
	&pod_inspect_command,
	&pod_kill_command,
	&pod_logs_command,
	&pod_pause_command,
	&pod_prune_command,
	&pod_ps_command,
	&pod_restart_command,
	&pod_rm_command,
	&pod_start_command,
	&pod_stats_command,
	&pod_stop_command,
	&pod_top_command,
	&pod_unpause_command,
	&port_command,
	&ps_command,
	&pull_command,
	&push_command,
	&quadlet_generate_command,
	&quadlet_install_command,
	&quadlet_lint_command,
	&quadlet_list_command,
	&quadlet_print_command,
	&quadlet_rm_command,
	&quadlet_wait_online_command,
	&rename_command,
	&restart_command,
	&rm_command,
	&rmi_command,
	&run_command,
	&save_command,
	&search_command,
	&secret_create_command,
	&secret_exists_command,
	&secret_inspect_command,
	&secret_ls_command,
	&secret_rm_command,
	&start_command,
	&stats_command,
	&stop_command,
	&system_check_command,
	&system_df_command,
	&system_migrate_command,
	&system_prune_command,
	&system_renumber_command,
	&system_reset_command,
	&tag_command,
	&top_command,
	&unmount_command,
	&unpause_command,
	&unshare_command,
	&untag_command,
	&update_command,
	&version_command,
	&volume_create_command,
	&volume_exists_command,
	&volume_export_command,
	&volume_import_command,
	&volume_inspect_command,
	&volume_ls_command,
	&volume_prune_command,
	&volume_rm_command,
	&wait_command,
	NULL,
};

const Command *const *commands_get(void)
{
	return commands;
}

const char *commands_group_summary(const char *group)
{
	static const struct {
		const char *name, *summary;
	} groups[] = {
		{"builder", "Build images, and work with what builds keep"},
		{"buildx", "Build images, as docker's buildx is called"},
		{"container", "Work with containers"},
		{"generate", "Write files for other programs"},
		{"healthcheck", "Probe the health of containers"},
		{"image", "Work with images"},
		{"manifest", "Work with images of several platforms under one name"},
		{"network", "Work with networks"},
		{"pod", "Work with pods: containers that share namespaces"},
		{"quadlet", "Work with the files that systemd units are made of"},
		{"secret", "Work with secrets"},
		{"system", "Look at skiff itself"},
		{"volume", "Work with volumes"},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(groups); i++)
		if (strcmp(groups[i].name, group) == 0)
			return groups[i].summary;
	return NULL;
}

#define NO_CRIU "skiff does not freeze containers to files"
#define NO_KUBE "skiff does not run Kubernetes manifests yet"

/* Verbs that stand alone, and below groups that skiff has, and why skiff has them not. */
static const struct {
	const char *path, *why;
} foreign[] = {
	{"artifact", "skiff keeps images alone"},
	{"context", "skiff works on this machine alone"},
	{"farm", "skiff builds on this machine alone"},
	{"generate kube", "`skiff compose kube` writes manifests"},
	{"generate spec", "`skiff inspect` has what a container was made with"},
	{"kube", NO_KUBE},
	{"machine", "skiff needs no virtual machine"},
	{"play", NO_KUBE},
	{"pod clone", "`skiff pod inspect` has the command that made the pod"},
	{"podmansh", "skiff is no login shell"},
	{"container checkpoint", NO_CRIU},
	{"container clone", "`skiff inspect` has the command that made the container"},
	{"container restore", NO_CRIU},
	{"container runlabel", "skiff runs no commands that an image names"},
	{"image scp", "`skiff save` and `skiff load` go through ssh"},
	{"image sign", "skiff checks signatures and makes none"},
	{"image trust", "policy.json says which signatures are wanted"},
	{"system connection", "skiff works on this machine alone"},
	{"system locks", "skiff keeps no locks that could leak"},
	{"system service", "skiff has no service"},
	{"volume mount", "volumes are directories: `skiff volume inspect` has the place"},
	{"volume reload", "skiff has no volume plugins"},
	{"volume unmount", "volumes are directories"},
};

const char *commands_foreign(const char *first, const char *second)
{
	g_autofree char *path = second ? g_strdup_printf("%s %s", first, second) : g_strdup(first);
	for (size_t i = 0; i < G_N_ELEMENTS(foreign); i++)
		if (strcmp(foreign[i].path, path) == 0)
			return foreign[i].why;
	return NULL;
}
