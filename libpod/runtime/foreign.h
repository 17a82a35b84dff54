/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Directories of another container, as detached mounts: what --ipc=container shares besides the
 * namespace. Runs in the monitor.
 */
#pragma once

#include <stdbool.h>

/**
 * foreign_is_source() - is @source "/proc/PID/root/PATH" of a process in another mount namespace?
 *
 * Such a path mustn't be opened from here: an absolute link that a container puts into it would
 * lead to the host's files.
 */
bool foreign_is_source(const char *source);

/**
 * foreign_open_tree() - clone the mount at "/proc/PID/root/PATH", where PID is a container's init
 *
 * A mount of another mount namespace cannot be cloned from ours, so a short-lived child enters it.
 * Mustn't: be called by a process with threads. Return: descriptor, or negative errno; -EINVAL if
 * @source has another form.
 */
int foreign_open_tree(const char *source);
