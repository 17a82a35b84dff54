/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One RUN while it is prepared: what the files of RUN share.
 */
#pragma once

#include "build/run_mount.h"
#include "build/solver_priv.h"

/* A place that the step mounts something at. */
typedef struct {
	char *path;
	bool is_dir;
} RunPlace;

/* One RUN, prepared before the cache is asked. */
typedef struct {
	const Instruction *i;
	char **args;
	ContainerSpec *spec;
	GPtrArray *places;   /* RunPlace *: where it mounts */
	GPtrArray *secrets;  /* GBytes *, of the spec's, in their order */
	GPtrArray *locks;    /* RecordLock *: caches that are this step's alone */
	GPtrArray *mounts;   /* RunMount * of type cache: opened when it really runs */
	GPtrArray *writable; /* SpecMount *, borrowed: binds whose changes are thrown away */
	char *script;        /* of a heredoc that begins with "#!" */
} RunStep;

/** run_step_add_place() - one more place that is mounted at. */
void run_step_add_place(RunStep *step, const char *path, bool is_dir);

/** run_step_add_secret() - --mount=type=secret: a file, a variable, or both. NOT_FOUND. */
bool run_step_add_secret(StageRun *run, RunStep *step, const RunMount *mount, GError **error);

/** run_step_wipe_bytes() - a GBytes of a secret goes, and nothing of it stays in memory. */
void run_step_wipe_bytes(void *bytes);

/**
 * run_step_prepare_mount() - one --mount
 *
 * What it says is part of the key, what it holds only if it is a bind's: secrets, agents and caches
 * may change without a step being run anew.
 */
bool run_step_prepare_mount(StageRun *run, RunStep *step, const RunMount *parsed, CacheKey *key,
			    GError **error);

/** run_step_open_cache() - the directory of a mount of type cache, when the step really runs. */
bool run_step_open_cache(StageRun *run, RunStep *step, const RunMount *mount, GError **error);

/** run_step_place_changes() - binds that may be written to: the changes go beside the layer and
 * with it. */
bool run_step_place_changes(StageRun *run, RunStep *step, const char *layer_dir, GError **error);
