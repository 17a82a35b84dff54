/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files that init gives the container without a trace in any layer: secrets, and passwd and group
 * with a line for a user or group that the image lacks.
 *
 * They live in file systems in memory that only this container has. Below the exec line: negative
 * errno.
 */
#pragma once

#include <sys/types.h>

#include "libpod/runtime/oci_config.h"
#include "libpod/runtime/privileges.h"
#include "libpod/runtime/sync.h"

/**
 * files_add_secrets() - put the config's secrets to their places
 * @root_fd:	the container's root
 * @secrets_fd:	where their bytes are; -1 if there are none
 *
 * Should: be called when all mounts are attached.
 */
int files_add_secrets(int root_fd, const OciConfig *config, int secrets_fd, SyncReport *report);

/**
 * files_complete_users() - bind a passwd and a group over the image's in which the user is found
 *
 * Does nothing unless the config has entries and the image has the files and lacks the ids.
 */
int files_complete_users(int root_fd, const OciConfig *config, const ResolvedUser *user,
			 SyncReport *report);

/**
 * files_secret_env() - an environment with the secrets that are variables
 * @env:	NULL-terminated, copied
 *
 * Return: g_strfreev() it; NULL with errno.
 */
char **files_secret_env(const char *const *env, const OciConfig *config, int secrets_fd);
