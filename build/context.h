/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Build contexts: where COPY and ADD take files from, and the Dockerfile with them.
 *
 * A context is a directory of the host, or one that is filled here from a tar, a git repository or
 * a URL. Whatever it is, the caller gets a descriptor of a directory, and nothing in that directory
 * is ever looked up but through path_open_in_root(): a link in it leads nowhere outside (security
 * 1.4: the Dockerfile, the ignore file, "#ref:subdir").
 *
 * Runs in the caller's user namespace, before or after it has become root of one. Programs it runs:
 * git, for repositories; skiff-fetch, for URLs and to decompress; skiff-layer, jailed, to unpack.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "build/dockerignore.h"

/* What fetching needs; borrowed for as long as anything made with it lives. */
typedef struct {
	/*
	 * An existing empty directory that the caller made (0700) and removes with all it holds,
	 * as root of the user namespace: its absolute path, and a descriptor of it. Tars, clones
	 * and downloads go into subdirectories with names of ours.
	 */
	const char *work_path;
	int work_fd;
	bool git_local; /* tests only: repositories by file://, too */
} FetchEnv;

typedef struct {
	const FetchEnv *env;
	const char *source;     /* what the user typed: a directory, a tar, "-", a URL; NULL: "." */
	const char *dockerfile; /* -f; "-": standard input; NULL: Containerfile, Dockerfile */
	const char *ignore_file; /* --ignorefile, a path of the host; NULL: the usual places */
	int stdin_fd;            /* what "-" reads; 0: our standard input */
	bool keep_git; /* a repository's .git stays, if its URL does not say anything else */
} ContextOptions;

typedef struct BuildContext BuildContext;

/**
 * context_open() - open (fetch, unpack) a context and read its Dockerfile and its ignore file
 *
 * "-" is a Dockerfile or a tar, plain or compressed: the first bytes decide. The same for http(s)
 * URLs and files. A URL that ends in ".git" (or ".git#ref:subdir"), git@host:path, git:// and
 * ssh:// ones are repositories. Without a tar, a Dockerfile alone comes with an empty directory.
 * @error:	NOT_FOUND: no such directory or Dockerfile; INVALID: what makes no sense, a
 *		hostile ref; UNREACHABLE
 */
BuildContext *context_open(const ContextOptions *options, GError **error);

/**
 * context_open_named() - the value of --build-context NAME=VALUE, without a Dockerfile
 *
 * A directory, a tar, or a URL as above. Images ("docker-image://", "container-image://",
 * "docker://", "oci-layout://") are the caller's: see context_image(). An ignore file in it counts
 * only if it is a directory of the host.
 */
BuildContext *context_open_named(const FetchEnv *env, const char *value, GError **error);
void context_close(BuildContext *context);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BuildContext, context_close)

/* In front of the path of an image that lies in a directory. */
#define CONTEXT_LAYOUT "oci:"

/** context_image() - the image that such a value names: a reference, or CONTEXT_LAYOUT and a path.
 * NULL if it is none; g_free() it. */
char *context_image(const char *value);

/** context_root_fd() - the directory, O_RDONLY, borrowed. Never -1. */
int context_root_fd(const BuildContext *context);

/** context_key() - what the stat cache of this context is named by: safe as a file name, the same
 * for the same directory; NULL if it was fetched and will never be seen again. Borrowed. */
const char *context_key(const BuildContext *context);

/** context_dockerfile() - the text of the Dockerfile, borrowed; NULL for a named context. */
const char *context_dockerfile(const BuildContext *context, size_t *out_size);

/** context_dockerfile_name() - its name for messages ("Dockerfile", "-f"'s value), borrowed. */
const char *context_dockerfile_name(const BuildContext *context);

/** context_ignore() - what COPY and ADD leave out; NULL if there is no ignore file. Borrowed. */
const Dockerignore *context_ignore(const BuildContext *context);

/** context_commit() - the 40 or 64 hex digits of the commit if it is a git repository, else NULL.
 * Borrowed. */
const char *context_commit(const BuildContext *context);

/** context_time() - when what was fetched was made: the commit's time, or what the server said;
 * seconds, -1: nobody says. */
int64_t context_time(const BuildContext *context);
