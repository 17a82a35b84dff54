/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Push of an image index: its images, then the index itself. Runs in skiff-fetch.
 *
 * An image of the store is pushed as any other, under its digest. One that only another repository
 * has is pulled first, by digest, so that its bytes are kept and its digest stays. Where what was
 * pushed has another digest (layers compressed anew), the index that is sent says so; the one in
 * the store is not changed. The tag is set last. To a layout or a directory all of it goes with new
 * layers, as with an image.
 */
#pragma once

#include "storage/push.h"

typedef struct {
	const PushOptions *push;
	bool all; /* the images too; else they must be there */
} PushIndexOptions;

/**
 * image_index_push() - push one index
 * @name:	of the store
 * @destination: as image_push()'s or image_push_file()'s; NULL: @name
 * @pulled:	gets the ids of images that the store has only because of this, also after a failure
 * @error:	as those; NOT_FOUND if an image is neither here nor at a registry
 */
PushResult *image_index_push(Store *store, const char *name, const char *destination,
			     const PushIndexOptions *options, GPtrArray *pulled, GError **error);
