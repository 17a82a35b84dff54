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
		if (head && strchr(head, ':'))
			return error_set(error, ENGINE_ERROR_UNSUPPORTED,
					 "IPv6 subnets of named networks are not supported yet: %s",
					 shown);
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
