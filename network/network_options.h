/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a named network has beside its addresses: name servers, routes, the options of its driver.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "libpod/base/json.h"
#include "network/dns_servers.h"
#include "network/subnet.h"

#define NETWORK_ROUTES_MAX 16
#define NETWORK_BRIDGE_MAX 16 /* bytes of an interface's name, with its end */

typedef struct {
	uint32_t target; /* without host bits */
	unsigned prefix; /* 0 to 32 */
	uint32_t gateway;
	uint32_t metric; /* 0: the kernel's */
	uint8_t type;    /* RTN_UNICAST; RTN_BLACKHOLE and its like have no gateway */
} NetworkRoute;

typedef struct {
	char bridge[NETWORK_BRIDGE_MAX]; /* "": bridge0 */
	bool isolate;                    /* isolate=true was said: networks are apart anyway */
	bool no_default_route;
	uint32_t metric; /* of the default route; 0: by the network's place among the container's */
	DnsServer servers[DNS_SERVERS_MAX]; /* asked instead of the host's */
	size_t n_servers;
	NetworkRoute routes[NETWORK_ROUTES_MAX];
	size_t n_routes;
} NetworkOptions;

/** network_options_set() - "isolate=true", "metric=N", "no_default_route=true", "mode=managed".
 * INVALID in podman's words; UNSUPPORTED names what a user's networks cannot have. */
bool network_options_set(NetworkOptions *options, const char *text, GError **error);
/** network_options_set_driver() - -o, driver_opts: the above, and "mtu=N" and the bridge's name,
 * also under docker's names. */
bool network_options_set_driver(NetworkOptions *options, uint32_t *mtu, const char *text,
				GError **error);
/** network_options_add_server() - --dns. INVALID in podman's words. */
bool network_options_add_server(NetworkOptions *options, const char *text, GError **error);
/** network_options_add_route() - --route TARGET,GATEWAY[,METRIC], or blackhole, unreachable,
 * prohibit in the gateway's place. INVALID in podman's words. */
bool network_options_add_route(NetworkOptions *options, const char *text, GError **error);
/** network_options_set_bridge() - --interface-name. INVALID in podman's words. */
bool network_options_set_bridge(NetworkOptions *options, const char *name, GError **error);
/** network_options_check_routes() - gateways are neighbours on @subnet. INVALID. */
bool network_options_check_routes(const NetworkOptions *options, const Subnet *subnet,
				  GError **error);

/** network_options_write() / network_options_read() - in the form of podman's records, as part of
 * @json. CORRUPT or INVALID. */
void network_options_write(const NetworkOptions *options, Json *json);
bool network_options_read(NetworkOptions *options, Json *json, GError **error);
