/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The jail of skiff-layer: where bytes of images are taken apart (security R10).
 *
 * The process was exec'd into its own user (unless real root), pid, mount, network, ipc and uts
 * namespace. jail_enter() makes an empty read-only tmpfs its root, with the one directory it works
 * on at /layer and, on request, the lower layers merged at /lower. Then it gives up every
 * capability but those that unpacking needs, limits its resources, and confines itself by Landlock
 * and seccomp. No way leads back.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

typedef struct {
	const char *layer; /* absolute path of the directory */
	int layer_fd;      /* the same, opened by our parent: both must be one */
	bool read_only;    /* only look at /layer */
	const char *const *
		lowers; /* absolute paths of diff directories, top first; NULL if none are needed */
} JailOptions;

/**
 * jail_enter() - enter it; single-threaded, once
 * @out_layer_fd:	/layer, O_RDONLY
 * @out_lower_fd:	/lower, or -1 without lowers; may be NULL
 */
bool jail_enter(const JailOptions *options, int *out_layer_fd, int *out_lower_fd, GError **error);

/**
 * jail_enter_empty() - the same for work on a directory that is open already, with an empty root
 * @work_fd:	perhaps of another mount namespace; all that is below it, mounts too, can be reached
 * @read_only:	only look at it
 */
bool jail_enter_empty(int work_fd, bool read_only, GError **error);
