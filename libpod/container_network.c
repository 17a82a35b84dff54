/* SPDX-License-Identifier: Apache-2.0 */
#include "libpod/container_network.h"

#include <string.h>

#include "libpod/base/error.h"
#include "libpod/base/json.h"
#include "libpod/container_priv.h"
#include "libpod/events.h"
#include "libpod/monitor/control.h"

#define RECORD         "networks.json"
#define RECORD_VERSION 1
#define RECORD_MAX     (1024 * 1024)

/* ---- a start ---- */

/* What the network's record says, and all names: the container's first, which PTR gives, then
 * aliases and id. */
static bool fill_in(Container *ctr, const ContainerSpec *spec, NetworkAttachment *attachment,
		    GError **error)
{
	g_autoptr(NamedNetwork) network =
		named_network_resolve(ctr->engine, attachment->name, error);
	if (!network)
		return false;
	attachment->plan = named_network_plan(network);
	attachment->dns = g_strdupv(spec->dns);
	g_autoptr(GStrvBuilder) names = g_strv_builder_new();
	g_autofree char *short_id = g_strndup(ctr->summary.id, 12);
	g_strv_builder_add(names, ctr->summary.name);
	if (attachment->aliases)
		g_strv_builder_addv(names, (const char **)attachment->aliases);
	g_strv_builder_add(names, short_id);
	g_strfreev(attachment->aliases);
	attachment->aliases = g_strv_builder_end(names);
	return true;
}

NetworkRequest *container_network_request(Container *ctr, const ContainerSpec *spec, GError **error)
{
	g_autoptr(Json) json = network_request_to_json(spec->network);
	g_autoptr(NetworkRequest) request = network_request_from_json(json, error);
	for (guint i = 0; request && i < request->attachments->len; i++)
		if (!fill_in(ctr, spec, request->attachments->pdata[i], error))
			return NULL;
	return g_steal_pointer(&request);
}

/* ---- the record ---- */

bool container_apply_networks(Container *ctr, ContainerSpec *spec, GError **error)
{
	g_autoptr(GError) failed = NULL;
	g_autoptr(Json) json = js_load(container_dir_fd(ctr), RECORD, RECORD_MAX, &failed);
	Json *networks = NULL;
	int64_t version = 0;
	if (error_matches(failed, ENGINE_ERROR_NOT_FOUND))
		return true;
	if (!json) {
		g_propagate_error(error, g_steal_pointer(&failed));
		return false;
	}
	if (!js_get_int(json, "v", 0, INT32_MAX, &version, error) ||
	    !js_get_array(json, "networks", &networks, error)) {
		g_prefix_error(error, RECORD ": ");
		return false;
	}
	if (version != RECORD_VERSION)
		return error_set(error, ENGINE_ERROR_UNSUPPORTED,
				 RECORD " has version %" G_GINT64_FORMAT ", this skiff knows %d",
				 version, RECORD_VERSION);
	GPtrArray *attachments = attachments_from_json(networks, error);
	if (!attachments)
		return false;
	g_ptr_array_unref(spec->network->attachments);
	spec->network->attachments = attachments;
	return true;
}

/* All networks as they are from now on. */
static bool save_networks(Container *ctr, const ContainerSpec *spec, GError **error)
{
	g_autoptr(Json) json = json_object_new_object();
	js_set_int(json, "v", RECORD_VERSION);
	js_set_take(json, "networks", attachments_to_json(spec->network->attachments));
	int dir = container_dir(ctr, error);
	return dir >= 0 &&
	       js_save(dir, RECORD, json,
		       ctr->summary.auto_remove ? RECORD_SYNC_NONE : RECORD_SYNC_FULL, error);
}

/* state.json as it is on disk, with the spec's networks: what it says of the rest stays. */
static bool save_names(Container *ctr, const ContainerSpec *spec, GError **error)
{
	ContainerState shown = ctr->summary.state;
	g_ptr_array_unref(ctr->summary.networks);
	ctr->summary.networks = container_networks_of(spec->network);
	ctr->summary.state = ctr->recorded;
	bool saved = container_save_state(ctr, error);
	ctr->summary.state = shown;
	return saved;
}

/* ---- changes ---- */

/* Under the op lock: the record as it is now, of a container that has named networks. */
static ContainerSpec *open_spec(Container *ctr, GError **error)
{
	if (!container_reload(ctr, error))
		return NULL;
	g_clear_pointer(&ctr->spec, spec_free);
	if (!container_spec(ctr, error))
		return NULL;
	if (ctr->spec->network->mode != NETWORK_NAMED)
		return error_set_null(error, ENGINE_ERROR_INVALID,
				      "\"%s\" is not supported: invalid network mode",
				      network_mode_name(ctr->spec->network->mode));
	return ctr->spec;
}

/* Have the monitor take the container off. Return: false if it says why not; *out_was: it was on.
 */
static bool disconnect_live(Container *ctr, const char *name, bool *out_was, GError **error)
{
	g_autoptr(NetworkAttachment) named = attachment_new(name);
	g_autoptr(GError) failed = NULL;
	*out_was = control_disconnect(container_run_fd(ctr), named, &failed);
	if (*out_was || error_matches(failed, ENGINE_ERROR_NOT_FOUND))
		return true;
	g_propagate_error(error, g_steal_pointer(&failed));
	return false;
}

/* A container that runs or is paused is changed at once. What a command that was killed left of the
 * same network, of which the record does not know, goes first. */
static bool connect_live(Container *ctr, const NetworkAttachment *attachment, GError **error)
{
	g_autoptr(Json) json = attachment_to_json(attachment);
	g_autoptr(NetworkAttachment) filled = attachment_from_json(json, error);
	bool was;
	return filled && fill_in(ctr, ctr->spec, filled, error) &&
	       disconnect_live(ctr, filled->name, &was, error) &&
	       control_connect(container_run_fd(ctr), filled, error);
}

/* The resolver's file follows; its lines in /etc/hosts are the monitor's. */
static bool rewrite_resolv(Container *ctr, const ContainerSpec *spec, GError **error)
{
	g_autoptr(NetworkRequest) request = container_network_request(ctr, spec, error);
	return request && container_write_resolv(ctr, spec, request, error);
}

bool container_network_connect(Container *ctr, const NamedNetwork *network,
			       NetworkAttachment *attachment, GError **error)
{
	g_autoptr(RecordLock) op = container_lock(ctr, -1, "network connect", error);
	g_autoptr(RecordLock) pin = op ? named_networks_pin(ctr->engine, error) : NULL;
	/* As it is now: until it was pinned it could be removed. */
	g_autoptr(NamedNetwork) now =
		pin ? named_network_resolve(ctr->engine, network->name, error) : NULL;
	ContainerSpec *spec = now ? open_spec(ctr, error) : NULL;
	if (!spec || !named_network_check_attachment(now, attachment, error))
		return false;
	bool live = container_is_live(ctr);
	GPtrArray *all = spec->network->attachments;
	if (attachments_find(all, network->name))
		return error_set(error, ENGINE_ERROR_EXISTS,
				 "container %s is already connected to network %s: network is "
				 "already connected",
				 ctr->summary.id, network->name);
	g_autoptr(Json) json = attachment_to_json(attachment);
	NetworkAttachment *own = attachment_from_json(json, error);
	if (!own)
		return false;
	g_ptr_array_add(all, own);
	attachments_name_interfaces(all);
	/* The names first: a network that is in use must never seem not to be. */
	bool ok = save_names(ctr, spec, error) && (!live || connect_live(ctr, own, error));
	if (ok && save_networks(ctr, spec, error) && (!live || rewrite_resolv(ctr, spec, error))) {
		event_network(ctr->engine, "connect", network->name, ctr->summary.id);
		return true;
	}
	if (ok && live)
		(void)control_disconnect(container_run_fd(ctr), own, NULL);
	g_ptr_array_remove(all, own);
	(void)save_networks(ctr, spec, NULL);
	(void)save_names(ctr, spec, NULL);
	return false;
}

bool container_network_disconnect(Container *ctr, const char *called, const char *network,
				  GError **error)
{
	g_autoptr(RecordLock) op = container_lock(ctr, -1, "network disconnect", error);
	ContainerSpec *spec = op ? open_spec(ctr, error) : NULL;
	if (!spec)
		return false;
	GPtrArray *all = spec->network->attachments;
	NetworkAttachment *one = attachments_find(all, network);
	bool live = container_is_live(ctr), was = false;
	/* After a command that was killed the two may not agree: what either has goes. */
	if (live && !disconnect_live(ctr, network, &was, error))
		return false;
	if (!one && !was)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "container %s is not connected to network %s", called, network);
	if (one)
		g_ptr_array_remove(all, one);
	if (!save_networks(ctr, spec, error) || !save_names(ctr, spec, error) ||
	    (live && !rewrite_resolv(ctr, spec, error)))
		return false;
	event_network(ctr->engine, "disconnect", network, ctr->summary.id);
	return true;
}

bool container_network_reload(Container *ctr, GError **error)
{
	ContainerState state = ctr->summary.state;
	if (state != CONTAINER_RUNNING && state != CONTAINER_PAUSED)
		return error_set(error, ENGINE_ERROR_BAD_STATE,
				 "cannot reload network unless container network has been "
				 "configured: container state improper");
	return control_reload(container_run_fd(ctr), error);
}

bool container_network_tell_servers(Container *ctr, const NamedNetwork *network, GError **error)
{
	g_autoptr(NetworkAttachment) changed = attachment_new(network->name);
	changed->plan = named_network_plan(network);
	return control_servers(container_run_fd(ctr), changed, error);
}
