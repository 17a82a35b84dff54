/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the view share: the messages from who builds to who shows, and the state of the
 * latter.
 */
#pragma once

#include "cmd/build/view.h"
#include "libpod/base/json.h"

#define VIEW_MESSAGE_MAX (96u << 10)
#define VIEW_TEXT_MAX                                                                              \
	(6u << 10) /* of an instruction: what is longer is cut; JSON makes six bytes of one */
#define VIEW_LOG_MAX (32u << 20) /* bytes that are kept of a step's output: its end */

/* One step, from its start to its end. */
typedef struct {
	int64_t stage, stages, number, total, line;
	char *platform;   /* NULL unless there are several */
	char *stage_name; /* or NULL */
	char *text;
	gint64 started;
	GString *log;
	uint64_t dropped; /* bytes of its output that are not in @log any more */
	GPtrArray *notes; /* char *: lines of ours that stay when its output is gone */
} ViewStep;

/* A process that builds, and what it prints. */
typedef struct {
	int64_t id;
	int answers;       /* it waits for a byte after some messages */
	int fds[2];        /* stdout, or both; stderr, or -1 */
	GString *lines[2]; /* of them what is no whole line yet */
	ViewStep *step;    /* NULL: between steps */
} ViewChannel;

/* The process that shows. */
typedef struct {
	ProgressKind kind;
	int socket;
	GPtrArray *channels; /* ViewChannel * */
	Progress *progress;  /* tty */
	bool paused;
	bool failed; /* a step did; its output was shown */
	gint64 started, drawn;
	unsigned done;
} ViewShow;

/** view_show_run() - show until @pid has ended. Return: its status, of waitpid(). */
int view_show_run(ViewShow *show, pid_t pid, int pid_fd);

/* One function per event for each kind; @data of the event is in the step. */
void view_draw_started(ViewShow *show, const ViewStep *step);
void view_draw_ended(ViewShow *show, ViewStep *step, BuildStepState state, Json *message);
void view_draw_line(ViewShow *show, const ViewStep *step, int stream, const char *line);
void view_draw_text(ViewShow *show, bool warning, const char *text);
/** view_draw_output() - what a step has printed so far; once. */
void view_draw_output(ViewShow *show, ViewStep *step);
void view_draw_error(ViewShow *show, int64_t code, const char *text);
/** view_draw_tick() - the block again, with the time that has passed. */
void view_draw_tick(ViewShow *show);
/** view_draw_stop() - others use the terminal from here on. */
void view_draw_stop(ViewShow *show);
