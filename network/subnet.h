/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Subnets, addresses and MAC addresses of named networks, as text and as numbers. Pure.
 */
#pragma once

#include <glib.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

/* Addresses are numbers in host order. */
typedef struct {
	uint32_t network; /* without host bits */
	unsigned prefix;
} Subnet;

typedef struct {
	struct in6_addr network; /* without host bits */
	unsigned prefix;         /* 0: there is none */
} Subnet6;

/** subnet_parse() - "10.89.0.0/24"; host bits are cleared. INVALID in podman's words. */
bool subnet_parse(const char *text, Subnet *out_subnet, GError **error);
/** subnet_format() - the same as text. g_free() it. */
char *subnet_format(const Subnet *subnet);
/** subnet_contains() - is the address one of the subnet's? */
bool subnet_contains(const Subnet *subnet, uint32_t address);
/** subnet_overlaps() - do two subnets share an address? */
bool subnet_overlaps(const Subnet *a, const Subnet *b);
/** subnet_first() and subnet_last() - its first and last address for a host. */
uint32_t subnet_first(const Subnet *subnet);
uint32_t subnet_last(const Subnet *subnet);

/** address4_parse() - "10.89.0.2". Return: false if it is none. */
bool address4_parse(const char *text, uint32_t *out_address);
/** address4_format() - g_free() it. */
char *address4_format(uint32_t address);

/** subnet6_parse() - "fd01::/64"; host bits are cleared. INVALID in podman's words. */
bool subnet6_parse(const char *text, Subnet6 *out_subnet, GError **error);
/** subnet6_format() - g_free() it. */
char *subnet6_format(const Subnet6 *subnet);
bool subnet6_contains(const Subnet6 *subnet, const struct in6_addr *address);
bool subnet6_overlaps(const Subnet6 *a, const Subnet6 *b);
/** subnet6_first() and subnet6_last() - its first and last address for a host. */
struct in6_addr subnet6_first(const Subnet6 *subnet);
struct in6_addr subnet6_last(const Subnet6 *subnet);

/** address6_parse() - "fd01::2". Return: false if it is none. */
bool address6_parse(const char *text, struct in6_addr *out_address);
/** address6_format() - g_free() it. */
char *address6_format(const struct in6_addr *address);
/** address6_compare() - as memcmp(). */
int address6_compare(const struct in6_addr *a, const struct in6_addr *b);
/** address6_next() - the address behind it. */
struct in6_addr address6_next(const struct in6_addr *address);
/** address6_is_any() - is it "::", which stands for none? */
bool address6_is_any(const struct in6_addr *address);

/** mac_parse() - "02:42:ac:11:00:02" of one station. Return: false if it is none. */
bool mac_parse(const char *text, uint8_t out_mac[6]);
/** mac_format() - g_free() it. */
char *mac_format(const uint8_t mac[6]);
