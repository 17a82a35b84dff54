/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/compose/compose_merge.h"

#include <string.h>

static void merge_value(const Shape *shape, Node *base, const Node *over);

static void replace(Node *base, const Node *over)
{
	node_become(base, node_copy(over));
	base->tag = over->tag;
}

/* Options of one log driver say nothing to another. */
static bool same_driver(const Node *base, const Node *over)
{
	const char *a = node_string(base, "driver"), *b = node_string(over, "driver");
	return !a || !b || strcmp(a, b) == 0;
}

static void merge_entry(const Shape *row, Node *base, const NodeEntry *over)
{
	Node *old = node_get(base, over->key);
	const Node *value = over->value;
	bool command = row && row->kind == SHAPE_SHELL;
	if (!old || old->kind == NODE_NULL || command || value->tag == NODE_TAG_RESET ||
	    value->tag == NODE_TAG_OVERRIDE) {
		node_set(base, over->key, over->at, node_copy(value));
		return;
	}
	if (value->kind != NODE_NULL)
		merge_value(row, old, value);
}

/* Mappings: a name without a value is a statement, too. */
static void merge_mapping(Node *base, const Node *over)
{
	for (size_t i = 0; i < node_count(over); i++) {
		const NodeEntry *entry = node_entry(over, i);
		node_set(base, entry->key, entry->at, node_copy(entry->value));
	}
}

/* x-*, whose shape nobody knows: by what the values are. */
static void merge_any(Node *base, const Node *over)
{
	if (base->kind == NODE_MAP && over->kind == NODE_MAP) {
		for (size_t i = 0; i < node_count(over); i++)
			merge_entry(NULL, base, node_entry(over, i));
	} else if (base->kind == NODE_LIST && over->kind == NODE_LIST) {
		for (size_t i = 0; i < node_count(over); i++)
			node_append(base, node_copy(node_item(over, i)));
	} else {
		replace(base, over);
	}
}

static void merge_list(const Shape *shape, Node *base, const Node *over)
{
	for (size_t i = 0; i < node_count(over); i++)
		node_append(base, node_copy(node_item(over, i)));
}

static void merge_value(const Shape *shape, Node *base, const Node *over)
{
	bool both = base->kind == over->kind;
	if (!shape || shape->kind == SHAPE_ANY) {
		merge_any(base, over);
	} else if (!both || shape->flags & SHAPE_REPLACE ||
		   (shape->flags & SHAPE_LOGGING && !same_driver(base, over))) {
		replace(base, over);
	} else if (base->kind == NODE_LIST && shape->kind != SHAPE_SHELL) {
		merge_list(shape, base, over);
	} else if (shape->kind == SHAPE_MAPPING || shape->kind == SHAPE_LABELS) {
		merge_mapping(base, over);
	} else if (base->kind == NODE_MAP) {
		compose_merge(shape, base, over);
	} else {
		replace(base, over);
	}
}

void compose_merge(const Shape *shape, Node *base, const Node *over)
{
	for (size_t i = 0; i < node_count(over); i++) {
		const NodeEntry *entry = node_entry(over, i);
		merge_entry(shape_lookup(shape, entry->key), base, entry);
	}
}

void compose_merge_drop_nulls(const Shape *shape, Node *over, const Node *base)
{
	bool extends = shape == &shape_service && node_get(over, "extends");
	for (size_t i = node_is(over, NODE_MAP) ? node_count(over) : 0; i-- > 0;) {
		const NodeEntry *entry = node_entry(over, i);
		const Shape *row = shape_lookup(shape, entry->key);
		const Node *old = node_get(base, entry->key);
		bool map = row && (row->kind == SHAPE_OBJECT || row->kind == SHAPE_MAP);
		bool empty = entry->value->kind == NODE_NULL && entry->value->tag == NODE_TAG_NONE;
		if (!row || row->kind == SHAPE_ANY || row->flags & SHAPE_REPLACE)
			continue;
		if (map && !empty)
			compose_merge_drop_nulls(row, entry->value, old);
		else if (empty && (extends || (old && old->kind != NODE_NULL))) {
			g_autofree char *key = g_strdup(entry->key);
			node_remove(over, key);
		}
	}
}

/* One list: a member whose key is known takes the place of the earlier one. */
static void unify_list(const Shape *shape, Node *list)
{
	g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	g_autoptr(GPtrArray) kept = g_ptr_array_new();
	for (size_t i = 0; i < node_count(list); i++) {
		Node *item = node_item(list, i);
		char *key = shape_member_key(shape, item);
		size_t at = GPOINTER_TO_SIZE(g_hash_table_lookup(seen, key));
		if (at == 0) {
			g_ptr_array_add(kept, item);
			g_hash_table_insert(seen, key, GSIZE_TO_POINTER(kept->len));
			continue;
		}
		g_free(key);
		Node *first = kept->pdata[at - 1];
		if (shape->flags & SHAPE_DEEP && item->kind == NODE_MAP &&
		    first->kind == NODE_MAP) {
			compose_merge(shape->inside, first, item);
			node_free(item);
			continue;
		}
		kept->pdata[at - 1] = item;
		node_free(first);
	}
	g_ptr_array_set_free_func(list->items, NULL);
	g_ptr_array_set_size(list->items, 0);
	for (size_t i = 0; i < kept->len; i++)
		g_ptr_array_add(list->items, kept->pdata[i]);
	g_ptr_array_set_free_func(list->items, (GDestroyNotify)node_free);
}

void compose_unify(const Shape *shape, Node *node)
{
	if (!shape || shape->kind == SHAPE_ANY || !shape->inside) {
		if (shape && node->kind == NODE_LIST && shape->flags & SHAPE_UNIQUE &&
		    node_count(node) > 1)
			unify_list(shape, node);
		return;
	}
	for (size_t i = 0; node->kind == NODE_MAP && i < node_count(node); i++) {
		NodeEntry *entry = node_entry(node, i);
		if (entry->value->kind >= NODE_LIST)
			compose_unify(shape_lookup(shape, entry->key), entry->value);
	}
	if (node->kind == NODE_LIST && shape->flags & SHAPE_UNIQUE && node_count(node) > 1)
		unify_list(shape, node);
}
