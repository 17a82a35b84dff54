/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The grammar of -p and EXPOSE, conflicts between mappings, and the PORTS column.
 */
#include "network/portmap.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "libpod/base/error.h"

G_DEFINE_AUTOPTR_CLEANUP_FUNC(PortMapping, port_mapping_free)

/* Text between double quotes for an error message, control characters escaped. */
static char *quoted(const char *text)
{
	char keep[129];

	for (size_t i = 0; i < 128; i++)
		keep[i] = (char)(0x80 + i);
	keep[128] = '\0';
	g_autofree char *escaped = g_strescape(text, keep);
	return g_strdup_printf("\"%s\"", escaped);
}

/* One port number; the messages are those of Go's strconv, which users of podman know. */
static bool parse_port(const char *text, uint16_t *out_port, GError **error)
{
	const char *digits = *text == '+' ? text + 1 : text;

	if (!*digits || strspn(digits, "0123456789") != strlen(digits)) {
		g_autofree char *shown = quoted(text);
		return error_set(error, ENGINE_ERROR_INVALID,
				 "invalid port number: strconv.Atoi: parsing %s: invalid syntax",
				 shown);
	}
	errno = 0;
	long long number = g_ascii_strtoll(digits, NULL, 10);
	if (errno == ERANGE) {
		g_autofree char *shown = quoted(text);
		return error_set(
			error, ENGINE_ERROR_INVALID,
			"invalid port number: strconv.Atoi: parsing %s: value out of range", shown);
	}
	if (number < 1 || number > 65535)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "port numbers must be between 1 and 65535 (inclusive), got %lld",
				 number);
	*out_port = (uint16_t)number;
	return true;
}

/* "8000" or "8000-8010" to a first port and a length. */
static bool parse_range(const char *text, uint16_t *out_first, uint16_t *out_count, GError **error)
{
	g_auto(GStrv) parts = g_strsplit(text, "-", -1);
	uint16_t first = 0, last = 0;

	if (g_strv_length(parts) > 2)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "invalid port format - port ranges are formatted as "
				 "startPort-stopPort");
	if (!parts[0] || !*parts[0])
		return error_set(error, ENGINE_ERROR_INVALID, "port numbers cannot be negative");
	if (!parse_port(parts[0], &first, error))
		return false;
	*out_first = first;
	*out_count = 1;
	if (!parts[1])
		return true;

	if (!*parts[1])
		return error_set(error, ENGINE_ERROR_INVALID,
				 "must provide ending number for port range");
	if (!parse_port(parts[1], &last, error))
		return false;
	if (last <= first)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "the end port of a range must be higher than the start port - "
				 "%u is not higher than %u",
				 last, first);
	*out_count = (uint16_t)(last - first + 1);
	return true;
}

/* "tcp" or "udp"; NULL means tcp. */
static bool parse_protocol(const char *text, PortProtocol *out_protocol, GError **error)
{
	if (!text || strcmp(text, "tcp") == 0) {
		*out_protocol = PORT_TCP;
		return true;
	}
	if (strcmp(text, "udp") == 0) {
		*out_protocol = PORT_UDP;
		return true;
	}
	if (!*text)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "must provide a non-empty protocol to publish");
	if (strcmp(text, "sctp") == 0)
		return error_set(error, ENGINE_ERROR_UNSUPPORTED,
				 "publishing sctp ports is not supported\n"
				 "help: use --network host for a server that speaks sctp");
	g_autofree char *shown = quoted(text);
	return error_set(error, ENGINE_ERROR_INVALID, "unrecognized protocol %s in port mapping",
			 shown);
}

/* A host address in its canonical form; 0.0.0.0 means all addresses, as it does for docker. */
static bool parse_host_ip(const char *text, char **out_ip, GError **error)
{
	struct in6_addr v6;
	struct in_addr v4;
	char buffer[INET6_ADDRSTRLEN];

	if (!*text)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "must provide a non-empty container host IP to publish");
	if (inet_pton(AF_INET, text, &v4) == 1) {
		*out_ip = v4.s_addr ? g_strdup(text) : NULL;
		return true;
	}
	if (inet_pton(AF_INET6, text, &v6) == 1) {
		if (IN6_IS_ADDR_V4MAPPED(&v6))
			inet_ntop(AF_INET, &v6.s6_addr[12], buffer, sizeof(buffer));
		else
			inet_ntop(AF_INET6, &v6, buffer, sizeof(buffer));
		*out_ip = g_strdup(buffer);
		return true;
	}
	g_autofree char *shown = quoted(text);
	return error_set(error, ENGINE_ERROR_INVALID, "cannot parse %s as an IP address", shown);
}

/* The parts of one -p value, borrowed from the text they were cut from; NULL if not given. */
typedef struct {
	const char *host_ip;
	const char *host_port;
	const char *container_port;
	const char *protocol;
} Parts;

/* Cut "[v6]" off the front. Return: what follows, NULL with an error. */
static char *cut_bracketed(char *text, Parts *parts, GError **error)
{
	char *bracket = strchr(text, ']');

	if (!bracket)
		return text;
	if (strchr(bracket + 1, ']'))
		return error_set_null(error, ENGINE_ERROR_INVALID,
				      "invalid port format - at most one IPv6 address can be "
				      "specified in a --publish");
	if (*text != '[')
		return error_set_null(error, ENGINE_ERROR_INVALID,
				      "invalid port format - IPv6 addresses must be enclosed by "
				      "[]");
	if (bracket[1] != ':')
		return error_set_null(error, ENGINE_ERROR_INVALID,
				      "invalid port format - IPv6 address must be followed by a "
				      "colon (':')");
	*bracket = '\0';
	parts->host_ip = text + 1;
	return bracket + 2;
}

/* Cut the text at its colons and its slash. */
static bool cut_parts(char *text, Parts *parts, GError **error)
{
	char *slash = strchr(text, '/');
	if (slash) {
		if (strchr(slash + 1, '/'))
			return error_set(error, ENGINE_ERROR_INVALID,
					 "invalid port format - protocol can only be specified "
					 "once");
		*slash = '\0';
		parts->protocol = slash + 1;
	}

	char *rest = cut_bracketed(text, parts, error);
	if (!rest)
		return false;
	char *first = strchr(rest, ':');
	char *second = first ? strchr(first + 1, ':') : NULL;
	if (!first && parts->host_ip)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "invalid port format - must provide host and destination port if "
				 "specifying an IP");
	if (second && parts->host_ip)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "invalid port format - when v6 address specified, must be "
				 "[ipv6]:hostPort:ctrPort");
	if (second && strchr(second + 1, ':'))
		return error_set(error, ENGINE_ERROR_INVALID,
				 "invalid port format - format is "
				 "[[hostIP:]hostPort:]containerPort");
	if (first)
		*first = '\0';
	if (second) {
		*second = '\0';
		parts->host_ip = rest;
		parts->host_port = first + 1;
		parts->container_port = second + 1;
	} else if (first) {
		parts->host_port = rest;
		parts->container_port = first + 1;
	} else {
		parts->container_port = rest;
	}
	return true;
}

/* The range on the host, which must be as long as the container's. */
static bool parse_host_range(const char *text, PortMapping *mapping, GError **error)
{
	uint16_t count = 0;

	if (!text || !*text)
		return true;
	if (!parse_range(text, &mapping->host_port, &count, error)) {
		g_prefix_error(error, "parsing host port: ");
		return false;
	}
	if (count != mapping->count)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "host and container port ranges have different lengths: %u vs %u",
				 count, mapping->count);
	return true;
}

PortMapping *portmap_parse(const char *text, GError **error)
{
	g_autoptr(PortMapping) mapping = g_new0(PortMapping, 1);
	g_autofree char *copy = g_strdup(text);
	Parts parts = {0};

	if (!cut_parts(copy, &parts, error))
		return NULL;
	if (!*parts.container_port)
		return error_set_null(error, ENGINE_ERROR_INVALID,
				      "must provide a non-empty container port to publish");
	if (!parse_range(parts.container_port, &mapping->container_port, &mapping->count, error)) {
		g_prefix_error(error, "parsing container port: ");
		return NULL;
	}
	if (!parse_protocol(parts.protocol, &mapping->protocol, error) ||
	    (parts.host_ip && !parse_host_ip(parts.host_ip, &mapping->host_ip, error)) ||
	    !parse_host_range(parts.host_port, mapping, error))
		return NULL;
	return g_steal_pointer(&mapping);
}

PortMapping *portmap_parse_expose(const char *text, GError **error)
{
	g_autoptr(PortMapping) mapping = g_new0(PortMapping, 1);
	g_auto(GStrv) parts = g_strsplit(text, "/", -1);

	if (g_strv_length(parts) > 2)
		return error_set_null(error, ENGINE_ERROR_INVALID,
				      "invalid expose format - protocol can only be specified "
				      "once");
	if (!parse_range(parts[0] ? parts[0] : "", &mapping->container_port, &mapping->count,
			 error) ||
	    !parse_protocol(parts[0] ? parts[1] : NULL, &mapping->protocol, error))
		return NULL;
	return g_steal_pointer(&mapping);
}

/* Would the two want the same host address? */
static bool same_host_address(const PortMapping *a, const PortMapping *b)
{
	if (!a->host_ip || !b->host_ip)
		return true;
	if (strcmp(a->host_ip, b->host_ip) == 0)
		return true;
	bool a_v6 = strchr(a->host_ip, ':'), b_v6 = strchr(b->host_ip, ':');
	return a_v6 && b_v6 && (strcmp(a->host_ip, "::") == 0 || strcmp(b->host_ip, "::") == 0);
}

bool port_mapping_equal(const PortMapping *a, const PortMapping *b)
{
	return g_strcmp0(a->host_ip, b->host_ip) == 0 && a->host_port == b->host_port &&
	       a->container_port == b->container_port && a->count == b->count &&
	       a->protocol == b->protocol;
}

/* The first host port that both claim, 0 if they can live together. */
static uint16_t conflict(const PortMapping *a, const PortMapping *b)
{
	if (a->protocol != b->protocol || !a->host_port || !b->host_port ||
	    port_mapping_equal(a, b) || !same_host_address(a, b))
		return 0;
	uint32_t first = MAX(a->host_port, b->host_port);
	uint32_t end = MIN((uint32_t)a->host_port + a->count, (uint32_t)b->host_port + b->count);
	return first < end ? (uint16_t)first : 0;
}

bool portmap_check(const GPtrArray *ports, GError **error)
{
	for (size_t i = 0; i < ports->len; i++) {
		const PortMapping *a = g_ptr_array_index(ports, i);

		if (a->count == 0 || a->container_port + a->count > 65536 ||
		    a->host_port + a->count > 65536)
			return error_set(error, ENGINE_ERROR_INVALID,
					 "port range of %u ports from %u runs past 65535", a->count,
					 MAX(a->host_port, a->container_port));
		for (size_t j = 0; j < i; j++) {
			uint16_t port = conflict(g_ptr_array_index(ports, j), a);
			if (port)
				return error_set(error, ENGINE_ERROR_INVALID,
						 "conflicting port mappings for host port %u "
						 "(protocol %s)",
						 port, a->protocol == PORT_UDP ? "udp" : "tcp");
		}
	}
	return true;
}

/* Order of the PORTS column: protocol, address, container port, host port. */
static gint compare_mappings(gconstpointer left, gconstpointer right)
{
	const PortMapping *a = *(PortMapping *const *)left, *b = *(PortMapping *const *)right;

	if (a->protocol != b->protocol)
		return a->protocol < b->protocol ? -1 : 1;
	int address = g_strcmp0(a->host_ip, b->host_ip);
	if (address)
		return address;
	if (a->container_port != b->container_port)
		return a->container_port < b->container_port ? -1 : 1;
	return (a->host_port > b->host_port) - (a->host_port < b->host_port);
}

/* Is @next the continuation of @row, so that both print as one range? */
static bool continues(const PortMapping *row, const PortMapping *next)
{
	return row->protocol == next->protocol && g_strcmp0(row->host_ip, next->host_ip) == 0 &&
	       row->host_port && row->host_port + row->count == next->host_port &&
	       row->container_port + row->count == next->container_port;
}

/* One "0.0.0.0:8000-8002->80-82/tcp"; a mapping without host port prints its container's side. */
static void append_row(GString *text, const PortMapping *row)
{
	const char *ip = row->host_ip ? row->host_ip : "0.0.0.0";
	const char *protocol = row->protocol == PORT_UDP ? "udp" : "tcp";

	if (text->len)
		g_string_append(text, ", ");
	if (row->host_port) {
		g_string_append_printf(text, strchr(ip, ':') ? "[%s]:%u" : "%s:%u", ip,
				       row->host_port);
		if (row->count > 1)
			g_string_append_printf(text, "-%u", row->host_port + row->count - 1);
		g_string_append(text, "->");
	}
	g_string_append_printf(text, "%u", row->container_port);
	if (row->count > 1)
		g_string_append_printf(text, "-%u", row->container_port + row->count - 1);
	g_string_append_printf(text, "/%s", protocol);
}

char *portmap_format(const GPtrArray *ports)
{
	g_autoptr(GPtrArray) sorted = g_ptr_array_new();
	GString *text = g_string_new(NULL);

	for (size_t i = 0; i < ports->len; i++)
		g_ptr_array_add(sorted, g_ptr_array_index(ports, i));
	g_ptr_array_sort(sorted, compare_mappings);
	for (size_t i = 0; i < sorted->len;) {
		const PortMapping *first = g_ptr_array_index(sorted, i);
		PortMapping row = *first;

		for (i++; i < sorted->len; i++) {
			const PortMapping *next = g_ptr_array_index(sorted, i);
			if (continues(&row, next))
				row.count = (uint16_t)(row.count + next->count);
			else if (!port_mapping_equal(first, next))
				break;
		}
		append_row(text, &row);
	}
	return g_string_free(text, FALSE);
}
