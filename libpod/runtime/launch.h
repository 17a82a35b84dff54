/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Run, step 10. Cloning a container's init: namespaces, id maps, the descriptors it may keep, and
 * the gate between "set up" and "running". Runs in the monitor.
 *
 * init sets everything up, then waits at the gate; launch_release() opens it and learns from the
 * close-on-exec pipe whether execve worked.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <sys/types.h>

#include "libpod/runtime/oci_config.h"

#define LAUNCH_PRESERVE_MAX 64

typedef struct {
	const OciConfig *config;
	const char *id; /* of the container, for messages */
	int store_fd;   /* root of the store: the overlay's relative paths */
	int stdio[3];   /* without a terminal; -1 = /dev/null */
	int seccomp_fd; /* memfd with struct sock_filter[]; -1 = unconfined */
	int cgroup_fd;  /* the payload's, to be limited as the config says; -1: our own */
	int leaf_fd;    /* a child of that, where init is put; -1: cgroup_fd itself */
	int secrets_fd; /* the bytes of the config's secrets; -1: none */
	int preserve_fds[LAUNCH_PRESERVE_MAX]; /* become 3.. in the container; -1: a hole */
	size_t n_preserve_fds;
	/*
	 * Called in init, in its new network namespace, before the root changes; below the exec
	 * line. NULL unless the config asks for a new netns. Return: 0 or negative errno, *out_step
	 * static text.
	 */
	int (*configure_netns)(void *data, const char **out_step);
	void *configure_netns_data;
} LaunchOptions;

typedef struct {
	pid_t pid;              /* in the monitor's pid namespace */
	const char *id;         /* of the options */
	int pidfd;              /* CLOEXEC */
	int pty_master;         /* with a terminal, else -1; CLOEXEC */
	int root_mount_fd;      /* a descriptor on the overlay: closing the last one is the costly
				   umount. -1 if none */
	int gate_fd, report_fd; /* private to launch.c */
} Launch;

/**
 * launch_init() - clone init and wait until it stands at the gate
 *
 * Run, step 10.
 *
 * @error:	what init reported: SYSTEM with step and path;
 * COMMAND_NOT_FOUND/COMMAND_NOT_EXECUTABLE come later
 *
 * Mustn't: be called by a process with threads. On failure the child is dead and reaped.
 */
bool launch_init(const LaunchOptions *options, Launch *out_launch, GError **error);

/**
 * launch_release() - let init execve its program and wait for the outcome
 * @error:	COMMAND_NOT_FOUND (127), COMMAND_NOT_EXECUTABLE (126) in podman's words; SYSTEM
 */
bool launch_release(Launch *launch, GError **error);

/** launch_abort() - kill and reap an init at the gate; closes the descriptors. */
void launch_abort(Launch *launch);
