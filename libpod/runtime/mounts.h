/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mounts of a container, by descriptor (security R3).
 *
 * Three stages. In the monitor, where every source is visible: bind sources and overlays become
 * detached mounts. In init, in the new namespaces and while the host's /proc and /sys are still
 * there (the kernel insists on seeing them before it gives new ones to a user namespace): fresh
 * file systems, detached too. After the root was changed, when nothing of the host can be reached
 * by a path: each is given its flags and moved onto a descriptor of its destination.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <sys/types.h>

#include "libpod/runtime/devices.h"
#include "libpod/runtime/mount_options.h"
#include "libpod/runtime/oci_config.h"
#include "libpod/runtime/sync.h"

typedef struct {
	const OciMount *mount; /* borrowed */
	MountOptions options;
	int fd; /* the detached mount, later the attached one; -1 until it is made */
	bool is_directory;
	bool is_hosts; /* a clone of the host's own file system, where no other was to be had */
	bool is_fresh; /* an empty volume at a place that the image does not have: the user's */
} MountEntry;

typedef struct {
	const OciConfig *config;
	GArray *entries; /* of MountEntry, without the root, in order */
	MountEntry root;
	DevicePlan devices;
	OciConfig *implicit; /* holds the mounts that the configuration left out: /dev, /dev/pts */
	int null_fd; /* detached bind of the host's null device; attached on the first masked file
		      */
	int root_fd; /* O_PATH on the container's root once it is ours */
} MountPlan;

/**
 * mounts_plan() - monitor: parse all options, open all sources
 * @store_fd:	where relative sources and layer paths begin
 */
MountPlan *mounts_plan(const OciConfig *config, int store_fd, GError **error);
void mounts_plan_free(MountPlan *plan);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MountPlan, mounts_plan_free)

/** mounts_make() - init, in the new namespaces, host still visible: the fresh file systems. 0 or
 * negative errno. */
int mounts_make(MountPlan *plan, SyncReport *report);

/** mounts_find() - the last entry at @destination, NULL if none. */
MountEntry *mounts_find(MountPlan *plan, const char *destination);

/** mounts_attach() - init, after the root changed: put every entry onto its destination. */
int mounts_attach(MountPlan *plan, SyncReport *report);

/** mounts_give() - init: ownership for "U", labels for "z", then the read-only flags that had to
 * wait. */
int mounts_give(MountPlan *plan, uid_t uid, gid_t gid, SyncReport *report);

/** mounts_seal() - init: read-only paths, masks, a read-only root. The last change to the mounts.
 */
int mounts_seal(MountPlan *plan, SyncReport *report);

/**
 * mounts_new() - a detached file system
 * @data:	its "key=value" or "key" words, or NULL
 * @attributes:	MOUNT_ATTR_*
 * Return: descriptor or negative errno.
 */
int mounts_new(const char *type, const char *source, const GPtrArray *data, uint64_t attributes);

/** mounts_new_empty() - an empty read-only stand-in, for what is hidden and for what a host cannot
 * give. */
int mounts_new_empty(void);

/** mounts_move() - attach a detached mount onto a descriptor. 0 or negative errno. */
int mounts_move(int mount_fd, int target_fd);
