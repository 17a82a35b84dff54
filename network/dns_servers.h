/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The servers that a resolv.conf names. Pure.
 */
#pragma once

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

#define DNS_SERVERS_MAX 3 /* resolvers read no more (MAXNS) */
#define DNS_ZONE_MAX    16

typedef struct {
	uint8_t family; /* AF_INET or AF_INET6 */
	uint8_t address[16];
	char zone[DNS_ZONE_MAX]; /* interface of a link-local address; "" else */
} DnsServer;

/** dns_servers_parse() - the first servers of a resolv.conf; of one without any, the host itself.
 * Return: how many. */
size_t dns_servers_parse(const char *text, DnsServer out[DNS_SERVERS_MAX]);
