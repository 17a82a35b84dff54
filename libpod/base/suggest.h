/* SPDX-License-Identifier: Apache-2.0 */
/*
 * "Did you mean": the names nearest to a mistyped one.
 */
#pragma once

#include <glib.h>

/* A longer name than this is never compared: hostile input must not cost time. */
#define SUGGEST_MAX_LENGTH 64
#define SUGGEST_MAX        3

/** suggest_distance() - Damerau-Levenshtein distance (adjacent swaps cost one), case folded. At
 * most @limit + 1. */
unsigned suggest_distance(const char *a, const char *b, unsigned limit);

/* The best candidates so far. */
typedef struct {
	const char *typed;
	const char *names[SUGGEST_MAX]; /* borrowed, nearest first */
	unsigned distances[SUGGEST_MAX];
	size_t n;
} Suggestions;

/** suggest_init() - start looking for names near @typed. */
void suggest_init(Suggestions *suggestions, const char *typed);

/** suggest_offer() - keep @name if it is within two edits (one for names of up to three letters).
 */
void suggest_offer(Suggestions *suggestions, const char *name);

/** suggest_add_help() - add "help: did you mean ...?" to an error that is set, if anything was
 * near.
 */
void suggest_add_help(const Suggestions *suggestions, const char *prefix, GError **error);

/** suggest_add_near() - add "help: did you mean ...?" with those of @names (or NULL) that are near
 * @typed to an error that is set, else @otherwise as help. */
void suggest_add_near(const char *typed, char **names, const char *otherwise, GError **error);

/** suggest_text() - "PREFIXname, PREFIXother or PREFIXthird", NULL if nothing was near. g_free()
 * it. */
char *suggest_text(const Suggestions *suggestions, const char *prefix);
