/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside a fresh network namespace: lo, the tap or veth, addresses and routes. Runs in init between
 * clone and the pivot (below the exec line): no GError, no allocation beyond the stack.
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "network/network_options.h"

typedef struct {
	bool slirp; /* false: only lo */
	bool ipv6;
	uint32_t mtu;   /* 0: 65520 */
	int tap_socket; /* where the tap's (or packet socket's) descriptor is sent; -1 if !slirp */
} NetnsSetup;

/* What goes through the tap socket: this, the tap or packet socket, and the netns it leads to. */
typedef struct {
	uint32_t magic; /* NETNS_TAP_MAGIC */
	uint32_t
		vnet_hdr; /* 1: frames have a virtio_net_hdr of 10 bytes in front (packet socket) */
} NetnsTap;

#define NETNS_TAP_MAGIC 0x70617473u

/* The addresses of every container behind an uplink of its own. */
#define NETNS_ADDRESS4 "10.0.2.100"
#define NETNS_GATEWAY4 "10.0.2.2"
#define NETNS_DNS4     "10.0.2.3"
#define NETNS_ADDRESS6 "fd00::100"
#define NETNS_GATEWAY6 "fd00::2"
#define NETNS_DNS6     "fd00::3"
#define NETNS_MTU      65520

/**
 * netns_configure() - bring the namespace we are in to life
 * @out_step:	on failure the name of the step ("lo", "tun", "addresses", "routes"), static
 *
 * Should: be called with CAP_NET_ADMIN over this netns and the host's /dev still visible.
 * Mustn't: be called in the host's netns.
 * Return: 0 or a negative errno.
 */
int netns_configure(const NetnsSetup *setup, const char **out_step);

/**
 * netns_make_home() - in the netns we are in: the bridge of a named network and a tap as its port
 * @bridge:	its name; "" for the default
 * @adopted:	the bridge is there already; only the tap was lost with its process
 * @out_vnet:	frames have a virtio_net_hdr in front
 * Mustn't: be called in the host's netns.
 * Return: the tap's (or packet socket's) descriptor or a negative errno.
 */
int netns_make_home(bool adopted, const char *bridge, uint32_t mtu, bool *out_vnet);

/* Where questions of names over TCP end: the kernel's TCP does what UDP needs nobody for. */
typedef struct {
	struct in_addr gateway; /* whom the questions are for */
	struct in_addr network; /* where they come from */
	unsigned prefix;
	uint32_t mtu;
	const void *mac;
	/* filled in */
	int listener;
	bool vnet_hdr;
} NetnsResponder;

/**
 * netns_make_responder() - in the netns of a bridge: an interface beside the bridge for which the
 * gateway's address is local, and a listener on its port 53
 *
 * Frames are carried between it and the bridge by whoever holds its descriptor; nobody else finds
 * it, for neither it nor the bridge answers ARP.
 * Return: the tap's (or packet socket's) descriptor or a negative errno.
 */
int netns_make_responder(NetnsResponder *responder);

/* A member's end of a port of the bridge. */
typedef struct {
	int home_ns, container_ns;
	const char *interface;
	uint8_t mac[6];
	struct in_addr address, gateway;
	unsigned prefix;
	struct in6_addr address6, gateway6;
	unsigned prefix6; /* 0: no IPv6 */
	bool has_route;   /* default routes through the gateways */
	uint32_t metric;  /* of them */
	uint32_t mtu;
	const NetworkOptions *options; /* of the network; NULL to unplug */
	const char *const *sysctls;    /* paths below /proc/sys and values in turn; or NULL */
} NetnsPort;

/**
 * netns_plug() - give a container's netns a port of a home's bridge
 *
 * In the home it is called after the address, so that it is found again whatever the container
 * does with its end; one that is there already goes.
 * Leaves us in the container's netns: call it in a process of its own.
 * Return: 0 or a negative errno.
 */
int netns_plug(const NetnsPort *port);

/** netns_unplug() - take the port of @port->address away, with the container's end. As above. */
int netns_unplug(const NetnsPort *port);

/** netns_port_address() - the address that a port of the bridge is called after, in host order.
 * Return: false if @name is none's. Pure. */
bool netns_port_address(const char *name, uint32_t *out_address);
