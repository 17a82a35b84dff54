/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The key of a step: everything its result depends on, by name, so that a miss can say what
 * changed.
 */
#pragma once

#include <glib.h>

typedef struct CacheKey CacheKey;

/** cache_key_new() - no inputs yet. */
CacheKey *cache_key_new(void);
void cache_key_free(CacheKey *key);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CacheKey, cache_key_free)

/** cache_key_add() - one input; NULL counts as another value than "". Names are ours: no '='. */
void cache_key_add(CacheKey *key, const char *name, const char *value);

/** cache_key_add_list() - a list as one input; ["a b"] and ["a", "b"] differ. */
void cache_key_add_list(CacheKey *key, const char *name, const char *const *values);

/** cache_key_hex() - 64 hex digits. g_free() it. */
char *cache_key_hex(const CacheKey *key);

/** cache_key_inputs() - "NAME=VALUE" of each, borrowed, NULL-terminated. */
const char *const *cache_key_inputs(CacheKey *key);

/**
 * cache_key_explain() - what is different from an earlier run
 * @before:	cache_key_inputs() of that; NULL: there was none
 *
 * Return: "the environment changed: A=1 is new", one line for each input. g_free() it.
 */
char *cache_key_explain(CacheKey *key, const char *const *before);
