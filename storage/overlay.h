/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Overlay: computes the root mount of a container; runtime/mounts makes it.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "libpod/base/idmap.h"
#include "storage/image.h"

typedef struct {
	const char *const *chain_ids; /* bottom first, or NULL with @rootfs */
	const char *rootfs;           /* absolute directory as the only lower, or NULL */
	const char *
		upper; /* relative to the store root: "containers/ID/upper"; NULL: read-only view */
	const char *work;
	bool is_volatile; /* a --rm container */
	bool userxattr;   /* always true in a user namespace */
	const IdMap *map; /* NULL: the shared map; else the tree per (chain, map) */
} OverlayPlan;

/** overlay_options() - the mount's options: "lowerdir=A:B" top first, "upperdir=", "workdir=",
 * flags. g_strfreev() it. */
char **overlay_options(const OverlayPlan *plan, GError **error);
