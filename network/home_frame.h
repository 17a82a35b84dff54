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
	bool internal;
	DnsNames names;
} HomeRules;

typedef enum {
	HOME_FRAME_DROP,
	HOME_FRAME_PASS,      /* to libslirp */
	HOME_FRAME_ANSWER,    /* @answer goes back to the members */
	HOME_FRAME_ASK,       /* somebody else must be asked about the name */
	HOME_FRAME_RESPONDER, /* a question over TCP; the frame leads to the responder's interface
				 now */
} HomeVerdict;

#define HOME_HEADERS    (14 + 20 + 8) /* Ethernet, IP, UDP */
#define HOME_ANSWER_MAX (HOME_HEADERS + DNS_UDP_MAX)

/* The responder's link address in the bridge's netns. */
#define HOME_RESPONDER_MAC "\x0e\x5c\x00\x00\x00\x35"

/* A question over UDP that somebody else must answer. */
typedef struct {
	uint8_t headers[HOME_HEADERS]; /* of the answer's frame */
	uint32_t client;
	const uint8_t *data; /* borrowed from the frame */
	size_t size;
} HomeQuestion;

/**
 * home_frame_in() - a frame of a member's
 * @room:	of an answer over UDP, at most DNS_UDP_MAX
 * @question:	filled in for HOME_FRAME_ASK
 *
 * Only ARP, IPv4 and, if the network has it, IPv6. What goes to the gateway's port 53 is a question
 * of names. Nothing else that is addressed to the network comes through, and of an internal network
 * nothing at all.
 */
HomeVerdict home_frame_in(const HomeRules *rules, uint8_t *frame, size_t size, size_t room,
			  uint8_t answer[HOME_ANSWER_MAX], size_t *out_size,
			  HomeQuestion *question);

/** home_frame_wrap() - make a frame of the @size bytes of an answer behind HOME_HEADERS bytes of
 * room for @headers. Return: its size. */
size_t home_frame_wrap(const uint8_t headers[HOME_HEADERS], uint8_t *frame, size_t size);

/** home_frame_target() - whom an IPv4 frame is for. Return: false if it is none. */
bool home_frame_target(const uint8_t *frame, size_t size, uint32_t *out_address);

/** home_frame6_in() - the same for IPv6: what looks for the gateway, pings it, or leaves the
 * network. Nobody asks libslirp for a router. */
HomeVerdict home_frame6_in(const HomeRules *rules, const uint8_t *frame, size_t size);
