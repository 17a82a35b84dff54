/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/commands.h"

#include <string.h>

/* Keep alphabetized. */
static const Command *const commands[] = {
	&attach_command,
	&build_command,
	&cleanup_command,
	&commit_command,
	&compose_command,
	&complete_command,
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
	&port_command,
	&ps_command,
	&pull_command,
	&push_command,
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
		{"healthcheck", "Probe the health of containers"},
		{"image", "Work with images"},
		{"manifest", "Work with images of several platforms under one name"},
		{"network", "Work with networks"},
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

/* Verbs that stand alone, and below groups that skiff has: "container prune". */
static const char *const foreign[] = {"artifact",
				      "auto-update",
				      "completion",
				      "context",
				      "farm",
				      "generate",
				      "kube",
				      "machine",
				      "play",
				      "pod",
				      "podmansh",
				      "container checkpoint",
				      "container clone",
				      "container restore",
				      "container runlabel",
				      "image scp",
				      "image sign",
				      "image trust",
				      "system connection",
				      "system locks",
				      "system service",
				      "volume mount",
				      "volume reload",
				      "volume unmount",
				      NULL};

bool commands_is_foreign(const char *first, const char *second)
{
	g_autofree char *path = second ? g_strdup_printf("%s %s", first, second) : g_strdup(first);
	return g_strv_contains(foreign, path);
}
