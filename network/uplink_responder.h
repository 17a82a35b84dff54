/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The gateway's port 53: answers the names of members itself and asks for others. Over UDP it works
 * on frames; over TCP it listens in the bridge's netns, on an interface between which and the
 * bridge it carries the frames (netns_make_responder()).
 */
#pragma once

#include "network/home_frame.h"
#include "network/uplink_dns.h"

typedef struct UplinkResponder UplinkResponder;

typedef struct {
	UplinkLoop *loop;
	const HomeRules *rules;
	const DnsServer *servers; /* as for uplink_dns_new() */
	size_t n_servers;
	uint32_t mtu;
	int tap_fd;
	bool vnet_hdr;
	int listener_fd;
	/* A member's link address; NULL: nobody has @address. */
	const uint8_t *(*mac_of)(void *data, uint32_t address);
	/* The servers of a member's own; none: @servers are asked for it. */
	const DnsServer *(*servers_of)(void *data, uint32_t address, size_t *out_n);
	void *data;
} UplinkResponderSetup;

/** uplink_responder_new() - lives as long as the process. NULL with errno. */
UplinkResponder *uplink_responder_new(const UplinkResponderSetup *setup);
/** uplink_responder_set_servers() - other servers from now on. */
void uplink_responder_set_servers(UplinkResponder *responder, const DnsServer *servers,
				  size_t n_servers);
/** uplink_responder_room() - of an answer in one datagram. */
size_t uplink_responder_room(const UplinkResponder *responder);
/** uplink_responder_ask() - HOME_FRAME_ASK. */
void uplink_responder_ask(UplinkResponder *responder, const HomeQuestion *question);
/** uplink_responder_frame() - HOME_FRAME_RESPONDER. */
void uplink_responder_frame(UplinkResponder *responder, const uint8_t *frame, size_t size);
