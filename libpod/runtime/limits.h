/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Resource limits, OOM score and sysctls of the process that becomes the container.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "libpod/runtime/oci_config.h"
#include "libpod/runtime/sync.h"

/**
 * limits_check_sysctls() - every key is one that belongs to a namespace the container owns.
 * INVALID.
 *
 * kernel.{msg*,sem,shm*} and fs.mqueue.* need an IPC namespace, net.* a network namespace of its
 * own. Keys with other characters than a sysctl has, or with ".." in any spelling, are refused
 * (security 1.2).
 */
bool limits_check_sysctls(const OciConfig *config, GError **error);

/** limits_sysctl_path() - a sysctl's key as a path below /proc/sys; NULL if it makes no sense.
 * g_free() it. */
char *limits_sysctl_path(const char *key);

/** limits_apply_sysctls() - init: write them below @proc_fd, a checked procfs. 0 or negative errno.
 */
int limits_apply_sysctls(const OciConfig *config, int proc_fd, SyncReport *report);

/** limits_apply_rlimits() - this process' limits. 0 or negative errno. */
int limits_apply_rlimits(const OciConfig *config, SyncReport *report);

/**
 * limits_apply_oom_score() - through the host's procfs @proc_fd
 * @pid:	a child of ours, or 0 for ourselves
 *
 * A process that has changed its user namespace may not write its own. Return: 0 or negative errno.
 */
int limits_apply_oom_score(const OciConfig *config, int proc_fd, pid_t pid);

/** limits_rlimit_parse() - "RLIMIT_NOFILE" to its number. Return: -1 if unknown. */
int limits_rlimit_parse(const char *name);

/** limits_rlimit_name() - "RLIMIT_NOFILE"; NULL if unknown. */
const char *limits_rlimit_name(int resource);
