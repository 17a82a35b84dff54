/* SPDX-License-Identifier: Apache-2.0 */
#include "libpod/named_network.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <string.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/log.h"
#include "libpod/base/path.h"
#include "libpod/base/suggest.h"
#include "libpod/base/units.h"
#include "libpod/container.h"
#include "libpod/events.h"
#include "libpod/name.h"
#include "libpod/named_network6.h"

#define MAX_RECORD   (1 << 20)
#define SUFFIX       ".json"
#define DEFAULT_ID   "2f259bab93aaaaa2542ba43ef33eb990d0999ee1b9924b557b7be53c0b7a1bb9"
#define FORCE_ROUNDS 10
#define KEY_LENGTH   16
#define POOL_PREFIX  24

void named_network_free(NamedNetwork *network)
{
	if (!network)
		return;
	g_free(network->name);
	g_free(network->id);
	g_clear_pointer(&network->labels, g_hash_table_unref);
	g_free(network);
}

static int networks_dir(Engine *engine)
{
	return store_dir(engine_store(engine), "networks");
}

static GHashTable *new_labels(void)
{
	return g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
}

/* The one that is always there; as podman's without names. */
static NamedNetwork *default_network(void)
{
	NamedNetwork *network = g_new0(NamedNetwork, 1);
	network->name = g_strdup(NETWORK_DEFAULT_NAME);
	network->id = g_strdup(DEFAULT_ID);
	(void)subnet_parse("10.88.0.0/16", &network->subnet, NULL);
	network->gateway = subnet_first(&network->subnet);
	network->labels = new_labels();
	return network;
}

/* With the range only if one was given. */
static Json *subnet_to_json(const NamedNetwork *network)
{
	g_autofree char *subnet = subnet_format(&network->subnet);
	g_autofree char *gateway = address4_format(network->gateway);
	Json *json = json_object_new_object();
	js_set_string(json, "subnet", subnet);
	js_set_string(json, "gateway", gateway);
	if (network->first) {
		g_autofree char *first = address4_format(network->first);
		g_autofree char *last = address4_format(network->last);
		Json *range = json_object_new_object();
		js_set_string(range, "start_ip", first);
		js_set_string(range, "end_ip", last);
		js_set_take(json, "lease_range", range);
	}
	return json;
}

Json *named_network_to_json(const NamedNetwork *network)
{
	Json *json = json_object_new_object(), *subnets = json_object_new_array();
	Json *ipam = json_object_new_object();
	g_autofree char *created = units_format_rfc3339(network->created, false);
	js_set_string(json, "name", network->name);
	js_set_string(json, "id", network->id);
	js_set_string(json, "driver", "bridge");
	js_set_string(json, "created", created);
	json_object_array_add(subnets, subnet_to_json(network));
	if (network->subnet6.prefix)
		json_object_array_add(subnets, named_network6_to_json(network));
	js_set_take(json, "subnets", subnets);
	js_set_bool(json, "ipv6_enabled", network->subnet6.prefix > 0);
	js_set_bool(json, "internal", network->internal);
	js_set_bool(json, "dns_enabled", network->dns);
	if (g_hash_table_size(network->labels) > 0)
		js_set_take(json, "labels", js_from_string_map(network->labels));
	if (network->mtu) {
		g_autofree char *mtu = g_strdup_printf("%u", network->mtu);
		Json *options = json_object_new_object();
		js_set_string(options, "mtu", mtu);
		js_set_take(json, "options", options);
	}
	network_options_write(&network->options, json);
	js_set_string(ipam, "driver", "host-local");
	js_set_take(json, "ipam_options", ipam);
	return json;
}

/* An address of the record that must be one of the subnet's. */
static bool read_address(Json *json, const char *key, const Subnet *subnet, uint32_t *out,
			 GError **error)
{
	const char *text = NULL;
	if (!js_get_string(json, key, &text, error))
		return false;
	if (text && address4_parse(text, out) && subnet_contains(subnet, *out))
		return true;
	return error_set(error, ENGINE_ERROR_CORRUPT, "%s: expected an address of the subnet", key);
}

/* The IPv4 subnet of the record. */
static bool read_subnet(NamedNetwork *network, Json *row, GError **error)
{
	const char *text = NULL;
	Json *range = NULL;
	if (!js_get_string(row, "subnet", &text, error) ||
	    !subnet_parse(text ? text : "", &network->subnet, error) ||
	    !read_address(row, "gateway", &network->subnet, &network->gateway, error) ||
	    !js_get_object(row, "lease_range", &range, error))
		return false;
	return !range ||
	       (read_address(range, "start_ip", &network->subnet, &network->first, error) &&
		read_address(range, "end_ip", &network->subnet, &network->last, error));
}

/* One of each family at most. */
static bool read_subnets(NamedNetwork *network, Json *subnets, GError **error)
{
	size_t n = subnets ? json_object_array_length(subnets) : 0;
	bool ok = n == 1 || n == 2;
	for (size_t i = 0; i < n && ok; i++) {
		Json *row = json_object_array_get_idx(subnets, i);
		const char *text = "";
		if (!json_object_is_type(row, json_type_object) ||
		    !js_get_string(row, "subnet", &text, NULL))
			text = "";
		bool v6 = strchr(text, ':');
		if (v6 ? network->subnet6.prefix : network->subnet.prefix)
			ok = false;
		else if (!(v6 ? named_network6_read(network, row, error)
			      : read_subnet(network, row, error)))
			return false;
	}
	return (ok && network->subnet.prefix) ||
	       error_set(error, ENGINE_ERROR_CORRUPT,
			 "subnets: expected one of IPv4 and perhaps one of IPv6");
}

/* Options are strings, as in podman's records. */
static bool read_options(NamedNetwork *network, Json *json, GError **error)
{
	Json *options = NULL;
	const char *mtu = NULL;
	uint64_t number = 0;
	if (!js_get_object(json, "options", &options, error) ||
	    (options && !js_get_string(options, "mtu", &mtu, error)))
		return false;
	if (mtu && !units_parse_uint(mtu, NETWORK_MTU_MAX, &number, error))
		return false;
	network->mtu = (uint32_t)number;
	return network_options_read(&network->options, json, error);
}

/* Checked like everything from disk. */
static NamedNetwork *from_json(Json *json, const char *name, GError **error)
{
	g_autoptr(NamedNetwork) network = g_new0(NamedNetwork, 1);
	const char *created = NULL;
	Json *subnets = NULL;
	network->name = g_strdup(name);
	if (!js_dup_string(json, "id", &network->id, error) ||
	    !js_get_string(json, "created", &created, error) ||
	    !js_get_array(json, "subnets", &subnets, error) ||
	    !js_get_bool(json, "internal", &network->internal, error) ||
	    !js_get_bool(json, "dns_enabled", &network->dns, error) ||
	    !js_get_string_map(json, "labels", &network->labels, error) ||
	    !read_options(network, json, error) || !read_subnets(network, subnets, error))
		return NULL;
	if (!network->id || strlen(network->id) != 64 ||
	    (created && !units_parse_time(created, units_now(), &network->created, error)))
		return error_set_null(error, ENGINE_ERROR_CORRUPT, "no id");
	if (!network->labels)
		network->labels = new_labels();
	return g_steal_pointer(&network);
}

NamedNetwork *named_network_lookup(Engine *engine, const char *name, GError **error)
{
	if (g_str_equal(name, NETWORK_DEFAULT_NAME))
		return default_network();
	if (!path_name_is_safe(name))
		return NULL;
	g_autofree char *file = g_strconcat(name, SUFFIX, NULL);
	g_autoptr(GError) failed = NULL;
	g_autoptr(Json) json = js_load(networks_dir(engine), file, MAX_RECORD, &failed);
	if (!json) {
		if (!error_matches(failed, ENGINE_ERROR_NOT_FOUND))
			g_propagate_error(error, g_steal_pointer(&failed));
		return NULL;
	}
	NamedNetwork *network = from_json(json, name, error);
	if (!network)
		g_prefix_error(error, "the record of network %s: ", name);
	return network;
}

static gint compare_names(gconstpointer a, gconstpointer b)
{
	return strcmp((*(NamedNetwork *const *)a)->name, (*(NamedNetwork *const *)b)->name);
}

GPtrArray *named_networks_list(Engine *engine, GError **error)
{
	g_auto(GStrv) files = record_list(networks_dir(engine), error);
	if (!files)
		return NULL;
	GPtrArray *list = g_ptr_array_new_with_free_func((GDestroyNotify)named_network_free);
	g_ptr_array_add(list, default_network());
	for (size_t i = 0; files[i]; i++) {
		if (!g_str_has_suffix(files[i], SUFFIX))
			continue;
		g_autofree char *name = g_strndup(files[i], strlen(files[i]) - strlen(SUFFIX));
		g_autoptr(GError) broken = NULL;
		NamedNetwork *network = named_network_lookup(engine, name, &broken);
		if (network)
			g_ptr_array_add(list, network);
		else if (broken)
			log_warn("%s", broken->message);
	}
	g_ptr_array_sort(list, compare_names);
	return list;
}

NamedNetwork *named_network_resolve(Engine *engine, const char *name, GError **error)
{
	GError *failed = NULL;
	/* Docker's names; nobody can make networks of these names. */
	bool docker = g_str_equal(name, "bridge") || g_str_equal(name, "default");
	g_autoptr(NamedNetwork) network =
		named_network_lookup(engine, docker ? NETWORK_DEFAULT_NAME : name, &failed);
	if (failed) {
		g_propagate_error(error, failed);
		return NULL;
	}
	g_autoptr(GPtrArray) list = network || !*name ? NULL : named_networks_list(engine, error);
	if (!network && *name && !list)
		return NULL;
	for (guint i = list ? list->len : 0; i > 0; i--) {
		if (!g_str_has_prefix(((NamedNetwork *)list->pdata[i - 1])->id, name))
			continue;
		if (network)
			return error_set_null(error, ENGINE_ERROR_INVALID,
					      "more than one result for network ID %s: network "
					      "already exists",
					      name);
		/* As it was read: by its name it may be gone by now. */
		network = g_ptr_array_steal_index(list, i - 1);
	}
	if (!network) {
		error_set(error, ENGINE_ERROR_NOT_FOUND,
			  "unable to find network with name or ID %s: network not found", name);
		g_autoptr(GStrvBuilder) names = g_strv_builder_new();
		for (guint i = 0; list && i < list->len; i++)
			g_strv_builder_add(names, ((NamedNetwork *)list->pdata[i])->name);
		g_auto(GStrv) near = g_strv_builder_end(names);
		g_autofree char *all = g_strdup_printf(
			"skiff network ls shows all; skiff network create %s", name);
		suggest_add_near(name, near, all, error);
		return NULL;
	}
	return g_steal_pointer(&network);
}

/* ---- making ---- */

/* Is the subnet another network's, or does the host have an address in it? */
static bool is_taken(const GPtrArray *networks, const Subnet *subnet)
{
	static const Subnet slirp = {10u << 24 | 2 << 8, 24};
	struct ifaddrs *all = NULL;
	bool taken = subnet_overlaps(subnet, &slirp);
	for (guint i = 0; !taken && i < networks->len; i++)
		taken = subnet_overlaps(subnet,
					&((const NamedNetwork *)networks->pdata[i])->subnet);
	if (taken || getifaddrs(&all) < 0)
		return taken;
	for (const struct ifaddrs *one = all; one && !taken; one = one->ifa_next) {
		if (!one->ifa_addr || one->ifa_addr->sa_family != AF_INET)
			continue;
		const struct sockaddr_in *v4 = (const struct sockaddr_in *)one->ifa_addr;
		taken = subnet_contains(subnet, ntohl(v4->sin_addr.s_addr));
	}
	freeifaddrs(all);
	return taken;
}

/* The first that nobody uses. */
static bool choose_subnet(const GPtrArray *networks, Subnet *out, GError **error)
{
	/* podman's pool: 10.89.0.0/24 to 10.255.255.0/24. */
	for (uint32_t at = 10u << 24 | 89u << 16; at < 11u << 24; at += 256) {
		*out = (Subnet){at, POOL_PREFIX};
		if (!is_taken(networks, out))
			return true;
	}
	return error_set(error, ENGINE_ERROR_IN_USE,
			 "could not find free subnet from subnet pools");
}

/* --ip-range: a subnet of the subnet, or its first and last address. */
static bool set_range(NamedNetwork *network, const char *text, GError **error)
{
	const char *dash = strchr(text, '-');
	Subnet range;
	if (dash) {
		g_autofree char *first = g_strndup(text, (size_t)(dash - text));
		if (!address4_parse(first, &network->first) ||
		    !address4_parse(dash + 1, &network->last))
			return error_set(error, ENGINE_ERROR_INVALID, "invalid ip range %s", text);
	} else {
		if (!subnet_parse(text, &range, error))
			return false;
		network->first = subnet_first(&range);
		network->last = subnet_last(&range);
	}
	if (network->first > network->last)
		return error_set(error, ENGINE_ERROR_INVALID, "invalid ip range %s", text);
	if (network->first < subnet_first(&network->subnet) ||
	    network->last > subnet_last(&network->subnet)) {
		g_autofree char *subnet = subnet_format(&network->subnet);
		g_autofree char *first = address4_format(network->first);
		g_autofree char *last = address4_format(network->last);
		bool start = network->first < subnet_first(&network->subnet) ||
			     network->first > subnet_last(&network->subnet);
		return error_set(error, ENGINE_ERROR_INVALID,
				 "lease range %s ip %s not in subnet %s", start ? "start" : "end",
				 start ? first : last, subnet);
	}
	return true;
}

/* Subnet, gateway and range, as asked for or by default. */
static bool set_addresses(NamedNetwork *network, const NamedNetworkCreate *options,
			  const GPtrArray *networks, GError **error)
{
	if (!options->subnet && (options->gateway || options->ip_range))
		return error_set(error, ENGINE_ERROR_INVALID,
				 "cannot set gateway or range without subnet");
	if (!options->subnet) {
		if (!choose_subnet(networks, &network->subnet, error))
			return false;
	} else if (!subnet_parse(options->subnet, &network->subnet, error)) {
		return false;
	} else if (is_taken(networks, &network->subnet)) {
		return error_set(error, ENGINE_ERROR_IN_USE,
				 "subnet %s is already used on the host or by another config",
				 options->subnet);
	}
	network->gateway = subnet_first(&network->subnet);
	if (options->gateway && (!address4_parse(options->gateway, &network->gateway) ||
				 network->gateway < subnet_first(&network->subnet) ||
				 network->gateway > subnet_last(&network->subnet))) {
		g_autofree char *subnet = subnet_format(&network->subnet);
		return error_set(error, ENGINE_ERROR_INVALID, "gateway %s not in subnet %s",
				 options->gateway, subnet);
	}
	return !options->ip_range || set_range(network, options->ip_range, error);
}

/* --ipv6, or an IPv6 subnet. */
static bool set_addresses6(NamedNetwork *network, const NamedNetworkCreate *options,
			   const GPtrArray *networks, GError **error)
{
	if (options->subnet6.subnet)
		return named_network6_set(network, &options->subnet6, networks, error);
	if (options->ipv6)
		named_network6_choose(network, networks);
	return true;
}

/* podman1, podman2, ... */
static char *choose_name(const GPtrArray *networks)
{
	for (unsigned n = 1;; n++) {
		g_autofree char *name = g_strdup_printf(NETWORK_DEFAULT_NAME "%u", n);
		bool taken = false;
		for (guint i = 0; i < networks->len; i++)
			taken |=
				g_str_equal(((const NamedNetwork *)networks->pdata[i])->name, name);
		if (!taken)
			return g_steal_pointer(&name);
	}
}

/* Names that --network takes for something else. */
static bool check_name(const char *name, GError **error)
{
	static const char *const modes[] = {"none",      "host",    "bridge", "private",
					    "container", "default", "slirp",  "slirp4netns",
					    "pasta",     "ns",      NULL};
	if (!name_check(name, error)) {
		g_prefix_error(error, "network name %s invalid: ", name);
		return false;
	}
	if (g_strv_contains(modes, name))
		return error_set(error, ENGINE_ERROR_INVALID,
				 "cannot create network with name \"%s\" because it conflicts with "
				 "a valid network mode",
				 name);
	return true;
}

/* Its place for another of its name: nobody is on it, and its subnet is free. */
static bool leave(Engine *engine, const NamedNetwork *network, GPtrArray *networks, GError **error)
{
	g_auto(GStrv) users = named_network_users(engine, network->name, error);
	for (size_t i = 0; users && users[i]; i++) {
		g_autoptr(Container) ctr = container_lookup(engine, users[i], NULL);
		ContainerState state = ctr ? container_summary(ctr)->state : CONTAINER_EXITED;
		if (state != CONTAINER_EXITED && state != CONTAINER_CREATED)
			return error_set(error, ENGINE_ERROR_IN_USE,
					 "network %s cannot change while container %s is on it",
					 network->name, container_summary(ctr)->name);
	}
	for (guint i = networks->len; users && i-- > 0;)
		if (g_str_equal(((NamedNetwork *)networks->pdata[i])->name, network->name))
			g_ptr_array_remove_index(networks, i);
	return users != NULL;
}

/* Under the lock of all networks. */
static NamedNetwork *create_locked(Engine *engine, const NamedNetworkCreate *options,
				   GError **error)
{
	g_autoptr(GError) failed = NULL;
	g_autoptr(NamedNetwork) existing =
		options->name ? named_network_lookup(engine, options->name, &failed) : NULL;
	if (failed) {
		g_propagate_error(error, g_steal_pointer(&failed));
		return NULL;
	}
	if (existing && options->ignore)
		return g_steal_pointer(&existing);
	if (existing && !options->replace)
		return error_set_null(error, ENGINE_ERROR_EXISTS,
				      "network name %s already used: network already exists",
				      options->name);
	g_autoptr(GPtrArray) networks = named_networks_list(engine, error);
	if (!networks || (existing && !leave(engine, existing, networks, error)))
		return NULL;
	g_autoptr(NamedNetwork) network = g_new0(NamedNetwork, 1);
	network->name = options->name ? g_strdup(options->name) : choose_name(networks);
	network->id = name_new_id();
	network->created = units_now();
	network->internal = options->internal;
	network->dns = !options->disable_dns;
	network->mtu = options->mtu;
	if (options->options)
		network->options = *options->options;
	network->labels = options->labels ? g_hash_table_ref(options->labels) : new_labels();
	if (!set_addresses(network, options, networks, error) ||
	    !set_addresses6(network, options, networks, error) ||
	    !network_options_check_routes(&network->options, &network->subnet, error))
		return NULL;
	g_autofree char *file = g_strconcat(network->name, SUFFIX, NULL);
	g_autoptr(Json) json = named_network_to_json(network);
	if (!js_save(networks_dir(engine), file, json, RECORD_SYNC_FULL, error))
		return NULL;
	if (existing)
		event_network(engine, "remove", existing->name, existing->id);
	event_network(engine, "create", network->name, network->id);
	return g_steal_pointer(&network);
}

NamedNetwork *named_network_create(Engine *engine, const NamedNetworkCreate *options,
				   GError **error)
{
	if (options->name && !check_name(options->name, error))
		return NULL;
	if (options->disable_dns && options->options && options->options->n_servers)
		return error_set_null(
			error, ENGINE_ERROR_INVALID,
			"cannot set NetworkDNSServers if DNSEnabled is false: invalid "
			"argument");
	g_autoptr(RecordLock) lock =
		record_lock(networks_dir(engine), ".lock", false, -1, "network create", error);
	return lock ? create_locked(engine, options, error) : NULL;
}

/* ---- users and removal ---- */

char **named_network_users(Engine *engine, const char *name, GError **error)
{
	g_autoptr(GPtrArray) list = containers_list(engine, error);
	if (!list)
		return NULL;
	g_autoptr(GStrvBuilder) users = g_strv_builder_new();
	for (guint i = 0; i < list->len; i++) {
		const ContainerSummary *s = container_summary(list->pdata[i]);
		if (s->network_mode == NETWORK_NAMED && container_find_network(s, name))
			g_strv_builder_add(users, s->id);
	}
	return g_strv_builder_end(users);
}

RecordLock *named_networks_pin(Engine *engine, GError **error)
{
	return record_lock(networks_dir(engine), ".lock", true, -1, "create", error);
}

/* Unless a container is made for it, while none can be. */
static bool remove_unused(Engine *engine, const NamedNetwork *network, GError **error)
{
	int dir = networks_dir(engine);
	g_autofree char *file = g_strconcat(network->name, SUFFIX, NULL);
	g_autoptr(RecordLock) lock = record_lock(dir, ".lock", false, -1, "network rm", error);
	g_auto(GStrv) users = lock ? named_network_users(engine, network->name, error) : NULL;
	if (!users)
		return false;
	if (users[0])
		return error_set(error, ENGINE_ERROR_IN_USE,
				 "\"%s\" has associated containers with it. Use -f to forcibly "
				 "delete containers and pods: network is being used",
				 network->name);
	if ((unlinkat(dir, file, 0) < 0 && errno != ENOENT) || fsync(dir) < 0)
		return error_set_errno(error, "cannot remove network %s", network->name);
	event_network(engine, "remove", network->name, network->id);
	return true;
}

bool named_network_remove(Engine *engine, const NamedNetwork *network, bool force, GError **error)
{
	if (g_str_equal(network->name, NETWORK_DEFAULT_NAME))
		return error_set(error, ENGINE_ERROR_INVALID,
				 "default network %s cannot be removed", network->name);
	for (int round = 1;; round++) {
		g_autoptr(GError) failed = NULL;
		g_auto(GStrv) users =
			force ? named_network_users(engine, network->name, error) : NULL;
		if (force && (!users || !containers_remove(engine, users, error)))
			return false;
		if (remove_unused(engine, network, &failed))
			return true;
		if (!force || round == FORCE_ROUNDS ||
		    !error_matches(failed, ENGINE_ERROR_IN_USE)) {
			g_propagate_error(error, g_steal_pointer(&failed));
			return false;
		}
	}
}

bool named_network_check_attachment(const NamedNetwork *network,
				    const NetworkAttachment *attachment, GError **error)
{
	const char *ip = attachment->ip, *ip6 = attachment->ip6;
	uint32_t address = 0;
	struct in6_addr address6;
	bool good =
		!ip || (address4_parse(ip, &address) && address >= subnet_first(&network->subnet) &&
			address <= subnet_last(&network->subnet));
	bool good6 = !ip6 || (address6_parse(ip6, &address6) && network->subnet6.prefix &&
			      subnet6_contains(&network->subnet6, &address6));
	if (good && good6)
		return true;
	return error_set(error, ENGINE_ERROR_INVALID,
			 "requested static ip %s not in any subnet on network %s", good ? ip6 : ip,
			 network->name);
}

NetworkPlan *named_network_plan(const NamedNetwork *network)
{
	NetworkPlan *plan = g_new0(NetworkPlan, 1);
	plan->key = g_strndup(network->id, KEY_LENGTH);
	plan->mtu = network->mtu;
	plan->options = network->options;
	plan->subnet = network->subnet;
	plan->gateway = network->gateway;
	plan->first = network->first ? network->first : subnet_first(&network->subnet);
	plan->last = network->first ? network->last : subnet_last(&network->subnet);
	if (network->subnet6.prefix) {
		bool all = address6_is_any(&network->first6);
		plan->subnet6 = network->subnet6;
		plan->gateway6 = network->gateway6;
		plan->first6 = all ? subnet6_first(&network->subnet6) : network->first6;
		plan->last6 = all ? subnet6_last(&network->subnet6) : network->last6;
	}
	plan->internal = network->internal;
	plan->dns = network->dns;
	return plan;
}
