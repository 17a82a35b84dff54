/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where saving writes to: files by name, into one tar or below one directory.
 */
#pragma once

#include <sys/types.h>

#include "storage/save.h"

typedef struct SaveTarget SaveTarget;

/** save_target_open() - @is_dir: a directory, made if absent; else a tar ("-": stdout). */
SaveTarget *save_target_open(const char *path, bool is_dir, GError **error);

/** save_target_finish() - complete the archive and put it into its place. */
bool save_target_finish(SaveTarget *target, GError **error);

/** save_target_free() - what is not finished is removed. */
void save_target_free(SaveTarget *target);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SaveTarget, save_target_free)

/** save_target_has() - was a file of this name written in this run? */
bool save_target_has(const SaveTarget *target, const char *name);

/** save_target_dir() - its descriptor, -1 for a tar. */
int save_target_dir(const SaveTarget *target);

/** save_target_mkdir() - a directory's entry in a tar ("blobs/"); readers that are not root want
 * it. */
bool save_target_mkdir(SaveTarget *target, const char *name, GError **error);

/** save_target_put() - a small file as a whole. */
bool save_target_put(SaveTarget *target, const char *name, const void *data, size_t size,
		     GError **error);

/** save_target_copy() - a file from the start of @fd. */
bool save_target_copy(SaveTarget *target, const char *name, int fd, uint64_t size, GError **error);

/** save_target_begin(), _append(), _end() - a file of known size, piece by piece. _append is a
 * LayerSink. */
bool save_target_begin(SaveTarget *target, const char *name, uint64_t size, GError **error);
bool save_target_append(void *target, const void *bytes, size_t size, GError **error);
bool save_target_end(SaveTarget *target, GError **error);
