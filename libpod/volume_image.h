/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Volumes of the driver "image": they begin with what an image has, and are the user's from then
 * on. The image is copied, so it may go.
 */
#pragma once

#include "libpod/volume.h"
#include "storage/image.h"

/**
 * volume_image_find() - the image that the options name
 * @error:	INVALID and NOT_FOUND in podman's words
 *
 * Return: image_free() it.
 */
Image *volume_image_find(Engine *engine, const Volume *volume, GError **error);

/** volume_image_fill() - the tree of @image into the new volume's directory, synced. */
bool volume_image_fill(Engine *engine, const Image *image, int data_fd, GError **error);
