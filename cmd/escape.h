/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Escaping: Go's quoting for messages, and strings of foreign origin on a terminal (security R14).
 */
#pragma once

#include <stdbool.h>
#include <glib.h>

/** escape_quote() - as Go's %q: double quotes, \n, \x1b, \u202e. g_free() it. */
char *escape_quote(const char *text);

/** escape_append_rune() - append a code point as %q writes it between @quote characters. */
void escape_append_rune(GString *out, gunichar rune, char quote, bool ascii_only);

/**
 * escape_terminal() - make a foreign string harmless on a terminal
 * @newlines:	keep \n and \t, for texts of several lines
 *
 * C0, C1, DEL, bidirectional controls and invalid UTF-8 become \x1b or \u202e. g_free() it.
 */
char *escape_terminal(const char *text, bool newlines);

/** escape_append_terminal() - as escape_terminal(), appending to @out. */
void escape_append_terminal(GString *out, const char *text, bool newlines);
