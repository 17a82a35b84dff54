/* SPDX-License-Identifier: Apache-2.0 */
/*
 * network create
 */
#include <string.h>

#include "cmd/commands.h"
#include "cmd/engine_open.h"
#include "cmd/output.h"
#include "libpod/base/error.h"
#include "libpod/base/units.h"
#include "libpod/named_network.h"

typedef struct {
	const char *driver;
	GPtrArray *subnets, *gateways, *ranges; /* of strings, or NULL */
	bool ipv6, internal, disable_dns, ignore;
	uint32_t mtu;
	NetworkOptions more;
	GHashTable *labels;
} NetworkCreateOptions;

static void network_create_options_clear(NetworkCreateOptions *opts)
{
	g_clear_pointer(&opts->labels, g_hash_table_unref);
	g_clear_pointer(&opts->subnets, g_ptr_array_unref);
	g_clear_pointer(&opts->gateways, g_ptr_array_unref);
	g_clear_pointer(&opts->ranges, g_ptr_array_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(NetworkCreateOptions, network_create_options_clear)

static bool add_label(void *target, const Option *option, const char *value, GError **error)
{
	NetworkCreateOptions *opts = target;
	const char *equals = strchr(value, '=');
	if (*value == '\0' || *value == '=')
		return error_set(error, ENGINE_ERROR_INVALID,
				 "failed to parse labels: invalid label format: \"%s\"", value);
	if (!opts->labels)
		opts->labels = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	g_hash_table_insert(opts->labels,
			    equals ? g_strndup(value, equals - value) : g_strdup(value),
			    g_strdup(equals ? equals + 1 : ""));
	return true;
}

static bool add_driver_option(void *target, const Option *option, const char *value, GError **error)
{
	NetworkCreateOptions *opts = target;
	return network_options_set_driver(&opts->more, &opts->mtu, value, error);
}

static bool add_server(void *target, const Option *option, const char *value, GError **error)
{
	NetworkCreateOptions *opts = target;
	g_auto(GStrv) servers = g_strsplit(value, ",", -1);
	for (size_t i = 0; servers[i]; i++)
		if (!network_options_add_server(&opts->more, servers[i], error))
			return false;
	return true;
}

static bool add_route(void *target, const Option *option, const char *value, GError **error)
{
	NetworkCreateOptions *opts = target;
	return network_options_add_route(&opts->more, value, error);
}

static bool set_bridge(void *target, const Option *option, const char *value, GError **error)
{
	NetworkCreateOptions *opts = target;
	return network_options_set_bridge(&opts->more, value, error);
}

/* podman has three kinds of address management. */
static bool set_ipam_driver(void *target, const Option *option, const char *value, GError **error)
{
	if (strcmp(value, "host-local") == 0)
		return true;
	if (strcmp(value, "none") == 0 || strcmp(value, "dhcp") == 0)
		return error_set(error, ENGINE_ERROR_UNSUPPORTED,
				 "the ipam driver %s is not supported: addresses are the network's "
				 "to give",
				 value);
	return error_set(error, ENGINE_ERROR_INVALID, "unsupported ipam driver \"%s\"", value);
}

static const Option options[] = {
	{0, "subnet", OPTION_LIST, option_set_list, "SUBNET",
	 "Subnet in CIDR form (default: the next that is free); one per family",
	 offsetof(NetworkCreateOptions, subnets), OPTION_COMMON},
	{0, "gateway", OPTION_LIST, option_set_list, "ADDRESS",
	 "Gateway of each subnet in turn (default: the subnet's first address)",
	 offsetof(NetworkCreateOptions, gateways), 0},
	{0, "ip-range", OPTION_LIST, option_set_list, "RANGE",
	 "Give containers addresses of this part of each subnet in turn: a subnet or FIRST-LAST",
	 offsetof(NetworkCreateOptions, ranges), 0},
	{0, "ipv6", OPTION_FLAG, option_set_flag, NULL, "Both families, also without such a subnet",
	 offsetof(NetworkCreateOptions, ipv6), OPTION_COMMON},
	{0, "internal", OPTION_FLAG, option_set_flag, NULL, "No way out of the network",
	 offsetof(NetworkCreateOptions, internal), OPTION_COMMON},
	{0, "disable-dns", OPTION_FLAG, option_set_flag, NULL, "Don't answer containers' names",
	 offsetof(NetworkCreateOptions, disable_dns), 0},
	{0, "label", OPTION_LIST, add_label, "KEY[=VALUE]", "Set a label", 0, OPTION_COMMON},
	{'o', "opt", OPTION_LIST, add_driver_option, "KEY=VALUE",
	 "Set an option of the driver: mtu, metric, no_default_route, isolate, mode", 0,
	 OPTION_WHOLE},
	{'d', "driver", OPTION_VALUE, option_set_string, "NAME", "Driver: bridge (default)",
	 offsetof(NetworkCreateOptions, driver), 0},
	{0, "ignore", OPTION_FLAG, option_set_flag, NULL, "Don't mind if the network exists",
	 offsetof(NetworkCreateOptions, ignore), OPTION_COMMON},
	{0, "dns", OPTION_LIST, add_server, "ADDRESS",
	 "Ask this server for the names that are not containers' (default: the host's servers)", 0,
	 0},
	{0, "route", OPTION_LIST, add_route, "TARGET,GATEWAY[,METRIC]",
	 "Give containers a route; in the gateway's place: blackhole, unreachable or prohibit", 0,
	 0},
	{0, "interface-name", OPTION_VALUE, set_bridge, "NAME", "Call the bridge so", 0, 0},
	{0, "ipam-driver", OPTION_VALUE, set_ipam_driver, "NAME",
	 "Who gives addresses: host-local (default)", 0, 0},
	{0},
};

static const OptionGroup group = {NULL, options};

static bool check_driver(const char *driver, GError **error)
{
	if (!driver || strcmp(driver, "bridge") == 0)
		return true;
	if (strcmp(driver, "macvlan") == 0 || strcmp(driver, "ipvlan") == 0)
		return error_set(error, ENGINE_ERROR_UNSUPPORTED,
				 "the driver %s is not supported: it gives containers an interface "
				 "of the host, which a user cannot give away",
				 driver);
	return error_set(error, ENGINE_ERROR_INVALID, "unsupported driver %s: invalid argument",
			 driver);
}

static const char *nth(const GPtrArray *list, guint i)
{
	return list && i < list->len ? list->pdata[i] : NULL;
}

/* The subnets with what belongs to them, by family. */
static bool sort_subnets(const NetworkCreateOptions *opts, NamedNetworkSubnet *v4,
			 NamedNetworkSubnet *v6, GError **error)
{
	guint n = opts->subnets ? opts->subnets->len : 0;
	guint n_gateways = opts->gateways ? opts->gateways->len : 0;
	guint n_ranges = opts->ranges ? opts->ranges->len : 0;
	if (n == 0 && (n_gateways || n_ranges))
		return error_set(error, ENGINE_ERROR_INVALID,
				 "cannot set gateway or range without subnet");
	if (n_gateways > n || n_ranges > n)
		return error_set(error, ENGINE_ERROR_INVALID, "cannot set more %s than subnets",
				 n_ranges > n ? "ranges" : "gateways");
	for (guint i = 0; i < n; i++) {
		const char *text = opts->subnets->pdata[i];
		NamedNetworkSubnet *family = strchr(text, ':') ? v6 : v4;
		if (family->subnet)
			return error_set(error, ENGINE_ERROR_UNSUPPORTED,
					 "several subnets of a family are not supported: %s", text);
		*family = (NamedNetworkSubnet){text, nth(opts->gateways, i), nth(opts->ranges, i)};
	}
	if (v6->subnet && !v4->subnet && !opts->ipv6)
		return error_set(error, ENGINE_ERROR_UNSUPPORTED,
				 "a network without IPv4 is not supported\n"
				 "help: --ipv6 adds an IPv4 subnet");
	return true;
}

/* Prints the name, which may be a chosen one. */
static int cmd_network_create(Invocation *inv)
{
	g_auto(NetworkCreateOptions) opts = {0};
	g_autoptr(GError) error = NULL;
	if (!command_parse(inv, (void *[]){&opts}))
		return inv->status;
	NamedNetworkSubnet v4 = {0}, v6 = {0};
	if (!sort_subnets(&opts, &v4, &v6, &error))
		return command_fail(error);
	const NamedNetworkCreate create = {
		.name = command_arg(inv, 0),
		.subnet = v4.subnet,
		.gateway = v4.gateway,
		.ip_range = v4.range,
		.subnet6 = v6,
		.ipv6 = opts.ipv6,
		.internal = opts.internal,
		.disable_dns = opts.disable_dns,
		.ignore = opts.ignore,
		.mtu = opts.mtu,
		.options = &opts.more,
		.labels = opts.labels,
	};
	if (!check_driver(opts.driver, &error))
		return command_fail(error);
	g_autoptr(Engine) engine = command_engine(inv, false, &error);
	g_autoptr(NamedNetwork) network =
		engine ? named_network_create(engine, &create, &error) : NULL;
	if (!network)
		return command_fail(error);
	output_text(network->name);
	return 0;
}

const Command network_create_command = {
	.paths = (const char *const[]){"network create", NULL},
	.usage = "[options] [NAME]",
	.summary = "Make a network",
	.description =
		"Makes a network and prints its name. Containers on it reach each other by name; "
		"those on others cannot reach them.",
	.examples =
		(const char *const[]){"skiff network create backend",
				      "skiff network create --internal --subnet 10.90.0.0/24 db",
				      NULL},
	.max_args = 1,
	.groups = (const OptionGroup *const[]){&group, NULL},
	.run = cmd_network_create,
};
