/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which port of a range a container publishes.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cmd/compose/compose_spec.h"
#include "cmd/compose/service_words.h"
#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/units.h"
#include "network/network.h"

typedef struct {
	uint64_t first, last;
	uint16_t target;
	PortProtocol protocol;
	const char *ip; /* NULL: all */
} Wish;

static bool read_wish(const ComposeSpec *make, const Node *port, Wish *wish, GError **error)
{
	g_auto(GStrv) parts = g_strsplit(node_string(port, "published"), "-", 2);
	*wish = (Wish){
		.target = (uint16_t)node_get(port, "target")->integer,
		.protocol = strcmp(service_port_protocol(port), "udp") == 0 ? PORT_UDP : PORT_TCP,
		.ip = node_string(port, "host_ip"),
	};
	return (units_parse_uint(parts[0], 65535, &wish->first, NULL) &&
		units_parse_uint(parts[1], 65535, &wish->last, NULL) && wish->first > 0 &&
		wish->first <= wish->last) ||
	       place_error(error, port->at, "services.%s.ports: \"%s\" is no range of ports",
			   make->name, node_string(port, "published"));
}

/* Does one of the container's mappings take @number of the host? */
static bool takes(const ContainerSummary *s, const Wish *wish, uint64_t number)
{
	for (guint i = 0; s->ports && i < s->ports->len; i++) {
		const PortMapping *mapping = s->ports->pdata[i];
		if (mapping->protocol == wish->protocol && mapping->host_port <= number &&
		    number < (uint64_t)mapping->host_port + mapping->count)
			return true;
	}
	return false;
}

/* The port that the predecessor has for the same target; 0: none. */
static uint16_t inherited(const ComposeSpec *make, const Wish *wish)
{
	const ContainerSummary *s = make->old ? container_summary(make->old) : NULL;
	for (guint i = 0; s && s->ports && i < s->ports->len; i++) {
		const PortMapping *mapping = s->ports->pdata[i];
		if (mapping->protocol == wish->protocol &&
		    mapping->container_port == wish->target && mapping->count == 1 &&
		    mapping->host_port >= wish->first && mapping->host_port <= wish->last)
			return mapping->host_port;
	}
	return 0;
}

/* Can a program listen there? An address that we cannot read is the engine's to judge. */
static bool is_free(const Wish *wish, uint16_t number)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(number)};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(number)};
	bool six = wish->ip && strchr(wish->ip, ':');
	int type = wish->protocol == PORT_UDP ? SOCK_DGRAM : SOCK_STREAM, on = 1;
	if (wish->ip && inet_pton(six ? AF_INET6 : AF_INET, wish->ip,
				  six ? (void *)&v6.sin6_addr : (void *)&v4.sin_addr) != 1)
		return true;
	autofd fd = socket(six ? AF_INET6 : AF_INET, type | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return true;
	if (type == SOCK_STREAM)
		(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	return (six ? bind(fd, (struct sockaddr *)&v6, sizeof v6)
		    : bind(fd, (struct sockaddr *)&v4, sizeof v4)) == 0;
}

char *compose_spec_choose_port(const ComposeSpec *make, const Node *port, GError **error)
{
	Wish wish;
	if (!read_wish(make, port, &wish, error))
		return NULL;
	uint16_t old = inherited(make, &wish);
	if (old)
		return g_strdup_printf("%u", old);
	g_autoptr(GPtrArray) all = containers_list(make->engine, error);
	if (!all)
		return NULL;
	for (uint64_t number = wish.first; number <= wish.last; number++) {
		bool taken = false;
		for (guint i = 0; !taken && i < all->len; i++)
			taken = takes(container_summary(all->pdata[i]), &wish, number);
		if (!taken && is_free(&wish, (uint16_t)number))
			return g_strdup_printf("%u", (unsigned)number);
	}
	place_error(error, port->at, "services.%s.ports: no port of %s is free", make->name,
		    node_string(port, "published"));
	return NULL;
}
