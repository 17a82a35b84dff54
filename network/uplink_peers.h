/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names across networks for who is on several of them.
 *
 * A container asks one gateway. What its home does not know it asks the homes of the container's
 * other networks, through sockets that the container's monitor made: each carries one member's
 * questions one way. Members that are on one network only are never asked for and never told.
 */
#pragma once

#include "network/uplink_responder.h"

typedef struct UplinkPeers UplinkPeers;
/* One end of such a socket; belongs to a member. */
typedef struct UplinkPeer UplinkPeer;

typedef struct {
	UplinkLoop *loop;
	const DnsNames *names;
	UplinkResponder *responder;
} UplinkPeersSetup;

/** uplink_peers_new() - lives as long as the process. */
UplinkPeers *uplink_peers_new(const UplinkPeersSetup *setup);

/**
 * uplink_peers_add() - take over one end
 * @member:	its address here
 * @tells:	questions come from there; else they go there
 * @next:	the member's others; the new one is in front of them
 *
 * Return: the member's ends, as uplink_peers_drop() takes them.
 */
UplinkPeer *uplink_peers_add(UplinkPeers *peers, uint32_t member, int fd, bool tells,
			     UplinkPeer *next);
/** uplink_peers_drop() - with the member. */
void uplink_peers_drop(UplinkPeers *peers, UplinkPeer *first);

/**
 * uplink_peers_ask() - ask a member's other homes, and do what we would have done if none knows
 * @first:	the member's ends
 * @answer:	the frame that is sent then; @answer_size 0: somebody else is to be asked then
 *
 * Return: false if there is nobody to ask.
 */
bool uplink_peers_ask(UplinkPeers *peers, UplinkPeer *first, const HomeQuestion *question,
		      const uint8_t *answer, size_t answer_size);
