/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process in the container's network namespace, and the host side's end of the talk with it.
 *
 * A process that left the host's namespace cannot come back, so one stays there: it makes sockets,
 * which keep the namespace they were made in wherever their descriptor goes, and adds routing
 * rules. It never touches data. Its kit: CAP_NET_ADMIN over that namespace, no files, and about a
 * dozen system calls.
 *
 * How a client keeps its address: the socket that stands for it is IP_TRANSPARENT and bound to the
 * client's address. What it sends carries our mark, tcp_fwmark_accept hands the mark on to the
 * connection that the server accepts, and a rule looks up what has the mark in a table where every
 * address is local: so the server's answers come back over lo instead of leaving through the tap.
 * UDP has no connection to carry the mark; there a rule per (port, client) does it while the client
 * talks.
 */
#include "network/uplink_priv.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libpod/base/fd.h"
#include "libpod/base/wall.h"
#include "network/netlink.h"
#include "network/netns.h"

#define LO_INDEX       1
#define POOL           16 /* sockets per answer: what fd_send() takes */
#define ANSWER_TIMEOUT 2  /* seconds */

typedef enum {
	ASK_SOCKETS,
	ASK_RULE_ADD,
	ASK_RULE_REMOVE,
} AskKind;

/* To the inside. */
typedef struct {
	uint8_t kind;
	uint8_t family;
	uint8_t protocol; /* of the sockets */
	uint8_t count;    /* of sockets, at most POOL */
	uint16_t port;    /* of a rule */
	uint8_t client[16];
} Ask;

/* From the inside; sockets come along. */
typedef struct {
	int32_t result;                       /* 0 or a negative errno */
	uint8_t keeps_source4, keeps_source6; /* in the first answer */
} Answer;

/* A socket that may stand for any client. Return: descriptor or negative errno. */
static int make_socket(int family, int protocol)
{
	const int on = 1;
	const uint32_t mark = UPLINK_MARK;
	bool v6 = family == AF_INET6, tcp = protocol == IPPROTO_TCP;
	autofd fd =
		socket(family, (tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -errno;
	/* Where these fail clients do not keep their address; uplink_inside_start() has said so. */
	if (wall_stands("client-addresses"))
		(void)setsockopt(fd, v6 ? IPPROTO_IPV6 : IPPROTO_IP,
				 v6 ? IPV6_TRANSPARENT : IP_TRANSPARENT, &on, sizeof(on));
	(void)setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark));
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	return fd_steal(&fd);
}

/* Make as many sockets as were asked for and pass them out. */
static int answer_sockets(int socket, const Ask *ask)
{
	int fds[POOL];
	size_t n = 0;
	Answer answer = {0};

	for (; n < ask->count && n < POOL; n++) {
		fds[n] = make_socket(ask->family, ask->protocol);
		if (fds[n] < 0) {
			answer.result = n ? 0 : fds[n];
			break;
		}
	}
	bool sent = fd_send(socket, &answer, sizeof(answer), fds, n);
	while (n)
		close(fds[--n]);
	return sent ? 0 : -errno;
}

static int answer_rule(int socket, int netlink, const Ask *ask)
{
	NetlinkBatch batch;

	netlink_batch_init(&batch);
	netlink_rule_udp(&batch, ask->family, ask->client, ask->port, UPLINK_TABLE,
			 ask->kind == ASK_RULE_ADD);
	const Answer answer = {.result = netlink_send(netlink, &batch)};
	return fd_send(socket, &answer, sizeof(answer), NULL, 0) ? 0 : -errno;
}

/* Serve until the host side is gone. */
static void serve(int socket, int netlink)
{
	for (;;) {
		Ask ask;
		size_t n_fds;
		ssize_t got = fd_receive(socket, &ask, sizeof(ask), NULL, 0, &n_fds);

		if (got < 0 && errno == EINTR)
			continue;
		if (got != sizeof(ask) || (ask.family != AF_INET && ask.family != AF_INET6))
			return;
		int rc = ask.kind == ASK_SOCKETS ? answer_sockets(socket, &ask)
						 : answer_rule(socket, netlink, &ask);
		if (rc < 0)
			return;
	}
}

/* The table where every address is local, and the rule that leads marked traffic there. */
static bool make_table(int netlink, int family, const void *source)
{
	NetlinkBatch batch;

	netlink_batch_init(&batch);
	netlink_route_local(&batch, LO_INDEX, family, source, UPLINK_TABLE);
	netlink_rule_mark(&batch, family, UPLINK_MARK, UPLINK_TABLE);
	return netlink_send(netlink, &batch) == 0;
}

/* Switch a sysctl of the netns on. */
static bool switch_on(const char *path)
{
	autofd fd = open(path, O_WRONLY | O_CLOEXEC);

	return fd >= 0 && fd_write_all(fd, "1", 1);
}

/*
 * Let answers carry the mark of what they answer: those of accepted connections, and those that the
 * kernel gives by itself, a reset or "port unreachable", without which a refused client would wait
 * for ever.
 */
static bool keep_marks(void)
{
	(void)switch_on("/proc/sys/net/ipv6/fwmark_reflect");
	return switch_on("/proc/sys/net/ipv4/fwmark_reflect") &&
	       switch_on("/proc/sys/net/ipv4/tcp_fwmark_accept");
}

/* The child: enter, prepare, close the door behind us, serve. */
static void inside_main(const UplinkInside *inside, int socket, int netns_fd)
{
	Answer hello = {0};

	if (setns(netns_fd, CLONE_NEWNET) < 0)
		_exit(1);
	close(netns_fd);
	int diag = netlink_open(NETLINK_SOCK_DIAG), route = netlink_open(NETLINK_ROUTE);
	if (diag < 0 || route < 0)
		_exit(1);
	bool marks = keep_marks();
	hello.keeps_source4 = marks && make_table(route, AF_INET, &inside->address4);
	hello.keeps_source6 =
		marks && inside->has6 && make_table(route, AF_INET6, &inside->address6);
	if (!fd_send(socket, &hello, sizeof(hello), &diag, 1))
		_exit(1);
	close(diag);
	if (uplink_sandbox_enter(UPLINK_SANDBOX_INSIDE))
		serve(socket, route);
	_exit(0);
}

/* In the child keep only what it needs: the rest (tap, listeners, lifeline) is none of its
 * business. */
static void close_others(int *socket, int *netns_fd)
{
	if (dup3(*socket, 0, 0) < 0 || dup3(*netns_fd, 1, 0) < 0)
		_exit(1);
	close_range(2, ~0u, 0);
	*socket = 0;
	*netns_fd = 1;
}

/* Ask and wait: the inside answers within a moment, or it is gone. */
static bool ask_inside(UplinkInside *inside, const Ask *ask, Answer *out_answer, int *fds,
		       size_t max_fds, size_t *out_n)
{
	size_t n = 0;

	if (inside->socket < 0) {
		errno = ENOTCONN;
		return false;
	}
	bool sent = !ask || fd_send(inside->socket, ask, sizeof(*ask), NULL, 0);
	ssize_t got =
		sent ? fd_receive(inside->socket, out_answer, sizeof(*out_answer), fds, max_fds, &n)
		     : -1;
	if (got != sizeof(*out_answer)) {
		fd_close(&inside->socket);
		errno = ENOTCONN;
		return false;
	}
	*out_n = n;
	if (out_answer->result < 0)
		errno = -out_answer->result;
	return out_answer->result == 0;
}

void uplink_inside_addresses(UplinkInside *inside, const UplinkRequest *request)
{
	(void)inet_pton(AF_INET, NETNS_ADDRESS4, &inside->address4);
	(void)inet_pton(AF_INET, NETNS_GATEWAY4, &inside->gateway4);
	(void)inet_pton(AF_INET6, NETNS_ADDRESS6, &inside->address6);
	(void)inet_pton(AF_INET6, NETNS_GATEWAY6, &inside->gateway6);
	inside->has6 = !request->bridged || request->ipv6;
	if (request->bridged) {
		inside->address4 = request->address;
		inside->gateway4 = request->gateway;
		inside->address6 = request->address6;
		inside->gateway6 = request->gateway6;
	}
}

bool uplink_inside_start(UplinkInside *inside, const UplinkRequest *request, int netns_fd)
{
	const struct timeval timeout = {.tv_sec = ANSWER_TIMEOUT};
	int sockets[2];
	Answer hello;
	size_t n = 0;

	*inside = (UplinkInside){.socket = -1, .diag_socket = -1};
	uplink_inside_addresses(inside, request);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) < 0)
		return false;
	autofd ours = sockets[0], theirs = sockets[1];
	pid_t pid = fork();
	if (pid < 0)
		return false;
	if (pid == 0) {
		int socket = theirs, netns = netns_fd;
		close_others(&socket, &netns);
		inside_main(inside, socket, netns);
	}
	(void)setsockopt(ours, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	fd_close(&theirs);
	inside->socket = fd_steal(&ours);
	inside->pid = pid;
	if (!ask_inside(inside, NULL, &hello, &inside->diag_socket, 1, &n) || n != 1)
		return false;
	inside->keeps_source4 = hello.keeps_source4;
	inside->keeps_source6 = hello.keeps_source6;
	return true;
}

void uplink_inside_stop(UplinkInside *inside)
{
	if (inside->pid <= 0)
		return;
	fd_close(&inside->socket);
	while (waitpid(inside->pid, NULL, 0) < 0 && errno == EINTR)
		;
	inside->pid = 0;
}

int uplink_inside_socket(UplinkInside *inside, int family, int protocol)
{
	bool tcp = protocol == IPPROTO_TCP;
	int index = family == AF_INET6, one = -1;
	size_t n = 0;
	Answer answer;
	const Ask ask = {
		.kind = ASK_SOCKETS,
		.family = (uint8_t)family,
		.protocol = (uint8_t)protocol,
		.count = tcp ? POOL : 1,
	};

	if (!tcp)
		return ask_inside(inside, &ask, &answer, &one, 1, &n) && n == 1 ? one : -1;
	if (inside->pool_n[index] == 0) {
		if (!ask_inside(inside, &ask, &answer, inside->pool[index], POOL, &n))
			return -1;
		inside->pool_n[index] = (int)n;
	}
	if (inside->pool_n[index] == 0) {
		errno = EMFILE;
		return -1;
	}
	return inside->pool[index][--inside->pool_n[index]];
}

bool uplink_inside_rule(UplinkInside *inside, bool add, int family, const void *client,
			uint16_t container_port)
{
	Ask ask = {
		.kind = add ? ASK_RULE_ADD : ASK_RULE_REMOVE,
		.family = (uint8_t)family,
		.port = container_port,
	};
	Answer answer;
	size_t n = 0;

	memcpy(ask.client, client, family == AF_INET6 ? 16 : 4);
	return ask_inside(inside, &ask, &answer, NULL, 0, &n);
}
