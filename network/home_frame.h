/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The frames between a network's members and its gateway. Pure but for the names that are asked
 * for.
 */
#pragma once

#include "network/dns.h"
#include "network/subnet.h"

/* What must be known of the network. Addresses are numbers in host order. */
typedef struct {
	uint32_t network, mask, gateway;
	Subnet6 subnet6; /* prefix 0: no IPv6 */
	struct in6_addr gateway6;
	bool internal, dns;
	DnsNames names;
} HomeRules;

typedef enum {
	HOME_FRAME_DROP,
	HOME_FRAME_PASS,   /* to libslirp */
	HOME_FRAME_ANSWER, /* @answer goes back to the members */
} HomeVerdict;

#define HOME_ANSWER_MAX (14 + 20 + 8 + DNS_ANSWER_MAX)

/**
 * home_frame_in() - a frame of a member's
 *
 * Only ARP, IPv4 and, if the network has it, IPv6. To the gateway's port 53: answered, or changed
 * in place to lead to libslirp's resolver, which is at the address that no host has, the network's
 * own. Nothing else that is addressed to the network comes through, and of an internal network
 * nothing at all.
 */
HomeVerdict home_frame_in(const HomeRules *rules, uint8_t *frame, size_t size,
			  uint8_t answer[HOME_ANSWER_MAX], size_t *out_size);

/** home_frame6_in() - the same for IPv6: what looks for the gateway, pings it, or leaves the
 * network. Nobody asks libslirp for a router. */
HomeVerdict home_frame6_in(const HomeRules *rules, const uint8_t *frame, size_t size);

/** home_frame_is_resolver() - does libslirp's resolver say this? */
bool home_frame_is_resolver(const HomeRules *rules, const uint8_t *frame, size_t size);
/** home_frame_out() - let it come from the gateway, whom the member had asked. */
void home_frame_out(const HomeRules *rules, uint8_t *frame, size_t size);
