/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What images, containers and volumes take on the disk: `system df`, `system prune`.
 *
 * Layers are counted once where they are summed, whoever shares them. Sizes of files are what they
 * hold, not the blocks they take.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "libpod/container.h"
#include "libpod/volume.h"
#include "storage/image.h"

typedef struct {
	Image *image;
	int64_t size, shared, unique; /* bytes; shared: of layers that other images need, too */
	unsigned containers;          /* made from it */
} ImageUsage;

typedef struct {
	Container *ctr;
	int64_t size; /* of its own layer */
	bool active;  /* it runs */
} ContainerUsage;

typedef struct {
	Volume *volume;
	int64_t size;
	unsigned links; /* containers that mount it */
} VolumeUsage;

typedef struct {
	GPtrArray *images;       /* of ImageUsage */
	GPtrArray *containers;   /* of ContainerUsage */
	GPtrArray *volumes;      /* of VolumeUsage */
	int64_t layers;          /* of all images, each layer once */
	int64_t unneeded_layers; /* of these, those that no image with containers needs */
} DiskUsage;

/** disk_usage_new() - look at all of it; one process in the user's namespace does the counting. */
DiskUsage *disk_usage_new(Engine *engine, GError **error);
void disk_usage_free(DiskUsage *usage);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DiskUsage, disk_usage_free)

/** disk_usage_container(), disk_usage_volume() - by id, by name; 0 if it is not known. */
int64_t disk_usage_container(const DiskUsage *usage, const char *id);
int64_t disk_usage_volume(const DiskUsage *usage, const char *name);
