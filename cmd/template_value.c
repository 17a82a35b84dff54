/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Templates: values, the heap of a run, and JSON as a provider of fields.
 */
#include "cmd/template_priv.h"
#include "libpod/base/units.h"

#include <string.h>

struct TemplateHeap {
	GPtrArray *blocks;
	GPtrArray *json;
	size_t size;
};

static void json_unref(void *json)
{
	json_object_put(json);
}

TemplateHeap *template_heap_new(void)
{
	TemplateHeap *heap = g_new0(TemplateHeap, 1);
	heap->blocks = g_ptr_array_new_with_free_func(g_free);
	heap->json = g_ptr_array_new_with_free_func(json_unref);
	return heap;
}

void template_heap_free(TemplateHeap *heap)
{
	if (!heap)
		return;
	g_ptr_array_unref(heap->blocks);
	g_ptr_array_unref(heap->json);
	g_free(heap);
}

void *template_heap_alloc(TemplateHeap *heap, size_t size)
{
	void *block = g_malloc0(size);
	g_ptr_array_add(heap->blocks, block);
	heap->size += size;
	return block;
}

const char *template_heap_take(TemplateHeap *heap, char *string)
{
	g_ptr_array_add(heap->blocks, string);
	heap->size += strlen(string) + 1;
	return string;
}

Json *template_heap_json(TemplateHeap *heap, Json *json)
{
	if (json)
		g_ptr_array_add(heap->json, json);
	return json;
}

size_t template_heap_size(const TemplateHeap *heap)
{
	return heap->size;
}

TemplateValue template_nil(void)
{
	return (TemplateValue){.kind = TEMPLATE_NIL};
}

TemplateValue template_bool(bool value)
{
	return (TemplateValue){.kind = TEMPLATE_BOOL, .boolean = value};
}

TemplateValue template_int(int64_t value)
{
	return (TemplateValue){.kind = TEMPLATE_INT, .integer = value};
}

TemplateValue template_string(const char *borrowed)
{
	return (TemplateValue){.kind = TEMPLATE_STRING, .string = borrowed ? borrowed : ""};
}

TemplateValue template_time(const char *borrowed_rfc3339)
{
	return (TemplateValue){.kind = TEMPLATE_TIME, .string = borrowed_rfc3339};
}

/* Lists made while a template runs. */

typedef struct {
	size_t n;
	const TemplateValue *values;
} Values;

static size_t values_count(const void *data)
{
	return ((const Values *)data)->n;
}

static void values_member(const void *data, size_t i, TemplateHeap *heap, const char **out_key,
			  TemplateValue *out)
{
	*out = ((const Values *)data)->values[i];
}

static const char *values_type(const void *data)
{
	const Values *list = data;
	for (size_t i = 0; i < list->n; i++)
		if (list->values[i].kind != TEMPLATE_STRING)
			return "[]interface {}";
	return "[]string";
}

static const TemplateOps values_ops = {
	.type_name = values_type,
	.count = values_count,
	.member = values_member,
};

TemplateValue template_list(const TemplateValue *values, size_t n, TemplateHeap *heap)
{
	Values *list = template_heap_alloc(heap, sizeof(*list));
	*list = (Values){n, values};
	return (TemplateValue){.kind = TEMPLATE_LIST, .data = list, .ops = &values_ops};
}

TemplateValue template_from_strv(const char *const *strv, TemplateHeap *heap)
{
	size_t n = 0;
	while (strv && strv[n])
		n++;
	TemplateValue *values = template_heap_alloc(heap, (n + 1) * sizeof(*values));
	for (size_t i = 0; i < n; i++)
		values[i] = template_string(strv[i]);
	return template_list(values, n, heap);
}

/* JSON. */

typedef struct {
	Json *json; /* NULL: an empty map or list */
	const TemplateSchema *schema;
	const char *key; /* that led here, NULL at the top and in lists */
	bool map;
	const char **keys; /* of an object, in the order they print; made when first needed */
	size_t n_keys;
} JsonNode;

static bool schema_has(const char *const *keys, const char *key)
{
	return keys && key && g_strv_contains(keys, key);
}

static int compare_keys(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* In the document's order for structs, sorted for maps, as Go prints them. */
static void node_list_keys(JsonNode *node, TemplateHeap *heap)
{
	if (node->keys)
		return;
	size_t room = json_object_object_length(node->json) + 1;
	node->keys = template_heap_alloc(heap, room * sizeof(*node->keys));
	json_object_object_foreach(node->json, key, value)
	{
		(void)value;
		node->keys[node->n_keys++] = key;
	}
	if (node->map)
		qsort(node->keys, node->n_keys, sizeof(*node->keys), compare_keys);
}

/* What Go calls the struct, as far as the schema knows. */
static const char *struct_type(const JsonNode *node)
{
	if (!node->key)
		return node->schema ? node->schema->type_name : "struct";
	for (size_t i = 0; node->schema && node->schema->types && node->schema->types[i][0]; i++)
		if (strcmp(node->schema->types[i][0], node->key) == 0)
			return node->schema->types[i][1];
	return node->key;
}

/* Go's name as far as it shows in messages: element types other than string are "interface {}". */
static const char *node_type(const void *data)
{
	const JsonNode *node = data;
	bool list = node->json && json_object_is_type(node->json, json_type_array);
	if (list) {
		size_t n = json_object_array_length(node->json);
		for (size_t i = 0; i < n; i++)
			if (!json_object_is_type(json_object_array_get_idx(node->json, i),
						 json_type_string))
				return "[]interface {}";
		return "[]string";
	}
	if (!node->map)
		return struct_type(node);
	if (node->json) {
		json_object_object_foreach(node->json, key, value)
		{
			(void)key;
			if (!json_object_is_type(value, json_type_string))
				return "map[string]interface {}";
		}
	}
	return "map[string]string";
}

static size_t node_count(const void *data)
{
	const JsonNode *node = data;
	if (!node->json)
		return 0;
	if (json_object_is_type(node->json, json_type_array))
		return json_object_array_length(node->json);
	return json_object_object_length(node->json);
}

static TemplateValue node_value(Json *json, const TemplateSchema *schema, const char *key,
				TemplateHeap *heap);
static TemplateValue field_value(const JsonNode *node, const char *key, Json *json,
				 TemplateHeap *heap);

/* @json NULL: an empty one. */
static TemplateValue node_new(TemplateKind kind, Json *json, const TemplateSchema *schema,
			      const char *key, TemplateHeap *heap);

/* @i is below count(), so the JSON is there. */
static void node_member(const void *data, size_t i, TemplateHeap *heap, const char **out_key,
			TemplateValue *out)
{
	JsonNode *node = (JsonNode *)data; /* made by node_new(): its key list is filled late */
	if (json_object_is_type(node->json, json_type_array)) {
		*out = node_value(json_object_array_get_idx(node->json, i), node->schema, NULL,
				  heap);
		return;
	}
	node_list_keys(node, heap);
	*out_key = node->keys[i];
	*out = field_value(node, node->keys[i], json_object_object_get(node->json, node->keys[i]),
			   heap);
}

/* A member as it is written, or of a struct whatever the case. Return: its key, NULL if none. */
static const char *find_key(const JsonNode *node, const char *name, Json **out_value)
{
	if (json_object_object_get_ex(node->json, name, out_value))
		return name;
	if (node->map)
		return NULL;
	json_object_object_foreach(node->json, key, value)
	{
		if (g_ascii_strcasecmp(key, name) == 0) {
			*out_value = value;
			return key;
		}
	}
	return NULL;
}

/* What the schema knows of a field that is not there under its name. */
static const TemplateField *find_field(const JsonNode *node, const char *name)
{
	const TemplateField *field = node->map || !node->schema ? NULL : node->schema->fields;
	for (; field && field->name; field++)
		if (strcmp(field->name, name) == 0 && g_strcmp0(field->of, node->key) == 0)
			return field;
	return NULL;
}

/* As the JSON has it, else as the schema's table of fields does. */
static bool node_lookup(const void *data, const char *name, TemplateHeap *heap, TemplateValue *out)
{
	const JsonNode *node = data;
	Json *value = NULL;
	const char *key = node->json ? find_key(node, name, &value) : NULL;
	const TemplateField *field = key ? NULL : find_field(node, name);
	if (field && field->same && node->json)
		key = find_key(node, field->same, &value);
	if (key)
		*out = field_value(node, key, value, heap);
	else if (field && field->kind == TEMPLATE_STRING)
		*out = template_string("");
	else if (field && (field->kind == TEMPLATE_LIST || field->kind == TEMPLATE_MAP))
		*out = node_new(field->kind, NULL, node->schema, NULL, heap);
	else if (field)
		*out = (TemplateValue){.kind = field->kind};
	return key || field;
}

static Json *node_to_json(const void *data)
{
	return json_object_get(
		((const JsonNode *)data)->json); /* NULL, which is null, as of Go's nil */
}

static const TemplateOps node_ops = {
	.type_name = node_type,
	.count = node_count,
	.member = node_member,
	.lookup = node_lookup,
	.to_json = node_to_json,
};

static TemplateValue node_new(TemplateKind kind, Json *json, const TemplateSchema *schema,
			      const char *key, TemplateHeap *heap)
{
	JsonNode *node = template_heap_alloc(heap, sizeof(*node));
	*node = (JsonNode){.json = json, .schema = schema, .key = key, .map = kind == TEMPLATE_MAP};
	return (TemplateValue){.kind = kind, .data = node, .ops = &node_ops};
}

/* A number that may be larger than Go's int: then it stays text. */
static TemplateValue integer_value(Json *json, TemplateHeap *heap)
{
	uint64_t large = json_object_get_uint64(json);
	if (large > INT64_MAX)
		return template_string(
			template_heap_take(heap, g_strdup_printf("%" G_GUINT64_FORMAT, large)));
	return template_int(json_object_get_int64(json));
}

static bool is_duration(const JsonNode *node, const char *key)
{
	const TemplateField *row = node->schema ? node->schema->durations : NULL;
	for (; row && row->name; row++)
		if (g_strcmp0(row->of, node->key) == 0 && strcmp(row->name, key) == 0)
			return true;
	return false;
}

/* A field of an object. One that is null may be what the schema's table says. */
static TemplateValue field_value(const JsonNode *node, const char *key, Json *json,
				 TemplateHeap *heap)
{
	const TemplateField *field = json ? NULL : find_field(node, key);
	if (field && (field->kind == TEMPLATE_LIST || field->kind == TEMPLATE_MAP))
		return node_new(field->kind, NULL, node->schema, key, heap);
	if (json_object_is_type(json, json_type_int) && is_duration(node, key))
		return template_string(template_heap_take(
			heap, units_format_duration(json_object_get_int64(json))));
	return node_value(json, node->schema, key, heap);
}

/* What JSON leaves open (map or struct, list or nil, time or string) the schema says by @key. */
static TemplateValue node_value(Json *json, const TemplateSchema *schema, const char *key,
				TemplateHeap *heap)
{
	bool map = !schema || schema_has(schema->maps, key);
	switch (json_object_get_type(json)) {
	case json_type_null:
		if (schema && map)
			return node_new(TEMPLATE_MAP, NULL, schema, key, heap);
		if (schema && schema_has(schema->lists, key))
			return node_new(TEMPLATE_LIST, NULL, schema, key, heap);
		return template_nil();
	case json_type_boolean:
		return template_bool(json_object_get_boolean(json));
	case json_type_double:
		return (TemplateValue){.kind = TEMPLATE_FLOAT,
				       .real = json_object_get_double(json)};
	case json_type_int:
		return integer_value(json, heap);
	case json_type_string:
		if (schema && schema_has(schema->times, key))
			return template_time(json_object_get_string(json));
		return template_string(json_object_get_string(json));
	case json_type_array:
		return node_new(TEMPLATE_LIST, json, schema, key, heap);
	case json_type_object:
		return node_new(map ? TEMPLATE_MAP : TEMPLATE_STRUCT, json, schema, key, heap);
	}
	return template_nil();
}

TemplateValue template_from_json(Json *json, const TemplateSchema *schema, TemplateHeap *heap)
{
	return node_value(json, schema, NULL, heap);
}

/* A LIST, MAP or STRUCT, member by member. */
static Json *members_to_json(const TemplateValue *value, TemplateHeap *heap)
{
	bool list = value->kind == TEMPLATE_LIST;
	Json *json = list ? json_object_new_array() : json_object_new_object();
	for (size_t i = 0; i < template_count(value); i++) {
		const char *key = NULL;
		TemplateValue member = template_member(value, i, heap, &key);
		Json *converted = template_to_json(&member, heap);
		if (list)
			json_object_array_add(json, converted);
		else
			json_object_object_add(json, key, converted);
	}
	return json;
}

Json *template_to_json(const TemplateValue *value, TemplateHeap *heap)
{
	switch (value->kind) {
	case TEMPLATE_MISSING:
	case TEMPLATE_NIL:
		return NULL;
	case TEMPLATE_BOOL:
		return json_object_new_boolean(value->boolean);
	case TEMPLATE_INT:
		return json_object_new_int64(value->integer);
	case TEMPLATE_FLOAT: {
		g_autoptr(GString) text = g_string_new(NULL);
		template_print_float(value->real, true, text);
		return json_object_new_double_s(value->real, text->str);
	}
	case TEMPLATE_STRING:
	case TEMPLATE_TIME:
		return json_object_new_string(value->string);
	case TEMPLATE_LIST:
	case TEMPLATE_MAP:
	case TEMPLATE_STRUCT:
		break;
	}
	if (value->ops->to_json)
		return value->ops->to_json(value->data);
	return members_to_json(value, heap);
}

const char *template_type_name(const TemplateValue *value)
{
	switch (value->kind) {
	case TEMPLATE_MISSING:
	case TEMPLATE_NIL:
		return "interface {}";
	case TEMPLATE_BOOL:
		return "bool";
	case TEMPLATE_INT:
		return "int";
	case TEMPLATE_FLOAT:
		return "float64";
	case TEMPLATE_STRING:
		return "string";
	case TEMPLATE_TIME:
		return "time.Time";
	case TEMPLATE_LIST:
	case TEMPLATE_MAP:
	case TEMPLATE_STRUCT:
		break;
	}
	return value->ops->type_name(value->data);
}

size_t template_count(const TemplateValue *value)
{
	bool has_members = value->kind == TEMPLATE_LIST || value->kind == TEMPLATE_MAP ||
			   value->kind == TEMPLATE_STRUCT;
	return has_members ? value->ops->count(value->data) : 0;
}

TemplateValue template_member(const TemplateValue *value, size_t i, TemplateHeap *heap,
			      const char **out_key)
{
	const char *key = "";
	TemplateValue member = {.kind = TEMPLATE_MISSING};
	value->ops->member(value->data, i, heap, &key, &member);
	if (out_key)
		*out_key = key;
	return member;
}

bool template_is_true(const TemplateValue *value)
{
	switch (value->kind) {
	case TEMPLATE_MISSING:
	case TEMPLATE_NIL:
		return false;
	case TEMPLATE_BOOL:
		return value->boolean;
	case TEMPLATE_INT:
		return value->integer != 0;
	case TEMPLATE_FLOAT:
		return value->real != 0;
	case TEMPLATE_STRING:
		return *value->string != '\0';
	case TEMPLATE_LIST:
	case TEMPLATE_MAP:
		return template_count(value) > 0;
	case TEMPLATE_TIME:
	case TEMPLATE_STRUCT:
		return true;
	}
	return false;
}
