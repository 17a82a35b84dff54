/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What toml.c (values and getters) and toml_parse.c (text to values) share.
 */
#pragma once

#include "storage/toml.h"

struct TomlValue {
	TomlKind kind;
	int line;         /* from 1 */
	int column;       /* from 1, in bytes */
	const char *name; /* the document's file name, borrowed from the root */
	char *owned_name; /* set in the root only */

	/* TOML_TABLE */
	GHashTable *members; /* key -> TomlValue, both owned */
	GPtrArray *keys;     /* borrowed from members, NULL-terminated */
	bool is_explicit; /* has had its [header], or was made by a dotted key: no second header */
	bool is_frozen;   /* written inline: nothing may be added from outside */

	GPtrArray *items;      /* TOML_ARRAY */
	char *text;            /* TOML_STRING, TOML_DATETIME */
	int64_t integer;       /* TOML_INTEGER */
	double floating_point; /* TOML_FLOAT */
	bool boolean;          /* TOML_BOOLEAN */
};

/** toml_value_new() - an empty value of a kind; tables and arrays get their containers. */
TomlValue *toml_value_new(TomlKind kind, const char *name, int line, int column);

/** toml_table_put() - add a member, taking @value; the key must be new. */
void toml_table_put(TomlValue *table, const char *key, TomlValue *value);

/**
 * toml_scalar_match() - the number, boolean or date at the start of @text
 * @out_value:	gets kind and value; untouched if nothing matches
 * @out_why:	why a text of the right form has no value ("the number is too large"), else
 * untouched
 *
 * Return: bytes that belong to it, 0 if none of the forms starts here.
 */
size_t toml_scalar_match(const char *text, size_t size, TomlValue *out_value, const char **out_why);
