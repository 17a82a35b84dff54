/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The responder of named networks: questions of containers over UDP and TCP, answers of servers,
 * and the host's list of servers. The first byte chooses the room for an answer.
 */
#include <glib.h>
#include <stdint.h>
#include <string.h>

#include "network/dns.h"
#include "network/dns_servers.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t find(void *context, uint32_t asker, const char *name, uint32_t *out, size_t room)
{
	g_assert_cmpuint(strlen(name), <, DNS_NAME_MAX);
	for (size_t i = 0; i < room; i++)
		out[i] = 0x0a590002;
	return strcmp(name, "web") == 0 ? room : strcmp(name, "one") == 0;
}

static const char *reverse(void *context, uint32_t address)
{
	return address & 1 ? "web" : NULL;
}

static size_t find6(void *context, uint32_t asker, const char *name, struct in6_addr *out,
		    size_t room)
{
	memset(out, 1, room * sizeof(*out));
	return strcmp(name, "web") == 0 ? room : 0;
}

static const char *reverse6(void *context, const struct in6_addr *address)
{
	return address->s6_addr[15] & 1 ? "web" : NULL;
}

/* The question, with @room for its answer, in a buffer of exactly that size. */
static void ask(const DnsNames *names, const uint8_t *question, size_t size, size_t room)
{
	g_autofree uint8_t *answer = g_malloc(room);
	int n = dns_answer(names, 0x0a590003, question, size, room, answer);

	g_assert_cmpint(n, <=, (int)room);
	if (n > 0) {
		g_assert_cmpint(n, >=, 12);
		g_assert_cmpint(answer[2] & 0x80, ==, 0x80);
		g_assert_cmpmem(answer, 2, question, 2);
		g_assert_true(room == DNS_TCP_MAX || (size_t)n <= dns_room(question, size, room));
	}
	size_t failed = dns_fail(question, size, DNS_SERVER_FAILURE, answer);
	g_assert_cmpuint(failed, <=, DNS_PLAIN_MAX);
	g_assert_cmpint(failed == 0, ==, n < 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const size_t rooms[] = {548, DNS_UDP_MAX, DNS_TCP_MAX};
	DnsServer servers[DNS_SERVERS_MAX];

	if (size < 2)
		return 0;
	const DnsNames names = {
		.find = find,
		.reverse = reverse,
		.network = 0x0a590000,
		.mask = 0xffffff00,
		.internal = data[0] & 0x80,
		.find6 = find6,
		.reverse6 = reverse6,
		.subnet6 = {.network.s6_addr = {0xfd, 1}, .prefix = 64},
	};
	g_autofree uint8_t *question = g_memdup2(data + 1, size - 1);
	g_autofree char *text = g_strndup((const char *)data, size);

	ask(&names, question, size - 1, rooms[data[0] % G_N_ELEMENTS(rooms)]);
	/* Two halves: a question and what claims to be its answer. */
	size_t half = size / 2;
	(void)dns_is_answer(data, half, data + half, size - half);
	size_t n = dns_servers_parse(text, servers);
	g_assert_cmpuint(n, >=, 1);
	g_assert_cmpuint(n, <=, DNS_SERVERS_MAX);
	return 0;
}
