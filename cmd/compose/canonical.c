/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/compose/canonical.h"

#include <string.h>

#include "cmd/compose/scalar.h"
#include "cmd/compose/shell_words.h"
#include "libpod/base/error.h"
#include "libpod/base/suggest.h"
#include "libpod/base/units.h"

static bool wrong_kind(const Node *node, const char *path, const char *wanted, GError **error)
{
	return place_error(error, node->at, "%s must be %s", *path ? path : "top-level object",
			   wanted);
}

/* Make any scalar a string in place. */
static bool to_text(Node *node)
{
	char *text = node_scalar_text(node);
	if (!text)
		return false;
	g_free(node->text);
	node->text = text;
	node->kind = NODE_STRING;
	return true;
}

static bool apply_text(const Shape *shape, Node *node, const char *path, GError **error)
{
	bool number = node->kind == NODE_INT || node->kind == NODE_FLOAT;
	if (shape->kind == SHAPE_STRING && node->kind != NODE_STRING)
		return wrong_kind(node, path, "a string", error);
	if (node->kind != NODE_STRING && !number && node->kind != NODE_BOOL)
		return wrong_kind(node, path, "a string or a number", error);
	return to_text(node);
}

static bool apply_number(const Shape *shape, Node *node, const char *path, GError **error)
{
	static const struct {
		NodeKind kind;
		const char *wanted;
	} kinds[] = {
		[SHAPE_INT] = {NODE_INT, "an integer"},
		[SHAPE_NUMBER] = {NODE_FLOAT, "a number"},
		[SHAPE_BOOL] = {NODE_BOOL, "a boolean"},
	};
	NodeKind kind = kinds[shape->kind].kind;
	if (node->kind == kind || (kind == NODE_FLOAT && node->kind == NODE_INT) ||
	    scalar_cast(node, kind))
		return true;
	return wrong_kind(node, path, kinds[shape->kind].wanted, error);
}

static bool apply_size(Node *node, const char *path, GError **error)
{
	int64_t bytes = 0;
	if (node->kind == NODE_INT)
		return to_text(node);
	if (node->kind == NODE_STRING && strcmp(node->text, "-1") == 0)
		return true;
	if (node->kind != NODE_STRING || !units_parse_size(node->text, &bytes, NULL)) {
		g_autofree char *text = node_scalar_text(node);
		if (!text)
			return wrong_kind(node, path, "a size", error);
		return place_error(error, node->at, "%s: invalid size: '%s'", path, text);
	}
	node->kind = NODE_INT;
	node->integer = bytes;
	return to_text(node);
}

/* "1d" and "1w" are days and weeks only in pull policies, which are texts. */
static bool apply_duration(Node *node, const char *path, GError **error)
{
	int64_t ns = 0;
	if (node->kind != NODE_STRING)
		return wrong_kind(node, path, "a string", error);
	if (!units_parse_duration(node->text, &ns, NULL))
		return place_error(error, node->at, "%s: invalid duration: '%s'", path, node->text);
	g_free(node->text);
	node->text = units_format_duration(ns);
	return true;
}

static bool apply_texts(const Shape *shape, Node *node, const char *path, GError **error)
{
	static const Shape text = {.kind = SHAPE_TEXT};
	if (node->kind == NODE_STRING && shape->kind == SHAPE_WORDS) {
		Node *list = node_new(NODE_LIST, node->at);
		node_append(list, node_new_string(node->text, node->at));
		node_become(node, list);
	}
	if (node->kind != NODE_LIST)
		return wrong_kind(node, path,
				  shape->kind == SHAPE_WORDS ? "a string or a list" : "a list",
				  error);
	for (size_t i = 0; i < node_count(node); i++) {
		g_autofree char *inner = g_strdup_printf("%s[%zu]", path, i);
		Node *item = node_item(node, i);
		if (item->tag != NODE_TAG_RESET && !apply_text(&text, item, inner, error))
			return false;
	}
	return true;
}

static bool apply_shell(const Shape *shape, Node *node, const char *path, GError **error)
{
	if (node->kind == NODE_NULL)
		return true;
	for (size_t i = 0; node->kind == NODE_LIST && i < node_count(node); i++)
		if (node_item(node, i)->kind != NODE_STRING)
			return place_error(error, node_item(node, i)->at,
					   "%s[%zu] must be a string", path, i);
	if (node->kind != NODE_STRING)
		return node->kind == NODE_LIST ||
		       wrong_kind(node, path, "a string or a list", error);
	g_auto(GStrv) words = shell_words_split(node->text);
	if (!words)
		return place_error(error, node->at, "%s: invalid command line string", path);
	Node *list = node_new(NODE_LIST, node->at);
	for (size_t i = 0; words[i]; i++)
		node_append(list, node_new_string(words[i], node->at));
	node_become(node, list);
	return true;
}

/* A list of NAME=VALUE to a map. */
static bool list_to_mapping(Node *node, const char *path, GError **error)
{
	g_autoptr(Node) map = node_new(NODE_MAP, node->at);
	for (size_t i = 0; i < node_count(node); i++) {
		Node *item = node_item(node, i);
		if (item->tag == NODE_TAG_RESET)
			continue;
		g_autofree char *text = node_scalar_text(item);
		if (!text)
			return place_error(error, item->at, "%s[%zu] must be a string", path, i);
		char *equals = strchr(text, '=');
		if (equals)
			*equals = '\0';
		node_set(map, text, item->at,
			 equals ? node_new_string(equals + 1, item->at)
				: node_new(NODE_NULL, item->at));
	}
	node_become(node, g_steal_pointer(&map));
	return true;
}

static bool apply_mapping(const Shape *shape, Node *node, const char *path, GError **error)
{
	if (node->kind == NODE_LIST && !list_to_mapping(node, path, error))
		return false;
	if (node->kind != NODE_MAP)
		return wrong_kind(node, path, "a mapping or a list", error);
	for (size_t i = 0; i < node_count(node); i++) {
		NodeEntry *entry = node_entry(node, i);
		Node *value = entry->value;
		if (value->kind == NODE_NULL && shape->kind == SHAPE_LABELS &&
		    value->tag == NODE_TAG_NONE)
			node_become(value, node_new_string("", value->at));
		if (value->kind == NODE_NULL || to_text(value))
			continue;
		return place_error(error, value->at, "%s.%s must be a string, number or null", path,
				   entry->key);
	}
	return true;
}

/* What is near a key that no row has. */
static bool unknown_key(const Shape *shape, const NodeEntry *entry, const char *path,
			GError **error)
{
	Suggestions near;
	suggest_init(&near, entry->key);
	for (const Shape *row = shape->inside; row->name; row++)
		suggest_offer(&near, row->name);
	place_error(error, entry->at, "%s%sunknown key '%s'", path, *path ? ": " : "", entry->key);
	suggest_add_help(&near, "", error);
	return false;
}

/* Names of services, networks and the like are part of other names. */
static bool check_name(const Shape *shape, const NodeEntry *entry, const char *path, GError **error)
{
	bool named = shape->kind == SHAPE_MAP && !strchr(path, '.');
	if (!named ||
	    (*entry->key &&
	     entry->key[strspn(entry->key, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "._-")] == '\0'))
		return true;
	return place_error(error, entry->at,
			   "%s: invalid name '%s': letters, digits, '.', '_' and '-'", path,
			   entry->key);
}

static bool apply_entry(const Shape *shape, const NodeEntry *entry, const char *path,
			GError **error)
{
	const Shape *row = shape_lookup(shape, entry->key);
	if (!row)
		return shape_is_extension(entry->key) || unknown_key(shape, entry, path, error);
	g_autofree char *inner = g_strdup_printf("%s%s%s", path, *path ? "." : "", entry->key);
	return check_name(shape, entry, path, error) &&
	       canonical_apply(row, entry->value, inner, error);
}

/* A key of an object without a value says nothing, unless its row gives null a meaning. */
static void drop_nulls(const Shape *shape, Node *node)
{
	for (size_t i = node_count(node); shape->kind == SHAPE_OBJECT && i-- > 0;) {
		const NodeEntry *entry = node_entry(node, i);
		const Shape *row = shape_lookup(shape, entry->key);
		if (entry->value->kind != NODE_NULL || entry->value->tag != NODE_TAG_NONE || !row ||
		    row->kind == SHAPE_SHELL || row->kind == SHAPE_ANY)
			continue;
		g_autofree char *key = g_strdup(entry->key);
		node_remove(node, key);
	}
}

static bool apply_members(const Shape *shape, Node *node, const char *path, GError **error)
{
	if (node->kind != NODE_MAP)
		return wrong_kind(node, path, "a mapping", error);
	for (size_t i = 0; i < node_count(node); i++)
		if (!apply_entry(shape, node_entry(node, i), path, error))
			return false;
	drop_nulls(shape, node);
	return true;
}

static bool apply_list(const Shape *shape, Node *node, const char *path, GError **error)
{
	if (node->kind != NODE_LIST)
		return wrong_kind(node, path, "a list", error);
	for (size_t i = 0; i < node_count(node); i++) {
		g_autofree char *inner = g_strdup_printf("%s[%zu]", path, i);
		if (!canonical_apply(shape->inside, node_item(node, i), inner, error))
			return false;
	}
	return true;
}

/* null where something else belongs. */
static bool apply_null(const Shape *shape, Node *node, const char *path, GError **error)
{
	static const char *const wanted[] = {
		[SHAPE_ANY] = NULL,
		[SHAPE_STRING] = "a string",
		[SHAPE_TEXT] = "a string or a number",
		[SHAPE_INT] = "an integer",
		[SHAPE_NUMBER] = "a number",
		[SHAPE_BOOL] = "a boolean",
		[SHAPE_SIZE] = "a size",
		[SHAPE_DURATION] = "a duration",
		[SHAPE_SHELL] = NULL,
		[SHAPE_TEXTS] = "a list",
		[SHAPE_WORDS] = "a string or a list",
		[SHAPE_MAPPING] = "a mapping or a list",
		[SHAPE_LABELS] = "a mapping or a list",
		[SHAPE_OBJECT] = "a mapping",
		[SHAPE_MAP] = "a mapping",
		[SHAPE_LIST] = "a list",
	};
	if (!wanted[shape->kind] || shape->flags & SHAPE_NULLABLE)
		return true;
	return wrong_kind(node, path, wanted[shape->kind], error);
}

bool canonical_apply(const Shape *shape, Node *node, const char *path, GError **error)
{
	if (node->tag == NODE_TAG_RESET || node->tag == NODE_TAG_TEMPLATE)
		return true;
	if (shape->expand && !shape->expand(node, path, error))
		return false;
	if (node->kind == NODE_NULL)
		return apply_null(shape, node, path, error);
	switch (shape->kind) {
	case SHAPE_ANY:
		return true;
	case SHAPE_STRING:
	case SHAPE_TEXT:
		return apply_text(shape, node, path, error);
	case SHAPE_INT:
	case SHAPE_NUMBER:
	case SHAPE_BOOL:
		return apply_number(shape, node, path, error);
	case SHAPE_SIZE:
		return apply_size(node, path, error);
	case SHAPE_DURATION:
		return apply_duration(node, path, error);
	case SHAPE_SHELL:
		return apply_shell(shape, node, path, error);
	case SHAPE_TEXTS:
	case SHAPE_WORDS:
		return apply_texts(shape, node, path, error);
	case SHAPE_MAPPING:
	case SHAPE_LABELS:
		return apply_mapping(shape, node, path, error);
	case SHAPE_OBJECT:
	case SHAPE_MAP:
		return apply_members(shape, node, path, error);
	case SHAPE_LIST:
		return apply_list(shape, node, path, error);
	}
	return true;
}
