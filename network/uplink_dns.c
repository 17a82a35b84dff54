/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asks the host's resolvers, each question with a number and a port of its own.
 *
 * Everything is bounded: questions at once, those of one client, servers, sizes, time. A question
 * keeps its place in the table until it is answered; its sockets close with it. Places are never
 * freed, so an event that was gathered before its socket was closed meets a socket of -1.
 */
#include "network/uplink_dns.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libpod/base/fd.h"
#include "network/dns.h"

#define RESOLV_CONF     "/etc/resolv.conf"
#define RESOLV_CONF_MAX (64 * 1024)
#define TIMEOUT_MS      1000
#define ASKS_MAX        256
#define ASKS_OF_ONE     64 /* client */
#define DOMAIN_PORT     53

typedef struct Ask Ask;

/* A question on its way to one server. */
typedef struct {
	UplinkSource source; /* fd -1: over */
	Ask *ask;
	bool sent;
	uint8_t *in; /* over TCP: what came so far, with its length of two bytes */
	size_t got;
} Leg;

struct Ask {
	UplinkDns *dns;
	uint8_t *question; /* NULL: a free place; two bytes of length, then the question */
	size_t size;       /* without them */
	uint8_t id[2];     /* the client's number */
	int64_t due_ms;
	UplinkQuestion asked; /* its data is gone */
	Leg legs[DNS_SERVERS_MAX];
	size_t open;     /* legs that may still answer */
	uint8_t *second; /* an answer that is better than none */
	size_t second_size;
};

struct UplinkDns {
	UplinkLoop *loop;
	UplinkTimer timer;
	DnsServer servers[DNS_SERVERS_MAX];
	size_t n_servers;
	bool fixed;       /* they are not the host's */
	struct stat seen; /* the host's file when it was read */
	Ask asks[ASKS_MAX];
	uint8_t answer[DNS_TCP_MAX];
};

/* ---- servers ---- */

static bool is_same(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_dev == b->st_dev && a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* Read the host's file again if it has changed. */
static void refresh_servers(UplinkDns *dns)
{
	struct stat now = {0};

	if (dns->fixed)
		return;
	bool there = stat(RESOLV_CONF, &now) == 0;
	if (dns->n_servers && is_same(&now, &dns->seen))
		return;
	autofd fd = there ? open(RESOLV_CONF, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY) : -1;
	g_autofree char *text = fd >= 0 ? fd_read_all(fd, RESOLV_CONF_MAX, NULL, NULL) : NULL;
	dns->n_servers = dns_servers_parse(text ? text : "", dns->servers);
	dns->seen = now;
}

/* Index of a link-local server's interface, 0 if there is none of that name. */
static uint32_t zone_index(const DnsServer *server)
{
	struct ifreq request = {0};
	char *end = NULL;
	unsigned long number = strtoul(server->zone, &end, 10);

	if (!*server->zone || !*end)
		return (uint32_t)number;
	autofd fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	g_strlcpy(request.ifr_name, server->zone, sizeof(request.ifr_name));
	return fd >= 0 && ioctl(fd, SIOCGIFINDEX, &request) == 0 ? (uint32_t)request.ifr_ifindex
								 : 0;
}

static socklen_t server_address(const DnsServer *server, struct sockaddr_storage *out)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)out;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;

	memset(out, 0, sizeof(*out));
	out->ss_family = server->family;
	if (server->family == AF_INET) {
		v4->sin_port = htons(DOMAIN_PORT);
		memcpy(&v4->sin_addr, server->address, sizeof(v4->sin_addr));
		return sizeof(*v4);
	}
	v6->sin6_port = htons(DOMAIN_PORT);
	memcpy(&v6->sin6_addr, server->address, sizeof(v6->sin6_addr));
	v6->sin6_scope_id = zone_index(server);
	return sizeof(*v6);
}

/* ---- the end of a question ---- */

static void close_leg(Leg *leg)
{
	if (leg->source.fd < 0)
		return;
	uplink_loop_remove(leg->ask->dns->loop, &leg->source);
	fd_close(&leg->source.fd);
	g_clear_pointer(&leg->in, g_free);
	leg->got = 0;
	leg->ask->open--;
}

/* The place is free from here on. */
static void close_ask(Ask *ask)
{
	for (size_t i = 0; i < DNS_SERVERS_MAX; i++)
		close_leg(&ask->legs[i]);
	g_clear_pointer(&ask->question, g_free);
	g_clear_pointer(&ask->second, g_free);
}

/* Say @answer, which may be in a buffer of ours. */
static void deliver(Ask *ask, uint8_t *answer, size_t size)
{
	const UplinkQuestion asked = ask->asked;

	/* Who is told may go, and must not take this place along. */
	ask->asked.owner = NULL;
	memcpy(answer, ask->id, sizeof(ask->id));
	asked.reply(asked.owner, answer, size);
	close_ask(ask);
}

/* Nobody said anything useful: what is left is said. */
static void give_up(Ask *ask)
{
	uint8_t answer[DNS_PLAIN_MAX];

	if (ask->second) {
		deliver(ask, ask->second, ask->second_size);
		return;
	}
	size_t size = dns_fail(ask->question + 2, ask->size, DNS_SERVER_FAILURE, answer);
	if (size)
		deliver(ask, answer, size);
	else
		close_ask(ask);
}

static void lose(Leg *leg)
{
	Ask *ask = leg->ask;

	close_leg(leg);
	if (ask->open == 0)
		give_up(ask);
}

/* An answer of a server's; one that says "not I" waits for what the others say. */
static void take(Leg *leg, uint8_t *answer, size_t size)
{
	Ask *ask = leg->ask;
	int code = dns_code(answer);

	if (code == 0 || code == DNS_NAME_ERROR) {
		deliver(ask, answer, size);
		return;
	}
	if (!ask->second) {
		ask->second = g_memdup2(answer, size);
		ask->second_size = size;
	}
	lose(leg);
}

/* ---- on the way ---- */

static bool is_ours(const Leg *leg, const uint8_t *answer, size_t size)
{
	return dns_is_answer(leg->ask->question + 2, leg->ask->size, answer, size);
}

/* Over UDP: what is not the answer is not looked at. */
static void datagram_ready(Leg *leg)
{
	uint8_t *answer = leg->ask->dns->answer;

	for (;;) {
		ssize_t got = recv(leg->source.fd, answer, DNS_TCP_MAX, 0);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			if (errno != EAGAIN)
				lose(leg);
			return;
		}
		if (is_ours(leg, answer, (size_t)got)) {
			take(leg, answer, (size_t)got);
			return;
		}
	}
}

/* Over TCP, the question: it fits any send buffer. Return: false if the leg has to wait or is lost.
 */
static bool send_question(Leg *leg)
{
	const Ask *ask = leg->ask;
	ssize_t sent = send(leg->source.fd, ask->question, ask->size + 2, MSG_NOSIGNAL);

	if (sent == (ssize_t)(ask->size + 2)) {
		leg->sent = true;
		return true;
	}
	if (sent >= 0 || (errno != EAGAIN && errno != EINTR))
		lose(leg);
	return false;
}

/* Over TCP: the length, then as much. */
static void stream_ready(Leg *leg)
{
	if (!leg->sent && !send_question(leg))
		return;
	if (!leg->in)
		leg->in = g_malloc(2 + DNS_TCP_MAX);
	for (;;) {
		size_t wanted = leg->got < 2 ? 2 : 2u + (size_t)(leg->in[0] << 8 | leg->in[1]);
		if (leg->got >= 2 && leg->got == wanted) {
			if (is_ours(leg, leg->in + 2, wanted - 2))
				take(leg, leg->in + 2, wanted - 2);
			else
				lose(leg);
			return;
		}
		ssize_t got = recv(leg->source.fd, leg->in + leg->got, wanted - leg->got, 0);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0) {
			if (got == 0 || errno != EAGAIN)
				lose(leg);
			return;
		}
		leg->got += (size_t)got;
	}
}

static void leg_ready(UplinkSource *source, uint32_t events)
{
	Leg *leg = (Leg *)source;

	if (source->fd < 0)
		return;
	if (leg->ask->asked.tcp)
		stream_ready(leg);
	else
		datagram_ready(leg);
}

/* Return: false if this server cannot be asked. */
static bool start_leg(Leg *leg, const DnsServer *server)
{
	Ask *ask = leg->ask;
	struct sockaddr_storage address;
	socklen_t size = server_address(server, &address);
	int type = ask->asked.tcp ? SOCK_STREAM : SOCK_DGRAM;
	autofd fd = socket(server->family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0 || (connect(fd, (struct sockaddr *)&address, size) < 0 && errno != EINPROGRESS))
		return false;
	if (!ask->asked.tcp && send(fd, ask->question + 2, ask->size, MSG_NOSIGNAL) < 0)
		return false;
	leg->sent = !ask->asked.tcp;
	leg->source = (UplinkSource){.fd = fd, .ready = leg_ready};
	if (!uplink_loop_add(ask->dns->loop, &leg->source,
			     ask->asked.tcp ? EPOLLIN | EPOLLOUT | EPOLLET : EPOLLIN)) {
		leg->source.fd = -1;
		return false;
	}
	fd_steal(&fd);
	ask->open++;
	return true;
}

/* ---- the table ---- */

/* The next that is due; all of them have the same time. */
static void arm(UplinkDns *dns)
{
	int64_t next = INT64_MAX;

	for (size_t i = 0; i < ASKS_MAX; i++)
		if (dns->asks[i].question && dns->asks[i].due_ms < next)
			next = dns->asks[i].due_ms;
	if (next != INT64_MAX)
		uplink_loop_arm(dns->loop, &dns->timer,
				next > dns->loop->now_ms ? (int)(next - dns->loop->now_ms) : 0);
}

static void timer_fire(UplinkTimer *timer)
{
	UplinkDns *dns = (UplinkDns *)((char *)timer - offsetof(UplinkDns, timer));

	for (size_t i = 0; i < ASKS_MAX; i++)
		if (dns->asks[i].question && dns->asks[i].due_ms <= dns->loop->now_ms)
			give_up(&dns->asks[i]);
	arm(dns);
}

/* A free place, unless the client has its share already. */
static Ask *find_place(UplinkDns *dns, uint32_t client)
{
	Ask *place = NULL;
	size_t n = 0;

	for (size_t i = 0; i < ASKS_MAX; i++) {
		Ask *ask = &dns->asks[i];
		if (!ask->question)
			place = place ? place : ask;
		else if (ask->asked.client == client)
			n++;
	}
	return n < ASKS_OF_ONE ? place : NULL;
}

static void refuse(const UplinkQuestion *question)
{
	uint8_t answer[DNS_PLAIN_MAX];
	size_t size = dns_fail(question->data, question->size, DNS_SERVER_FAILURE, answer);

	if (size)
		question->reply(question->owner, answer, size);
}

void uplink_dns_ask(UplinkDns *dns, const UplinkQuestion *question)
{
	Ask *ask = find_place(dns, question->client);

	if (!ask || question->size > DNS_QUESTION_MAX || question->size < 2) {
		refuse(question);
		return;
	}
	refresh_servers(dns);
	ask->dns = dns;
	ask->asked = *question;
	ask->size = question->size;
	ask->due_ms = uplink_loop_now(dns->loop) + TIMEOUT_MS;
	ask->question = g_malloc(question->size + 2);
	ask->question[0] = (uint8_t)(question->size >> 8);
	ask->question[1] = (uint8_t)question->size;
	memcpy(ask->question + 2, question->data, question->size);
	memcpy(ask->id, question->data, sizeof(ask->id));
	if (getrandom(ask->question + 2, sizeof(ask->id), 0) != sizeof(ask->id)) {
		give_up(ask);
		return;
	}
	const DnsServer *servers = question->n_servers ? question->servers : dns->servers;
	size_t n = question->n_servers ? question->n_servers : dns->n_servers;
	for (size_t i = 0; i < n; i++)
		(void)start_leg(&ask->legs[i], &servers[i]);
	if (ask->open == 0)
		give_up(ask);
	else
		arm(dns);
}

void uplink_dns_forget(UplinkDns *dns, const void *owner)
{
	for (size_t i = 0; i < ASKS_MAX; i++)
		if (dns->asks[i].question && dns->asks[i].asked.owner == owner)
			close_ask(&dns->asks[i]);
}

void uplink_dns_set_servers(UplinkDns *dns, const DnsServer *servers, size_t n_servers)
{
	/* Without any the host's file is read with the next question. */
	dns->fixed = n_servers > 0;
	dns->n_servers = MIN(n_servers, DNS_SERVERS_MAX);
	if (n_servers)
		memcpy(dns->servers, servers, dns->n_servers * sizeof(*servers));
}

UplinkDns *uplink_dns_new(UplinkLoop *loop, const DnsServer *servers, size_t n_servers)
{
	UplinkDns *dns = g_new0(UplinkDns, 1);

	dns->loop = loop;
	dns->timer.fire = timer_fire;
	uplink_dns_set_servers(dns, servers, n_servers);
	for (size_t i = 0; i < ASKS_MAX; i++)
		for (size_t k = 0; k < DNS_SERVERS_MAX; k++) {
			dns->asks[i].legs[k].ask = &dns->asks[i];
			dns->asks[i].legs[k].source.fd = -1;
		}
	return dns;
}
