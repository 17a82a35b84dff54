/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --filter of `images`: KEY=VALUE, all must match (several references are alternatives).
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "storage/image.h"

typedef struct ImageFilter ImageFilter;

/**
 * image_filter_new() - parse filters
 * @used:	keys are ids of images that containers have, for containers=; borrowed for the
 *		filter's life; NULL where that is not known: UNSUPPORTED
 * @texts:	of KEY=VALUE; may be NULL
 * @reference:	one more reference=, or NULL
 * @error:	INVALID, NOT_FOUND (before=X)
 */
ImageFilter *image_filter_new(Store *store, const GPtrArray *texts, const char *reference,
			      GHashTable *used, GError **error);

/** image_filter_asks_for_users() - is containers= among the filters? */
bool image_filter_asks_for_users(const GPtrArray *texts);
void image_filter_free(ImageFilter *filter);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ImageFilter, image_filter_free)

/** image_filter_matches() - does the image pass, under any of its names? */
bool image_filter_matches(const ImageFilter *filter, const Image *image);

/** image_filter_matches_name() - is this one of the names that were asked for? */
bool image_filter_matches_name(const ImageFilter *filter, const char *name);
