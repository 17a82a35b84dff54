/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/compose/project_output.h"

#include <string.h>
#include <yaml.h>

#include "cmd/compose/scalar.h"
#include "cmd/compose/shape.h"

/* Zero values of these say something. */
static const char *const kept[] = {
	"attach",       "create_host_path", "driver_opts", "enable_ipv4", "enable_ipv6", "init",
	"initial_sync", "replicas",         "required",    "retries",     "scale",       NULL};

static bool says_nothing(const Node *value)
{
	switch (value->kind) {
	case NODE_NULL:
		return true;
	case NODE_BOOL:
		return !value->boolean;
	case NODE_INT:
		return value->integer == 0;
	case NODE_FLOAT:
		return value->number == 0;
	case NODE_STRING:
		return !*value->text;
	case NODE_LIST:
	case NODE_MAP:
		return node_count(value) == 0;
	}
	return false;
}

/* Is a member of an object left out? Empty objects stay: they are there. */
static bool is_left_out(const Shape *row, const NodeEntry *entry)
{
	if (!row || row->kind == SHAPE_ANY || g_strv_contains(kept, entry->key))
		return false;
	if (row->kind == SHAPE_SHELL)
		return entry->value->kind == NODE_NULL;
	return row->kind != SHAPE_OBJECT && says_nothing(entry->value);
}

/* A limit that was one number prints as one. */
static void flatten_ulimits(Node *ulimits)
{
	for (size_t i = 0; node_is(ulimits, NODE_MAP) && i < node_count(ulimits); i++) {
		Node *value = node_entry(ulimits, i)->value;
		Node *single = node_steal(value, "single");
		if (single)
			node_become(value, single);
	}
}

static void prune(const Shape *shape, Node *node)
{
	if (!shape || shape->kind == SHAPE_ANY || !shape->inside)
		return;
	for (size_t i = node_count(node); i-- > 0;) {
		bool map = node->kind == NODE_MAP;
		NodeEntry *entry = map ? node_entry(node, i) : NULL;
		Node *value = map ? entry->value : node_item(node, i);
		const Shape *row = map ? shape_lookup(shape, entry->key) : shape->inside;
		if (value->kind >= NODE_LIST)
			prune(row, value);
		if (!map || shape->kind != SHAPE_OBJECT || !is_left_out(row, entry))
			continue;
		g_autofree char *key = g_strdup(entry->key);
		node_remove(node, key);
	}
}

/* "$" to "$$" in all values. */
static void escape_dollars(Node *node)
{
	if (node->kind == NODE_STRING && strchr(node->text, '$')) {
		g_auto(GStrv) parts = g_strsplit(node->text, "$", -1);
		g_free(node->text);
		node->text = g_strjoinv("$$", parts);
	}
	for (size_t i = 0; i < node_count(node); i++)
		escape_dollars(node->kind == NODE_MAP ? node_entry(node, i)->value
						      : node_item(node, i));
}

static void finish_service(Node *service, bool json)
{
	static const char *const shells[] = {"command", "entrypoint", NULL};
	flatten_ulimits(node_get(service, "ulimits"));
	flatten_ulimits(node_get(node_get(service, "build"), "ulimits"));
	for (size_t i = 0; json && shells[i]; i++)
		if (!node_get(service, shells[i]))
			node_set(service, shells[i], service->at, node_new(NODE_NULL, service->at));
}

Node *project_output_service(const Node *service, bool escape, bool json)
{
	Node *out = node_copy(service);
	prune(&shape_service, out);
	finish_service(out, json);
	if (escape)
		escape_dollars(out);
	return out;
}

static Node *output(const ComposeProject *project, bool escape, bool json)
{
	Node *out = node_copy(project->model);
	const Node *services = node_get(out, "services");
	prune(&shape_file, out);
	if (!node_get(out, "services"))
		node_set(out, "services", out->at, node_new(NODE_MAP, out->at));
	services = node_get(out, "services");
	for (size_t i = 0; i < node_count(services); i++)
		finish_service(node_entry(services, i)->value, json);
	if (escape)
		escape_dollars(out);
	return out;
}

Node *project_output(const ComposeProject *project, bool escape)
{
	return output(project, escape, false);
}

Json *project_output_json(const ComposeProject *project, bool escape)
{
	g_autoptr(Node) out = output(project, escape, true);
	return node_to_json(out);
}

char *project_service_hash(const Node *service)
{
	static const char *const others[] = {"build",       "depends_on", "profiles",
					     "pull_policy", "scale",      NULL};
	g_autoptr(Node) out = project_output_service(service, false, true);
	for (size_t i = 0; others[i]; i++)
		node_remove(out, others[i]);
	Node *deploy = node_get(out, "deploy");
	if (node_is(deploy, NODE_MAP))
		node_remove(deploy, "replicas");
	g_autoptr(Json) json = node_to_json(out);
	return g_compute_checksum_for_string(G_CHECKSUM_SHA256, js_text(json), -1);
}

char *project_resource_hash(const Node *resource)
{
	g_autoptr(GString) text = g_string_new(NULL);
	project_output_yaml(resource, text);
	return g_compute_checksum_for_string(G_CHECKSUM_SHA256, text->str, -1);
}

/* YAML. */

static int append_yaml(void *data, unsigned char *text, size_t size)
{
	g_string_append_len(data, (const char *)text, (gssize)size);
	return 1;
}

static void emit(yaml_emitter_t *emitter, yaml_event_t *event)
{
	if (!yaml_emitter_emit(emitter, event))
		g_error("yaml: %s", emitter->problem ? emitter->problem : "out of memory");
}

/* Would another reader take this word for something else than a text? */
static bool needs_quotes(const char *text)
{
	static const char *const words[] = {"y",   "Y",   "yes", "Yes", "YES", "n",  "N",
					    "no",  "No",  "NO",  "on",  "On",  "ON", "off",
					    "Off", "OFF", "<<",  "=",   NULL};
	g_autoptr(Node) node = scalar_resolve(text, (Place){0});
	bool sexagesimal = *text && strspn(text, "0123456789:._+-") == strlen(text) &&
			   g_ascii_isdigit(text[strlen(text) - 1]) && strchr(text, ':');
	return node->kind != NODE_STRING || g_strv_contains(words, text) || sexagesimal;
}

static void emit_text(yaml_emitter_t *emitter, const char *text, bool plain)
{
	yaml_event_t event;
	yaml_scalar_style_t style = plain                ? YAML_PLAIN_SCALAR_STYLE
				    : strchr(text, '\n') ? YAML_LITERAL_SCALAR_STYLE
				    : needs_quotes(text) ? YAML_DOUBLE_QUOTED_SCALAR_STYLE
							 : YAML_PLAIN_SCALAR_STYLE;
	if (!yaml_scalar_event_initialize(&event, NULL, NULL, (const unsigned char *)text,
					  (int)strlen(text), 1, 1, style))
		g_error("yaml: out of memory or not UTF-8");
	emit(emitter, &event);
}

static void emit_node(yaml_emitter_t *emitter, const Node *node);

static int compare_keys(const void *a, const void *b)
{
	const NodeEntry *const *x = a, *const *y = b;
	return strcmp((*x)->key, (*y)->key);
}

static void emit_map(yaml_emitter_t *emitter, const Node *map)
{
	yaml_event_t event;
	g_autoptr(GPtrArray) order = g_ptr_array_new();
	for (size_t i = 0; i < node_count(map); i++)
		g_ptr_array_add(order, node_entry(map, i));
	g_ptr_array_sort(order, compare_keys);
	(void)yaml_mapping_start_event_initialize(&event, NULL, NULL, 1,
						  order->len ? YAML_BLOCK_MAPPING_STYLE
							     : YAML_FLOW_MAPPING_STYLE);
	emit(emitter, &event);
	for (size_t i = 0; i < order->len; i++) {
		const NodeEntry *entry = order->pdata[i];
		emit_text(emitter, entry->key, false);
		emit_node(emitter, entry->value);
	}
	(void)yaml_mapping_end_event_initialize(&event);
	emit(emitter, &event);
}

static void emit_list(yaml_emitter_t *emitter, const Node *list)
{
	yaml_event_t event;
	(void)yaml_sequence_start_event_initialize(&event, NULL, NULL, 1,
						   node_count(list) ? YAML_BLOCK_SEQUENCE_STYLE
								    : YAML_FLOW_SEQUENCE_STYLE);
	emit(emitter, &event);
	for (size_t i = 0; i < node_count(list); i++)
		emit_node(emitter, node_item(list, i));
	(void)yaml_sequence_end_event_initialize(&event);
	emit(emitter, &event);
}

static void emit_node(yaml_emitter_t *emitter, const Node *node)
{
	if (node->kind == NODE_MAP) {
		emit_map(emitter, node);
	} else if (node->kind == NODE_LIST) {
		emit_list(emitter, node);
	} else {
		g_autofree char *text = node_scalar_text(node);
		emit_text(emitter, text ? text : "null", node->kind != NODE_STRING);
	}
}

void project_output_yaml(const Node *node, GString *out)
{
	yaml_emitter_t emitter;
	yaml_event_t event;
	if (!yaml_emitter_initialize(&emitter))
		g_error("out of memory");
	yaml_emitter_set_output(&emitter, append_yaml, out);
	yaml_emitter_set_unicode(&emitter, 1);
	yaml_emitter_set_width(&emitter, -1);
	(void)yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING);
	emit(&emitter, &event);
	(void)yaml_document_start_event_initialize(&event, NULL, NULL, NULL, 1);
	emit(&emitter, &event);
	emit_node(&emitter, node);
	(void)yaml_document_end_event_initialize(&event, 1);
	emit(&emitter, &event);
	(void)yaml_stream_end_event_initialize(&event);
	emit(&emitter, &event);
	yaml_emitter_delete(&emitter);
}
