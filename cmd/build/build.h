/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The verb build. Two programs have its rows: skiff, which reads the line for its errors and its
 * help and then becomes skiff-build, which reads it again and builds.
 */
#pragma once

#include "cmd/command.h"
#include "cmd/image/fetch_args.h"
#include "cmd/progress.h"
#include "libpod/spec.h"
#include "storage/fetch.h"
#include "storage/image_manifest.h"

typedef enum {
	BUILD_OUTPUT_NONE, /* the store, where the image is in any case */
	BUILD_OUTPUT_LOCAL,
	BUILD_OUTPUT_TAR,
	BUILD_OUTPUT_OCI,
	BUILD_OUTPUT_DOCKER,
	BUILD_OUTPUT_PUSH,
} BuildOutputKind;

/* One -o. */
typedef struct {
	BuildOutputKind kind;
	char *dest;  /* a path; "-": standard output; NULL: it has none */
	bool is_dir; /* of OCI: a directory, no archive */
} BuildOutput;

void build_output_free(void *output);

/* One --cache-from or --cache-to. */
typedef struct {
	enum {
		BUILD_CACHE_PLACE_REGISTRY,
		BUILD_CACHE_PLACE_LOCAL,
		BUILD_CACHE_PLACE_INLINE,
	} kind;
	char *where;     /* a reference or a directory */
	bool all_stages; /* mode=max */
} BuildCachePlace;

void build_cache_place_free(void *place);

/* The command line. Strings are borrowed from it. */
typedef struct {
	const char *file, *target, *iidfile, *ignorefile, *check_config;
	const char *manifest, *metadata_file, *epoch, *from, *logfile;
	const char *timestamp, *os, *arch, *variant;
	ImageForm form;        /* --format */
	GHashTable *ssh;       /* of --ssh: ids to what was said of them; NULL: none */
	GPtrArray *tags;       /* char * */
	GPtrArray *build_args; /* "NAME=VALUE" or "NAME" */
	GPtrArray *labels;
	GPtrArray *secrets;
	GPtrArray *contexts;
	GPtrArray *no_cache_stages;
	GPtrArray *annotations, *env;
	GPtrArray *arg_files, *unset_env, *unset_labels; /* char * */
	GPtrArray *platforms;                            /* char *, owned; NULL: this machine's */
	GPtrArray *outputs;                              /* BuildOutput * */
	GPtrArray *cache_from, *cache_to;                /* BuildCachePlace * */
	int64_t cache_ttl;                               /* ns, if @has_ttl */
	RegistryOptionValues registry;
	ContainerSpec *run;    /* checks what RUNs shall have as it is typed; NULL: nothing was */
	GPtrArray *run_values; /* char *: option and value by turns, for each RUN anew */
	PullPolicy pull;
	ProgressKind progress;
	uint64_t jobs;
	bool no_cache, quiet, squash, layers, check, explain;
	bool has_ttl, squash_all, push, rewrite_times, allow_insecure, allow_devices, omit_history;
	bool skip_unused, pass_stdin;
	Tristate inherit_labels;
	bool shell;   /* --on-failure shell */
	uint64_t fds; /* descriptors from 3 on that compose passed; see --compose-fds */
} BuildVerb;

/* Setters of rows, in result_options.c. */
bool build_set_output(void *target, const Option *option, const char *value, GError **error);
bool build_set_cache(void *target, const Option *option, const char *value, GError **error);
bool build_set_ttl(void *target, const Option *option, const char *value, GError **error);
bool build_set_platform(void *target, const Option *option, const char *value, GError **error);
bool build_set_allow(void *target, const Option *option, const char *value, GError **error);

/** build_verb_needs_stdout() - does an output take standard output for itself? */
bool build_verb_needs_stdout(const BuildVerb *verb);

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
