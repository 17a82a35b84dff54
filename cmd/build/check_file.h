/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lint rules over one Dockerfile: build --check, and "# check=error=true" in the file itself.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "build/context.h"
#include "build/dockerfile_parse.h"
#include "libpod/engine.h"

/** CheckTask - what the rules are asked about; all borrowed. */
typedef struct {
	Engine *engine; /* has the images that are looked at */
	const Dockerfile *file;
	const BuildContext *context;
	GHashTable *build_args, *contexts;
	const char *target, *platform; /* NULL: the last stage, this machine's */
} CheckTask;

/** check_file() - print what the rules find. Return: exit code; -1 with @error if the file could
 * not even begin to be built. */
int check_file(const CheckTask *task, GError **error);

/** check_obey() - false with @error, INVALID, if the file wants findings to end the build and there
 * is one. */
bool check_obey(const CheckTask *task, GError **error);
