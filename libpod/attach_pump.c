/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exec without a terminal: the process has our own descriptors, or pipes where ours is the user's
 * terminal.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libpod/attach_priv.h"
#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/monitor/control.h"
#include "libpod/monitor/protocol.h"

#define PIECE 4096 /* what a terminal or a pipe with room takes */

struct AttachPump {
	int theirs[3]; /* the process' ends of pipes; -1 where it gets our own descriptor or none */
	int ours[3];
	size_t input_size, input_done;
	char input[PIECE];
};

/* Ours as it is, but a pipe instead of a terminal, which must not get into the container. */
static bool open_stream(AttachPump *pump, int i, int *out_fd)
{
	int fds[2];
	if (fcntl(i, F_GETFD) < 0) {
		*out_fd = -1; /* we have none ourselves */
		return true;
	}
	if (!isatty(i)) {
		*out_fd = i;
		return true;
	}
	if (pipe2(fds, O_CLOEXEC) < 0)
		return false;
	pump->theirs[i] = fds[i == STDIN_FILENO ? 0 : 1];
	pump->ours[i] = fds[i == STDIN_FILENO ? 1 : 0];
	*out_fd = pump->theirs[i];
	return fd_set_nonblock(pump->ours[i], true);
}

AttachPump *attach_pump_new(bool use_stdin, int out_stdio[3], GError **error)
{
	g_autoptr(AttachPump) pump = g_new0(AttachPump, 1);
	for (int i = 0; i < 3; i++)
		pump->theirs[i] = pump->ours[i] = out_stdio[i] = -1;
	for (int i = use_stdin ? 0 : 1; i < 3; i++) {
		if (!open_stream(pump, i, &out_stdio[i]))
			return error_set_errno_null(error, "cannot make the session's pipes");
	}
	return g_steal_pointer(&pump);
}

void attach_pump_sent(AttachPump *pump)
{
	for (int i = 0; i < 3; i++)
		fd_close(&pump->theirs[i]);
}

void attach_pump_free(AttachPump *pump)
{
	if (!pump)
		return;
	attach_pump_sent(pump);
	for (int i = 0; i < 3; i++)
		fd_close(&pump->ours[i]);
	g_free(pump);
}

/* From the user's terminal towards the process. */
static void pump_input(AttachPump *pump, short in_events, short out_events)
{
	if (pump->input_size == 0 && in_events) {
		ssize_t n = read(STDIN_FILENO, pump->input, sizeof pump->input);
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			return;
		if (n <= 0) {
			fd_close(&pump->ours[0]);
			return;
		}
		pump->input_size = (size_t)n;
		pump->input_done = 0;
	} else if (pump->input_size > 0 && out_events) {
		ssize_t n = write(pump->ours[0], pump->input + pump->input_done,
				  pump->input_size - pump->input_done);
		if (n < 0 && errno != EINTR && errno != EAGAIN) {
			fd_close(&pump->ours[0]);
			pump->input_size = 0;
			return;
		}
		pump->input_done += n > 0 ? (size_t)n : 0;
		if (pump->input_done == pump->input_size)
			pump->input_size = 0;
	}
}

/* From the process to the user's terminal. Return: false with errno if that cannot be written. */
static bool pump_output(AttachPump *pump, int i)
{
	char piece[PIECE];
	ssize_t n = read(pump->ours[i], piece, sizeof piece);
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return true;
	if (n <= 0) {
		fd_close(&pump->ours[i]);
		return true;
	}
	return fd_write_all(i, piece, (size_t)n);
}

static bool pump_outputs(AttachPump *pump, const short events[3], GError **error)
{
	for (int i = 1; i < 3; i++) {
		if (events[i] && pump->ours[i] >= 0 && !pump_output(pump, i))
			return error_set_errno(error, "cannot write the session's output");
	}
	return true;
}

/* What the process wrote before it ended, without waiting for those it left behind. */
static bool drain_outputs(AttachPump *pump, GError **error)
{
	for (int i = 1; i < 3; i++) {
		struct pollfd wait = {.fd = pump->ours[i], .events = POLLIN};
		while (pump->ours[i] >= 0 && poll(&wait, 1, 0) > 0) {
			if (!pump_output(pump, i))
				return error_set_errno(error, "cannot write the session's output");
		}
	}
	return true;
}

/* Signals go to the session's process through its socket. */
static void pass_signals(AttachTerminal *terminal, int socket, bool sig_proxy)
{
	struct signalfd_siginfo info;
	while (terminal->signal_fd >= 0 &&
	       read(terminal->signal_fd, &info, sizeof info) == sizeof info) {
		int signum = (int)info.ssi_signo;
		if (signum == SIGWINCH || signum == SIGCONT)
			continue;
		if (!sig_proxy) {
			attach_terminal_die(terminal, signum);
			continue;
		}
		g_autoptr(Json) json = json_object_new_object();
		js_set_int(json, "signum", signum);
		(void)message_send(socket, MESSAGE_SIGNAL, json);
	}
}

typedef enum {
	RESULT_NONE,
	RESULT_EXIT,
	RESULT_FAILED,
} Result;

/* The monitor's word on the exit code, if it is there. */
static Result read_result(int socket, int *out_code, GError **error)
{
	char buffer[256];
	MessageType type;
	ssize_t n = message_receive(socket, &type, buffer, sizeof buffer, NULL, 0, NULL);
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return RESULT_NONE;
	if (n < 0 || type == 0) {
		error_set(error, ENGINE_ERROR_CORRUPT,
			  "the connection to the container's monitor was lost");
		return RESULT_FAILED;
	}
	if (type != MESSAGE_EXIT)
		return RESULT_NONE;
	return message_exit_code(buffer, (size_t)n, out_code, error) ? RESULT_EXIT : RESULT_FAILED;
}

/* Signals, pipes and the result, until that is there. */
static Result wait_loop(AttachTerminal *terminal, AttachPump *pump, int socket, bool sig_proxy,
			int *out_code, GError **error)
{
	for (;;) {
		bool writing = pump->input_size > 0;
		struct pollfd fds[] = {
			{.fd = terminal->signal_fd, .events = POLLIN},
			{.fd = socket, .events = POLLIN},
			{.fd = pump->ours[0] >= 0 && !writing ? STDIN_FILENO : -1,
			 .events = POLLIN},
			{.fd = writing ? pump->ours[0] : -1, .events = POLLOUT},
			{.fd = pump->ours[1], .events = POLLIN},
			{.fd = pump->ours[2], .events = POLLIN},
		};
		if (poll(fds, G_N_ELEMENTS(fds), -1) < 0 && errno != EINTR) {
			error_set_errno(error, "cannot wait for the session");
			return RESULT_FAILED;
		}
		if (fds[0].revents)
			pass_signals(terminal, socket, sig_proxy);
		pump_input(pump, fds[2].revents, fds[3].revents);
		if (!pump_outputs(pump, (const short[]){0, fds[4].revents, fds[5].revents}, error))
			return RESULT_FAILED;
		Result result = fds[1].revents ? read_result(socket, out_code, error) : RESULT_NONE;
		if (result == RESULT_EXIT)
			return drain_outputs(pump, error) ? RESULT_EXIT : RESULT_FAILED;
		if (result == RESULT_FAILED)
			return RESULT_FAILED;
	}
}

AttachResult attach_wait_result(int result_socket, const AttachOptions *options, int *out_code,
				GError **error)
{
	AttachTerminal terminal;
	AttachPump none = {.ours = {-1, -1, -1}, .theirs = {-1, -1, -1}};
	if (!attach_terminal_begin(&terminal, false, error))
		return ATTACH_FAILED;
	if (options->leave_signals)
		fd_close(&terminal.signal_fd);
	Result result = wait_loop(&terminal, options->pump ? options->pump : &none, result_socket,
				  options->sig_proxy, out_code, error);
	attach_terminal_end(&terminal);
	return result == RESULT_EXIT ? ATTACH_EXITED : ATTACH_FAILED;
}
