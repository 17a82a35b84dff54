/* SPDX-License-Identifier: Apache-2.0 */
#include <net/ethernet.h>
#include <netinet/icmp6.h>
#include <netinet/ip6.h>
#include <string.h>

#include "network/home_frame.h"

/* The type at the head of an ICMPv6 message, -1 if it is none. */
static int icmp_type(const struct ip6_hdr *header, const uint8_t *segment, size_t size)
{
	return header->ip6_nxt == IPPROTO_ICMPV6 && size > 0 ? segment[0] : -1;
}

HomeVerdict home_frame6_in(const HomeRules *rules, const uint8_t *frame, size_t size)
{
	const size_t head = ETHER_HDR_LEN + sizeof(struct ip6_hdr);
	struct ip6_hdr header;

	if (!rules->subnet6.prefix || size < head)
		return HOME_FRAME_DROP;
	memcpy(&header, frame + ETHER_HDR_LEN, sizeof(header));
	if (header.ip6_vfc >> 4 != 6)
		return HOME_FRAME_DROP;
	const struct in6_addr *to = &header.ip6_dst;
	int type = icmp_type(&header, frame + head, size - head);
	bool solicits = type == ND_NEIGHBOR_SOLICIT;

	if (IN6_IS_ADDR_MULTICAST(to))
		return solicits ? HOME_FRAME_PASS : HOME_FRAME_DROP;
	if (address6_compare(to, &rules->gateway6) == 0)
		return solicits || type == ND_NEIGHBOR_ADVERT || type == ICMP6_ECHO_REQUEST
			       ? HOME_FRAME_PASS
			       : HOME_FRAME_DROP;
	/* Members are reached by the bridge. */
	if (subnet6_contains(&rules->subnet6, to) || IN6_IS_ADDR_LINKLOCAL(to) || rules->internal)
		return HOME_FRAME_DROP;
	return header.ip6_nxt != IPPROTO_ICMPV6 || type == ICMP6_ECHO_REQUEST ? HOME_FRAME_PASS
									      : HOME_FRAME_DROP;
}
