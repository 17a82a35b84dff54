/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The key of a step: everything its result depends on, by name, so that a miss can say what
 * changed.
 */
#pragma once

#include <glib.h>

#include "build/checksum.h"

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

/** cache_key_add_files() - files as one input, by their checksum. Takes @list. */
void cache_key_add_files(CacheKey *key, const char *name, FileList *list);

/** cache_key_save_files() - keep the lists as files "@slot-N", for cache_key_explain(). A failure
 * costs an explanation only. */
void cache_key_save_files(const CacheKey *key, int dir_fd, const char *slot);

/**
 * cache_key_explain() - what is different from an earlier run
 * @before:	cache_key_inputs() of that
 * @dir_fd:	where its cache_key_save_files() was, with @slot; -1: nowhere
 *
 * Return: "environment changed: -A=1 +A=2", "files changed: a +b", a line for each input; "" if
 * nothing is different. g_free() it.
 */
char *cache_key_explain(CacheKey *key, const char *const *before, int dir_fd, const char *slot);
