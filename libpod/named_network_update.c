/* SPDX-License-Identifier: Apache-2.0 */
/*
 * network update: other servers for the names that are not containers'.
 */
#include <fcntl.h>
#include <string.h>

#include "libpod/base/error.h"
#include "libpod/base/log.h"
#include "libpod/base/record.h"
#include "libpod/container_network.h"
#include "libpod/named_network.h"

static bool is_same(const DnsServer *a, const DnsServer *b)
{
	return a->family == b->family && memcmp(a->address, b->address, sizeof(a->address)) == 0;
}

static void drop_server(NetworkOptions *options, const DnsServer *server)
{
	size_t kept = 0;
	for (size_t i = 0; i < options->n_servers; i++)
		if (!is_same(&options->servers[i], server))
			options->servers[kept++] = options->servers[i];
	options->n_servers = kept;
}

/* Each as an address; those to be added are dropped first, so that none is there twice. */
static bool change_servers(NetworkOptions *options, const GPtrArray *drop, const GPtrArray *add,
			   GError **error)
{
	const GPtrArray *const lists[] = {drop, add};
	for (size_t list = 0; list < G_N_ELEMENTS(lists); list++) {
		for (guint i = 0; lists[list] && i < lists[list]->len; i++) {
			NetworkOptions one = {0};
			if (!network_options_add_server(&one, lists[list]->pdata[i], error))
				return false;
			drop_server(options, &one.servers[0]);
			if (lists[list] == add &&
			    !network_options_add_server(options, add->pdata[i], error))
				return false;
		}
	}
	return true;
}

/* The record, under the lock of all. */
static NamedNetwork *change_record(Engine *engine, const char *name, const GPtrArray *drop,
				   const GPtrArray *add, GError **error)
{
	int dir = store_dir(engine_store(engine), "networks");
	g_autoptr(RecordLock) lock = record_lock(dir, ".lock", false, -1, "network update", error);
	g_autoptr(NamedNetwork) network = lock ? named_network_resolve(engine, name, error) : NULL;
	if (!network)
		return NULL;
	if (strcmp(network->name, NETWORK_DEFAULT_NAME) == 0)
		return error_set_null(error, ENGINE_ERROR_INVALID,
				      "default network %s cannot be changed", network->name);
	if (!network->dns && add && add->len > 0)
		return error_set_null(error, ENGINE_ERROR_INVALID,
				      "cannot set NetworkDNSServers if DNSEnabled is false: "
				      "invalid argument");
	if (!change_servers(&network->options, drop, add, error))
		return NULL;
	g_autofree char *file = g_strconcat(network->name, ".json", NULL);
	g_autoptr(Json) json = named_network_to_json(network);
	const char *text = js_text(json);
	if (!record_replace(dir, file, text, strlen(text), RECORD_SYNC_FULL, error))
		return NULL;
	return g_steal_pointer(&network);
}

bool named_network_update(Engine *engine, const char *name, const GPtrArray *drop,
			  const GPtrArray *add, GError **error)
{
	g_autoptr(NamedNetwork) network = change_record(engine, name, drop, add, error);
	g_autoptr(GPtrArray) list = network ? containers_list(engine, error) : NULL;
	for (guint i = 0; list && i < list->len; i++) {
		Container *ctr = list->pdata[i];
		const ContainerSummary *s = container_summary(ctr);
		bool live = s->state != CONTAINER_CREATED && s->state != CONTAINER_EXITED;
		g_autoptr(GError) failed = NULL;
		/* One that ends meanwhile need not hear of it. */
		if (live && container_find_network(s, network->name) &&
		    !container_network_tell_servers(ctr, network, &failed) &&
		    !error_matches(failed, ENGINE_ERROR_BAD_STATE))
			log_warn("container %s: %s", s->name, failed->message);
	}
	return list != NULL;
}
