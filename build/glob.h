/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Patterns: compiled once to a list of tokens, matched by following all of its positions at once.
 * No pattern makes a match cost more than text times pattern.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

#define GLOB_PATTERN_MAX 4096 /* bytes of a pattern */

typedef enum {
	GLOB_TEXT,   /* ${x#p}: * and ? match anything; a backslash escapes * ? \ / } */
	GLOB_PATH,   /* Go's filepath.Match: * and ? stop at a slash, [a-z] classes */
	GLOB_IGNORE, /* as GLOB_PATH, and ** matches any number of directories */
} GlobKind;

typedef struct Glob Glob;

/**
 * glob_new() - compile a pattern
 * @error:	INVALID: longer than GLOB_PATTERN_MAX, an open class, an escape of nothing
 */
Glob *glob_new(const char *pattern, GlobKind kind, GError **error);
void glob_free(Glob *glob);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Glob, glob_free)

/** glob_reverse() - let a GLOB_TEXT pattern match reversed bytes. */
void glob_reverse(Glob *glob);

/** glob_matches() - the whole text. */
bool glob_matches(const Glob *glob, const char *text);

/** glob_matches_parent() - the whole of @path or of one of the directories it is in. */
bool glob_matches_parent(const Glob *glob, const char *path);

/**
 * glob_prefix() - how much of the start of @text matches
 * @longest:	the longest such prefix rather than the shortest
 * @io_work:	steps that may still be done, at 0 the search gives up
 *
 * Return: bytes, or -1 without a match.
 */
gssize glob_prefix(const Glob *glob, const char *text, size_t size, bool longest, size_t *io_work);

/** glob_may_match_below() - whether something below the directory @path could match. */
bool glob_may_match_below(const Glob *glob, const char *path);
