/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two sockets in the runtime directory, for whoever has the same user id.
 */
#include "libpod/monitor/monitor_priv.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/log.h"

#define CONTROL_SOCKET  "ctl.sock"
#define ATTACH_SOCKET   "attach.sock"
#define SPEAK_MS        5000 /* who connects to ctl.sock has to ask within this time */
#define MAX_REQUEST_FDS (4 + LAUNCH_PRESERVE_MAX)
#define ACCEPT_PAUSE_MS 200 /* when there is no descriptor or memory for a connection */

static int listen_on(const char *name, GError **error)
{
	int fd = fd_socket_listen(MONITOR_FD_RUN, name, SOCK_SEQPACKET);
	if (fd < 0 || !fd_set_nonblock(fd, true)) {
		error_set_errno(error, "cannot make the monitor's socket '%s'", name);
		fd_close(&fd);
	}
	return fd;
}

bool monitor_server_open(MonitorLoop *loop, GError **error)
{
	loop->control_listener = listen_on(CONTROL_SOCKET, error);
	if (loop->control_listener < 0)
		return false;
	loop->attach_listener = listen_on(ATTACH_SOCKET, error);
	return loop->attach_listener >= 0;
}

void monitor_server_close(MonitorLoop *loop)
{
	fd_close(&loop->control_listener);
	fd_close(&loop->attach_listener);
	(void)unlinkat(MONITOR_FD_RUN, CONTROL_SOCKET, 0);
	(void)unlinkat(MONITOR_FD_RUN, ATTACH_SOCKET, 0);
}

/* A new connection from a process of our user. Return: -1 if there is none, or no room for it: the
 * listener stays readable then, and is not looked at for a while. */
static int accept_ours(MonitorLoop *loop, int listener)
{
	autofd fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM))
		loop->accept_at = monitor_now_ms() + ACCEPT_PAUSE_MS;
	if (fd < 0 || !fd_peer_is_us(fd))
		return -1;
	return fd_steal(&fd);
}

static void answer_error(int fd, ErrorCode code, const char *message)
{
	g_autoptr(GError) error = g_error_new_literal(ENGINE_ERROR, (int)code, message);
	(void)message_send_error(fd, error);
}

static void answer_done(int fd)
{
	g_autoptr(Json) json = json_object_new_object();
	(void)message_send(fd, MESSAGE_DONE, json);
}

/* A command wants the container's output. */
static void on_attach(MonitorLoop *loop, void *data, short revents)
{
	autofd fd = accept_ours(loop, loop->attach_listener);
	if (fd < 0)
		return;
	if (loop->phase != MONITOR_RUNNING && loop->phase != MONITOR_HELD) {
		answer_error(fd, ENGINE_ERROR_BAD_STATE, "the container is not running");
		return;
	}
	g_autoptr(Json) json = json_object_new_object();
	js_set_int(json, "pid", loop->launch.pid);
	Client *client = monitor_io_add_client(loop, fd, false);
	if (!client) {
		answer_error(fd, ENGINE_ERROR_IN_USE, "too many commands are attached");
		return;
	}
	(void)message_send(fd, MESSAGE_STARTED, json);
	fd_steal(&fd);
}

static bool signal_init(MonitorLoop *loop, const ControlRequest *request, GError **error)
{
	if (loop->phase != MONITOR_RUNNING && loop->phase != MONITOR_HELD)
		return error_set(error, ENGINE_ERROR_BAD_STATE, "the container is not running");
	if (request->all && loop->shares_pids &&
	    monitor_members_signal(loop->proc_fd, &loop->mount_ns, request->signum) > 0)
		return true;
	if (syscall(SYS_pidfd_send_signal, loop->launch.pidfd, request->signum, NULL, 0) < 0) {
		if (errno == ESRCH)
			return error_set(error, ENGINE_ERROR_BAD_STATE,
					 "the container is not running");
		return error_set_errno(error, "cannot send signal %d", request->signum);
	}
	return true;
}

static bool resize(MonitorLoop *loop, const ControlRequest *request, GError **error)
{
	bool ok = *request->session ? monitor_exec_resize(loop, request->session, request->rows,
							  request->columns)
				    : monitor_io_resize(loop, request->rows, request->columns);
	return ok || error_set_errno(error, "cannot set the window size");
}

/* For sessions and probes at once, and for the runs that we make. The program always finds a
 * HOSTNAME, as in runs that a command starts. */
static void change_env(OciConfig *config, const ControlRequest *request)
{
	for (char **item = request->set_env; item && *item; item++) {
		g_auto(GStrv) parts = g_strsplit(*item, "=", 2);
		config->env = g_environ_setenv(config->env, parts[0], parts[1], TRUE);
	}
	for (char **name = request->unset_env; name && *name; name++)
		config->env = g_environ_unsetenv(config->env, *name);
	if (config->hostname)
		config->env = g_environ_setenv(config->env, "HOSTNAME", config->hostname, FALSE);
}

static bool update(MonitorLoop *loop, ControlRequest *request, GError **error)
{
	RestartKind kind = loop->task->restart;
	int ignored;
	if ((*request->restart && !restart_parse(request->restart, &kind, &ignored, error)) ||
	    !monitor_cgroup_update(loop, &request->resources, error))
		return false;
	loop->task->restart = kind;
	if (*request->restart)
		loop->task->restart_retries = request->restart_retries;
	if (request->health_given)
		monitor_health_change(loop, g_steal_pointer(&request->health));
	change_env(loop->task->config, request);
	return true;
}

/* The record shows it until the container has ended; without it the stop goes on just so. */
static void note_stop(MonitorLoop *loop, const ControlRequest *request)
{
	g_autoptr(GError) error = NULL;
	loop->stopped_by_user = loop->stop_asked = true;
	loop->removing |= request->removing;
	if (!monitor_write_run_record(loop, &error))
		log_info("cannot record that the container is stopping: %s", error->message);
}

/* Requests that are answered at once. */
static bool handle_request(MonitorLoop *loop, ControlRequest *request, GError **error)
{
	switch (request->op) {
	case CONTROL_SIGNAL:
		return signal_init(loop, request, error);
	case CONTROL_RESIZE:
		return resize(loop, request, error);
	case CONTROL_STOPPED:
		note_stop(loop, request);
		return true;
	case CONTROL_PAUSE:
	case CONTROL_UNPAUSE:
		return monitor_cgroup_pause(loop, request->op == CONTROL_PAUSE, error);
	case CONTROL_UPDATE:
		return update(loop, request, error);
	case CONTROL_BEGIN:
		return monitor_begin(loop, error);
	case CONTROL_CONNECT:
		return monitor_network_connect(loop, g_steal_pointer(&request->attachment), error);
	case CONTROL_DISCONNECT:
		return monitor_network_disconnect(loop, request->attachment->name, error);
	case CONTROL_SERVERS:
		return monitor_network_set_servers(loop, request->attachment, error);
	case CONTROL_RELOAD:
		return monitor_network_reload(loop, error);
	case CONTROL_EXEC:
	case CONTROL_HEALTH:
		break;
	}
	return error_set(error, ENGINE_ERROR_INVALID, "unexpected request");
}

/* What a connection on ctl.sock asks for. The socket is answered and closed, or becomes an exec
 * session. */
static void serve(MonitorLoop *loop, int fd)
{
	autofd client = fd;
	g_autofree char *buffer = g_malloc(MESSAGE_SIZE_MAX);
	int fds[MAX_REQUEST_FDS];
	size_t n_fds = 0;
	MessageType type;
	g_auto(ControlRequest) request = {0};
	g_autoptr(GError) error = NULL;
	ssize_t n = message_receive(client, &type, buffer, MESSAGE_SIZE_MAX, fds, MAX_REQUEST_FDS,
				    &n_fds);
	if (n < 0 || type == 0)
		return;
	bool ok = type == MESSAGE_REQUEST
			  ? control_request_parse(buffer, (size_t)n, &request, &error)
			  : error_set(&error, ENGINE_ERROR_INVALID, "expected a request");
	if (ok && request.op == CONTROL_EXEC) {
		monitor_exec(loop, fd_steal(&client), fds, n_fds);
		return;
	}
	for (size_t i = 0; i < n_fds; i++)
		close(fds[i]);
	if (ok && request.op == CONTROL_HEALTH) {
		monitor_health_run(loop, fd_steal(&client));
		return;
	}
	if (ok && handle_request(loop, &request, &error))
		answer_done(client);
	else
		(void)message_send_error(client, error);
}

static void on_connection(MonitorLoop *loop, void *data, short revents)
{
	Connection *connection = data;
	if (connection->fd >= 0)
		serve(loop, fd_steal(&connection->fd));
}

static void on_control(MonitorLoop *loop, void *data, short revents)
{
	autofd fd = accept_ours(loop, loop->control_listener);
	if (fd < 0)
		return;
	if (loop->connections->len >= CONNECTIONS_MAX) {
		answer_error(fd, ENGINE_ERROR_IN_USE, "too many requests at a time");
		return;
	}
	Connection *connection = g_new0(Connection, 1);
	connection->fd = fd_steal(&fd);
	connection->since = monitor_now_ms();
	g_ptr_array_add(loop->connections, connection);
}

static void free_connection(MonitorLoop *loop, guint i)
{
	Connection *connection = g_ptr_array_steal_index_fast(loop->connections, i);
	fd_close(&connection->fd);
	g_free(connection);
}

void monitor_server_prepare(MonitorLoop *loop)
{
	int64_t now = monitor_now_ms();
	for (guint i = loop->connections->len; i > 0; i--) {
		Connection *connection = loop->connections->pdata[i - 1];
		if (connection->fd < 0 || now - connection->since >= SPEAK_MS)
			free_connection(loop, i - 1);
	}
	for (guint i = 0; i < loop->connections->len; i++) {
		Connection *connection = loop->connections->pdata[i];
		monitor_poll_add(loop, connection->fd, POLLIN, on_connection, connection);
		monitor_poll_until(loop, connection->since + SPEAK_MS);
	}
	if (now < loop->accept_at) {
		monitor_poll_until(loop, loop->accept_at);
		return;
	}
	monitor_poll_add(loop, loop->control_listener, POLLIN, on_control, NULL);
	monitor_poll_add(loop, loop->attach_listener, POLLIN, on_attach, NULL);
}
