/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Named networks: networks/NAME.json in the store, in the form of podman's records.
 *
 * One of them, "podman", is always there and has no file. Addresses are not recorded here: a
 * network's home hands them out while it lives (network/home.h).
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "libpod/base/json.h"
#include "libpod/base/record.h"
#include "libpod/engine.h"
#include "network/attachment.h"

typedef struct {
	char *name;
	char *id;        /* 64 hex digits */
	int64_t created; /* ns, 0: always there */
	Subnet subnet;
	uint32_t gateway;
	uint32_t first, last; /* of --ip-range; 0: the whole subnet */
	Subnet6 subnet6;      /* prefix 0: no IPv6 */
	struct in6_addr gateway6;
	struct in6_addr first6, last6; /* of --ip-range; ::: the whole subnet */
	bool internal, dns;
	uint32_t mtu; /* 0: the default */
	NetworkOptions options;
	GHashTable *labels;
} NamedNetwork;

void named_network_free(NamedNetwork *network);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(NamedNetwork, named_network_free)

/* As typed. */
typedef struct {
	const char *subnet, *gateway, *range; /* or NULL */
} NamedNetworkSubnet;

typedef struct {
	const char *name;           /* NULL: podman1, podman2, ... */
	const char *subnet;         /* NULL: the next that is free */
	const char *gateway;        /* NULL: the first of the subnet */
	const char *ip_range;       /* "10.89.0.128/25" or "FIRST-LAST"; NULL: all */
	bool ipv6;                  /* both families */
	NamedNetworkSubnet subnet6; /* subnet NULL: a unique local one, if @ipv6 */
	bool internal, disable_dns;
	bool ignore; /* existing is fine */
	/* One of that name becomes this one: those made for it join the new one when they start
	 * again. IN_USE while one of them runs. */
	bool replace;
	uint32_t mtu;
	const NetworkOptions *options; /* NULL: none */
	GHashTable *labels;            /* may be NULL */
} NamedNetworkCreate;

/** named_network_create() - EXISTS in podman's words: network name X already used: network already
 * exists. */
NamedNetwork *named_network_create(Engine *engine, const NamedNetworkCreate *options,
				   GError **error);
/** named_network_lookup() - by name. NULL without error if absent. */
NamedNetwork *named_network_lookup(Engine *engine, const char *name, GError **error);
/** named_network_resolve() - by name or the start of an id; NOT_FOUND: unable to find network with
 * name or ID X: network not found. */
NamedNetwork *named_network_resolve(Engine *engine, const char *name, GError **error);
/** named_networks_list() - all, by name. GPtrArray of NamedNetwork. */
GPtrArray *named_networks_list(Engine *engine, GError **error);
/** named_network_update() - servers to ask no more, and further ones; then members' monitors are
 * told. INVALID, NOT_FOUND. */
bool named_network_update(Engine *engine, const char *name, const GPtrArray *drop,
			  const GPtrArray *add, GError **error);
/** named_network_users() - ids of the containers made for it. */
char **named_network_users(Engine *engine, const char *name, GError **error);
/** named_networks_pin() - keep all networks from being removed, as long as the lock is held: for
 * who records a container of one. */
RecordLock *named_networks_pin(Engine *engine, GError **error);
/** named_network_remove() - IN_USE if a container is made for it, unless @force (which removes
 * those containers); INVALID for the one that is always there. */
bool named_network_remove(Engine *engine, const NamedNetwork *network, bool force, GError **error);
/** named_network_to_json() - podman's record, as `network inspect` shows it without containers. */
Json *named_network_to_json(const NamedNetwork *network);
/** named_network_check_attachment() - static addresses are its subnets'. INVALID in podman's words.
 */
bool named_network_check_attachment(const NamedNetwork *network,
				    const NetworkAttachment *attachment, GError **error);
/** named_network_plan() - what a member's monitor must know. */
NetworkPlan *named_network_plan(const NamedNetwork *network);
