/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /dev: always a fresh tmpfs of ours, its nodes bound from host nodes whose type and number were
 * checked (security R5). Nothing of the image's own /dev is ever opened.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <sys/types.h>

#include "libpod/runtime/oci_config.h"
#include "libpod/runtime/sync.h"

typedef struct {
	char *path;      /* in the container */
	int fd;          /* detached bind of the host's node */
	bool configured; /* not one of the six standard nodes */
} DeviceEntry;

typedef struct {
	GArray *entries; /* of DeviceEntry */
} DevicePlan;

/** devices_plan() - monitor: open the six standard nodes and the configured ones. NOT_FOUND,
 * INVALID. */
bool devices_plan(const OciConfig *config, DevicePlan *out_plan, GError **error);
void devices_plan_clear(DevicePlan *plan);

/** devices_open_null() - the host's null device, number checked: @detached = a bind to mount, else
 * O_RDWR. fd or -1. */
int devices_open_null(bool detached);

/**
 * devices_populate() - init: nodes, links and directories in our own /dev
 * @dev_fd:	root of the tmpfs, already attached
 * @root_fd:	for configured devices outside /dev
 */
int devices_populate(const DevicePlan *plan, int dev_fd, int root_fd, SyncReport *report);

/** devices_attach() - init: only the configured devices, where /dev is the user's own mount. */
int devices_attach(const DevicePlan *plan, int root_fd, SyncReport *report);

/**
 * devices_open_terminal() - a new pty of a devpts instance
 * @pts_fd:	a directory whose file system is devpts; anything else is refused
 * Return: 0 or negative errno.
 */
int devices_open_terminal(int pts_fd, int *out_master, int *out_slave);

/** devices_bind_console() - put the pty's other end onto /dev/console. */
int devices_bind_console(int dev_fd, int slave_fd);
