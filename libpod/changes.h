/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a container changed in its image.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "libpod/container.h"

/** changes_of_container() - "A/new", "C/etc", "D/old", sorted by path. GPtrArray of strings. */
GPtrArray *changes_of_container(Engine *engine, Container *ctr, GError **error);
