/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The verbs of `skiff compose`; one file each.
 */
#pragma once

#include "cmd/command.h"

extern const Command compose_attach_command;
extern const Command compose_build_command;
extern const Command compose_commit_command;
extern const Command compose_config_command;
extern const Command compose_cp_command;
extern const Command compose_create_command;
extern const Command compose_down_command;
extern const Command compose_events_command;
extern const Command compose_exec_command;
extern const Command compose_export_command;
extern const Command compose_graph_command;
extern const Command compose_images_command;
extern const Command compose_kill_command;
extern const Command compose_kube_command;
extern const Command compose_logs_command;
extern const Command compose_ls_command;
extern const Command compose_pause_command;
extern const Command compose_port_command;
extern const Command compose_ps_command;
extern const Command compose_pull_command;
extern const Command compose_push_command;
extern const Command compose_restart_command;
extern const Command compose_rm_command;
extern const Command compose_run_command;
extern const Command compose_scale_command;
extern const Command compose_start_command;
extern const Command compose_stats_command;
extern const Command compose_stop_command;
extern const Command compose_swarm_command;
extern const Command compose_systemd_command;
extern const Command compose_top_command;
extern const Command compose_unpause_command;
extern const Command compose_up_command;
extern const Command compose_version_command;
extern const Command compose_volumes_command;
extern const Command compose_wait_command;
extern const Command compose_watch_command;
