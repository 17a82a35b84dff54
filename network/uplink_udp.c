/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Published UDP ports.
 *
 * A flow is a client that talks to a port: it has a socket inside that stands for it. Flows are
 * forgotten when they have been silent for a while, or when there are too many, the most silent
 * first. A rule inside leads the server's answers to that socket (see uplink_inside.c); flows of
 * one client to one port share it.
 */
#include "network/uplink_priv.h"

#include <arpa/inet.h>
#include <errno.h>
#include <glib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "libpod/base/fd.h"
#include "network/netlink.h"
#include "network/netns.h"

#define FLOWS_MAX         1024
#define FLOWS_HARD_MAX    2048 /* between two sweeps */
#define DATAGRAM_MAX      65536
#define DATAGRAMS_AT_ONCE 64
#define QUICK_MS          30000  /* silence after a question and its answer */
#define TALK_MS           180000 /* silence in a longer talk */
#define TALK_ANSWERS      2      /* more answers than this make a talk */
#define SWEEP_MS          5000

typedef struct Udp Udp;

/* A bound socket of the host. */
typedef struct {
	UplinkSource source;
	Udp *udp;
	uint8_t family;
	uint16_t container_port;
} Port;

/* To which of our addresses a client writes, so that answers come from there. */
typedef union {
	struct in_pktinfo v4;
	struct in6_pktinfo v6;
} LocalAddress;

/* What tells flows apart; compared as bytes, so unused ones are zero. */
typedef struct {
	const Port *port;
	struct sockaddr_storage client;
} FlowKey;

/* A rule inside, shared by the flows of a client to a port. */
typedef struct {
	uint8_t family;
	uint16_t container_port;
	uint8_t client[16];
	unsigned users;
} Rule;

typedef struct {
	UplinkSource source; /* the socket inside */
	FlowKey key;
	LocalAddress local;
	Rule *rule; /* NULL if the client does not keep its address */
	int64_t last_ms;
	unsigned answers;
	GList link; /* in Udp.by_age */
} Flow;

struct Udp {
	UplinkTimer sweep;
	UplinkLoop *loop;
	UplinkInside *inside;
	GHashTable *flows; /* FlowKey to Flow */
	GQueue by_age;     /* of Flow, the most silent at the head */
	GPtrArray *rules;  /* of Rule */
	char *buffer;      /* DATAGRAM_MAX */
	struct in_addr address4;
	struct in6_addr address6;
	size_t n_ports;
	Port ports[];
};

static guint flow_hash(gconstpointer key)
{
	const FlowKey *flow = key;
	const unsigned char *bytes = (const unsigned char *)&flow->client;
	guint hash = (guint)(uintptr_t)flow->port;

	for (size_t i = 0; i < sizeof(struct sockaddr_in6); i++)
		hash = hash * 31 + bytes[i];
	return hash;
}

static gboolean flow_equal(gconstpointer a, gconstpointer b)
{
	const FlowKey *left = a, *right = b;

	return left->port == right->port &&
	       memcmp(&left->client, &right->client, sizeof(struct sockaddr_in6)) == 0;
}

/* ---- rules ---- */

/* The rule for a client as it appears inside; made if it is the first flow's. NULL if it cannot be.
 */
static Rule *rule_get(Udp *udp, const struct sockaddr_storage *source, uint16_t container_port)
{
	Rule wanted = {.family = (uint8_t)source->ss_family, .container_port = container_port};

	if (wanted.family == AF_INET6)
		memcpy(wanted.client, &((const struct sockaddr_in6 *)source)->sin6_addr, 16);
	else
		memcpy(wanted.client, &((const struct sockaddr_in *)source)->sin_addr, 4);
	for (guint i = 0; i < udp->rules->len; i++) {
		Rule *rule = g_ptr_array_index(udp->rules, i);
		if (rule->family == wanted.family && rule->container_port == container_port &&
		    memcmp(rule->client, wanted.client, sizeof(wanted.client)) == 0) {
			rule->users++;
			return rule;
		}
	}
	if (!uplink_inside_rule(udp->inside, true, wanted.family, wanted.client, container_port))
		return NULL;
	wanted.users = 1;
	Rule *rule = g_memdup2(&wanted, sizeof(wanted));
	g_ptr_array_add(udp->rules, rule);
	return rule;
}

static void rule_put(Udp *udp, Rule *rule)
{
	if (!rule || --rule->users)
		return;
	(void)uplink_inside_rule(udp->inside, false, rule->family, rule->client,
				 rule->container_port);
	g_ptr_array_remove_fast(udp->rules, rule);
}

/* ---- flows ---- */

/* Never while events are being delivered: one of them may be this flow's. */
static void flow_forget(Udp *udp, Flow *flow)
{
	uplink_loop_remove(udp->loop, &flow->source);
	fd_close(&flow->source.fd);
	g_queue_unlink(&udp->by_age, &flow->link);
	g_hash_table_remove(udp->flows, &flow->key);
	rule_put(udp, flow->rule);
	g_free(flow);
}

/* Forget the flows that are quiet, the oldest first. */
static void sweep_fire(UplinkTimer *timer)
{
	Udp *udp = (Udp *)timer;
	GList *next;

	for (GList *link = udp->by_age.head; link; link = next) {
		Flow *flow = link->data;
		int64_t allowed = flow->answers > TALK_ANSWERS ? TALK_MS : QUICK_MS;

		next = link->next;
		if (udp->loop->now_ms - flow->last_ms > allowed || udp->by_age.length > FLOWS_MAX)
			flow_forget(udp, flow);
	}
	if (udp->by_age.length)
		uplink_loop_arm(udp->loop, &udp->sweep, SWEEP_MS);
}

/* The flow has just been used. */
static void flow_touch(Udp *udp, Flow *flow)
{
	flow->last_ms = udp->loop->now_ms;
	g_queue_unlink(&udp->by_age, &flow->link);
	g_queue_push_tail_link(&udp->by_age, &flow->link);
}

/* Send an answer from the address that the client wrote to. */
static void send_answer(const Flow *flow, char *data, size_t size)
{
	const Port *port = flow->key.port;
	bool v6 = port->family == AF_INET6;
	union {
		char bytes[CMSG_SPACE(sizeof(LocalAddress))];
		struct cmsghdr align;
	} control = {0};
	struct iovec iov = {.iov_base = data, .iov_len = size};
	size_t info = v6 ? sizeof(struct in6_pktinfo) : sizeof(struct in_pktinfo);
	struct msghdr message = {
		.msg_name = (void *)&flow->key.client,
		.msg_namelen = v6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in),
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = CMSG_SPACE(info),
	};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	header->cmsg_level = v6 ? IPPROTO_IPV6 : IPPROTO_IP;
	header->cmsg_type = v6 ? IPV6_PKTINFO : IP_PKTINFO;
	header->cmsg_len = CMSG_LEN(info);
	memcpy(CMSG_DATA(header), &flow->local, info);
	/* A datagram that cannot be sent is lost, as datagrams are. */
	(void)sendmsg(port->source.fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* The server inside answers. */
static void flow_ready(UplinkSource *source, uint32_t events)
{
	Flow *flow = (Flow *)source;
	Udp *udp = flow->key.port->udp;

	for (int i = 0; i < DATAGRAMS_AT_ONCE; i++) {
		ssize_t got = recv(source->fd, udp->buffer, DATAGRAM_MAX, MSG_DONTWAIT);

		/* "Connection refused" is an answer to what we sent before: read on. */
		if (got < 0 && errno != ECONNREFUSED && errno != EINTR)
			return;
		if (got < 0)
			continue;
		flow->answers++;
		flow_touch(udp, flow);
		send_answer(flow, udp->buffer, (size_t)got);
	}
}

/* The family in which the container's server is reached: the client's own if it can be. */
static int choose_family(const Udp *udp, const Port *port)
{
	int diag = udp->inside->diag_socket;
	bool has4 = netlink_listening(diag, IPPROTO_UDP, AF_INET, &udp->address4,
				      port->container_port) == 1;
	bool has6 =
		udp->inside->has6 && netlink_listening(diag, IPPROTO_UDP, AF_INET6, &udp->address6,
						       port->container_port) == 1;

	if (port->family == AF_INET6)
		return has6 || !has4 ? AF_INET6 : AF_INET;
	return has4 || !has6 ? AF_INET : AF_INET6;
}

/* Bind and connect the socket inside. Return: false if that cannot be. */
static bool flow_connect(Udp *udp, Flow *flow, int family)
{
	UplinkRoute route;
	int fd = flow->source.fd;

	uplink_route(udp->inside, &flow->key.client, family, flow->key.port->container_port,
		     &route);
	if (route.source.ss_family) {
		flow->rule = rule_get(udp, &route.source, flow->key.port->container_port);
		if (flow->rule && bind(fd, (struct sockaddr *)&route.source, route.size) < 0) {
			/* Two clients of the host's loopback may have one port: any other will do.
			 */
			if (family == AF_INET6)
				((struct sockaddr_in6 *)&route.source)->sin6_port = 0;
			else
				((struct sockaddr_in *)&route.source)->sin_port = 0;
			(void)bind(fd, (struct sockaddr *)&route.source, route.size);
		}
	}
	return connect(fd, (struct sockaddr *)&route.target, route.size) == 0;
}

/* A socket inside for one client of one port. */
static Flow *flow_new(Udp *udp, const FlowKey *key)
{
	int family = choose_family(udp, key->port);

	if (udp->by_age.length >= FLOWS_HARD_MAX)
		return NULL;
	int fd = uplink_inside_socket(udp->inside, family, IPPROTO_UDP);
	if (fd < 0)
		return NULL;

	Flow *flow = g_new0(Flow, 1);
	flow->key = *key;
	flow->source = (UplinkSource){.fd = fd, .ready = flow_ready};
	flow->link.data = flow;
	g_hash_table_insert(udp->flows, &flow->key, flow);
	g_queue_push_tail_link(&udp->by_age, &flow->link);
	if (!flow_connect(udp, flow, family) ||
	    !uplink_loop_add(udp->loop, &flow->source, EPOLLIN)) {
		flow_forget(udp, flow);
		return NULL;
	}
	/* Not here, where others' events may be waiting to be delivered. */
	if (udp->by_age.length > FLOWS_MAX)
		uplink_loop_arm(udp->loop, &udp->sweep, 0);
	else if (!udp->sweep.due_ms)
		uplink_loop_arm(udp->loop, &udp->sweep, SWEEP_MS);
	return flow;
}

/* ---- ports ---- */

/* Find out to which of our addresses a datagram came. */
static void read_local(struct msghdr *message, LocalAddress *out)
{
	for (struct cmsghdr *header = CMSG_FIRSTHDR(message); header;
	     header = CMSG_NXTHDR(message, header)) {
		if (header->cmsg_level == IPPROTO_IP && header->cmsg_type == IP_PKTINFO) {
			memcpy(&out->v4, CMSG_DATA(header), sizeof(out->v4));
			/* As what we send with: the address, not the interface it came by. */
			out->v4.ipi_ifindex = 0;
			out->v4.ipi_spec_dst = out->v4.ipi_addr;
		}
		if (header->cmsg_level == IPPROTO_IPV6 && header->cmsg_type == IPV6_PKTINFO) {
			memcpy(&out->v6, CMSG_DATA(header), sizeof(out->v6));
			if (!IN6_IS_ADDR_LINKLOCAL(&out->v6.ipi6_addr))
				out->v6.ipi6_ifindex = 0;
		}
	}
}

/* Receive one datagram. Return: its size, -1 with errno. */
static ssize_t receive(Port *port, FlowKey *out_key, LocalAddress *out_local)
{
	union {
		char bytes[256];
		struct cmsghdr align;
	} control;
	struct iovec iov = {.iov_base = port->udp->buffer, .iov_len = DATAGRAM_MAX};
	struct msghdr message = {
		.msg_name = &out_key->client,
		.msg_namelen = sizeof(out_key->client),
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes),
	};

	memset(out_key, 0, sizeof(*out_key));
	memset(out_local, 0, sizeof(*out_local));
	out_key->port = port;
	ssize_t got = recvmsg(port->source.fd, &message, MSG_DONTWAIT);
	if (got >= 0)
		read_local(&message, out_local);
	return got;
}

/* Datagrams from clients of a published port. */
static void port_ready(UplinkSource *source, uint32_t events)
{
	Port *port = (Port *)source;
	Udp *udp = port->udp;

	for (int i = 0; i < DATAGRAMS_AT_ONCE; i++) {
		FlowKey key;
		LocalAddress local;
		ssize_t got = receive(port, &key, &local);

		if (got < 0 && (errno == EAGAIN || errno == EBADF))
			return;
		if (got < 0)
			continue;
		Flow *flow = g_hash_table_lookup(udp->flows, &key);
		if (!flow)
			flow = flow_new(udp, &key);
		if (!flow)
			continue;
		flow->local = local;
		flow_touch(udp, flow);
		(void)send(flow->source.fd, udp->buffer, (size_t)got, MSG_DONTWAIT | MSG_NOSIGNAL);
	}
}

void uplink_udp_start(UplinkLoop *loop, UplinkInside *inside, const UplinkBinding *binding)
{
	size_t n = 0;

	for (size_t i = 0; i < binding->n_bound; i++)
		n += binding->bound[i].protocol == IPPROTO_UDP;
	if (n == 0)
		return;
	Udp *udp = g_malloc0(sizeof(Udp) + n * sizeof(Port));
	udp->loop = loop;
	udp->inside = inside;
	udp->sweep.fire = sweep_fire;
	udp->flows = g_hash_table_new(flow_hash, flow_equal);
	udp->rules = g_ptr_array_new_with_free_func(g_free);
	udp->buffer = g_malloc(DATAGRAM_MAX);
	udp->address4 = inside->address4;
	udp->address6 = inside->address6;
	for (size_t i = 0; i < binding->n_bound; i++) {
		const UplinkBound *bound = &binding->bound[i];
		Port *port = &udp->ports[udp->n_ports];

		if (bound->protocol != IPPROTO_UDP)
			continue;
		*port = (Port){
			.source = {.fd = bound->fd, .ready = port_ready},
			.udp = udp,
			.family = bound->family,
			.container_port = bound->container_port,
		};
		udp->n_ports++;
		(void)uplink_loop_add(loop, &port->source, EPOLLIN);
	}
}
