/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names that are given to images, and the name that was meant among those an image has.
 */
#pragma once

#include <glib.h>

#include "storage/image.h"

/**
 * image_new_name() - the full name of what a user calls an image: "x" is "localhost/x:latest"
 * @error:	INVALID
 *
 * Return: g_free() it.
 */
char *image_new_name(const char *text, GError **error);

/** image_find_name() - the name of @image that @text means; NULL: none, it is an id or a digest.
 * Borrowed. */
const char *image_find_name(const Image *image, const char *text);
