/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers for the names of a network's members. Pure: one question in, one answer out.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DNS_NAME_MAX    254 /* a name as text, with its end */
#define DNS_ADDRESS_MAX 16  /* addresses in one answer */
#define DNS_ANSWER_MAX  512 /* what every resolver takes without EDNS */

/* Whom to ask about names. */
typedef struct {
	/* Addresses of @name (lower case) into @out; how many. */
	size_t (*find)(void *data, const char *name, uint32_t *out, size_t room);
	/* A member's name, borrowed; NULL: no member has @address. */
	const char *(*reverse)(void *data, uint32_t address);
	void *data;
	uint32_t network, mask; /* addresses whose names nobody else can know */
	bool internal;          /* nobody else is to be asked about anything */
} DnsNames;

/**
 * dns_answer() - answer a question if it is ours to answer
 * @answer:	room for DNS_ANSWER_MAX bytes
 *
 * Ours are names of members with or without ".dns.podman", everything else below that, and
 * addresses of the network.
 * Return: size of the answer; 0 if somebody else is to be asked; -1 if the question makes no sense.
 */
int dns_answer(const DnsNames *names, const uint8_t *question, size_t size, uint8_t *answer);
