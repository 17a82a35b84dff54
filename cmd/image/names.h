/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names that are given to images, and the name that was meant among those an image has.
 */
#pragma once

#include <glib.h>

#include "storage/image.h"

/** image_find_name() - the name of @image that @text means; NULL: none, it is an id or a digest.
 * Borrowed. */
const char *image_find_name(const Image *image, const char *text);
