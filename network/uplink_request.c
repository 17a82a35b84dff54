/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bytes between the monitor and the uplink, checked on arrival.
 */
#include "network/uplink_priv.h"

#include <string.h>

/* One row: known family and protocol, and no range that runs past the last port. */
static bool row_is_valid(const UplinkPort *port, bool bound)
{
	if (port->family != 0 && port->family != AF_INET && port->family != AF_INET6)
		return false;
	if (port->protocol != IPPROTO_TCP && port->protocol != IPPROTO_UDP)
		return false;
	if (port->container_port == 0 || port->count == 0 || (bound && port->host_port == 0))
		return false;
	return (uint32_t)port->container_port + port->count <= 65536 &&
	       (uint32_t)port->host_port + port->count <= 65536;
}

bool uplink_rows_parse(const void *data, size_t size, bool bound, const UplinkPort **out_ports,
		       size_t *out_n)
{
	size_t n = size / sizeof(UplinkPort), sum = 0;
	const UplinkPort *ports = data;

	if (size % sizeof(UplinkPort) != 0)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (!row_is_valid(&ports[i], bound))
			return false;
		sum += ports[i].count;
	}
	if (sum > UPLINK_PORTS_SUM)
		return false;
	*out_ports = ports;
	*out_n = n;
	return true;
}

bool uplink_request_parse(const void *data, size_t size, UplinkRequest *out_request,
			  const UplinkPort **out_ports)
{
	UplinkRequest request;
	const UplinkPort *ports = NULL;
	size_t n = 0;

	if (size < sizeof(request))
		return false;
	memcpy(&request, data, sizeof(request));
	if (request.magic != UPLINK_MAGIC || request.version != UPLINK_VERSION ||
	    request.n_ports > UPLINK_PORTS_MAX || request.mtu < 576 || request.mtu > 65520 ||
	    request.ipv6 > 1 || request.bridged > 1 || request.allow_host_loopback > 1)
		return false;
	if (!uplink_rows_parse((const char *)data + sizeof(request), size - sizeof(request), false,
			       &ports, &n) ||
	    n != request.n_ports)
		return false;
	*out_request = request;
	*out_ports = ports;
	return true;
}
