/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a layer could not settle alone (see tar_unpack.h), once the layers below it are there.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/**
 * layer_complete() - work through the deferred records
 * @diff_fd:	the layer's own tree
 * @lower_fd:	the merged view of all layers below
 * @max_bytes:	budget for files copied up
 * @out_copied:	bytes of them
 * @error:	INVALID for a hard link that leads nowhere, CORRUPT for a broken list
 */
bool layer_complete(int diff_fd, int lower_fd, const char *deferred, size_t size,
		    uint64_t max_bytes, uint64_t *out_copied, GError **error);
