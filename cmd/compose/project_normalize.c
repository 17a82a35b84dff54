/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/compose/project_normalize.h"

#include <string.h>

#include "cmd/compose/dotenv.h"
#include "libpod/base/error.h"

/* Make @service wait for another, unless it says how itself. */
static void depend_on(Node *service, const char *other, bool restart)
{
	Node *dependencies = node_ensure(service, "depends_on", NODE_MAP);
	if (node_get(dependencies, other))
		return;
	Node *value = node_new(NODE_MAP, service->at);
	node_set_text(value, "condition", "service_started");
	if (restart)
		node_set(value, "restart", service->at, node_new_bool(true, service->at));
	node_set(value, "required", service->at, node_new_bool(true, service->at));
	node_set(dependencies, other, service->at, value);
}

/* What shares something with another service starts behind it. */
static void add_dependencies(Node *service)
{
	static const char *const shared[] = {"network_mode", "ipc", "pid", "uts", "cgroup", NULL};
	const Node *links = node_get(service, "links"), *from = node_get(service, "volumes_from");
	for (size_t i = 0; node_is(links, NODE_LIST) && i < node_count(links); i++) {
		const char *text = node_item(links, i)->text;
		g_autofree char *name = g_strndup(text, strcspn(text, ":"));
		depend_on(service, name, true);
	}
	for (size_t i = 0; shared[i]; i++) {
		const char *text = node_string(service, shared[i]);
		if (text && g_str_has_prefix(text, "service:"))
			depend_on(service, text + strlen("service:"), true);
	}
	for (size_t i = 0; node_is(from, NODE_LIST) && i < node_count(from); i++) {
		const char *text = node_item(from, i)->text;
		g_autofree char *name = g_strndup(text, strcspn(text, ":"));
		if (!g_str_has_prefix(text, "container:"))
			depend_on(service, name, false);
	}
}

static void normalize_build(ComposeProject *project, Node *service)
{
	Node *build = node_get(service, "build");
	Node *args = node_get(build, "args");
	if (!node_is(build, NODE_MAP))
		return;
	if (!node_get(build, "dockerfile") && !node_get(build, "dockerfile_inline"))
		node_set_text(build, "dockerfile", "Dockerfile");
	for (size_t i = node_is(args, NODE_MAP) ? node_count(args) : 0; i-- > 0;) {
		NodeEntry *entry = node_entry(args, i);
		if (entry->value->kind != NODE_NULL)
			continue;
		const char *value = environment_lookup(project->env, entry->key);
		g_autofree char *key = g_strdup(entry->key);
		if (value)
			node_become(entry->value, node_new_string(value, entry->at));
		else
			node_remove(args, key);
	}
}

/* Where secrets without a target are seen. */
static void normalize_secrets(Node *service)
{
	const Node *secrets = node_get(service, "secrets");
	for (size_t i = 0; node_is(secrets, NODE_LIST) && i < node_count(secrets); i++) {
		Node *secret = node_item(secrets, i);
		const char *source = node_string(secret, "source");
		if (!source || node_get(secret, "target"))
			continue;
		g_autofree char *target = g_strconcat("/run/secrets/", source, NULL);
		node_set_text(secret, "target", target);
	}
}

static void normalize_service(ComposeProject *project, Node *service)
{
	static const char *const whole[] = {"resources", "placement", NULL};
	Node *networks = node_get(service, "networks"), *deploy = node_get(service, "deploy");
	if (!node_get(service, "network_mode") && node_count(networks) == 0)
		node_set(node_ensure(service, "networks", NODE_MAP), "default", service->at,
			 node_new(NODE_NULL, service->at));
	for (size_t i = 0; node_is(deploy, NODE_MAP) && whole[i]; i++)
		(void)node_ensure(deploy, whole[i], NODE_MAP);
	if (g_strcmp0(node_string(service, "pull_policy"), "if_not_present") == 0)
		node_set_text(service, "pull_policy", "missing");
	normalize_build(project, service);
	normalize_secrets(service);
	add_dependencies(service);
}

/* Real names: PROJECT_KEY, or verbatim where the file says one. */
static void name_resources(ComposeProject *project, const char *kind)
{
	Node *map = node_get(project->model, kind);
	for (size_t i = 0; node_is(map, NODE_MAP) && i < node_count(map); i++) {
		NodeEntry *entry = node_entry(map, i);
		if (entry->value->kind != NODE_MAP)
			node_become(entry->value, node_new(NODE_MAP, entry->at));
		bool external = node_true(entry->value, "external");
		if (!external)
			node_remove(entry->value, "external");
		if (!node_get(entry->value, "name")) {
			g_autofree char *name =
				external ? g_strdup(entry->key)
					 : g_strdup_printf("%s_%s", project->name, entry->key);
			node_set_text(entry->value, "name", name);
		}
		if (strcmp(kind, "networks") == 0)
			(void)node_ensure(entry->value, "ipam", NODE_MAP);
	}
}

static bool uses_default(const Node *services)
{
	for (size_t i = 0; i < node_count(services); i++) {
		const Node *networks = node_get(node_entry(services, i)->value, "networks");
		if (node_get_entry(networks, "default"))
			return true;
	}
	return false;
}

bool project_normalize(ComposeProject *project, const ComposeOptions *options, GError **error)
{
	static const char *const kinds[] = {"networks", "volumes", "secrets", "configs", NULL};
	Node *services = node_ensure(project->model, "services", NODE_MAP);
	for (size_t i = 0; i < node_count(services); i++) {
		NodeEntry *entry = node_entry(services, i);
		if (entry->value->kind != NODE_MAP)
			return place_error(error, entry->at, "services.%s must be a mapping",
					   entry->key);
		/* What is about the service as a whole is about its name. */
		entry->value->at = entry->at;
		if (!options->no_normalize)
			normalize_service(project, entry->value);
	}
	node_set_text(project->model, "name", project->name);
	if (options->no_normalize)
		return true;
	if (uses_default(services)) {
		Node *networks = node_ensure(project->model, "networks", NODE_MAP);
		if (!node_get_entry(networks, "default"))
			node_set(networks, "default", networks->at,
				 node_new(NODE_MAP, networks->at));
	}
	for (size_t i = 0; kinds[i]; i++)
		name_resources(project, kinds[i]);
	return true;
}

/* Environments. */

/* The bare names of a mapping take what the project's environment has. */
static void fill_from(const Environment *env, Node *mapping)
{
	for (size_t i = 0; node_is(mapping, NODE_MAP) && i < node_count(mapping); i++) {
		NodeEntry *entry = node_entry(mapping, i);
		const char *value = entry->value->kind == NODE_NULL
					    ? environment_lookup(env, entry->key)
					    : NULL;
		if (value)
			node_become(entry->value, node_new_string(value, entry->at));
	}
}

/* Add what one entry of env_file or label_file says to @out and, for later lines, to @layer. */
static bool add_file(const Node *entry, const char *what, Environment *layer, Node *out,
		     GError **error)
{
	g_autoptr(GError) reason = NULL;
	const char *path = node_string(entry, "path");
	const char *format = node_string(entry, "format");
	const Node *required = node_get(entry, "required");
	if (!path)
		return place_error(error, entry->at, "%s_file: path is required", what);
	if (format && strcmp(format, "raw") != 0)
		return place_error(error, entry->at, "%s_file: unsupported format '%s'", what,
				   format);
	g_autofree char *text = environment_read_file(path, DOTENV_SIZE_MAX, NULL, &reason);
	if (!text && error_matches(reason, ENGINE_ERROR_NOT_FOUND)) {
		if (node_is(required, NODE_BOOL) && !required->boolean)
			return true;
		return place_error(error, entry->at, "%s file %s not found", what, path);
	}
	const Interpolation outer = environment_interpolation(layer);
	g_autoptr(GPtrArray) pairs =
		text ? dotenv_parse(text, path, &outer, format != NULL, &reason) : NULL;
	if (!pairs)
		return place_error(error, entry->at, "%s", reason->message);
	for (size_t i = 0; i < pairs->len; i++) {
		const DotenvPair *pair = pairs->pdata[i];
		node_set(out, pair->name, entry->at,
			 pair->value ? node_new_string(pair->value, entry->at)
				     : node_new(NODE_NULL, entry->at));
		if (pair->value)
			environment_set(layer, pair->name, pair->value, true);
	}
	return true;
}

/* Files first, what the service says itself over them. */
static void lay_over(Node *service, const char *key, Node *below)
{
	g_autoptr(Node) own = node_steal(service, key);
	for (size_t i = 0; node_is(own, NODE_MAP) && i < node_count(own); i++) {
		NodeEntry *entry = node_entry(own, i);
		node_set(below, entry->key, entry->at, g_steal_pointer(&entry->value));
		entry->value = node_new(NODE_NULL, entry->at);
	}
	node_set(service, key, service->at, below);
}

static bool resolve_environment(ComposeProject *project, Node *service, GError **error)
{
	g_autoptr(Node) files = node_steal(service, "env_file");
	if (node_is(files, NODE_LIST) && node_count(files) > 0) {
		g_autoptr(Environment) layer = environment_new(project->env, project->warnings);
		g_autoptr(Node) values = node_new(NODE_MAP, files->at);
		for (size_t i = 0; i < node_count(files); i++)
			if (!add_file(node_item(files, i), "env", layer, values, error))
				return false;
		lay_over(service, "environment", g_steal_pointer(&values));
	}
	fill_from(project->env, node_get(service, "environment"));
	return true;
}

static bool resolve_labels(ComposeProject *project, Node *service, GError **error)
{
	g_autoptr(Node) files = node_steal(service, "label_file");
	if (!node_is(files, NODE_LIST) || node_count(files) == 0)
		return true;
	g_autoptr(Environment) layer = environment_new(project->env, project->warnings);
	g_autoptr(Node) values = node_new(NODE_MAP, files->at);
	for (size_t i = 0; i < node_count(files); i++) {
		g_autoptr(Node) entry = node_new(NODE_MAP, node_item(files, i)->at);
		node_set_text(entry, "path", node_item(files, i)->text);
		if (!add_file(entry, "label", layer, values, error))
			return false;
	}
	lay_over(service, "labels", g_steal_pointer(&values));
	return true;
}

bool project_environments(ComposeProject *project, GError **error)
{
	Node *services = node_get(project->model, "services");
	for (size_t i = 0; i < node_count(services); i++) {
		Node *service = node_entry(services, i)->value;
		if (!resolve_environment(project, service, error) ||
		    !resolve_labels(project, service, error))
			return false;
	}
	return true;
}
