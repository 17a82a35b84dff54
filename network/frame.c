/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The filter in front of libslirp. It reads as little of a frame as it needs for the destination;
 * whether the rest makes sense is libslirp's to find out.
 *
 * libslirp turns a destination into a connect() of the host's. Addresses that mean "this host" to
 * the kernel must therefore never reach it: 127.0.0.0/8, 0.0.0.0/8, ::1, ::, and IPv4 dressed up as
 * IPv6.
 */
#include "network/frame.h"

#include <net/ethernet.h>
#include <netinet/icmp6.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>
#include <string.h>

#define FRAGMENT_MASK (IP_OFFMASK | IP_MF)
#define DOMAIN_PORT   53
#define BOOTP_PORT    67
#define BOOTP_CLIENT  68
#define TFTP_PORT     69
#define DHCPV6_PORT   547
#define DHCPV6_CLIENT 546
#define PORTS_SIZE    4 /* source and destination, the head of TCP and UDP alike */

/* The destination port at the head of a TCP or UDP segment, -1 if it is cut. */
static int destination_port(const uint8_t *segment, size_t size)
{
	return size < PORTS_SIZE ? -1 : segment[2] << 8 | segment[3];
}

/* To the resolver: domain requests, and ping. */
static bool is_for_resolver(int protocol, int icmp, const uint8_t *segment, size_t size)
{
	if (protocol == icmp)
		return true;
	return (protocol == IPPROTO_TCP || protocol == IPPROTO_UDP) &&
	       destination_port(segment, size) == DOMAIN_PORT;
}

static bool is_own_service(int port)
{
	return port == BOOTP_PORT || port == BOOTP_CLIENT || port == TFTP_PORT ||
	       port == DHCPV6_PORT || port == DHCPV6_CLIENT;
}

/* Does the port lead into libslirp itself? Those listen on the gateway and on what goes to
 * everybody. */
static bool is_service4(const FrameRules *rules, in_addr_t to, const uint8_t *segment, size_t size)
{
	return (to == rules->gateway.s_addr || to == INADDR_BROADCAST) &&
	       is_own_service(destination_port(segment, size));
}

/*
 * May libslirp see this packet? Not what is for the host's loopback or for libslirp's own services.
 */
static bool ipv4_is_allowed(const FrameRules *rules, const uint8_t *packet, size_t size)
{
	struct ip header;

	if (size < sizeof(header))
		return false;
	memcpy(&header, packet, sizeof(header));
	size_t length = (size_t)header.ip_hl * 4;
	if (header.ip_v != 4 || length < sizeof(header) || length > size)
		return false;

	/* libslirp 4.7 writes through a wild pointer when it puts odd fragments together. */
	if (ntohs(header.ip_off) & FRAGMENT_MASK)
		return false;
	in_addr_t to = header.ip_dst.s_addr;
	uint32_t host = ntohl(to);
	if (host >> 24 == 0 || host >> 24 == IN_LOOPBACKNET)
		return false;
	if (to == INADDR_BROADCAST && !rules->allow_host_loopback)
		return false;
	if (to == rules->dns.s_addr)
		return is_for_resolver(header.ip_p, IPPROTO_ICMP, packet + length, size - length);
	if (header.ip_p != IPPROTO_UDP)
		return true;
	return !is_service4(rules, to, packet + length, size - length);
}

/* The same for IPv6. */
static bool ipv6_is_allowed(const FrameRules *rules, const uint8_t *packet, size_t size)
{
	struct ip6_hdr header;

	if (size < sizeof(header))
		return false;
	memcpy(&header, packet, sizeof(header));
	const struct in6_addr *to = &header.ip6_dst;
	const uint8_t *segment = packet + sizeof(header);
	size_t left = size - sizeof(header);
	int protocol = header.ip6_nxt;

	if (header.ip6_vfc >> 4 != 6)
		return false;
	/* ::, ::1, ::a.b.c.d and ::ffff:a.b.c.d: the first ten bytes are zero. */
	static const uint8_t zero[10];
	if (memcmp(to->s6_addr, zero, sizeof(zero)) == 0)
		return false;
	if (protocol == IPPROTO_ICMPV6)
		return true;
	/* libslirp knows no extension headers, and behind one we could not tell the port. */
	if (protocol != IPPROTO_TCP && protocol != IPPROTO_UDP)
		return false;
	if (IN6_ARE_ADDR_EQUAL(to, &rules->dns6))
		return is_for_resolver(protocol, IPPROTO_ICMPV6, segment, left);
	if (IN6_IS_ADDR_LINKLOCAL(to) || IN6_IS_ADDR_MULTICAST(to))
		return false;
	return protocol != IPPROTO_UDP || !IN6_ARE_ADDR_EQUAL(to, &rules->gateway6) ||
	       !is_own_service(destination_port(segment, left));
}

bool frame_is_allowed(const FrameRules *rules, const uint8_t *frame, size_t size)
{
	if (size < ETHER_HDR_LEN)
		return false;
	const uint8_t *packet = frame + ETHER_HDR_LEN;
	switch (frame[12] << 8 | frame[13]) {
	case ETHERTYPE_ARP:
		return true;
	case ETHERTYPE_IP:
		return ipv4_is_allowed(rules, packet, size - ETHER_HDR_LEN);
	case ETHERTYPE_IPV6:
		return rules->ipv6 && ipv6_is_allowed(rules, packet, size - ETHER_HDR_LEN);
	}
	return false;
}

/* Where the TCP header of an answer without options is, 0 if it is no such thing. */
static size_t plain_tcp_offset(const uint8_t *frame, size_t size)
{
	const size_t at4 = ETHER_HDR_LEN + sizeof(struct ip);
	const size_t at6 = ETHER_HDR_LEN + sizeof(struct ip6_hdr);

	if (size == at4 + sizeof(struct tcphdr) && frame[12] == 0x08 && frame[13] == 0x00 &&
	    frame[ETHER_HDR_LEN] == 0x45 && frame[ETHER_HDR_LEN + 9] == IPPROTO_TCP)
		return at4;
	if (size == at6 + sizeof(struct tcphdr) && frame[12] == 0x86 && frame[13] == 0xdd &&
	    frame[ETHER_HDR_LEN + 6] == IPPROTO_TCP)
		return at6;
	return 0;
}

bool frame_is_pure_ack(const uint8_t *frame, size_t size)
{
	size_t at = plain_tcp_offset(frame, size);

	return at && frame[at + offsetof(struct tcphdr, th_flags)] == TH_ACK;
}

bool frame_supersedes(const uint8_t *newer, size_t newer_size, const uint8_t *older,
		      size_t older_size)
{
	size_t at = plain_tcp_offset(newer, newer_size);
	size_t ack = at + offsetof(struct tcphdr, th_ack);
	/* Addresses come last in both IP headers; ports and sequence number precede the ACK. */
	size_t addresses = at == ETHER_HDR_LEN + sizeof(struct ip) ? 8 : 32;

	return at && newer_size == older_size && at == plain_tcp_offset(older, older_size) &&
	       memcmp(newer + at - addresses, older + at - addresses, ack - at + addresses) == 0 &&
	       memcmp(newer + ack, older + ack, sizeof(uint32_t)) != 0;
}

/* The ones' complement sum of 16 bit words, in memory order, by 32 bits at a time. */
static uint16_t sum_words(const uint8_t *data, size_t size)
{
	uint64_t sum = 0;

	for (; size >= 4; data += 4, size -= 4) {
		uint32_t word;
		memcpy(&word, data, sizeof(word));
		sum += word;
	}
	if (size) {
		uint32_t word = 0;
		memcpy(&word, data, size);
		sum += word;
	}
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

bool frame_checksum(uint8_t *frame, size_t size, size_t start, size_t offset)
{
	if (start > size || offset > size - start || size - start - offset < sizeof(uint16_t))
		return false;
	/* The field holds the sum of the pseudo header already. 0 would mean "none" to UDP. */
	uint16_t sum = (uint16_t)~sum_words(frame + start, size - start);
	if (sum == 0)
		sum = 0xffff;
	memcpy(frame + start + offset, &sum, sizeof(sum));
	return true;
}
