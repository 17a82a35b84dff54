/* SPDX-License-Identifier: Apache-2.0 */
/*
 * registries.d with libyaml's document interface. Files of the user and the administrator, opened
 * by path; keys that are not about where signatures are read from are left alone.
 */
#include "storage/registries_d.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include <yaml.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/record.h"
#include "storage/registries_conf.h"

#define SYSTEM_DIR     "/etc/containers/registries.d"
#define SYSTEM_STORAGE "file:///var/lib/containers/sigstore"

struct RegistriesD {
	GHashTable *scopes; /* of docker: URL, "" for a scope without one */
	char *fallback;     /* default-docker's URL, "" without one; NULL: no file has it */
	char *fallback_file;
};

RegistriesD *registries_d_new(void)
{
	RegistriesD *conf = g_new0(RegistriesD, 1);
	conf->scopes = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	return conf;
}

void registries_d_free(RegistriesD *conf)
{
	if (!conf)
		return;
	g_hash_table_unref(conf->scopes);
	g_free(conf->fallback);
	g_free(conf->fallback_file);
	g_free(conf);
}

static const char *scalar(const yaml_node_t *node)
{
	if (!node || node->type != YAML_SCALAR_NODE)
		return NULL;
	const char *text = (const char *)node->data.scalar.value;
	return strlen(text) == node->data.scalar.length ? text : NULL;
}

/* A mapping's value; NULL if the key is absent. The last one wins, as two are a mistake anyway. */
static yaml_node_t *value_of(yaml_document_t *document, const yaml_node_t *mapping, const char *key)
{
	yaml_node_t *found = NULL;
	for (yaml_node_pair_t *pair = mapping->data.mapping.pairs.start;
	     pair < mapping->data.mapping.pairs.top; pair++)
		if (g_strcmp0(scalar(yaml_document_get_node(document, pair->key)), key) == 0)
			found = yaml_document_get_node(document, pair->value);
	return found;
}

/* "lookaside", or what it was called once. "" if there is neither. NULL: it is no URL of ours. */
static const char *read_lookaside(yaml_document_t *document, const yaml_node_t *entry)
{
	static const char *const keys[] = {"lookaside", "sigstore"};
	static const char *const schemes[] = {"file:///", "http://", "https://"};
	if (entry->type != YAML_MAPPING_NODE)
		return scalar(entry) && !*scalar(entry) ? "" : NULL;
	for (size_t i = 0; i < G_N_ELEMENTS(keys); i++) {
		const yaml_node_t *value = value_of(document, entry, keys[i]);
		const char *url = scalar(value);
		if (!value || (url && !*url))
			continue;
		for (size_t j = 0; url && j < G_N_ELEMENTS(schemes); j++)
			if (g_str_has_prefix(url, schemes[j]) && !strpbrk(url, "?#"))
				return url;
		return NULL;
	}
	return "";
}

static bool bad_entry(GError **error, const char *name, const char *scope)
{
	return error_set(error, ENGINE_ERROR_INVALID,
			 "%s: '%s': 'lookaside' must be a file://, http:// or https:// URL", name,
			 scope);
}

/* The scopes below "docker". */
static bool add_scopes(RegistriesD *conf, const char *name, yaml_document_t *document,
		       const yaml_node_t *docker, GError **error)
{
	for (yaml_node_pair_t *pair = docker->data.mapping.pairs.start;
	     pair < docker->data.mapping.pairs.top; pair++) {
		const char *scope = scalar(yaml_document_get_node(document, pair->key));
		const yaml_node_t *entry = yaml_document_get_node(document, pair->value);
		if (!scope || !entry)
			return error_set(error, ENGINE_ERROR_INVALID,
					 "%s: a scope of 'docker' is no text", name);
		const char *url = read_lookaside(document, entry);
		if (!url)
			return bad_entry(error, name, scope);
		if (!g_hash_table_insert(conf->scopes, g_strdup(scope), g_strdup(url)))
			return error_set(error, ENGINE_ERROR_INVALID,
					 "%s: 'docker' namespace '%s' is defined twice", name,
					 scope);
	}
	return true;
}

static bool is_empty(const yaml_node_t *node)
{
	return !node || (scalar(node) && !*scalar(node));
}

/* Take over what a document says. */
static bool add_document(RegistriesD *conf, const char *name, yaml_document_t *document,
			 GError **error)
{
	const yaml_node_t *root = yaml_document_get_root_node(document);
	if (is_empty(root))
		return true;
	if (root->type != YAML_MAPPING_NODE)
		return error_set(error, ENGINE_ERROR_INVALID, "%s: expected a mapping", name);
	const yaml_node_t *docker = value_of(document, root, "docker");
	const yaml_node_t *fallback = value_of(document, root, "default-docker");
	if (!is_empty(docker) && docker->type != YAML_MAPPING_NODE)
		return error_set(error, ENGINE_ERROR_INVALID, "%s: 'docker' must be a mapping",
				 name);
	if (!is_empty(fallback)) {
		const char *url = read_lookaside(document, fallback);
		if (!url)
			return bad_entry(error, name, "default-docker");
		if (conf->fallback)
			return error_set(error, ENGINE_ERROR_INVALID,
					 "'default-docker' is defined both in '%s' and in '%s'",
					 conf->fallback_file, name);
		conf->fallback = g_strdup(url);
		conf->fallback_file = g_strdup(name);
	}
	return is_empty(docker) || add_scopes(conf, name, document, docker, error);
}

bool registries_d_add(RegistriesD *conf, const char *name, const char *text, GError **error)
{
	yaml_parser_t parser;
	yaml_document_t document;
	if (!yaml_parser_initialize(&parser))
		return error_set(error, ENGINE_ERROR_SYSTEM, "cannot read YAML");
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, strlen(text));
	bool done = false;
	if (yaml_parser_load(&parser, &document)) {
		done = add_document(conf, name, &document, error);
		yaml_document_delete(&document);
	} else {
		error_set(error, ENGINE_ERROR_INVALID, "%s:%zu: %s", name,
			  parser.problem_mark.line + 1,
			  parser.problem ? parser.problem : "it is no YAML");
	}
	yaml_parser_delete(&parser);
	return done;
}

/* The *.yaml of a directory; false without @error: there is no such directory. */
static bool add_directory(RegistriesD *conf, const char *directory, GError **error)
{
	autofd fd = openat(AT_FDCWD, directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return false;
	g_auto(GStrv) names = record_list(fd, error);
	for (size_t i = 0; names && names[i]; i++) {
		if (!g_str_has_suffix(names[i], ".yaml"))
			continue;
		g_autofree char *path = g_build_filename(directory, names[i], NULL);
		g_autofree char *text = registries_conf_read_file(path, error);
		if (!text || !registries_d_add(conf, path, text, error))
			return false;
	}
	return names != NULL;
}

RegistriesD *registries_d_load(GError **error)
{
	g_autoptr(RegistriesD) conf = registries_d_new();
	g_autoptr(GError) problem = NULL;
	g_autofree char *own =
		g_build_filename(g_get_user_config_dir(), "containers", "registries.d", NULL);
	if (!add_directory(conf, own, &problem) && !problem)
		(void)add_directory(conf, SYSTEM_DIR, &problem);
	if (!problem)
		return g_steal_pointer(&conf);
	g_propagate_error(error, g_steal_pointer(&problem));
	return NULL;
}

/* A scope's URL, borrowed; NULL if it has none. */
static const char *lookup(const RegistriesD *conf, const char *scope)
{
	const char *url = g_hash_table_lookup(conf->scopes, scope);
	return url && *url ? url : NULL;
}

/* "registry/a/b:tag", "registry/a/b", "registry/a", "registry", "*.example.com", "*.com". */
static const char *find_scope(const RegistriesD *conf, const Reference *reference)
{
	Reference plain = *reference;
	if (plain.digest)
		plain.tag = NULL;
	g_autofree char *scope = reference_format(&plain);
	const char *url = lookup(conf, scope);
	g_free(scope);
	scope = g_strconcat(reference->registry, "/", reference->repository, NULL);
	while (!url) {
		url = lookup(conf, scope);
		char *slash = strrchr(scope, '/');
		if (!slash)
			break;
		*slash = '\0';
	}
	scope[strcspn(scope, "/")] = '\0';
	for (const char *dot = strchr(scope, '.'); !url && dot; dot = strchr(dot + 1, '.')) {
		g_autofree char *wild = g_strconcat("*", dot, NULL);
		url = lookup(conf, wild);
	}
	return url;
}

char *registries_d_lookaside(const RegistriesD *conf, const Reference *reference)
{
	const char *url = find_scope(conf, reference);
	if (!url && conf->fallback && *conf->fallback)
		url = conf->fallback;
	if (url)
		return g_strdup(url);
	if (geteuid() == 0)
		return g_strdup(SYSTEM_STORAGE);
	g_autofree char *own =
		g_build_filename(g_get_home_dir(), ".local/share/containers/sigstore", NULL);
	return g_strconcat("file://", own, NULL);
}
