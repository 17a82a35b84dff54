/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the result of a build goes besides the store: -o, --push, --manifest, --metadata-file.
 */
#pragma once

#include "cmd/build/build.h"
#include "libpod/engine.h"
#include "storage/image.h"

/* What was built, once for each platform. */
typedef struct {
	char **ids;
	bool is_list;                 /* the names are those of a list of all @ids */
	const char *const *platforms; /* as typed; NULL: one, this machine's */
	const char *const *names;     /* as typed */
	int stdout_fd;                /* what was our standard output, for -o - */
	int64_t mtime;                /* of files of local and tar; -1: as they are */
} BuildResult;

/** build_outputs_check() - what cannot be done is told before the first step. INVALID. */
bool build_outputs_check(const BuildVerb *verb, GError **error);

/**
 * build_outputs_write() - write all of them
 *
 * Return: exit code; -1 with @error. Errors of skiff-fetch are printed by itself.
 */
int build_outputs_write(Engine *engine, const BuildVerb *verb, const BuildResult *result,
			GError **error);

/** build_list_make() - the manifest list of --manifest, or of several platforms and -t. */
bool build_list_make(Engine *engine, const BuildVerb *verb, const BuildResult *result,
		     GError **error);
