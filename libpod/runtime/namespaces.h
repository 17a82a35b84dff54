/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Namespaces: which are made, which are joined, and the clone that does it.
 *
 * New ones come with clone3 itself (one call instead of clone and unshare). Existing network, IPC,
 * UTS and cgroup namespaces are joined by the child. A user or pid namespace must be joined before
 * the process that lives in it is cloned, and anything before a user namespace is made, so then a
 * helper process lies between; it joins all, clones with CLONE_PARENT and goes.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <sys/types.h>

#include "libpod/runtime/oci_config.h"

typedef struct {
	int fds[OCI_NS_COUNT]; /* of those to join, else -1 */
	unsigned new_flags;    /* CLONE_NEW* for clone3; the cgroup namespace is made later, in the
				  cgroup */
	bool new_cgroup;
	int cgroup_fd; /* where the container is cloned into; -1: our own cgroup */
	bool needs_helper;
} NamespacePlan;

/** namespaces_plan() - open what is to be joined. Clear it on success. INVALID, NOT_FOUND. */
bool namespaces_plan(const OciConfig *config, NamespacePlan *out_plan, GError **error);
void namespaces_plan_clear(NamespacePlan *plan);

/** namespaces_fork() - fork by raw clone3 with @flags, into the cgroup @cgroup_fd (-1: ours); no
 * handlers run. @out_pidfd may be NULL. Return: as fork(). */
pid_t namespaces_fork(unsigned long flags, int cgroup_fd, int *out_pidfd);

/**
 * namespaces_clone() - clone the container's first process
 * @sync_parent:	the parent's end: a helper's message arrives here
 * @sync_child:		the child's end
 *
 * Return: 0 in the child (below the exec line from here on), its pid in the parent, -1 with @error.
 */
pid_t namespaces_clone(NamespacePlan *plan, int sync_parent, int sync_child, int *out_pidfd,
		       GError **error);

/** namespaces_join() - child: enter the network, IPC, UTS and cgroup namespaces that are still to
 * be joined. Return: 0 or the first negative errno. */
int namespaces_join(NamespacePlan *plan);

/**
 * namespaces_enter_flags() - what setns() has to enter to get to where the container is: all but
 * what it shares with the host, which a user namespace may not enter and need not.
 */
int namespaces_enter_flags(const OciConfig *config);

/** namespaces_make_cgroup() - child: a cgroup namespace of its own, once it stands in its cgroup.
 */
int namespaces_make_cgroup(const NamespacePlan *plan);

/** namespaces_become_root() - child: uid and gid 0 of a user namespace that was made or joined
 * (R8). */
int namespaces_become_root(bool keep_groups);

/**
 * namespaces_setgroups_denied() - was it the id map that made setgroups() fail with EPERM?
 *
 * A single-id map denies it to everybody; else only who lacks CAP_SETGID is refused. Asks no
 * procfs, because that may be the container's own.
 */
bool namespaces_setgroups_denied(void);
