/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The graph of stages: what each is built from, what it takes from others, and which of them a
 * target needs.
 *
 * A name means the nearest stage of that name before the place where it is used; COPY --from and
 * RUN --mount=from= may also name a later one, and a number means a stage by its place. What is no
 * stage is an image. A named context replaces the stage or image of its name.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "build/dockerfile_parse.h"
#include "build/scope.h"

#define STAGES_MAX 1000

typedef enum {
	STAGE_SOURCE_SCRATCH, /* nothing: FROM only */
	STAGE_SOURCE_STAGE,
	STAGE_SOURCE_IMAGE,
	STAGE_SOURCE_CONTEXT, /* of --build-context */
} StageSourceKind;

typedef struct {
	StageSourceKind kind;
	unsigned stage; /* STAGE_SOURCE_STAGE: its index */
	char *name;     /* image or context, as written and expanded */
	unsigned line;  /* where it is named */
} StageSource;

typedef struct {
	unsigned index;
	char *name;     /* in lower case, NULL without AS */
	char *platform; /* of --platform, expanded; NULL if absent */
	const Instruction *from;
	size_t first, end; /* its instructions behind FROM: [first, end) of Dockerfile */
	StageSource *base;
	GPtrArray *sources; /* StageSource *, of COPY --from and RUN --mount=from=, in order */
	bool needed;        /* by the target, or asked for */
} Stage;

typedef struct {
	const Dockerfile *file;
	GPtrArray *stages; /* Stage * */
	unsigned target;
	GArray *order; /* unsigned: the needed stages, each behind those it needs */
} StageGraph;

typedef struct {
	const char *target;   /* of --target: a name or a number; NULL or "" = the last one */
	bool all;             /* also the stages before it that it does not need, in their order */
	const char *from;     /* instead of what the first FROM names; NULL: as it says */
	GHashTable *contexts; /* names of --build-context in lower case; may be NULL */
} StageOptions;

/**
 * stages_build() - resolve all names of a file
 * @global:	where the global ARGs are applied already; FROM is expanded with it
 * @error:	INVALID: a stage that does not exist or is built from itself, an image name that is
 *		none; NOT_FOUND: no such target
 */
StageGraph *stages_build(const Dockerfile *file, Scope *global, const StageOptions *options,
			 GError **error);
void stages_free(StageGraph *graph);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StageGraph, stages_free)

/** stages_apply_global() - apply the ARGs before the first FROM to the global scope. INVALID. */
bool stages_apply_global(const Dockerfile *file, Scope *global, GError **error);

/** stages_resolve_triggers() - what ONBUILD's instructions of @stage's base take from elsewhere:
 * GPtrArray of StageSource. INVALID. */
GPtrArray *stages_resolve_triggers(const StageGraph *graph, const Stage *stage,
				   const Dockerfile *triggers, const StageOptions *options,
				   GError **error);
