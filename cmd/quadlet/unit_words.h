/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Words in the values of systemd's unit files: splitting them as systemd does, and quoting them so
 * that systemd reads the same words again.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

typedef enum {
	UNIT_WORDS_PLAIN,   /* a backslash is a character like others: lists of names */
	UNIT_WORDS_ESCAPES, /* \n, \x41 ... are read: command lines, variables */
} UnitWordsKind;

/**
 * unit_words_split() - the words of a value
 * @out_open:	set if a quote was not closed (the word then ends with the value); may be NULL
 *
 * Return: owned strings, maybe none.
 */
GPtrArray *unit_words_split(const char *value, UnitWordsKind kind, bool *out_open);

/** unit_words_quote() - add @word to @out, quoted where systemd would not read it as one word. */
void unit_words_quote(GString *out, const char *word);

/** unit_words_join() - a whole command line. g_free() it. */
char *unit_words_join(const GPtrArray *words);

/** unit_words_literal() - @text with % and $ doubled: systemd puts nothing in their place. g_free()
 * it. */
char *unit_words_literal(const char *text);
