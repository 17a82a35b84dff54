/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole trees inside a container, below the exec line: copied up into a fresh mount, or given to a
 * user. Neither follows links nor crosses mounts.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

/** tree_is_empty() - no entries at all. Return: 1 empty, 0 not, negative errno. */
int tree_is_empty(int dir_fd);

/**
 * tree_copy() - copy what @from_fd holds into @to_fd, with owner, mode, times and extended
 * attributes
 *
 * The directories' own owner and mode are copied too. Devices and sockets are left out.
 * Return: 0 or negative errno of the first failure.
 */
int tree_copy(int from_fd, int to_fd);

/** tree_chown() - give @fd (a directory with all below it, or one file) to @uid and @gid. 0 or
 * negative errno. */
int tree_chown(int fd, uid_t uid, gid_t gid);

/** tree_relabel() - set the SELinux label of @fd and all below it. 0 or negative errno. */
int tree_relabel(int fd, const char *label);
