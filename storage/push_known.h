/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is known of a layer's compressed forms and where they are: cache/pushed/DIFFHEX, a line
 * "DIGEST SIZE TYPE PLACE" for each, newest first. It saves compressing again and sending again;
 * nothing is believed: the registry is asked for every blob, and what it takes over is named by its
 * digest.
 */
#pragma once

#include <glib.h>
#include <stdint.h>

#include "storage/store.h"

typedef struct {
	char *digest;
	int64_t size;
	char *media_type;
	char *place; /* "registry/repository" as in names */
} PushKnown;

/** push_known_load() - of a diff id. GPtrArray of PushKnown, which may be empty. */
GPtrArray *push_known_load(Store *store, const char *diff_id);

/** push_known_add() - remember one more; failures cost only time later. */
void push_known_add(Store *store, const char *diff_id, const PushKnown *known);

/** push_known_sweep() - forget what nobody pushed for three months. */
void push_known_sweep(Store *store);
