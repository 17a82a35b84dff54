/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a build is shown: as a block on a terminal, as lines of JSON, or as nothing but a failure.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/build/view_priv.h"
#include "cmd/escape.h"
#include "libpod/base/fd.h"
#include "libpod/base/units.h"

#define DRAW_US   80000
#define TAIL_MAX  6           /* lines of a running step's output */
#define TAIL_SIZE (16u << 10) /* bytes of it that are looked at for them */
#define RULE      "------"

/* --- texts --- */

/* The first line of an instruction, its continuations joined. */
static char *headline(const char *text)
{
	g_autofree char *copy = g_strndup(text, 4096);
	for (char *at = copy; *at; at++)
		if (*at == '\t')
			*at = ' ';
	copy[strcspn(copy, "\n")] = '\0';
	return g_strstrip(g_steal_pointer(&copy));
}

/* "[base 2/5] RUN make", or "[linux/arm64 base 2/5] RUN make" */
static char *label(const ViewStep *step)
{
	g_autofree char *line = headline(step->text);
	g_autofree char *stage = NULL;
	if (step->stage_name)
		stage = g_strdup_printf("%s ", step->stage_name);
	else if (step->stages > 1)
		stage = g_strdup_printf("stage-%" G_GINT64_FORMAT " ", step->stage - 1);
	return g_strdup_printf("[%s%s%s%" G_GINT64_FORMAT "/%" G_GINT64_FORMAT "] %s",
			       step->platform ? step->platform : "", step->platform ? " " : "",
			       stage ? stage : "", step->number, step->total, line);
}

static char *elapsed(gint64 since)
{
	return progress_format_time(g_get_monotonic_time() - since);
}

/* --- JSON --- */

/* A line of it; who reads it may be gone. */
static void put_json(Json *line)
{
	const char *text = js_text(line);
	g_autofree char *whole = g_strconcat(text, "\n", NULL);
	(void)fd_write_all(STDERR_FILENO, whole, strlen(whole));
}

static Json *new_line(const char *type, const ViewStep *step)
{
	Json *line = json_object_new_object();
	g_autofree char *now = units_format_rfc3339(units_now(), false);
	js_set_string(line, "type", type);
	js_set_string(line, "time", now);
	if (step) {
		js_set_int(line, "stage", step->stage);
		js_set_int(line, "step", step->number);
	}
	return line;
}

static void put_step(const ViewStep *step, const char *state, Json *message)
{
	g_autoptr(Json) line = new_line("step", step);
	const char *made = NULL;
	js_set_string(line, "state", state);
	js_set_int(line, "stages", step->stages);
	js_set_int(line, "steps", step->total);
	js_set_int(line, "line", step->line);
	if (step->stage_name)
		js_set_string(line, "stage_name", step->stage_name);
	if (step->platform)
		js_set_string(line, "platform", step->platform);
	js_set_string(line, "text", step->text);
	if (message) {
		double ms = (double)(g_get_monotonic_time() - step->started) / 1000;
		js_set_int(line, "ms", (int64_t)ms);
		(void)js_get_string(message, "made", &made, NULL);
	}
	if (made)
		js_set_string(line, "made", made);
	put_json(line);
}

static void put_text(const char *type, const ViewStep *step, const char *key, const char *value,
		     const char *text)
{
	g_autoptr(Json) line = new_line(type, step);
	g_autofree char *valid = g_utf8_make_valid(text, -1);
	if (key)
		js_set_string(line, key, value);
	js_set_string(line, "text", valid);
	put_json(line);
}

/* --- the terminal --- */

/* The last lines of a step's output, oldest first; at most @n. */
static GPtrArray *tail(const ViewStep *step, unsigned n)
{
	GPtrArray *lines = g_ptr_array_new_with_free_func(g_free);
	const char *end = step->log->str + step->log->len;
	const char *start = end - MIN(step->log->len, TAIL_SIZE);
	while (end > start && lines->len < n) {
		if (end[-1] == '\n')
			end--;
		const char *newline = memrchr(start, '\n', (size_t)(end - start));
		const char *line = newline ? newline + 1 : start;
		g_autofree char *text = g_strndup(line, (size_t)(end - line));
		g_autofree char *clean = progress_clean(text);
		if (*clean)
			g_ptr_array_insert(lines, 0, g_steal_pointer(&clean));
		end = line;
	}
	return lines;
}

static void draw_step(ViewShow *show, const ViewStep *step, unsigned lines)
{
	g_autofree char *name = label(step);
	g_autofree char *line = g_strdup_printf(" => %s", name);
	g_autofree char *time = elapsed(step->started);
	g_autoptr(GPtrArray) last = tail(step, lines);
	progress_line(show->progress, PROGRESS_STYLE_NONE, line, time);
	for (guint i = 0; i < last->len; i++) {
		g_autofree char *text = g_strdup_printf(" => => # %s", (char *)last->pdata[i]);
		progress_line(show->progress, PROGRESS_STYLE_DIM, text, NULL);
	}
}

static void draw(ViewShow *show)
{
	unsigned running = 0, rows = progress_rows(show->progress);
	for (guint i = 0; i < show->channels->len; i++)
		running += ((ViewChannel *)show->channels->pdata[i])->step != NULL;
	show->drawn = g_get_monotonic_time();
	progress_begin(show->progress);
	g_autofree char *time = elapsed(show->started);
	g_autofree char *head = g_strdup_printf("[+] Building %s (%u step%s done)", time,
						show->done, show->done == 1 ? "" : "s");
	progress_line(show->progress, PROGRESS_STYLE_NONE, head, NULL);
	/* A row is the headline's, one the cursor's. */
	unsigned share = running && rows > 2 ? (rows - 2) / running : 1;
	for (guint i = 0; i < show->channels->len; i++) {
		const ViewChannel *channel = show->channels->pdata[i];
		if (channel->step)
			draw_step(show, channel->step, MIN(share - MIN(share, 1), TAIL_MAX));
	}
	progress_end(show->progress);
}

/* All output of a step that failed, above the block. */
static void print_failed_log(ViewShow *show, const ViewStep *step)
{
	g_autofree char *name = label(step);
	g_autoptr(GString) text = g_string_new(RULE "\n");
	g_string_append_printf(text, " > %s:\n", name);
	if (step->dropped)
		g_string_append_printf(text, "(%" G_GUINT64_FORMAT " bytes before this are lost)\n",
				       step->dropped);
	g_auto(GStrv) lines = g_strsplit(step->log->str, "\n", -1);
	for (char **line = lines; *line; line++) {
		g_autofree char *clean = progress_clean(*line);
		if (*clean || line[1])
			g_string_append_printf(text, "%s\n", clean);
	}
	g_string_append(text, RULE);
	progress_print(show->progress, PROGRESS_STYLE_NONE, text->str);
}

static void print_ended(ViewShow *show, ViewStep *step, BuildStepState state)
{
	g_autofree char *name = label(step);
	g_autofree char *time = elapsed(step->started);
	bool failed = state == BUILD_STEP_FAILED;
	const char *word = failed ? "ERROR " : state == BUILD_STEP_CACHED ? "CACHED " : "";
	g_autofree char *line = g_strdup_printf(" => %s%s", word, name);
	progress_print_right(show->progress, failed ? PROGRESS_STYLE_FAILED : PROGRESS_STYLE_DONE,
			     line, state == BUILD_STEP_CACHED ? NULL : time);
	for (guint i = 0; i < step->notes->len; i++) {
		const char *note = step->notes->pdata[i];
		bool warns = g_str_has_prefix(note, "Warning: ");
		progress_print(show->progress, warns ? PROGRESS_STYLE_WARNING : PROGRESS_STYLE_NONE,
			       note);
	}
	if (failed)
		view_draw_output(show, step);
}

/* --quiet: a failure is the only thing to see. */
static void write_failed_log(const ViewStep *step)
{
	g_autofree char *name = label(step);
	g_autofree char *clean = escape_terminal(name, false);
	g_autofree char *head = g_strconcat(clean, ":\n", NULL);
	(void)fd_write_all(STDERR_FILENO, head, strlen(head));
	(void)fd_write_all(STDERR_FILENO, step->log->str, step->log->len);
	if (step->log->str[step->log->len - 1] != '\n')
		(void)fd_write_all(STDERR_FILENO, "\n", 1);
}

/* --- events --- */

void view_draw_output(ViewShow *show, ViewStep *step)
{
	if (step->log->len == 0)
		return;
	if (show->kind == PROGRESS_TTY)
		print_failed_log(show, step);
	else if (show->kind == PROGRESS_QUIET)
		write_failed_log(step);
	g_string_truncate(step->log, 0);
}

void view_draw_started(ViewShow *show, const ViewStep *step)
{
	if (show->kind == PROGRESS_JSON)
		put_step(step, "started", NULL);
}

void view_draw_ended(ViewShow *show, ViewStep *step, BuildStepState state, Json *message)
{
	static const char *const states[] = {
		[BUILD_STEP_STARTED] = "started",
		[BUILD_STEP_DONE] = "done",
		[BUILD_STEP_CACHED] = "cached",
		[BUILD_STEP_FAILED] = "failed",
	};
	if (show->kind == PROGRESS_JSON)
		put_step(step, states[state], message);
	else if (show->kind == PROGRESS_TTY)
		print_ended(show, step, state);
	else if (state == BUILD_STEP_FAILED)
		view_draw_output(show, step);
}

void view_draw_line(ViewShow *show, const ViewStep *step, int stream, const char *line)
{
	if (show->kind == PROGRESS_JSON)
		put_text("log", step, "stream", stream ? "stderr" : "stdout", line);
}

void view_draw_text(ViewShow *show, bool warning, const char *text)
{
	g_autofree char *line = warning ? g_strconcat("Warning: ", text, NULL) : g_strdup(text);
	if (show->kind == PROGRESS_JSON)
		put_text("message", NULL, "level", warning ? "warning" : "info", text);
	else if (show->kind == PROGRESS_TTY)
		progress_print(show->progress,
			       warning ? PROGRESS_STYLE_WARNING : PROGRESS_STYLE_NONE, line);
	else if (warning || g_str_has_prefix(text, "Warning: ")) {
		g_autofree char *clean = escape_terminal(line, true);
		(void)fprintf(stderr, "%s\n", clean);
	}
}

void view_draw_error(ViewShow *show, int64_t code, const char *text)
{
	g_autoptr(Json) line = new_line("error", NULL);
	js_set_int(line, "code", code);
	js_set_string(line, "text", text);
	put_json(line);
	(void)show;
}

void view_draw_tick(ViewShow *show)
{
	if (show->kind == PROGRESS_TTY && !show->paused &&
	    g_get_monotonic_time() - show->drawn >= DRAW_US)
		draw(show);
}

void view_draw_stop(ViewShow *show)
{
	if (show->progress)
		progress_erase(show->progress);
}
