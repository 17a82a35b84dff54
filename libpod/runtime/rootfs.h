/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The root of a container: the overlay as a detached mount, and the change of the root.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "libpod/runtime/oci_config.h"

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
 * rootfs_overlay_bind() - "O": a throw-away overlay over a directory of the host, not attached
 * anywhere
 *
 * The changes go to upperdir= and workdir= if @mount has them, else to a directory beside the root
 * overlay's own upper directory; what an earlier start left there is removed. Return: as
 * rootfs_overlay().
 */
int rootfs_overlay_bind(const OciConfig *config, const OciMount *mount, int store_fd,
			GError **error);

/**
 * rootfs_attach() - init: put the detached mount @root_mount_fd over the old root
 *
 * All of our mounts become slaves first, so that nothing propagates to the host. Paths still begin
 * at the old root. Return: 0 or negative errno.
 */
int rootfs_attach(int root_mount_fd);

/**
 * rootfs_enter() - init: make what rootfs_attach() has attached the root, and let go of the old one
 *
 * Should: be called when nothing of the host is needed by path any more.
 * Return: an O_PATH descriptor of the new root, or negative errno.
 */
int rootfs_enter(int root_mount_fd);
