/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/compose/yaml_read.h"

#include <string.h>
#include <yaml.h>

#include "cmd/compose/scalar.h"
#include "libpod/base/error.h"

typedef struct {
	yaml_parser_t parser;
	const char *file;
	GHashTable *anchors; /* name -> Node, a copy; NULL while the anchor's node is being read */
	size_t nodes;
	size_t bytes;
} Reader;

static void reader_clear(Reader *reader)
{
	yaml_parser_delete(&reader->parser);
	g_clear_pointer(&reader->anchors, g_hash_table_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Reader, reader_clear)

typedef yaml_event_t Event;
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Event, yaml_event_delete)

static Node *read_node(Reader *reader, const Event *event, unsigned depth, GError **error);

static Place place_of(const Reader *reader, yaml_mark_t mark)
{
	return (Place){reader->file, (unsigned)mark.line + 1, (unsigned)mark.column + 1};
}

static void *fail(GError **error, Place at, const char *text)
{
	place_error(error, at, "%s", text);
	return NULL;
}

/* The next event. Return: false if the text is not YAML. */
static bool next_event(Reader *reader, Event *event, GError **error)
{
	if (yaml_parser_parse(&reader->parser, event))
		return true;
	const yaml_parser_t *parser = &reader->parser;
	bool marked = parser->error == YAML_SCANNER_ERROR || parser->error == YAML_PARSER_ERROR;
	Place at = place_of(reader, marked ? parser->problem_mark : parser->mark);
	return place_error(error, at, "not valid YAML: %s",
			   parser->problem ? parser->problem : "out of memory");
}

/* Count a node of @size bytes of text. */
static bool spend(Reader *reader, Place at, size_t size, GError **error)
{
	reader->bytes += size;
	if (++reader->nodes > YAML_READ_NODES_MAX || reader->bytes > YAML_READ_BYTES_MAX)
		return place_error(error, at, "too many values: an alias that repeats itself?");
	return true;
}

/* Copy what an alias stands for, counting it as if it were written out. */
static bool spend_tree(Reader *reader, Place at, const Node *node, GError **error)
{
	if (!spend(reader, at, node->text ? strlen(node->text) : 0, error))
		return false;
	for (size_t i = 0; i < node_count(node); i++) {
		bool map = node->kind == NODE_MAP;
		reader->bytes += map ? strlen(node_entry(node, i)->key) : 0;
		const Node *value = map ? node_entry(node, i)->value : node_item(node, i);
		if (!spend_tree(reader, at, value, error))
			return false;
	}
	return true;
}

static Node *copy_counted(Reader *reader, Place at, const Node *node, GError **error)
{
	return spend_tree(reader, at, node, error) ? node_copy(node) : NULL;
}

/* The copy of an anchor's node, where it was defined: a message is about that line. */
static Node *read_alias(Reader *reader, const Event *event, GError **error)
{
	const char *name = (const char *)event->data.alias.anchor;
	Place at = place_of(reader, event->start_mark);
	gpointer node = NULL;
	if (!g_hash_table_lookup_extended(reader->anchors, name, NULL, &node)) {
		place_error(error, at, "unknown anchor '%s'", name);
		return NULL;
	}
	if (!node) {
		place_error(error, at, "anchor '%s' contains itself", name);
		return NULL;
	}
	return copy_counted(reader, at, node, error);
}

static bool tag_is(const yaml_char_t *tag, const char *name)
{
	return tag && strcmp((const char *)tag, name) == 0;
}

static Node *read_scalar(Reader *reader, const Event *event, GError **error)
{
	const char *text = (const char *)event->data.scalar.value;
	const yaml_char_t *tag = event->data.scalar.tag;
	Place at = place_of(reader, event->start_mark);
	if (strlen(text) != event->data.scalar.length)
		return fail(error, at, "a text must not hold a NUL character");
	if (!spend(reader, at, event->data.scalar.length, error))
		return NULL;
	bool own = tag_is(tag, "!reset") || tag_is(tag, "!override");
	bool plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	if (!plain || tag_is(tag, YAML_STR_TAG) || tag_is(tag, "!") ||
	    (tag && !own && !g_str_has_prefix((const char *)tag, "tag:yaml.org,2002:")))
		return node_new_string(text, at);
	return scalar_resolve(text, at);
}

static Node *read_list(Reader *reader, const Event *start, unsigned depth, GError **error)
{
	Place at = place_of(reader, start->start_mark);
	if (!spend(reader, at, 0, error))
		return NULL;
	g_autoptr(Node) list = node_new(NODE_LIST, at);
	for (;;) {
		g_auto(Event) event = {0};
		if (!next_event(reader, &event, error))
			return NULL;
		if (event.type == YAML_SEQUENCE_END_EVENT)
			return g_steal_pointer(&list);
		Node *item = read_node(reader, &event, depth + 1, error);
		if (!item)
			return NULL;
		node_append(list, item);
	}
}

/* One source of "<<": its keys go where @map has none. */
static bool merge_map(Node *map, const Node *source, GError **error)
{
	if (source->kind != NODE_MAP)
		return place_error(error, source->at, "'<<' takes a mapping or a list of mappings");
	for (size_t i = 0; i < node_count(source); i++) {
		const NodeEntry *entry = node_entry(source, i);
		if (!node_get_entry(map, entry->key))
			node_set(map, entry->key, entry->at, node_copy(entry->value));
	}
	return true;
}

/* "<<": what the map itself says wins, then the first source. */
static bool merge_sources(Node *map, const Node *sources, GError **error)
{
	if (!sources || sources->kind == NODE_NULL)
		return true;
	if (sources->kind != NODE_LIST)
		return merge_map(map, sources, error);
	for (size_t i = 0; i < node_count(sources); i++)
		if (!merge_map(map, node_item(sources, i), error))
			return false;
	return true;
}

/* A key: any scalar, as text; @out_merge: it is the plain word "<<". */
static char *read_key(Reader *reader, const Event *event, bool *out_merge, GError **error)
{
	Place at = place_of(reader, event->start_mark);
	*out_merge = false;
	if (event->type == YAML_ALIAS_EVENT) {
		g_autoptr(Node) node = read_alias(reader, event, error);
		char *text = node ? node_scalar_text(node) : NULL;
		return text || !node ? text : fail(error, at, "a key must be a word");
	}
	if (event->type != YAML_SCALAR_EVENT)
		return fail(error, at, "a key must be a word");
	const char *text = (const char *)event->data.scalar.value;
	if (strlen(text) != event->data.scalar.length)
		return fail(error, at, "a text must not hold a NUL character");
	*out_merge = strcmp(text, "<<") == 0 && event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	reader->bytes += event->data.scalar.length;
	return g_strdup(text);
}

static Node *read_map(Reader *reader, const Event *start, unsigned depth, GError **error)
{
	Place at = place_of(reader, start->start_mark);
	if (!spend(reader, at, 0, error))
		return NULL;
	g_autoptr(Node) map = node_new(NODE_MAP, at);
	g_autoptr(Node) sources = NULL;
	for (;;) {
		g_auto(Event) key_event = {0};
		g_auto(Event) event = {0};
		bool merge = false;
		if (!next_event(reader, &key_event, error))
			return NULL;
		if (key_event.type == YAML_MAPPING_END_EVENT)
			break;
		Place key_at = place_of(reader, key_event.start_mark);
		g_autofree char *key = read_key(reader, &key_event, &merge, error);
		if (!key || !next_event(reader, &event, error))
			return NULL;
		g_autoptr(Node) value = read_node(reader, &event, depth + 1, error);
		if (!value)
			return NULL;
		if (merge ? sources != NULL : node_get_entry(map, key) != NULL) {
			place_error(error, key_at, "mapping key '%s' already defined", key);
			return NULL;
		}
		if (merge)
			sources = g_steal_pointer(&value);
		else
			node_set(map, key, key_at, g_steal_pointer(&value));
	}
	return merge_sources(map, sources, error) ? g_steal_pointer(&map) : NULL;
}

/* The anchor and the tag of a node's event. */
static void read_properties(const Event *event, const yaml_char_t **anchor, const yaml_char_t **tag)
{
	*anchor = *tag = NULL;
	if (event->type == YAML_SCALAR_EVENT) {
		*anchor = event->data.scalar.anchor;
		*tag = event->data.scalar.tag;
	} else if (event->type == YAML_SEQUENCE_START_EVENT) {
		*anchor = event->data.sequence_start.anchor;
		*tag = event->data.sequence_start.tag;
	} else if (event->type == YAML_MAPPING_START_EVENT) {
		*anchor = event->data.mapping_start.anchor;
		*tag = event->data.mapping_start.tag;
	}
}

static Node *read_content(Reader *reader, const Event *event, unsigned depth, GError **error)
{
	if (event->type == YAML_ALIAS_EVENT)
		return read_alias(reader, event, error);
	if (event->type == YAML_SCALAR_EVENT)
		return read_scalar(reader, event, error);
	if (event->type == YAML_SEQUENCE_START_EVENT)
		return read_list(reader, event, depth, error);
	return read_map(reader, event, depth, error);
}

/* A node with what its anchor and its tag ask for. */
static Node *read_node(Reader *reader, const Event *event, unsigned depth, GError **error)
{
	const yaml_char_t *anchor = NULL, *tag = NULL;
	Place at = place_of(reader, event->start_mark);
	if (depth > NODE_DEPTH_MAX)
		return fail(error, at, "nested too deeply");
	read_properties(event, &anchor, &tag);
	if (anchor)
		g_hash_table_insert(reader->anchors, g_strdup((const char *)anchor), NULL);
	g_autoptr(Node) node = read_content(reader, event, depth, error);
	if (!node)
		return NULL;
	if (tag_is(tag, "!reset"))
		node->tag = NODE_TAG_RESET;
	if (tag_is(tag, "!override"))
		node->tag = NODE_TAG_OVERRIDE;
	if (anchor) {
		Node *copy = copy_counted(reader, at, node, error);
		if (!copy)
			return NULL;
		g_hash_table_insert(reader->anchors, g_strdup((const char *)anchor), copy);
	}
	return g_steal_pointer(&node);
}

/* An alias may deepen a tree beyond what the text's own nesting shows. */
static bool check_depth(const Node *node, unsigned depth, GError **error)
{
	if (depth > NODE_DEPTH_MAX)
		return place_error(error, node->at, "nested too deeply");
	for (size_t i = 0; i < node_count(node); i++) {
		const Node *value =
			node->kind == NODE_MAP ? node_entry(node, i)->value : node_item(node, i);
		if (!check_depth(value, depth + 1, error))
			return false;
	}
	return true;
}

/* One document behind its start event; anchors are its own. */
static bool read_document(Reader *reader, GPtrArray *documents, GError **error)
{
	g_auto(Event) event = {0};
	g_hash_table_remove_all(reader->anchors);
	if (!next_event(reader, &event, error))
		return false;
	g_autoptr(Node) node = read_node(reader, &event, 0, error);
	if (!node || !check_depth(node, 0, error))
		return false;
	if (node->kind != NODE_NULL)
		g_ptr_array_add(documents, g_steal_pointer(&node));
	return true;
}

static void free_node(void *data)
{
	node_free(data);
}

GPtrArray *yaml_read(const char *text, size_t size, const char *file, GError **error)
{
	g_auto(Reader) reader = {.file = g_intern_string(file)};
	g_autoptr(GPtrArray) documents = g_ptr_array_new_with_free_func(free_node);
	if (!yaml_parser_initialize(&reader.parser))
		g_error("out of memory");
	reader.anchors = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_node);
	if (size > YAML_READ_SIZE_MAX)
		return fail(error, (Place){reader.file, 1, 1}, "the file is too large");
	yaml_parser_set_encoding(&reader.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&reader.parser, (const unsigned char *)text, size);
	for (;;) {
		g_auto(Event) event = {0};
		if (!next_event(&reader, &event, error))
			return NULL;
		if (event.type == YAML_STREAM_END_EVENT)
			return g_steal_pointer(&documents);
		if (event.type == YAML_DOCUMENT_START_EVENT &&
		    !read_document(&reader, documents, error))
			return NULL;
	}
}
