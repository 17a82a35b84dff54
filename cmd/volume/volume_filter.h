/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --filter of `volume ls`: KEY=VALUE, several values of a key are alternatives (labels must all
 * match).
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "libpod/volume.h"

/**
 * volume_filter_apply() - take the volumes that don't match out of @volumes
 * @texts:	of KEY=VALUE; may be NULL
 * @error:	INVALID
 */
bool volume_filter_apply(Engine *engine, GPtrArray *volumes, const GPtrArray *texts,
			 GError **error);
