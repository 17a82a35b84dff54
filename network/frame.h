/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a container may hand to the user-mode network: a filter over its Ethernet frames. Pure.
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the filter must know of the network. */
typedef struct {
	bool allow_host_loopback;
	bool ipv6;
	struct in_addr gateway, dns;
	struct in6_addr gateway6, dns6;
} FrameRules;

/**
 * frame_is_allowed() - may this frame go to libslirp?
 *
 * Only ARP, IPv4 and (if on) IPv6. Nothing whose destination would be the host's loopback when
 * libslirp connects to it; the resolver's address leads to port 53 alone, because behind it is
 * whatever host the resolver runs on, often our own; none of libslirp's own services (DHCP, TFTP,
 * DHCPv6); no fragment, which libslirp cannot be trusted with.
 */
bool frame_is_allowed(const FrameRules *rules, const uint8_t *frame, size_t size);

#define FRAME_ACK_MAX 74 /* bytes of the longest pure ACK: Ethernet, IPv6, TCP */

/** frame_is_pure_ack() - a TCP segment that acknowledges and does nothing else, without options. */
bool frame_is_pure_ack(const uint8_t *frame, size_t size);

/**
 * frame_supersedes() - does the pure ACK @newer say all that the pure ACK @older said?
 *
 * It does if it is of the same connection and acknowledges something else: repeated ACKs ask for a
 * retransmission by their number.
 */
bool frame_supersedes(const uint8_t *newer, size_t newer_size, const uint8_t *older,
		      size_t older_size);

/**
 * frame_checksum() - complete a checksum that the kernel left to its network card
 * @start:	offset in the frame from which on it is summed, @offset that of the field behind
 * @start
 *
 * Return: false if the offsets do not fit the frame.
 */
bool frame_checksum(uint8_t *frame, size_t size, size_t start, size_t offset);
