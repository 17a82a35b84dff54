/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine: the handle every call of libpod takes. Opened once per command.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "libpod/base/idmap.h"
#include "storage/store.h"

typedef struct Engine Engine;
typedef struct Config Config;

typedef struct {
	const char *root;         /* --root, NULL = default */
	const char *runroot;      /* --runroot, NULL = default */
	bool read_only;           /* the command only reads: nothing is made or healed */
	bool damaged;             /* also a store whose version file is broken */
	const char *program;      /* skiff itself, absolute; NULL: this program */
	const GPtrArray *modules; /* char *, of containers.conf; or NULL */
} EngineOptions;

/** engine_open() - open store and runtime directory. DENIED (R15), UNSUPPORTED (store version,
 * kernel too old). */
Engine *engine_open(const EngineOptions *options, GError **error);
void engine_close(Engine *engine);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Engine, engine_close)

/** engine_default_root() - where the store is or would be; @asked is --root or NULL. g_free() it.
 */
char *engine_default_root(const char *asked);

/** engine_config() - containers.conf, read once; borrowed. INVALID names file, line and column. */
const Config *engine_config(Engine *engine, GError **error);
/** engine_store() - the store, borrowed. */
Store *engine_store(Engine *engine);
/** engine_run_fd() - $runroot; engine_run_containers_fd() - $runroot/containers. Borrowed. */
int engine_run_fd(Engine *engine);
int engine_run_containers_fd(Engine *engine);
/** engine_run_path() - absolute path of the runtime directory, borrowed. */
const char *engine_run_path(Engine *engine);
/** engine_program() - absolute path of skiff, whose verbs a monitor becomes at its end. Borrowed.
 */
const char *engine_program(Engine *engine);
/** engine_is_rootless() - everything but real root with the full identity map. */
bool engine_is_rootless(Engine *engine);

/**
 * engine_id_map() - the shared map of this user, borrowed; NULL for real root
 * Single-id when there are no sub-ids: then engine_id_map_problem() says why (one line with the
 * fix).
 */
const IdMap *engine_id_map(Engine *engine);
const char *engine_id_map_problem(Engine *engine);
