/* SPDX-License-Identifier: Apache-2.0 */
#include "libpod/named_network6.h"

#include <ifaddrs.h>
#include <string.h>

#include "libpod/base/error.h"

#define CHOSEN_PREFIX 64

Json *named_network6_to_json(const NamedNetwork *network)
{
	g_autofree char *subnet = subnet6_format(&network->subnet6);
	g_autofree char *gateway = address6_format(&network->gateway6);
	Json *json = json_object_new_object();
	js_set_string(json, "subnet", subnet);
	js_set_string(json, "gateway", gateway);
	if (!address6_is_any(&network->first6)) {
		g_autofree char *first = address6_format(&network->first6);
		g_autofree char *last = address6_format(&network->last6);
		Json *range = json_object_new_object();
		js_set_string(range, "start_ip", first);
		js_set_string(range, "end_ip", last);
		js_set_take(json, "lease_range", range);
	}
	return json;
}

/* An address of the record that must be one of the subnet's. */
static bool read_address(Json *json, const char *key, const Subnet6 *subnet, struct in6_addr *out,
			 GError **error)
{
	const char *text = NULL;
	if (!js_get_string(json, key, &text, error))
		return false;
	if (text && address6_parse(text, out) && subnet6_contains(subnet, out))
		return true;
	return error_set(error, ENGINE_ERROR_CORRUPT, "%s: expected an address of the subnet", key);
}

bool named_network6_read(NamedNetwork *network, Json *row, GError **error)
{
	const char *text = NULL;
	Json *range = NULL;
	if (!js_get_string(row, "subnet", &text, error) ||
	    !subnet6_parse(text ? text : "", &network->subnet6, error) ||
	    !read_address(row, "gateway", &network->subnet6, &network->gateway6, error) ||
	    !js_get_object(row, "lease_range", &range, error))
		return false;
	return !range ||
	       (read_address(range, "start_ip", &network->subnet6, &network->first6, error) &&
		read_address(range, "end_ip", &network->subnet6, &network->last6, error));
}

/* Is the subnet another network's, that of containers without one, or has the host an address in
 * it? */
static bool is_taken(const GPtrArray *networks, const Subnet6 *subnet)
{
	struct ifaddrs *all = NULL;
	Subnet6 slirp;
	bool taken = subnet6_parse("fd00::/64", &slirp, NULL) && subnet6_overlaps(subnet, &slirp);
	for (guint i = 0; !taken && i < networks->len; i++)
		taken = subnet6_overlaps(subnet,
					 &((const NamedNetwork *)networks->pdata[i])->subnet6);
	if (taken || getifaddrs(&all) < 0)
		return taken;
	for (const struct ifaddrs *one = all; one && !taken; one = one->ifa_next)
		if (one->ifa_addr && one->ifa_addr->sa_family == AF_INET6)
			taken = subnet6_contains(
				subnet, &((const struct sockaddr_in6 *)one->ifa_addr)->sin6_addr);
	freeifaddrs(all);
	return taken;
}

/* --ip-range: a subnet of the subnet, or its first and last address. */
static bool set_range(NamedNetwork *network, const char *text, GError **error)
{
	const Subnet6 *subnet = &network->subnet6;
	const char *dash = strchr(text, '-');
	Subnet6 range;
	if (dash) {
		g_autofree char *first = g_strndup(text, (size_t)(dash - text));
		if (!address6_parse(first, &network->first6) ||
		    !address6_parse(dash + 1, &network->last6))
			return error_set(error, ENGINE_ERROR_INVALID, "invalid ip range %s", text);
	} else {
		if (!subnet6_parse(text, &range, error))
			return false;
		network->first6 = subnet6_first(&range);
		network->last6 = subnet6_last(&range);
	}
	bool inside = subnet6_contains(subnet, &network->first6) &&
		      subnet6_contains(subnet, &network->last6) &&
		      address6_compare(&network->first6, &subnet->network) != 0;
	if (inside && address6_compare(&network->first6, &network->last6) <= 0)
		return true;
	g_autofree char *shown = subnet6_format(subnet);
	return error_set(error, ENGINE_ERROR_INVALID, "invalid ip range %s: not in subnet %s", text,
			 shown);
}

bool named_network6_set(NamedNetwork *network, const NamedNetworkSubnet *asked,
			const GPtrArray *networks, GError **error)
{
	if (!subnet6_parse(asked->subnet, &network->subnet6, error))
		return false;
	if (is_taken(networks, &network->subnet6))
		return error_set(error, ENGINE_ERROR_IN_USE,
				 "subnet %s is already used on the host or by another config",
				 asked->subnet);
	network->gateway6 = subnet6_first(&network->subnet6);
	if (asked->gateway &&
	    (!address6_parse(asked->gateway, &network->gateway6) ||
	     !subnet6_contains(&network->subnet6, &network->gateway6) ||
	     address6_compare(&network->gateway6, &network->subnet6.network) == 0)) {
		g_autofree char *subnet = subnet6_format(&network->subnet6);
		return error_set(error, ENGINE_ERROR_INVALID, "gateway %s not in subnet %s",
				 asked->gateway, subnet);
	}
	return !asked->range || set_range(network, asked->range, error);
}

void named_network6_choose(NamedNetwork *network, const GPtrArray *networks)
{
	Subnet6 *subnet = &network->subnet6;
	/* RFC 4193: a random global id makes it unique wherever networks are joined later. */
	do {
		*subnet = (Subnet6){.prefix = CHOSEN_PREFIX};
		subnet->network.s6_addr[0] = 0xfd;
		for (int i = 1; i < CHOSEN_PREFIX / 8; i++)
			subnet->network.s6_addr[i] = (uint8_t)g_random_int_range(0, 256);
	} while (is_taken(networks, subnet));
	network->gateway6 = subnet6_first(subnet);
}
