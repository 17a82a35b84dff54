/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which services take part, and what they use of the rest.
 */
#include <string.h>

#include "cmd/compose/project_normalize.h"
#include "libpod/base/error.h"
#include "libpod/base/suggest.h"

static bool profile_enabled(const ComposeProject *project, const char *name)
{
	for (size_t i = 0; i < project->profiles->len; i++)
		if (strcmp(project->profiles->pdata[i], "*") == 0 ||
		    strcmp(project->profiles->pdata[i], name) == 0)
			return true;
	return false;
}

static bool service_enabled(const ComposeProject *project, const Node *service)
{
	const Node *profiles = node_get(service, "profiles");
	if (!node_is(profiles, NODE_LIST) || node_count(profiles) == 0)
		return true;
	for (size_t i = 0; i < node_count(profiles); i++)
		if (profile_enabled(project, node_item(profiles, i)->text))
			return true;
	return false;
}

/* --profile, else COMPOSE_PROFILES. */
static void read_profiles(ComposeProject *project, const ComposeOptions *options)
{
	const char *variable = environment_lookup(project->env, "COMPOSE_PROFILES");
	g_auto(GStrv) split = g_strsplit(variable ? variable : "", ",", -1);
	const char *const *names = options->profiles && options->profiles[0]
					   ? options->profiles
					   : (const char *const *)split;
	for (size_t i = 0; names[i]; i++)
		if (*names[i])
			g_ptr_array_add(project->profiles, g_strstrip(g_strdup(names[i])));
}

bool compose_project_unknown(const ComposeProject *project, const char *name, GError **error)
{
	const Node *lists[] = {node_get(project->model, "services"), project->disabled,
			       project->unselected};
	Suggestions near;
	suggest_init(&near, name);
	for (size_t i = 0; i < G_N_ELEMENTS(lists); i++)
		for (size_t j = 0; j < node_count(lists[i]); j++)
			suggest_offer(&near, node_entry(lists[i], j)->key);
	error_set(error, ENGINE_ERROR_NOT_FOUND, "no such service: %s", name);
	suggest_add_help(&near, "", error);
	return false;
}

/* A named service brings its own profiles. */
static bool enable_named(ComposeProject *project, const ComposeOptions *options, GError **error)
{
	const Node *services = node_get(project->model, "services");
	for (size_t i = 0; options->services && options->services[i]; i++) {
		const Node *service = node_get(services, options->services[i]);
		const Node *profiles = node_get(service, "profiles");
		if (!service)
			return compose_project_unknown(project, options->services[i], error);
		for (size_t p = 0; node_is(profiles, NODE_LIST) && p < node_count(profiles); p++)
			g_ptr_array_add(project->profiles, g_strdup(node_item(profiles, p)->text));
	}
	return true;
}

static void disable_others(ComposeProject *project)
{
	Node *services = node_get(project->model, "services");
	g_autoptr(Node) enabled = node_new(NODE_MAP, services->at);
	for (size_t i = 0; i < node_count(services); i++) {
		NodeEntry *entry = node_entry(services, i);
		bool on = service_enabled(project, entry->value);
		node_set(on ? enabled : project->disabled, entry->key, entry->at,
			 g_steal_pointer(&entry->value));
		entry->value = node_new(NODE_NULL, entry->at);
	}
	node_become(services, g_steal_pointer(&enabled));
}

/* What an enabled service depends on is enabled, or not required. */
static bool check_dependencies(ComposeProject *project, GError **error)
{
	Node *services = node_get(project->model, "services");
	for (size_t i = 0; i < node_count(services); i++) {
		NodeEntry *entry = node_entry(services, i);
		Node *others = node_get(entry->value, "depends_on");
		for (size_t d = node_is(others, NODE_MAP) ? node_count(others) : 0; d-- > 0;) {
			NodeEntry *other = node_entry(others, d);
			if (node_get(services, other->key) || !node_true(other->value, "required"))
				continue;
			place_error(error, other->at,
				    "service \"%s\" depends on undefined service \"%s\"",
				    entry->key, other->key);
			error_add_help(error, "a profile that is not enabled hides '%s'",
				       other->key);
			return false;
		}
	}
	return true;
}

/* @name and what it depends on. */
static void mark_needed(const Node *services, const char *name, GHashTable *needed)
{
	const Node *others = node_get(node_get(services, name), "depends_on");
	if (!g_hash_table_add(needed, (void *)name))
		return;
	for (size_t i = 0; node_is(others, NODE_MAP) && i < node_count(others); i++)
		mark_needed(services, node_entry(others, i)->key, needed);
}

/* Only the named ones and what they need. */
static void keep_named(ComposeProject *project, const ComposeOptions *options)
{
	Node *services = node_get(project->model, "services");
	if (!options->services || !options->services[0])
		return;
	g_autoptr(GHashTable) needed = g_hash_table_new(g_str_hash, g_str_equal);
	for (size_t i = 0; options->services[i]; i++)
		mark_needed(services, options->services[i], needed);
	g_autoptr(Node) kept = node_new(NODE_MAP, services->at);
	for (size_t i = 0; i < node_count(services); i++) {
		NodeEntry *entry = node_entry(services, i);
		node_set(g_hash_table_contains(needed, entry->key) ? kept : project->unselected,
			 entry->key, entry->at, g_steal_pointer(&entry->value));
		entry->value = node_new(NODE_NULL, entry->at);
	}
	g_hash_table_remove_all(needed);
	node_become(services, g_steal_pointer(&kept));
}

/* The names in @list (of maps with a source, or of volumes) to @used. */
static void use_sources(const Node *list, bool volumes, GHashTable *used)
{
	for (size_t i = 0; node_is(list, NODE_LIST) && i < node_count(list); i++) {
		const Node *item = node_item(list, i);
		const char *source = node_string(item, "source");
		bool named = !volumes || g_strcmp0(node_string(item, "type"), "volume") == 0;
		if (source && named)
			g_hash_table_add(used, (void *)source);
	}
}

static void use_resources(const Node *service, const char *kind, GHashTable *used)
{
	const Node *value = node_get(service, kind);
	for (size_t i = 0; node_is(value, NODE_MAP) && i < node_count(value); i++)
		g_hash_table_add(used, node_entry(value, i)->key);
	use_sources(value, strcmp(kind, "volumes") == 0, used);
	if (strcmp(kind, "secrets") == 0)
		use_sources(node_get(node_get(service, "build"), kind), false, used);
}

/* What no service uses is not made. */
static void drop_unused(ComposeProject *project, const char *kind)
{
	Node *services = node_get(project->model, "services"),
	     *map = node_get(project->model, kind);
	bool secrets = strcmp(kind, "secrets") == 0;
	g_autoptr(GHashTable) used = g_hash_table_new(g_str_hash, g_str_equal);
	for (size_t i = 0; i < node_count(services); i++)
		use_resources(node_entry(services, i)->value, kind, used);
	/* Their images may be built for those of others. */
	for (size_t i = 0; secrets && i < node_count(project->unselected); i++) {
		const Node *other = node_entry(project->unselected, i)->value;
		use_sources(node_get(node_get(other, "build"), kind), false, used);
	}
	for (size_t i = node_is(map, NODE_MAP) ? node_count(map) : 0; i-- > 0;) {
		g_autofree char *key = g_strdup(node_entry(map, i)->key);
		if (!g_hash_table_contains(used, key))
			node_remove(map, key);
	}
	if (map && node_count(map) == 0)
		node_remove(project->model, kind);
}

bool project_select(ComposeProject *project, const ComposeOptions *options, GError **error)
{
	static const char *const kinds[] = {"networks", "volumes", "secrets", "configs", NULL};
	read_profiles(project, options);
	if (!enable_named(project, options, error))
		return false;
	disable_others(project);
	if (!options->no_consistency && !check_dependencies(project, error))
		return false;
	keep_named(project, options);
	for (size_t i = 0; kinds[i]; i++)
		drop_unused(project, kinds[i]);
	return true;
}
