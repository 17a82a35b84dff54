/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which files below some directories have changed: inotify over whole trees.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

typedef struct WatchTree WatchTree;

/** Shall this directory be left out with all that is in it? */
typedef bool (*WatchTreePrunes)(const char *directory, void *data);

/** watch_tree_new() - @prunes may be asked at any time. @error: SYSTEM. */
WatchTree *watch_tree_new(WatchTreePrunes prunes, void *data, GError **error);
void watch_tree_free(WatchTree *tree);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(WatchTree, watch_tree_free)

/**
 * watch_tree_add() - from now on, what becomes of a file, or of a directory and all below it
 * @error:	SYSTEM; of the limit of watches it says what to raise
 */
bool watch_tree_add(WatchTree *tree, const char *path, GError **error);

/** watch_tree_fd() - readable when there is something to read. */
int watch_tree_fd(const WatchTree *tree);

/**
 * watch_tree_read() - add the absolute paths that have changed to the set @out, which takes them
 * @out_lost:	the kernel dropped some: anything may have changed
 */
bool watch_tree_read(WatchTree *tree, GHashTable *out, bool *out_lost, GError **error);

/** watch_tree_list() - add all files below @path that are not pruned to the set @out. */
void watch_tree_list(WatchTree *tree, const char *path, GHashTable *out);
