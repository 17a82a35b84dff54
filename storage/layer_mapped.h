/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Trees with other owners: what a container with an id map of its own mounts instead of the layers.
 *
 * A user may not shift the owners of a mount, so each layer is copied once per map: the file that
 * the shared map shows as the container's id N belongs, in the copy, to whatever the container's
 * own map calls N. Data is shared with the original where the file system can do that.
 *
 * A copy is DIR/NAME/diff, complete once it is visible: staged, synced, renamed. It goes with its
 * original (layers_sweep()).
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "libpod/base/idmap.h"
#include "storage/store.h"

typedef struct {
	const char *dir; /* first-level directory of the store, static text */
	char *source;    /* the original below it: "HEX/diff" */
	char *name;      /* the copy below it: "HEX@KEY" */
} MappedTree;

void mapped_tree_free(MappedTree *tree);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MappedTree, mapped_tree_free)

/**
 * mapped_trees_missing() - the copies that have to be made
 * @chain_ids:	layers, or NULL
 * @base:	another original, the name of a directory in cache/
 *
 * Return: GPtrArray of MappedTree, empty when everything is there; NULL with @error.
 */
GPtrArray *mapped_trees_missing(Store *store, const char *const *chain_ids, const char *base,
				const IdMap *map, GError **error);

/** mapped_base_path() - "cache/BASE@KEY/diff", relative to the store root. g_free() it. */
char *mapped_base_path(const char *base, const IdMap *map);

/**
 * mapped_tree_copy() - copy one tree into the stage, as @stage/NAME/diff
 *
 * Should: run in the user's namespace, where all owners have a number. An id without a place in
 * @map becomes the container's root (or its lowest id), and loses its set-id bits.
 */
bool mapped_tree_copy(Store *store, StoreStage *stage, const MappedTree *tree, const IdMap *map,
		      GError **error);

/** mapped_trees_publish() - sync the staged copies and give them their places. One that is already
 * there wins. */
bool mapped_trees_publish(Store *store, StoreStage *stage, const GPtrArray *trees, GError **error);

/**
 * tree_copy() - copy what the directory @name of @from_dir holds into the open directory @to_fd,
 * with its own owner, mode and times
 *
 * For commit; the rest as mapped_tree_copy(). Marks of an overlay are left behind but whiteouts and
 * what makes a directory opaque: the copy is a layer's diff/.
 */
bool tree_copy(int from_dir, const char *name, int to_fd, const IdMap *map, GError **error);
