/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The end of the view that is in the processes that build. See the header.
 */
#include "cmd/build/view.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmd/build/view_priv.h"
#include "cmd/output.h"
#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/log.h"

struct BuildView {
	ProgressKind kind;
	int socket;   /* -1 with plain */
	pid_t pid;    /* of the process whose pipes these are */
	int answers;  /* where who shows says that a message was taken */
	int saved[2]; /* stdout and stderr as they were */
	int pipes[2]; /* while it is paused: stdout and stderr of before; else -1 */
};

bool build_view_choose(ProgressKind *kind, GError **error)
{
	bool can = progress_can_draw(STDERR_FILENO);
	if (*kind == PROGRESS_AUTO)
		*kind = can && isatty(STDOUT_FILENO) ? PROGRESS_TTY : PROGRESS_PLAIN;
	return *kind != PROGRESS_TTY || can ||
	       error_set(error, ENGINE_ERROR_INVALID,
			 "--progress tty: standard error is no terminal");
}

ProgressKind build_view_kind(const BuildView *view)
{
	return view->kind;
}

/* --- messages --- */

/* Text as JSON can hold it, and not more than fits into a message. */
static void set_text(Json *message, const char *key, const char *text)
{
	if (!text)
		return;
	g_autofree char *cut = g_strndup(text, VIEW_TEXT_MAX);
	g_autofree char *valid = g_utf8_make_valid(cut, -1);
	js_set_string(message, key, valid);
}

static Json *new_message(const char *type)
{
	Json *message = json_object_new_object();
	js_set_string(message, "type", type);
	js_set_int(message, "channel", getpid());
	return message;
}

/* Nobody shows it any more: the build goes on. */
static void send_message(const BuildView *view, Json *message, const int *fds, size_t n_fds)
{
	const char *text = js_text(message);
	if (!fd_send(view->socket, text, strlen(text), fds, n_fds))
		log_debug("cannot show the build: %s", g_strerror(errno));
}

/* Wait until what was sent last has been taken. Return: false: nobody shows any more. */
static bool await(const BuildView *view)
{
	char answer;
	ssize_t n;
	do
		n = read(view->answers, &answer, 1);
	while (n < 0 && errno == EINTR);
	return n == 1;
}

/* Send, and wait until it is done. */
static void ask(const BuildView *view, const char *type)
{
	g_autoptr(Json) message = new_message(type);
	send_message(view, message, NULL, 0);
	(void)await(view);
}

/* --- pipes --- */

static bool make_pipe(int *out_read, int *out_write, GError **error)
{
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) < 0)
		return error_set_errno(error, "cannot make a pipe");
	*out_read = ends[0];
	*out_write = ends[1];
	return true;
}

/*
 * From here on what this process prints is a channel of its own. Who shows answers when it has it:
 * without a descriptor left there it has none, and nobody must wait for it.
 */
static bool open_channel(BuildView *view, GError **error)
{
	int n = view->kind == PROGRESS_JSON ? 3 : 2;
	autofd answers_in = -1;
	autofd out = -1;
	autofd err = -1;
	autofd read_out = -1;
	autofd read_err = -1;
	fd_close(&view->answers);
	view->pid = getpid();
	if (!make_pipe(&view->answers, &answers_in, error) || !make_pipe(&read_out, &out, error) ||
	    (n > 2 && !make_pipe(&read_err, &err, error)))
		return false;
	output_flush();
	const int fds[] = {answers_in, read_out, read_err};
	g_autoptr(Json) message = new_message("channel");
	send_message(view, message, fds, (size_t)n);
	fd_close(&answers_in);
	if (!await(view))
		return error_set(error, ENGINE_ERROR_SYSTEM,
				 "cannot show the build: who shows it could not take its pipes");
	if (dup2(out, STDOUT_FILENO) < 0 || dup2(n > 2 ? err : out, STDERR_FILENO) < 0)
		return error_set_errno(error, "cannot set standard output");
	return true;
}

/* A process that was forked for a stage has its parent's until it first speaks. Without one of its
 * own it prints into its parent's and waits for no answers. */
static void check_channel(BuildView *view)
{
	g_autoptr(GError) error = NULL;
	if (view->pid == getpid() || open_channel(view, &error))
		return;
	fd_close(&view->answers);
	log_warn("%s", error->message);
}

/* --- the start --- */

static BuildView *new_view(ProgressKind kind, int socket)
{
	BuildView *view = g_new0(BuildView, 1);
	view->kind = kind;
	view->socket = socket;
	view->saved[0] = view->saved[1] = view->pipes[0] = view->pipes[1] = view->answers = -1;
	return view;
}

/* The child: its output becomes ours to show. */
static BuildView *begin_building(ProgressKind kind, int socket, pid_t parent, GError **error)
{
	g_autofree BuildView *view = new_view(kind, socket);
	/* Whoever kills the one that shows means the build. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
		_exit(125);
	view->saved[0] = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	view->saved[1] = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	if (view->saved[0] < 0 || view->saved[1] < 0)
		return error_set_errno_null(error, "cannot set standard output");
	return open_channel(view, error) ? g_steal_pointer(&view) : NULL;
}

/* End as the build did. */
static int end_as(int status)
{
	if (!WIFSIGNALED(status))
		return WEXITSTATUS(status);
	sigset_t set;
	(void)sigemptyset(&set);
	(void)sigaddset(&set, WTERMSIG(status));
	(void)signal(WTERMSIG(status), SIG_DFL);
	(void)raise(WTERMSIG(status));
	(void)sigprocmask(SIG_UNBLOCK, &set, NULL);
	return 128 + WTERMSIG(status);
}

BuildView *build_view_begin(ProgressKind kind, int *out_code, GError **error)
{
	if (kind == PROGRESS_PLAIN)
		return new_view(kind, -1);
	int sockets[2];
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) < 0)
		return error_set_errno_null(error, "cannot make a socket");
	autofd ours = sockets[0];
	autofd theirs = sockets[1];
	pid_t parent = getpid();
	output_flush();
	pid_t pid = fork();
	if (pid < 0)
		return error_set_errno_null(error, "cannot fork");
	if (pid == 0)
		return begin_building(kind, fd_steal(&theirs), parent, error);
	fd_close(&theirs);
	autofd pid_fd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (pid_fd < 0) {
		int number = errno;
		(void)kill(pid, SIGKILL);
		(void)waitpid(pid, NULL, 0);
		errno = number;
		return error_set_errno_null(error, "cannot watch the build");
	}
	ViewShow show = {.kind = kind, .socket = ours};
	*out_code = end_as(view_show_run(&show, pid, pid_fd));
	return NULL;
}

/* --- what happens --- */

/* podman's lines. */
static void print_plain(const char *platform, const BuildStep *step)
{
	g_autofree char *where = platform ? g_strdup_printf("[%s] ", platform) : g_strdup("");
	g_autofree char *prefix = step->stages > 1
					  ? g_strdup_printf("[%u/%u] ", step->stage, step->stages)
					  : g_strdup("");
	g_autofree char *text = NULL;
	if (step->state == BUILD_STEP_STARTED)
		text = g_strdup_printf("%s%sSTEP %u/%u: %s", where, prefix, step->number,
				       step->total, step->text);
	else if (step->state == BUILD_STEP_CACHED)
		text = g_strdup_printf("--> Using cache %.12s\n--> %.12s", step->cache_key,
				       step->made);
	else if (step->state == BUILD_STEP_DONE && step->made)
		text = g_strdup_printf("--> %.12s", step->made);
	if (!text)
		return;
	output_text(text);
	output_flush();
}

void build_view_step(BuildView *view, const char *platform, const BuildStep *step)
{
	if (view->kind == PROGRESS_PLAIN) {
		print_plain(platform, step);
		return;
	}
	check_channel(view);
	output_flush();
	g_autoptr(Json) message = new_message("step");
	js_set_int(message, "state", step->state);
	js_set_int(message, "stage", step->stage);
	js_set_int(message, "stages", step->stages);
	js_set_int(message, "step", step->number);
	js_set_int(message, "steps", step->total);
	js_set_int(message, "line", step->line);
	set_text(message, "platform", platform);
	set_text(message, "stage_name", step->stage_name);
	set_text(message, "text", step->text);
	set_text(message, "made", step->made);
	send_message(view, message, NULL, 0);
	/* What is printed from here on is another step's. */
	(void)await(view);
}

static void send_text(BuildView *view, const char *type, const char *text)
{
	check_channel(view);
	g_autoptr(Json) message = new_message(type);
	set_text(message, "text", text);
	send_message(view, message, NULL, 0);
}

void build_view_say(BuildView *view, const char *text)
{
	if (view->kind != PROGRESS_PLAIN) {
		send_text(view, "say", text);
		return;
	}
	output_text(text);
	output_flush();
}

void build_view_warn(BuildView *view, const char *text)
{
	if (view->kind == PROGRESS_PLAIN)
		log_warn("%s", text);
	else
		send_text(view, "warn", text);
}

bool build_view_error(BuildView *view, int code, const char *text)
{
	if (!view || view->kind != PROGRESS_JSON)
		return false;
	g_autoptr(Json) message = new_message("error");
	const char *help = strstr(text, "\nhelp: ");
	g_autofree char *alone = help ? g_strndup(text, (size_t)(help - text)) : g_strdup(text);
	set_text(message, "text", alone);
	js_set_int(message, "code", code);
	send_message(view, message, NULL, 0);
	return true;
}

void build_view_pause(BuildView *view)
{
	if (view->kind == PROGRESS_PLAIN)
		return;
	output_flush();
	ask(view, "pause");
	for (int i = 0; i < 2; i++) {
		view->pipes[i] = fcntl(STDOUT_FILENO + i, F_DUPFD_CLOEXEC, 3);
		if (view->pipes[i] >= 0)
			(void)dup2(view->saved[i], STDOUT_FILENO + i);
	}
}

void build_view_resume(BuildView *view)
{
	if (view->kind == PROGRESS_PLAIN)
		return;
	output_flush();
	for (int i = 0; i < 2; i++) {
		if (view->pipes[i] >= 0)
			(void)dup2(view->pipes[i], STDOUT_FILENO + i);
		fd_close(&view->pipes[i]);
	}
	g_autoptr(Json) message = new_message("resume");
	send_message(view, message, NULL, 0);
}

void build_view_end(BuildView *view)
{
	if (!view)
		return;
	if (view->kind != PROGRESS_PLAIN) {
		output_flush();
		ask(view, "end");
		for (int i = 0; i < 2; i++) {
			(void)dup2(view->saved[i], STDOUT_FILENO + i);
			fd_close(&view->saved[i]);
		}
		fd_close(&view->socket);
		fd_close(&view->answers);
	}
	g_free(view);
}
