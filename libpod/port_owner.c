/* SPDX-License-Identifier: Apache-2.0 */
#include "libpod/port_owner.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "libpod/base/error.h"
#include "libpod/container.h"
#include "network/uplink.h"

#define HELP "\nhelp: the port is held by "

/* "rootlessport listen tcp 0.0.0.0:80: bind: ...". Return: is it that? */
static bool parse_failure(const char *text, PortProtocol *protocol, uint16_t *port)
{
	static const char *const starts[] = {
		[PORT_TCP] = "rootlessport listen tcp ",
		[PORT_UDP] = "rootlessport listen udp ",
	};

	for (size_t i = 0; i < G_N_ELEMENTS(starts); i++) {
		const char *at = strstr(text, starts[i]);
		const char *end = at ? strstr(at, ": bind: ") : NULL;
		if (!end)
			continue;
		while (end > at && g_ascii_isdigit(end[-1]))
			end--;
		*protocol = (PortProtocol)i;
		*port = (uint16_t)strtoul(end, NULL, 10);
		return *port != 0;
	}
	return false;
}

/* Has the container the port, as it runs? */
static bool holds(const ContainerSummary *s, PortProtocol protocol, uint16_t port)
{
	if (s->state != CONTAINER_RUNNING && s->state != CONTAINER_PAUSED)
		return false;
	for (guint i = 0; s->ports && i < s->ports->len; i++) {
		const PortMapping *one = s->ports->pdata[i];
		if (one->protocol == protocol && port >= one->host_port &&
		    port - one->host_port < one->count)
			return true;
	}
	return false;
}

/* "container web"; NULL if it is none of ours. */
static char *find_container(Engine *engine, PortProtocol protocol, uint16_t port)
{
	g_autoptr(GPtrArray) list = containers_list(engine, NULL);

	for (guint i = 0; list && i < list->len; i++) {
		const ContainerSummary *s = container_summary(list->pdata[i]);
		if (holds(s, protocol, port))
			return g_strdup_printf("container %s", s->name);
	}
	return NULL;
}

void port_owner_explain(Engine *engine, GError **error)
{
	PortProtocol protocol;
	char owner[128];
	uint16_t port;

	if (!error || !error_matches(*error, ENGINE_ERROR_IN_USE) ||
	    !parse_failure((*error)->message, &protocol, &port))
		return;
	g_autofree char *name = find_container(engine, protocol, port);
	if (!name && uplink_find_owner(protocol == PORT_UDP ? IPPROTO_UDP : IPPROTO_TCP, port,
				       owner, sizeof(owner)))
		name = g_strdup(owner);
	char *help = strstr((*error)->message, HELP);
	if (!name || !help)
		return;
	*help = '\0';
	error_add_help(error, "the port is held by %s: stop it, or publish on another port", name);
}
