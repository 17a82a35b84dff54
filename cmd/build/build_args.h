/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The values of ARGs that a command line gives: tables of owned strings by name.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "cmd/build/build.h"

#define EPOCH            "SOURCE_DATE_EPOCH"
#define EPOCH_OF_CONTEXT "context" /* as a value: the time of the commit, or of the download */

/**
 * build_args_fill() - NAME=VALUE strings into a table
 * @what:	the option, for errors
 * @env:	a name alone takes our variable; else names are made small letters and need a value
 * @error:	INVALID, UNSUPPORTED
 */
bool build_args_fill(GHashTable *table, const GPtrArray *list, const char *what, bool env,
		     GError **error);

/** build_args_read() - --build-arg-file, --build-arg and what compose passes on descriptors, which
 * is seen in no command line and reaches no program of the build. */
bool build_args_read(const BuildVerb *verb, GHashTable *args, GError **error);

/** build_args_is_set() - a switch among the ARGs that docker's builder knows: "1", "true". */
bool build_args_is_set(GHashTable *args, const char *name);

/**
 * build_args_epoch() - SOURCE_DATE_EPOCH, which is an ARG wherever it was said
 * @given:	of the command line, or NULL; the environment's is the last
 *
 * Return: borrowed; NULL if there is none, or if it is the context's.
 */
const char *build_args_epoch(GHashTable *args, const char *given);
