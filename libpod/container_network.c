/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A start on a named network: what the spec asks and what the network's record says, together.
 */
#include "libpod/container_priv.h"

#include "libpod/base/error.h"
#include "libpod/named_network.h"

NetworkRequest *container_network_request(Container *ctr, const ContainerSpec *spec, GError **error)
{
	g_autoptr(Json) json = network_request_to_json(spec->network);
	g_autoptr(NetworkRequest) request = network_request_from_json(json, error);
	if (!request || request->mode != NETWORK_NAMED)
		return g_steal_pointer(&request);
	g_autoptr(NamedNetwork) network =
		named_network_resolve(ctr->engine, request->target, error);
	if (!network)
		return NULL;
	request->plan = named_network_plan(network);
	/* The names it answers to: the container's first, which PTR gives, then aliases and id. */
	g_autoptr(GStrvBuilder) names = g_strv_builder_new();
	g_autofree char *short_id = g_strndup(ctr->summary.id, 12);
	g_strv_builder_add(names, ctr->summary.name);
	if (request->aliases)
		g_strv_builder_addv(names, (const char **)request->aliases);
	g_strv_builder_add(names, short_id);
	g_strfreev(request->aliases);
	request->aliases = g_strv_builder_end(names);
	return g_steal_pointer(&request);
}
