/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A Dockerfile as instructions with typed arguments. Nothing is expanded yet: that needs the
 * values of the stage the instruction is in (build/scope.h).
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "build/dockerfile_lex.h"

typedef enum {
	INSTRUCTION_ADD,
	INSTRUCTION_ARG,
	INSTRUCTION_CMD,
	INSTRUCTION_COPY,
	INSTRUCTION_ENTRYPOINT,
	INSTRUCTION_ENV,
	INSTRUCTION_EXPOSE,
	INSTRUCTION_FROM,
	INSTRUCTION_HEALTHCHECK,
	INSTRUCTION_LABEL,
	INSTRUCTION_MAINTAINER,
	INSTRUCTION_ONBUILD,
	INSTRUCTION_RUN,
	INSTRUCTION_SHELL,
	INSTRUCTION_STOPSIGNAL,
	INSTRUCTION_USER,
	INSTRUCTION_VOLUME,
	INSTRUCTION_WORKDIR,
} InstructionKind;

#define INSTRUCTION_KINDS 18

/* One of ENV, LABEL, ARG. Quotes are still there. */
typedef struct {
	char *name;
	char *value; /* NULL: an ARG without a default */
} DockerfilePair;

/* FROM */
typedef struct {
	char *image;    /* what stands behind FROM */
	char *platform; /* --platform, NULL if absent */
	char *as;       /* the stage's name in lower case, NULL if it has none */
	char *as_text;  /* the same as written */
	char *as_word;  /* "AS" as written */
} FromArgs;

/* COPY and ADD. Strings are NULL if absent. */
typedef struct {
	char **sources; /* heredocs among them: see Instruction.line */
	char *dest;
	char *from, *chown, *chmod, *checksum;
	bool link, parents, keep_git_dir;
	int unpack;         /* -1: not said; ADD decides by the kind of source */
	GPtrArray *exclude; /* char * */
} CopyArgs;

/* RUN, and what precedes its command line. */
typedef struct {
	GPtrArray *mounts;  /* RunMount * */
	GPtrArray *devices; /* char *, CDI names */
	char *network;      /* default, none, host; NULL if absent */
	char *security;     /* sandbox, insecure; NULL if absent */
} RunArgs;

/* HEALTHCHECK. Times in nanoseconds, 0 = the default. */
typedef struct {
	bool none;
	int64_t interval, timeout, start_period, start_interval;
	int64_t retries;
} HealthArgs;

typedef struct Instruction Instruction;
struct Instruction {
	InstructionKind kind;
	char *keyword;                /* as written */
	unsigned line;                /* of the file, where it starts */
	const DockerfileLine *source; /* borrowed; also of the instruction inside of an ONBUILD */
	bool json;                    /* the words came as a JSON array */
	char **words;     /* CMD ENTRYPOINT HEALTHCHECK RUN SHELL: the array, or one command line;
			   * EXPOSE VOLUME: all; MAINTAINER STOPSIGNAL USER WORKDIR: one */
	GPtrArray *pairs; /* DockerfilePair *: ARG ENV LABEL, else NULL */
	bool legacy;      /* "ENV name value" */
	FromArgs from;
	CopyArgs copy;
	RunArgs run;
	HealthArgs health;
	Instruction *trigger; /* ONBUILD, else NULL */
	char *trigger_text;   /* what an image's config stores, heredocs included */
};

typedef struct {
	DockerfileLex *lex;
	GPtrArray *instructions; /* Instruction *, at least one FROM among them */
	size_t first_from;       /* what is before it are global ARGs; 0 for triggers */
} Dockerfile;

/**
 * dockerfile_parse() - read a whole file
 * @name:	its name in messages
 * @error:	INVALID, "NAME:LINE: what is wrong", with a suggestion for what looks mistyped
 */
Dockerfile *dockerfile_parse(const char *text, size_t size, const char *name, GError **error);

/**
 * dockerfile_parse_triggers() - read what an image's config keeps of ONBUILD
 * @triggers:	instructions, each with its heredocs; NULL-terminated
 * @error:	INVALID, also for FROM, MAINTAINER and ONBUILD
 *
 * Return: a Dockerfile without a FROM, the line numbers count through all triggers.
 */
Dockerfile *dockerfile_parse_triggers(const char *const *triggers, const char *name,
				      GError **error);
void dockerfile_free(Dockerfile *file);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Dockerfile, dockerfile_free)

/** instruction_name() - "RUN". */
const char *instruction_name(InstructionKind kind);
