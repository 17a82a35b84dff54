/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A message between homes is a number and a question, or the same number and an answer: nothing
 * behind the number means that the name is not known there. Who does not answer in time does not
 * know it either.
 */
#include "network/uplink_peers.h"

#include <errno.h>
#include <glib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define ASKS_MAX    512 /* questions on their way to peers */
#define ASKS_OF_ONE 64  /* client */
#define WAIT_MS     500
#define SWEEP_MS    100
#define REPLY_MAX   DNS_UDP_MAX

struct UplinkPeer {
	UplinkSource source; /* fd -1: its member has gone, it is freed by the sweep */
	UplinkPeers *peers;
	uint32_t member;
	bool tells;
	UplinkPeer *next;
};

/* A question that peers were asked. */
typedef struct {
	uint32_t number; /* 0: a free place */
	unsigned left;   /* peers that have not answered */
	int64_t until_ms;
	HomeQuestion question; /* its data is ours */
	uint8_t *answer;       /* what is sent if none knows, or NULL */
	size_t answer_size;
} Asked;

struct UplinkPeers {
	UplinkPeersSetup setup;
	UplinkTimer sweep;
	UplinkPeer *dead;
	uint32_t last_number;
	Asked asked[ASKS_MAX];
};

static void arm(UplinkPeers *peers)
{
	if (!peers->sweep.due_ms)
		uplink_loop_arm(peers->setup.loop, &peers->sweep, SWEEP_MS);
}

static void forget(Asked *asked)
{
	g_free((uint8_t *)asked->question.data);
	g_free(asked->answer);
	*asked = (Asked){0};
}

/* Nobody knows it: as if there were no peers. */
static void give_up(UplinkPeers *peers, Asked *asked)
{
	if (asked->answer)
		uplink_slirp_send(peers->setup.loop->slirp, asked->answer, asked->answer_size);
	else
		uplink_responder_ask(peers->setup.responder, &asked->question);
	forget(asked);
}

/* An answer that its client would not take becomes "ask again over TCP". */
static void answer_client(UplinkPeers *peers, Asked *asked, const uint8_t *answer, size_t size)
{
	const HomeQuestion *question = &asked->question;
	size_t room = dns_room(question->data, question->size,
			       uplink_responder_room(peers->setup.responder));
	uint8_t frame[HOME_ANSWER_MAX];

	if (size <= room)
		memcpy(frame + HOME_HEADERS, answer, size);
	else
		size = dns_fail(question->data, question->size, 0, frame + HOME_HEADERS);
	if (size)
		uplink_slirp_send(peers->setup.loop->slirp, frame,
				  home_frame_wrap(question->headers, frame, size));
	forget(asked);
}

/* What a peer says to a question of ours. */
static void hear(UplinkPeers *peers, uint32_t number, const uint8_t *answer, size_t size)
{
	for (size_t i = 0; number && i < ASKS_MAX; i++) {
		Asked *asked = &peers->asked[i];
		if (asked->number != number)
			continue;
		if (size && dns_is_answer(asked->question.data, asked->question.size, answer, size))
			answer_client(peers, asked, answer, size);
		else if (--asked->left == 0)
			give_up(peers, asked);
		return;
	}
}

/* A question of a member that is on the other network, too: only what we know counts. */
static void tell(UplinkPeer *peer, uint8_t *message, size_t size)
{
	uint8_t reply[sizeof(uint32_t) + REPLY_MAX];
	uint8_t *answer = reply + sizeof(uint32_t);
	int n = dns_answer(peer->peers->setup.names, peer->member, message + sizeof(uint32_t),
			   size - sizeof(uint32_t), REPLY_MAX, answer);
	bool known = n > 0 && dns_code(answer) == 0;

	memcpy(reply, message, sizeof(uint32_t));
	(void)send(peer->source.fd, reply, sizeof(uint32_t) + (known ? (size_t)n : 0),
		   MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void bury(UplinkPeer *peer)
{
	uplink_loop_remove(peer->peers->setup.loop, &peer->source);
	close(peer->source.fd);
	peer->source.fd = -1;
}

static void peer_ready(UplinkSource *source, uint32_t events)
{
	UplinkPeer *peer = (UplinkPeer *)source;
	uint8_t message[sizeof(uint32_t) + MAX(REPLY_MAX, DNS_QUESTION_MAX)];
	uint32_t number;

	if (source->fd < 0)
		return;
	ssize_t got = recv(source->fd, message, sizeof(message), MSG_DONTWAIT);
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got < (ssize_t)sizeof(number)) {
		bury(peer);
		return;
	}
	memcpy(&number, message, sizeof(number));
	if (peer->tells)
		tell(peer, message, (size_t)got);
	else
		hear(peer->peers, number, message + sizeof(number), (size_t)got - sizeof(number));
}

/* Time is up for questions; and nobody looks at the dead any more. */
static void sweep_fire(UplinkTimer *timer)
{
	UplinkPeers *peers = (UplinkPeers *)((char *)timer - offsetof(UplinkPeers, sweep));
	bool any = false;

	while (peers->dead) {
		UplinkPeer *peer = peers->dead;
		peers->dead = peer->next;
		g_free(peer);
	}
	for (size_t i = 0; i < ASKS_MAX; i++) {
		Asked *asked = &peers->asked[i];
		if (asked->number && asked->until_ms <= peers->setup.loop->now_ms)
			give_up(peers, asked);
		any |= asked->number != 0;
	}
	if (any)
		arm(peers);
}

UplinkPeers *uplink_peers_new(const UplinkPeersSetup *setup)
{
	UplinkPeers *peers = g_new0(UplinkPeers, 1);

	peers->setup = *setup;
	peers->sweep.fire = sweep_fire;
	return peers;
}

UplinkPeer *uplink_peers_add(UplinkPeers *peers, uint32_t member, int fd, bool tells,
			     UplinkPeer *next)
{
	UplinkPeer *peer = g_new0(UplinkPeer, 1);

	peer->source = (UplinkSource){.fd = fd, .ready = peer_ready};
	peer->peers = peers;
	peer->member = member;
	peer->tells = tells;
	peer->next = next;
	if (uplink_loop_add(peers->setup.loop, &peer->source, EPOLLIN))
		return peer;
	close(fd);
	g_free(peer);
	return next;
}

void uplink_peers_drop(UplinkPeers *peers, UplinkPeer *first)
{
	if (first)
		arm(peers);
	while (first) {
		UplinkPeer *peer = first;
		first = peer->next;
		if (peer->source.fd >= 0)
			bury(peer);
		peer->next = peers->dead;
		peers->dead = peer;
	}
}

/* To each of them. Return: how many were asked. */
static unsigned send_all(UplinkPeer *first, uint32_t number, const HomeQuestion *question)
{
	uint8_t message[sizeof(number) + DNS_QUESTION_MAX];
	unsigned sent = 0;

	memcpy(message, &number, sizeof(number));
	memcpy(message + sizeof(number), question->data, question->size);
	for (UplinkPeer *peer = first; peer; peer = peer->next)
		if (!peer->tells && peer->source.fd >= 0 &&
		    send(peer->source.fd, message, sizeof(number) + question->size,
			 MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
			sent++;
	return sent;
}

/* A free place, unless the client has its share already. */
static Asked *find_place(UplinkPeers *peers, uint32_t client)
{
	Asked *place = NULL;
	size_t n = 0;

	for (size_t i = 0; i < ASKS_MAX; i++) {
		Asked *asked = &peers->asked[i];
		if (!asked->number)
			place = place ? place : asked;
		else if (asked->question.client == client)
			n++;
	}
	return n < ASKS_OF_ONE ? place : NULL;
}

bool uplink_peers_ask(UplinkPeers *peers, UplinkPeer *first, const HomeQuestion *question,
		      const uint8_t *answer, size_t answer_size)
{
	Asked *asked = first ? find_place(peers, question->client) : NULL;

	if (!asked)
		return false;
	if (++peers->last_number == 0)
		peers->last_number = 1;
	unsigned sent = send_all(first, peers->last_number, question);
	if (sent == 0)
		return false;
	*asked = (Asked){
		.number = peers->last_number,
		.left = sent,
		.until_ms = uplink_loop_now(peers->setup.loop) + WAIT_MS,
		.question = *question,
		.answer = answer_size ? g_memdup2(answer, answer_size) : NULL,
		.answer_size = answer_size,
	};
	asked->question.data = g_memdup2(question->data, question->size);
	arm(peers);
	return true;
}
