/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Interpolation: $NAME and ${NAME...} in the values of a compose file and of env files.
 *
 *   ${X:-word} ${X-word}	word where X is unset (":": or empty)
 *   ${X:+word} ${X+word}	word where X is set (":": and not empty)
 *   ${X:?word} ${X?word}	an error where X is unset (":": or empty)
 *
 * Words nest and are looked at only where they are used. "$$" is a dollar.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "cmd/compose/node.h"

#define INTERPOLATE_SIZE_MAX  (1024 * 1024)
#define INTERPOLATE_TOTAL_MAX (64 * 1024 * 1024)

typedef struct {
	const char *(*lookup)(const char *name, void *data); /* NULL: unset */
	void *data;
	/* A variable that is unset and has no default was used; may be NULL. */
	void (*missing)(const char *name, void *data);
	/* Bytes of a tree's values so far, INTERPOLATE_TOTAL_MAX at most; NULL: not counted. */
	size_t *total;
} Interpolation;

typedef enum {
	INTERPOLATE_OK,
	INTERPOLATE_INVALID, /* not a template; the error is "Invalid template: ..." */
	INTERPOLATE_MISSING, /* ${X:?}: "required variable X is missing a value" */
} InterpolateResult;

/**
 * interpolate_text() - substitute the variables of a text
 * @out:	transfer full; on OK only
 * @error:	INVALID, as the result says
 */
InterpolateResult interpolate_text(const Interpolation *env, const char *text, char **out,
				   GError **error);

/**
 * interpolate_tree() - substitute in every string of a tree; keys stay as they are
 * @path:	where @node is, for messages: "services.web"; "" at the top
 */
bool interpolate_tree(const Interpolation *env, Node *node, const char *path, GError **error);

/** InterpolateVariable - one mention of a variable in a template. */
typedef struct {
	char *name;
	char *fallback;    /* the word of :- or -, NULL without */
	char *alternative; /* the word of :+ or + */
	bool required;
} InterpolateVariable;

/** interpolate_variables() - add the variables that the strings of a tree name to @variables:
 * name -> InterpolateVariable, the first mention with a word wins. */
void interpolate_variables(const Node *node, GHashTable *variables);

/** interpolate_variable_free() - for tables of them. */
void interpolate_variable_free(void *variable);
