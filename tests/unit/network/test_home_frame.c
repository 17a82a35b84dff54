/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a network's gateway makes of its members' frames: names, the way to the resolver, the walls.
 */
#include "network/home_frame.h"

#include <glib.h>
#include <string.h>

#define NETWORK  0x0a590000u
#define GATEWAY  0x0a590001u
#define MEMBER   0x0a590002u
#define OUTSIDE  0xc0000207u
#define TYPE_A   1
#define TYPE_PTR 12
#define AAAA     28
#define UDP      17
#define TCP      6
#define ICMP     1

static size_t find(void *data, const char *name, uint32_t *out, size_t room)
{
	g_assert_cmpuint(room, ==, DNS_ADDRESS_MAX);
	if (strcmp(name, "web") != 0)
		return 0;
	out[0] = MEMBER;
	return 1;
}

static const char *reverse(void *data, uint32_t address)
{
	return address == MEMBER ? "web" : NULL;
}

static HomeRules rules_of(bool internal)
{
	return (HomeRules){
		.network = NETWORK,
		.mask = 0xffffff00,
		.gateway = GATEWAY,
		.internal = internal,
		.dns = true,
		.names = {find, reverse, NULL, NETWORK, 0xffffff00, internal},
	};
}

/* A question for @name as a resolver sends it. */
static size_t question(uint8_t *out, const char *name, uint16_t type)
{
	const uint8_t header[] = {0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0};
	const uint8_t tail[] = {0, (uint8_t)(type >> 8), (uint8_t)type, 0, 1};
	g_auto(GStrv) labels = g_strsplit(name, ".", -1);
	size_t size = sizeof(header);

	memcpy(out, header, sizeof(header));
	for (size_t i = 0; labels[i]; i++) {
		out[size++] = (uint8_t)strlen(labels[i]);
		memcpy(out + size, labels[i], strlen(labels[i]));
		size += strlen(labels[i]);
	}
	memcpy(out + size, tail, sizeof(tail));
	return size + sizeof(tail);
}

/* code: 0 with one record, 3 no such name, 9 somebody else's, 8 without records. */
static int ask(bool internal, const char *name, uint16_t type)
{
	const HomeRules rules = rules_of(internal);
	uint8_t in[DNS_ANSWER_MAX], out[DNS_ANSWER_MAX];
	size_t size = question(in, name, type);
	int got = dns_answer(&rules.names, in, size, out);

	if (got == 0)
		return 9;
	g_assert_cmpint(got, >=, (int)size);
	g_assert_cmphex(out[0] << 8 | out[1], ==, 0x1234);
	g_assert_cmphex(out[2], ==, 0x85);
	if ((out[3] & 15) == 0 && out[7] == 0)
		return 8;
	return out[3] & 15;
}

static void test_names(void)
{
	static const struct {
		bool internal;
		const char *name;
		uint16_t type;
		int code;
	} rows[] = {
		{false, "web", TYPE_A, 0},
		{false, "WEB", TYPE_A, 0},
		{false, "web.dns.podman", TYPE_A, 0},
		{false, "web", AAAA, 8},
		{false, "web.dns.podman.org", TYPE_A, 9},
		{false, "nobody", TYPE_A, 9},
		{false, "nobody.dns.podman", TYPE_A, 3},
		{true, "nobody", TYPE_A, 3},
		{true, "example.org", TYPE_A, 3},
		{true, "web", TYPE_A, 0},
		{false, "2.0.89.10.in-addr.arpa", TYPE_PTR, 0},
		{false, "3.0.89.10.in-addr.arpa", TYPE_PTR, 3},
		{false, "3.1.89.10.in-addr.arpa", TYPE_PTR, 9},
		{true, "3.1.89.10.in-addr.arpa", TYPE_PTR, 3},
		{false, "x.0.89.10.in-addr.arpa", TYPE_PTR, 9},
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_test_message("%s", rows[i].name);
		g_assert_cmpint(ask(rows[i].internal, rows[i].name, rows[i].type), ==,
				rows[i].code);
	}
}

static void test_broken_questions(void)
{
	const HomeRules rules = rules_of(false);
	uint8_t in[DNS_ANSWER_MAX], out[DNS_ANSWER_MAX];
	size_t size = question(in, "web", TYPE_A);

	for (size_t cut = 0; cut < size; cut++)
		g_assert_cmpint(dns_answer(&rules.names, in, cut, out), ==, -1);
	in[12] = 0xc0; /* compressed */
	g_assert_cmpint(dns_answer(&rules.names, in, size, out), ==, -1);
	in[12] = 3;
	in[2] = 0x80; /* an answer */
	g_assert_cmpint(dns_answer(&rules.names, in, size, out), ==, -1);
}

static void put16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static void put32(uint8_t *at, uint32_t value)
{
	put16(at, value >> 16);
	put16(at + 2, value & 0xffff);
}

/* The ones' complement sum, folded; of something with a right checksum in it, 0xffff. */
static uint32_t sum(const uint8_t *data, size_t size, uint32_t start)
{
	for (size_t i = 0; i < size; i++)
		start += i % 2 ? data[i] : (uint32_t)data[i] << 8;
	while (start >> 16)
		start = (start & 0xffff) + (start >> 16);
	return start;
}

/* Sum of the segment with its pseudo header. */
static uint32_t segment_sum(const uint8_t *frame)
{
	const uint8_t *packet = frame + 14;
	size_t size = (size_t)(packet[2] << 8 | packet[3]) - 20;

	return sum(packet + 20, size, sum(packet + 12, 8, packet[9] + (uint32_t)size));
}

/* A frame from the member to @to. Return: its size. */
static size_t frame(uint8_t *out, uint8_t protocol, uint32_t to, uint16_t port, const uint8_t *data,
		    size_t size)
{
	size_t header = protocol == TCP ? 20 : 8;
	uint8_t *packet = out + 14, *segment = packet + 20;

	memset(out, 0, 14 + 20 + header);
	memcpy(out, "\2\2\2\2\2\1\2\2\2\2\2\2\x08\0", 14);
	packet[0] = 0x45;
	put16(packet + 2, (uint32_t)(20 + header + size));
	packet[8] = 64;
	packet[9] = protocol;
	put32(packet + 12, MEMBER);
	put32(packet + 16, to);
	put16(packet + 10, ~sum(packet, 20, 0));
	put16(segment, 40000);
	put16(segment + 2, port);
	if (protocol == UDP)
		put16(segment + 4, (uint32_t)(8 + size));
	else
		segment[12] = 0x50;
	if (size)
		memcpy(segment + header, data, size);
	put16(segment + (protocol == TCP ? 16 : 6), ~segment_sum(out));
	return 14 + 20 + header + size;
}

static void test_answered(void)
{
	const HomeRules rules = rules_of(false);
	uint8_t in[DNS_ANSWER_MAX], bytes[1024], answer[HOME_ANSWER_MAX];
	size_t size = question(in, "web", TYPE_A), out = 0;

	size = frame(bytes, UDP, GATEWAY, 53, in, size);
	g_assert_cmpint(home_frame_in(&rules, bytes, size, answer, &out), ==, HOME_FRAME_ANSWER);
	g_assert_cmpuint(out, ==, size + 16);
	g_assert_cmpmem(answer, 6, bytes + 6, 6);
	g_assert_cmpmem(answer + 26, 4, bytes + 30, 4); /* from the gateway */
	g_assert_cmpmem(answer + 30, 4, bytes + 26, 4);
	g_assert_cmpmem(answer + 36, 2, bytes + 34, 2); /* to the port that asked */
	g_assert_cmphex(sum(answer + 14, 20, 0), ==, 0xffff);
	const uint8_t address[] = {10, 89, 0, 2};
	g_assert_cmpmem(answer + out - 4, 4, address, 4);
}

static void test_forwarded(void)
{
	const HomeRules rules = rules_of(false), internal = rules_of(true);
	const uint8_t protocols[] = {UDP, TCP};
	uint8_t in[DNS_ANSWER_MAX], bytes[1024], same[1024], answer[HOME_ANSWER_MAX];
	size_t n = question(in, "example.org", TYPE_A), out = 0;

	for (size_t i = 0; i < G_N_ELEMENTS(protocols); i++) {
		size_t size = frame(bytes, protocols[i], GATEWAY, 53, in, n);
		memcpy(same, bytes, size);
		g_assert_cmpint(home_frame_in(&rules, bytes, size, answer, &out), ==,
				HOME_FRAME_PASS);
		const uint8_t resolver[] = {10, 89, 0, 0};
		g_assert_cmpmem(bytes + 30, 4, resolver, 4);
		g_assert_cmphex(sum(bytes + 14, 20, 0), ==, 0xffff);
		g_assert_cmphex(segment_sum(bytes), ==, 0xffff);
		/* And back: what the resolver says comes from the gateway. */
		memcpy(bytes + 30, bytes + 26, 4);
		memcpy(bytes + 26, resolver, 4);
		g_assert_true(home_frame_is_resolver(&rules, bytes, size));
		home_frame_out(&rules, bytes, size);
		g_assert_cmpmem(bytes + 26, 4, same + 30, 4);
		g_assert_cmphex(sum(bytes + 14, 20, 0), ==, 0xffff);
		g_assert_cmphex(segment_sum(bytes), ==, 0xffff);
		/* Names of others do not leave an internal network. */
		HomeVerdict verdict = home_frame_in(&internal, same, size, answer, &out);
		g_assert_cmpint(verdict, ==,
				protocols[i] == UDP ? HOME_FRAME_ANSWER : HOME_FRAME_DROP);
	}
}

static void test_walls(void)
{
	static const struct {
		uint8_t protocol;
		uint32_t to;
		uint16_t port;
		HomeVerdict verdict, internal;
	} rows[] = {
		{TCP, OUTSIDE, 80, HOME_FRAME_PASS, HOME_FRAME_DROP},
		{UDP, OUTSIDE, 53, HOME_FRAME_PASS, HOME_FRAME_DROP},
		{ICMP, OUTSIDE, 0, HOME_FRAME_PASS, HOME_FRAME_DROP},
		{ICMP, GATEWAY, 0, HOME_FRAME_PASS, HOME_FRAME_PASS},
		{UDP, GATEWAY, 67, HOME_FRAME_DROP, HOME_FRAME_DROP},
		{UDP, GATEWAY, 69, HOME_FRAME_DROP, HOME_FRAME_DROP},
		/* What libslirp would connect to on the host. */
		{UDP, NETWORK, 53, HOME_FRAME_DROP, HOME_FRAME_DROP},
		{TCP, NETWORK, 53, HOME_FRAME_DROP, HOME_FRAME_DROP},
		{TCP, 0x0a590009, 80, HOME_FRAME_DROP, HOME_FRAME_DROP},
		{UDP, 0x0a5900ff, 80, HOME_FRAME_DROP, HOME_FRAME_DROP},
		{UDP, 0xe00000fb, 5353, HOME_FRAME_DROP, HOME_FRAME_DROP},
		{UDP, 0xffffffff, 67, HOME_FRAME_DROP, HOME_FRAME_DROP},
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		for (int internal = 0; internal < 2; internal++) {
			const HomeRules rules = rules_of(internal);
			uint8_t bytes[128], answer[HOME_ANSWER_MAX];
			size_t out = 0;
			size_t size =
				frame(bytes, rows[i].protocol, rows[i].to, rows[i].port, NULL, 0);
			g_assert_cmpint(home_frame_in(&rules, bytes, size, answer, &out), ==,
					internal ? rows[i].internal : rows[i].verdict);
		}
	}
}

/* Fragments to the gateway, other protocols, frames that are cut. */
static void test_odd_frames(void)
{
	const HomeRules rules = rules_of(false);
	uint8_t bytes[256], answer[HOME_ANSWER_MAX], in[64];
	size_t out = 0, n = question(in, "web", TYPE_A);
	size_t size = frame(bytes, UDP, GATEWAY, 53, in, n);

	bytes[20] = 0x20; /* more fragments */
	g_assert_cmpint(home_frame_in(&rules, bytes, size, answer, &out), ==, HOME_FRAME_DROP);
	bytes[20] = 0;
	for (size_t cut = 0; cut < size; cut++)
		g_assert_cmpint(home_frame_in(&rules, bytes, cut, answer, &out), ==,
				HOME_FRAME_DROP);
	bytes[12] = 0x86; /* IPv6 */
	bytes[13] = 0xdd;
	g_assert_cmpint(home_frame_in(&rules, bytes, size, answer, &out), ==, HOME_FRAME_DROP);
	bytes[12] = 0x08; /* ARP */
	bytes[13] = 0x06;
	g_assert_cmpint(home_frame_in(&rules, bytes, size, answer, &out), ==, HOME_FRAME_PASS);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/dns/names", test_names);
	g_test_add_func("/dns/broken", test_broken_questions);
	g_test_add_func("/home-frame/answered", test_answered);
	g_test_add_func("/home-frame/forwarded", test_forwarded);
	g_test_add_func("/home-frame/walls", test_walls);
	g_test_add_func("/home-frame/odd", test_odd_frames);
	return g_test_run();
}
