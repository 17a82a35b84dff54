/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/compose/node.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/compose/scalar.h"
#include "libpod/base/error.h"

/* Smaller maps are searched, bigger ones have an index. */
#define INDEX_FROM 16

static void clear_entry(void *data)
{
	NodeEntry *entry = data;
	g_free(entry->key);
	node_free(entry->value);
}

static void free_item(void *data)
{
	node_free(data);
}

Node *node_new(NodeKind kind, Place at)
{
	Node *node = g_new0(Node, 1);
	node->kind = kind;
	node->at = at;
	if (kind == NODE_LIST)
		node->items = g_ptr_array_new_with_free_func(free_item);
	if (kind == NODE_MAP) {
		node->entries = g_array_new(FALSE, FALSE, sizeof(NodeEntry));
		g_array_set_clear_func(node->entries, clear_entry);
	}
	return node;
}

Node *node_new_string(const char *text, Place at)
{
	Node *node = node_new(NODE_STRING, at);
	node->text = g_strdup(text);
	return node;
}

Node *node_new_int(int64_t value, Place at)
{
	Node *node = node_new(NODE_INT, at);
	node->integer = value;
	return node;
}

Node *node_new_bool(bool value, Place at)
{
	Node *node = node_new(NODE_BOOL, at);
	node->boolean = value;
	return node;
}

Node *node_new_float(double value, Place at)
{
	Node *node = node_new(NODE_FLOAT, at);
	node->number = value;
	return node;
}

void node_free(Node *node)
{
	if (!node)
		return;
	g_clear_pointer(&node->index, g_hash_table_unref);
	g_clear_pointer(&node->items, g_ptr_array_unref);
	g_clear_pointer(&node->entries, g_array_unref);
	g_free(node->text);
	g_free(node);
}

Node *node_copy(const Node *node)
{
	if (!node)
		return NULL;
	Node *copy = node_new(node->kind, node->at);
	copy->tag = node->tag;
	copy->boolean = node->boolean;
	copy->integer = node->integer;
	copy->number = node->number;
	copy->text = g_strdup(node->text);
	if (node->kind == NODE_LIST)
		for (size_t i = 0; i < node_count(node); i++)
			node_append(copy, node_copy(node_item(node, i)));
	for (size_t i = 0; node->kind == NODE_MAP && i < node_count(node); i++) {
		const NodeEntry *entry = node_entry(node, i);
		node_set(copy, entry->key, entry->at, node_copy(entry->value));
	}
	return copy;
}

size_t node_bytes(const Node *node)
{
	if (!node)
		return 0;
	size_t bytes = sizeof(*node) + (node->text ? strlen(node->text) : 0);
	for (size_t i = 0; node->kind == NODE_LIST && i < node_count(node); i++)
		bytes += sizeof(void *) + node_bytes(node_item(node, i));
	for (size_t i = 0; node->kind == NODE_MAP && i < node_count(node); i++) {
		const NodeEntry *entry = node_entry(node, i);
		bytes += sizeof(*entry) + strlen(entry->key) + node_bytes(entry->value);
	}
	return bytes;
}

size_t node_count(const Node *node)
{
	if (!node)
		return 0;
	return node->items ? node->items->len : node->entries ? node->entries->len : 0;
}

Node *node_item(const Node *list, size_t i)
{
	return g_ptr_array_index(list->items, i);
}

NodeEntry *node_entry(const Node *map, size_t i)
{
	return &g_array_index(map->entries, NodeEntry, i);
}

void node_append(Node *list, Node *value)
{
	g_ptr_array_add(list->items, value);
}

/* Of a map that has grown: its keys borrow from the entries, which keep them in place. */
static void index_map(Node *map)
{
	g_clear_pointer(&map->index, g_hash_table_unref);
	if (map->entries->len <= INDEX_FROM)
		return;
	map->index = g_hash_table_new(g_str_hash, g_str_equal);
	for (size_t i = 0; i < map->entries->len; i++)
		g_hash_table_insert(map->index, node_entry(map, i)->key, GSIZE_TO_POINTER(i + 1));
}

NodeEntry *node_get_entry(const Node *map, const char *key)
{
	if (!map || map->kind != NODE_MAP)
		return NULL;
	if (map->index) {
		size_t at = GPOINTER_TO_SIZE(g_hash_table_lookup(map->index, key));
		return at ? node_entry(map, at - 1) : NULL;
	}
	for (size_t i = 0; i < map->entries->len; i++)
		if (*node_entry(map, i)->key == *key && strcmp(node_entry(map, i)->key, key) == 0)
			return node_entry(map, i);
	return NULL;
}

Node *node_get(const Node *map, const char *key)
{
	NodeEntry *entry = node_get_entry(map, key);
	return entry ? entry->value : NULL;
}

void node_set(Node *map, const char *key, Place at, Node *value)
{
	NodeEntry *old = node_get_entry(map, key);
	if (old) {
		if (old->value != value)
			node_free(old->value);
		old->value = value;
		old->at = at;
		return;
	}
	NodeEntry entry = {.key = g_strdup(key), .at = at, .value = value};
	g_array_append_val(map->entries, entry);
	if (map->index)
		g_hash_table_insert(map->index, entry.key, GSIZE_TO_POINTER(map->entries->len));
	else
		index_map(map);
}

void node_set_text(Node *map, const char *key, const char *text)
{
	node_set(map, key, map->at, node_new_string(text, map->at));
}

Node *node_steal(Node *map, const char *key)
{
	NodeEntry *entry = node_get_entry(map, key);
	if (!entry)
		return NULL;
	Node *value = g_steal_pointer(&entry->value);
	g_array_remove_index(map->entries, (guint)(entry - node_entry(map, 0)));
	index_map(map);
	return value;
}

void node_remove(Node *map, const char *key)
{
	node_free(node_steal(map, key));
}

void node_remove_item(Node *list, size_t i)
{
	g_ptr_array_remove_index(list->items, (guint)i);
}

Node *node_ensure(Node *map, const char *key, NodeKind kind)
{
	Node *value = node_get(map, key);
	if (value && value->kind == kind)
		return value;
	value = node_new(kind, map->at);
	node_set(map, key, map->at, value);
	return value;
}

bool node_is(const Node *node, NodeKind kind)
{
	return node && node->kind == kind;
}

const char *node_string(const Node *map, const char *key)
{
	const Node *value = node_get(map, key);
	return node_is(value, NODE_STRING) ? value->text : NULL;
}

bool node_true(const Node *map, const char *key)
{
	const Node *value = node_get(map, key);
	return node_is(value, NODE_BOOL) && value->boolean;
}

char *node_scalar_text(const Node *node)
{
	switch (node->kind) {
	case NODE_BOOL:
		return g_strdup(node->boolean ? "true" : "false");
	case NODE_INT:
		return g_strdup_printf("%" G_GINT64_FORMAT, node->integer);
	case NODE_FLOAT:
		return scalar_format_float(node->number);
	case NODE_STRING:
		return g_strdup(node->text);
	case NODE_NULL:
	case NODE_LIST:
	case NODE_MAP:
		break;
	}
	return NULL;
}

/* Same keys with the same values, in any order. */
static bool equal_maps(const Node *a, const Node *b)
{
	if (node_count(a) != node_count(b))
		return false;
	for (size_t i = 0; i < node_count(a); i++) {
		const NodeEntry *entry = node_entry(a, i);
		const Node *other = node_get(b, entry->key);
		if (!other || !node_equal(entry->value, other))
			return false;
	}
	return true;
}

bool node_equal(const Node *a, const Node *b)
{
	if (a->kind != b->kind)
		return false;
	if (a->kind == NODE_MAP)
		return equal_maps(a, b);
	if (a->kind == NODE_LIST) {
		bool equal = node_count(a) == node_count(b);
		for (size_t i = 0; equal && i < node_count(a); i++)
			equal = node_equal(node_item(a, i), node_item(b, i));
		return equal;
	}
	return a->boolean == b->boolean && a->integer == b->integer && a->number == b->number &&
	       g_strcmp0(a->text, b->text) == 0;
}

void node_become(Node *node, Node *from)
{
	Node old = *node;
	NodeTag tag = node->tag;
	*node = *from;
	node->tag = tag;
	*from = old;
	node_free(from);
}

void node_settle(Node *node)
{
	if (node->tag != NODE_TAG_TEMPLATE)
		node->tag = NODE_TAG_NONE;
	bool dropped = false;
	for (size_t i = node_count(node); i-- > 0;) {
		bool map = node->kind == NODE_MAP;
		Node *value = map ? node_entry(node, i)->value : node_item(node, i);
		if (value->tag != NODE_TAG_RESET) {
			node_settle(value);
			continue;
		}
		if (map)
			g_array_remove_index(node->entries, (guint)i);
		else
			node_remove_item(node, i);
		dropped = map;
	}
	if (dropped)
		index_map(node);
}

static int compare_entries(const void *a, const void *b)
{
	const NodeEntry *x = a, *y = b;
	return strcmp(x->key, y->key);
}

void node_sort(Node *map)
{
	g_array_sort(map->entries, compare_entries);
	index_map(map);
}

static int compare_keys(const void *a, const void *b)
{
	const char *const *x = a, *const *y = b;
	return strcmp(*x, *y);
}

/* An object with its keys in order; the tree stays as it is. */
static Json *map_to_json(const Node *map)
{
	g_autoptr(GPtrArray) order = g_ptr_array_new();
	for (size_t i = 0; i < node_count(map); i++)
		g_ptr_array_add(order, node_entry(map, i)->key);
	g_ptr_array_sort(order, compare_keys);
	Json *json = json_object_new_object();
	for (size_t i = 0; i < order->len; i++)
		json_object_object_add(json, order->pdata[i],
				       node_to_json(node_get(map, order->pdata[i])));
	return json;
}

Json *node_to_json(const Node *node)
{
	Json *json = NULL;
	g_autofree char *text = NULL;
	switch (node->kind) {
	case NODE_NULL:
		return NULL;
	case NODE_BOOL:
		return json_object_new_boolean(node->boolean);
	case NODE_INT:
		return json_object_new_int64(node->integer);
	case NODE_FLOAT:
		text = scalar_format_float(node->number);
		return isfinite(node->number) ? json_object_new_double_s(node->number, text)
					      : json_object_new_string(text);
	case NODE_STRING:
		return json_object_new_string(node->text);
	case NODE_LIST:
		json = json_object_new_array();
		for (size_t i = 0; i < node_count(node); i++)
			json_object_array_add(json, node_to_json(node_item(node, i)));
		return json;
	case NODE_MAP:
		return map_to_json(node);
	}
	return NULL;
}

bool place_error(GError **error, Place at, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	g_autofree char *text = g_strdup_vprintf(format, args);
	va_end(args);
	if (!at.file)
		return error_set(error, ENGINE_ERROR_INVALID, "%s", text);
	return error_set(error, ENGINE_ERROR_INVALID, "%s:%u:%u: %s", at.file, at.line, at.column,
			 text);
}
