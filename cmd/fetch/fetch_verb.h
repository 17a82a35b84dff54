/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the verbs of skiff-fetch share: their arguments, read from rows.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "storage/store.h"

#define FETCH_FAILED 125

typedef struct {
	const char *name;   /* "--input" */
	const char **value; /* takes a value ... */
	GPtrArray **values; /* ... or collects many ... */
	bool *flag;         /* ... or is a flag */
} FetchOption;

typedef struct {
	Store *store;
	const char *root;
	char **args; /* behind the verb; borrowed */
} FetchCall;

/** fetch_parse() - take the options of @rows (ended by a NULL name) and --root, --log-level. The
 * rest are operands. */
bool fetch_parse(FetchCall *call, const FetchOption *rows, GPtrArray *operands, GError **error);

/** fetch_open() - open the store after fetch_parse(). */
bool fetch_open(FetchCall *call, GError **error);

int fetch_load(FetchCall *call, GError **error);
