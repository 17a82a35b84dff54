/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A service's ports, networks and the namespaces that it shares.
 */
#include <string.h>

#include "cmd/compose/compose_spec_priv.h"
#include "cmd/compose/service_words.h"
#include "libpod/spec_parse.h"

bool spec_apply_ports(Build *build, const Node *value, GError **error)
{
	bool wanted = !build->make->slug || build->make->service_ports;
	for (size_t i = 0; wanted && i < node_count(value); i++) {
		const Node *port = node_item(value, i);
		const char *published = node_string(port, "published");
		g_autofree char *chosen = NULL;
		if (published && strchr(published, '-')) {
			chosen = compose_spec_choose_port(build->make, port, error);
			if (!chosen)
				return false;
			published = chosen;
		}
		g_autofree char *text = service_port_text(port, published);
		if (!spec_call(build, "ports", spec_add_publish, text, error))
			return false;
	}
	return true;
}

bool spec_call_shared(Build *build, const char *key, SpecSetter set, const char *text,
		      GError **error)
{
	g_autofree char *whose = service_namespace(build->make->project, text);
	return spec_call(build, key, set, whose, error);
}

bool spec_apply_ipc(Build *build, const Node *value, GError **error)
{
	return spec_call_shared(build, "ipc", spec_set_ipc, value->text, error);
}

bool spec_apply_pid(Build *build, const Node *value, GError **error)
{
	return value->kind != NODE_STRING ||
	       spec_call_shared(build, "pid", spec_set_pid, value->text, error);
}

bool spec_apply_uts(Build *build, const Node *value, GError **error)
{
	return spec_call_shared(build, "uts", spec_set_uts, value->text, error);
}

bool spec_apply_network_mode(Build *build, const Node *value, GError **error)
{
	return spec_call_shared(build, "network_mode", spec_set_network, value->text, error);
}

/* "KEY=VALUE" of a network's options, which are separated by commas. */
static bool add_option(Build *build, GString *options, const char *key, const char *value,
		       GError **error)
{
	if (value && strchr(value, ','))
		return place_error(error, build->make->service->at,
				   "services.%s.networks: \"%s\" holds a comma", build->make->name,
				   value);
	if (value)
		g_string_append_printf(options, "%c%s=%s", options->len ? ',' : ':', key, value);
	return true;
}

/* What the service alone calls others, who answer to a name on the network. */
static bool add_links(Build *build, const char *key, GString *options, GError **error)
{
	const Node *links = node_get(build->make->service, key);
	for (size_t i = 0; i < node_count(links); i++) {
		const char *text = node_item(links, i)->text;
		if (service_link_alias(text) && !add_option(build, options, "link", text, error))
			return false;
	}
	return true;
}

/* Does the container answer to the service's names? */
static bool is_named(const Build *build)
{
	return !build->make->slug || build->make->use_aliases;
}

/* What a service says of one network it is on, as the option --network takes it. */
static bool read_network(Build *build, const Node *settings, GString *options, GError **error)
{
	static const struct {
		const char *key, *why;
	} missing[] = {
		{"driver_opts", "the bridge has no options for one container: driver_opts is"},
		{"link_local_ips", "a container has one address of each family: link_local_ips is"},
	};
	const Node *aliases = node_get(settings, "aliases");
	for (size_t i = 0; i < G_N_ELEMENTS(missing); i++) {
		const Node *said = node_get(settings, missing[i].key);
		bool nothing = !said || said->kind == NODE_NULL ||
			       (said->kind >= NODE_LIST && node_count(said) == 0) ||
			       (said->kind == NODE_INT && said->integer == 0);
		if (!nothing)
			return compose_unsupported(build->make, "networks", missing[i].why, error);
	}
	for (size_t i = 0; is_named(build) && i < node_count(aliases); i++)
		if (!add_option(build, options, "alias", node_item(aliases, i)->text, error))
			return false;
	return add_option(build, options, "ip", node_string(settings, "ipv4_address"), error) &&
	       add_option(build, options, "ip6", node_string(settings, "ipv6_address"), error) &&
	       add_option(build, options, "mac", node_string(settings, "mac_address"), error) &&
	       add_option(build, options, "interface_name", node_string(settings, "interface_name"),
			  error) &&
	       add_links(build, "links", options, error) &&
	       add_links(build, "external_links", options, error);
}

static int64_t network_number(const NodeEntry *entry, const char *key)
{
	const Node *number = node_get(entry->value, key);
	return node_is(number, NODE_INT) ? number->integer : 0;
}

/* The first has the default route: the highest gw_priority, then the highest priority, by name. */
static int compare_networks(const void *a, const void *b)
{
	static const char *const keys[] = {"gw_priority", "priority"};
	const NodeEntry *const *x = a, *const *y = b;
	for (size_t i = 0; i < G_N_ELEMENTS(keys); i++) {
		int64_t first = network_number(*x, keys[i]), second = network_number(*y, keys[i]);
		if (first != second)
			return first < second ? 1 : -1;
	}
	return strcmp((*x)->key, (*y)->key);
}

bool spec_apply_networks(Build *build, const Node *value, GError **error)
{
	g_autoptr(GPtrArray) order = g_ptr_array_new();
	const Node *known = node_get(build->make->project->model, "networks");
	for (size_t i = 0; i < node_count(value); i++)
		g_ptr_array_add(order, node_entry(value, i));
	g_ptr_array_sort(order, compare_networks);
	for (guint i = 0; i < order->len; i++) {
		const NodeEntry *entry = order->pdata[i];
		const char *name = node_string(node_get(known, entry->key), "name");
		g_autoptr(GString) options = g_string_new(NULL);
		const char *alias = is_named(build) ? build->make->name : NULL;
		if (!add_option(build, options, "alias", alias, error) ||
		    !read_network(build, entry->value, options, error))
			return false;
		g_autofree char *text = g_strconcat(name ? name : entry->key, options->str, NULL);
		if (!spec_call(build, "networks", spec_set_network, text, error))
			return false;
	}
	return true;
}

/* spec_apply_networks() makes them. */
static bool check_links(Build *build, const char *key, const Node *value, GError **error)
{
	bool networks = node_count(node_get(build->make->service, "networks")) > 0;
	for (size_t i = 0; !networks && i < node_count(value); i++)
		if (service_link_alias(node_item(value, i)->text))
			return compose_unsupported(build->make, key,
						   "the service has no network of its own to find "
						   "others on: an alias is",
						   error);
	return true;
}

bool spec_apply_external_links(Build *build, const Node *value, GError **error)
{
	return check_links(build, "external_links", value, error);
}

bool spec_apply_links(Build *build, const Node *value, GError **error)
{
	return check_links(build, "links", value, error);
}
