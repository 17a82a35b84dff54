/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process that shows a build: it reads messages and output until the one that builds has ended.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmd/build/view_priv.h"
#include "libpod/base/error.h"
#include "libpod/base/fd.h"

#define TICK_MS       100
#define READ_SIZE     65536
#define LINE_MAX_SIZE (64u << 10) /* a line without an end is taken for one then */
#define NOTES_MAX     1000        /* warnings of a step that are kept */

static void free_step(ViewStep *step)
{
	if (!step)
		return;
	g_free(step->platform);
	g_free(step->stage_name);
	g_free(step->text);
	g_string_free(step->log, TRUE);
	g_ptr_array_unref(step->notes);
	g_free(step);
}

static void free_channel(void *data)
{
	ViewChannel *channel = data;
	for (int i = 0; i < 2; i++) {
		fd_close(&channel->fds[i]);
		g_string_free(channel->lines[i], TRUE);
	}
	fd_close(&channel->answers);
	free_step(channel->step);
	g_free(channel);
}

static ViewChannel *find_channel(const ViewShow *show, int64_t id)
{
	for (guint i = 0; i < show->channels->len; i++) {
		ViewChannel *channel = show->channels->pdata[i];
		if (channel->id == id)
			return channel;
	}
	return NULL;
}

/* --- output --- */

/* A whole line. Warnings of ours stay, whatever becomes of the output around them. */
static void take_line(ViewShow *show, ViewChannel *channel, int stream, const char *line)
{
	ViewStep *step = channel->step;
	if (!step) {
		view_draw_text(show, false, line);
		return;
	}
	if (g_str_has_prefix(line, "Warning: ") && step->notes->len < NOTES_MAX)
		g_ptr_array_add(step->notes, g_strdup(line));
	view_draw_line(show, step, stream, line);
}

/* Bytes of the step's output, kept to be shown if it fails; as text, which a NUL would end. */
static void keep(ViewStep *step, const char *data, size_t size)
{
	gsize start = step->log->len;
	g_string_append_len(step->log, data, (gssize)size);
	for (char *nul = step->log->str + start;
	     (nul = memchr(nul, '\0', size - (size_t)(nul - step->log->str - start)));)
		*nul = ' ';
	if (step->log->len <= VIEW_LOG_MAX)
		return;
	size_t cut = step->log->len - VIEW_LOG_MAX / 2;
	g_string_erase(step->log, 0, (gssize)cut);
	step->dropped += cut;
}

static void take_output(ViewShow *show, ViewChannel *channel, int stream, const char *data,
			size_t size)
{
	GString *line = channel->lines[stream];
	if (channel->step)
		keep(channel->step, data, size);
	for (size_t i = 0; i < size; i++) {
		if (data[i] != '\n' && line->len < LINE_MAX_SIZE) {
			g_string_append_c(line, data[i] ? data[i] : ' ');
			continue;
		}
		take_line(show, channel, stream, line->str);
		g_string_truncate(line, 0);
		if (data[i] != '\n')
			g_string_append_c(line, data[i]);
	}
}

/* One read. Return: false if there is nothing now. */
static bool read_output(ViewShow *show, ViewChannel *channel, int stream)
{
	char data[READ_SIZE];
	if (channel->fds[stream] < 0)
		return false;
	ssize_t n = read(channel->fds[stream], data, sizeof data);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return errno == EINTR;
	if (n <= 0) {
		fd_close(&channel->fds[stream]);
		return false;
	}
	take_output(show, channel, stream, data, (size_t)n);
	return true;
}

/* All that was written until now, with what has no newline at its end. */
static void drain(ViewShow *show, ViewChannel *channel)
{
	for (int i = 0; i < 2; i++) {
		while (read_output(show, channel, i))
			;
		if (channel->lines[i]->len == 0)
			continue;
		take_line(show, channel, i, channel->lines[i]->str);
		g_string_truncate(channel->lines[i], 0);
	}
}

static void drain_all(ViewShow *show)
{
	for (guint i = 0; i < show->channels->len; i++)
		drain(show, show->channels->pdata[i]);
}

/* --- messages --- */

/* A number of a message that our own code made. */
static int64_t get_int(Json *message, const char *key)
{
	int64_t value = 0;
	(void)js_get_int(message, key, 0, INT64_MAX, &value, NULL);
	return value;
}

static const char *get_text(Json *message, const char *key)
{
	const char *text = NULL;
	(void)js_get_string(message, key, &text, NULL);
	return text;
}

/* Who asked may be gone: then nobody waits. If not, the end of the channel is an answer, too. */
static void answer(ViewChannel *channel)
{
	if (channel && !fd_write_all(channel->answers, "", 1))
		fd_close(&channel->answers);
}

/* Its descriptors: for answers, stdout, stderr or none. */
static void add_channel(ViewShow *show, int64_t id, int fds[3])
{
	ViewChannel *channel = g_new0(ViewChannel, 1);
	/* A process of before had the same id: who speaks by it now is the new one. */
	ViewChannel *old = find_channel(show, id);
	if (old)
		old->id = 0;
	channel->id = id;
	channel->answers = fd_steal(&fds[0]);
	for (int i = 0; i < 2; i++) {
		channel->fds[i] = fd_steal(&fds[i + 1]);
		channel->lines[i] = g_string_new(NULL);
		if (channel->fds[i] >= 0)
			(void)fd_set_nonblock(channel->fds[i], true);
	}
	g_ptr_array_add(show->channels, channel);
	answer(channel);
}

static void start_step(ViewShow *show, ViewChannel *channel, Json *message)
{
	ViewStep *step = g_new0(ViewStep, 1);
	step->stage = get_int(message, "stage");
	step->stages = get_int(message, "stages");
	step->number = get_int(message, "step");
	step->total = get_int(message, "steps");
	step->line = get_int(message, "line");
	step->platform = g_strdup(get_text(message, "platform"));
	step->stage_name = g_strdup(get_text(message, "stage_name"));
	step->text = g_strdup(get_text(message, "text"));
	step->started = g_get_monotonic_time();
	step->log = g_string_new(NULL);
	step->notes = g_ptr_array_new_with_free_func(g_free);
	free_step(channel->step);
	channel->step = step;
	view_draw_started(show, step);
}

static void end_step(ViewShow *show, ViewChannel *channel, BuildStepState state, Json *message)
{
	if (!channel->step)
		return;
	show->done++;
	show->failed = show->failed || state == BUILD_STEP_FAILED;
	view_draw_ended(show, channel->step, state, message);
	g_clear_pointer(&channel->step, free_step);
}

/* A line of ours: below the step that it is about, as soon as that has ended. */
static void take_text(ViewShow *show, const ViewChannel *channel, bool warning, const char *text)
{
	if (channel && channel->step && !warning && show->kind == PROGRESS_TTY)
		g_ptr_array_add(channel->step->notes, g_strdup(text));
	else
		view_draw_text(show, warning, text);
}

static void take_message(ViewShow *show, Json *message, int fds[3])
{
	const char *type = get_text(message, "type"), *text = get_text(message, "text");
	int64_t id = get_int(message, "channel");
	ViewChannel *channel = find_channel(show, id);
	if (channel)
		drain(show, channel);
	if (!type)
		return;
	if (strcmp(type, "channel") == 0) {
		add_channel(show, id, fds);
	} else if (strcmp(type, "step") == 0 && channel && text) {
		BuildStepState state = (BuildStepState)get_int(message, "state");
		if (state == BUILD_STEP_STARTED)
			start_step(show, channel, message);
		else
			end_step(show, channel, state, message);
		answer(channel);
	} else if ((strcmp(type, "say") == 0 || strcmp(type, "warn") == 0) && text) {
		take_text(show, channel, *type == 'w', text);
	} else if (strcmp(type, "error") == 0 && text) {
		view_draw_error(show, get_int(message, "code"), text);
	} else if (strcmp(type, "resume") == 0) {
		show->paused = false;
	} else if (strcmp(type, "pause") == 0 || strcmp(type, "end") == 0) {
		drain_all(show);
		if (channel && channel->step)
			view_draw_output(show, channel->step);
		view_draw_stop(show);
		show->paused = true;
		answer(channel);
	}
}

/* One message. Return: false if there is none now, or will be none any more. */
static bool read_message(ViewShow *show)
{
	static char text[VIEW_MESSAGE_MAX];
	int fds[3] = {-1, -1, -1};
	size_t n_fds = 0;
	ssize_t n =
		show->socket < 0 ? -1 : fd_receive(show->socket, text, sizeof text, fds, 3, &n_fds);
	if (n <= 0) {
		if (n == 0)
			fd_close(&show->socket);
		return n < 0 && errno == EINTR && show->socket >= 0;
	}
	g_autoptr(Json) message = js_parse(text, (size_t)n, "a message", NULL);
	if (message)
		take_message(show, message, fds);
	for (size_t i = 0; i < n_fds; i++)
		fd_close(&fds[i]);
	return true;
}

/* --- the loop --- */

/* What is sent to us is meant for the build; the terminal tells it by itself. */
static void pass_signals(int signal_fd, pid_t pid)
{
	struct signalfd_siginfo info;
	while (read(signal_fd, &info, sizeof info) == sizeof info)
		if (info.ssi_code <= 0)
			(void)kill(pid, (int)info.ssi_signo);
}

static int open_signals(sigset_t *old)
{
	sigset_t set;
	(void)sigemptyset(&set);
	const int passed[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2};
	for (size_t i = 0; i < G_N_ELEMENTS(passed); i++)
		(void)sigaddset(&set, passed[i]);
	(void)sigprocmask(SIG_BLOCK, &set, old);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

enum { POLL_SIGNALS, POLL_CHILD, POLL_SOCKET, POLL_CHANNELS };

/* Wait for something to do, at most until it is time to draw. Return: the build has ended. */
static bool wait_round(ViewShow *show, int signal_fd, int pid_fd, pid_t pid)
{
	guint n = show->channels->len;
	g_autofree struct pollfd *fds = g_new0(struct pollfd, POLL_CHANNELS + 2 * n);
	fds[POLL_SIGNALS] = (struct pollfd){.fd = signal_fd, .events = POLLIN};
	fds[POLL_CHILD] = (struct pollfd){.fd = pid_fd, .events = POLLIN};
	fds[POLL_SOCKET] = (struct pollfd){.fd = show->socket, .events = POLLIN};
	for (guint i = 0; i < 2 * n; i++) {
		const ViewChannel *channel = show->channels->pdata[i / 2];
		fds[POLL_CHANNELS + i] =
			(struct pollfd){.fd = channel->fds[i % 2], .events = POLLIN};
	}
	int ready = poll(fds, POLL_CHANNELS + 2 * n,
			 show->kind == PROGRESS_TTY && !show->paused ? TICK_MS : -1);
	if (ready <= 0)
		return false;
	if (fds[POLL_SIGNALS].revents)
		pass_signals(signal_fd, pid);
	if (fds[POLL_SOCKET].revents)
		(void)read_message(show);
	for (guint i = 0; i < 2 * n; i++)
		if (fds[POLL_CHANNELS + i].revents)
			(void)read_output(show, show->channels->pdata[i / 2], (int)(i % 2));
	return fds[POLL_CHILD].revents != 0;
}

/* The terminal may be gone, which is no reason to end before the build does. */
static void set_up(ViewShow *show)
{
	(void)signal(SIGPIPE, SIG_IGN);
	show->channels = g_ptr_array_new_with_free_func(free_channel);
	show->started = g_get_monotonic_time();
	(void)fd_set_nonblock(show->socket, true);
	if (show->kind == PROGRESS_TTY)
		show->progress = progress_new(STDERR_FILENO);
}

int view_show_run(ViewShow *show, pid_t pid, int pid_fd)
{
	sigset_t old;
	int status = 0;
	autofd signal_fd = open_signals(&old);
	set_up(show);
	while (!wait_round(show, signal_fd, pid_fd, pid))
		view_draw_tick(show);
	while (read_message(show))
		;
	drain_all(show);
	view_draw_stop(show);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	progress_free(show->progress);
	g_ptr_array_unref(show->channels);
	return status;
}
