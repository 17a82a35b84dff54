/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The text of a container's /etc/resolv.conf and /etc/hosts. Pure but for reading the host's
 * resolv.conf.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "network/network.h"

#define PASTA_RESOLVER "169.254.1.1" /* where pasta answers for the host's, as podman has it */

typedef struct {
	const char *const
		*servers; /* --dns; NULL: the host's, or the uplink's 10.0.2.3 for slirp */
	const char *const *search;
	const char *const *options;
	const char *const *gateways; /* of named networks: they answer for all others; or NULL */
	const char *domain;          /* where their members' names are, first of the search list */
} ResolvOptions;

/** resolv_conf_build() - contents of resolv.conf for @mode. g_free() it. NULL with INVALID for a
 * bad address. */
char *resolv_conf_build(NetworkMode mode, const ResolvOptions *options, GError **error);

/** resolv_conf_compose() - as resolv_conf_build(), with the text of the host's file given: pure. */
char *resolv_conf_compose(const char *host_text, NetworkMode mode, const ResolvOptions *options,
			  GError **error);

/**
 * hosts_build() - contents of /etc/hosts
 * @add_host:	values of --add-host "name:ip" ("host-gateway" allowed), NULL-terminated or NULL
 * @hostname:	the container's, @name its container name; either may be NULL
 * @domain:	what follows the host name in its full form; may be NULL
 * Of a container on a named network its own names are left out: its address is not known yet.
 * Fields with control characters, spaces or newlines are refused: INVALID (security 1.5).
 */
char *hosts_build(NetworkMode mode, const char *const *add_host, const char *hostname,
		  const char *domain, const char *name, GError **error);

/** hosts_check_add_host() - check one --add-host value, podman's wording. */
bool hosts_check_add_host(const char *value, GError **error);
