/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Variables and quotes in the words of a Dockerfile.
 *
 *   $x ${x}                 the value, nothing if x is not set; $1, $@ and the like are nothing
 *   ${x-w} ${x+w} ${x?w}    w if x is not set; w if it is; fail with w. With a colon (${x:-w}) a
 *                           value that is empty counts as not set
 *   ${x#p} ${x##p}          without the shortest, the longest start that matches p
 *   ${x%p} ${x%%p}          without such an end
 *   ${x/p/w} ${x//p/w}      with w in place of the first, of every longest match of p; escapes in
 *                           w stay, as in docker's frontend
 *
 * Single quotes keep everything, double quotes keep all but $ and escapes; both are removed. The
 * escape character takes away the meaning of the next one. Patterns know * ? and backslashes.
 *
 * Bounded for hostile input: EXPAND_DEPTH_MAX nested braces, EXPAND_SIZE_MAX bytes of result,
 * EXPAND_WORK_MAX steps of matching per word.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

#define EXPAND_DEPTH_MAX 32
#define EXPAND_SIZE_MAX  (1u << 20)
#define EXPAND_WORK_MAX  (1u << 24)

/* The value of a variable, borrowed; NULL if it is not set. */
typedef const char *(*ExpandLookup)(const char *name, void *data);

typedef struct {
	ExpandLookup lookup;
	void *data;
	char escape;       /* backslash or backtick */
	bool raw_quotes;   /* quotes mean nothing: text of a heredoc */
	GHashTable *unset; /* names that were used and had no value are added; may be NULL */
} Expander;

/**
 * expand_word() - expand a word as one, blanks are kept
 * @error:	INVALID: an open quote or brace, an unknown operator, what ${x?} says, a bound
 *
 * Return: g_free() it.
 */
char *expand_word(const Expander *expander, const char *text, GError **error);

/** expand_words() - as expand_word(), split at blanks that are not quoted; empty words vanish.
 * g_strfreev() it. */
char **expand_words(const Expander *expander, const char *text, GError **error);
