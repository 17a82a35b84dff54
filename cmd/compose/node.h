/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Nodes: a compose file as a tree, every node with the place it was written at.
 *
 * Maps keep the order of their keys. A node has one owner; what YAML shares, the tree copies, and
 * the reader bounds how much that may be.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "libpod/base/json.h"

/* Deeper trees are refused: everything here recurses. */
#define NODE_DEPTH_MAX 64

typedef enum {
	NODE_NULL,
	NODE_BOOL,
	NODE_INT,
	NODE_FLOAT,
	NODE_STRING,
	NODE_LIST,
	NODE_MAP,
} NodeKind;

/* How a node joins what earlier files say. */
typedef enum {
	NODE_TAG_NONE,
	NODE_TAG_RESET,    /* !reset: drop what is there */
	NODE_TAG_OVERRIDE, /* !override: replace what is there */
	NODE_TAG_TEMPLATE, /* a text that is not interpolated: nothing is known of its value */
} NodeTag;

typedef struct {
	const char *file; /* as it is named in messages; interned. NULL: not from a file */
	unsigned line;    /* from 1 */
	unsigned column;  /* from 1 */
} Place;

typedef struct Node Node;

typedef struct {
	char *key;
	Place at; /* of the key */
	Node *value;
} NodeEntry;

struct Node {
	NodeKind kind;
	NodeTag tag;
	Place at;
	bool boolean;
	int64_t integer;
	double number;
	char *text;        /* of strings */
	GPtrArray *items;  /* of lists: Node */
	GArray *entries;   /* of maps: NodeEntry */
	GHashTable *index; /* of big maps: key -> index + 1; NULL while it is small */
};

/* Each gives a node of its kind. node_free() takes NULL. */
Node *node_new(NodeKind kind, Place at);
Node *node_new_string(const char *text, Place at);
Node *node_new_int(int64_t value, Place at);
Node *node_new_bool(bool value, Place at);
Node *node_new_float(double value, Place at);
void node_free(Node *node);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Node, node_free)

/** node_bytes() - about the memory that a tree takes; 0 of NULL. */
size_t node_bytes(const Node *node);
/** node_copy() - a deep copy; NULL of NULL. */
Node *node_copy(const Node *node);

/** node_count() - members of a list or map; 0 of anything else and of NULL. */
size_t node_count(const Node *node);

/** node_item() - member @i of a list, borrowed. */
Node *node_item(const Node *list, size_t i);

/** node_entry() - member @i of a map, borrowed. */
NodeEntry *node_entry(const Node *map, size_t i);

/** node_append() - take @value as the last member of a list. */
void node_append(Node *list, Node *value);

/** node_get() - the value of a key, borrowed; NULL if it is absent or @map is NULL or no map. */
Node *node_get(const Node *map, const char *key);

/** node_get_entry() - likewise with the key's place. */
NodeEntry *node_get_entry(const Node *map, const char *key);

/** node_set() - take @value for a key at @at; an old value is freed, its position kept. */
void node_set(Node *map, const char *key, Place at, Node *value);

/** node_set_text() - a string value, placed where @map is. */
void node_set_text(Node *map, const char *key, const char *text);

/** node_remove() - drop a key, if it is there. */
void node_remove(Node *map, const char *key);

/** node_steal() - take a key's value out; NULL if absent. */
Node *node_steal(Node *map, const char *key);

/** node_remove_item() - drop member @i of a list. */
void node_remove_item(Node *list, size_t i);

/** node_ensure() - the map or list at @key, made if it is absent or null. Borrowed. */
Node *node_ensure(Node *map, const char *key, NodeKind kind);

/** node_is() - is there a node, of this kind? */
bool node_is(const Node *node, NodeKind kind);

/** node_string() - the text at @key if that is a string, else NULL. Borrowed. */
const char *node_string(const Node *map, const char *key);

/** node_true() - is the value at @key the boolean true? */
bool node_true(const Node *map, const char *key);

/** node_scalar_text() - a scalar as text, as Go prints it; NULL of null, lists and maps. g_free()
 * it. */
char *node_scalar_text(const Node *node);

/** node_equal() - same values, wherever they stand. */
bool node_equal(const Node *a, const Node *b);

/** node_become() - put what @from holds where @node is, which keeps its tag; @from is freed. */
void node_become(Node *node, Node *from);

/** node_settle() - drop what is tagged !reset and forget all tags. */
void node_settle(Node *node);

/** node_sort() - sort the keys of @map (not of what is inside). */
void node_sort(Node *map);

/** node_to_json() - keys sorted. js_unref() it. */
Json *node_to_json(const Node *node);

/**
 * place_error() - "FILE:LINE:COLUMN: " and a message, INVALID
 *
 * Return: always false.
 */
bool place_error(GError **error, Place at, const char *format, ...) G_GNUC_PRINTF(3, 4);
