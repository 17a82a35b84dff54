/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Progress of a project: what becomes of its containers, networks, volumes and images.
 *
 * Everybody reports with compose_report(). On a terminal a child of ours draws what was reported,
 * redrawn in place with seconds, since this process waits for others most of the time; it is
 * started by the first report and ends with compose_progress_end(), which leaves the block where it
 * is. Nobody else may write to the terminal meanwhile: log and output call us first, others call
 * compose_progress_end() themselves, or compose_progress_hide() for programs that draw, too.
 * Elsewhere a report is a line (plain), an object of JSON, or nothing (quiet).
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

/**
 * compose_progress_configure() - from what the command line and the environment say
 * @kind:	--progress; NULL: COMPOSE_PROGRESS, else auto
 * @ansi:	--ansi; NULL: COMPOSE_ANSI, else auto. never: no block and no colours
 * @error:	INVALID for other words
 */
bool compose_progress_configure(const char *kind, const char *ansi, GError **error);

/** compose_progress_tell() - let skiff-fetch and skiff-build, which look at the terminal
 * themselves, know of plain lines. Changes the environment: to be called when a project has read
 * that. */
void compose_progress_tell(void);

/** compose_progress_dry_run() - from now on reports are of what would be done. */
void compose_progress_dry_run(void);

/** compose_is_dry_run() - is nothing to be done, only told? */
bool compose_is_dry_run(void);

/**
 * compose_report() - what became of something, or is about to
 * @kind:	"Container", "Network", "Volume", "Image"
 * @state:	ends in "ing" while it is on its way ("Starting"), else is its end ("Started")
 */
void compose_report(const char *kind, const char *name, const char *state);

/** compose_progress_is_quiet() - are others to show no progress either? */
bool compose_progress_is_quiet(void);

/** compose_progress_is_plain() - are others to write plain lines, though there is a terminal? */
bool compose_progress_is_plain(void);

/** compose_progress_hide() - take the block away until the next report. */
void compose_progress_hide(void);

/** compose_progress_end() - the block stays as it is; the next report begins another. */
void compose_progress_end(void);

/** compose_progress_inherit() - in a child: the block is the parent's, we write plain lines. */
void compose_progress_inherit(void);

/** compose_use_colours() - are lines on @fd coloured, by --ansi, NO_COLOR and what it is? */
bool compose_use_colours(int fd);
