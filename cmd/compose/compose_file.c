/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/compose/compose_file.h"

#include <string.h>
#include <unistd.h>

#include "cmd/compose/canonical.h"
#include "cmd/compose/compose_file_priv.h"
#include "cmd/compose/compose_merge.h"
#include "cmd/compose/project_check.h"
#include "cmd/compose/project_normalize.h"
#include "cmd/compose/yaml_read.h"
#include "libpod/base/error.h"
#include "libpod/base/fd.h"

/* How a file is called in messages: as it was typed, or below the directory we are in. */
static char *shown_name(const char *path)
{
	g_autofree char *here = g_get_current_dir();
	size_t n = strlen(here);
	if (g_str_has_prefix(path, here) && path[n] == '/')
		return g_strdup(path + n + 1);
	return g_strdup(path);
}

static char *read_text(const char *path, size_t *size, GError **error)
{
	if (strcmp(path, "-") == 0)
		return fd_read_all(STDIN_FILENO, YAML_READ_SIZE_MAX, size, error);
	return environment_read_file(path, YAML_READ_SIZE_MAX, size, error);
}

GPtrArray *compose_file_documents(Loader *loader, const char *path, GError **error)
{
	GPtrArray *known = g_hash_table_lookup(loader->texts, path);
	size_t size = 0;
	if (known)
		return known;
	g_autofree char *text = read_text(path, &size, error);
	g_autofree char *shown = shown_name(path);
	known = text ? yaml_read(text, size, shown, error) : NULL;
	if (!known)
		return NULL;
	g_hash_table_insert(loader->texts, g_strdup(path), known);
	for (size_t i = 0; i < known->len; i++)
		interpolate_variables(known->pdata[i], loader->project->variables);
	return known;
}

/* Texts that interpolation is told to leave alone are marked: they may stand for anything. */
static void mark_templates(Node *node)
{
	if (node->kind == NODE_STRING && strchr(node->text, '$'))
		node->tag = node->tag == NODE_TAG_NONE ? NODE_TAG_TEMPLATE : node->tag;
	for (size_t i = 0; i < node_count(node); i++)
		mark_templates(node->kind == NODE_MAP ? node_entry(node, i)->value
						      : node_item(node, i));
}

bool compose_file_grow(size_t *bytes, const Node *more, GError **error)
{
	*bytes += node_bytes(more);
	return *bytes <= COMPOSE_BYTES_MAX ||
	       place_error(error, more->at, "the project's files take more than %d MiB of memory",
			   COMPOSE_BYTES_MAX >> 20);
}

/* One document: its variables, its shape. @base: what it will be merged onto. @bytes: of the
 * project.
 */
static Node *read_document(const Environment *env, bool no_interpolate, size_t *bytes,
			   const Node *document, const Node *base, GError **error)
{
	g_autoptr(Node) model = node_copy(document);
	size_t total = 0;
	Interpolation interpolation = environment_interpolation(env);
	interpolation.total = &total;
	if (model->kind != NODE_MAP) {
		place_error(error, model->at, "top-level object must be a mapping");
		return NULL;
	}
	if (no_interpolate)
		mark_templates(model);
	else if (!interpolate_tree(&interpolation, model, "", error))
		return NULL;
	if (!compose_file_grow(bytes, model, error))
		return NULL;
	compose_merge_drop_nulls(&shape_file, model, base);
	return canonical_apply(&shape_file, model, "", error) ? g_steal_pointer(&model) : NULL;
}

static void merge_model(Node *base, const Node *over)
{
	compose_merge(&shape_file, base, over);
	node_settle(base);
	compose_unify(&shape_file, base);
}

/* Warn of what is dropped. */
static void drop_version(Loader *loader, Node *model)
{
	const NodeEntry *version = node_get_entry(model, "version");
	if (!version)
		return;
	g_ptr_array_add(loader->project->warnings,
			g_strdup_printf("%s: `version` is obsolete", version->at.file));
	node_remove(model, "version");
}

/* Documents of one file merge as files do; what one says of another file is resolved first. */
static Node *load_documents(Loader *loader, const char *path, Node *base, GError **error)
{
	GPtrArray *documents = compose_file_documents(loader, path, error);
	if (!documents)
		return NULL;
	if (documents->len == 0)
		return error_set_null(error, ENGINE_ERROR_INVALID, "%s: empty compose file", path);
	for (size_t i = 0; i < documents->len; i++) {
		g_autoptr(Node) model =
			read_document(loader->env, loader->options->no_interpolate,
				      &loader->project->bytes, documents->pdata[i], base, error);
		if (!model)
			return NULL;
		drop_version(loader, model);
		if (!compose_file_include(loader, model, error) ||
		    !compose_file_extend(loader, model, path, error))
			return NULL;
		merge_model(base, model);
	}
	return base;
}

Node *compose_files_load(Loader *loader, const char *const *paths, GError **error)
{
	g_autoptr(Node) base = node_new(NODE_MAP, (Place){0});
	for (size_t i = 0; paths[i]; i++) {
		loader->path = paths[i];
		if (!load_documents(loader, paths[i], base, error))
			return NULL;
	}
	if (!loader->options->no_paths)
		compose_paths_resolve(loader, base);
	return g_steal_pointer(&base);
}

Node *compose_file_load(Loader *loader, const char *path, GError **error)
{
	GPtrArray *documents = compose_file_documents(loader, path, error);
	g_autoptr(Node) base = node_new(NODE_MAP, (Place){0});
	for (size_t i = 0; documents && i < documents->len; i++) {
		g_autoptr(Node) model =
			read_document(loader->env, loader->options->no_interpolate,
				      &loader->project->bytes, documents->pdata[i], base, error);
		if (!model)
			return NULL;
		compose_merge(&shape_file, base, model);
	}
	return documents ? g_steal_pointer(&base) : NULL;
}

Node *compose_file_parse(const char *text, size_t size, const char *file, const Environment *env,
			 GError **error)
{
	size_t bytes = 0;
	g_autoptr(GPtrArray) documents = yaml_read(text, size, file, error);
	if (!documents)
		return NULL;
	g_autoptr(Node) base = node_new(NODE_MAP, (Place){0});
	for (size_t i = 0; i < documents->len; i++) {
		g_autoptr(Node) model =
			read_document(env, false, &bytes, documents->pdata[i], base, error);
		if (!model)
			return NULL;
		merge_model(base, model);
	}
	return g_steal_pointer(&base);
}

static ComposeProject *project_new(void)
{
	ComposeProject *project = g_new0(ComposeProject, 1);
	project->files = g_ptr_array_new_with_free_func(g_free);
	project->env_files = g_ptr_array_new_with_free_func(g_free);
	project->profiles = g_ptr_array_new_with_free_func(g_free);
	project->warnings = g_ptr_array_new_with_free_func(g_free);
	project->variables =
		g_hash_table_new_full(g_str_hash, g_str_equal, NULL, interpolate_variable_free);
	project->env = environment_new(NULL, project->warnings);
	project->disabled = node_new(NODE_MAP, (Place){0});
	project->unselected = node_new(NODE_MAP, (Place){0});
	return project;
}

void compose_project_free(ComposeProject *project)
{
	if (!project)
		return;
	g_free(project->name);
	g_free(project->directory);
	g_ptr_array_unref(project->files);
	g_ptr_array_unref(project->env_files);
	g_ptr_array_unref(project->profiles);
	g_ptr_array_unref(project->warnings);
	g_hash_table_unref(project->variables);
	environment_free(project->env);
	node_free(project->model);
	node_free(project->disabled);
	node_free(project->unselected);
	g_free(project);
}

static void free_documents(void *documents)
{
	g_ptr_array_unref(documents);
}

/* The steps behind the model of the files. */
static bool finish(ComposeProject *project, const ComposeOptions *options, GError **error)
{
	if (!project_normalize(project, options, error))
		return false;
	if (!options->no_consistency && !project_check(project, error))
		return false;
	return project_select(project, options, error) &&
	       (options->no_environments || project_environments(project, error));
}

ComposeProject *compose_project_load(const ComposeOptions *options, GError **error)
{
	g_autoptr(ComposeProject) project = project_new();
	if (!compose_files_find(project, options, error))
		return NULL;
	g_autoptr(GHashTable) texts =
		g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_documents);
	g_autoptr(GHashTable) models =
		g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)node_free);
	Loader loader = {
		.project = project,
		.options = options,
		.directory = project->directory,
		.env = project->env,
		.texts = texts,
		.models = models,
	};
	if (!compose_files_name(&loader, error))
		return NULL;
	g_autoptr(GPtrArray) paths = g_ptr_array_new();
	for (size_t i = 0; i < project->files->len; i++)
		g_ptr_array_add(paths, project->files->pdata[i]);
	g_ptr_array_add(paths, NULL);
	project->model = compose_files_load(&loader, (const char *const *)paths->pdata, error);
	if (!project->model || !finish(project, options, error))
		return NULL;
	return g_steal_pointer(&project);
}
