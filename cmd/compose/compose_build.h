/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The images that services build, made by skiff-build.
 */
#pragma once

#include "cmd/command.h"
#include "cmd/compose/compose_file.h"
#include "libpod/engine.h"

typedef struct {
	Engine *engine;
	const ComposeProject *project;
	const GlobalOptions *global;
	bool no_cache, pull, quiet;
	bool all_platforms;       /* not only one to run here */
	bool check;               /* only look for mistakes */
	const char *memory, *ssh; /* over what the services say; or NULL */
	const GPtrArray *args;    /* NAME[=VALUE] over those of the services; may be NULL */
} ComposeBuild;

/**
 * compose_build_add() - a service, behind those whose images its build uses, in a list of builds
 * @list:	of NodeEntry, borrowed from @project
 * @seen:	keys of what need not be added any more; what is added is there afterwards
 */
bool compose_build_add(const ComposeProject *project, const NodeEntry *service, GPtrArray *list,
		       GHashTable *seen, GError **error);

/**
 * compose_build_run() - build the images of services, side by side where none uses another's
 * @services:	of NodeEntry, in the order of compose_build_add()
 * @built:	gets the keys of those that were built; may be NULL
 * @out_status:	skiff-build's exit code; it has printed why, if that is not 0
 * @error:	UNSUPPORTED names the key that cannot be done yet
 *
 * At most as many at once as --parallel says, or as there are processors. One alone is shown as
 * `build` shows it; of several each line begins with the name of its service. If one fails the
 * others are ended.
 */
bool compose_build_run(const ComposeBuild *how, const GPtrArray *services, GHashTable *built,
		       int *out_status, GError **error);

/**
 * compose_build_start() - start skiff-build for one service
 * @output:	where its stdout and stderr go, SPAWN_INHERIT included
 *
 * Return: its pid, or -1.
 */
pid_t compose_build_start(const ComposeBuild *how, const NodeEntry *service, int output,
			  GError **error);

/** compose_build_context() - the service that an entry of additional_contexts names; NULL if it is
 * none. */
const NodeEntry *compose_build_context(const ComposeProject *project, const NodeEntry *context);
