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
	GHashTable *built;        /* names of services that need no build any more; may be NULL */
	const GPtrArray *args;    /* NAME[=VALUE] over those of the services; may be NULL */
} ComposeBuild;

/**
 * compose_build_service() - build the image of one service, behind those that its build uses
 * @out_status:	skiff-build's exit code; it has printed why, if that is not 0
 * @error:	UNSUPPORTED names the key that cannot be done yet
 */
bool compose_build_service(const ComposeBuild *how, const NodeEntry *service, int *out_status,
			   GError **error);
