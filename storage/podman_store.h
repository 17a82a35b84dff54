/* SPDX-License-Identifier: Apache-2.0 */
/*
 * podman's local store (containers/storage), read only: its images, and the exact tars of their
 * layers. Nothing is written there and none of its locks are taken; what changes meanwhile fails
 * the layer's digest.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

#include "storage/archive.h"

typedef struct PodmanStore PodmanStore;

typedef struct {
	char *id;
	char **names;   /* "registry/repository:tag" */
	char *manifest; /* as podman has it */
	size_t manifest_size;
	char *config;
	size_t config_size;
	char **layers; /* ids for podman_store_stream(), bottom first */
} PodmanImage;

void podman_image_free(PodmanImage *image);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PodmanImage, podman_image_free)

/**
 * podman_store_open() - the store below @root (overlay or vfs)
 * @root:	NULL: where podman has it for this user
 * @error:	NOT_FOUND, DENIED
 */
PodmanStore *podman_store_open(const char *root, GError **error);
void podman_store_close(PodmanStore *store);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PodmanStore, podman_store_close)

/** podman_store_root() - where it is, borrowed. */
const char *podman_store_root(const PodmanStore *store);

/** podman_store_images() - all images that have layers; lists and artifacts are left out. GPtrArray
 * of PodmanImage. */
GPtrArray *podman_store_images(const PodmanStore *store, GError **error);

/** podman_layer_assemble() - what the child of podman_store_stream() does. @driver: "overlay",
 * "vfs". */
bool podman_layer_assemble(const char *root, const char *driver, const char *layer,
			   ArchiveSink sink, void *data, GError **error);

/**
 * podman_store_stream() - push a layer's tar into @sink
 * @store:	a PodmanStore
 *
 * Its files may belong to sub-ids, so a child (skiff-fetch podman-layer) reads them in the user's
 * namespace.
 */
bool podman_store_stream(void *store, const char *layer, ArchiveSink sink, void *data,
			 GError **error);
