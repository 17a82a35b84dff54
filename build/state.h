/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a stage has come to: the layers so far, and the image config they will have.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "libpod/base/json.h"
#include "storage/image.h"

typedef struct {
	GPtrArray *layers;   /* char *, chain ids, bottom first, without a NULL at the end */
	GPtrArray *diff_ids; /* char *, likewise */
	Json *image;         /* the whole config; its rootfs is made at the end */
	Json *steps;         /* array: what the cache knows of those so far (build/cache_image.h) */
	char *comment;       /* of the next entry of the history: "FROM NAME"; or NULL */
} BuildState;

/** build_state_new() - nothing yet: FROM scratch. @platform: NULL: this machine's. INVALID. */
BuildState *build_state_new(const char *platform, GError **error);

/** build_state_new_image() - on an image. CORRUPT, INVALID. */
BuildState *build_state_new_image(const Image *image, GError **error);

/** build_state_copy() - on another stage. */
BuildState *build_state_copy(const BuildState *state);
void build_state_free(BuildState *state);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BuildState, build_state_free)

/** build_state_to_json() and build_state_from_json() - from process to process. js_unref() the
 * first's result. */
Json *build_state_to_json(const BuildState *state);
BuildState *build_state_from_json(Json *json, GError **error);

/** build_state_config() - the inner "config" object, borrowed. */
Json *build_state_config(BuildState *state);

/** build_state_string() - a string of the inner object, "" if absent. Borrowed. */
const char *build_state_string(BuildState *state, const char *key);

/** build_state_env() - Env of the inner object. g_strfreev() it. */
char **build_state_env(BuildState *state);

/** build_state_has_env() - is there a NAME=VALUE of that name? */
bool build_state_has_env(BuildState *state, const char *name);

/** build_state_set_env() - NAME=VALUE, in the place of an earlier one of that name. */
void build_state_set_env(BuildState *state, const char *name, const char *value);

/** build_state_layers() - chain ids for those who want a vector. g_free() the vector only. */
const char **build_state_layers(const BuildState *state);

/** build_state_top() - the chain id of all layers, "" without any. Borrowed. */
const char *build_state_top(const BuildState *state);

/** build_state_add_layer() - one more layer. */
void build_state_add_layer(BuildState *state, const char *chain_id, const char *diff_id);

/** build_state_add_history() - one more entry of the history; @empty: no layer belongs to it. */
void build_state_add_history(BuildState *state, const char *created, const char *created_by,
			     bool empty);

/**
 * build_state_add_step() - note a step for a cache that is exported
 * @alias:	another key of the same result; may be NULL
 * @own:	it made the top layer
 */
void build_state_add_step(BuildState *state, const char *key, const char *alias,
			  const char *created, const char *created_by, bool own);

/** build_state_finish() - the text of the config, with rootfs and @created; borrowed from the
 * state. */
const char *build_state_finish(BuildState *state, const char *created);
