/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Run, step 11. The container's first process, from the clone to execve: a table of steps.
 *
 * Everything here is below the exec line: negative errno, no output; the first failure goes up the
 * sync socket as {step, errno, subject}.
 */
#pragma once

#include <glib.h>
#include <sys/resource.h>

#include "libpod/runtime/launch.h"
#include "libpod/runtime/mounts.h"
#include "libpod/runtime/namespaces.h"
#include "libpod/runtime/privileges.h"
#include "libpod/runtime/sync.h"

typedef struct {
	const LaunchOptions *options;
	const OciConfig *config;
	NamespacePlan *namespaces;
	MountPlan *mounts;
	int sync_fd;      /* the child's end */
	int host_proc_fd; /* the host's procfs, checked, opened before any namespace (R4) */
	int null_fd;      /* the host's null device, checked */
	struct rlimit
		nofile; /* the limit of descriptors that the payload gets unless it has its own */

	/* Made by the steps. */
	int pty_master, pty_slave;
	int seccomp_fd; /* where options->seccomp_fd lies after the descriptors were placed */
	ResolvedUser user;
	char **env;    /* the payload's, with HOME */
	bool cwd_late; /* the working directory is for the user alone to enter */
	SyncReport report;
} Init;

/**
 * init_main() - become the container
 *
 * Run, step 11. Runs in the clone; never returns.
 */
void init_main(Init *init) G_GNUC_NORETURN;
