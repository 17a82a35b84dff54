/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Progress on a terminal: a block of lines at its bottom that is drawn over itself, and lines above
 * it that stay. For pull, build and compose; what the lines say is theirs.
 *
 * A frame is progress_begin(), progress_line() for each line, progress_end(): it is one write(2),
 * so that it does not flicker. The size of the window is asked for each frame, so a frame a few
 * times a second is all that is needed to follow it. Foreign text is made harmless (security R14),
 * and a line that is too long is cut, as the block must know how many rows it has. Nobody else may
 * write to the terminal while a block stands there, but after progress_erase().
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

typedef struct Progress Progress;

/* What --progress says. */
typedef enum {
	PROGRESS_AUTO, /* tty where it can be, else plain */
	PROGRESS_PLAIN,
	PROGRESS_TTY,
	PROGRESS_JSON,
	PROGRESS_QUIET,
} ProgressKind;

typedef enum {
	PROGRESS_STYLE_NONE,
	PROGRESS_STYLE_DONE,
	PROGRESS_STYLE_FAILED,
	PROGRESS_STYLE_WARNING,
	PROGRESS_STYLE_DIM,
} ProgressStyle;

/** progress_kind_parse() - auto, plain, tty, json, rawjson, quiet, none. INVALID. */
bool progress_kind_parse(const char *text, ProgressKind *out, GError **error);

/** PROGRESS_VARIABLE - tells programs of ours that are started by one of ours: "plain", draw
 * nothing. */
#define PROGRESS_VARIABLE "SKIFF_PROGRESS"

/** progress_can_draw() - is @fd a terminal that knows how to move its cursor, and wanted to? */
bool progress_can_draw(int fd);

/** progress_new() - for a terminal, borrowed; nothing is drawn yet. */
Progress *progress_new(int fd);

/** progress_free() - what was drawn last stays. NULL is fine. */
void progress_free(Progress *progress);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Progress, progress_free)

/** progress_columns() and progress_rows() - of the window, now; 80 and 24 if it does not say. */
unsigned progress_columns(const Progress *progress);
unsigned progress_rows(const Progress *progress);

/** progress_begin() - the next frame, without lines so far. */
void progress_begin(Progress *progress);

/**
 * progress_line() - one more line of the frame; those for which the window has no rows are dropped
 * @text:	cut where it is too long; may be foreign
 * @right:	at the right edge and never cut, such as a duration; or NULL
 */
void progress_line(Progress *progress, ProgressStyle style, const char *text, const char *right);

/** progress_end() - show the frame in place of the last one. */
void progress_end(Progress *progress);

/** progress_print() - a line, or several, above the block; they stay. Not cut. May be foreign. */
void progress_print(Progress *progress, ProgressStyle style, const char *text);

/** progress_print_right() - the same for one line with something at the right edge. */
void progress_print_right(Progress *progress, ProgressStyle style, const char *text,
			  const char *right);

/** progress_erase() - take the block away: others may write until the next progress_end(). */
void progress_erase(Progress *progress);

/** progress_keep() - the block stays as it is, and what follows goes below it. */
void progress_keep(Progress *progress);

/** progress_format_time() - microseconds as "0.3s", "12.0s", "2m05s", "1h02m". g_free() it. */
char *progress_format_time(gint64 us);

/** progress_fit() - @text in at most @columns cells of a terminal. g_free() it. */
char *progress_fit(const char *text, unsigned columns);

/** progress_clean() - one line of a program's output as a terminal would show it at last: without
 * colours, and only what follows its last carriage return. g_free() it. */
char *progress_clean(const char *text);
