/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a container asks of the network, in every form that the monitor and the uplink need.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "libpod/base/json.h"
#include "network/network_options.h"
#include "network/subnet.h"

typedef enum {
	NETWORK_NONE,      /* own netns with lo only */
	NETWORK_HOST,      /* the caller's netns */
	NETWORK_SLIRP,     /* own netns, user-mode uplink: the default */
	NETWORK_CONTAINER, /* another container's netns */
	NETWORK_NS,        /* ns:PATH */
	NETWORK_NAMED,     /* own netns, a port of a named network's bridge */
	NETWORK_PASTA,     /* own netns, connected by pasta(1) */
} NetworkMode;

typedef enum {
	PORT_TCP,
	PORT_UDP,
} PortProtocol;

/* One published port or range of ports: host_port + i leads to container_port + i. */
typedef struct {
	char *host_ip;           /* NULL: all addresses, both families */
	uint16_t host_port;      /* 0: each port of the range is chosen when the uplink binds */
	uint16_t container_port; /* first port of the range */
	uint16_t count;          /* length of the range, >= 1 */
	PortProtocol protocol;
} PortMapping;

/* What a member must know of its named network: filled in from the network's record at each start.
 */
typedef struct {
	char *key;    /* names the home's socket in the runtime directory */
	uint32_t mtu; /* 0: 65520 */
	Subnet subnet;
	uint32_t gateway;
	uint32_t first, last;     /* addresses to choose from */
	Subnet6 subnet6;          /* prefix 0: no IPv6 */
	struct in6_addr gateway6; /* of subnet6 */
	struct in6_addr first6, last6;
	bool internal; /* no way out of the network */
	bool dns;      /* names are answered */
	NetworkOptions options;
} NetworkPlan;

typedef struct {
	NetworkMode mode;
	char *target;                    /* NETWORK_CONTAINER: id; NETWORK_NS: path; else NULL */
	GPtrArray *attachments;          /* NETWORK_NAMED: of NetworkAttachment, never NULL */
	struct NetworkAttachment *typed; /* --ip, --mac-address, --network-alias: spec_resolve()
					    gives them to the attachments. NULL in records */
	char **pasta_options;            /* NETWORK_PASTA: what was typed for it; or NULL */
	GPtrArray *ports;                /* of PortMapping, never NULL */
	bool allow_host_loopback;        /* slirp:allow_host_loopback=true */
	bool enable_ipv6;                /* default true */
	uint32_t mtu;                    /* 0: 65520 */
} NetworkRequest;

/** network_request_new() - the default: slirp with IPv6, no ports. */
NetworkRequest *network_request_new(void);
void network_request_free(NetworkRequest *request);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(NetworkRequest, network_request_free)

void port_mapping_free(PortMapping *mapping);

/** network_mode_name() - "none", "host", "slirp", "container", "ns". */
const char *network_mode_name(NetworkMode mode);

/**
 * network_request_parse() - the value of --network:
 * none|host|slirp[:opt,opt]|pasta[:opt,opt]|private|default|container:X|ns:PATH|
 * NAME[:ip=,mac=,alias=,...]
 *
 * "private" and "default" mean slirp, "bridge" the network "podman"; NAME may be several with
 * commas if there are no options. Whether networks exist is for the caller to find out.
 * @error:	INVALID
 */
bool network_request_parse(const char *text, NetworkRequest *request, GError **error);
/** network_request_parse_more() - the value of a further --network: another network. INVALID. */
bool network_request_parse_more(const char *text, NetworkRequest *request, GError **error);

/** network_plan_to_json() / network_plan_from_json() - of a start's request. */
Json *network_plan_to_json(const NetworkPlan *plan);
NetworkPlan *network_plan_from_json(Json *json, GError **error);
void network_plan_free(NetworkPlan *plan);

/**
 * port_mappings_to_json() / port_mappings_from_json() - an array of rows as podman's records have
 * them
 *
 * {"host_ip","container_port","host_port","range","protocol"}; run.json's "ports" has this form.
 * from_json: NULL gives an empty array of PortMapping; INVALID or CORRUPT otherwise.
 */
Json *port_mappings_to_json(const GPtrArray *ports);
GPtrArray *port_mappings_from_json(Json *array, GError **error);

#define NETWORK_MTU_MIN      1280 /* what IPv6 needs */
#define NETWORK_MTU_MAX      65520
#define NETWORK_DEFAULT_NAME "podman" /* the network that is always there */

/** network_request_to_json() / network_request_from_json() - the form kept in create.json and in
 * requests. */
Json *network_request_to_json(const NetworkRequest *request);
NetworkRequest *network_request_from_json(Json *json, GError **error);
