/* SPDX-License-Identifier: Apache-2.0 */
/*
 * COPY and ADD: which files an instruction takes, their checksum, and putting them into a root.
 *
 * Theory of operation. copy_plan_new() finds the sources: wildcards are matched and every path is
 * resolved inside the source's root, links too. The plan then answers two questions, in any order
 * and each perhaps never: what is the checksum of all it would copy, which the cache is asked by
 * before anything is written, and the copying itself. Both walk the same way by the same rules,
 * from descriptor to descriptor and never through a link.
 *
 * The destination is resolved inside the destination's root, links followed there; what is below
 * the destination is replaced, never written through. As in docker: a directory gives what it
 * holds; a destination that ends in a slash, or exists as one, is a directory; what is missing is
 * made with mode 0755; a directory never replaces a file or a link, nor the reverse.
 *
 * Sources that are elsewhere (ADD of a URL or a repository) are fetched when their bytes are
 * needed: not for the checksum if --checksum or a commit's name says what they are.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "build/checksum.h"
#include "build/context.h"

/* A heredoc as a source; where it stands among the sources does not matter. */
typedef struct {
	const char *name; /* "EOF": the file's name in a destination that is a directory */
	const char *content;
} CopyInline;

/*
 * One instruction, all its words expanded. Strings are borrowed while the plan lives; NULL is
 * absent.
 */
typedef struct {
	bool add;
	const char *const *sources; /* without heredocs; NULL-terminated; may be NULL */
	const CopyInline *inlines;
	size_t n_inlines;
	const char *dest;    /* as written */
	const char *workdir; /* what a relative dest starts from; NULL: "/" */

	/* Whom the files come from: the context, a named context, or --from's root. */
	int root_fd;                /* a directory, O_RDONLY; -1 if no source is a local path */
	const Dockerignore *ignore; /* of that context; NULL for --from an image or stage */
	bool keep_owner;            /* --from an image or stage: owners are as in it; else 0:0 */
	bool exact;                 /* sources are paths: no character of theirs is a wildcard */

	const char *chown;          /* "user[:group]" */
	const char *chmod;          /* octal or symbolic */
	const char *const *exclude; /* patterns; NULL-terminated */
	const char *checksum;       /* ADD of one URL or repository: "sha256:HEX", or a commit */
	bool parents, keep_git_dir;
	int unpack; /* -1: not said; as CopyArgs */

	const FetchEnv *env; /* needed for sources that are elsewhere, and to unpack archives */
} CopySpec;

typedef struct CopyPlan CopyPlan;

/**
 * copy_plan_new() - find the sources
 * @error:	NOT_FOUND: a source does not exist (or .dockerignore leaves it out, which it says);
 *		INVALID: flags or words that make no sense
 *
 * A wildcard that matches nothing is no error, as in docker.
 */
CopyPlan *copy_plan_new(const CopySpec *spec, GError **error);
void copy_plan_free(CopyPlan *plan);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CopyPlan, copy_plan_free)

/**
 * copy_plan_checksum() - walk the sources
 * @cache:	of the source's root; stat_cache_open(-1, NULL) for one that is seen once
 *
 * Return: the paths with their digests; ask file_list_digest() for the checksum of all.
 */
FileList *copy_plan_checksum(CopyPlan *plan, StatCache *cache, GError **error);

typedef struct {
	uint64_t files, bytes; /* regular files, and what they hold */
	uint64_t special;      /* devices and sockets, which no image has, left out */
} CopyStats;

typedef struct {
	int dest_fd;   /* the root to copy into, O_RDONLY|O_DIRECTORY */
	int users_fd;  /* the root whose passwd and group name --chown's users; -1: dest_fd */
	int64_t mtime; /* of all that is written, seconds; -1: as in the sources */
	/* No set-id bits and no capabilities: programs of strangers where others may run them. */
	bool harmless;
	/* Set to non-zero by a signal handler to stop with CANCELLED; may be NULL. */
	const int *cancelled;
} CopyTarget;

/**
 * copy_plan_apply() - copy
 * @error:	INVALID: a directory onto a file or the reverse, an unknown user; DENIED; CORRUPT:
 *an archive; SYSTEM
 *
 * The caller is root of the user namespace that owns the destination, its umask is 0, and nobody
 * else changes the destination meanwhile. When it fails the destination is half-written: drop it.
 */
bool copy_plan_apply(CopyPlan *plan, const CopyTarget *target, CopyStats *out_stats,
		     GError **error);
