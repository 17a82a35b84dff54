/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a network's gateway makes of its members' frames: names, the way to the resolver, the walls.
 */
#include "network/dns_servers.h"
#include "network/home_frame.h"

#include <glib.h>
#include <string.h>

#define NETWORK  0x0a590000u
#define GATEWAY  0x0a590001u
#define MEMBER   0x0a590002u
#define OUTSIDE  0xc0000207u
#define ASKER    0x0a590003u /* without links */
#define TYPE_A   1
#define TYPE_PTR 12
#define AAAA     28
#define UDP      17
#define TCP      6
#define ICMP     1
#define MANY     100 /* addresses of one name */
#define ROOM     DNS_UDP_MAX

static size_t find(void *data, uint32_t asker, const char *name, uint32_t *out, size_t room)
{
	g_assert_cmpuint(room, ==, DNS_ADDRESS_MAX);
	if (strcmp(name, "many") == 0) {
		for (size_t i = 0; i < MANY; i++)
			out[i] = NETWORK + 16 + (uint32_t)i;
		return MANY;
	}
	if (strcmp(name, "web") != 0 && (strcmp(name, "alias") != 0 || asker != MEMBER))
		return 0;
	out[0] = MEMBER;
	return 1;
}

static const char *reverse(void *data, uint32_t address)
{
	return address == MEMBER ? "web" : NULL;
}

static size_t find6(void *data, uint32_t asker, const char *name, struct in6_addr *out, size_t room)
{
	g_assert_cmpuint(room, ==, DNS_ADDRESS6_MAX);
	g_assert_true(address6_parse("fd01::2", out));
	return strcmp(name, "web") == 0 || (strcmp(name, "alias") == 0 && asker == MEMBER);
}

static const char *reverse6(void *data, const struct in6_addr *address)
{
	return address->s6_addr[15] == 2 ? "web" : NULL;
}

static HomeRules rules_of(bool internal)
{
	return (HomeRules){
		.network = NETWORK,
		.mask = 0xffffff00,
		.gateway = GATEWAY,
		.internal = internal,
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

/* Append an OPT record. Return: the new size. */
static size_t add_opt(uint8_t *out, size_t size, uint16_t payload, uint8_t version)
{
	const uint8_t opt[] = {0, 0, 41, (uint8_t)(payload >> 8), (uint8_t)payload, 0, version, 0,
			       0, 0, 0};

	memcpy(out + size, opt, sizeof(opt));
	out[11]++;
	return size + sizeof(opt);
}

/* code: 0 with one record, 3 no such name, 9 somebody else's, 8 without records. */
static int ask(bool internal, const char *name, uint16_t type)
{
	const HomeRules rules = rules_of(internal);
	uint8_t in[DNS_PLAIN_MAX], out[ROOM];
	size_t size = question(in, name, type);
	int got = dns_answer(&rules.names, ASKER, in, size, ROOM, out);

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
		{false, "dns.podman", TYPE_A, 8},
		{false, "web.dns.podman.org", TYPE_A, 9},
		{false, "nobody.dns.podman", TYPE_A, 3},
		/* A name of one label is somebody's here or nobody's. */
		{false, "nobody", TYPE_A, 3},
		{false, "nobody", AAAA, 3},
		{false, "nobody.org", TYPE_A, 9},
		{true, "nobody", TYPE_A, 3},
		{true, "example.org", TYPE_A, 3},
		{true, "web", TYPE_A, 0},
		{false, "2.0.89.10.in-addr.arpa", TYPE_PTR, 0},
		{false, "2.0.89.10.in-addr.arpa", TYPE_A, 8},
		{false, "3.0.89.10.in-addr.arpa", TYPE_PTR, 3},
		{false, "3.1.89.10.in-addr.arpa", TYPE_PTR, 9},
		{true, "3.1.89.10.in-addr.arpa", TYPE_PTR, 3},
		{false, "0.89.10.in-addr.arpa", TYPE_PTR, 8},
		{false, "1.89.10.in-addr.arpa", TYPE_PTR, 9},
		{false, "89.10.in-addr.arpa", TYPE_PTR, 9},
		{false, "x.0.89.10.in-addr.arpa", TYPE_PTR, 9},
		{false, "2.0.89.256.in-addr.arpa", TYPE_PTR, 9},
		{false, "1.2.0.89.10.in-addr.arpa", TYPE_PTR, 9},
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_test_message("%s", rows[i].name);
		g_assert_cmpint(ask(rows[i].internal, rows[i].name, rows[i].type), ==,
				rows[i].code);
	}
}

/* The code of an answer, with the part of it that is in OPT; -1: none. */
static int code_of(const uint8_t *in, size_t size)
{
	const HomeRules rules = rules_of(false);
	uint8_t out[ROOM];
	int got = dns_answer(&rules.names, ASKER, in, size, ROOM, out);

	if (got <= 0)
		return got;
	bool opt = out[11];
	return (out[3] & 15) | (opt ? out[got - 6] << 4 : 0);
}

static void test_broken_questions(void)
{
	uint8_t in[DNS_PLAIN_MAX];
	size_t size = question(in, "web", TYPE_A);

	for (size_t cut = 0; cut < size; cut++)
		g_assert_cmpint(code_of(in, cut), ==, cut < 12 ? -1 : DNS_FORMAT_ERROR);
	in[12] = 0xc0; /* compressed */
	g_assert_cmpint(code_of(in, size), ==, DNS_FORMAT_ERROR);
	in[12] = 3;
	in[2] = 0x80; /* an answer */
	g_assert_cmpint(code_of(in, size), ==, -1);
	in[2] = 0x28; /* an update */
	g_assert_cmpint(code_of(in, size), ==, DNS_NOT_IMPLEMENTED);
	in[2] = 1;
	in[5] = 2; /* two questions */
	g_assert_cmpint(code_of(in, size), ==, DNS_FORMAT_ERROR);
	in[5] = 1;
	in[size - 1] = 3; /* of the class CHAOS */
	g_assert_cmpint(code_of(in, size), ==, DNS_REFUSED);
	in[size - 1] = 1;
	in[11] = 1; /* a record that is not there */
	g_assert_cmpint(code_of(in, size), ==, DNS_FORMAT_ERROR);
}

static void test_edns(void)
{
	uint8_t in[DNS_PLAIN_MAX];
	size_t size = question(in, "web", TYPE_A);
	size_t one = add_opt(in, size, 1232, 0);

	g_assert_cmpint(code_of(in, one), ==, 0);
	g_assert_cmpint(code_of(in, one - 1), ==, DNS_FORMAT_ERROR);
	g_assert_cmpint(code_of(in, add_opt(in, one, 1232, 0)), ==, DNS_FORMAT_ERROR);
	in[11] = 0;
	g_assert_cmpint(code_of(in, add_opt(in, size, 1232, 1)), ==, DNS_BAD_VERSION);
}

/* As many addresses as the questioner takes; the answer says if that is not all. */
static void test_truncation(void)
{
	static const struct {
		uint16_t payload; /* 0: without EDNS */
		size_t room;
		unsigned records;
		bool cut;
	} rows[] = {
		{0, ROOM, (512 - 22) / 16, true},
		{512, ROOM, (512 - 22 - 11) / 16, true},
		{100, ROOM, (512 - 22 - 11) / 16, true}, /* less than 512 means 512 */
		{1232, ROOM, (1232 - 22 - 11) / 16, true},
		{4096, ROOM, MANY, false},
		{65535, 1000, (1000 - 22 - 11) / 16, true}, /* the link's MTU */
		{0, DNS_TCP_MAX, MANY, false},
	};
	static uint8_t out[DNS_TCP_MAX];
	const HomeRules rules = rules_of(false);
	uint8_t in[DNS_PLAIN_MAX];

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		size_t size = question(in, "many", TYPE_A);
		if (rows[i].payload)
			size = add_opt(in, size, rows[i].payload, 0);
		int got = dns_answer(&rules.names, ASKER, in, size, rows[i].room, out);
		g_assert_cmpint(out[2] & 2, ==, rows[i].cut ? 2 : 0);
		g_assert_cmpuint((unsigned)(out[6] << 8 | out[7]), ==, rows[i].records);
		g_assert_cmpint(got, ==,
				(int)(22 + rows[i].records * 16 + (rows[i].payload ? 11 : 0)));
	}
}

/* The first address changes from question to question. */
static void test_rotation(void)
{
	const HomeRules rules = rules_of(false);
	uint8_t in[DNS_PLAIN_MAX], out[ROOM];
	size_t size = question(in, "many", TYPE_A);

	for (uint8_t number = 0; number < MANY; number++) {
		in[0] = 0;
		in[1] = number;
		g_assert_cmpint(dns_answer(&rules.names, ASKER, in, size, ROOM, out), >, 0);
		g_assert_cmpuint(out[22 + 15], ==, 16u + number);
	}
}

static void test_answers_of_others(void)
{
	uint8_t in[DNS_PLAIN_MAX], out[DNS_PLAIN_MAX], same[DNS_PLAIN_MAX];
	size_t size = question(in, "example.org", TYPE_A);
	size_t n = dns_fail(in, size, DNS_SERVER_FAILURE, out);

	g_assert_cmpuint(n, ==, size);
	g_assert_cmpint(dns_code(out), ==, DNS_SERVER_FAILURE);
	g_assert_true(dns_is_answer(in, size, out, n));
	for (size_t i = 0; i < n; i++) {
		bool counts = i < 2 || i == 4 || i >= 12; /* the code says that it failed */
		memcpy(same, out, n);
		same[i] ^= 1;
		g_assert_cmpint(dns_is_answer(in, size, same, n), ==, !counts);
		g_assert_false(dns_is_answer(in, size, out, i));
	}
	g_assert_false(dns_is_answer(in, size, in, size)); /* the question itself */
	/* "I did not understand" may come without the question; an answer may not. */
	out[5] = 0;
	g_assert_true(dns_is_answer(in, size, out, 12));
	out[3] = 0x80;
	g_assert_false(dns_is_answer(in, size, out, 12));
	/* "Ask again over TCP" */
	n = dns_fail(in, add_opt(in, size, 4096, 0), 0, out);
	g_assert_cmpuint(n, ==, size + 11);
	g_assert_cmpint(out[2] & 2, ==, 2);
}

/* On a network with IPv6. */
static void test_ipv6(void)
{
	static const char zeros[] = "0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.";
	const struct {
		const char *head, *tail;
		uint16_t type;
		int code, records; /* code 9: somebody else's */
	} rows[] = {
		{"web", NULL, AAAA, 0, 1},
		{"web", NULL, TYPE_A, 0, 1},
		{"web", NULL, 255, 0, 2},
		{"many", NULL, AAAA, 0, 0},
		{"nobody", NULL, AAAA, 3, 0},
		{"2.", "1.0.d.f.ip6.arpa", TYPE_PTR, 0, 1},
		{"3.", "1.0.d.f.ip6.arpa", TYPE_PTR, 3, 0},
		{"2.", "2.0.d.f.ip6.arpa", TYPE_PTR, 9, 0},
		{"x.", "1.0.d.f.ip6.arpa", TYPE_PTR, 9, 0},
		{"0.0.0.0.0.0.0.0.0.0.0.0.1.0.d.f.ip6.arpa", NULL, TYPE_PTR, 0, 0},
		{"0.1.0.d.f.ip6.arpa", NULL, TYPE_PTR, 9, 0},
	};
	HomeRules rules = rules_of(false);
	uint8_t in[DNS_PLAIN_MAX], out[ROOM];

	rules.names.find6 = find6;
	rules.names.reverse6 = reverse6;
	rules.names.subnet6.prefix = 64;
	g_assert_true(address6_parse("fd01::", &rules.names.subnet6.network));
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autofree char *name =
			rows[i].tail ? g_strconcat(rows[i].head, zeros, rows[i].tail, NULL)
				     : g_strdup(rows[i].head);
		g_test_message("%s", name);
		size_t size = question(in, name, rows[i].type);
		int got = dns_answer(&rules.names, ASKER, in, size, ROOM, out);
		g_assert_cmpint(got ? out[3] & 15 : 9, ==, rows[i].code);
		if (got)
			g_assert_cmpint(out[7], ==, rows[i].records);
	}
}

static void test_servers(void)
{
	DnsServer servers[DNS_SERVERS_MAX];
	static const char text[] =
		"# nameserver 9.9.9.9\nsearch x\nnameserver\nnameserver  10.0.0.1 \n"
		"nameservers 9.9.9.9\nnameserver nonsense\nnameserver\tfe80::1%eth0\r\n"
		"nameserver 10.0.0.2\nnameserver 10.0.0.3";

	g_assert_cmpuint(dns_servers_parse(text, servers), ==, 3);
	const uint8_t one[] = {10, 0, 0, 1}, three[] = {10, 0, 0, 2}, local[] = {127, 0, 0, 1};
	g_assert_cmpmem(servers[0].address, 4, one, 4);
	g_assert_cmpint(servers[1].family, ==, AF_INET6);
	g_assert_cmpstr(servers[1].zone, ==, "eth0");
	g_assert_cmpmem(servers[2].address, 4, three, 4);
	g_assert_cmpuint(dns_servers_parse("", servers), ==, 1);
	g_assert_cmpmem(servers[0].address, 4, local, 4);
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
	uint8_t in[DNS_PLAIN_MAX], bytes[1024], answer[HOME_ANSWER_MAX];
	size_t size = question(in, "web", TYPE_A), out = 0;
	HomeQuestion asked;

	size = frame(bytes, UDP, GATEWAY, 53, in, size);
	g_assert_cmpint(home_frame_in(&rules, bytes, size, ROOM, answer, &out, &asked), ==,
			HOME_FRAME_ANSWER);
	g_assert_cmpuint(out, ==, size + 16);
	g_assert_cmpmem(answer, 6, bytes + 6, 6);
	g_assert_cmpmem(answer + 26, 4, bytes + 30, 4); /* from the gateway */
	g_assert_cmpmem(answer + 30, 4, bytes + 26, 4);
	g_assert_cmpmem(answer + 36, 2, bytes + 34, 2); /* to the port that asked */
	g_assert_cmphex(sum(answer + 14, 20, 0), ==, 0xffff);
	const uint8_t address[] = {10, 89, 0, 2};
	g_assert_cmpmem(answer + out - 4, 4, address, 4);
}

/* A name that one member alone has for another: the frame's source says who asks. */
static void test_asked_by(void)
{
	static const uint16_t types[] = {TYPE_A, AAAA};
	HomeRules rules = rules_of(false);
	uint8_t in[DNS_PLAIN_MAX], bytes[1024], answer[HOME_ANSWER_MAX];
	HomeQuestion asked;

	rules.names.find6 = find6;
	for (size_t i = 0; i < G_N_ELEMENTS(types); i++) {
		size_t n = question(in, "alias.dns.podman", types[i]), out = 0;
		size_t size = frame(bytes, UDP, GATEWAY, 53, in, n);
		g_assert_cmpint(home_frame_in(&rules, bytes, size, ROOM, answer, &out, &asked), ==,
				HOME_FRAME_ANSWER);
		g_assert_cmpint(dns_code(answer + HOME_HEADERS), ==, 0);
		g_assert_cmpint(answer[HOME_HEADERS + 7], ==, 1);
		g_assert_cmpint(dns_answer(&rules.names, ASKER, in, n, ROOM, answer), >, 0);
		g_assert_cmpint(dns_code(answer), ==, DNS_NAME_ERROR);
	}
}

static void test_asked(void)
{
	const HomeRules rules = rules_of(false), internal = rules_of(true);
	uint8_t in[DNS_PLAIN_MAX], bytes[1024], answer[HOME_ANSWER_MAX];
	size_t n = question(in, "example.org", TYPE_A), out = 0;
	HomeQuestion asked = {.size = 0};
	size_t size = frame(bytes, UDP, GATEWAY, 53, in, n);

	g_assert_cmpint(home_frame_in(&rules, bytes, size, ROOM, answer, &out, &asked), ==,
			HOME_FRAME_ASK);
	g_assert_cmpmem(asked.data, asked.size, in, n);
	g_assert_cmphex(asked.client, ==, MEMBER);
	/* What is said later goes back to where it came from. */
	memcpy(answer + HOME_HEADERS, "hello", 5);
	out = home_frame_wrap(asked.headers, answer, 5);
	g_assert_cmpuint(out, ==, HOME_HEADERS + 5);
	g_assert_cmpmem(answer, 6, bytes + 6, 6);
	g_assert_cmpmem(answer + 30, 4, bytes + 26, 4);
	g_assert_cmpuint((unsigned)(answer[16] << 8 | answer[17]), ==, 28 + 5);
	g_assert_cmphex(sum(answer + 14, 20, 0), ==, 0xffff);
	/* Names of others do not leave an internal network. */
	g_assert_cmpint(home_frame_in(&internal, bytes, size, ROOM, answer, &out, &asked), ==,
			HOME_FRAME_ANSWER);
	/* Over TCP the responder's interface takes it, of any network. */
	for (int i = 0; i < 2; i++) {
		size = frame(bytes, TCP, GATEWAY, 53, NULL, 0);
		g_assert_cmpint(home_frame_in(i ? &internal : &rules, bytes, size, ROOM, answer,
					      &out, &asked),
				==, HOME_FRAME_RESPONDER);
		g_assert_cmpmem(bytes, 6, HOME_RESPONDER_MAC, 6);
	}
	uint32_t target = 0;
	g_assert_true(home_frame_target(bytes, size, &target));
	g_assert_cmphex(target, ==, GATEWAY);
	g_assert_false(home_frame_target(bytes, 33, &target));
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
			HomeQuestion asked;
			size_t size =
				frame(bytes, rows[i].protocol, rows[i].to, rows[i].port, NULL, 0);
			g_assert_cmpint(
				home_frame_in(&rules, bytes, size, ROOM, answer, &out, &asked), ==,
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
	HomeQuestion asked;

	bytes[20] = 0x20; /* more fragments */
	g_assert_cmpint(home_frame_in(&rules, bytes, size, ROOM, answer, &out, &asked), ==,
			HOME_FRAME_DROP);
	bytes[20] = 0;
	for (size_t cut = 0; cut < size; cut++)
		g_assert_cmpint(home_frame_in(&rules, bytes, cut, ROOM, answer, &out, &asked), ==,
				HOME_FRAME_DROP);
	bytes[12] = 0x86; /* IPv6 */
	bytes[13] = 0xdd;
	g_assert_cmpint(home_frame_in(&rules, bytes, size, ROOM, answer, &out, &asked), ==,
			HOME_FRAME_DROP);
	bytes[12] = 0x08; /* ARP */
	bytes[13] = 0x06;
	g_assert_cmpint(home_frame_in(&rules, bytes, size, ROOM, answer, &out, &asked), ==,
			HOME_FRAME_PASS);
}

static struct in6_addr place6(const char *text)
{
	struct in6_addr address;

	g_assert_true(address6_parse(text, &address));
	return address;
}

/* Who may be spoken to over IPv6. */
static void test_walls6(void)
{
	static const struct {
		const char *to;
		int next, type;
		bool passes, passes_internal;
	} rows[] = {
		{"fd12::1", 58, 128, true, true},        {"fd12::1", 58, 135, true, true},
		{"fd12::1", 58, 136, true, true},        {"fd12::1", 58, 133, false, false},
		{"fd12::1", 6, 0, false, false},         {"fd12::1", 17, 0, false, false},
		{"fd12::", 17, 0, false, false},         {"fd12::2", 6, 0, false, false},
		{"ff02::1:ff00:1", 58, 135, true, true}, {"ff02::2", 58, 133, false, false},
		{"ff02::1", 58, 134, false, false},      {"ff02::1", 17, 0, false, false},
		{"fe80::2", 58, 128, false, false},      {"2001:db8::1", 6, 0, true, false},
		{"2001:db8::1", 17, 0, true, false},     {"2001:db8::1", 58, 128, true, false},
		{"2001:db8::1", 58, 134, false, false},
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows) * 2; i++) {
		bool internal = i % 2;
		HomeRules rules = rules_of(internal);
		rules.subnet6 = (Subnet6){place6("fd12::"), 64};
		rules.gateway6 = place6("fd12::1");
		const struct in6_addr to = place6(rows[i / 2].to);
		uint8_t frame[14 + 40 + 8] = {[12] = 0x86, [13] = 0xdd, [14] = 0x60};
		uint8_t answer[HOME_ANSWER_MAX];
		HomeQuestion asked;
		size_t out = 0;

		frame[14 + 6] = (uint8_t)rows[i / 2].next;
		memcpy(frame + 14 + 24, &to, sizeof(to));
		frame[14 + 40] = (uint8_t)rows[i / 2].type;
		g_test_message("%s %d %d", rows[i / 2].to, rows[i / 2].next, rows[i / 2].type);
		bool passes = internal ? rows[i / 2].passes_internal : rows[i / 2].passes;
		g_assert_cmpint(home_frame_in(&rules, frame, sizeof(frame), ROOM, answer, &out,
					      &asked) == HOME_FRAME_PASS,
				==, passes);
		g_assert_cmpint(home_frame_in(&rules, frame, 53, ROOM, answer, &out, &asked), ==,
				HOME_FRAME_DROP);
		rules.subnet6.prefix = 0;
		g_assert_cmpint(
			home_frame_in(&rules, frame, sizeof(frame), ROOM, answer, &out, &asked), ==,
			HOME_FRAME_DROP);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/dns/names", test_names);
	g_test_add_func("/dns/walls6", test_walls6);
	g_test_add_func("/dns/broken", test_broken_questions);
	g_test_add_func("/dns/edns", test_edns);
	g_test_add_func("/dns/truncation", test_truncation);
	g_test_add_func("/dns/rotation", test_rotation);
	g_test_add_func("/dns/answers-of-others", test_answers_of_others);
	g_test_add_func("/dns/ipv6", test_ipv6);
	g_test_add_func("/dns/servers", test_servers);
	g_test_add_func("/home-frame/answered", test_answered);
	g_test_add_func("/home-frame/asked", test_asked);
	g_test_add_func("/home-frame/asked-by", test_asked_by);
	g_test_add_func("/home-frame/walls", test_walls);
	g_test_add_func("/home-frame/odd", test_odd_frames);
	return g_test_run();
}
