/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Privileges: capability names and sets, user and group lookup, the identity order of security R8.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/** privileges_capability_parse() - "CAP_NET_RAW", "net_raw", any case; "ALL" is not one. INVALID in
 * podman's words. */
bool privileges_capability_parse(const char *name, int *out_capability, GError **error);

/** privileges_capability_name() - "CAP_NET_RAW"; NULL if unknown. */
const char *privileges_capability_name(int capability);

/** privileges_default_capabilities() - podman's eleven. */
uint64_t privileges_default_capabilities(void);

/** privileges_all_capabilities() - all that this kernel knows (cap_last_cap), cut to our bounding
 * set when @bounded. */
uint64_t privileges_all_capabilities(bool bounded);

/**
 * privileges_full_capabilities() - what --privileged means: all that a container of ours can have
 *
 * For root that is our own bounding set: one that was cut around us stays cut. Anybody else's
 * containers live in a user namespace, whose first process has every capability over it, whatever
 * its maker was left with. A command and the monitor that it starts agree.
 */
uint64_t privileges_full_capabilities(void);

/** Result of looking a user up in a root. */
typedef struct {
	uid_t uid;
	gid_t gid;
	char home[256]; /* "" if unknown */
	gid_t groups[1024];
	size_t n_groups; /* always holds the primary gid */
	bool uid_named;  /* passwd has a line for it */
	bool gid_named;  /* group has, or nobody asked for it by number */
} ResolvedUser;

/**
 * privileges_resolve_user() - "user[:group]" against passwd and group of the current root, below
 * the exec line
 * @root_fd:	a descriptor of the container's root
 * @spec:	NULL or "" = uid 0
 * Strict: numeric ids <= 2^32-2; a numeric name in passwd never shadows a number (security 1.2).
 * Return: 0, -ENOENT (no such user or group), -EINVAL, -EFBIG.
 */
int privileges_resolve_user(int root_fd, const char *spec, const char *const *extra_groups,
			    ResolvedUser *out_user);

/** privileges_check_user_spec() - grammar only, for the CLI. INVALID. */
bool privileges_check_user_spec(const char *spec, GError **error);
