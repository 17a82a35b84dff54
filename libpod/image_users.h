/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Images and the containers made from them: an image goes when nobody uses it.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "libpod/engine.h"
#include "storage/image.h"

/**
 * image_users_remove() - remove an image, with @force the containers made from it first
 *
 * No container can be created from the image between the look at its users and its end. The trash
 * is emptied by the caller.
 * @error: IN_USE in podman's words if a container uses it
 */
bool image_users_remove(Engine *engine, const Image *image, bool force, GError **error);
