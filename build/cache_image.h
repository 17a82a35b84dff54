/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Steps of builds in an image's config, for --cache-to and --cache-from.
 *
 * A cache that is exported is an ordinary image: its layers are those of a stage, and its config
 *has one more member, which says what made them. So every registry, directory and tool that carries
 * images carries caches, and layers are checked as any image's are. With several stages it is an
 * index of such images. The image that was built may carry the member itself (type=inline).
 *
 *	"skiff.buildcache.v1": {
 *	  "steps": [{
 *	    "keys": ["HEX", ...],       what the step depends on, by build/cache_key.h
 *	    "layers": N,                the result is the first N layers
 *	    "own": true,                the last of them is the step's own
 *	    "created": "...", "created_by": "..." }],
 *	  "image": {"key": "HEX", "config": "TEXT"} }   the config that came of it; not inline
 *
 * Who imports a cache believes its keys: it is as trusted as a base image. What is checked is that
 * a step has no layers but the image's, and that a config is one of the key it stands under.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "build/state.h"
#include "storage/build_cache.h"
#include "storage/image.h"
#include "storage/store.h"

#define CACHE_IMAGE_MEMBER "skiff.buildcache.v1"

/** cache_image_key() - the key of an image: all of its config but times. g_free() it. */
char *cache_image_key(const Json *config);

/** cache_image_member() - the member, of the steps of a stage. js_unref() it. */
Json *cache_image_member(const BuildState *state);

typedef struct {
	const char *created;
	const char *key, *config; /* of the image that came of it; NULL: another stage's */
} CacheImageOptions;

/** cache_image_publish() - record the image of a stage's steps. Return: its id, g_free() it. */
char *cache_image_publish(Store *store, const BuildState *state, const CacheImageOptions *options,
			  GError **error);

/**
 * cache_image_read() - add the steps that an image tells of to a table of BuildRecord by key
 *
 * Return: how many; 0: it tells of none. CORRUPT: it is malformed, and nothing was added.
 */
int cache_image_read(const Image *image, GHashTable *records, GError **error);
