/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exec sessions: processes that join the container on behalf of a command.
 *
 * The command's own descriptors become the process' stdio, so its data never passes through here.
 * With a terminal the command gets the master; we keep a second one, to resize it and to read it
 * away when the command has left, or the process would block on a full terminal. The command's
 * socket stays open until the exit code went through it; a command that closes it has detached.
 *
 * A process on its way into the container is not waited for: the payload can stop it there.
 */
#include "libpod/monitor/monitor_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"

#define SESSION_ID_BYTES 32

static void make_session_id(char out[65])
{
	unsigned char random[SESSION_ID_BYTES] = {0};
	(void)!getrandom(random, sizeof random, 0);
	for (size_t i = 0; i < sizeof random; i++)
		g_snprintf(out + 2 * i, 3, "%02x", random[i]);
}

/* The order is in the first descriptor, a memfd; the others are the stdio that its flags name. */
static bool read_order(const int *fds, size_t n_fds, ExecOrder *out_order, int out_stdio[3],
		       int out_preserve[LAUNCH_PRESERVE_MAX], GError **error)
{
	struct stat st;
	if (n_fds == 0 || fstat(fds[0], &st) < 0 || !S_ISREG(st.st_mode))
		return error_set(error, ENGINE_ERROR_INVALID, "the request has no memory file");
	size_t size = 0;
	g_autofree char *text = fd_read_all(fds[0], EXEC_REQUEST_MAX, &size, error);
	if (!text || !exec_order_parse(text, size, out_order, error))
		return false;
	size_t next = 1;
	for (size_t i = 0; i < 3; i++) {
		out_stdio[i] = -1;
		if (!out_order->stdio[i])
			continue;
		if (next == n_fds)
			return error_set(error, ENGINE_ERROR_INVALID,
					 "the request lacks a descriptor for stdio");
		out_stdio[i] = fds[next++];
	}
	for (size_t i = 0; out_order->preserve && out_order->preserve[i]; i++) {
		bool given = out_order->preserve[i] == '1';
		if (given && next == n_fds)
			return error_set(error, ENGINE_ERROR_INVALID,
					 "the request lacks a descriptor to be preserved");
		out_preserve[i] = given ? fds[next++] : -1;
	}
	return true;
}

/* Send the process on its way. */
static bool enter(MonitorLoop *loop, const ExecOrder *order, const int stdio[3],
		  const int *preserve, Entering *out_entering, GError **error)
{
	if (loop->phase != MONITOR_RUNNING)
		return error_set(error, ENGINE_ERROR_BAD_STATE, "the container is not running");
	/* It would be frozen before its first instruction. */
	if (loop->paused)
		return error_set(error, ENGINE_ERROR_BAD_STATE, "the container is paused");
	autofd cgroup = monitor_cgroup_for_exec(loop);
	EnterOptions options = {
		.target_pidfd = loop->launch.pidfd,
		.target_pid = loop->launch.pid,
		.config = loop->task->config,
		.args = (const char *const *)order->args,
		.env = (const char *const *)order->env,
		.cwd = order->cwd,
		.user_spec = order->user_spec,
		.privileged = order->privileged,
		.terminal = order->terminal,
		.rows = order->rows,
		.columns = order->columns,
		.stdio = {stdio[0], stdio[1], stdio[2]},
		.seccomp_fd = loop->seccomp_fd,
		.secrets_fd = loop->secrets_fd,
		.preserve_fds = preserve,
		.n_preserve_fds = order->preserve ? strlen(order->preserve) : 0,
		.cgroup_fd = cgroup,
	};
	return enter_begin(&options, out_entering, error);
}

/* A session without a command yet; takes what is on its way. */
static Session *add_session(MonitorLoop *loop, const Entering *entering)
{
	Session *session = g_new0(Session, 1);
	make_session_id(session->id);
	session->client_fd = session->pidfd = session->pty_master = -1;
	session->entering = *entering;
	g_ptr_array_add(loop->sessions, session);
	return session;
}

void monitor_exec(MonitorLoop *loop, int client_fd, int *fds, size_t n_fds)
{
	autofd client = client_fd;
	g_autoptr(GError) error = NULL;
	g_auto(ExecOrder) order = {0};
	int stdio[3], preserve[LAUNCH_PRESERVE_MAX];
	Entering entering = ENTERING_INIT;
	bool ok = read_order(fds, n_fds, &order, stdio, preserve, &error) &&
		  enter(loop, &order, stdio, preserve, &entering, &error);
	for (size_t i = 0; i < n_fds; i++)
		close(fds[i]);
	if (!ok) {
		(void)message_send_error(client, error);
		return;
	}
	Session *session = add_session(loop, &entering);
	session->client_fd = fd_steal(&client);
	session->detached = order.detached;
}

Session *monitor_exec_probe(MonitorLoop *loop, const char *const *args, int out_fd, GError **error)
{
	autofd cgroup = monitor_cgroup_for_exec(loop);
	EnterOptions options = {
		.target_pidfd = loop->launch.pidfd,
		.target_pid = loop->launch.pid,
		.config = loop->task->config,
		.args = args,
		.env = (const char *const *)loop->task->config->env,
		.probe = true,
		.stdio = {-1, out_fd, out_fd},
		.seccomp_fd = loop->seccomp_fd,
		.cgroup_fd = cgroup,
	};
	Entering entering = ENTERING_INIT;
	if (!enter_begin(&options, &entering, error))
		return NULL;
	Session *session = add_session(loop, &entering);
	session->probe = true;
	return session;
}

/* Tell the command that its process runs; one that has gone meanwhile has detached. */
static void answer_started(Session *session)
{
	g_autoptr(Json) json = json_object_new_object();
	js_set_string(json, "session", session->id);
	js_set_int(json, "pid", session->pid);
	bool hand_over = session->pty_master >= 0 && !session->detached;
	if (!message_send_fds(session->client_fd, MESSAGE_STARTED, json, &session->pty_master,
			      hand_over ? 1 : 0))
		fd_close(&session->client_fd);
}

/* The process has been reaped and its command heard that it ran. */
static void end_session(MonitorLoop *loop, Session *session)
{
	if (session->probe)
		monitor_health_ended(loop, session, session->code, NULL);
	g_autoptr(Json) json = json_object_new_object();
	js_set_int(json, "code", session->code);
	if (session->client_fd >= 0)
		(void)message_send(session->client_fd, MESSAGE_EXIT, json);
	session->ended = true;
	fd_close(&session->client_fd);
}

/* One on its way has something to say. */
static void on_entering(MonitorLoop *loop, void *data, short revents)
{
	Session *session = data;
	g_autoptr(GError) error = NULL;
	Entered entered;
	if (session->ended)
		return;
	switch (enter_step(&session->entering, &entered, &error)) {
	case ENTER_PENDING:
		session->pid = session->entering.entered.pid;
		return;
	case ENTER_FAILED:
		if (session->probe)
			monitor_health_ended(loop, session, 1, error);
		else
			(void)message_send_error(session->client_fd, error);
		session->ended = true;
		return;
	case ENTER_DONE:
		break;
	}
	session->pidfd = entered.pidfd;
	session->pty_master = entered.pty_master;
	if (session->pty_master >= 0)
		(void)fd_set_cloexec(session->pty_master, true);
	if (!session->probe)
		answer_started(session);
	if (session->reaped)
		end_session(loop, session);
}

/* The command has gone: from a process that runs it has detached, one on its way is not wanted. */
static void lose_client(Session *session)
{
	fd_close(&session->client_fd);
	session->ended = session->entering.sync_fd >= 0;
}

static void signal_session(Session *session, const char *text, size_t size)
{
	g_autoptr(Json) json = message_parse(text, size, NULL);
	int64_t signum = 0;
	if (json && js_get_int(json, "signum", 1, NSIG - 1, &signum, NULL) && signum > 0)
		(void)syscall(SYS_pidfd_send_signal, session->pidfd, (int)signum, NULL, 0);
}

/* A signal from the command, or its end. */
static void on_client(MonitorLoop *loop, void *data, short revents)
{
	Session *session = data;
	char buffer[256];
	MessageType type;
	if (session->client_fd < 0)
		return;
	ssize_t n =
		message_receive(session->client_fd, &type, buffer, sizeof buffer, NULL, 0, NULL);
	if (n < 0 && (errno == EAGAIN || errno == EMSGSIZE))
		return;
	if (n < 0 || type == 0)
		lose_client(session);
	else if (type == MESSAGE_SIGNAL)
		signal_session(session, buffer, (size_t)n);
}

/* Nobody reads this terminal any more: do it, so that its process does not block. */
static void on_abandoned_terminal(MonitorLoop *loop, void *data, short revents)
{
	Session *session = data;
	char discarded[1024];
	if (session->pty_master < 0)
		return;
	ssize_t n = read(session->pty_master, discarded, sizeof discarded);
	if (n < 0 && errno != EINTR && errno != EAGAIN)
		fd_close(&session->pty_master);
}

static void on_ended(MonitorLoop *loop, void *data, short revents)
{
	monitor_reap(loop);
}

void monitor_exec_prepare(MonitorLoop *loop)
{
	for (guint i = 0; i < loop->sessions->len; i++) {
		Session *session = loop->sessions->pdata[i];
		if (session->entering.sync_fd >= 0)
			monitor_poll_add(loop, session->entering.sync_fd, POLLIN, on_entering,
					 session);
		else
			monitor_poll_add(loop, session->pidfd, POLLIN, on_ended, NULL);
		if (session->client_fd >= 0)
			monitor_poll_add(loop, session->client_fd, POLLIN, on_client, session);
		else if (session->pty_master >= 0)
			monitor_poll_add(loop, session->pty_master, POLLIN, on_abandoned_terminal,
					 session);
	}
}

bool monitor_exec_reaped(MonitorLoop *loop, pid_t pid, int code)
{
	for (guint i = 0; i < loop->sessions->len; i++) {
		Session *session = loop->sessions->pdata[i];
		if (session->ended || session->reaped || session->pid != pid)
			continue;
		session->reaped = true;
		session->code = code;
		/* One on its way may still have said why it failed, or that it had begun. */
		if (session->entering.sync_fd < 0)
			end_session(loop, session);
		return true;
	}
	return false;
}

bool monitor_exec_resize(MonitorLoop *loop, const char *id, uint16_t rows, uint16_t columns)
{
	struct winsize size = {.ws_row = rows, .ws_col = columns};
	for (guint i = 0; i < loop->sessions->len; i++) {
		Session *session = loop->sessions->pdata[i];
		if (strcmp(session->id, id) != 0)
			continue;
		if (session->pty_master >= 0)
			return ioctl(session->pty_master, TIOCSWINSZ, &size) == 0;
		errno = ENOTTY;
		return false;
	}
	errno = ESRCH;
	return false;
}

void monitor_exec_sweep(MonitorLoop *loop)
{
	for (guint i = loop->sessions->len; i > 0; i--) {
		Session *session = loop->sessions->pdata[i - 1];
		if (!session->ended)
			continue;
		entering_clear(&session->entering);
		fd_close(&session->client_fd);
		fd_close(&session->pidfd);
		fd_close(&session->pty_master);
		g_free(g_ptr_array_steal_index_fast(loop->sessions, i - 1));
	}
}
