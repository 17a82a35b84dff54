/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What files say of other files: include, extends, and the paths of both.
 */
#include <string.h>
#include <unistd.h>

#include "cmd/compose/compose_file_priv.h"
#include "cmd/compose/compose_merge.h"
#include "libpod/base/error.h"

char *compose_path(const Loader *loader, const char *directory, const char *path)
{
	if (strcmp(path, "~") == 0 || g_str_has_prefix(path, "~/")) {
		const char *home = environment_lookup(loader->env, "HOME");
		if (home && *home)
			return g_canonicalize_filename(path[1] ? path + 2 : "", home);
	}
	return g_canonicalize_filename(path, directory);
}

/* Paths. */

static void resolve(const Loader *loader, const char *directory, Node *value)
{
	if (!node_is(value, NODE_STRING) || value->tag == NODE_TAG_TEMPLATE || !*value->text)
		return;
	char *path = compose_path(loader, directory, value->text);
	g_free(value->text);
	value->text = path;
}

/* A place that is not a path: another machine's, or another kind of context. */
static bool is_remote(const char *text)
{
	static const char *const prefixes[] = {"https://",    "http://", "git://", "ssh://",
					       "github.com/", "git@",    NULL};
	for (size_t i = 0; prefixes[i]; i++)
		if (g_str_has_prefix(text, prefixes[i]))
			return true;
	return strstr(text, "://") != NULL || g_str_has_prefix(text, "service:");
}

static void resolve_context(const Loader *loader, const char *directory, Node *value)
{
	if (node_is(value, NODE_STRING) && !is_remote(value->text))
		resolve(loader, directory, value);
}

/* By the rows that say so. */
static void resolve_by_shape(const Loader *loader, const char *directory, const Shape *shape,
			     Node *node)
{
	if (!shape || shape->kind == SHAPE_ANY)
		return;
	if (shape->flags & SHAPE_PATH) {
		resolve(loader, directory, node);
		for (size_t i = 0; node->kind == NODE_LIST && i < node_count(node); i++)
			resolve(loader, directory, node_item(node, i));
		return;
	}
	if (!shape->inside)
		return;
	for (size_t i = 0; i < node_count(node); i++) {
		bool map = node->kind == NODE_MAP;
		const Shape *row =
			map ? shape_lookup(shape, node_entry(node, i)->key) : shape->inside;
		Node *value = map ? node_entry(node, i)->value : node_item(node, i);
		if (value->kind >= NODE_LIST || (row && row->flags & SHAPE_PATH))
			resolve_by_shape(loader, directory, row, value);
	}
}

void compose_service_paths_resolve(const Loader *loader, const char *directory, Node *service)
{
	Node *build = node_get(service, "build"), *volumes = node_get(service, "volumes");
	Node *contexts = node_get(build, "additional_contexts");
	resolve_by_shape(loader, directory, &shape_service, service);
	if (build && build->kind == NODE_MAP && !node_get(build, "context"))
		node_set_text(build, "context", ".");
	resolve_context(loader, directory, node_get(build, "context"));
	for (size_t i = 0; node_is(contexts, NODE_MAP) && i < node_count(contexts); i++)
		resolve_context(loader, directory, node_entry(contexts, i)->value);
	for (size_t i = 0; node_is(volumes, NODE_LIST) && i < node_count(volumes); i++) {
		Node *mount = node_item(volumes, i);
		if (g_strcmp0(node_string(mount, "type"), "bind") == 0)
			resolve(loader, directory, node_get(mount, "source"));
	}
}

/* The directory that a local volume binds. */
static void resolve_volume(const Loader *loader, Node *volume)
{
	Node *options = node_get(volume, "driver_opts");
	const char *driver = node_string(volume, "driver");
	if ((!driver || strcmp(driver, "local") == 0) &&
	    g_strcmp0(node_string(options, "o"), "bind") == 0)
		resolve(loader, loader->directory, node_get(options, "device"));
}

void compose_paths_resolve(const Loader *loader, Node *model)
{
	static const char *const files[] = {"configs", "secrets", NULL};
	const Node *services = node_get(model, "services"), *volumes = node_get(model, "volumes");
	for (size_t i = 0; i < node_count(services); i++)
		compose_service_paths_resolve(loader, loader->directory,
					      node_entry(services, i)->value);
	for (size_t i = 0; i < node_count(volumes); i++)
		resolve_volume(loader, node_entry(volumes, i)->value);
	for (size_t i = 0; files[i]; i++) {
		Node *map = node_get(model, files[i]);
		if (map)
			resolve_by_shape(loader, loader->directory,
					 shape_lookup(&shape_file, files[i]), map);
	}
}

/* Another file that one names: nothing is ever fetched for a name in a file. */
static bool check_file(const char *what, const char *text, const char *full, Place at,
		       GError **error)
{
	if (is_remote(text))
		return place_error(error, at,
				   "%s: '%s' is on another machine: get it first, skiff fetches no "
				   "compose files",
				   what, text);
	return access(full, F_OK) == 0 ||
	       place_error(error, at, "%s: no such file: '%s'", what, full);
}

/* Include. */

/* The files of one entry, absolute; the first one's directory is theirs. */
static GPtrArray *include_paths(const Loader *loader, const Node *entry, GError **error)
{
	const Node *path = node_get(entry, "path");
	g_autoptr(GPtrArray) paths = g_ptr_array_new_with_free_func(g_free);
	for (size_t i = 0; node_is(path, NODE_LIST) && i < node_count(path); i++) {
		const Node *item = node_item(path, i);
		char *full = compose_path(loader, loader->directory, item->text);
		g_ptr_array_add(paths, full);
		if (!check_file("include", item->text, full, item->at, error))
			return NULL;
		for (const Loader *outer = loader; outer; outer = outer->outer)
			if (g_strcmp0(outer->path, full) == 0) {
				place_error(error, item->at,
					    "include cycle detected: '%s' includes itself",
					    item->text);
				return NULL;
			}
	}
	if (paths->len == 0) {
		place_error(error, entry->at, "include: path is required");
		return NULL;
	}
	g_ptr_array_add(paths, NULL);
	return g_steal_pointer(&paths);
}

/* Its own variables, below those of the one who includes it. */
static bool include_env(const Loader *loader, const Node *entry, const char *directory,
			Environment *env, GError **error)
{
	const Node *files = node_get(entry, "env_file");
	if (!node_is(files, NODE_LIST)) {
		g_autofree char *dotenv = g_build_filename(directory, ".env", NULL);
		return !g_file_test(dotenv, G_FILE_TEST_IS_REGULAR) ||
		       environment_add_file(env, dotenv, error);
	}
	for (size_t i = 0; i < node_count(files); i++) {
		g_autofree char *path =
			compose_path(loader, loader->directory, node_item(files, i)->text);
		if (!environment_add_file(env, path, error))
			return false;
	}
	return true;
}

/* Load what one entry names. */
static Node *include_entry(Loader *loader, const Node *entry, GError **error)
{
	unsigned depth = 0;
	for (const Loader *outer = loader; outer; outer = outer->outer)
		if (++depth > COMPOSE_INCLUDE_MAX) {
			place_error(error, entry->at, "include: nested too deeply");
			return NULL;
		}
	g_autoptr(GPtrArray) paths = include_paths(loader, entry, error);
	if (!paths)
		return NULL;
	const char *said = node_string(entry, "project_directory");
	g_autofree char *directory = said ? compose_path(loader, loader->directory, said)
					  : g_path_get_dirname(paths->pdata[0]);
	g_autoptr(Environment) env = environment_new(loader->env, loader->project->warnings);
	if (!include_env(loader, entry, directory, env, error))
		return NULL;
	Loader inner = *loader;
	inner.outer = loader;
	inner.directory = directory;
	inner.env = env;
	return compose_files_load(&inner, (const char *const *)paths->pdata, error);
}

bool compose_file_include(Loader *loader, Node *model, GError **error)
{
	g_autoptr(Node) entries = node_steal(model, "include");
	if (!entries || entries->kind != NODE_LIST)
		return true;
	g_autoptr(Node) base = node_new(NODE_MAP, model->at);
	for (size_t i = 0; i < node_count(entries); i++) {
		g_autoptr(Node) included = include_entry(loader, node_item(entries, i), error);
		if (!included)
			return false;
		node_remove(included, "name");
		compose_merge(&shape_file, base, included);
	}
	/* The file's own paths are relative to another directory than what it includes. */
	compose_paths_resolve(loader, model);
	compose_merge(&shape_file, base, model);
	compose_unify(&shape_file, base);
	node_become(model, g_steal_pointer(&base));
	return true;
}

/* Extends. */

/* One service on its way; the outer ones wait for it. */
typedef struct Extension Extension;
struct Extension {
	const Extension *outer;
	const char *path, *service;
};

static bool extend_service(Loader *loader, Node *services, const Extension *at, GError **error);

/* a in one.yaml extends b in two.yaml extends a ... */
static bool fail_cycle(const Extension *at, Place place, GError **error)
{
	g_autoptr(GString) chain = g_string_new(NULL);
	for (; at; at = at->outer) {
		g_autofree char *base = g_path_get_basename(at->path);
		g_autofree char *part = g_strdup_printf("%s%s in %s", at->outer ? " extends " : "",
							at->service, base);
		g_string_prepend(chain, part);
	}
	return place_error(error, place, "circular reference: %s", chain->str);
}

/* The services of the file that is extended. */
static Node *extended_services(Loader *loader, const Node *extends, const char *path,
			       GError **error)
{
	Node *model = g_hash_table_lookup(loader->models, path);
	if (!model) {
		model = compose_file_load(loader, path, error);
		if (!model) {
			if (error && *error && !strstr((*error)->message, path))
				g_prefix_error(error, "%s:%u:%u: extends: ", extends->at.file,
					       extends->at.line, extends->at.column);
			return NULL;
		}
		g_hash_table_insert(loader->models, g_strdup(path), model);
	}
	return node_ensure(model, "services", NODE_MAP);
}

/* Merge a service onto its base. */
static bool extend_from(Loader *loader, Node *services, Node *service, const Node *extends,
			const Extension *at, GError **error)
{
	const char *name = node_string(extends, "service"), *file = node_string(extends, "file");
	if (!name)
		return place_error(error, extends->at, "services.%s.extends.service is required",
				   at->service);
	const Extension *top = at;
	while (top->outer)
		top = top->outer;
	/* Files of the project start from its directory, others from their own. */
	g_autofree char *start = strcmp(top->path, at->path) == 0 ? g_strdup(loader->directory)
								  : g_path_get_dirname(at->path);
	g_autofree char *path = file ? compose_path(loader, start, file) : g_strdup(at->path);
	if (file && !check_file("extends", file, path, extends->at, error))
		return false;
	Node *others = file ? extended_services(loader, extends, path, error) : services;
	if (!others)
		return false;
	if (!node_is(node_get(others, name), NODE_MAP))
		return place_error(error, extends->at,
				   "cannot extend service \"%s\": service \"%s\" not found%s%s",
				   at->service, name, file ? " in " : "", file ? file : "");
	const Extension next = {.outer = at, .path = path, .service = name};
	if (!extend_service(loader, others, &next, error))
		return false;
	if (!compose_file_grow(&loader->project->bytes, node_get(others, name), error))
		return false;
	g_autoptr(Node) base = node_copy(node_get(others, name));
	if (file) {
		g_autofree char *base_directory = g_path_get_dirname(path);
		compose_service_paths_resolve(loader, base_directory, base);
	}
	compose_merge(&shape_service, base, service);
	compose_unify(&shape_service, base);
	node_become(service, g_steal_pointer(&base));
	return true;
}

static bool extend_service(Loader *loader, Node *services, const Extension *at, GError **error)
{
	NodeEntry *entry = node_get_entry(services, at->service);
	unsigned depth = 0;
	for (const Extension *outer = at->outer; outer; outer = outer->outer)
		if (++depth > COMPOSE_INCLUDE_MAX || (strcmp(outer->path, at->path) == 0 &&
						      strcmp(outer->service, at->service) == 0))
			return fail_cycle(at, entry->at, error);
	if (!node_is(node_get(entry->value, "extends"), NODE_MAP))
		return true;
	/* It stays until it is resolved: a cycle must find it. */
	g_autoptr(Node) extends = node_copy(node_get(entry->value, "extends"));
	if (!extend_from(loader, services, entry->value, extends, at, error))
		return false;
	node_remove(entry->value, "extends");
	return true;
}

bool compose_file_extend(Loader *loader, Node *model, const char *path, GError **error)
{
	Node *services = node_get(model, "services");
	for (size_t i = 0; node_is(services, NODE_MAP) && i < node_count(services); i++) {
		const Extension at = {.path = path, .service = node_entry(services, i)->key};
		if (node_is(node_entry(services, i)->value, NODE_MAP) &&
		    !extend_service(loader, services, &at, error))
			return false;
	}
	return true;
}
