/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The layers of a container with an id map of its own: copies that are made when they are first
 * needed, inside the user's namespace.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "libpod/base/idmap.h"
#include "libpod/engine.h"

/**
 * mapped_layers_map() - the map by which layers must be copied
 * @map:	the container's own map, or NULL
 *
 * Return: @map, borrowed; NULL if the layers fit as they are: without a map, and where all files
 * belong to one id anyway.
 */
const IdMap *mapped_layers_map(Engine *engine, const IdMap *map);

/**
 * mapped_layers_ensure() - make the copies of @chain_ids and of cache/@base for @map that are
 * missing
 * @chain_ids:	NULL with --rootfs
 *
 * Takes as long as copying takes, without holding a lock.
 */
bool mapped_layers_ensure(Engine *engine, const char *const *chain_ids, const char *base,
			  const IdMap *map, GError **error);
