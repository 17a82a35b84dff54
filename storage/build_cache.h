/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The build cache: what steps of builds made, by the key of all that went into them. One record
 * each, cache/build/KEY. Layers that a record names stay (layers_sweep()); a record whose layers
 * are gone, or that is damaged, is worth nothing: who meets it drops it, and the step runs again.
 *
 * Beside them cache/build/slots/ keeps, for each place in a Dockerfile, what the last run there was
 * made of: only to say what changed. Losing it costs an explanation.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "storage/store.h"

typedef struct {
	char *key;        /* 64 hex digits */
	char **layers;    /* chain ids, bottom first; the last is the step's own if it made one */
	char *diff_id;    /* of the step's layer; NULL: it made none */
	char *created;    /* RFC 3339 */
	char *created_by; /* as in the history */
	char *config;     /* a whole image config: the record of a build's end; else NULL */
	uint64_t size;    /* of the step's layer */
	int64_t made;     /* ns since 1970: when it was run, whatever @created says */
	int64_t used;     /* ns since 1970; of a record that was read */
} BuildRecord;

void build_record_free(BuildRecord *record);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BuildRecord, build_record_free)

/** build_cache_lookup() - the record of @key, marked as used now; NULL if there is none that can be
 * used. */
BuildRecord *build_cache_lookup(Store *store, const char *key);

/** build_cache_store() - add or replace a record; its layers are there, held by a stage. */
bool build_cache_store(Store *store, const BuildRecord *record, GError **error);

/** build_cache_list() - all records that can be read, oldest use first. GPtrArray of BuildRecord.
 */
GPtrArray *build_cache_list(Store *store, GError **error);

/** build_cache_remove() - drop a record; true if it is gone already. */
bool build_cache_remove(Store *store, const char *key, GError **error);

/** build_cache_prune() - drop the records whose layers no image has, or @all; sweeping the layers
 * is the caller's. */
bool build_cache_prune(Store *store, bool all, GError **error);

/** build_cache_add_needed() - add the hex digits of all layers that records name to @needed. */
bool build_cache_add_needed(Store *store, GHashTable *needed, GError **error);

/* Directories of RUN --mount=type=cache, below cache/. */
#define BUILD_MOUNTS_DIR "build/mounts"

/** build_cache_trash_mounts() - move them all to the trash; who runs on one keeps it until it ends.
 */
bool build_cache_trash_mounts(Store *store, GError **error);

/** build_cache_mounts_used() - when the youngest of them last got or lost a file of its own, ns; 0:
 * there is none. */
int64_t build_cache_mounts_used(Store *store);

/* What is known of files of contexts, below cache/: digests by inode, one file for each context;
 * and for --explain which files steps were given, a list for each place in a Dockerfile. */
#define BUILD_FILES_DIR "build/files"

/** build_cache_trash_files() - forget it: the next builds read those files again. */
bool build_cache_trash_files(Store *store, GError **error);

/** build_cache_files_size() - how much that is. @out_used: its last change, ns; 0: there is none.
 */
uint64_t build_cache_files_size(Store *store, int64_t *out_used);

/** build_cache_trash_slots() - forget what --explain compares with: values of build arguments. */
bool build_cache_trash_slots(Store *store, GError **error);

/** build_slot_read() - "NAME=VALUE" strings of what was run at @slot (hex digits); NULL if unknown.
 * g_strfreev() it. */
char **build_slot_read(Store *store, const char *slot);

/** build_slot_write() - note what is run at @slot. A failure costs an explanation: it is logged. */
void build_slot_write(Store *store, const char *slot, const char *const *inputs);
