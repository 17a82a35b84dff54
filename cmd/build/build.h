/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The verb build. Two programs have its rows: skiff, which reads the line for its errors and its
 * help and then becomes skiff-build, which reads it again and builds.
 */
#pragma once

#include "cmd/command.h"
#include "libpod/spec.h"
#include "storage/fetch.h"

/* The command line. Strings are borrowed from it. */
typedef struct {
	const char *file, *target, *iidfile, *format, *platform, *ignorefile, *check_config;
	const char *progress, *ssh, *timestamp;
	GPtrArray *tags;       /* char * */
	GPtrArray *build_args; /* "NAME=VALUE" or "NAME" */
	GPtrArray *labels;
	GPtrArray *secrets;
	GPtrArray *contexts;
	ContainerSpec *run;    /* checks what RUNs shall have as it is typed; NULL: nothing was */
	GPtrArray *run_values; /* char *: option and value by turns, for each RUN anew */
	PullPolicy pull;
	uint64_t jobs;
	bool no_cache, quiet, squash, layers, check, explain;
} BuildVerb;

/** build_verb_init() - the defaults. */
void build_verb_init(BuildVerb *verb);
void build_verb_clear(BuildVerb *verb);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(BuildVerb, build_verb_clear)

/** build_verb_spec() - what every RUN is run with. NULL with @error. */
ContainerSpec *build_verb_spec(const BuildVerb *verb, GError **error);

/**
 * build_verb_run_inputs() - "OPTION=VALUE" of all that RUN may show in what it makes
 *
 * So not: limits of time and memory, and proxies, which are left out of the cache on purpose.
 *
 * Return: g_strfreev() it.
 */
char **build_verb_run_inputs(const BuildVerb *verb);

/** build_verb_run() - skiff: become skiff-build; skiff-build: build. Return: exit code. */
int build_verb_run(Invocation *inv, const BuildVerb *verb);
