/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RUN --mount: comma-separated key=value, quoted as CSV.
 *
 *   bind    target source from rw			(the default type)
 *   cache   id target source from ro sharing mode uid gid
 *   tmpfs   target size
 *   secret  id target env required mode uid gid
 *   ssh     id target required mode uid gid
 *
 * Every key is read by a parser of its own kind; what is not listed is refused.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "build/expand.h"

typedef enum {
	RUN_MOUNT_BIND,
	RUN_MOUNT_CACHE,
	RUN_MOUNT_TMPFS,
	RUN_MOUNT_SECRET,
	RUN_MOUNT_SSH,
} RunMountType;

typedef enum {
	RUN_MOUNT_SHARED,
	RUN_MOUNT_PRIVATE,
	RUN_MOUNT_LOCKED,
} RunMountSharing;

typedef struct {
	char *text; /* as written */
	RunMountType type;
	char *id, *source, *target, *from, *env; /* NULL if absent */
	bool read_only, required;
	RunMountSharing sharing;
	int64_t mode, uid, gid; /* -1 if absent */
	int64_t size;           /* bytes, -1 = no limit */
	bool deferred;          /* some value holds a variable and was not looked at */
} RunMount;

/**
 * run_mount_parse() - read one value of --mount
 * @expander:	expands all values but "from"; NULL leaves those with a dollar alone (@deferred)
 * @error:	INVALID
 */
RunMount *run_mount_parse(const char *text, const Expander *expander, GError **error);
void run_mount_free(void *mount);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RunMount, run_mount_free)
