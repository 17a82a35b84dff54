/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One path after the other of a running container made like paths of the host. Nothing is executed
 * in the container: an image may have no shell, nor anything but its one program.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "libpod/container.h"

typedef struct CopySync CopySync;

/** copy_sync_open() - @ctr is borrowed, and read anew. */
CopySync *copy_sync_open(Container *ctr, GError **error);
void copy_sync_close(CopySync *sync);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CopySync, copy_sync_close)

/**
 * copy_sync_path() - make @target, absolute in the container, what @path is now
 * @follow:	a link is what it leads to, else a link
 *
 * A directory is made, without what it holds; a file or a link replaces what is there; what is gone
 * is removed. Missing directories above it are made. What is new is the container's user's.
 */
bool copy_sync_path(const CopySync *sync, const char *path, const char *target, bool follow,
		    GError **error);
