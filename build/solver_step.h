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

/* Files of another tree that the step gets a copy of. */
typedef struct {
	SpecMount *mount; /* borrowed: what shows them; NULL for what is no mount */
	char **layers;    /* of a stage or an image; NULL: a context */
	int root_fd;      /* of that context, borrowed */
	char *source;     /* a path in it */
	bool dress;       /* a directory keeps its owner and mode */
} RunPart;

/* A mount of type cache. */
typedef struct {
	RunMount *mount;
	RunPart *seed; /* what it begins with; NULL: nothing */
	char *base;    /* of @seed: which stage, image or context */
	char *name;    /* of its directory: of its id or place, and what it begins with */
} RunCache;

/* A mount of type ssh. */
typedef struct {
	RunMount *mount;
	const BuildAgent *agent; /* borrowed */
	SpecMount *bind;         /* borrowed: what shows the socket */
	pid_t relay;             /* 0: it does not run */
} RunAgent;

/* One RUN, prepared before the cache is asked. */
typedef struct {
	const Instruction *i;
	char **args;
	ContainerSpec *spec;
	GPtrArray *places;   /* RunPlace *: where it mounts */
	GPtrArray *secrets;  /* GBytes *, of the spec's, in their order */
	GPtrArray *locks;    /* RecordLock *: caches that are this step's alone */
	GPtrArray *caches;   /* RunCache *: opened when it really runs */
	GPtrArray *agents;   /* RunAgent *: served while it really runs */
	GPtrArray *parts;    /* RunPart *: copied when it really runs */
	GPtrArray *writable; /* SpecMount *, borrowed: binds whose changes are thrown away */
	char *script;        /* of a heredoc that begins with "#!" */
	guint first_source;  /* of stage->sources: of its mounts */
	bool shell;          /* a shell for the user in the place of the command */
} RunStep;

/** run_step_add_place() - one more place that is mounted at. */
void run_step_add_place(RunStep *step, const char *path, bool is_dir);

/** run_step_target() - where a mount goes: relative ones are below the working directory. g_free()
 * it. */
char *run_step_target(StageRun *run, const RunMount *mount);

/** run_step_add_mount() - one more mount, with its place. Return: borrowed. */
SpecMount *run_step_add_mount(RunStep *step, SpecMountKind kind, const char *source, char *target,
			      bool is_dir);

/** run_step_give() - @fd gets the owner that @mount says, as ids of the container. */
bool run_step_give(Build *build, int fd, const RunMount *mount, GError **error);

/** run_step_add_agent() - --mount=type=ssh; @mount is taken. NOT_FOUND. */
bool run_step_add_agent(StageRun *run, RunStep *step, RunMount *mount, GError **error);

/** run_step_serve_agents() - a socket beside the layer for each, until run_agent_free(). */
bool run_step_serve_agents(StageRun *run, RunStep *step, const char *layer_dir, GError **error);
void run_agent_free(void *agent);

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

void run_part_free(void *part);

/**
 * run_part_copy() - copy them
 * @dir:	below the store, made here: holds what a directory holds, or "file"
 */
bool run_part_copy(Build *build, const RunPart *part, const char *dir, bool *out_is_dir,
		   GError **error);

/** run_step_place_parts() - copy all parts beside the layer, and add their places. */
bool run_step_place_parts(StageRun *run, RunStep *step, const char *layer_dir, GError **error);

void run_cache_free(void *cache);

/**
 * run_step_lock_caches() - those with sharing=locked, which waits for other builds
 *
 * All of a step at once and by their names: nobody waits for who waits for him.
 */
bool run_step_lock_caches(StageRun *run, RunStep *step, GError **error);

/** run_step_open_cache() - the directory of a mount of type cache, by its id or the place where it
 * is mounted, made if need be. */
bool run_step_open_cache(StageRun *run, RunStep *step, const RunCache *cache, const char *layer_dir,
			 GError **error);

/** run_step_place_changes() - binds that may be written to: the changes go beside the layer and
 * with it. */
bool run_step_place_changes(StageRun *run, RunStep *step, const char *layer_dir, GError **error);
