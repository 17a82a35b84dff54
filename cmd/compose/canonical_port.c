/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ports: [[IP:]HOST:]CONTAINER[/PROTOCOL], single or ranges, to a map for each port.
 */
#include <arpa/inet.h>
#include <string.h>

#include "cmd/compose/canonical.h"
#include "libpod/base/units.h"

typedef struct {
	char *ip;   /* "" without */
	char *host; /* "" without */
	char *container;
	char *protocol;
	unsigned first, last;           /* of the container */
	unsigned host_first, host_last; /* 0: none */
} PortText;

static void port_text_clear(PortText *port)
{
	g_free(port->ip);
	g_free(port->host);
	g_free(port->container);
	g_free(port->protocol);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(PortText, port_text_clear)

/* "80" or "80-90". */
static bool parse_range(const char *text, unsigned *first, unsigned *last)
{
	uint64_t from = 0, to = 0;
	g_auto(GStrv) parts = g_strsplit(text, "-", 2);
	if (!parts[0] || !units_parse_uint(parts[0], 65535, &from, NULL))
		return false;
	to = from;
	if (parts[1] && !units_parse_uint(parts[1], 65535, &to, NULL))
		return false;
	*first = (unsigned)from;
	*last = (unsigned)to;
	return to >= from;
}

/* Take the address, with or without brackets, off the front. */
static bool take_ip(PortText *port, const char *text, size_t n)
{
	unsigned char address[sizeof(struct in6_addr)];
	if (n >= 2 && text[0] == '[' && text[n - 1] == ']') {
		text++;
		n -= 2;
	}
	g_free(port->ip);
	port->ip = g_strndup(text, n);
	return n == 0 || inet_pton(AF_INET, port->ip, address) == 1 ||
	       inet_pton(AF_INET6, port->ip, address) == 1;
}

/* Cut the text at its colons, from the end: addresses may hold some. */
static bool cut(const char *text, PortText *port, const Node *value, GError **error)
{
	const char *slash = strchr(text, '/');
	g_autofree char *ports = slash ? g_strndup(text, (size_t)(slash - text)) : g_strdup(text);
	port->protocol = g_ascii_strdown(slash ? slash + 1 : "tcp", -1);
	port->ip = g_strdup("");
	char *container = strrchr(ports, ':');
	port->container = g_strdup(container ? container + 1 : ports);
	if (!container) {
		port->host = g_strdup("");
		return true;
	}
	*container = '\0';
	char *host = strrchr(ports, ':');
	port->host = g_strdup(host ? host + 1 : ports);
	if (host && !take_ip(port, ports, (size_t)(host - ports)))
		return place_error(error, value->at, "Invalid ip address: %s", port->ip);
	return true;
}

static bool check(PortText *port, const Node *value, GError **error)
{
	static const char *const protocols[] = {"tcp", "udp", "sctp", NULL};
	if (!*port->container)
		return place_error(error, value->at, "no port specified: %s<empty>", value->text);
	if (!parse_range(port->container, &port->first, &port->last))
		return place_error(error, value->at, "Invalid containerPort: %s", port->container);
	if (*port->host && !parse_range(port->host, &port->host_first, &port->host_last))
		return place_error(error, value->at, "Invalid hostPort: %s", port->host);
	if (!g_strv_contains(protocols, port->protocol))
		return place_error(error, value->at, "Invalid proto: %s", port->protocol);
	unsigned hosts = port->host_last - port->host_first, inside = port->last - port->first;
	if (*port->host && hosts != inside && inside != 0)
		return place_error(error, value->at,
				   "Invalid ranges specified for container and host Ports: %s and "
				   "%s",
				   port->container, port->host);
	return true;
}

/* The map of the @i-th port of a text. */
static Node *make_port(const PortText *port, unsigned i, Place at)
{
	Node *map = node_new(NODE_MAP, at);
	node_set_text(map, "mode", "ingress");
	if (*port->ip)
		node_set_text(map, "host_ip", port->ip);
	node_set(map, "target", at, node_new_int(port->first + i, at));
	if (*port->host) {
		bool pick = port->first == port->last && port->host_first != port->host_last;
		g_autofree char *published =
			pick ? g_strdup(port->host) : g_strdup_printf("%u", port->host_first + i);
		node_set_text(map, "published", published);
	}
	node_set_text(map, "protocol", port->protocol);
	return map;
}

static bool append_ports(Node *list, const Node *value, GError **error)
{
	g_auto(PortText) port = {0};
	if (!cut(value->text, &port, value, error) || !check(&port, value, error))
		return false;
	for (unsigned i = 0; i <= port.last - port.first; i++)
		node_append(list, make_port(&port, i, value->at));
	return true;
}

/* Fill in what a long form leaves unsaid. */
static bool append_long(Node *list, const Node *value, const char *path, GError **error)
{
	unsigned char address[sizeof(struct in6_addr)];
	Node *map = node_copy(value);
	node_append(list, map);
	if (!node_get(map, "mode"))
		node_set_text(map, "mode", "ingress");
	if (!node_get(map, "protocol"))
		node_set_text(map, "protocol", "tcp");
	const char *ip = node_string(map, "host_ip");
	if (ip && *ip && inet_pton(AF_INET, ip, address) != 1 &&
	    inet_pton(AF_INET6, ip, address) != 1)
		return place_error(error, value->at, "%s: invalid host_ip: '%s'", path, ip);
	if (!node_get(map, "target"))
		return place_error(error, value->at, "%s: target is required", path);
	return true;
}

bool canonical_ports(Node *value, const char *path, GError **error)
{
	if (value->kind != NODE_LIST)
		return true;
	g_autoptr(Node) list = node_new(NODE_LIST, value->at);
	for (size_t i = 0; i < node_count(value); i++) {
		Node *item = node_item(value, i);
		if (item->tag == NODE_TAG_RESET)
			continue;
		if (item->kind == NODE_INT) {
			item->kind = NODE_STRING;
			item->text = g_strdup_printf("%" G_GINT64_FORMAT, item->integer);
		}
		g_autofree char *inner = g_strdup_printf("%s[%zu]", path, i);
		if (item->tag == NODE_TAG_TEMPLATE) {
			node_append(list, node_copy(item));
			continue;
		}
		bool ok = item->kind == NODE_STRING ? append_ports(list, item, error)
			  : item->kind == NODE_MAP  ? append_long(list, item, inner, error)
						    : place_error(error, item->at,
								  "%s must be a string, a number "
								   "or a mapping",
								  inner);
		if (!ok)
			return false;
	}
	GPtrArray *old = value->items;
	value->items = g_steal_pointer(&list->items);
	list->items = old;
	return true;
}
