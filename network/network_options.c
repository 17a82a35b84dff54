/* SPDX-License-Identifier: Apache-2.0 */
#include "network/network_options.h"

#include <arpa/inet.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "libpod/base/error.h"
#include "libpod/base/units.h"
#include "network/network.h"

#define DEFAULT_BRIDGE "bridge0"

/* Routes that lead nowhere, and what they are called. */
static const struct {
	const char *name;
	uint8_t type;
} route_types[] = {
	{"blackhole", RTN_BLACKHOLE},
	{"unreachable", RTN_UNREACHABLE},
	{"prohibit", RTN_PROHIBIT},
};

/* ---- options of the driver ---- */

/* As Go's strconv.ParseBool takes it, with its words. */
static bool parse_bool(const char *text, bool *out, GError **error)
{
	static const char *const yes[] = {"1", "t", "T", "true", "TRUE", "True", NULL};
	static const char *const no[] = {"0", "f", "F", "false", "FALSE", "False", NULL};

	*out = g_strv_contains(yes, text);
	return *out || g_strv_contains(no, text) ||
	       error_set(error, ENGINE_ERROR_INVALID,
			 "strconv.ParseBool: parsing \"%s\": invalid syntax", text);
}

static bool set_isolate(NetworkOptions *options, const char *value, GError **error)
{
	bool isolate = strcmp(value, "strict") == 0;

	if (!isolate && !parse_bool(value, &isolate, error))
		return false;
	options->isolate = isolate;
	return isolate || error_set(error, ENGINE_ERROR_UNSUPPORTED,
				    "isolate=false is not supported: networks are always apart");
}

static bool set_metric(NetworkOptions *options, const char *value, GError **error)
{
	uint64_t number = 0;

	if (!units_parse_uint(value, UINT32_MAX, &number, NULL))
		return error_set(error, ENGINE_ERROR_INVALID,
				 "strconv.ParseUint: parsing \"%s\": invalid syntax", value);
	options->metric = (uint32_t)number;
	return true;
}

static bool set_no_default_route(NetworkOptions *options, const char *value, GError **error)
{
	return parse_bool(value, &options->no_default_route, error);
}

static bool set_mode(NetworkOptions *options, const char *value, GError **error)
{
	if (strcmp(value, "managed") == 0)
		return true;
	if (strcmp(value, "unmanaged") == 0)
		return error_set(error, ENGINE_ERROR_UNSUPPORTED,
				 "mode=unmanaged is not supported: it is a bridge of the host, to "
				 "which a user cannot connect anything");
	return error_set(error, ENGINE_ERROR_INVALID, "unknown bridge mode \"%s\"", value);
}

static bool refuse_vlan(NetworkOptions *options, const char *value, GError **error)
{
	return error_set(error, ENGINE_ERROR_UNSUPPORTED,
			 "the network option \"vlan\" is not supported: it tags frames for a "
			 "network of the host, to which a user cannot connect anything");
}

static bool refuse_vrf(NetworkOptions *options, const char *value, GError **error)
{
	return error_set(error, ENGINE_ERROR_UNSUPPORTED,
			 "the network option \"vrf\" is not supported: it is a routing table of "
			 "the host, which a user cannot change");
}

bool network_options_set(NetworkOptions *options, const char *text, GError **error)
{
	static const struct {
		const char *key;
		bool (*set)(NetworkOptions *options, const char *value, GError **error);
	} rows[] = {
		{"isolate", set_isolate}, {"metric", set_metric},
		{"mode", set_mode},       {"no_default_route", set_no_default_route},
		{"vlan", refuse_vlan},    {"vrf", refuse_vrf},
	};
	size_t length = strcspn(text, "=");
	const char *value = text[length] ? text + length + 1 : "";

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
		if (strlen(rows[i].key) == length && strncmp(rows[i].key, text, length) == 0)
			return rows[i].set(options, value, error);
	return error_set(error, ENGINE_ERROR_INVALID, "unsupported bridge network option %.*s",
			 (int)length, text);
}

/* ---- servers, routes, the bridge ---- */

bool network_options_add_server(NetworkOptions *options, const char *text, GError **error)
{
	DnsServer server = {.family = strchr(text, ':') ? AF_INET6 : AF_INET};

	if (inet_pton(server.family, text, server.address) != 1) {
		g_autofree char *shown = g_strescape(text, NULL);
		return error_set(error, ENGINE_ERROR_INVALID,
				 "unable to parse ip %s specified in NetworkDNSServers: invalid "
				 "argument",
				 shown);
	}
	if (options->n_servers == DNS_SERVERS_MAX)
		return error_set(error, ENGINE_ERROR_UNSUPPORTED,
				 "more than %d DNS servers of a network are not supported",
				 DNS_SERVERS_MAX);
	options->servers[options->n_servers++] = server;
	return true;
}

/* "10.0.0.0/8", without host bits. */
static bool parse_target(const char *text, NetworkRoute *route, GError **error)
{
	const char *slash = strchr(text, '/');
	g_autofree char *head = slash ? g_strndup(text, (size_t)(slash - text)) : NULL;
	uint64_t prefix = 0;

	if (head && strchr(head, ':'))
		return error_set(error, ENGINE_ERROR_UNSUPPORTED,
				 "IPv6 routes of named networks are not supported yet: %s", head);
	if (!head || !address4_parse(head, &route->target) ||
	    !units_parse_uint(slash + 1, 32, &prefix, NULL) ||
	    (prefix < 32 && route->target << prefix))
		return error_set(error, ENGINE_ERROR_INVALID, "invalid route destination %s", text);
	route->prefix = (unsigned)prefix;
	return true;
}

/* A gateway, or what happens instead. */
static bool parse_way(const char *text, NetworkRoute *route, GError **error)
{
	route->type = RTN_UNICAST;
	for (size_t i = 0; i < G_N_ELEMENTS(route_types); i++)
		if (strcmp(text, route_types[i].name) == 0)
			route->type = route_types[i].type;
	return route->type != RTN_UNICAST || address4_parse(text, &route->gateway) ||
	       error_set(error, ENGINE_ERROR_INVALID, "invalid route gateway %s", text);
}

bool network_options_add_route(NetworkOptions *options, const char *text, GError **error)
{
	g_autofree char *shown = g_strescape(text, NULL);
	g_auto(GStrv) parts = g_strsplit(shown, ",", -1);
	NetworkRoute route = {.target = 0};
	guint n = g_strv_length(parts);
	uint64_t metric = 0;

	if (n < 2 || n > 3)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "invalid route: %s\nFormat: --route <destination in "
				 "CIDR>,<gateway>,<metric (optional)>",
				 shown);
	if (!parse_target(parts[0], &route, error) || !parse_way(parts[1], &route, error))
		return false;
	if (n == 3 && !units_parse_uint(parts[2], UINT32_MAX, &metric, NULL))
		return error_set(error, ENGINE_ERROR_INVALID, "invalid route metric %s", parts[2]);
	route.metric = (uint32_t)metric;
	if (options->n_routes == NETWORK_ROUTES_MAX)
		return error_set(error, ENGINE_ERROR_UNSUPPORTED,
				 "more than %d routes of a network are not supported",
				 NETWORK_ROUTES_MAX);
	options->routes[options->n_routes++] = route;
	return true;
}

bool network_options_set_bridge(NetworkOptions *options, const char *name, GError **error)
{
	size_t length = strlen(name);
	bool good = length > 0 && length < NETWORK_BRIDGE_MAX && g_ascii_isalnum(*name) &&
		    strcmp(name, "lo") != 0;

	for (const char *at = name; good && *at; at++)
		good = g_ascii_isalnum(*at) || *at == '-' || *at == '_' || *at == '.';
	if (!good) {
		g_autofree char *shown = g_strescape(name, NULL);
		return error_set(error, ENGINE_ERROR_INVALID,
				 "bridge name %s invalid: names must match "
				 "[a-zA-Z0-9][a-zA-Z0-9_.-]*: invalid argument",
				 shown);
	}
	g_strlcpy(options->bridge, name, sizeof(options->bridge));
	return true;
}

bool network_options_check_routes(const NetworkOptions *options, const Subnet *subnet,
				  GError **error)
{
	for (size_t i = 0; i < options->n_routes; i++) {
		const NetworkRoute *route = &options->routes[i];
		if (route->type != RTN_UNICAST || subnet_contains(subnet, route->gateway))
			continue;
		g_autofree char *gateway = address4_format(route->gateway);
		g_autofree char *text = subnet_format(subnet);
		return error_set(error, ENGINE_ERROR_INVALID, "route gateway %s not in subnet %s",
				 gateway, text);
	}
	return true;
}

/* ---- records ---- */

static Json *servers_to_json(const NetworkOptions *options)
{
	Json *array = json_object_new_array();

	for (size_t i = 0; i < options->n_servers; i++) {
		char text[INET6_ADDRSTRLEN];
		const DnsServer *server = &options->servers[i];
		inet_ntop(server->family, server->address, text, sizeof(text));
		json_object_array_add(array, json_object_new_string(text));
	}
	return array;
}

static Json *route_to_json(const NetworkRoute *route)
{
	g_autofree char *target = address4_format(route->target);
	g_autofree char *destination = g_strdup_printf("%s/%u", target, route->prefix);
	g_autofree char *gateway = address4_format(route->gateway);
	Json *json = json_object_new_object();

	js_set_string(json, "destination", destination);
	if (route->type == RTN_UNICAST)
		js_set_string(json, "gateway", gateway);
	for (size_t i = 0; i < G_N_ELEMENTS(route_types); i++)
		if (route->type == route_types[i].type)
			js_set_string(json, "route_type", route_types[i].name);
	if (route->metric)
		js_set_int(json, "metric", route->metric);
	return json;
}

/* The driver's options are strings; mtu may be among them already. */
static void write_driver_options(const NetworkOptions *options, Json *json)
{
	Json *own = json_object_object_get(json, "options");
	g_autofree char *metric = g_strdup_printf("%u", options->metric);

	if (!options->isolate && !options->no_default_route && !options->metric)
		return;
	if (!own) {
		own = json_object_new_object();
		js_set_take(json, "options", own);
	}
	if (options->isolate)
		js_set_string(own, "isolate", "true");
	if (options->metric)
		js_set_string(own, "metric", metric);
	if (options->no_default_route)
		js_set_string(own, "no_default_route", "true");
}

void network_options_write(const NetworkOptions *options, Json *json)
{
	js_set_string(json, "network_interface",
		      *options->bridge ? options->bridge : DEFAULT_BRIDGE);
	if (options->n_servers)
		js_set_take(json, "network_dns_servers", servers_to_json(options));
	if (options->n_routes) {
		Json *routes = json_object_new_array();
		for (size_t i = 0; i < options->n_routes; i++)
			json_object_array_add(routes, route_to_json(&options->routes[i]));
		js_set_take(json, "routes", routes);
	}
	write_driver_options(options, json);
}

/* The same words as on the command line. */
static bool read_route(NetworkOptions *options, Json *json, GError **error)
{
	const char *target = NULL, *gateway = NULL, *type = NULL;
	int64_t metric = 0;

	if (!js_get_string(json, "destination", &target, error) ||
	    !js_get_string(json, "gateway", &gateway, error) ||
	    !js_get_string(json, "route_type", &type, error) ||
	    !js_get_int(json, "metric", 0, UINT32_MAX, &metric, error))
		return false;
	g_autofree char *text = g_strdup_printf("%s,%s,%" G_GINT64_FORMAT, target ? target : "",
						type ? type : (gateway ? gateway : ""), metric);
	return network_options_add_route(options, text, error);
}

static bool read_driver_options(NetworkOptions *options, Json *json, GError **error)
{
	static const char *const keys[] = {"isolate", "metric", "no_default_route"};
	Json *own = NULL;

	if (!js_get_object(json, "options", &own, error))
		return false;
	for (size_t i = 0; own && i < G_N_ELEMENTS(keys); i++) {
		const char *value = NULL;
		if (!js_get_string(own, keys[i], &value, error))
			return false;
		g_autofree char *text = value ? g_strconcat(keys[i], "=", value, NULL) : NULL;
		if (text && !network_options_set(options, text, error))
			return false;
	}
	return true;
}

bool network_options_read(NetworkOptions *options, Json *json, GError **error)
{
	g_auto(GStrv) servers = NULL;
	const char *bridge = NULL;
	Json *routes = NULL;

	*options = (NetworkOptions){.n_servers = 0};
	if (!js_get_string(json, "network_interface", &bridge, error) ||
	    !js_get_strv(json, "network_dns_servers", &servers, error) ||
	    !js_get_array(json, "routes", &routes, error) ||
	    !read_driver_options(options, json, error))
		return false;
	if (bridge && strcmp(bridge, DEFAULT_BRIDGE) != 0 &&
	    !network_options_set_bridge(options, bridge, error))
		return false;
	for (size_t i = 0; servers && servers[i]; i++)
		if (!network_options_add_server(options, servers[i], error))
			return false;
	for (size_t i = 0; routes && i < json_object_array_length(routes); i++) {
		Json *row = json_object_array_get_idx(routes, i);
		if (!json_object_is_type(row, json_type_object))
			return error_set(error, ENGINE_ERROR_CORRUPT,
					 "routes[%zu]: expected an object", i);
		if (!read_route(options, row, error))
			return false;
	}
	return true;
}

static bool set_mtu(uint32_t *mtu, const char *value, GError **error)
{
	uint64_t number = 0;
	if (!units_parse_uint(value, NETWORK_MTU_MAX, &number, NULL) || number < NETWORK_MTU_MIN)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "invalid mtu \"%s\": must be between %d and %d", value,
				 NETWORK_MTU_MIN, NETWORK_MTU_MAX);
	*mtu = (uint32_t)number;
	return true;
}

bool network_options_set_driver(NetworkOptions *options, uint32_t *mtu, const char *text,
				GError **error)
{
	static const char *const mtus[] = {"mtu=", "com.docker.network.driver.mtu="};
	static const char bridge[] = "com.docker.network.bridge.name=";
	for (size_t i = 0; i < G_N_ELEMENTS(mtus); i++)
		if (g_str_has_prefix(text, mtus[i]))
			return set_mtu(mtu, text + strlen(mtus[i]), error);
	if (g_str_has_prefix(text, bridge))
		return network_options_set_bridge(options, text + strlen(bridge), error);
	return network_options_set(options, text, error);
}
