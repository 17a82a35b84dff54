/* SPDX-License-Identifier: Apache-2.0 */
/*
 * registries.conf: reading, matching and rewriting. Finding the files is registries_conf_files.c.
 *
 * A later file replaces a [[registry]] of the same prefix as a whole, replaces lists and modes that
 * it sets, and adds to the aliases (an empty alias removes one).
 */
#include "storage/registries_conf.h"

#include <string.h>

#include "libpod/base/error.h"
#include "storage/registries_conf_priv.h"
#include "storage/toml.h"

static void mirror_free(void *data)
{
	Mirror *mirror = data;
	g_free(mirror->location);
	g_free(mirror);
}

static void registry_free(void *data)
{
	Registry *registry = data;
	g_free(registry->prefix);
	g_free(registry->location);
	g_ptr_array_unref(registry->mirrors);
	g_free(registry);
}

static void source_free(void *data)
{
	RegistrySource *source = data;
	g_free(source->host);
	g_free(source->repository);
	g_free(source);
}

static void reference_free_item(void *data)
{
	reference_free(data);
}

void short_name_free(ShortName *name)
{
	if (!name)
		return;
	g_ptr_array_unref(name->candidates);
	g_free(name->origin);
	g_free(name);
}

RegistriesConf *registries_conf_new(void)
{
	RegistriesConf *conf = g_new0(RegistriesConf, 1);
	conf->registries = g_ptr_array_new_with_free_func(registry_free);
	conf->aliases = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	conf->search = g_strsplit("docker.io", ",", -1);
	conf->mode = SHORT_NAME_ENFORCING;
	return conf;
}

void registries_conf_free(RegistriesConf *conf)
{
	if (!conf)
		return;
	g_ptr_array_unref(conf->registries);
	g_hash_table_unref(conf->aliases);
	g_strfreev(conf->search);
	g_strfreev(conf->helpers);
	g_free(conf);
}

/* A location or prefix: "host[:port][/path]", without scheme; cleaned of slashes at its end. */
static char *check_location(const TomlValue *table, const char *key, const char *text,
			    GError **error)
{
	if (strstr(text, "://")) {
		toml_error(toml_lookup(table, key), error,
			   "'%s' is a host and path, without http:// or https://", key);
		return NULL;
	}
	for (const char *c = text; *c; c++) {
		if (g_ascii_isgraph(*c) && !strchr("\\?#%\"<>{}|^`", *c))
			continue;
		toml_error(toml_lookup(table, key), error,
			   "'%s' has a character that no registry's name has", key);
		return NULL;
	}
	g_autofree char *clean = g_strdup(text);
	for (size_t n = strlen(clean); n > 0 && clean[n - 1] == '/'; n--)
		clean[n - 1] = '\0';
	return g_steal_pointer(&clean);
}

/* pull-from-mirror of a [[registry.mirror]]; the names stand in the order of MirrorUse. */
static bool parse_use(const TomlValue *table, MirrorUse *out, GError **error)
{
	static const char *const names[] = {"all", "digest-only", "tag-only"};
	const char *text = NULL;
	if (!toml_get_string(table, "pull-from-mirror", &text, error))
		return false;
	for (size_t i = 0; text && *text && i < G_N_ELEMENTS(names); i++) {
		if (strcmp(text, names[i]) == 0) {
			*out = (MirrorUse)i;
			return true;
		}
	}
	if (text && *text)
		return toml_error(toml_lookup(table, "pull-from-mirror"), error,
				  "'pull-from-mirror' must be all, digest-only or tag-only");
	return true;
}

/* One [[registry.mirror]], appended to its registry. */
static bool parse_mirror(const TomlValue *table, Registry *registry, GError **error)
{
	Mirror *mirror = g_new0(Mirror, 1);
	g_ptr_array_add(registry->mirrors, mirror);
	const char *location = NULL;
	if (!toml_get_string(table, "location", &location, error) ||
	    !toml_get_bool(table, "insecure", &mirror->is_insecure, error) ||
	    !parse_use(table, &mirror->use, error))
		return false;
	if (!location || !*location)
		return toml_error(table, error, "a mirror needs a 'location'");
	mirror->location = check_location(table, "location", location, error);
	return mirror->location != NULL;
}

/* The prefix and where it leads; either may stand for the other. */
static bool parse_names(const TomlValue *table, Registry *registry, GError **error)
{
	const char *prefix = NULL, *location = NULL;
	if (!toml_get_string(table, "prefix", &prefix, error) ||
	    !toml_get_string(table, "location", &location, error))
		return false;
	if (location && *location) {
		registry->location = check_location(table, "location", location, error);
		if (!registry->location)
			return false;
	}
	if (prefix && *prefix) {
		registry->prefix = check_location(table, "prefix", prefix, error);
		if (!registry->prefix)
			return false;
	}
	if (!registry->prefix && !registry->location)
		return toml_error(table, error, "a registry needs a 'location' or a 'prefix'");
	if (!registry->prefix)
		registry->prefix = g_strdup(registry->location);
	if (g_str_has_prefix(registry->prefix, "*.") && strpbrk(registry->prefix, "/@"))
		return toml_error(table, error,
				  "a prefix that begins with '*.' is a host and nothing more");
	if (!g_str_has_prefix(registry->prefix, "*.") && strchr(registry->prefix, '*'))
		return toml_error(table, error, "a wildcard prefix must begin with '*.'");
	return true;
}

/* One [[registry]] with its mirrors. */
static bool parse_registry(RegistriesConf *conf, const TomlValue *table, GError **error)
{
	Registry *registry = g_new0(Registry, 1);
	registry->mirrors = g_ptr_array_new_with_free_func(mirror_free);
	g_ptr_array_add(conf->registries, registry);
	const TomlValue *mirrors = NULL;
	if (!parse_names(table, registry, error) ||
	    !toml_get_bool(table, "insecure", &registry->is_insecure, error) ||
	    !toml_get_bool(table, "blocked", &registry->is_blocked, error) ||
	    !toml_get_bool(table, "mirror-by-digest-only", &registry->digest_only, error) ||
	    !toml_get_tables(table, "mirror", &mirrors, error))
		return false;
	for (size_t i = 0; mirrors && i < toml_length(mirrors); i++)
		if (!parse_mirror(toml_at(mirrors, i), registry, error))
			return false;
	/* One of an earlier file with the same prefix is replaced whole. */
	for (size_t i = 0; i + 1 < conf->registries->len; i++) {
		const Registry *old = g_ptr_array_index(conf->registries, i);
		if (strcmp(old->prefix, registry->prefix) == 0)
			g_ptr_array_remove_index(conf->registries, i--);
	}
	return true;
}

/* [aliases]: short names to full ones; an empty one takes back an earlier file's. */
static bool parse_aliases(RegistriesConf *conf, const TomlValue *root, GError **error)
{
	const TomlValue *aliases = NULL;
	if (!toml_get_table(root, "aliases", &aliases, error))
		return false;
	const char *const *keys = aliases ? toml_keys(aliases) : NULL;
	for (size_t i = 0; keys && keys[i]; i++) {
		const char *text = NULL;
		if (!toml_get_string(aliases, keys[i], &text, error))
			return false;
		g_autoptr(Reference) from = reference_parse(keys[i], NULL);
		if (!from || from->registry || from->tag || from->digest)
			return toml_error(toml_lookup(aliases, keys[i]), error,
					  "alias '%s' is not a short name without tag", keys[i]);
		if (!*text) {
			g_hash_table_remove(conf->aliases, keys[i]);
			continue;
		}
		g_autoptr(Reference) to = reference_parse(text, NULL);
		if (!to || !to->registry || to->tag || to->digest)
			return toml_error(toml_lookup(aliases, keys[i]), error,
					  "alias '%s' must be registry/repository without tag",
					  keys[i]);
		g_hash_table_insert(conf->aliases, g_strdup(keys[i]), g_strdup(text));
	}
	return true;
}

/* short-name-mode; the names stand in the order of ShortNameMode. */
static bool parse_mode(RegistriesConf *conf, const TomlValue *root, GError **error)
{
	static const char *const names[] = {"enforcing", "permissive", "disabled"};
	const char *text = NULL;
	if (!toml_get_string(root, "short-name-mode", &text, error))
		return false;
	if (!text || !*text)
		return true;
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		if (strcmp(text, names[i]) == 0) {
			conf->mode = (ShortNameMode)i;
			return true;
		}
	}
	return toml_error(toml_lookup(root, "short-name-mode"), error,
			  "'short-name-mode' must be enforcing, permissive or disabled");
}

/* Each registry to search must be a host that can stand in front of a repository. */
static bool parse_search(RegistriesConf *conf, const TomlValue *root, GError **error)
{
	static const char key[] = "unqualified-search-registries";
	g_auto(GStrv) search = NULL;
	if (!toml_get_strv(root, key, &search, error))
		return false;
	for (size_t i = 0; search && search[i]; i++) {
		g_autofree char *probe = g_strconcat(search[i], "/probe", NULL);
		g_autoptr(Reference) ref = reference_parse(probe, NULL);
		if (!ref || !ref->registry)
			return toml_error(toml_lookup(root, key), error, "'%s' is not a registry",
					  search[i]);
	}
	if (search) {
		g_strfreev(conf->search);
		conf->search = g_steal_pointer(&search);
	}
	return true;
}

/* One file's document, laid over what earlier files said. */
static bool parse_root(RegistriesConf *conf, const TomlValue *root, GError **error)
{
	const TomlValue *registries = NULL, *old = toml_lookup(root, "registries");
	if (old) {
		toml_error(old, error, "this is version 1 of the format, which is not supported");
		error_add_help(error,
			       "write unqualified-search-registries and [[registry]] tables");
		return false;
	}
	g_auto(GStrv) helpers = NULL;
	if (!parse_search(conf, root, error) || !parse_mode(conf, root, error) ||
	    !parse_aliases(conf, root, error) ||
	    !toml_get_strv(root, "credential-helpers", &helpers, error) ||
	    !toml_get_tables(root, "registry", &registries, error))
		return false;
	if (helpers) {
		g_strfreev(conf->helpers);
		conf->helpers = g_steal_pointer(&helpers);
	}
	for (size_t i = 0; registries && i < toml_length(registries); i++)
		if (!parse_registry(conf, toml_at(registries, i), error))
			return false;
	return true;
}

bool registries_conf_add(RegistriesConf *conf, const char *name, const char *text, GError **error)
{
	g_autofree char *content = NULL;
	if (!text) {
		content = registries_conf_read_file(name, error);
		if (!content)
			return false;
		text = content;
	}
	g_autoptr(TomlValue) root = toml_parse(text, strlen(text), name, error);
	return root && parse_root(conf, root, error);
}

/* "registry/repository:tag@digest", the text that prefixes are compared with. */
static size_t match_length(const char *prefix, const char *text)
{
	if (g_str_has_prefix(prefix, "*.")) {
		size_t host = strcspn(text, "/");
		size_t suffix = strlen(prefix) - 1;
		if (host > suffix && strncmp(text + host - suffix, prefix + 1, suffix) == 0)
			return suffix;
		return 0;
	}
	size_t length = strlen(prefix);
	if (strncmp(text, prefix, length) != 0)
		return 0;
	char next = text[length];
	/* Behind a host a colon begins a port, and that is another host. */
	bool boundary =
		next == '\0' || next == '/' || next == '@' || (next == ':' && strchr(prefix, '/'));
	return boundary ? length : 0;
}

/* The registry whose prefix matches most of a name; NULL if none does. */
static const Registry *find_registry(const RegistriesConf *conf, const char *text)
{
	const Registry *best = NULL;
	size_t best_length = 0;
	for (size_t i = 0; i < conf->registries->len; i++) {
		const Registry *registry = g_ptr_array_index(conf->registries, i);
		size_t length = match_length(registry->prefix, text);
		/* An exact prefix wins over a wildcard of the same length. */
		if (length > best_length) {
			best = registry;
			best_length = length;
		}
	}
	return best;
}

/* Put @location in place of the matched prefix; NULL leaves the name as it is. */
static RegistrySource *new_source(const Registry *registry, const char *location, const char *name,
				  bool is_insecure, bool is_mirror)
{
	g_autofree char *rewritten = NULL;
	if (location) {
		size_t skip =
			registry->prefix[0] == '*' ? strcspn(name, "/") : strlen(registry->prefix);
		rewritten = g_strconcat(location, name + skip, NULL);
	} else {
		rewritten = g_strdup(name);
	}
	RegistrySource *source = g_new0(RegistrySource, 1);
	size_t host = strcspn(rewritten, "/");
	source->host = g_strndup(rewritten, host);
	source->repository = g_strdup(rewritten[host] ? rewritten + host + 1 : "");
	source->is_insecure = is_insecure;
	source->is_mirror = is_mirror;
	return source;
}

static bool mirror_applies(const Registry *registry, const Mirror *mirror, bool by_digest)
{
	if (registry->digest_only || mirror->use == MIRROR_DIGEST_ONLY)
		return by_digest;
	if (mirror->use == MIRROR_TAG_ONLY)
		return !by_digest;
	return true;
}

GPtrArray *registries_conf_sources(const RegistriesConf *conf, const Reference *reference,
				   GError **error)
{
	g_autofree char *text = reference_format(reference);
	g_autofree char *name = g_strconcat(reference->registry, "/", reference->repository, NULL);
	const Registry *registry = find_registry(conf, text);
	if (registry && registry->is_blocked)
		return error_set_null(error, ENGINE_ERROR_DENIED,
				      "registry '%s' is blocked by registries.conf",
				      registry->prefix);
	g_autoptr(GPtrArray) sources = g_ptr_array_new_with_free_func(source_free);
	/* A prefix longer than the name (with tag or digest) has nothing to rewrite in the name. */
	bool rewrites = registry && strlen(registry->prefix) <= strlen(name);
	for (size_t i = 0; rewrites && i < registry->mirrors->len; i++) {
		const Mirror *mirror = g_ptr_array_index(registry->mirrors, i);
		if (mirror_applies(registry, mirror, reference->digest != NULL))
			g_ptr_array_add(sources, new_source(registry, mirror->location, name,
							    mirror->is_insecure, true));
	}
	const char *location = rewrites ? registry->location : NULL;
	g_ptr_array_add(sources, new_source(registry, location, name,
					    registry && registry->is_insecure, false));
	for (size_t i = 0; i < sources->len; i++) {
		const RegistrySource *source = g_ptr_array_index(sources, i);
		g_autofree char *full = g_strconcat(source->host, "/", source->repository, NULL);
		g_autoptr(Reference) check = reference_parse(full, error);
		if (!check) {
			g_prefix_error(error, "registries.conf rewrites '%s': ", name);
			return NULL;
		}
	}
	return g_steal_pointer(&sources);
}

ShortName *registries_conf_short_name(const RegistriesConf *conf, const Reference *reference,
				      GError **error)
{
	g_autoptr(ShortName) name = g_new0(ShortName, 1);
	name->candidates = g_ptr_array_new_with_free_func(reference_free_item);
	const char *alias = g_hash_table_lookup(conf->aliases, reference->repository);
	if (alias) {
		g_autoptr(Reference) to = reference_parse(alias, error);
		if (!to)
			return NULL;
		to->tag = g_strdup(reference->tag);
		to->digest = g_strdup(reference->digest);
		g_ptr_array_add(name->candidates, reference_normalize(to));
		name->is_alias = true;
		name->origin = g_strdup("alias");
		return g_steal_pointer(&name);
	}
	for (size_t i = 0; conf->search[i]; i++) {
		Reference full = *reference;
		full.registry = conf->search[i];
		g_ptr_array_add(name->candidates, reference_normalize(&full));
	}
	if (name->candidates->len == 0) {
		error_set(error, ENGINE_ERROR_NOT_FOUND,
			  "short-name '%s' did not resolve to an alias and no unqualified-search "
			  "registries are defined in registries.conf",
			  reference->repository);
		error_add_help(error, "write the registry too, e.g. docker.io/library/%s",
			       reference->repository);
		return NULL;
	}
	name->needs_choice = name->candidates->len > 1 && conf->mode != SHORT_NAME_DISABLED;
	name->origin = g_strdup("unqualified-search registries");
	return g_steal_pointer(&name);
}

ShortNameMode registries_conf_mode(const RegistriesConf *conf)
{
	return conf->mode;
}

const char *const *registries_conf_search(const RegistriesConf *conf)
{
	return (const char *const *)conf->search;
}

const char *const *registries_conf_helpers(const RegistriesConf *conf)
{
	return (const char *const *)conf->helpers;
}

bool registries_conf_is_insecure(const RegistriesConf *conf, const char *host)
{
	const Registry *registry = find_registry(conf, host);
	return registry && registry->is_insecure;
}
