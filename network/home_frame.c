/* SPDX-License-Identifier: Apache-2.0 */
#include "network/home_frame.h"

#include <arpa/inet.h>
#include <net/ethernet.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <string.h>

#define DOMAIN_PORT   53
#define FRAGMENT_MASK (IP_OFFMASK | IP_MF)
#define SUM_AT        10 /* of the IP header's checksum in it */
#define SOURCE_AT     12
#define TARGET_AT     16

/* An IPv4 frame, measured. */
typedef struct {
	uint8_t *packet; /* the IP header */
	size_t header;   /* its size */
	uint8_t *segment;
	size_t size; /* of the segment, by the IP header */
	uint8_t protocol;
	uint32_t source, target;
	bool fragment;
} Packet;

static uint32_t get32(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static uint16_t get16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static void put16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static bool measure(const uint8_t *frame, size_t size, Packet *out)
{
	uint8_t *packet = (uint8_t *)frame + ETHER_HDR_LEN;

	if (size < ETHER_HDR_LEN + sizeof(struct ip) || get16(frame + 12) != ETHERTYPE_IP)
		return false;
	size_t header = (size_t)(packet[0] & 15) * 4, total = get16(packet + 2);
	if (packet[0] >> 4 != 4 || header < sizeof(struct ip) || total < header ||
	    total > size - ETHER_HDR_LEN)
		return false;
	*out = (Packet){
		.packet = packet,
		.header = header,
		.segment = packet + header,
		.size = total - header,
		.protocol = packet[9],
		.source = get32(packet + SOURCE_AT),
		.target = get32(packet + TARGET_AT),
		.fragment = get16(packet + 6) & FRAGMENT_MASK,
	};
	return true;
}

static uint16_t header_sum(const uint8_t *header)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < sizeof(struct ip); i += 2)
		sum += get16(header + i);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

/* The headers of the gateway's answer to @question, but for the sizes in them. */
static void answer_headers(const uint8_t *frame, const Packet *question, uint8_t out[HOME_HEADERS])
{
	uint8_t *packet = out + ETHER_HDR_LEN, *udp = packet + sizeof(struct ip);

	memset(out, 0, HOME_HEADERS);
	memcpy(out, frame + 6, 6);
	memcpy(out + 6, frame, 6);
	put16(out + 12, ETHERTYPE_IP);
	packet[0] = 0x45;
	packet[8] = 64;
	packet[9] = IPPROTO_UDP;
	memcpy(packet + SOURCE_AT, question->packet + TARGET_AT, 4);
	memcpy(packet + TARGET_AT, question->packet + SOURCE_AT, 4);
	memcpy(udp, question->segment + 2, 2);
	memcpy(udp + 2, question->segment, 2);
}

size_t home_frame_wrap(const uint8_t headers[HOME_HEADERS], uint8_t *frame, size_t size)
{
	uint8_t *packet = frame + ETHER_HDR_LEN, *udp = packet + sizeof(struct ip);

	memcpy(frame, headers, HOME_HEADERS);
	put16(packet + 2, (uint32_t)(sizeof(struct ip) + sizeof(struct udphdr) + size));
	put16(packet + SUM_AT, header_sum(packet));
	put16(udp + 4, (uint32_t)(sizeof(struct udphdr) + size)); /* without a checksum */
	return HOME_HEADERS + size;
}

/* Something for port 53 of the gateway. */
static HomeVerdict ask_names(const HomeRules *rules, uint8_t *frame, const Packet *packet,
			     size_t room, uint8_t *answer, size_t *out_size, HomeQuestion *question)
{
	const size_t udp = sizeof(struct udphdr);

	if (packet->protocol == IPPROTO_TCP) {
		memcpy(frame, HOME_RESPONDER_MAC, 6);
		return HOME_FRAME_RESPONDER;
	}
	size_t length = packet->size < udp ? 0 : get16(packet->segment + 4);
	if (length < udp || length > packet->size || length - udp > DNS_QUESTION_MAX)
		return HOME_FRAME_DROP;
	answer_headers(frame, packet, question->headers);
	question->client = packet->source;
	question->data = packet->segment + udp;
	question->size = length - udp;
	int size = dns_answer(&rules->names, question->client, question->data, question->size, room,
			      answer + HOME_HEADERS);
	if (size < 0)
		return HOME_FRAME_DROP;
	if (size == 0)
		return HOME_FRAME_ASK;
	*out_size = home_frame_wrap(question->headers, answer, (size_t)size);
	return HOME_FRAME_ANSWER;
}

/* To the gateway itself: ping, and names. */
static HomeVerdict to_gateway(const HomeRules *rules, uint8_t *frame, const Packet *packet,
			      size_t room, uint8_t *answer, size_t *out_size,
			      HomeQuestion *question)
{
	bool ports = packet->protocol == IPPROTO_UDP || packet->protocol == IPPROTO_TCP;

	if (packet->protocol == IPPROTO_ICMP)
		return HOME_FRAME_PASS;
	/* A fragment could bring other ports than the one it is judged by. */
	if (!ports || packet->fragment || packet->size < 4)
		return HOME_FRAME_DROP;
	if (get16(packet->segment + 2) == DOMAIN_PORT)
		return ask_names(rules, frame, packet, room, answer, out_size, question);
	/* libslirp refuses a connection to its gateway properly. */
	return packet->protocol == IPPROTO_TCP ? HOME_FRAME_PASS : HOME_FRAME_DROP;
}

HomeVerdict home_frame_in(const HomeRules *rules, uint8_t *frame, size_t size, size_t room,
			  uint8_t answer[HOME_ANSWER_MAX], size_t *out_size, HomeQuestion *question)
{
	Packet packet;

	if (size >= ETHER_HDR_LEN && get16(frame + 12) == ETHERTYPE_ARP)
		return HOME_FRAME_PASS;
	if (size >= ETHER_HDR_LEN && get16(frame + 12) == ETHERTYPE_IPV6)
		return home_frame6_in(rules, frame, size);
	if (!measure(frame, size, &packet))
		return HOME_FRAME_DROP;
	if (packet.target == rules->gateway)
		return to_gateway(rules, frame, &packet, room, answer, out_size, question);
	/* Members are reached by the bridge; multicast and broadcast stay on it too. */
	if ((packet.target & rules->mask) == rules->network || packet.target >> 28 >= 14)
		return HOME_FRAME_DROP;
	return rules->internal ? HOME_FRAME_DROP : HOME_FRAME_PASS;
}

bool home_frame_target(const uint8_t *frame, size_t size, uint32_t *out_address)
{
	Packet packet;

	if (!measure(frame, size, &packet))
		return false;
	*out_address = packet.target;
	return true;
}
