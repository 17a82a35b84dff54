/* SPDX-License-Identifier: Apache-2.0 */
#include "network/home_protocol.h"

#include <string.h>
#include <sys/socket.h>

#include "network/subnet.h"

/* The IPv6 half makes sense, or is not there. */
static bool is_valid6(const HomeRequest *request)
{
	const Subnet6 subnet = {request->network6, request->prefix6};

	if (request->prefix6 == 0)
		return true;
	return request->prefix6 >= 8 && request->prefix6 <= 126 &&
	       subnet6_contains(&subnet, &request->network6) &&
	       subnet6_contains(&subnet, &request->gateway6) &&
	       subnet6_contains(&subnet, &request->first6) &&
	       subnet6_contains(&subnet, &request->last6) &&
	       address6_compare(&request->first6, &request->last6) <= 0;
}

/* As many as are said to be there, each of a family and with an end to its zone. */
static bool are_valid_servers(const DnsServer *servers, uint32_t n)
{
	if (n > DNS_SERVERS_MAX)
		return false;
	for (uint32_t i = 0; i < n; i++)
		if ((servers[i].family != AF_INET && servers[i].family != AF_INET6) ||
		    servers[i].zone[DNS_ZONE_MAX - 1])
			return false;
	return true;
}

bool home_request_is_valid(const HomeRequest *request)
{
	if (request->magic != HOME_MAGIC || request->mtu < 576 || request->mtu > 65520 ||
	    request->prefix < 8 || request->prefix > 30 || request->internal > 1 ||
	    request->dns > 1 || request->adopted > 1 ||
	    !are_valid_servers(request->servers, request->n_servers) ||
	    request->bridge[NETWORK_BRIDGE_MAX - 1])
		return false;
	const Subnet subnet = {request->network, request->prefix};
	return subnet_contains(&subnet, request->network) &&
	       (request->network & (UINT32_MAX >> request->prefix)) == 0 &&
	       request->first <= request->last && request->first >= subnet_first(&subnet) &&
	       request->last <= subnet_last(&subnet) && request->gateway >= subnet_first(&subnet) &&
	       request->gateway <= subnet_last(&subnet) && is_valid6(request);
}

/* A name, or "ALIAS=NAME". */
static bool is_valid_word(const char *word)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789-_.";
	size_t length = strspn(word, letters);

	if (length == 0 || length > 253)
		return false;
	return !word[length] || (word[length] == '=' && !strchr(word + length + 1, '=') &&
				 is_valid_word(word + length + 1));
}

bool home_ask_is_valid(const HomeAsk *ask, size_t size)
{
	if (size != sizeof(*ask) || ask->magic != HOME_MAGIC || ask->op > HOME_SERVERS ||
	    ask->again > 1 || !are_valid_servers(ask->servers, ask->n_servers) ||
	    ask->names_size > HOME_NAMES_MAX ||
	    (ask->names_size && ask->names[ask->names_size - 1] != '\0'))
		return false;
	for (uint32_t at = 0; at < ask->names_size;) {
		if (!is_valid_word(ask->names + at))
			return false;
		at += (uint32_t)strlen(ask->names + at) + 1;
	}
	return true;
}
