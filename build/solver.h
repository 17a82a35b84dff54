/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The solver: from a Dockerfile, its context and options to an image.
 *
 * Theory of operation. Only the stages that the target needs are run, each behind those it needs;
 * with more than one job each stage is a process of its own, forked from here. A stage is a
 * BuildState that its instructions change one after the other. Most change the config alone. RUN,
 * COPY, ADD and WORKDIR may make a layer: the cache is asked by a key of all that goes into the
 * step; on a miss the step writes into the upper directory of an overlay, staging/STAGE/N/diff,
 * which is sealed (its digest taken), synced and renamed to its place among the layers, and then
 * recorded in the cache. So what a crash leaves is a dead stage, or whole layers and records.
 *
 * A RUN is a container of its own that goes when it ends (libpod/container.h), with the layers so
 * far in place of an image: whatever confines `skiff run` confines it.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "build/agent.h"
#include "build/context.h"
#include "build/dockerfile_parse.h"
#include "libpod/engine.h"
#include "libpod/spec.h"
#include "storage/image.h"

/* --secret */
typedef struct {
	char *id;
	char *file, *env; /* one of them */
} BuildSecret;

/** build_secret_parse() - "id=ID[,src=FILE|,env=NAME][,type=file|env]". INVALID. */
BuildSecret *build_secret_parse(const char *text, GError **error);
void build_secret_free(void *secret);

/* What --cache-to wants of a build. */
typedef enum {
	BUILD_CACHE_NONE,
	BUILD_CACHE_MIN, /* the steps of the image */
	BUILD_CACHE_MAX, /* those of all stages that were run */
} BuildCacheMode;

typedef enum {
	BUILD_STEP_STARTED,
	BUILD_STEP_DONE,
	BUILD_STEP_CACHED, /* taken from the cache: done */
	BUILD_STEP_FAILED,
} BuildStepState;

/* A step at its start or end, for those who show it. */
typedef struct {
	BuildStepState state;
	unsigned stage, stages; /* the first is 1; of the file */
	const char *stage_name; /* NULL: it has none */
	unsigned number, total; /* the first is 1; of its stage */
	const char *text;       /* the instruction */
	unsigned line;          /* in the Dockerfile, or of ONBUILD */
	const char *cache_key;  /* CACHED only */
	const char *made;       /* id of its layer, or else its key; NULL: it is none of either */
} BuildStep;

typedef struct {
	const char *target;
	bool all_stages;          /* those before the target that it does not need, too */
	bool pass_stdin;          /* RUN reads our standard input; one job at a time */
	GHashTable *build_args;   /* char * to char * */
	GHashTable *contexts;     /* of --build-context: names in lower case to values */
	const GPtrArray *labels;  /* "NAME=VALUE"; may be NULL */
	const GPtrArray *secrets; /* BuildSecret *; may be NULL */
	GHashTable *ssh;          /* of --ssh: char * to BuildAgent *; may be NULL */
	const FetchEnv *fetch;
	bool no_cache;
	const GPtrArray *no_cache_stages; /* char *: names of --no-cache-filter; may be NULL */
	bool explain;
	bool allow_insecure; /* --allow security.insecure: RUN may ask for all privileges */
	bool allow_devices;  /* --allow device: RUN may ask for devices of the host */
	bool squash_all;     /* --squash-all: one layer of all files, the base's too */
	bool one_layer;      /* --squash, --layers=false: all that the target's stage changes */
	ImageForm form;      /* as typed: of OCI's, leave out what its config lacks */
	unsigned jobs;
	int64_t timestamp;    /* of all that is made, seconds; -1: now, and of files as they are */
	int64_t created;      /* of the config alone (SOURCE_DATE_EPOCH); -1: now */
	bool rewrite_times;   /* --rewrite-timestamp: files are no younger than @created */
	const char *platform; /* NULL: this machine's */
	bool omit_history;    /* the image has none */
	const char *from;     /* --from: instead of what the first FROM names; NULL: as it says */
	const GPtrArray *annotations; /* "KEY=VALUE", of its manifest; may be NULL */
	const GPtrArray *env;         /* "NAME=VALUE" or "NAME", one more ENV; may be NULL */
	bool drop_labels;             /* --inherit-labels=false: base images' */
	const GPtrArray *unset_env, *unset_labels; /* char *: taken out in the end; may be NULL */
	GHashTable *imported; /* char * to BuildRecord *: steps of --cache-from; may be NULL */
	int64_t cache_since;  /* --cache-ttl: ns, records that are older are none; 0: all count */
	bool inline_cache;    /* the image's config tells of its steps */
	const char *hostname; /* of every RUN; NULL: each has its own */
	const char *cache_ns; /* caches of other builds have other names; NULL: all share them */
	BuildCacheMode cache_mode; /* which stages become images of the cache */
	const char *const *names;  /* of the image, as typed */
	/* Of new_spec() what RUN's result depends on, "OPTION=VALUE"; may be NULL. */
	const char *const *run_inputs;
	/* What every RUN is run with: limits, network, hosts. */
	ContainerSpec *(*new_spec)(void *data, GError **error);
	/* The image @name, pulled if need be. */
	Image *(*acquire)(void *data, const char *name, const char *platform, GError **error);
	/* A step starts or ends; in the process that runs its stage, whose output until then is
	 * the step's. */
	void (*step)(void *data, const BuildStep *step);
	/*
	 * --on-failure shell: a RUN failed as @text says, and a shell takes the terminal (@begin);
	 * or that is over (@text: why there was none, or NULL). NULL: no shell. One job at a time.
	 */
	void (*shell)(void *data, bool begin, const char *text);
	/* A line beside the steps. */
	void (*say)(void *data, const char *text);
	/* What was warned of. */
	void (*warn)(void *data, const char *text);
	void *data;
} BuildOptions;

/**
 * build_predefined() - what ARGs are worth that nobody sets: TARGETPLATFORM, BUILDPLATFORM and
 * their parts, and TARGETSTAGE
 * @target:	of --target; NULL: the last stage
 * @platform:	NULL: this machine's
 *
 * Return: "NAME=VALUE", g_strfreev() it; NULL with @error.
 */
char **build_predefined(const Dockerfile *file, const char *target, const char *platform,
			GError **error);

/**
 * build_solve() - build
 * @out_caches:	gets the ids of the images that hold the steps, the target's first, if
 *		@options->cache_mode asks for them; else may be NULL
 * @out_code:	exit code if a RUN failed, else 125
 * @error:	INVALID names file and line
 *
 * Return: the image's id, g_free() it.
 */
char *build_solve(Engine *engine, BuildContext *context, const Dockerfile *file,
		  const BuildOptions *options, GPtrArray *out_caches, int *out_code,
		  GError **error);
