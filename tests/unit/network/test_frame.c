/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The filter in front of libslirp, by tables of destinations.
 */
#include "network/frame.h"

#include <arpa/inet.h>
#include <glib.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <net/ethernet.h>
#include <string.h>

#define FRAME_SIZE 128

static FrameRules make_rules(bool allow_host_loopback)
{
	FrameRules rules = {.allow_host_loopback = allow_host_loopback, .ipv6 = true};

	inet_pton(AF_INET, "10.0.2.2", &rules.gateway);
	inet_pton(AF_INET, "10.0.2.3", &rules.dns);
	inet_pton(AF_INET6, "fd00::2", &rules.gateway6);
	inet_pton(AF_INET6, "fd00::3", &rules.dns6);
	return rules;
}

/* A frame with the head of a TCP or UDP segment. @fragment: the raw field, in host order. */
static size_t make_frame4(uint8_t *frame, const char *to, int protocol, int port, uint16_t fragment)
{
	struct ip header = {
		.ip_v = 4,
		.ip_hl = 5,
		.ip_p = (uint8_t)protocol,
		.ip_off = htons(fragment),
	};

	memset(frame, 0, FRAME_SIZE);
	inet_pton(AF_INET, to, &header.ip_dst);
	frame[12] = 0x08;
	memcpy(frame + ETHER_HDR_LEN, &header, sizeof(header));
	frame[ETHER_HDR_LEN + sizeof(header) + 2] = (uint8_t)(port >> 8);
	frame[ETHER_HDR_LEN + sizeof(header) + 3] = (uint8_t)port;
	return ETHER_HDR_LEN + sizeof(header) + 20;
}

static size_t make_frame6(uint8_t *frame, const char *to, int protocol, int port)
{
	struct ip6_hdr header = {0};

	memset(frame, 0, FRAME_SIZE);
	header.ip6_vfc = 0x60;
	header.ip6_nxt = (uint8_t)protocol;
	inet_pton(AF_INET6, to, &header.ip6_dst);
	frame[12] = 0x86;
	frame[13] = 0xdd;
	memcpy(frame + ETHER_HDR_LEN, &header, sizeof(header));
	frame[ETHER_HDR_LEN + sizeof(header) + 2] = (uint8_t)(port >> 8);
	frame[ETHER_HDR_LEN + sizeof(header) + 3] = (uint8_t)port;
	return ETHER_HDR_LEN + sizeof(header) + 20;
}

static void test_ipv4(void)
{
	static const struct {
		const char *to;
		int protocol, port;
		uint16_t fragment;
		bool closed, open; /* allowed with the host's loopback closed, open */
	} rows[] = {
		{"192.0.2.1", IPPROTO_TCP, 80, 0, true, true},
		{"192.0.2.1", IPPROTO_UDP, 69, 0, true, true},
		/* libslirp is given no fragments at all. */
		{"192.0.2.1", IPPROTO_UDP, 5000, IP_MF, false, false},
		{"192.0.2.1", IPPROTO_ICMP, 0, 173, false, false},
		{"192.0.2.1", IPPROTO_ICMP, 0, 0, true, true},
		{"10.0.2.2", IPPROTO_TCP, 80, 0, true, true}, /* libslirp refuses it by itself */
		{"10.0.2.2", IPPROTO_ICMP, 0, 0, true, true},
		{"10.0.2.2", IPPROTO_UDP, 67, 0, false, false},
		{"10.0.2.2", IPPROTO_UDP, 68, 0, false, false},
		{"10.0.2.2", IPPROTO_UDP, 69, 0, false, false},
		{"10.0.2.2", IPPROTO_UDP, 5000, 0, true, true},
		{"10.0.2.2", IPPROTO_UDP, 5000, IP_MF, false, false},
		{"10.0.2.2", IPPROTO_UDP, 5000, 100, false, false},
		{"10.0.2.3", IPPROTO_UDP, 53, 0, true, true},
		{"10.0.2.3", IPPROTO_TCP, 53, 0, true, true},
		{"10.0.2.3", IPPROTO_ICMP, 0, 0, true, true},
		{"10.0.2.3", IPPROTO_TCP, 22, 0, false, false},
		{"10.0.2.3", IPPROTO_UDP, 5353, 0, false, false},
		{"10.0.2.3", IPPROTO_UDP, 53, IP_MF, false, false},
		{"10.0.2.3", IPPROTO_UDP, 53, 1, false, false},
		{"10.0.2.3", IPPROTO_UDP, 53, IP_DF, true, true},
		{"127.0.0.1", IPPROTO_TCP, 80, 0, false, false},
		{"127.255.255.255", IPPROTO_UDP, 53, 0, false, false},
		{"0.0.0.0", IPPROTO_TCP, 80, 0, false, false},
		{"0.255.0.1", IPPROTO_TCP, 80, 0, false, false},
		{"255.255.255.255", IPPROTO_UDP, 5000, 0, false, true},
		{"255.255.255.255", IPPROTO_UDP, 67, 0, false, false},
		{"128.0.0.1", IPPROTO_TCP, 80, 0, true, true},
		{"1.0.0.1", IPPROTO_TCP, 80, 0, true, true},
	};
	const FrameRules closed = make_rules(false), open = make_rules(true);
	uint8_t frame[FRAME_SIZE];

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		size_t size = make_frame4(frame, rows[i].to, rows[i].protocol, rows[i].port,
					  rows[i].fragment);

		g_test_message("%s protocol %d port %d fragment %x", rows[i].to, rows[i].protocol,
			       rows[i].port, rows[i].fragment);
		g_assert_cmpint(frame_is_allowed(&closed, frame, size), ==, rows[i].closed);
		g_assert_cmpint(frame_is_allowed(&open, frame, size), ==, rows[i].open);
	}
}

static void test_ipv6(void)
{
	static const struct {
		const char *to;
		int protocol, port;
		bool allowed;
	} rows[] = {
		{"2001:db8::1", IPPROTO_TCP, 80, true},
		{"2001:db8::1", IPPROTO_UDP, 547, true},
		{"2001:db8::1", IPPROTO_ICMPV6, 0, true},
		{"2001:db8::1", IPPROTO_FRAGMENT, 0, false},
		{"2001:db8::1", IPPROTO_HOPOPTS, 0, false},
		{"fd00::2", IPPROTO_TCP, 80, true},
		{"fd00::2", IPPROTO_UDP, 5000, true},
		{"fd00::2", IPPROTO_UDP, 69, false},
		{"fd00::2", IPPROTO_UDP, 547, false},
		{"fd00::3", IPPROTO_UDP, 53, true},
		{"fd00::3", IPPROTO_TCP, 53, true},
		{"fd00::3", IPPROTO_TCP, 22, false},
		{"fd00::3", IPPROTO_ICMPV6, 0, true},
		{"ff02::1", IPPROTO_ICMPV6, 0, true},
		{"ff02::1", IPPROTO_TCP, 80, false},
		{"ff02::1:2", IPPROTO_UDP, 547, false},
		{"fe80::2", IPPROTO_ICMPV6, 0, true},
		{"fe80::2", IPPROTO_TCP, 80, false},
		{"fe80::1", IPPROTO_UDP, 53, false},
		{"::1", IPPROTO_TCP, 80, false},
		{"::1", IPPROTO_ICMPV6, 0, false},
		{"::", IPPROTO_TCP, 80, false},
		{"::127.0.0.1", IPPROTO_TCP, 80, false},
		{"::ffff:127.0.0.1", IPPROTO_TCP, 80, false},
		{"::ffff:0:0", IPPROTO_UDP, 80, false},
		{"::ffff:192.0.2.1", IPPROTO_TCP, 80, false},
	};
	FrameRules rules = make_rules(false);
	uint8_t frame[FRAME_SIZE];

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		size_t size = make_frame6(frame, rows[i].to, rows[i].protocol, rows[i].port);

		g_test_message("%s protocol %d port %d", rows[i].to, rows[i].protocol,
			       rows[i].port);
		g_assert_cmpint(frame_is_allowed(&rules, frame, size), ==, rows[i].allowed);
	}
	rules.ipv6 = false;
	size_t size = make_frame6(frame, "2001:db8::1", IPPROTO_TCP, 80);
	g_assert_false(frame_is_allowed(&rules, frame, size));
}

static void test_other_protocols(void)
{
	static const struct {
		uint8_t high, low;
		bool allowed;
	} rows[] = {
		{0x08, 0x06, true},  /* ARP */
		{0x88, 0xf8, false}, /* NCSI, which libslirp serves too */
		{0x86, 0xdc, false}, {0x81, 0x00, false}, {0x00, 0x00, false}, {0xff, 0xff, false},
	};
	const FrameRules rules = make_rules(true);
	uint8_t frame[FRAME_SIZE] = {0};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		frame[12] = rows[i].high;
		frame[13] = rows[i].low;
		g_assert_cmpint(frame_is_allowed(&rules, frame, 64), ==, rows[i].allowed);
	}
}

/* A frame that ends early is judged by what is there, and never read past its end. */
static void test_cut_frames(void)
{
	const FrameRules rules = make_rules(false);
	uint8_t frame[FRAME_SIZE];

	for (size_t size = 0; size < 38; size++) {
		make_frame4(frame, "10.0.2.3", IPPROTO_UDP, 53, 0);
		g_autofree uint8_t *exact = g_memdup2(frame, size);
		g_assert_false(frame_is_allowed(&rules, exact, size));
	}
	for (size_t size = 0; size < 58; size++) {
		make_frame6(frame, "fd00::3", IPPROTO_UDP, 53);
		g_autofree uint8_t *exact = g_memdup2(frame, size);
		g_assert_false(frame_is_allowed(&rules, exact, size));
	}
}

static void test_header_length(void)
{
	const FrameRules rules = make_rules(false);
	uint8_t frame[FRAME_SIZE];
	size_t size = make_frame4(frame, "10.0.2.3", IPPROTO_UDP, 53, 0);

	/* Where the ports are depends on the length of the header: options in front of them. */
	frame[ETHER_HDR_LEN] = 0x46;
	g_assert_false(frame_is_allowed(&rules, frame, size));
	frame[ETHER_HDR_LEN] = 0x44;
	g_assert_false(frame_is_allowed(&rules, frame, size));
	frame[ETHER_HDR_LEN] = 0x65;
	g_assert_false(frame_is_allowed(&rules, frame, size));
	frame[ETHER_HDR_LEN] = 0x4f;
	g_assert_false(frame_is_allowed(&rules, frame, size));
}

/* The sum of everything that is covered, checksum included, is 0xffff. */
static uint16_t sum_of(const uint8_t *data, size_t size)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < size; i++)
		sum += (uint32_t)data[i] << (i % 2 ? 0 : 8);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

static void test_checksum(void)
{
	uint8_t frame[1501];

	for (size_t size = 40; size < sizeof(frame); size += 7) {
		for (size_t i = 0; i < size; i++)
			frame[i] = (uint8_t)(i * 31 + size);
		/* The field holds a sum over what is not covered: none here. */
		frame[34 + 16] = frame[34 + 17] = 0;
		if (size < 52) {
			g_assert_cmpint(frame_checksum(frame, size, 34, 16), ==, size >= 52);
			continue;
		}
		g_assert_true(frame_checksum(frame, size, 34, 16));
		g_assert_cmpuint(sum_of(frame + 34, size - 34), ==, 0xffff);
	}
}

static void test_checksum_bounds(void)
{
	uint8_t frame[64] = {0};

	g_assert_false(frame_checksum(frame, sizeof(frame), 64, 0));
	g_assert_false(frame_checksum(frame, sizeof(frame), 63, 0));
	g_assert_true(frame_checksum(frame, sizeof(frame), 62, 0));
	g_assert_false(frame_checksum(frame, sizeof(frame), 0, 63));
	g_assert_false(frame_checksum(frame, sizeof(frame), 65535, 0));
	g_assert_false(frame_checksum(frame, sizeof(frame), 0, 65535));
	g_assert_false(frame_checksum(frame, 0, 0, 0));
	g_assert_false(frame_checksum(frame, sizeof(frame), SIZE_MAX, SIZE_MAX));
}

/* An answer of libslirp's; @ack is its acknowledgement number. */
static size_t make_segment(uint8_t *frame, bool v6, uint8_t flags, uint8_t ack, uint8_t port)
{
	size_t size = v6 ? make_frame6(frame, "2001:db8::7", IPPROTO_TCP, port)
			 : make_frame4(frame, "192.0.2.7", IPPROTO_TCP, port, 0);
	uint8_t *tcp = frame + size - 20;

	tcp[11] = ack;
	tcp[13] = flags;
	tcp[14] = (uint8_t)(ack + 1); /* window and checksum differ, too */
	tcp[16] = (uint8_t)(ack + 2);
	frame[ETHER_HDR_LEN + 4] = v6 ? 0 : ack; /* so does the id of IPv4 */
	return size;
}

static void test_acks(void)
{
	uint8_t a[FRAME_SIZE], b[FRAME_SIZE];

	for (int v6 = 0; v6 < 2; v6++) {
		size_t size = make_segment(a, v6, 0x10, 1, 80);
		g_assert_cmpuint(size, <=, FRAME_ACK_MAX);
		g_assert_true(frame_is_pure_ack(a, size));
		for (size_t other = 0; other < FRAME_SIZE; other++)
			g_assert_cmpint(frame_is_pure_ack(a, other), ==, other == size);
		/* Newer of the same connection; the same again; of another connection. */
		make_segment(b, v6, 0x10, 2, 80);
		g_assert_true(frame_supersedes(b, size, a, size));
		g_assert_false(frame_supersedes(a, size, a, size));
		make_segment(b, v6, 0x10, 2, 81);
		g_assert_false(frame_supersedes(b, size, a, size));
		/* Another sequence number: something was sent in between. */
		make_segment(b, v6, 0x10, 2, 80);
		b[size - 20 + 7] = 1;
		g_assert_false(frame_supersedes(b, size, a, size));
		for (unsigned flags = 0; flags < 256; flags++) {
			make_segment(b, v6, (uint8_t)flags, 2, 80);
			g_assert_cmpint(frame_is_pure_ack(b, size), ==, flags == 0x10);
		}
	}
	size_t size4 = make_segment(a, false, 0x10, 1, 80),
	       size6 = make_segment(b, true, 0x10, 2, 80);
	g_assert_false(frame_supersedes(b, size6, a, size4));
	make_frame4(a, "192.0.2.7", IPPROTO_UDP, 80, 0);
	a[size4 - 20 + 13] = 0x10;
	g_assert_false(frame_is_pure_ack(a, size4));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/network/frame/ipv4", test_ipv4);
	g_test_add_func("/network/frame/ipv6", test_ipv6);
	g_test_add_func("/network/frame/other-protocols", test_other_protocols);
	g_test_add_func("/network/frame/cut", test_cut_frames);
	g_test_add_func("/network/frame/header-length", test_header_length);
	g_test_add_func("/network/frame/acks", test_acks);
	g_test_add_func("/network/frame/checksum", test_checksum);
	g_test_add_func("/network/frame/checksum-bounds", test_checksum_bounds);
	return g_test_run();
}
