/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Becoming the container's user, below the exec line: the identity order of security R8, shared by
 * init and the exec joiner.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "libpod/runtime/privileges.h"
#include "libpod/runtime/sync.h"

typedef struct {
	const ResolvedUser *user;
	uint64_t bounding, effective, ambient;
	bool keep_groups; /* the supplementary groups stay as they are */
	bool no_new_privileges;
	int seccomp_fd; /* -1: none */
} PrivilegesPlan;

/**
 * privileges_apply() - bounding set, groups, gid, uid, seccomp, capabilities; each verified
 *
 * Should: be the last thing before the gate but PR_SET_PDEATHSIG, which a change of credentials
 * clears. Mustn't: be followed by calls that a seccomp profile may refuse, other than capset,
 * prctl, read, write, fcntl, execve and exit. Return: 0 or negative errno with report->step set.
 */
int privileges_apply(const PrivilegesPlan *plan, SyncReport *report);

/** privileges_label() - ask for an AppArmor profile or SELinux label at the next execve; @proc_fd a
 * checked procfs. */
int privileges_label(int proc_fd, const char *apparmor_profile, const char *selinux_label);

/**
 * privileges_join_keyring() - an empty session keyring instead of the user's own (security 1.2)
 * @shared:	the one that all containers of the user namespace share, since a user may have 200
 *		keys; else one of our own
 *
 * What this process clones inherits it, so the monitor has it before anything of a container is
 * made. The kernel finds a shared one only after its maker has cut it down: callers take turns
 * (userns.lock). The host's namespace has names of everybody's, so there (real root, who has room
 * for a million keys) it must not be shared: another user could have put one there, with keys in
 * it. Return: 0 or negative errno, -EDQUOT if the user has too many keys.
 */
int privileges_join_keyring(bool shared);
