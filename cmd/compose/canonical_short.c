/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The short forms of everything but ports: strings and lists to the maps they stand for.
 */
#include <string.h>

#include "cmd/compose/canonical.h"
#include "libpod/base/units.h"

/* A string to a map with one key. */
static bool string_to_map(Node *value, const char *key)
{
	if (value->kind != NODE_STRING)
		return false;
	Node *map = node_new(NODE_MAP, value->at);
	node_set_text(map, key, value->text);
	node_become(value, map);
	return true;
}

bool canonical_build(Node *value, const char *path, GError **error)
{
	(void)string_to_map(value, "context");
	return true;
}

bool canonical_env_file(Node *value, const char *path, GError **error)
{
	(void)string_to_map(value, "path");
	if (value->kind == NODE_MAP && !node_get(value, "required"))
		node_set(value, "required", value->at, node_new_bool(true, value->at));
	return true;
}

/* One string in place of a list. */
static bool one_to_list(Node *value)
{
	if (value->kind != NODE_STRING && value->kind != NODE_MAP)
		return true;
	Node *list = node_new(NODE_LIST, value->at);
	Node *item = node_copy(value);
	item->tag = NODE_TAG_NONE;
	node_append(list, item);
	node_become(value, list);
	return true;
}

bool canonical_env_files(Node *value, const char *path, GError **error)
{
	return one_to_list(value);
}

bool canonical_includes(Node *value, const char *path, GError **error)
{
	return one_to_list(value);
}

bool canonical_include(Node *value, const char *path, GError **error)
{
	(void)string_to_map(value, "path");
	return true;
}

bool canonical_extends(Node *value, const char *path, GError **error)
{
	(void)string_to_map(value, "service");
	return true;
}

bool canonical_file_ref(Node *value, const char *path, GError **error)
{
	(void)string_to_map(value, "source");
	return true;
}

bool canonical_secret(Node *value, const char *path, GError **error)
{
	(void)string_to_map(value, "source");
	return true;
}

/* A list of names to a map of nulls. */
static bool names_to_map(Node *value, const char *path, GError **error)
{
	g_autoptr(Node) map = node_new(NODE_MAP, value->at);
	for (size_t i = 0; i < node_count(value); i++) {
		Node *item = node_item(value, i);
		if (item->tag == NODE_TAG_RESET)
			continue;
		if (item->kind != NODE_STRING)
			return place_error(error, item->at, "%s[%zu] must be a string", path, i);
		node_set(map, item->text, item->at, node_new(NODE_NULL, item->at));
	}
	node_become(value, g_steal_pointer(&map));
	return true;
}

bool canonical_names(Node *value, const char *path, GError **error)
{
	return value->kind != NODE_LIST || names_to_map(value, path, error);
}

/* Fill in what a dependency leaves unsaid. */
bool canonical_depends_on(Node *value, const char *path, GError **error)
{
	bool list = value->kind == NODE_LIST;
	if (list && !names_to_map(value, path, error))
		return false;
	for (size_t i = 0; value->kind == NODE_MAP && i < node_count(value); i++) {
		NodeEntry *entry = node_entry(value, i);
		if (entry->value->tag == NODE_TAG_RESET)
			continue;
		if (list)
			node_become(entry->value, node_new(NODE_MAP, entry->at));
		if (entry->value->kind != NODE_MAP)
			return place_error(error, entry->value->at, "%s.%s must be a mapping", path,
					   entry->key);
		if (list)
			node_set_text(entry->value, "condition", "service_started");
		if (!node_get(entry->value, "required"))
			node_set(entry->value, "required", entry->at,
				 node_new_bool(true, entry->at));
	}
	return true;
}

/* SOURCE[:TARGET[:PERMISSIONS]] */
bool canonical_device(Node *value, const char *path, GError **error)
{
	if (value->kind != NODE_STRING)
		return true;
	g_auto(GStrv) parts = g_strsplit(value->text, ":", -1);
	size_t n = g_strv_length(parts);
	if (n < 1 || n > 3)
		return place_error(error, value->at,
				   "%s: confusing device mapping, please use "
				   "long syntax: %s",
				   path, value->text);
	Node *map = node_new(NODE_MAP, value->at);
	node_set_text(map, "source", parts[0]);
	node_set_text(map, "target", n > 1 ? parts[1] : parts[0]);
	node_set_text(map, "permissions", n > 2 ? parts[2] : "rwm");
	node_become(value, map);
	return true;
}

/* A map NAME: ADDRESS or a list of NAME=ADDRESS or NAME:ADDRESS, to a list with "=". */
bool canonical_hosts(Node *value, const char *path, GError **error)
{
	g_autoptr(Node) list = node_new(NODE_LIST, value->at);
	if (value->kind != NODE_LIST && value->kind != NODE_MAP)
		return true;
	for (size_t i = 0; i < node_count(value); i++) {
		bool map = value->kind == NODE_MAP;
		Node *item = map ? node_entry(value, i)->value : node_item(value, i);
		if (item->kind != NODE_STRING && !(map && item->kind == NODE_LIST))
			return place_error(error, item->at, "%s must hold strings", path);
		for (size_t a = 0; map && item->kind == NODE_LIST && a < node_count(item); a++) {
			g_autofree char *address = node_scalar_text(node_item(item, a));
			g_autofree char *text = g_strdup_printf("%s=%s", node_entry(value, i)->key,
								address ? address : "");
			node_append(list, node_new_string(text, item->at));
		}
		if (item->kind == NODE_LIST)
			continue;
		g_autofree char *text =
			map ? g_strdup_printf("%s=%s", node_entry(value, i)->key, item->text)
			    : g_strdup(item->text);
		char *separator = text + strcspn(text, "=:");
		if (!*separator)
			return place_error(error, item->at, "%s: bad host name '%s'", path, text);
		*separator = '=';
		char *end = text + strlen(text) - 1;
		if (separator[1] == '[' && *end == ']') { /* [::1] */
			*end = '\0';
			memmove(separator + 1, separator + 2, strlen(separator + 2) + 1);
		}
		node_append(list, node_new_string(text, item->at));
	}
	node_become(value, g_steal_pointer(&list));
	return true;
}

/* A map ID: PATH or a list of ID[=PATH]. */
bool canonical_ssh(Node *value, const char *path, GError **error)
{
	Node *list = node_new(NODE_LIST, value->at);
	if (value->kind == NODE_STRING)
		node_append(list, node_new_string(value->text, value->at));
	for (size_t i = 0; value->kind == NODE_MAP && i < node_count(value); i++) {
		NodeEntry *entry = node_entry(value, i);
		g_autofree char *target = node_scalar_text(entry->value);
		g_autofree char *text = target && *target
						? g_strdup_printf("%s=%s", entry->key, target)
						: g_strdup(entry->key);
		node_append(list, node_new_string(text, entry->at));
	}
	if (value->kind == NODE_STRING || value->kind == NODE_MAP)
		node_become(value, list);
	else
		node_free(list);
	return true;
}

/* A string is a line for the shell; a list says how it runs. */
bool canonical_test(Node *value, const char *path, GError **error)
{
	if (value->kind == NODE_STRING) {
		Node *list = node_new(NODE_LIST, value->at);
		node_append(list, node_new_string("CMD-SHELL", value->at));
		node_append(list, node_new_string(value->text, value->at));
		node_become(value, list);
	}
	if (value->kind != NODE_LIST || node_count(value) == 0)
		return true;
	static const char *const first[] = {"NONE", "CMD", "CMD-SHELL", NULL};
	Node *word = node_item(value, 0);
	if (word->kind == NODE_STRING && g_strv_contains(first, word->text))
		return true;
	return place_error(error, word->at,
			   "healthcheck.test must start either by \"CMD\", \"CMD-SHELL\" or "
			   "\"NONE\"");
}

/* One number is both limits; it is kept apart, since it prints as one. */
bool canonical_ulimit(Node *value, const char *path, GError **error)
{
	if (value->kind == NODE_MAP) {
		const char *missing = !node_get(value, "soft")   ? "soft"
				      : !node_get(value, "hard") ? "hard"
								 : NULL;
		if (missing && !node_get(value, "single"))
			return place_error(error, value->at, "%s %s is required", path, missing);
		return true;
	}
	if (value->kind != NODE_INT && value->kind != NODE_STRING)
		return true;
	Node *map = node_new(NODE_MAP, value->at);
	Node *single = node_copy(value);
	single->tag = NODE_TAG_NONE;
	node_set(map, "single", value->at, single);
	node_become(value, map);
	return true;
}

/* "all" devices are -1. */
bool canonical_count(Node *value, const char *path, GError **error)
{
	if (value->kind == NODE_STRING && strcmp(value->text, "all") == 0)
		node_become(value, node_new_int(-1, value->at));
	return true;
}

/* gpus: all */
bool canonical_gpus(Node *value, const char *path, GError **error)
{
	if (value->kind != NODE_STRING || strcmp(value->text, "all") != 0)
		return true;
	Place at = value->at;
	Node *list = node_new(NODE_LIST, at), *request = node_new(NODE_MAP, at);
	node_set(request, "count", at, node_new_int(-1, at));
	node_append(list, request);
	node_become(value, list);
	return true;
}

/* external: {name: X}, as files of long ago say it. */
bool canonical_external(Node *value, const char *path, GError **error)
{
	Node *external = node_get(value, "external");
	if (!node_is(external, NODE_MAP))
		return true;
	const char *name = node_string(external, "name");
	if (name && !node_get(value, "name"))
		node_set_text(value, "name", name);
	node_set(value, "external", external->at, node_new_bool(true, value->at));
	return true;
}

static bool is_bind_source(const char *source)
{
	return strchr("./~", *source) != NULL && *source;
}

/* One word behind the second colon; unknown ones say nothing, as everywhere. */
static void apply_volume_option(Node *mount, const char *word)
{
	static const char *const propagations[] = {"private", "rprivate", "shared", "rshared",
						   "slave",   "rslave",   NULL};
	if (strcmp(word, "ro") == 0)
		node_set(mount, "read_only", mount->at, node_new_bool(true, mount->at));
	else if (strcmp(word, "nocopy") == 0)
		node_set(node_ensure(mount, "volume", NODE_MAP), "nocopy", mount->at,
			 node_new_bool(true, mount->at));
	else if (strcmp(word, "z") == 0 || strcmp(word, "Z") == 0)
		node_set_text(node_ensure(mount, "bind", NODE_MAP), "selinux", word);
	else if (g_strv_contains(propagations, word))
		node_set_text(node_ensure(mount, "bind", NODE_MAP), "propagation", word);
}

/* A path of a container without what says nothing in it. */
static void clean_target(Node *mount)
{
	const char *target = node_string(mount, "target");
	if (!target || *target != '/')
		return;
	g_autofree char *clean = g_canonicalize_filename(target, "/");
	node_set_text(mount, "target", clean);
}

/* TARGET or SOURCE:TARGET[:OPTION,...] */
bool canonical_volume(Node *value, const char *path, GError **error)
{
	if (value->kind == NODE_MAP)
		clean_target(value);
	if (value->kind != NODE_STRING)
		return true;
	g_auto(GStrv) parts = g_strsplit(value->text, ":", -1);
	size_t n = g_strv_length(parts);
	if (n < 1 || n > 3 || !*parts[0] || (n > 1 && !*parts[1]))
		return place_error(error, value->at, "%s: invalid volume: '%s'", path, value->text);
	Node *mount = node_new(NODE_MAP, value->at);
	bool bind = n > 1 && is_bind_source(parts[0]);
	node_set_text(mount, "type", bind ? "bind" : "volume");
	if (n > 1)
		node_set_text(mount, "source", parts[0]);
	node_set_text(mount, "target", n > 1 ? parts[1] : parts[0]);
	clean_target(mount);
	Node *options = node_ensure(mount, bind ? "bind" : "volume", NODE_MAP);
	if (bind)
		node_set(options, "create_host_path", value->at, node_new_bool(true, value->at));
	g_auto(GStrv) words = g_strsplit(n > 2 ? parts[2] : "", ",", -1);
	for (size_t i = 0; words[i]; i++)
		apply_volume_option(mount, words[i]);
	node_become(value, mount);
	return true;
}

bool canonical_pull_age(const char *policy, int64_t *out_ns)
{
	const int64_t day = G_GINT64_CONSTANT(86400) * 1000000000;
	int64_t total = 0, ns = 0;
	if (strcmp(policy, "daily") == 0 || strcmp(policy, "weekly") == 0) {
		*out_ns = *policy == 'd' ? day : 7 * day;
		return true;
	}
	if (!g_str_has_prefix(policy, "every_"))
		return false;
	/* "1w2d12h": weeks and days are known here only. */
	for (const char *at = policy + strlen("every_"); *at;) {
		size_t digits = strspn(at, G_CSET_DIGITS "."),
		       unit = strspn(at + digits, G_CSET_a_2_z);
		g_autofree char *number = g_strndup(at, digits),
				*part = g_strndup(at, digits + unit);
		uint64_t n = 0;
		bool days = unit == 1 && strchr("dw", at[digits]);
		if (days && units_parse_uint(number, 10000, &n, NULL))
			ns = (int64_t)n * day * (at[digits] == 'w' ? 7 : 1);
		else if (days || !units_parse_duration(part, &ns, NULL) || ns < 0)
			return false;
		total += MIN(ns, INT64_MAX - total);
		at += digits + unit;
	}
	*out_ns = total;
	return total > 0;
}

bool canonical_pull_policy(Node *value, const char *path, GError **error)
{
	static const char *const known[] = {"always",  "build", "if_not_present",
					    "missing", "never", NULL};
	int64_t age = 0;
	return value->kind != NODE_STRING || g_strv_contains(known, value->text) ||
	       canonical_pull_age(value->text, &age) ||
	       place_error(error, value->at,
			   "%s: invalid value \"%s\": always, build, daily, every_DURATION, "
			   "if_not_present, missing, never or weekly",
			   path, value->text);
}
