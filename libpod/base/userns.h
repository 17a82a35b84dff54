/* SPDX-License-Identifier: Apache-2.0 */
/*
 * User namespaces: a child in a new one, or in one that somebody holds. Mechanism only; which
 * namespace a command uses is libpod/rootless.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <sys/types.h>

#include "libpod/base/idmap.h"

/*
 * Runs in the child, single-threaded, as uid and gid 0 of the namespace; its result is the exit
 * code. Where the parent has threads it mustn't allocate or take locks: it calls spawn_exec(), or
 * uses system calls only.
 */
typedef int (*UserNsFn)(void *data);

/* Beside CLONE_NEW*, where clone() has its signal: our supplementary groups stay. */
#define USERNS_KEEP_GROUPS 0x01

/**
 * userns_fork_new() - fork a child into a new user namespace
 * @map:	its map; NULL: no new user namespace (real root), only @flags
 * @flags:	further CLONE_NEW* flags (CLONE_NEWNS, CLONE_NEWPID, ...)
 * Return: pid or -1. @out_pidfd may be NULL.
 */
pid_t userns_fork_new(const IdMap *map, int flags, UserNsFn fn, void *data, int *out_pidfd,
		      GError **error);

/**
 * userns_fork_join() - fork a child into an existing user namespace
 * @ns_fd:	an open /proc/PID/ns/user, or a pidfd of a member
 * @flags:	CLONE_NEW* made after joining
 * @error:	NOT_FOUND if the holder is gone (ESRCH, or EPERM while it is a zombie)
 */
pid_t userns_fork_join(int ns_fd, int flags, UserNsFn fn, void *data, int *out_pidfd,
		       GError **error);

/** userns_is_initial_root() - uid 0 with the full identity map: no user namespace is needed. */
bool userns_is_initial_root(void);
