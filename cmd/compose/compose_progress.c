/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/compose/compose_progress.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmd/escape.h"
#include "cmd/output.h"
#include "cmd/progress.h"
#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/json.h"
#include "libpod/base/log.h"

#define FRAME_MS   100
#define DRAWING_FD 3 /* the child's end of the socket, there */

typedef enum { ANSI_AUTO, ANSI_NEVER, ANSI_ALWAYS } Ansi;

/* One per process: reports come from everywhere. */
static struct {
	ProgressKind kind;
	Ansi ansi;
	bool dry_run;
	bool to_stdout; /* COMPOSE_STATUS_STDOUT: reports are no messages */
	int fd;         /* to the child that draws; -1: none */
	pid_t pid;      /* of it */
} state = {.fd = -1};

/* What is said to the child in place of a report. */
static const char hide_word[] = "\001", end_word[] = "\002", line_word[] = "\003";

static FILE *stream(void)
{
	return state.to_stdout ? stdout : stderr;
}

bool compose_progress_configure(const char *kind, const char *ansi, GError **error)
{
	const char *said = kind ? kind : g_getenv("COMPOSE_PROGRESS");
	const char *when = ansi ? ansi : g_getenv("COMPOSE_ANSI");
	const char *status = g_getenv("COMPOSE_STATUS_STDOUT");
	state.to_stdout =
		status && (strcmp(status, "1") == 0 || g_ascii_strcasecmp(status, "true") == 0);
	state.kind = PROGRESS_AUTO;
	if (said && *said && !progress_kind_parse(said, &state.kind, NULL))
		return error_set(error, ENGINE_ERROR_INVALID,
				 "unsupported --progress value \"%s\": auto, tty, plain, json or "
				 "quiet",
				 said);
	state.ansi = ANSI_AUTO;
	if (g_strcmp0(when, "never") == 0)
		state.ansi = ANSI_NEVER;
	else if (g_strcmp0(when, "always") == 0)
		state.ansi = ANSI_ALWAYS;
	else if (when && *when && strcmp(when, "auto") != 0)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "unsupported --ansi value \"%s\": never, always or auto", when);
	if (state.kind == PROGRESS_AUTO && state.ansi == ANSI_NEVER)
		state.kind = PROGRESS_PLAIN;
	if (state.kind == PROGRESS_AUTO)
		state.kind = progress_can_draw(fileno(stream())) ? PROGRESS_TTY : PROGRESS_PLAIN;
	if (state.kind == PROGRESS_TTY && !isatty(fileno(stream())))
		state.kind = PROGRESS_PLAIN;
	return true;
}

void compose_progress_tell(void)
{
	if (state.kind == PROGRESS_PLAIN && isatty(fileno(stream())))
		(void)g_setenv(PROGRESS_VARIABLE, "plain", TRUE);
}

void compose_progress_dry_run(void)
{
	state.dry_run = true;
}

bool compose_is_dry_run(void)
{
	return state.dry_run;
}

bool compose_progress_is_quiet(void)
{
	return state.kind == PROGRESS_QUIET || state.kind == PROGRESS_JSON;
}

bool compose_progress_is_plain(void)
{
	return state.kind == PROGRESS_PLAIN;
}

bool compose_use_colours(int fd)
{
	const char *off = g_getenv("NO_COLOR");
	if (state.ansi == ANSI_ALWAYS)
		return true;
	return state.ansi != ANSI_NEVER && !(off && *off) && output_is_terminal(fd);
}

/* The child. */

typedef struct {
	char *id; /* "Container web-1" */
	char *state;
	gint64 begin, end; /* @end: 0 while it is on its way */
} Line;

typedef struct {
	int fd;
	Progress *progress;
	GPtrArray *lines; /* of Line */
	bool hidden;
	unsigned frame;
} Drawing;

static void line_free(void *data)
{
	Line *line = data;
	g_free(line->id);
	g_free(line->state);
	g_free(line);
}

static bool is_working(const char *word)
{
	return (g_str_has_suffix(word, "ing") && strcmp(word, "Running") != 0) ||
	       strcmp(word, "Recreate") == 0;
}

static bool has_failed(const char *word)
{
	return strcmp(word, "Error") == 0 || strchr(word, ' ') != NULL;
}

static Line *find_line(Drawing *drawing, const char *id)
{
	for (guint i = 0; i < drawing->lines->len; i++)
		if (strcmp(((Line *)drawing->lines->pdata[i])->id, id) == 0)
			return drawing->lines->pdata[i];
	Line *line = g_new0(Line, 1);
	line->id = g_strdup(id);
	line->begin = g_get_monotonic_time();
	g_ptr_array_add(drawing->lines, line);
	return line;
}

/* "ID\tSTATE" */
static void take_report(Drawing *drawing, char *message)
{
	char *tab = strrchr(message, '\t');
	if (!tab)
		return;
	*tab = '\0';
	Line *line = find_line(drawing, message);
	g_free(line->state);
	line->state = g_strdup(tab + 1);
	line->end = is_working(line->state) ? 0 : g_get_monotonic_time();
	drawing->hidden = false;
}

static guint count_done(const Drawing *drawing)
{
	guint done = 0;
	for (guint i = 0; i < drawing->lines->len; i++)
		done += ((Line *)drawing->lines->pdata[i])->end != 0;
	return done;
}

/* " ✔ Container web-1  Started" */
static char *format_line(const Drawing *drawing, const Line *line, ProgressStyle *out_style)
{
	static const char *const turning[] = {"⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"};
	bool failed = has_failed(line->state);
	int width = 0;
	for (guint i = 0; i < drawing->lines->len; i++)
		width = MAX(width, (int)strlen(((Line *)drawing->lines->pdata[i])->id));
	const char *sign = !line->end ? turning[drawing->frame % G_N_ELEMENTS(turning)]
			   : failed   ? "✘"
				      : "✔";
	*out_style = failed      ? PROGRESS_STYLE_FAILED
		     : line->end ? PROGRESS_STYLE_DONE
				 : PROGRESS_STYLE_NONE;
	return g_strdup_printf(" %s %-*s  %s", sign, width, line->id, line->state);
}

static char *line_time(const Line *line)
{
	return progress_format_time((line->end ? line->end : g_get_monotonic_time()) - line->begin);
}

static char *format_head(const Drawing *drawing)
{
	return g_strdup_printf("[+] Running %u/%u", count_done(drawing), drawing->lines->len);
}

/* What is done gives way where the window is too small. */
static void draw(Drawing *drawing)
{
	g_autofree char *head = format_head(drawing);
	guint room = MAX(progress_rows(drawing->progress), 4) - 2;
	guint surplus = drawing->lines->len > room ? drawing->lines->len - room : 0;
	drawing->frame++;
	progress_begin(drawing->progress);
	progress_line(drawing->progress, PROGRESS_STYLE_NONE, head, NULL);
	for (guint i = 0; i < drawing->lines->len; i++) {
		const Line *line = drawing->lines->pdata[i];
		ProgressStyle style = PROGRESS_STYLE_NONE;
		if (surplus > 0 && line->end) {
			surplus--;
			continue;
		}
		g_autofree char *text = format_line(drawing, line, &style);
		g_autofree char *time = line_time(line);
		progress_line(drawing->progress, style, text, time);
	}
	progress_end(drawing->progress);
}

/* All lines, for good. */
static void draw_end(Drawing *drawing)
{
	g_autofree char *head = format_head(drawing);
	progress_erase(drawing->progress);
	progress_print(drawing->progress, PROGRESS_STYLE_NONE, head);
	for (guint i = 0; i < drawing->lines->len; i++) {
		const Line *line = drawing->lines->pdata[i];
		ProgressStyle style = PROGRESS_STYLE_NONE;
		g_autofree char *text = format_line(drawing, line, &style);
		g_autofree char *time = line_time(line);
		progress_print_right(drawing->progress, style, text, time);
	}
}

/* One message. Return: false at the end. */
static bool serve(Drawing *drawing)
{
	char message[4096];
	ssize_t size = recv(drawing->fd, message, sizeof(message) - 1, 0);
	if (size < 0 && errno == EINTR)
		return true;
	if (size <= 0)
		return false;
	message[size] = '\0';
	if (*message == *end_word)
		return false;
	if (*message == *hide_word || *message == *line_word) {
		drawing->hidden = *message == *hide_word;
		progress_erase(drawing->progress);
		(void)send(drawing->fd, hide_word, 1, MSG_NOSIGNAL);
	} else {
		take_report(drawing, message);
	}
	return true;
}

/* Ctrl-C is for the parent, whose end is ours. */
static G_GNUC_NORETURN void run_drawing(int fd, pid_t parent)
{
	sigset_t none;
	(void)sigemptyset(&none);
	(void)signal(SIGINT, SIG_IGN);
	(void)signal(SIGTERM, SIG_IGN);
	(void)signal(SIGTTOU, SIG_IGN);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
		_exit(1);
	/* A lock or pipe of the parent's would be held as long as we draw. */
	if (fd != DRAWING_FD && dup2(fd, DRAWING_FD) < 0)
		_exit(1);
	(void)close_range(DRAWING_FD + 1, ~0U, 0);
	Drawing drawing = {
		.fd = DRAWING_FD,
		.progress = progress_new(fileno(stream())),
		.lines = g_ptr_array_new_with_free_func(line_free),
	};
	for (bool go_on = true; go_on;) {
		struct pollfd from = {.fd = drawing.fd, .events = POLLIN};
		int ready = poll(&from, 1, drawing.hidden ? -1 : FRAME_MS);
		if (ready > 0)
			go_on = serve(&drawing);
		if (go_on && !drawing.hidden && ready == 0 && drawing.lines->len > 0)
			draw(&drawing);
	}
	draw_end(&drawing);
	progress_free(drawing.progress);
	g_ptr_array_unref(drawing.lines);
	_exit(0);
}

/* The parent. */

/* Have the block taken away, and wait until it is. */
static void take_away(const char *word)
{
	char answer = 0;
	if (state.fd < 0 || send(state.fd, word, 1, MSG_NOSIGNAL) < 0)
		return;
	while (recv(state.fd, &answer, 1, 0) < 0 && errno == EINTR)
		continue;
}

void compose_progress_hide(void)
{
	take_away(hide_word);
}

/* A line of others: the block comes back below it, or stays above an error. */
static void make_room(bool is_last)
{
	if (is_last)
		compose_progress_end();
	else
		take_away(line_word);
}

static bool start_drawing(void)
{
	int pair[2] = {-1, -1};
	pid_t parent = getpid();
	if (state.fd >= 0)
		return true;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return false;
	(void)output_flush();
	(void)fflush(NULL);
	state.pid = fork();
	if (state.pid == 0) {
		close(pair[0]);
		run_drawing(pair[1], parent);
	}
	close(pair[1]);
	if (state.pid < 0) {
		close(pair[0]);
		return false;
	}
	state.fd = pair[0];
	log_on_line(make_room);
	return true;
}

void compose_progress_end(void)
{
	if (state.fd < 0)
		return;
	(void)send(state.fd, end_word, 1, MSG_NOSIGNAL);
	fd_close(&state.fd);
	while (waitpid(state.pid, NULL, 0) < 0 && errno == EINTR)
		continue;
	log_on_line(NULL);
}

void compose_progress_inherit(void)
{
	fd_close(&state.fd);
	log_on_line(NULL);
	if (state.kind == PROGRESS_TTY)
		state.kind = PROGRESS_PLAIN;
}

static void report_json(const char *kind, const char *name, const char *word)
{
	g_autoptr(Json) json = json_object_new_object();
	g_autofree char *id = g_strdup_printf("%s %s", kind, name);
	const char *status = has_failed(word) ? "Error" : is_working(word) ? "Working" : "Done";
	if (state.dry_run)
		json_object_object_add(json, "dry-run", json_object_new_boolean(true));
	json_object_object_add(json, "id", json_object_new_string(id));
	json_object_object_add(json, "status", json_object_new_string(status));
	json_object_object_add(json, "text", json_object_new_string(word));
	(void)fprintf(stream(), "%s\n", js_text(json));
	(void)fflush(stream());
}

void compose_report(const char *kind, const char *name, const char *word)
{
	g_autofree char *plain = escape_terminal(name, false);
	bool draws = state.kind == PROGRESS_TTY && !state.dry_run && start_drawing();
	if (state.kind == PROGRESS_QUIET && !state.dry_run)
		return;
	if (draws) {
		g_autofree char *message = g_strdup_printf("%s %s\t%s", kind, plain, word);
		(void)send(state.fd, message, strlen(message), MSG_NOSIGNAL);
	} else if (state.kind == PROGRESS_JSON) {
		report_json(kind, name, word);
	} else {
		(void)fprintf(stream(), " %s%s %s  %s\n", state.dry_run ? "DRY-RUN MODE -  " : "",
			      kind, plain, word);
		(void)fflush(stream());
	}
}
