/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store: the directory that holds images, layers, volumes and containers of one user.
 *
 * Version 1 of the layout; `version` in the root says so and another number is refused whole.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct Store Store;

/**
 * store_open() - open the store at @path, making it (0700) when absent
 * @error:	DENIED if it is not ours alone (R15); UNSUPPORTED for another format version, or
 *where it would have to be made on a network file system
 */
Store *store_open(const char *path, GError **error);
/** store_open_damaged() - the same whatever its version file says: for `system check`. */
Store *store_open_damaged(const char *path, GError **error);
/** store_version_check() - is it of our version? @error as store_open(). */
bool store_version_check(Store *store, GError **error);
/** store_version_reset() - write our version into it. */
bool store_version_reset(Store *store, GError **error);
void store_close(Store *store);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Store, store_close)

/** store_network_filesystem() - the name of the network file system whose f_type (statfs) this is,
 * or NULL: overlayfs takes none of them for the layer it writes to. */
const char *store_network_filesystem(uint32_t magic);

/** store_path() - the absolute path it was opened with, borrowed. */
const char *store_path(const Store *store);

/** store_fd() - the root's directory descriptor, borrowed. */
int store_fd(const Store *store);

/**
 * store_dir() - descriptor of a first-level directory: "containers", "names", "images", "layers",
 * "volumes", "networks", "secrets", "staging", "trash", "cache", "damaged", "indexes", "pods";
 * opened once, borrowed. -1 with errno for another name.
 */
int store_dir(Store *store, const char *name);

/**
 * store_trash() - move an entry of a first-level directory into trash/ under a unique name (atomic)
 * Deleting what is in trash/ is done by whoever has the user namespace: store_empty_trash().
 * Return: true also if it is already gone.
 */
bool store_trash(Store *store, const char *dir, const char *name, GError **error);

/** store_trash_is_empty() - nothing to delete? (one readdir) */
bool store_trash_is_empty(Store *store);

/** store_empty_trash() - remove all in trash/; call it inside the user namespace. */
bool store_empty_trash(Store *store, GError **error);

/** store_stage() - make staging/NAME with a lease lock so that sweepers spare it. Free with
 * store_stage_free(). */
typedef struct StoreStage StoreStage;
StoreStage *store_stage_new(Store *store, GError **error);
void store_stage_free(StoreStage *stage); /* removes what was not published */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StoreStage, store_stage_free)
int store_stage_fd(const StoreStage *stage);
const char *store_stage_name(const StoreStage *stage);

/** store_sweep() - move dead stages (lease free) to trash; cheap when there are none. Changing
 * commands call it. */
bool store_sweep(Store *store, GError **error);
