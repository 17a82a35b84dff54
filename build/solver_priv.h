/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the solver share.
 */
#pragma once

#include "build/cache_key.h"
#include "build/checksum.h"
#include "build/scope.h"
#include "build/solver.h"
#include "build/stages.h"
#include "build/state.h"
#include "libpod/container_view.h"
#include "storage/build_cache.h"

/* One build, in each of its processes. */
typedef struct {
	Engine *engine;
	Store *store;
	const BuildOptions *options;
	const Dockerfile *file;
	BuildContext *context;
	ScopeInputs inputs;
	char **predefined;
	Scope *global;
	StageGraph *graph;
	BuildState **results; /* of the stages that are done, by their index */
	Scope **scopes;       /* likewise */
	StoreStage *stage;    /* of this process */
	unsigned n_layers;    /* staged so far in it */
	char *now;            /* "created" of what this build makes */
	StatCache *stat_cache;
	int stats_fd;      /* of the directory it is kept in */
	int userns_fd;     /* where layers are sealed; -1 until it is needed */
	int acquired_fd;   /* images that one of the processes got; see solver_acquire.c */
	GHashTable *named; /* char * to BuildContext *: contexts that were opened */
	bool *busy;        /* stages that are being run here, by their index */
	int code;          /* exit code of a RUN that failed, 0: none did */
} Build;

/* One stage while it runs. */
typedef struct {
	Build *build;
	const Stage *stage;
	BuildState *state;
	Scope *scope;
	Dockerfile *triggers;       /* ONBUILD of the base; NULL: none */
	GPtrArray *trigger_sources; /* StageSource *, of them */
	bool cmd_set;               /* CMD in this stage: ENTRYPOINT keeps it */
	const GPtrArray *sources;   /* StageSource *, of the instructions that are run now */
	guint next_source;          /* of them */
	unsigned number, total;
	char *made, *cache_key; /* of the step that runs now; see BuildStep */
	char *one_layer; /* where all of the stage is written to; NULL: a layer for each step */
} StageRun;

/** stage_run_clear() - free what @run holds; its result was taken out before. */
void stage_run_clear(StageRun *run);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(StageRun, stage_run_clear)

/** solver_base_state() - what FROM gives. */
BuildState *solver_base_state(Build *build, const Stage *stage, GError **error);

/** solver_stage_options() - what names of stages mean in this build. */
StageOptions solver_stage_options(const Build *build);

/** solver_take_triggers() - ONBUILD of the base: read, and gone from here on. */
bool solver_take_triggers(StageRun *run, GError **error);

/** solver_new_scope() - the scope at the start of a stage whose base is known. */
Scope *solver_new_scope(Build *build, const Stage *stage, BuildState *state);

/** solver_open_acquired() - for Build.acquired_fd. Return: -1 with @error. */
int solver_open_acquired(GError **error);

/** solver_acquire() - an image, which the build asks for once; @platform: NULL: the build's. */
Image *solver_acquire(Build *build, const char *name, const char *platform, GError **error);

/** solver_run_here() - run a stage in this process; its result goes into @build. */
bool solver_run_here(Build *build, unsigned index, GError **error);

/** solver_run_parallel() - stages side by side. After a failure those that run are awaited, and no
 * other starts. */
bool solver_run_parallel(Build *build, GError **error);

/** solver_save_stats() - keep what the cache learned of files; without it the next build reads them
 * again. */
void solver_save_stats(Build *build);

/** solver_make_image() - record the target's state as an image. @out_caches: see build_solve().
 * Return: its id, g_free() it. */
char *solver_make_image(Build *build, char *const *names, GPtrArray *out_caches, GError **error);

/** solver_lookup() - a record that a step can be taken from: our own, or of --cache-from; NULL
 * without. */
BuildRecord *solver_lookup(Build *build, const char *key);

/** solver_say() - a line beside the steps. */
void solver_say(const Build *build, const char *format, ...) G_GNUC_PRINTF(2, 3);

/** solver_expand() - a word with the stage's variables. */
char *solver_expand(StageRun *run, const char *text, GError **error);

/** solver_config_step() - all instructions that change the config alone. INVALID. */
bool solver_config_step(StageRun *run, const Instruction *i, GError **error);

/** solver_created_by() - what the history says of an instruction. g_free() it. */
char *solver_created_by(StageRun *run, const Instruction *i);

/** solver_shell() - the stage's shell and @line as arguments. g_strfreev() it. */
char **solver_shell(StageRun *run, const char *line);

/** solver_run_step() - RUN. */
bool solver_run_step(StageRun *run, const Instruction *i, GError **error);

/** solver_copy_step() - COPY and ADD. */
bool solver_copy_step(StageRun *run, const Instruction *i, GError **error);

/** solver_workdir_step() - the directory of WORKDIR, where it is missing. */
bool solver_workdir_step(StageRun *run, const Instruction *i, GError **error);
/** solver_volume_step() - VOLUME, with its directories where they are missing. */
bool solver_volume_step(StageRun *run, const Instruction *i, GError **error);

/* Makes a step's changes in staging/STAGE/NAME. *@out_empty: there are none, and no layer shall be.
 */
typedef bool (*LayerMaker)(StageRun *run, const char *layer_dir, void *data, bool *out_empty,
			   GError **error);

typedef struct LayerStep LayerStep;
struct LayerStep {
	const Instruction *i;
	CacheKey *key;
	const char *alias; /* another key, known without looking at files: asked first; or NULL */
	/* Looks at files: completes the key, and @created_by; or NULL. */
	bool (*complete)(StageRun *run, LayerStep *step, GError **error);
	char *created_by; /* borrowed */
	LayerMaker make;
	void *data;
};

/** solver_layer_step() - a step that makes a layer: from the cache, or by its maker. */
bool solver_layer_step(StageRun *run, LayerStep *step, GError **error);

/** solver_renew_work() - the overlay of a layer that was written to can be mounted once more. */
bool solver_renew_work(Build *build, const char *layer_dir, GError **error);

/** solver_key_timestamp() - --timestamp, which the times in the layer are. */
void solver_key_timestamp(const StageRun *run, CacheKey *key);

/** solver_ensure_layer() - at the end of the target's stage: readers of images want one layer at
 * least, so the last instruction makes an empty one, as in buildah. */
bool solver_ensure_layer(StageRun *run, GError **error);

/** solver_finish_one() - at the end of a stage: publish its one layer, if that is how it runs. */
bool solver_finish_one(StageRun *run, GError **error);

/** solver_squash_all() - at the end of a stage: --squash-all, if it is the target. */
bool solver_squash_all(StageRun *run, GError **error);

/** solver_next_source() - the stage, image or context that the next --from or from= means. */
const StageSource *solver_next_source(StageRun *run);

/**
 * solver_source_state() - the layers of a stage or image
 * @out_owned:	to be freed if it is an image's
 *
 * Return: borrowed. NULL with @error.
 */
const BuildState *solver_source_state(StageRun *run, const StageSource *source,
				      BuildState **out_owned, GError **error);

/** solver_named_context() - one of --build-context, opened once; borrowed. */
BuildContext *solver_named_context(Build *build, const char *name, GError **error);

/** solver_in_view() - run @fn as root of the namespace that owns the files of @view; its message
 * (@message_fd in its data) becomes @error. */
bool solver_in_view(const ContainerView *view, int (*fn)(void *data), void *data, int message_fd,
		    GError **error);

/** solver_fail_child() - in a child: tell the parent why. Return: the exit code. */
int solver_fail_child(int message_fd, const GError *error);

/** solver_take_message() - what solver_fail_child() told, as @error. Return: false. */
bool solver_take_message(int message_fd, GError **error);

/** solver_prefix() - "FILE:LINE: " in front of @error. Return: false. */
bool solver_prefix(const StageRun *run, const Instruction *i, GError **error);
