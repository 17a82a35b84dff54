/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A container's file system as the container sees it, for cp, export and the like.
 *
 * A running container's own mounts are used, never a second overlay on the same layer. Of one that
 * does not run the overlay and its volumes are mounted in a namespace that lives as long as the
 * view; meanwhile the container cannot be started. Nothing is mounted where others can see it.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "libpod/base/record.h"
#include "libpod/container.h"

typedef enum {
	VIEW_ROOT,   /* its root only: where mounts are there is what lies below them */
	VIEW_MOUNTS, /* with volumes and all else that is mounted in it */
} ViewKind;

typedef struct {
	int root_fd;    /* O_PATH on the root */
	int userns_fd;  /* in which its ids are what the container calls them; -1: our own */
	int mounts_fd;  /* keeps its mounts alive; -1 for VIEW_ROOT */
	RecordLock *op; /* of a container that does not run, else NULL */
	Container *ctr; /* borrowed */
} ContainerView;

/** container_view_open() - @error: BAD_STATE while the container is being started or stopped. */
ContainerView *container_view_open(Container *ctr, ViewKind kind, GError **error);

/**
 * container_view_of_build() - the layers of a build, without a container
 * @layers:	chain ids, bottom first; may be empty
 * @layer_dir:	"staging/STAGE/NAME", which is written to (storage/build_layer.h); NULL: read-only
 */
ContainerView *container_view_of_build(Engine *engine, const char *const *layers,
				       const char *layer_dir, GError **error);

/** container_view_owner() - "UID:GID" of the container's user, to whom files are given. g_free()
 * it.
 */
char *container_view_owner(const ContainerView *view, GError **error);

/** container_view_close() - let go of it all. NULL is fine. */
void container_view_close(ContainerView *view);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ContainerView, container_view_close)
