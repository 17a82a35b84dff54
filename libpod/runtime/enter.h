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
	bool probe; /* of its health: no_new_privs, and the subreaper of what it starts */
	bool terminal;
	uint16_t rows, columns;
	int stdio[3];
	int seccomp_fd;
	int secrets_fd;          /* the bytes of the config's secrets; -1: none */
	const int *preserve_fds; /* become 3.. of the process; -1: a hole */
	size_t n_preserve_fds;
	int cgroup_fd; /* the payload's; -1: our own */
} EnterOptions;

typedef struct {
	pid_t pid; /* child of the caller (CLONE_PARENT where a fork lies between) */
	int pidfd;
	int pty_master; /* -1 without a terminal */
} Entered;

/* A process on its way into the container. */
typedef struct {
	int sync_fd; /* readable: enter_step() has something to do; -1: not on its way */
	int joiner_pidfd;
	bool ready, released; /* all but execve is done; it was told to go on */
	Entered entered;      /* as far as it is known: pid 0 = not yet */
} Entering;

#define ENTERING_INIT                                                                              \
	((Entering){                                                                               \
		.sync_fd = -1,                                                                     \
		.joiner_pidfd = -1,                                                                \
		.entered = {.pidfd = -1, .pty_master = -1},                                        \
	})

/**
 * enter_begin() - send a process on its way into a running container
 * @options:	only needed during the call, its descriptors too
 * @error:	INVALID for a bad user
 *
 * The caller reaps every child: the joiner and the process, whose pid may be known only after it
 * has ended.
 */
bool enter_begin(const EnterOptions *options, Entering *out_entering, GError **error);

typedef enum {
	ENTER_PENDING,
	ENTER_DONE,   /* execve has worked */
	ENTER_FAILED, /* nothing is left of it */
} EnterOutcome;

/**
 * enter_step() - take one message from a process on its way
 * @out_entered:	set by ENTER_DONE
 * @error:	set by ENTER_FAILED: COMMAND_NOT_FOUND, COMMAND_NOT_EXECUTABLE, BAD_STATE if the
 *		container is gone, INVALID for a bad user
 *
 * Should: be called when sync_fd is readable; else it waits, and the payload may make that last for
 * ever by stopping the process.
 */
EnterOutcome enter_step(Entering *entering, Entered *out_entered, GError **error);

/** entering_clear() - kill what is on its way and close the descriptors. */
void entering_clear(Entering *entering);
