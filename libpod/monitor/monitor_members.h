/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All processes of a container, found by its mount namespace. Used by the monitor, and by commands
 * for a container whose monitor was killed.
 */
#pragma once

#include <sys/types.h>

/**
 * monitor_members_signal() - send a signal to every process in a mount namespace
 * @proc_fd:	a procfs that shows them
 * @mount_ns:	inode of the namespace; 0 or the caller's own: nobody is signalled
 * @signum:	the signal
 *
 * Return: how many there were.
 */
int monitor_members_signal(int proc_fd, ino_t mount_ns, int signum);
