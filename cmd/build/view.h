/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a build shows of its steps: --progress.
 *
 * Theory of operation. "plain" is podman's lines, written as they come, and what RUN prints goes to
 * our own stdout and stderr. For all else (tty, json, quiet) there are two processes. The child
 * builds; its stdout and stderr, and those of each process it forks for a stage, are pipes, and
 * what it does are messages on a socket. The parent reads both and shows them: a block on the
 * terminal, lines of JSON on stderr, or nothing but the output of the step that failed. It is the
 * parent that the user's shell waits for, so the terminal is in order when the prompt comes: it
 * passes on what signals it is sent, ends as the child ends, and takes it along when it is killed.
 *
 * Who builds waits at the start and end of each step until that message was taken, and before it is
 * the pipe is read to its end: so output belongs to the step that made it.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "build/solver.h"
#include "cmd/progress.h"

typedef struct BuildView BuildView;

/** build_view_choose() - what auto means here. INVALID: tty without a terminal. */
bool build_view_choose(ProgressKind *kind, GError **error);

/**
 * build_view_begin() - show from here on
 * @kind:	not auto
 * @out_code:	exit code of the build, where NULL is returned without @error
 *
 * Return: in the process that builds, what build_view_end() ends and frees; NULL in the one that
 * has shown the build to its end, and with @error.
 */
BuildView *build_view_begin(ProgressKind kind, int *out_code, GError **error);

/** build_view_kind() - as it was begun. */
ProgressKind build_view_kind(const BuildView *view);

/** build_view_step() - a step begins or ends, in this process. @platform: of several, else NULL. */
void build_view_step(BuildView *view, const char *platform, const BuildStep *step);

/** build_view_say() - a line beside the steps. */
void build_view_say(BuildView *view, const char *text);

/** build_view_warn() - a warning: it is shown in any case. */
void build_view_warn(BuildView *view, const char *text);

/** build_view_error() - how the build failed, for those who read JSON; NULL is fine. Return: false
 * where the caller has to say it. */
bool build_view_error(BuildView *view, int code, const char *text);

/** build_view_pause() - until build_view_resume() the terminal, stdout and stderr are ours. */
void build_view_pause(BuildView *view);
void build_view_resume(BuildView *view);

/** build_view_end() - all is shown, stdout and stderr are ours again. NULL is fine. */
void build_view_end(BuildView *view);
