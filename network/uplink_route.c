/* SPDX-License-Identifier: Apache-2.0 */
/*
 * As whom a client appears inside.
 *
 * A client keeps its address and port. Those that would mean something else inside appear as the
 * gateway, which is the host's name there: the host's own loopback (a container may trust
 * 127.0.0.1), link-local addresses (they mean nothing without their link), and clients of the
 * family that the container's server does not speak.
 */
#include "network/uplink_priv.h"

#include <arpa/inet.h>
#include <string.h>

static void set_address4(struct sockaddr_storage *out, const struct in_addr *ip, in_port_t port)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)out;

	v4->sin_family = AF_INET;
	v4->sin_port = port;
	v4->sin_addr = *ip;
}

static void set_address6(struct sockaddr_storage *out, const struct in6_addr *ip, in_port_t port)
{
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;

	v6->sin6_family = AF_INET6;
	v6->sin6_port = port;
	v6->sin6_addr = *ip;
}

static bool means_the_host4(const struct in_addr *address)
{
	uint32_t host = ntohl(address->s_addr);

	return host >> 24 == IN_LOOPBACKNET || host >> 24 == 0 || host >> 16 == 0xa9fe;
}

static bool means_the_host6(const struct in6_addr *address)
{
	return IN6_IS_ADDR_LOOPBACK(address) || IN6_IS_ADDR_UNSPECIFIED(address) ||
	       IN6_IS_ADDR_LINKLOCAL(address) || IN6_IS_ADDR_V4MAPPED(address);
}

static void route4(const UplinkInside *inside, const struct sockaddr_storage *client,
		   UplinkRoute *route)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)client;
	in_port_t port = client->ss_family == AF_INET
				 ? v4->sin_port
				 : ((const struct sockaddr_in6 *)client)->sin6_port;

	route->size = sizeof(struct sockaddr_in);
	if (!inside->keeps_source4)
		return;
	if (client->ss_family == AF_INET && !means_the_host4(&v4->sin_addr))
		memcpy(&route->source, v4, sizeof(*v4));
	else
		set_address4(&route->source, &inside->gateway4, port);
}

/* Where a connection to an IPv6 server goes, and from which address. */
static void route6(const UplinkInside *inside, const struct sockaddr_storage *client,
		   UplinkRoute *route)
{
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)client;
	in_port_t port = client->ss_family == AF_INET6
				 ? v6->sin6_port
				 : ((const struct sockaddr_in *)client)->sin_port;

	route->size = sizeof(struct sockaddr_in6);
	if (!inside->keeps_source6)
		return;
	if (client->ss_family == AF_INET6 && !means_the_host6(&v6->sin6_addr)) {
		struct sockaddr_in6 *source = (struct sockaddr_in6 *)&route->source;
		source->sin6_family = AF_INET6;
		source->sin6_port = port;
		source->sin6_addr = v6->sin6_addr;
	} else {
		set_address6(&route->source, &inside->gateway6, port);
	}
}

void uplink_route(const UplinkInside *inside, const struct sockaddr_storage *client, int family,
		  uint16_t container_port, UplinkRoute *out_route)
{
	memset(out_route, 0, sizeof(*out_route));
	if (family == AF_INET6) {
		set_address6(&out_route->target, &inside->address6, htons(container_port));
		route6(inside, client, out_route);
	} else {
		set_address4(&out_route->target, &inside->address4, htons(container_port));
		route4(inside, client, out_route);
	}
}
