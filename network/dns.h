/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers for the names of a network's members. Pure: one question in, one answer out.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "network/subnet.h"

#define DNS_NAME_MAX     254  /* a name as text, with its end */
#define DNS_ADDRESS_MAX  1024 /* addresses in one answer */
#define DNS_ADDRESS6_MAX 512
#define DNS_QUESTION_MAX 4096 /* bytes of a question with its additional records */
#define DNS_PLAIN_MAX    512  /* of an answer that every resolver takes */
#define DNS_UDP_MAX      4096 /* to who says that he takes more (EDNS) */
#define DNS_TCP_MAX      65535

/* Response codes. */
enum {
	DNS_FORMAT_ERROR = 1,
	DNS_SERVER_FAILURE = 2,
	DNS_NAME_ERROR = 3,
	DNS_NOT_IMPLEMENTED = 4,
	DNS_REFUSED = 5,
	DNS_BAD_VERSION = 16, /* of EDNS */
};

/* Whom to ask about names. */
typedef struct {
	/* Addresses of what the member with the address @asker calls @name (lower case) into @out;
	 * how many. */
	size_t (*find)(void *data, uint32_t asker, const char *name, uint32_t *out, size_t room);
	/* A member's name, borrowed; NULL: no member has @address. */
	const char *(*reverse)(void *data, uint32_t address);
	void *data;
	uint32_t network, mask; /* addresses whose names nobody else can know */
	bool internal;          /* nobody else is to be asked about anything */
	/* The same for IPv6. NULL: no member has such an address. */
	size_t (*find6)(void *data, uint32_t asker, const char *name, struct in6_addr *out,
			size_t room);
	const char *(*reverse6)(void *data, const struct in6_addr *address);
	Subnet6 subnet6; /* prefix 0: none */
} DnsNames;

/**
 * dns_answer() - answer a question if it is ours to answer
 * @asker:	whose question it is: an address of the network; of others it has no links
 * @room:	DNS_TCP_MAX, or what fits a datagram; over UDP the questioner's own limit counts too
 * @answer:	room for @room bytes
 *
 * Ours are names of members with or without ".dns.podman", everything else below that, every other
 * name of a single label, and addresses of the network: none of them is for anybody else to hear.
 * What does not fit is left out and the answer says so (TC). A question that makes no sense is told
 * why.
 * Return: size of the answer; 0 if somebody else is to be asked; -1 if it is no question at all.
 */
int dns_answer(const DnsNames *names, uint32_t asker, const uint8_t *question, size_t size,
	       size_t room, uint8_t *answer);

/** dns_room() - how much of @room the one who asks takes. */
size_t dns_room(const uint8_t *question, size_t size, size_t room);

/** dns_fail() - an answer without records: @code, or 0 for "ask again over TCP". Takes at most
 * DNS_PLAIN_MAX bytes. Return: its size, 0 if @question is none. */
size_t dns_fail(const uint8_t *question, size_t size, int code, uint8_t *answer);

/**
 * dns_is_answer() - does an answer that came from outside belong to this question?
 *
 * It must bear the question's number and the question itself, letter by letter.
 */
bool dns_is_answer(const uint8_t *question, size_t size, const uint8_t *answer, size_t answer_size);

/** dns_code() - an answer's code; @answer has at least a header. */
int dns_code(const uint8_t *answer);
