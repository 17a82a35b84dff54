/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rows of all verbs, one per file of cmd/container, image, volume and system.
 */
#pragma once

#include "cmd/command.h"

extern const Command attach_command;
extern const Command cleanup_command;
extern const Command commit_command;
extern const Command complete_command;
extern const Command container_exists_command;
extern const Command container_inspect_command;
extern const Command container_prune_command;
extern const Command cp_command;
extern const Command create_command;
extern const Command diff_command;
extern const Command events_command;
extern const Command exec_command;
extern const Command export_command;
extern const Command healthcheck_run_command;
extern const Command help_command;
extern const Command history_command;
extern const Command image_exists_command;
extern const Command image_import_from_command;
extern const Command image_inspect_command;
extern const Command image_mount_command;
extern const Command image_prune_command;
extern const Command image_tree_command;
extern const Command image_unmount_command;
extern const Command images_command;
extern const Command import_command;
extern const Command info_command;
extern const Command inspect_command;
extern const Command kill_command;
extern const Command load_command;
extern const Command login_command;
extern const Command logout_command;
extern const Command logs_command;
extern const Command manifest_add_command;
extern const Command manifest_annotate_command;
extern const Command manifest_create_command;
extern const Command manifest_exists_command;
extern const Command manifest_inspect_command;
extern const Command manifest_push_command;
extern const Command manifest_remove_command;
extern const Command manifest_rm_command;
extern const Command port_command;
extern const Command ps_command;
extern const Command pull_command;
extern const Command push_command;
extern const Command rename_command;
extern const Command restart_command;
extern const Command rm_command;
extern const Command rmi_command;
extern const Command run_command;
extern const Command save_command;
extern const Command search_command;
extern const Command start_command;
extern const Command stop_command;
extern const Command tag_command;
extern const Command top_command;
extern const Command unshare_command;
extern const Command untag_command;
extern const Command version_command;
extern const Command volume_create_command;
extern const Command volume_exists_command;
extern const Command volume_export_command;
extern const Command volume_import_command;
extern const Command volume_inspect_command;
extern const Command volume_ls_command;
extern const Command volume_prune_command;
extern const Command volume_rm_command;
extern const Command wait_command;
