/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/compose/export_swarm.h"

#include <stdarg.h>
#include <string.h>

#include "cmd/compose/compose_spec.h"
#include "cmd/compose/service_words.h"

/* One service on its way. */
typedef struct {
	ComposeExport *export;
	const NodeEntry *service;
	const char *path; /* "services.web" */
	Node *out;
} Swarm;

typedef struct {
	const char *key;
	void (*call)(Swarm *swarm, const Node *value); /* NULL: as it is */
} Row;

static void note(Swarm *swarm, const char *key, const char *format, ...) G_GNUC_PRINTF(3, 4);
static void note(Swarm *swarm, const char *key, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	g_autofree char *why = g_strdup_vprintf(format, args);
	va_end(args);
	g_autofree char *path = g_strdup_printf("%s.%s", swarm->path, key);
	compose_export_note(swarm->export, path, "%s", why);
}

static void ignore(Swarm *swarm, const Node *value)
{
}

/* Those keys of a map that the format has; the rest is noted. */
static Node *pick(ComposeExport *export, const char *path, const Node *map,
		  const char *const *known)
{
	Node *out = node_new(NODE_MAP, (Place){0});
	for (size_t i = 0; node_is(map, NODE_MAP) && i < node_count(map); i++) {
		const NodeEntry *entry = node_entry(map, i);
		if (g_strv_contains(known, entry->key))
			node_set(out, entry->key, entry->at, node_copy(entry->value));
	}
	compose_export_unknown(export, path, map, known);
	return out;
}

static Node *deploy(Swarm *swarm)
{
	return node_ensure(swarm->out, "deploy", NODE_MAP);
}

static Node *limits(Swarm *swarm, const char *part)
{
	return node_ensure(node_ensure(deploy(swarm), "resources", NODE_MAP), part, NODE_MAP);
}

static void set_text_once(Node *map, const char *key, const Node *value)
{
	g_autofree char *text = node_scalar_text(value);
	if (text && !node_get(map, key))
		node_set_text(map, key, text);
}

static void set_cpus(Swarm *swarm, const Node *value)
{
	set_text_once(limits(swarm, "limits"), "cpus", value);
}

static void set_memory(Swarm *swarm, const Node *value)
{
	set_text_once(limits(swarm, "limits"), "memory", value);
}

static void set_reservation(Swarm *swarm, const Node *value)
{
	set_text_once(limits(swarm, "reservations"), "memory", value);
}

/* What is there stays: mem_limit may have come first, and says the same. */
static void set_deploy(Swarm *swarm, const Node *value)
{
	static const char *const known[] = {
		"endpoint_mode", "labels",    "mode",           "placement",
		"replicas",      "resources", "restart_policy", "rollback_config",
		"update_config", NULL};
	static const char *const plain[] = {"cpus", "memory", NULL};
	static const char *const parts[] = {"limits", "reservations", NULL};
	g_autofree char *path = g_strdup_printf("%s.deploy", swarm->path);
	g_autoptr(Node) picked = pick(swarm->export, path, value, known);
	g_autoptr(Node) resources = node_steal(picked, "resources");
	for (size_t i = 0; i < node_count(picked); i++)
		if (node_count(node_entry(picked, i)->value) > 0 ||
		    node_entry(picked, i)->value->kind < NODE_LIST)
			node_set(deploy(swarm), node_entry(picked, i)->key, picked->at,
				 node_copy(node_entry(picked, i)->value));
	for (size_t p = 0; parts[p]; p++) {
		const Node *part = node_get(resources, parts[p]);
		g_autofree char *below = g_strdup_printf("%s.resources.%s", path, parts[p]);
		compose_export_unknown(swarm->export, below, part, plain);
		for (size_t i = 0; plain[i]; i++)
			if (node_get(part, plain[i]))
				set_text_once(limits(swarm, parts[p]), plain[i],
					      node_get(part, plain[i]));
	}
}

/* A service without a policy is not started again by compose; a swarm always does. */
static void set_restart(Swarm *swarm)
{
	static const char *const words[] = {"none", "on-failure", "any"};
	ServiceRestart restart = service_restart(swarm->service->value);
	if (node_get(deploy(swarm), "restart_policy"))
		return;
	Node *policy = node_ensure(deploy(swarm), "restart_policy", NODE_MAP);
	node_set_text(policy, "condition", words[restart.kind]);
	if (restart.attempts >= 0)
		node_set(policy, "max_attempts", policy->at,
			 node_new_int(restart.attempts, policy->at));
}

static void set_replicas(Swarm *swarm)
{
	int scale = compose_spec_scale(swarm->service->value);
	const char *mode = node_string(node_get(swarm->out, "deploy"), "mode");
	if (scale != 1 && !node_get(deploy(swarm), "replicas") && g_strcmp0(mode, "global") != 0)
		node_set(deploy(swarm), "replicas", swarm->out->at,
			 node_new_int(scale, swarm->out->at));
}

/* Names without a value would take docker's own environment. */
static void set_environment(Swarm *swarm, const Node *value)
{
	Node *out = node_new(NODE_MAP, value->at);
	for (size_t i = 0; i < node_count(value); i++) {
		const NodeEntry *entry = node_entry(value, i);
		if (entry->value->kind == NODE_NULL)
			note(swarm, "environment", "the image's %s cannot be unset", entry->key);
		else
			node_set(out, entry->key, entry->at, node_copy(entry->value));
	}
	node_set(swarm->out, "environment", value->at, out);
}

static void set_ports(Swarm *swarm, const Node *value)
{
	static const char *const known[] = {"mode", "protocol", "published", "target", NULL};
	Node *list = node_new(NODE_LIST, value->at);
	for (size_t i = 0; i < node_count(value); i++) {
		const Node *port = node_item(value, i);
		bool is_range = false;
		int64_t published = service_port_published(port, &is_range);
		const char *ip = node_string(port, "host_ip");
		Node *out = node_new(NODE_MAP, port->at);
		for (size_t k = 0; known[k]; k++)
			if (node_get(port, known[k]))
				node_set(out, known[k], port->at,
					 node_copy(node_get(port, known[k])));
		if (published >= 0)
			node_set(out, "published", port->at, node_new_int(published, port->at));
		if (is_range)
			note(swarm, "ports", "of a range to choose from the first is taken");
		if (ip)
			note(swarm, "ports",
			     "port %s is open on all nodes and addresses, not on %s",
			     node_string(port, "published") ? node_string(port, "published") : "",
			     ip);
		node_append(list, out);
	}
	node_set(swarm->out, "ports", value->at, list);
}

static void set_networks(Swarm *swarm, const Node *value)
{
	static const char *const known[] = {"aliases", "ipv4_address", "ipv6_address", NULL};
	Node *out = node_new(NODE_MAP, value->at);
	for (size_t i = 0; i < node_count(value); i++) {
		const NodeEntry *entry = node_entry(value, i);
		g_autofree char *path = g_strdup_printf("%s.networks.%s", swarm->path, entry->key);
		g_autoptr(Node) settings = pick(swarm->export, path, entry->value, known);
		node_set(out, entry->key, entry->at,
			 node_count(settings) ? g_steal_pointer(&settings)
					      : node_new(NODE_NULL, entry->at));
	}
	node_set(swarm->out, "networks", value->at, out);
}

/* The parts of a mount that the format has. */
static Node *read_mount(Swarm *swarm, const Node *mount)
{
	static const char *const known[] = {"bind",  "consistency", "read_only", "source", "target",
					    "tmpfs", "type",        "volume",    NULL};
	static const char *const bind[] = {"create_host_path", "propagation", NULL};
	static const char *const volume[] = {"nocopy", NULL}, *const tmpfs[] = {"size", NULL};
	const struct {
		const char *key;
		const char *const *known;
	} parts[] = {{"bind", bind}, {"volume", volume}, {"tmpfs", tmpfs}};
	g_autofree char *path = g_strdup_printf("%s.volumes", swarm->path);
	Node *out = pick(swarm->export, path, mount, known);
	for (size_t i = 0; i < G_N_ELEMENTS(parts); i++) {
		g_autoptr(Node) part = node_steal(out, parts[i].key);
		if (!part)
			continue;
		g_autoptr(Node) picked = pick(swarm->export, path, part, parts[i].known);
		node_remove(picked, "create_host_path");
		Node *size = node_get(picked, "size");
		g_autofree char *text = size ? node_scalar_text(size) : NULL;
		if (size)
			node_set(picked, "size", size->at,
				 node_new_int(g_ascii_strtoll(text, NULL, 10), picked->at));
		if (node_count(picked) > 0)
			node_set(out, parts[i].key, mount->at, g_steal_pointer(&picked));
	}
	return out;
}

static void set_volumes(Swarm *swarm, const Node *value)
{
	Node *list = node_new(NODE_LIST, value->at);
	for (size_t i = 0; i < node_count(value); i++) {
		const Node *mount = node_item(value, i);
		const char *type = node_string(mount, "type"),
			   *source = node_string(mount, "source");
		if (strcmp(type, "bind") == 0)
			note(swarm, "volumes", "'%s' must be on each node", source ? source : "");
		if (strcmp(type, "image") == 0)
			note(swarm, "volumes", "there is no word for type %s", type);
		else
			node_append(list, read_mount(swarm, mount));
	}
	node_set(swarm->out, "volumes", value->at, list);
}

/* "name:address" is all that it reads. */
static void set_hosts(Swarm *swarm, const Node *value)
{
	Node *list = node_new(NODE_LIST, value->at);
	for (size_t i = 0; i < node_count(value); i++) {
		g_autofree char *text = g_strdup(node_item(value, i)->text);
		char *at = strpbrk(text, "=:");
		if (at)
			*at = ':';
		node_append(list, node_new_string(text, list->at));
	}
	node_set(swarm->out, "extra_hosts", value->at, list);
}

static void set_health(Swarm *swarm, const Node *value)
{
	static const char *const known[] = {"disable", "interval", "retries", "start_period",
					    "test",    "timeout",  NULL};
	g_autofree char *path = g_strdup_printf("%s.healthcheck", swarm->path);
	node_set(swarm->out, "healthcheck", value->at, pick(swarm->export, path, value, known));
}

static void note_dependencies(Swarm *swarm, const Node *value)
{
	for (size_t i = 0; i < node_count(value); i++)
		note(swarm, "depends_on",
		     "services start in any order: it has to wait for '%s' by itself",
		     node_entry(value, i)->key);
}

static void note_build(Swarm *swarm, const Node *value)
{
	note(swarm, "build", "build %s and push it where the nodes find it",
	     node_string(swarm->out, "image"));
}

static void note_name(Swarm *swarm, const Node *value)
{
	note(swarm, "container_name", "tasks have names of the swarm's own");
}

/* Keep alphabetized. */
static const Row rows[] = {
	{"attach", ignore},
	{"build", note_build},
	{"cap_add", NULL},
	{"cap_drop", NULL},
	{"command", NULL},
	{"configs", NULL},
	{"container_name", note_name},
	{"cpus", set_cpus},
	{"depends_on", note_dependencies},
	{"deploy", set_deploy},
	{"dns", NULL},
	{"dns_search", NULL},
	{"entrypoint", NULL},
	{"environment", set_environment},
	{"expose", ignore},
	{"extra_hosts", set_hosts},
	{"healthcheck", set_health},
	{"hostname", NULL},
	{"image", NULL},
	{"init", NULL},
	{"labels", NULL},
	{"links", ignore},
	{"logging", NULL},
	{"mem_limit", set_memory},
	{"mem_reservation", set_reservation},
	{"networks", set_networks},
	{"ports", set_ports},
	{"profiles", ignore},
	{"pull_policy", ignore},
	{"read_only", NULL},
	{"restart", ignore},
	{"scale", ignore},
	{"secrets", NULL},
	{"stdin_open", NULL},
	{"stop_grace_period", NULL},
	{"stop_signal", NULL},
	{"sysctls", NULL},
	{"tmpfs", NULL},
	{"tty", NULL},
	{"ulimits", NULL},
	{"user", NULL},
	{"volumes", set_volumes},
	{"working_dir", NULL},
};

static const Row *find_row(const char *key)
{
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
		if (strcmp(rows[i].key, key) == 0)
			return &rows[i];
	return NULL;
}

static Node *read_service(ComposeExport *export, const NodeEntry *service)
{
	g_autofree char *path = g_strdup_printf("services.%s", service->key);
	g_autofree char *image = compose_spec_image(export->project, service->key, service->value);
	Swarm swarm = {
		.export = export,
		.service = service,
		.path = path,
		.out = node_new(NODE_MAP, (Place){0}),
	};
	node_set_text(swarm.out, "image", image);
	for (size_t i = 0; i < node_count(service->value); i++) {
		const NodeEntry *entry = node_entry(service->value, i);
		const Row *row = find_row(entry->key);
		if (g_str_has_prefix(entry->key, "x-") || entry->value->kind == NODE_NULL)
			continue;
		if (!row)
			note(&swarm, entry->key, "there is no word for it");
		else if (row->call)
			row->call(&swarm, entry->value);
		else
			node_set(swarm.out, entry->key, entry->at, node_copy(entry->value));
	}
	set_restart(&swarm);
	set_replicas(&swarm);
	return swarm.out;
}

/* Networks of a swarm are overlays; everything else keeps its name. */
static void read_resources(ComposeExport *export, const char *kind, const char *const *known,
			   Node *out)
{
	const Node *map = node_get(export->model, kind);
	for (size_t i = 0; i < node_count(map); i++) {
		const NodeEntry *entry = node_entry(map, i);
		g_autofree char *path = g_strdup_printf("%s.%s", kind, entry->key);
		Node *picked = pick(export, path, entry->value, known);
		if (node_count(node_get(picked, "ipam")) == 0)
			node_remove(picked, "ipam");
		node_set(node_ensure(out, kind, NODE_MAP), entry->key, entry->at, picked);
	}
}

/* Its configs are subnets alone. */
static void narrow_ipam(ComposeExport *export, Node *out)
{
	static const char *const known[] = {"subnet", NULL};
	Node *networks = node_get(out, "networks");
	for (size_t i = 0; i < node_count(networks); i++) {
		const NodeEntry *entry = node_entry(networks, i);
		Node *config = node_get(node_get(entry->value, "ipam"), "config");
		g_autofree char *path = g_strdup_printf("networks.%s.ipam.config", entry->key);
		for (size_t c = 0; c < node_count(config); c++) {
			Node *item = node_item(config, c);
			node_become(item, pick(export, path, item, known));
		}
	}
}

/* A swarm takes configs and secrets from files only. */
static void note_objects(ComposeExport *export, const char *kind)
{
	const Node *map = node_get(export->model, kind);
	for (size_t i = 0; i < node_count(map); i++) {
		const NodeEntry *entry = node_entry(map, i);
		g_autofree char *path = g_strdup_printf("%s.%s", kind, entry->key);
		if (!node_string(entry->value, "file") && !node_true(entry->value, "external"))
			compose_export_note(
				export, path, "make it first, as 'docker %.*s create %s'",
				(int)strlen(kind) - 1, kind, node_string(entry->value, "name"));
	}
}

/* What is not in a file must be there before the stack is. */
static void make_external(Node *out, const char *kind)
{
	Node *map = node_get(out, kind);
	for (size_t i = 0; i < node_count(map); i++) {
		Node *object = node_entry(map, i)->value;
		if (node_string(object, "file") || node_true(object, "external"))
			continue;
		node_remove(object, "environment");
		node_remove(object, "content");
		node_remove(object, "labels");
		node_set(object, "external", object->at, node_new_bool(true, object->at));
	}
}

Node *export_swarm(ComposeExport *export)
{
	static const char *const networks[] = {"attachable", "driver_opts", "external", "internal",
					       "ipam",       "labels",      "name",     NULL};
	static const char *const volumes[] = {"driver", "driver_opts", "external",
					      "labels", "name",        NULL};
	static const char *const objects[] = {"content", "environment", "external", "file",
					      "labels",  "name",        NULL};
	const Node *services = node_get(export->model, "services");
	Node *out = node_new(NODE_MAP, (Place){0});
	node_set_text(out, "version", "3.8");
	for (size_t i = 0; i < node_count(services); i++)
		node_set(node_ensure(out, "services", NODE_MAP), node_entry(services, i)->key,
			 out->at, read_service(export, node_entry(services, i)));
	read_resources(export, "networks", networks, out);
	read_resources(export, "volumes", volumes, out);
	read_resources(export, "configs", objects, out);
	read_resources(export, "secrets", objects, out);
	narrow_ipam(export, out);
	note_objects(export, "configs");
	note_objects(export, "secrets");
	make_external(out, "configs");
	make_external(out, "secrets");
	return out;
}
