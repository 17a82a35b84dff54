/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --cache-from and --cache-to: images that tell of steps (build/cache_image.h), on their way in and
 * out through skiff-fetch.
 */
#pragma once

#include "cmd/build/build.h"
#include "libpod/engine.h"

typedef struct {
	GHashTable
		*records; /* char * to BuildRecord *, for the solver; NULL: nothing was asked for */
	GPtrArray *images; /* char *: ids that the store has for this only */
} BuildCaches;

/**
 * build_caches_take() - bring all that --cache-from names
 *
 * A cache that is not there or cannot be read costs time, no build: it is warned of.
 */
bool build_caches_take(Engine *engine, const BuildVerb *verb, BuildCaches *out, GError **error);

/**
 * build_caches_give() - write all that --cache-to names
 * @ids:	images of the steps, the target's first: one for each platform
 * Return: exit code; -1 with @error.
 */
int build_caches_give(Engine *engine, const BuildVerb *verb, const GPtrArray *ids, GError **error);

/** build_caches_drop() - images that were only carried go again; what was used of them stays. */
void build_caches_drop(Engine *engine, const GPtrArray *ids);
void build_caches_clear(BuildCaches *caches);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(BuildCaches, build_caches_clear)
