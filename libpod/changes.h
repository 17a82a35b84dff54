/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a container changed in its image, and the last layer of an image in those below.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "libpod/container.h"
#include "storage/image.h"

/** changes_of_container() - "A/new", "C/etc", "D/old", sorted by path. GPtrArray of strings. */
GPtrArray *changes_of_container(Engine *engine, Container *ctr, GError **error);

/** changes_of_image() - the same of an image's last layer. */
GPtrArray *changes_of_image(Engine *engine, const Image *image, GError **error);
