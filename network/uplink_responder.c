/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names for the members of one network.
 *
 * TCP clients have as many places as there are, in turn: who is new takes that of the one that has
 * been silent for longest, so idle connections keep nobody out. One client has one question on its
 * way at a time.
 */
#include "network/uplink_responder.h"

#include <arpa/inet.h>
#include <errno.h>
#include <glib.h>
#include <linux/virtio_net.h>
#include <net/ethernet.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "libpod/base/fd.h"
#include "network/frame.h"

#define CLIENTS_MAX    64
#define IDLE_MS        10000
#define SWEEP_MS       1000
#define FRAMES_AT_ONCE 32
#define FRAME_MAX      (65536 + ETHER_HDR_LEN)
#define UDP_HEADERS    28 /* with IP's */

typedef struct virtio_net_hdr VnetHeader;

/* A connection. */
typedef struct {
	UplinkSource source; /* fd -1: a free place */
	UplinkResponder *responder;
	uint32_t address;
	int64_t since_ms; /* of its last question or answer */
	bool asking;
	bool busy; /* progress() is at it: what is answered at once must not begin another */
	size_t got;
	uint8_t in[2 + DNS_QUESTION_MAX];
	uint8_t *out; /* what could not be sent at once */
	size_t out_size, out_sent;
} Client;

/* A datagram on its way. */
typedef struct {
	UplinkResponder *responder;
	uint8_t headers[HOME_HEADERS];
	size_t room;
	size_t size; /* of the question behind it */
	uint8_t question[];
} Datagram;

struct UplinkResponder {
	UplinkResponderSetup setup;
	UplinkDns *dns;
	UplinkSource tap, listener;
	UplinkTimer sweep;
	Client clients[CLIENTS_MAX];
	uint8_t message[2 + DNS_TCP_MAX]; /* an answer over TCP, with its length */
	struct {
		VnetHeader header;
		uint8_t frame[FRAME_MAX];
	} in;
};

/* ---- UDP ---- */

size_t uplink_responder_room(const UplinkResponder *responder)
{
	return MIN(DNS_UDP_MAX, responder->setup.mtu - UDP_HEADERS);
}

/* An answer that the client would not take becomes "ask again over TCP". */
static void answer_datagram(void *data, const uint8_t *answer, size_t size)
{
	g_autofree Datagram *datagram = data;
	uint8_t frame[HOME_ANSWER_MAX];

	if (size <= datagram->room)
		memcpy(frame + HOME_HEADERS, answer, size);
	else
		size = dns_fail(datagram->question, datagram->size, 0, frame + HOME_HEADERS);
	if (size)
		uplink_slirp_send(datagram->responder->setup.loop->slirp, frame,
				  home_frame_wrap(datagram->headers, frame, size));
}

void uplink_responder_ask(UplinkResponder *responder, const HomeQuestion *question)
{
	Datagram *datagram = g_malloc(sizeof(*datagram) + question->size);

	datagram->responder = responder;
	memcpy(datagram->headers, question->headers, HOME_HEADERS);
	memcpy(datagram->question, question->data, question->size);
	datagram->size = question->size;
	datagram->room = dns_room(question->data, question->size, uplink_responder_room(responder));
	UplinkQuestion ask = {
		.data = datagram->question,
		.size = question->size,
		.client = question->client,
		.reply = answer_datagram,
		.owner = datagram,
	};
	ask.servers =
		responder->setup.servers_of(responder->setup.data, ask.client, &ask.n_servers);
	uplink_dns_ask(responder->dns, &ask);
}

/* ---- TCP ---- */

static void drop(Client *client)
{
	UplinkResponder *responder = client->responder;

	if (client->source.fd < 0)
		return;
	uplink_loop_remove(responder->setup.loop, &client->source);
	fd_close(&client->source.fd);
	if (client->asking)
		uplink_dns_forget(responder->dns, client);
	client->asking = false;
	client->got = 0;
	g_clear_pointer(&client->out, g_free);
}

/* What is left of an answer. Return: false if it has to wait or the client is gone. */
static bool flush(Client *client)
{
	while (client->out) {
		ssize_t sent = send(client->source.fd, client->out + client->out_sent,
				    client->out_size - client->out_sent, MSG_NOSIGNAL);
		if (sent < 0) {
			if (errno != EAGAIN && errno != EINTR)
				drop(client);
			return false;
		}
		client->out_sent += (size_t)sent;
		if (client->out_sent == client->out_size)
			g_clear_pointer(&client->out, g_free);
	}
	return true;
}

/* Send the @size bytes of an answer that are in the responder's message. */
static void answer_client(Client *client, size_t size)
{
	uint8_t *message = client->responder->message;

	message[0] = (uint8_t)(size >> 8);
	message[1] = (uint8_t)size;
	client->since_ms = client->responder->setup.loop->now_ms;
	client->out = g_memdup2(message, size + 2);
	client->out_size = size + 2;
	client->out_sent = 0;
}

static void progress(Client *client);

static void answer_stream(void *data, const uint8_t *answer, size_t size)
{
	Client *client = data;

	client->asking = false;
	memcpy(client->responder->message + 2, answer, size);
	answer_client(client, size);
	if (!client->busy)
		progress(client);
}

/* A whole question is there. */
static void answer_question(Client *client, size_t size)
{
	UplinkResponder *responder = client->responder;
	uint8_t question[DNS_QUESTION_MAX];

	memcpy(question, client->in + 2, size);
	client->got -= size + 2;
	memmove(client->in, client->in + size + 2, client->got);
	int n = dns_answer(&responder->setup.rules->names, client->address, question, size,
			   DNS_TCP_MAX, responder->message + 2);
	if (n > 0) {
		answer_client(client, (size_t)n);
		return;
	}
	if (n < 0) {
		drop(client);
		return;
	}
	UplinkQuestion ask = {
		.data = question,
		.size = size,
		.client = client->address,
		.tcp = true,
		.reply = answer_stream,
		.owner = client,
	};
	ask.servers =
		responder->setup.servers_of(responder->setup.data, ask.client, &ask.n_servers);
	client->asking = true;
	client->since_ms = responder->setup.loop->now_ms;
	uplink_dns_ask(responder->dns, &ask);
}

/* Read more of a question. Return: false if there is no more, or the client is gone. */
static bool read_more(Client *client, size_t wanted)
{
	ssize_t got = recv(client->source.fd, client->in + client->got, wanted - client->got, 0);

	if (got > 0) {
		client->got += (size_t)got;
		return true;
	}
	if (got < 0 && errno == EINTR)
		return true;
	if (got == 0 || errno != EAGAIN)
		drop(client);
	return false;
}

/* As far as it goes: readiness is told once. */
static void progress(Client *client)
{
	client->busy = true;
	while (client->source.fd >= 0 && !client->asking && flush(client)) {
		size_t size = (size_t)(client->in[0] << 8 | client->in[1]);
		size_t wanted = client->got < 2 ? 2 : 2 + size;

		if (wanted > sizeof(client->in) || (client->got >= 2 && size == 0))
			drop(client);
		else if (client->got >= 2 && client->got >= wanted)
			answer_question(client, size);
		else if (!read_more(client, wanted))
			break;
	}
	client->busy = false;
}

static void client_ready(UplinkSource *source, uint32_t events)
{
	if (source->fd >= 0)
		progress((Client *)source);
}

/* A free place, or that of the one that has been silent for longest. */
static Client *find_client(UplinkResponder *responder)
{
	Client *oldest = &responder->clients[0];

	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		Client *client = &responder->clients[i];
		if (client->source.fd < 0)
			return client;
		if (client->since_ms < oldest->since_ms)
			oldest = client;
	}
	drop(oldest);
	return oldest;
}

/* Close what has been silent for too long. */
static void sweep_fire(UplinkTimer *timer)
{
	UplinkResponder *responder =
		(UplinkResponder *)((char *)timer - offsetof(UplinkResponder, sweep));
	int64_t now = responder->setup.loop->now_ms;
	bool any = false;

	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		Client *client = &responder->clients[i];
		if (client->source.fd >= 0 && now - client->since_ms >= IDLE_MS)
			drop(client);
		any |= client->source.fd >= 0;
	}
	if (any)
		uplink_loop_arm(responder->setup.loop, timer, SWEEP_MS);
}

static void listener_ready(UplinkSource *source, uint32_t events)
{
	UplinkResponder *responder =
		(UplinkResponder *)((char *)source - offsetof(UplinkResponder, listener));
	UplinkLoop *loop = responder->setup.loop;
	struct sockaddr_in peer;
	socklen_t size = sizeof(peer);
	autofd fd =
		accept4(source->fd, (struct sockaddr *)&peer, &size, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return;
	Client *client = find_client(responder);
	client->source = (UplinkSource){.fd = fd, .ready = client_ready};
	client->address = ntohl(peer.sin_addr.s_addr);
	client->since_ms = loop->now_ms;
	if (!uplink_loop_add(loop, &client->source, EPOLLIN | EPOLLOUT | EPOLLET)) {
		client->source.fd = -1;
		return;
	}
	fd_steal(&fd);
	if (!responder->sweep.due_ms)
		uplink_loop_arm(loop, &responder->sweep, SWEEP_MS);
}

/* ---- frames ---- */

void uplink_responder_frame(UplinkResponder *responder, const uint8_t *frame, size_t size)
{
	VnetHeader header = {.gso_type = VIRTIO_NET_HDR_GSO_NONE};
	const struct iovec parts[] = {
		{.iov_base = &header, .iov_len = sizeof(header)},
		{.iov_base = (void *)frame, .iov_len = size},
	};
	int fd = responder->setup.tap_fd;
	/* One that does not fit is lost, as on any wire. */
	ssize_t sent = responder->setup.vnet_hdr ? writev(fd, parts, 2) : write(fd, frame, size);

	(void)sent;
}

/* What the listener's side says, to the member it is for. */
static void carry(UplinkResponder *responder, uint8_t *frame, size_t size)
{
	const UplinkResponderSetup *setup = &responder->setup;
	const VnetHeader *header = &responder->in.header;
	uint32_t gateway = htonl(setup->rules->gateway), target;

	if (!home_frame_target(frame, size, &target))
		return;
	if (setup->vnet_hdr && header->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM &&
	    !frame_checksum(frame, size, header->csum_start, header->csum_offset))
		return;
	const uint8_t *mac = setup->mac_of(setup->data, target);
	if (!mac)
		return;
	memcpy(frame, mac, ETH_ALEN);
	/* libslirp's, which the members know as the gateway's. */
	memcpy(frame + ETH_ALEN, "\x52\x55", 2);
	memcpy(frame + ETH_ALEN + 2, &gateway, sizeof(gateway));
	uplink_slirp_send(setup->loop->slirp, frame, size);
}

static void tap_ready(UplinkSource *source, uint32_t events)
{
	UplinkResponder *responder =
		(UplinkResponder *)((char *)source - offsetof(UplinkResponder, tap));
	size_t skip = responder->setup.vnet_hdr ? sizeof(VnetHeader) : 0;
	uint8_t *start = responder->in.frame - skip;

	for (int i = 0; i < FRAMES_AT_ONCE; i++) {
		ssize_t got = read(source->fd, start, skip + FRAME_MAX);
		if (got < 0) {
			/* It went with its netns. */
			if (errno != EAGAIN && errno != EINTR)
				uplink_loop_remove(responder->setup.loop, source);
			return;
		}
		if ((size_t)got > skip)
			carry(responder, responder->in.frame, (size_t)got - skip);
	}
}

UplinkResponder *uplink_responder_new(const UplinkResponderSetup *setup)
{
	UplinkResponder *responder = g_new0(UplinkResponder, 1);

	responder->setup = *setup;
	responder->dns = uplink_dns_new(setup->loop, setup->servers, setup->n_servers);
	responder->sweep.fire = sweep_fire;
	responder->tap = (UplinkSource){.fd = setup->tap_fd, .ready = tap_ready};
	responder->listener = (UplinkSource){.fd = setup->listener_fd, .ready = listener_ready};
	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		responder->clients[i].responder = responder;
		responder->clients[i].source.fd = -1;
	}
	if (!uplink_loop_add(setup->loop, &responder->tap, EPOLLIN) ||
	    !uplink_loop_add(setup->loop, &responder->listener, EPOLLIN)) {
		g_free(responder);
		return NULL;
	}
	return responder;
}

void uplink_responder_set_servers(UplinkResponder *responder, const DnsServer *servers,
				  size_t n_servers)
{
	uplink_dns_set_servers(responder->dns, servers, n_servers);
}
