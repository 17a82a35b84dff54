/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The root of a container: the overlay as a detached mount, and the change of the root.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

/**
 * rootfs_overlay() - make an overlay, not attached anywhere
 * @store_fd:	where relative lowerdir, upperdir and workdir begin
 * @words:	"lowerdir=A:B" (top first; "\:" is a colon in a name), "upperdir=", "workdir=",
 * flags
 * @destination: for messages
 *
 * Tries descriptors (Linux 6.13), then /proc/self/fd strings (6.5), then mount(2) with numbers
 * relative to /proc/self/fd, which needs this process' mount namespace to be its own. Return:
 * descriptor or -1 with SYSTEM, NOT_FOUND (a layer is missing), INVALID.
 */
int rootfs_overlay(int store_fd, const GPtrArray *words, const char *destination, GError **error);

/**
 * rootfs_enter() - init: make the detached mount @root_mount_fd the root, and let go of the old one
 *
 * Should: be called when nothing of the host is needed by path any more.
 * Mustn't: be called with mounts that still propagate to the host: it makes all of ours slaves
 * first. Return: an O_PATH descriptor of the new root, or negative errno.
 */
int rootfs_enter(int root_mount_fd);
