/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Published TCP ports.
 *
 * A timer asks sock_diag whether the container listens and makes the host's socket do likewise, so
 * a client is refused on the host while it would be refused inside. A client that is accepted
 * becomes a flow: its socket, a socket inside that stands for it, and a half for each direction.
 *
 * Data moves by splice() through a pipe. Pipes come from a small pool, because the kernel allows a
 * user 64 MiB of them, and a half holds one only while it has data in flight. With none left data
 * is copied: peeked at, sent, and then taken off the receive queue by as much as was sent, so that
 * nothing is ever held here.
 *
 * Events are edge-triggered: a descriptor counts as readable or writable until a call says EAGAIN.
 */
#include "network/uplink_priv.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "libpod/base/fd.h"
#include "network/netlink.h"
#include "network/netns.h"

#define WATCH_MS       50   /* how soon a container that begins to listen is noticed */
#define WATCH_CALM_MS  250  /* ... once all listen, or nothing has changed for WATCH_EAGER_MS */
#define WATCH_EAGER_MS 5000 /* from the start and from every change */
#define WATCH_AT_ONCE  64 /* ports per WATCH_MS: a range of a thousand is asked about less often */
#define BACKLOG        4096
#define ACCEPT_AT_ONCE 32
#define PIPE_SIZE      (1024 * 1024)
#define PIPES_MAX      4
#define PIPES_IDLE_MS  2000
#define COPY_SIZE      (256 * 1024)
#define ROUNDS_AT_ONCE 8 /* a busy flow lets others have a turn after so many */

typedef struct Tcp Tcp;
typedef struct Flow Flow;

/* A published port: its sockets on the host, and whom it finds inside. */
typedef struct {
	uint16_t container_port;
	bool has4, has6; /* the container listens for IPv4, IPv6 */
} Port;

typedef struct {
	UplinkSource source;
	Tcp *tcp;
	Port *port;
	uint8_t family;
	bool listening;
	bool paused; /* out of descriptors: not watched until the next tick */
} Listener;

typedef struct Pipe Pipe;
struct Pipe {
	int read_fd, write_fd;
	Pipe *next; /* in the pool */
};

/* One of the two sockets of a flow. */
typedef struct {
	UplinkSource source;
	Flow *flow;
	bool readable, writable;
} End;

/* What goes from one end to the other. */
typedef struct {
	Pipe *pipe;    /* only while @filled */
	size_t filled; /* bytes in the pipe */
	bool ended;    /* the sender has said its last word */
	bool shut;     /* ... and the receiver has been told */
} Half;

struct Flow {
	End client, server;
	Half up, down; /* client to server, server to client */
	Tcp *tcp;
	bool connecting;
	bool busy; /* on the list of those that have more to do */
	bool dead; /* on the list of those to be freed */
	Flow *next_busy, *next_dead;
};

struct Tcp {
	UplinkTimer watch;
	UplinkTimer chores; /* busy and dead flows */
	UplinkTimer trim;   /* pipes that nobody used for a while */
	int64_t changed_ms; /* when a listener last came or went */
	UplinkLoop *loop;
	UplinkInside *inside;
	Port *ports;
	size_t n_ports;
	Listener *listeners;
	size_t n_listeners;
	Flow *busy, *dead;
	Pipe *pool;
	size_t n_pipes; /* in the pool and in use */
	char *copy;     /* COPY_SIZE, once it is needed */
	struct in_addr address4;
	struct in6_addr address6;
};

/* ---- pipes ---- */

/* A pipe from the pool, or a new one. NULL if there are too many. */
static Pipe *pipe_take(Tcp *tcp)
{
	Pipe *pipe = tcp->pool;
	int fds[2];

	if (pipe) {
		tcp->pool = pipe->next;
		return pipe;
	}
	if (tcp->n_pipes == PIPES_MAX || pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0)
		return NULL;
	/* Over the quota the kernel refuses; a pipe of a few pages would be slower than copying. */
	if (fcntl(fds[0], F_SETPIPE_SZ, PIPE_SIZE) < 0) {
		close(fds[0]);
		close(fds[1]);
		return NULL;
	}
	pipe = g_new(Pipe, 1);
	*pipe = (Pipe){.read_fd = fds[0], .write_fd = fds[1]};
	tcp->n_pipes++;
	return pipe;
}

static void pipe_free(Tcp *tcp, Pipe *pipe)
{
	close(pipe->read_fd);
	close(pipe->write_fd);
	g_free(pipe);
	tcp->n_pipes--;
}

/* Give back an empty pipe. */
static void pipe_give(Tcp *tcp, Pipe *pipe)
{
	pipe->next = tcp->pool;
	tcp->pool = pipe;
	if (!tcp->trim.due_ms)
		uplink_loop_arm(tcp->loop, &tcp->trim, PIPES_IDLE_MS);
}

static void trim_fire(UplinkTimer *timer)
{
	Tcp *tcp = (Tcp *)((char *)timer - offsetof(Tcp, trim));

	while (tcp->pool) {
		Pipe *pipe = tcp->pool;
		tcp->pool = pipe->next;
		pipe_free(tcp, pipe);
	}
}

/* ---- flows ---- */

/* Forget a flow. @reset: both sides shall see that it broke, not that it ended. */
static void flow_end(Flow *flow, bool reset)
{
	const struct linger linger = {.l_onoff = 1, .l_linger = 0};
	Tcp *tcp = flow->tcp;

	if (flow->dead)
		return;
	flow->dead = true;
	for (int i = 0; i < 2; i++) {
		End *end = i ? &flow->server : &flow->client;
		Half *half = i ? &flow->down : &flow->up;

		if (half->pipe)
			pipe_free(tcp, half->pipe);
		half->pipe = NULL;
		if (end->source.fd < 0)
			continue;
		if (reset)
			(void)setsockopt(end->source.fd, SOL_SOCKET, SO_LINGER, &linger,
					 sizeof(linger));
		/* The inside may still have its copy of the descriptor: closing ours is not enough.
		 */
		uplink_loop_remove(tcp->loop, &end->source);
		fd_close(&end->source.fd);
	}
	flow->next_dead = tcp->dead;
	tcp->dead = flow;
	uplink_loop_arm(tcp->loop, &tcp->chores, 0);
}

/* The outcome of a call that moves data. Return: may we go on? */
static bool moved(ssize_t n, bool *ready, Flow *flow)
{
	if (n > 0)
		return true;
	if (n < 0 && errno == EAGAIN)
		*ready = false;
	else if (n < 0 && errno != EINTR)
		flow_end(flow, true);
	return false;
}

/* Without a pipe. Return: was anything moved? */
static bool copy_some(Tcp *tcp, End *from, End *to, Half *half)
{
	if (!tcp->copy)
		tcp->copy = g_malloc(COPY_SIZE);
	ssize_t n = recv(from->source.fd, tcp->copy, COPY_SIZE, MSG_PEEK);
	half->ended = n == 0;
	if (!moved(n, &from->readable, from->flow))
		return half->ended;
	n = send(to->source.fd, tcp->copy, (size_t)n, MSG_NOSIGNAL);
	if (!moved(n, &to->writable, from->flow))
		return false;
	/* With MSG_TRUNC TCP throws away what we have had already, without copying it again. */
	(void)recv(from->source.fd, tcp->copy, (size_t)n, MSG_TRUNC);
	return true;
}

/* From the sender into a pipe, or all the way if there is no pipe. Return: was anything moved? */
static bool fill(Tcp *tcp, End *from, End *to, Half *half)
{
	half->pipe = pipe_take(tcp);
	if (!half->pipe)
		return copy_some(tcp, from, to, half);
	ssize_t n = splice(from->source.fd, NULL, half->pipe->write_fd, NULL, PIPE_SIZE,
			   SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
	half->ended = n == 0;
	if (n > 0) {
		half->filled = (size_t)n;
		return true;
	}
	pipe_give(tcp, half->pipe);
	half->pipe = NULL;
	(void)moved(n, &from->readable, from->flow);
	return half->ended;
}

/* From the pipe to the receiver. Return: was anything moved? */
static bool drain(Tcp *tcp, End *to, Half *half)
{
	ssize_t n = splice(half->pipe->read_fd, NULL, to->source.fd, NULL, half->filled,
			   SPLICE_F_MOVE | SPLICE_F_NONBLOCK);

	if (!moved(n, &to->writable, to->flow))
		return false;
	half->filled -= (size_t)n;
	if (half->filled == 0) {
		pipe_give(tcp, half->pipe);
		half->pipe = NULL;
	}
	return true;
}

/* One step of one direction. Return: was anything moved? */
static bool half_step(Tcp *tcp, End *from, End *to, Half *half)
{
	if (half->filled)
		return to->writable && drain(tcp, to, half);
	if (half->ended) {
		if (!half->shut)
			(void)shutdown(to->source.fd, SHUT_WR);
		half->shut = true;
		return false;
	}
	return from->readable && to->writable && fill(tcp, from, to, half);
}

/* Move what can be moved, for a while. */
static void flow_pump(Flow *flow)
{
	Tcp *tcp = flow->tcp;
	bool more = true;

	for (int i = 0; more && i < ROUNDS_AT_ONCE * 2; i++) {
		more = half_step(tcp, &flow->client, &flow->server, &flow->up);
		if (!flow->dead)
			more |= half_step(tcp, &flow->server, &flow->client, &flow->down);
		if (flow->dead)
			return;
	}
	if (flow->up.shut && flow->down.shut) {
		flow_end(flow, false);
	} else if (more && !flow->busy) {
		flow->busy = true;
		flow->next_busy = tcp->busy;
		tcp->busy = flow;
		uplink_loop_arm(tcp->loop, &tcp->chores, 0);
	}
}

/* Go on with flows that had more to move than one turn allows; free the dead ones. */
static void chores_fire(UplinkTimer *timer)
{
	Tcp *tcp = (Tcp *)((char *)timer - offsetof(Tcp, chores));
	Flow *busy = tcp->busy;

	tcp->busy = NULL;
	while (busy) {
		Flow *flow = busy;
		busy = flow->next_busy;
		flow->busy = false;
		if (!flow->dead)
			flow_pump(flow);
	}
	while (tcp->dead) {
		Flow *flow = tcp->dead;
		tcp->dead = flow->next_dead;
		g_free(flow);
	}
}

/* One end of a flow can be read, written, or is connected. */
static void end_ready(UplinkSource *source, uint32_t events)
{
	End *end = (End *)source;
	Flow *flow = end->flow;

	if (flow->dead)
		return;
	if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		end->readable = true;
	if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR))
		end->writable = true;
	if (flow->connecting && end == &flow->server) {
		if (events & (EPOLLERR | EPOLLHUP)) {
			/* The container does not listen any more: let the host's socket know at
			 * once. */
			flow_end(flow, true);
			uplink_loop_arm(flow->tcp->loop, &flow->tcp->watch, 0);
			return;
		}
		flow->connecting = !(events & EPOLLOUT);
	}
	if (!flow->connecting)
		flow_pump(flow);
}

/* Give the socket inside its client's address; another port if that one is taken there. */
static void bind_source(int fd, UplinkRoute *route)
{
	if (!route->source.ss_family ||
	    bind(fd, (struct sockaddr *)&route->source, route->size) == 0)
		return;
	if (route->source.ss_family == AF_INET6)
		((struct sockaddr_in6 *)&route->source)->sin6_port = 0;
	else
		((struct sockaddr_in *)&route->source)->sin_port = 0;
	(void)bind(fd, (struct sockaddr *)&route->source, route->size);
}

/* The socket inside that stands for @client, connecting. Return: descriptor, or -1. */
static int connect_inside(Listener *listener, const struct sockaddr_storage *client)
{
	const Port *port = listener->port;
	bool wants6 = listener->family == AF_INET6;
	bool v6 = wants6 ? port->has6 || !port->has4 : port->has6 && !port->has4;
	int family = v6 ? AF_INET6 : AF_INET;
	const int on = 1;
	UplinkRoute route;
	autofd fd = uplink_inside_socket(listener->tcp->inside, family, IPPROTO_TCP);

	if (fd < 0)
		return -1;
	uplink_route(listener->tcp->inside, client, family, port->container_port, &route);
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	bind_source(fd, &route);
	if (connect(fd, (struct sockaddr *)&route.target, route.size) < 0 && errno != EINPROGRESS)
		return -1;
	return fd_steal(&fd);
}

/* A client was accepted. */
static void flow_start(Listener *listener, int fd, const struct sockaddr_storage *client)
{
	const uint32_t events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
	const int on = 1;
	Tcp *tcp = listener->tcp;
	Flow *flow = g_new0(Flow, 1);

	flow->tcp = tcp;
	flow->connecting = true;
	flow->client = (End){.source = {.fd = fd, .ready = end_ready}, .flow = flow};
	flow->server = (End){
		.source = {.fd = connect_inside(listener, client), .ready = end_ready},
		.flow = flow,
	};
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (flow->server.source.fd < 0 ||
	    !uplink_loop_add(tcp->loop, &flow->client.source, events) ||
	    !uplink_loop_add(tcp->loop, &flow->server.source, events))
		flow_end(flow, true);
}

/* ---- listeners ---- */

/* Clients at a published port. */
static void listener_ready(UplinkSource *source, uint32_t events)
{
	Listener *listener = (Listener *)source;

	for (int i = 0; i < ACCEPT_AT_ONCE; i++) {
		struct sockaddr_storage client;
		socklen_t size = sizeof(client);
		int fd = accept4(source->fd, (struct sockaddr *)&client, &size,
				 SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd >= 0) {
			flow_start(listener, fd, &client);
		} else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
			   errno == ENOMEM) {
			listener->paused = true;
			uplink_loop_remove(listener->tcp->loop, source);
			return;
		} else if (errno == EAGAIN) {
			return;
		}
	}
}

/* Listen, or stop to, as the container does. uplink_bind.c has why SO_REUSEADDR comes and goes. */
static void listener_set(Listener *listener, bool on)
{
	const int reuse = on;
	int fd = listener->source.fd;
	UplinkLoop *loop = listener->tcp->loop;

	if (on && listener->paused) {
		listener->paused = !uplink_loop_add(loop, &listener->source, EPOLLIN);
		return;
	}
	if (on == listener->listening)
		return;
	listener->tcp->changed_ms = loop->now_ms;
	if (on) {
		(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &reuse, sizeof(reuse));
		if (listen(fd, BACKLOG) < 0 || !uplink_loop_add(loop, &listener->source, EPOLLIN))
			return;
	} else {
		uplink_loop_remove(loop, &listener->source);
		(void)shutdown(fd, SHUT_RD);
		(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &reuse, sizeof(reuse));
		listener->paused = false;
	}
	listener->listening = on;
}

/* Ask who listens inside. Without sock_diag every port counts as listened on. */
static void port_refresh(const Tcp *tcp, Port *port)
{
	int diag = tcp->inside->diag_socket;

	port->has4 = netlink_listening(diag, IPPROTO_TCP, AF_INET, &tcp->address4,
				       port->container_port) != 0;
	port->has6 =
		tcp->inside->has6 && netlink_listening(diag, IPPROTO_TCP, AF_INET6, &tcp->address6,
						       port->container_port) == 1;
}

/* Ask which ports the container listens on, and do the same on the host. */
static void watch_fire(UplinkTimer *timer)
{
	Tcp *tcp = (Tcp *)((char *)timer - offsetof(Tcp, watch));
	bool all = true;

	for (size_t i = 0; i < tcp->n_ports; i++) {
		port_refresh(tcp, &tcp->ports[i]);
		all = all && (tcp->ports[i].has4 || tcp->ports[i].has6);
	}
	for (size_t i = 0; i < tcp->n_listeners; i++) {
		const Port *port = tcp->listeners[i].port;
		listener_set(&tcp->listeners[i], port->has4 || port->has6);
	}
	bool eager = !all && tcp->loop->now_ms - tcp->changed_ms < WATCH_EAGER_MS;
	int interval = eager ? WATCH_MS : WATCH_CALM_MS;
	uplink_loop_arm(tcp->loop, &tcp->watch,
			interval * (1 + (int)(tcp->n_ports / WATCH_AT_ONCE)));
}

/* Add a bound socket; the IPv6 one of a port follows that of IPv4. */
static void add_bound(Tcp *tcp, const UplinkBound *bound, const UplinkBound *before)
{
	bool sibling = before && before->protocol == IPPROTO_TCP &&
		       before->host_port == bound->host_port &&
		       before->container_port == bound->container_port;

	if (!sibling)
		tcp->ports[tcp->n_ports++] = (Port){.container_port = bound->container_port};
	tcp->listeners[tcp->n_listeners++] = (Listener){
		.source = {.fd = bound->fd, .ready = listener_ready},
		.tcp = tcp,
		.port = &tcp->ports[tcp->n_ports - 1],
		.family = bound->family,
	};
}

void uplink_tcp_start(UplinkLoop *loop, UplinkInside *inside, const UplinkBinding *binding)
{
	Tcp *tcp = g_new0(Tcp, 1);

	tcp->loop = loop;
	tcp->inside = inside;
	tcp->changed_ms = loop->now_ms;
	tcp->watch.fire = watch_fire;
	tcp->chores.fire = chores_fire;
	tcp->trim.fire = trim_fire;
	tcp->address4 = inside->address4;
	tcp->address6 = inside->address6;
	tcp->ports = g_new0(Port, binding->n_bound);
	tcp->listeners = g_new0(Listener, binding->n_bound);
	for (size_t i = 0; i < binding->n_bound; i++)
		if (binding->bound[i].protocol == IPPROTO_TCP)
			add_bound(tcp, &binding->bound[i], i ? &binding->bound[i - 1] : NULL);
	if (tcp->n_listeners)
		uplink_loop_arm(loop, &tcp->watch, 0);
}
