/* SPDX-License-Identifier: Apache-2.0 */
#include "network/subnet.h"

#include <arpa/inet.h>
#include <string.h>

#include "libpod/base/error.h"
#include "libpod/base/units.h"

static uint32_t mask_of(unsigned prefix)
{
	return prefix ? UINT32_MAX << (32 - prefix) : 0;
}

bool address4_parse(const char *text, uint32_t *out_address)
{
	struct in_addr address;

	if (inet_pton(AF_INET, text, &address) != 1)
		return false;
	*out_address = ntohl(address.s_addr);
	return true;
}

char *address4_format(uint32_t address)
{
	return g_strdup_printf("%u.%u.%u.%u", address >> 24, address >> 16 & 255,
			       address >> 8 & 255, address & 255);
}

bool subnet_parse(const char *text, Subnet *out_subnet, GError **error)
{
	const char *slash = strchr(text, '/');
	g_autofree char *head = slash ? g_strndup(text, (size_t)(slash - text)) : NULL;
	uint64_t prefix = 0;
	uint32_t address = 0;

	if (!head || !address4_parse(head, &address) ||
	    !units_parse_uint(slash + 1, 32, &prefix, NULL)) {
		g_autofree char *shown = g_strescape(text, NULL);
		return error_set(error, ENGINE_ERROR_INVALID, "invalid CIDR address: %s", shown);
	}
	/* Network, gateway, one container, broadcast; and no more than a class A. */
	if (prefix < 8 || prefix > 30)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "subnet %s: the prefix must be between 8 and 30", text);
	*out_subnet = (Subnet){address & mask_of((unsigned)prefix), (unsigned)prefix};
	return true;
}

char *subnet_format(const Subnet *subnet)
{
	g_autofree char *address = address4_format(subnet->network);

	return g_strdup_printf("%s/%u", address, subnet->prefix);
}

bool subnet_contains(const Subnet *subnet, uint32_t address)
{
	return (address & mask_of(subnet->prefix)) == subnet->network;
}

bool subnet_overlaps(const Subnet *a, const Subnet *b)
{
	return subnet_contains(a, b->network) || subnet_contains(b, a->network);
}

uint32_t subnet_first(const Subnet *subnet)
{
	return subnet->network + 1;
}

uint32_t subnet_last(const Subnet *subnet)
{
	return (subnet->network | ~mask_of(subnet->prefix)) - 1;
}

bool address6_parse(const char *text, struct in6_addr *out_address)
{
	return inet_pton(AF_INET6, text, out_address) == 1;
}

char *address6_format(const struct in6_addr *address)
{
	char text[INET6_ADDRSTRLEN];

	return g_strdup(inet_ntop(AF_INET6, address, text, sizeof(text)));
}

int address6_compare(const struct in6_addr *a, const struct in6_addr *b)
{
	return memcmp(a->s6_addr, b->s6_addr, sizeof(a->s6_addr));
}

struct in6_addr address6_next(const struct in6_addr *address)
{
	struct in6_addr next = *address;

	for (int i = 15; i >= 0; i--)
		if (++next.s6_addr[i] != 0)
			break;
	return next;
}

bool address6_is_any(const struct in6_addr *address)
{
	return IN6_IS_ADDR_UNSPECIFIED(address);
}

/* The host bits of a subnet, all @on or all off. */
static struct in6_addr fill6(const Subnet6 *subnet, bool on)
{
	struct in6_addr address = subnet->network;

	for (unsigned bit = subnet->prefix; bit < 128; bit++) {
		uint8_t mask = (uint8_t)(0x80 >> bit % 8);
		uint8_t *byte = &address.s6_addr[bit / 8];
		*byte = on ? *byte | mask : *byte & (uint8_t)~mask;
	}
	return address;
}

bool subnet6_parse(const char *text, Subnet6 *out_subnet, GError **error)
{
	const char *slash = strchr(text, '/');
	g_autofree char *head = slash ? g_strndup(text, (size_t)(slash - text)) : NULL;
	uint64_t prefix = 0;
	Subnet6 subnet;

	if (!head || !address6_parse(head, &subnet.network) ||
	    !units_parse_uint(slash + 1, 128, &prefix, NULL)) {
		g_autofree char *shown = g_strescape(text, NULL);
		return error_set(error, ENGINE_ERROR_INVALID, "invalid CIDR address: %s", shown);
	}
	if (prefix < 8 || prefix > 126)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "subnet %s: the prefix must be between 8 and 126", text);
	subnet.prefix = (unsigned)prefix;
	subnet.network = fill6(&subnet, false);
	if (IN6_IS_ADDR_LINKLOCAL(&subnet.network) || IN6_IS_ADDR_MULTICAST(&subnet.network) ||
	    IN6_IS_ADDR_V4MAPPED(&subnet.network) || IN6_IS_ADDR_LOOPBACK(&subnet.network) ||
	    subnet.network.s6_addr[0] == 0)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "subnet %s: no addresses for containers", text);
	*out_subnet = subnet;
	return true;
}

char *subnet6_format(const Subnet6 *subnet)
{
	g_autofree char *address = address6_format(&subnet->network);

	return g_strdup_printf("%s/%u", address, subnet->prefix);
}

bool subnet6_contains(const Subnet6 *subnet, const struct in6_addr *address)
{
	const Subnet6 other = {*address, subnet->prefix};
	struct in6_addr network = fill6(&other, false);

	return subnet->prefix && address6_compare(&network, &subnet->network) == 0;
}

bool subnet6_overlaps(const Subnet6 *a, const Subnet6 *b)
{
	return subnet6_contains(a, &b->network) || subnet6_contains(b, &a->network);
}

struct in6_addr subnet6_first(const Subnet6 *subnet)
{
	return address6_next(&subnet->network);
}

struct in6_addr subnet6_last(const Subnet6 *subnet)
{
	return fill6(subnet, true);
}

bool mac_parse(const char *text, uint8_t out_mac[6])
{
	uint8_t mac[6], any = 0;

	if (strlen(text) != 17)
		return false;
	for (size_t i = 0; i < 6; i++) {
		int high = g_ascii_xdigit_value(text[3 * i]);
		int low = g_ascii_xdigit_value(text[3 * i + 1]);
		if (high < 0 || low < 0 || (i < 5 && text[3 * i + 2] != ':'))
			return false;
		mac[i] = (uint8_t)(high << 4 | low);
		any |= mac[i];
	}
	/* A group's or nobody's address is no station's. */
	if (!any || (mac[0] & 1))
		return false;
	memcpy(out_mac, mac, 6);
	return true;
}

char *mac_format(const uint8_t mac[6])
{
	return g_strdup_printf("%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3],
			       mac[4], mac[5]);
}
