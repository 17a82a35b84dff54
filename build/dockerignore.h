/* SPDX-License-Identifier: Apache-2.0 */
/*
 * .dockerignore: which paths of a context are left out.
 *
 * One pattern per line; the last one that matches a path or one of its parents decides; "!"
 * takes a path in again. Patterns are relative to the context however they are written ("/a" is
 * "a", "a/../b" is "b"). * ? and [a-z] stop at slashes, ** matches any number of directories.
 * "#" in the first column starts a comment.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

#define DOCKERIGNORE_SIZE_MAX     (1u << 20)
#define DOCKERIGNORE_PATTERNS_MAX 10000

typedef struct Dockerignore Dockerignore;

/**
 * dockerignore_parse() - read a whole file
 * @name:	its name in messages
 * @error:	INVALID, "NAME:LINE: what is wrong"
 */
Dockerignore *dockerignore_parse(const char *text, size_t size, const char *name, GError **error);
void dockerignore_free(Dockerignore *ignore);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Dockerignore, dockerignore_free)

/** dockerignore_matches() - whether @path ("a/b", below the context) is left out. */
bool dockerignore_matches(const Dockerignore *ignore, const char *path);

/** dockerignore_prunes() - whether the directory @path and all that could be in it are left out, so
 * that nobody needs to look. */
bool dockerignore_prunes(const Dockerignore *ignore, const char *path);

/**
 * dockerignore_names() - the files to look for, the first one that exists counts
 * @dockerfile:	name of the Dockerfile, NULL if it is not in a directory
 *
 * NAME.dockerignore, .containerignore, .dockerignore. The first is beside the Dockerfile, the
 * others are in the context. g_strfreev() it.
 */
char **dockerignore_names(const char *dockerfile);
