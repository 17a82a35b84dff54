/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Named volumes: volumes/NAME/ with volume.json and _data.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "libpod/base/record.h"
#include "libpod/engine.h"

typedef struct {
	char *name;
	char *driver;     /* "local" or "image" */
	char *mountpoint; /* absolute */
	char *scope;
	int64_t created; /* ns */
	GHashTable *labels;
	GHashTable *options;
	int64_t uid, gid; /* who its root belongs to; -1: whoever uses it first */
	bool anonymous;
	bool needs_copy_up;
} Volume;

void volume_free(Volume *volume);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Volume, volume_free)

typedef struct {
	const char *name; /* NULL: random, anonymous */
	GHashTable *labels;
	GHashTable *options; /* INVALID for those not supported */
	const char *driver;  /* NULL = local; image: volume_image.h */
	int64_t uid, gid;    /* 0 unless @uid_set, @gid_set */
	bool uid_set, gid_set;
	bool ignore; /* existing is fine */
	bool anonymous;
} VolumeCreate;

/** volume_create() - EXISTS in podman's words: volume with name X already exists: volume already
 * exists. */
Volume *volume_create(Engine *engine, const VolumeCreate *options, GError **error);
Volume *volume_lookup(Engine *engine, const char *name, GError **error);
/** volume_resolve() - also unique prefixes; NOT_FOUND: no volume with name "X" found: no such
 * volume. */
Volume *volume_resolve(Engine *engine, const char *name, GError **error);
GPtrArray *volumes_list(Engine *engine, GError **error);
/** volume_users() - ids of containers that mount it. */
char **volume_users(Engine *engine, const char *name, GError **error);
/** volumes_pin() - keep all volumes from being removed, as long as the lock is held: for who
 * records a container that mounts some. Under it only names/.lock may be taken. */
RecordLock *volumes_pin(Engine *engine, GError **error);
/** volume_remove() - IN_USE if a container mounts it, unless @force (which removes those
 * containers). */
bool volume_remove(Engine *engine, const Volume *volume, bool force, GError **error);
/** volume_copied_up() - clear the needs-copy-up flag, synced, BEFORE the copying starts
 * (security 1.1, CVE-2020-1726). */
bool volume_copied_up(Engine *engine, const char *name, GError **error);
/** volume_restore() - write a record for the data of a volume that has lost its own. */
bool volume_restore(Engine *engine, const char *name, GError **error);
/** volume_open_data() - the directory with its files, for reading. -1 with @error. */
int volume_open_data(Engine *engine, const Volume *volume, GError **error);
