/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TOML 1.0, read-only: text to a tree of values, each of which knows its line and column.
 *
 * Differences from the specification, all refusals: a string may not contain NUL, a document may
 * not be larger than 1 MiB, arrays and inline tables nest at most 64 deep. Getters treat an absent
 * key as no error: *out stays untouched and true is returned; a wrong type is INVALID and reads
 * "FILE:LINE:COLUMN: 'key' must be a string".
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum {
	TOML_TABLE,
	TOML_ARRAY,
	TOML_STRING,
	TOML_INTEGER,
	TOML_FLOAT,
	TOML_BOOLEAN,
	TOML_DATETIME, /* kept as the text that was written */
} TomlKind;

typedef struct TomlValue TomlValue;

/**
 * toml_parse() - parse a document
 * @name:	file name for messages
 * @error:	INVALID, "NAME:LINE:COLUMN: what is wrong"
 *
 * Return: the root table, to be freed with toml_free(); all other values are borrowed from it.
 */
TomlValue *toml_parse(const char *text, size_t size, const char *name, GError **error);

/** toml_free() - free a whole document; NULL is fine. Only for the root. */
void toml_free(TomlValue *root);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TomlValue, toml_free)

/** toml_kind() - what kind of value this is. */
TomlKind toml_kind(const TomlValue *value);

/** toml_keys() - the keys of a table in the order of the file, NULL-terminated, borrowed. */
const char *const *toml_keys(const TomlValue *table);

/** toml_lookup() - a table's value, borrowed; NULL if the key is absent. */
const TomlValue *toml_lookup(const TomlValue *table, const char *key);

/** toml_length() - number of elements of an array. */
size_t toml_length(const TomlValue *array);

/** toml_at() - element of an array, borrowed. */
const TomlValue *toml_at(const TomlValue *array, size_t index);

/** toml_text() - text of a string or date-time, borrowed; NULL for other kinds. */
const char *toml_text(const TomlValue *value);

/** toml_integer() - value of an integer; 0 for other kinds. */
int64_t toml_integer(const TomlValue *value);

/** toml_float() - value of a float; 0 for other kinds. */
double toml_float(const TomlValue *value);

/** toml_boolean() - value of a boolean; false for other kinds. */
bool toml_boolean(const TomlValue *value);

/** toml_get_string() - borrow the string @key of a table. */
bool toml_get_string(const TomlValue *table, const char *key, const char **out_borrowed,
		     GError **error);

/** toml_get_bool() - the boolean @key of a table. */
bool toml_get_bool(const TomlValue *table, const char *key, bool *out, GError **error);

/** toml_get_int() - the integer @key of a table. */
bool toml_get_int(const TomlValue *table, const char *key, int64_t *out, GError **error);

/** toml_get_strv() - the array of strings @key of a table. g_strfreev() it. */
bool toml_get_strv(const TomlValue *table, const char *key, char ***out, GError **error);

/** toml_get_table() - borrow the table @key of a table. */
bool toml_get_table(const TomlValue *table, const char *key, const TomlValue **out_borrowed,
		    GError **error);

/** toml_get_tables() - borrow the array of tables @key of a table; every element is a table. */
bool toml_get_tables(const TomlValue *table, const char *key, const TomlValue **out_borrowed,
		     GError **error);

/** toml_error() - set INVALID with "FILE:LINE:COLUMN: " of @value in front. Return: always false.
 */
bool toml_error(const TomlValue *value, GError **error, const char *format, ...)
	G_GNUC_PRINTF(3, 4);
