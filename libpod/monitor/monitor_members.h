/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All processes of a container, found by its mount namespace. Used by the monitor, and by commands
 * for a container whose monitor was killed. Only needed where init shares somebody's pid namespace:
 * otherwise the kernel ends them all with init.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* A mount namespace. The kernel gives an inode to the next namespace as soon as it is free. */
typedef struct {
	ino_t inode; /* 0: unknown */
	uint64_t id; /* never used twice; 0: the kernel tells none (before 6.12) */
} MountNamespace;

/**
 * monitor_members_namespace() - the mount namespace of a process
 * @proc_fd:	a procfs that shows it
 * @pid:	its number, or "self"
 */
MountNamespace monitor_members_namespace(int proc_fd, const char *pid);

/**
 * monitor_members_signal() - send a signal to every process in a mount namespace
 * @proc_fd:	a procfs that shows them
 * @mount_ns:	the namespace; unknown or the caller's own: nobody is signalled
 * @signum:	the signal
 *
 * Return: how many there were.
 */
int monitor_members_signal(int proc_fd, const MountNamespace *mount_ns, int signum);
