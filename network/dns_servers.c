/* SPDX-License-Identifier: Apache-2.0 */
#include "network/dns_servers.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

#define KEYWORD "nameserver"
#define BLANKS  " \t\r"

/* Copy @size bytes as a string. Return: false if it does not fit. */
static bool copy(char *out, size_t room, const char *text, size_t size)
{
	if (size >= room)
		return false;
	memcpy(out, text, size);
	out[size] = '\0';
	return true;
}

/* "10.0.0.1", "fe80::1%eth0" */
static bool parse_server(const char *text, size_t size, DnsServer *out)
{
	const char *zone = memchr(text, '%', size);
	size_t length = zone ? (size_t)(zone - text) : size;
	char address[INET6_ADDRSTRLEN];

	*out = (DnsServer){.family = AF_INET};
	if (!copy(address, sizeof(address), text, length) ||
	    (zone && !copy(out->zone, sizeof(out->zone), zone + 1, size - length - 1)))
		return false;
	if (inet_pton(AF_INET, address, out->address) == 1)
		return true;
	out->family = AF_INET6;
	return inet_pton(AF_INET6, address, out->address) == 1;
}

/* One line; its end is at @size. */
static bool parse_line(const char *line, size_t size, DnsServer *out)
{
	const size_t keyword = sizeof(KEYWORD) - 1;

	if (size <= keyword || strncmp(line, KEYWORD, keyword) != 0 ||
	    !strchr(BLANKS, line[keyword]))
		return false;
	const char *at = line + keyword, *end = line + size;
	while (at < end && strchr(BLANKS, *at))
		at++;
	size_t length = 0;
	while (at + length < end && !strchr(BLANKS, at[length]))
		length++;
	return parse_server(at, length, out);
}

size_t dns_servers_parse(const char *text, DnsServer out[DNS_SERVERS_MAX])
{
	size_t n = 0;

	while (*text && n < DNS_SERVERS_MAX) {
		size_t size = strcspn(text, "\n");
		n += parse_line(text, size, &out[n]);
		text += size + (text[size] == '\n');
	}
	if (n == 0) {
		out[n] = (DnsServer){.family = AF_INET};
		(void)inet_pton(AF_INET, "127.0.0.1", out[n++].address);
	}
	return n;
}
