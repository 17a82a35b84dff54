/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a container may use: linux.resources of the runtime-spec as a struct, to JSON and back, and
 * into the files of a cgroup (version 2).
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "libpod/base/json.h"

#define RESOURCES_UNLIMITED (-1) /* of the numbers below; 0 = nothing was asked for */

typedef enum {
	OCI_READ_BPS,
	OCI_WRITE_BPS,
	OCI_READ_IOPS,
	OCI_WRITE_IOPS,
	OCI_DEVICE_WEIGHT,
	OCI_DEVICE_LIMIT_COUNT,
} OciDeviceLimitKind;

/* Of one block device. */
typedef struct {
	char *path; /* as typed; NULL in a config.json */
	int64_t major, minor;
	int64_t value; /* bytes or operations in a second, or a weight */
} OciDeviceLimit;

typedef struct {
	int64_t memory, memory_reservation;
	int64_t memory_swap; /* with the memory, as docker counts */
	int64_t cpu_shares, cpu_period, cpu_quota;
	char *cpus, *mems;                          /* "0-2,7"; NULL = nothing was asked for */
	int64_t blkio_weight;                       /* 10 to 1000 */
	GPtrArray *devices[OCI_DEVICE_LIMIT_COUNT]; /* of OciDeviceLimit; NULL if empty */
	GHashTable *unified;                        /* --cgroup-conf: file to text; NULL if empty */
	int64_t pids;
} OciResources;

/** resources_clear() - free what it holds; it is empty then. */
void resources_clear(OciResources *resources);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(OciResources, resources_clear)

/** resources_merge() - what @changes asks for replaces what @target says; both may be empty. */
void resources_merge(OciResources *target, const OciResources *changes);

/** resources_drop() - forget all that needs @controller; NULL: everything. */
void resources_drop(OciResources *resources, const char *controller);

/** resources_set_device() - set the limit of one device, replacing an earlier one. */
void resources_set_device(OciResources *resources, OciDeviceLimitKind kind,
			  const OciDeviceLimit *limit);

/** resources_set_unified() - set one file of the cgroup. */
void resources_set_unified(OciResources *resources, const char *file, const char *value);

/** resources_controllers() - which controllers it needs. g_strfreev() it. */
char **resources_controllers(const OciResources *resources);

/** resources_to_json() - linux.resources; @record: with the paths of devices, for our records. NULL
 * if nothing was asked for. */
Json *resources_to_json(const OciResources *resources, bool record);

/** resources_from_json() - the reverse; NULL is nothing. INVALID names the path. */
bool resources_from_json(Json *json, OciResources *out, GError **error);

/** resources_cpu_weight() - cpu.weight for the shares of version 1. */
int64_t resources_cpu_weight(int64_t shares);

/** resources_io_weight() - io.weight for a weight of blkio. */
int64_t resources_io_weight(int64_t weight);

/**
 * resources_apply() - write all that was asked for into the files of a cgroup
 * @fd:	the cgroup
 *
 * A limit that is taken away needs no file. @error: SYSTEM names the file.
 */
bool resources_apply(const OciResources *resources, int fd, GError **error);
