/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TOML values and the getters on them. The parser is toml_parse.c.
 */
#include "storage/toml.h"

#include <stdarg.h>
#include <string.h>

#include "libpod/base/error.h"
#include "storage/toml_priv.h"

static void value_free(void *data)
{
	toml_free(data);
}

TomlValue *toml_value_new(TomlKind kind, const char *name, int line, int column)
{
	TomlValue *value = g_new0(TomlValue, 1);
	value->kind = kind;
	value->name = name;
	value->line = line;
	value->column = column;
	if (kind == TOML_TABLE) {
		value->members = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, value_free);
		value->keys = g_ptr_array_new();
		g_ptr_array_add(value->keys, NULL);
	} else if (kind == TOML_ARRAY) {
		value->items = g_ptr_array_new_with_free_func(value_free);
	}
	return value;
}

void toml_free(TomlValue *root)
{
	if (!root)
		return;
	if (root->members)
		g_hash_table_unref(root->members);
	if (root->keys)
		g_ptr_array_unref(root->keys);
	if (root->items)
		g_ptr_array_unref(root->items);
	g_free(root->text);
	g_free(root->owned_name);
	g_free(root);
}

void toml_table_put(TomlValue *table, const char *key, TomlValue *value)
{
	char *owned = g_strdup(key);
	g_hash_table_insert(table->members, owned, value);
	g_ptr_array_insert(table->keys, (int)table->keys->len - 1, owned);
}

TomlKind toml_kind(const TomlValue *value)
{
	return value->kind;
}

const char *const *toml_keys(const TomlValue *table)
{
	return (const char *const *)table->keys->pdata;
}

const TomlValue *toml_lookup(const TomlValue *table, const char *key)
{
	return g_hash_table_lookup(table->members, key);
}

size_t toml_length(const TomlValue *array)
{
	return array->items->len;
}

const TomlValue *toml_at(const TomlValue *array, size_t index)
{
	return g_ptr_array_index(array->items, index);
}

const char *toml_text(const TomlValue *value)
{
	return value->text;
}

int64_t toml_integer(const TomlValue *value)
{
	return value->integer;
}

double toml_float(const TomlValue *value)
{
	return value->floating_point;
}

bool toml_boolean(const TomlValue *value)
{
	return value->boolean;
}

bool toml_error(const TomlValue *value, GError **error, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	g_autofree char *message = g_strdup_vprintf(format, args);
	va_end(args);
	return error_set(error, ENGINE_ERROR_INVALID, "%s:%d:%d: %s", value->name, value->line,
			 value->column, message);
}

/* The value of @key if it has the kind wanted; absent is NULL and no error. */
static bool get_kind(const TomlValue *table, const char *key, TomlKind kind, const char *what,
		     const TomlValue **out, GError **error)
{
	const TomlValue *value = toml_lookup(table, key);
	if (value && value->kind != kind)
		return toml_error(value, error, "'%s' must be %s", key, what);
	*out = value;
	return true;
}

bool toml_get_string(const TomlValue *table, const char *key, const char **out_borrowed,
		     GError **error)
{
	const TomlValue *value = NULL;
	if (!get_kind(table, key, TOML_STRING, "a string", &value, error))
		return false;
	if (value)
		*out_borrowed = value->text;
	return true;
}

bool toml_get_bool(const TomlValue *table, const char *key, bool *out, GError **error)
{
	const TomlValue *value = NULL;
	if (!get_kind(table, key, TOML_BOOLEAN, "true or false", &value, error))
		return false;
	if (value)
		*out = value->boolean;
	return true;
}

bool toml_get_int(const TomlValue *table, const char *key, int64_t *out, GError **error)
{
	const TomlValue *value = NULL;
	if (!get_kind(table, key, TOML_INTEGER, "a whole number", &value, error))
		return false;
	if (value)
		*out = value->integer;
	return true;
}

bool toml_get_strv(const TomlValue *table, const char *key, char ***out, GError **error)
{
	const TomlValue *value = NULL;
	if (!get_kind(table, key, TOML_ARRAY, "an array of strings", &value, error))
		return false;
	if (!value)
		return true;
	g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
	for (size_t i = 0; i < toml_length(value); i++) {
		const TomlValue *item = toml_at(value, i);
		if (item->kind != TOML_STRING)
			return toml_error(item, error, "'%s' must be an array of strings", key);
		g_strv_builder_add(builder, item->text);
	}
	*out = g_strv_builder_end(builder);
	return true;
}

bool toml_get_table(const TomlValue *table, const char *key, const TomlValue **out_borrowed,
		    GError **error)
{
	const TomlValue *value = NULL;
	if (!get_kind(table, key, TOML_TABLE, "a table", &value, error))
		return false;
	if (value)
		*out_borrowed = value;
	return true;
}

bool toml_get_tables(const TomlValue *table, const char *key, const TomlValue **out_borrowed,
		     GError **error)
{
	const TomlValue *value = NULL;
	if (!get_kind(table, key, TOML_ARRAY, "an array of tables", &value, error))
		return false;
	for (size_t i = 0; value && i < toml_length(value); i++)
		if (toml_at(value, i)->kind != TOML_TABLE)
			return toml_error(toml_at(value, i), error, "'%s' must hold tables", key);
	if (value)
		*out_borrowed = value;
	return true;
}
