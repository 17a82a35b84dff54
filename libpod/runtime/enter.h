/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Joining a running container: the child of the monitor that becomes an exec session's process or a
 * probe.
 *
 * pidfd + one setns(all), fork, identity, seccomp, execve; non-dumpable before it joins (security
 * R7, R8).
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <sys/types.h>

#include "libpod/runtime/oci_config.h"

typedef struct {
	int target_pidfd; /* of the container's init */
	pid_t target_pid;
	const OciConfig *config; /* the container's: caps, rlimits, masks, user namespace, nnp */
	const char *const *args;
	const char *const *env; /* complete; HOME is added from passwd if it is missing */
	const char *cwd;        /* NULL: the container's */
	const char *user_spec;  /* NULL: the container's */
	bool privileged;        /* exec --privileged: all capabilities, no seccomp, no label */
	bool terminal;
	uint16_t rows, columns;
	int stdio[3];
	int seccomp_fd;
	int cgroup_fd; /* the payload's; -1: our own */
} EnterOptions;

typedef struct {
	pid_t pid; /* child of the caller (CLONE_PARENT where a fork lies between) */
	int pidfd;
	int pty_master; /* -1 without a terminal */
} Entered;

/**
 * enter_exec() - start a process in a running container
 * @error:	COMMAND_NOT_FOUND, COMMAND_NOT_EXECUTABLE, BAD_STATE if the container is gone,
 * INVALID for a bad user
 */
bool enter_exec(const EnterOptions *options, Entered *out_entered, GError **error);
