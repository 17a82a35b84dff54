/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The network a container asks for: the --network grammar and its JSON form.
 */
#include "network/network.h"

#include <string.h>

#include "libpod/base/error.h"
#include "libpod/base/units.h"
#include "network/attachment.h"

static const char *const mode_names[] = {
	[NETWORK_NONE] = "none",           [NETWORK_HOST] = "host", [NETWORK_SLIRP] = "slirp",
	[NETWORK_CONTAINER] = "container", [NETWORK_NS] = "ns",     [NETWORK_NAMED] = "bridge",
	[NETWORK_PASTA] = "pasta",
};

NetworkRequest *network_request_new(void)
{
	NetworkRequest *request = g_new0(NetworkRequest, 1);

	request->mode = NETWORK_SLIRP;
	request->enable_ipv6 = true;
	request->ports = g_ptr_array_new_with_free_func((GDestroyNotify)port_mapping_free);
	request->attachments = g_ptr_array_new_with_free_func((GDestroyNotify)attachment_free);
	request->typed = attachment_new(NULL);
	return request;
}

void network_request_free(NetworkRequest *request)
{
	if (!request)
		return;
	g_free(request->target);
	g_ptr_array_unref(request->attachments);
	attachment_free(request->typed);
	g_strfreev(request->pasta_options);
	g_ptr_array_unref(request->ports);
	g_free(request);
}

void port_mapping_free(PortMapping *mapping)
{
	if (!mapping)
		return;
	g_free(mapping->host_ip);
	g_free(mapping);
}

const char *network_mode_name(NetworkMode mode)
{
	return mode_names[mode];
}

/* "true" or "false", and what podman says about anything else. */
static bool parse_switch(const char *key, const char *value, bool *out, GError **error)
{
	if (strcmp(value, "true") == 0)
		*out = true;
	else if (strcmp(value, "false") == 0)
		*out = false;
	else
		return error_set(error, ENGINE_ERROR_INVALID,
				 "invalid value of %s for slirp: \"%s\"", key, value);
	return true;
}

/* One key=value of "slirp:...". */
static bool parse_slirp_option(const char *text, NetworkRequest *request, GError **error)
{
	const char *equals = strchr(text, '=');
	if (!equals)
		return error_set(error, ENGINE_ERROR_INVALID, "invalid slirp option: \"%s\"", text);

	g_autofree char *key = g_strndup(text, (size_t)(equals - text));
	const char *value = equals + 1;
	if (strcmp(key, "allow_host_loopback") == 0)
		return parse_switch(key, value, &request->allow_host_loopback, error);
	if (strcmp(key, "enable_ipv6") == 0)
		return parse_switch(key, value, &request->enable_ipv6, error);
	if (strcmp(key, "mtu") == 0) {
		uint64_t mtu = 0;
		if (!units_parse_uint(value, NETWORK_MTU_MAX, &mtu, NULL) || mtu < NETWORK_MTU_MIN)
			return error_set(error, ENGINE_ERROR_INVALID,
					 "invalid mtu \"%s\": must be between %d and %d", value,
					 NETWORK_MTU_MIN, NETWORK_MTU_MAX);
		request->mtu = (uint32_t)mtu;
		return true;
	}
	return error_set(error, ENGINE_ERROR_INVALID, "unknown option for slirp: \"%s\"", key);
}

/* All options behind "slirp:", separated by commas. */
static bool parse_slirp_options(const char *text, NetworkRequest *request, GError **error)
{
	g_auto(GStrv) options = g_strsplit(text, ",", -1);

	for (size_t i = 0; options[i]; i++)
		if (!parse_slirp_option(options[i], request, error))
			return false;
	return true;
}

/* A network called twice keeps its place; what is said later counts. */
static bool add_network(NetworkRequest *request, const char *name, const char *options,
			GError **error)
{
	const char *real = strcmp(name, "bridge") == 0 ? NETWORK_DEFAULT_NAME : name;
	NetworkAttachment *one = attachments_find(request->attachments, real);

	if (!*name)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "network name cannot be empty: invalid argument");
	if (!one) {
		one = attachment_new(real);
		g_ptr_array_add(request->attachments, one);
	}
	request->mode = NETWORK_NAMED;
	return !options || attachment_parse_options(one, options, error);
}

/* "a,b,c": without options several in one word. */
static bool add_networks(NetworkRequest *request, const char *text, const char *options,
			 GError **error)
{
	g_auto(GStrv) names = g_strsplit(text, options ? "\n" : ",", -1);

	for (size_t i = 0; names[i]; i++)
		if (!add_network(request, names[i], options, error))
			return false;
	return true;
}

/* Modes that take no options: "none", "host" and the names that mean the default; the rest names a
 * network. */
static bool parse_plain_mode(const char *name, const char *options, NetworkRequest *request,
			     GError **error)
{
	static const struct {
		const char *name;
		NetworkMode mode;
	} plain[] = {
		{"none", NETWORK_NONE},
		{"host", NETWORK_HOST},
		{"private", NETWORK_SLIRP},
		{"default", NETWORK_SLIRP},
	};

	for (size_t i = 0; i < G_N_ELEMENTS(plain); i++) {
		if (strcmp(name, plain[i].name) != 0)
			continue;
		if (options)
			return error_set(error, ENGINE_ERROR_INVALID,
					 "invalid option for network %s: \"%s\"", name, options);
		request->mode = plain[i].mode;
		return true;
	}
	return add_networks(request, name, options, error);
}

/* "container:X" and "ns:PATH": a mode and the thing it names. */
static bool parse_target(NetworkMode mode, const char *what, const char *target,
			 NetworkRequest *request, GError **error)
{
	if (!target || !*target)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "invalid config provided: namespace mode %s requires a value",
				 what);
	request->mode = mode;
	request->target = g_strdup(target);
	return true;
}

bool network_request_parse(const char *text, NetworkRequest *request, GError **error)
{
	const char *colon = strchr(text, ':');
	g_autofree char *name = colon ? g_strndup(text, (size_t)(colon - text)) : g_strdup(text);
	const char *rest = colon ? colon + 1 : NULL;

	g_clear_pointer(&request->target, g_free);
	g_ptr_array_set_size(request->attachments, 0);
	if (strcmp(name, "container") == 0)
		return parse_target(NETWORK_CONTAINER, "container", rest, request, error);
	if (strcmp(name, "ns") == 0)
		return parse_target(NETWORK_NS, "path", rest, request, error);
	if (strcmp(name, "slirp") == 0 || strcmp(name, "slirp4netns") == 0) {
		request->mode = NETWORK_SLIRP;
		return !rest || parse_slirp_options(rest, request, error);
	}
	if (strcmp(name, "pasta") == 0) {
		request->mode = NETWORK_PASTA;
		g_strfreev(request->pasta_options);
		request->pasta_options = rest && *rest ? g_strsplit(rest, ",", -1) : NULL;
		return true;
	}
	if (!*name)
		return error_set(error, ENGINE_ERROR_INVALID, "network name must not be empty");
	return parse_plain_mode(name, rest, request, error);
}

bool network_request_parse_more(const char *text, NetworkRequest *request, GError **error)
{
	static const char *const modes[] = {"bridge", "slirp4netns", "slirp",   "pasta",
					    "pod",    "none",        "default", "private",
					    "ns",     "container",   "host",    NULL};
	const char *colon = strchr(text, ':');
	g_autofree char *name = colon ? g_strndup(text, (size_t)(colon - text)) : g_strdup(text);

	if (request->mode != NETWORK_NAMED)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "cannot set multiple networks without bridge network mode, "
				 "selected mode %s: invalid argument",
				 network_mode_name(request->mode));
	if (g_strv_contains(modes, name))
		return error_set(error, ENGINE_ERROR_INVALID,
				 "can only set extra network names, selected mode %s conflicts "
				 "with bridge: invalid argument",
				 name);
	return add_network(request, name, colon ? colon + 1 : NULL, error);
}

Json *port_mappings_to_json(const GPtrArray *ports)
{
	Json *array = json_object_new_array();

	for (size_t i = 0; i < ports->len; i++) {
		const PortMapping *mapping = g_ptr_array_index(ports, i);
		Json *row = json_object_new_object();

		js_set_string(row, "host_ip", mapping->host_ip ? mapping->host_ip : "");
		js_set_int(row, "container_port", mapping->container_port);
		js_set_int(row, "host_port", mapping->host_port);
		js_set_int(row, "range", mapping->count);
		js_set_string(row, "protocol", mapping->protocol == PORT_UDP ? "udp" : "tcp");
		json_object_array_add(array, row);
	}
	return array;
}

/* One row of the array; ranges must not run over 65535. */
static PortMapping *mapping_from_json(Json *row, GError **error)
{
	const char *host_ip = NULL, *protocol = "tcp";
	int64_t container_port = 0, host_port = 0, count = 1;

	if (!js_get_string(row, "host_ip", &host_ip, error) ||
	    !js_get_int(row, "container_port", 1, 65535, &container_port, error) ||
	    !js_get_int(row, "host_port", 0, 65535, &host_port, error) ||
	    !js_get_int(row, "range", 1, 65535, &count, error) ||
	    !js_get_string(row, "protocol", &protocol, error))
		return NULL;
	if (container_port == 0 || container_port + count > 65536 || host_port + count > 65536 ||
	    (strcmp(protocol, "tcp") != 0 && strcmp(protocol, "udp") != 0))
		return error_set_null(error, ENGINE_ERROR_CORRUPT, "bad port mapping '%s'",
				      js_text(row));

	PortMapping *mapping = g_new0(PortMapping, 1);
	mapping->host_ip = host_ip && *host_ip ? g_strdup(host_ip) : NULL;
	mapping->container_port = (uint16_t)container_port;
	mapping->host_port = (uint16_t)host_port;
	mapping->count = (uint16_t)count;
	mapping->protocol = strcmp(protocol, "udp") == 0 ? PORT_UDP : PORT_TCP;
	return mapping;
}

GPtrArray *port_mappings_from_json(Json *array, GError **error)
{
	g_autoptr(GPtrArray) ports =
		g_ptr_array_new_with_free_func((GDestroyNotify)port_mapping_free);

	for (size_t i = 0; array && i < json_object_array_length(array); i++) {
		Json *row = json_object_array_get_idx(array, i);
		if (!json_object_is_type(row, json_type_object))
			return error_set_null(error, ENGINE_ERROR_INVALID,
					      "ports[%zu]: expected an object", i);
		PortMapping *mapping = mapping_from_json(row, error);
		if (!mapping)
			return NULL;
		g_ptr_array_add(ports, mapping);
	}
	return g_steal_pointer(&ports);
}

Json *network_plan_to_json(const NetworkPlan *plan)
{
	Json *json = json_object_new_object();

	js_set_string(json, "key", plan->key);
	js_set_int(json, "mtu", plan->mtu);
	js_set_int(json, "network", plan->subnet.network);
	js_set_int(json, "prefix", plan->subnet.prefix);
	js_set_int(json, "gateway", plan->gateway);
	js_set_int(json, "first", plan->first);
	js_set_int(json, "last", plan->last);
	if (plan->subnet6.prefix) {
		const struct {
			const char *key;
			const struct in6_addr *address;
		} rows[] = {
			{"network6", &plan->subnet6.network},
			{"gateway6", &plan->gateway6},
			{"first6", &plan->first6},
			{"last6", &plan->last6},
		};
		js_set_int(json, "prefix6", plan->subnet6.prefix);
		for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
			g_autofree char *text = address6_format(rows[i].address);
			js_set_string(json, rows[i].key, text);
		}
	}
	js_set_bool(json, "internal", plan->internal);
	js_set_bool(json, "dns", plan->dns);
	network_options_write(&plan->options, json);
	return json;
}

/* An address of the plan. */
static bool get_address6(Json *json, const char *key, struct in6_addr *out, GError **error)
{
	const char *text = NULL;

	return js_get_string(json, key, &text, error) &&
	       ((text && address6_parse(text, out)) ||
		error_set(error, ENGINE_ERROR_INVALID, "%s: expected an IPv6 address", key));
}

/* The IPv6 half, if there is one. */
static bool read_plan6(Json *json, NetworkPlan *plan, GError **error)
{
	int64_t prefix = 0;

	if (!js_get_int(json, "prefix6", 0, 126, &prefix, error))
		return false;
	plan->subnet6.prefix = (unsigned)prefix;
	return !prefix || (get_address6(json, "network6", &plan->subnet6.network, error) &&
			   get_address6(json, "gateway6", &plan->gateway6, error) &&
			   get_address6(json, "first6", &plan->first6, error) &&
			   get_address6(json, "last6", &plan->last6, error));
}

NetworkPlan *network_plan_from_json(Json *json, GError **error)
{
	int64_t mtu = 0, network = 0, prefix = 0, gateway = 0, first = 0, last = 0;
	g_autofree char *key = NULL;
	NetworkPlan plan = {0};

	if (!js_dup_string(json, "key", &key, error) ||
	    !js_get_int(json, "mtu", 0, NETWORK_MTU_MAX, &mtu, error) ||
	    !js_get_int(json, "network", 0, UINT32_MAX, &network, error) ||
	    !js_get_int(json, "prefix", 8, 30, &prefix, error) ||
	    !js_get_int(json, "gateway", 0, UINT32_MAX, &gateway, error) ||
	    !js_get_int(json, "first", 0, UINT32_MAX, &first, error) ||
	    !js_get_int(json, "last", 0, UINT32_MAX, &last, error) ||
	    !js_get_bool(json, "internal", &plan.internal, error) ||
	    !js_get_bool(json, "dns", &plan.dns, error) ||
	    !network_options_read(&plan.options, json, error) || !read_plan6(json, &plan, error))
		return NULL;
	if (!key || prefix == 0)
		return error_set_null(error, ENGINE_ERROR_INVALID,
				      "the network's plan is not whole");
	plan.key = g_steal_pointer(&key);
	plan.mtu = (uint32_t)mtu;
	plan.subnet = (Subnet){(uint32_t)network, (unsigned)prefix};
	plan.gateway = (uint32_t)gateway;
	plan.first = (uint32_t)first;
	plan.last = (uint32_t)last;
	return g_memdup2(&plan, sizeof(plan));
}

void network_plan_free(NetworkPlan *plan)
{
	if (!plan)
		return;
	g_free(plan->key);
	g_free(plan);
}

Json *network_request_to_json(const NetworkRequest *request)
{
	Json *json = json_object_new_object();

	js_set_string(json, "mode", network_mode_name(request->mode));
	js_set_string(json, "target", request->target);
	js_set_take(json, "ports", port_mappings_to_json(request->ports));
	js_set_bool(json, "allow_host_loopback", request->allow_host_loopback);
	js_set_bool(json, "enable_ipv6", request->enable_ipv6);
	js_set_int(json, "mtu", request->mtu);
	if (request->pasta_options)
		js_set_take(json, "pasta_options",
			    js_from_strv((const char *const *)request->pasta_options));
	if (request->mode == NETWORK_NAMED)
		js_set_take(json, "networks", attachments_to_json(request->attachments));
	return json;
}

/* "slirp" and its like to the enum. */
static bool mode_from_name(const char *name, NetworkMode *out_mode)
{
	for (size_t i = 0; i < G_N_ELEMENTS(mode_names); i++) {
		if (strcmp(name, mode_names[i]) == 0) {
			*out_mode = (NetworkMode)i;
			return true;
		}
	}
	return false;
}

NetworkRequest *network_request_from_json(Json *json, GError **error)
{
	g_autoptr(NetworkRequest) request = network_request_new();
	const char *mode = "slirp";
	int64_t mtu = 0;
	Json *ports = NULL, *networks = NULL;

	if (!js_get_string(json, "mode", &mode, error) ||
	    !js_get_array(json, "networks", &networks, error) ||
	    !js_get_strv(json, "pasta_options", &request->pasta_options, error) ||
	    !js_dup_string(json, "target", &request->target, error) ||
	    !js_get_array(json, "ports", &ports, error) ||
	    !js_get_bool(json, "allow_host_loopback", &request->allow_host_loopback, error) ||
	    !js_get_bool(json, "enable_ipv6", &request->enable_ipv6, error) ||
	    !js_get_int(json, "mtu", 0, NETWORK_MTU_MAX, &mtu, error))
		return NULL;
	if (!mode_from_name(mode, &request->mode))
		return error_set_null(error, ENGINE_ERROR_INVALID, "unknown network mode '%s'",
				      mode);
	request->mtu = (uint32_t)mtu;
	GPtrArray *attachments = attachments_from_json(networks, error);
	if (!attachments)
		return NULL;
	g_ptr_array_unref(request->attachments);
	request->attachments = attachments;

	GPtrArray *mappings = port_mappings_from_json(ports, error);
	if (!mappings)
		return NULL;
	g_ptr_array_unref(request->ports);
	request->ports = mappings;
	return g_steal_pointer(&request);
}
