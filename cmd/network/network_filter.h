/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --filter of `network ls` and `network prune`: KEY=VALUE, several values of a key are
 * alternatives (labels must all match).
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "libpod/named_network.h"

/**
 * network_filter_apply() - take the networks that don't match out of @networks
 * @texts:	of KEY=VALUE; may be NULL
 * @error:	INVALID
 */
bool network_filter_apply(Engine *engine, GPtrArray *networks, const GPtrArray *texts,
			  GError **error);
