/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation. Three loops with one shape: signals, input towards the container, output
 * from it, and the message with the exit code. They differ in where the bytes go: messages on the
 * control socket, a terminal's master, or pipes beside a result socket. Every direction has one
 * buffer and is read only when that is empty, so a full pipe on either side never blocks the other.
 * What comes out is written in pieces that a pipe with room takes whole: our own stdout, which
 * others share, is never made non-blocking.
 *
 * The exit message comes behind all output on the control socket. A terminal's master is read to
 * its end after it.
 */
#include "libpod/attach.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "libpod/attach_priv.h"
#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/log.h"
#include "libpod/monitor/control.h"
#include "libpod/monitor/protocol.h"

#define ATTACH_SOCKET       "attach.sock"
#define SETTLE_MS           50 /* for a terminal's last output on its way through the kernel */
#define END_OF_TRANSMISSION 0x04
#define EOT_FIRST_MS        50 /* a terminal's end of input is typed again, see monitor_io.c */
#define EOT_MOST_MS         5000

typedef enum {
	LOOP_GOES_ON,
	LOOP_EXITED,
	LOOP_DETACHED,
	LOOP_FAILED,
} LoopState;

typedef struct {
	const AttachOptions *options;
	AttachTerminal terminal;
	DetachKeys keys;
	int socket;      /* messages of the monitor; -1 after its end */
	int master;      /* exec with a terminal, else -1 */
	bool input_open; /* our stdin has more */
	int eot_delay;   /* ms until the end of input is typed again; 0 = it has not come */
	bool detaching;  /* the keys were typed; what came before them is still to be sent */
	size_t input_size, input_done;
	char input[MESSAGE_STREAM_MAX + 1]; /* for the socket the type comes first */
	int output_fd;
	size_t output_size, output_done;
	char output[MESSAGE_SIZE_MAX];
	LoopState state;
	int code;
	int ending;    /* signal that the container got and we die of at @end_at; 0: none */
	gint64 end_at; /* of g_get_monotonic_time() */
} Attachment;

static bool fail(Attachment *at)
{
	at->state = LOOP_FAILED;
	return false;
}

static void copy_window_size(Attachment *at)
{
	struct winsize size;
	if (!at->options->tty || (ioctl(STDIN_FILENO, TIOCGWINSZ, &size) < 0 &&
				  ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0))
		return;
	/* The container may end this very moment: then its window does not matter. */
	if (at->master >= 0)
		(void)ioctl(at->master, TIOCSWINSZ, &size);
	else
		(void)control_resize(at->options->run_dir_fd, at->options->session, size.ws_row,
				     size.ws_col, NULL);
}

/* The first of these signals is the container's to end by, the second is for us. */
static void set_end(Attachment *at, int signum)
{
	if (!at->options->patience_ms ||
	    (signum != SIGINT && signum != SIGTERM && signum != SIGHUP && signum != SIGQUIT))
		return;
	if (at->ending)
		attach_terminal_die(&at->terminal, signum);
	at->ending = signum;
	at->end_at = g_get_monotonic_time() + at->options->patience_ms * G_GINT64_CONSTANT(1000);
}

/* Milliseconds until there is something to do without any event; -1: never. */
static int wait_time(const Attachment *at)
{
	gint64 left = at->ending ? MAX(at->end_at - g_get_monotonic_time(), 0) / 1000 + 1 : -1;
	if (at->eot_delay > 0 && (left < 0 || at->eot_delay < left))
		return at->eot_delay;
	return (int)left;
}

/* Send a signal on, or do what it would have done to us. */
static void pass_signal(Attachment *at, int signum)
{
	if (at->options->sig_proxy)
		set_end(at, signum);
	if (signum == SIGCONT)
		attach_terminal_resume(&at->terminal);
	if ((signum == SIGWINCH || signum == SIGCONT) && at->options->tty)
		copy_window_size(at);
	else if (!at->options->sig_proxy && signum != SIGWINCH && signum != SIGCONT)
		attach_terminal_die(&at->terminal, signum);
	else if (at->options->sig_proxy && at->socket >= 0 && at->options->session) {
		g_autoptr(Json) json = json_object_new_object();
		js_set_int(json, "signum", signum);
		(void)message_send(at->socket, MESSAGE_SIGNAL, json);
	} else if (at->options->sig_proxy)
		(void)control_signal(at->options->run_dir_fd, signum, false, NULL);
}

static void read_signals(Attachment *at)
{
	struct signalfd_siginfo info;
	while (at->terminal.signal_fd >= 0 &&
	       read(at->terminal.signal_fd, &info, sizeof info) == sizeof info)
		pass_signal(at, (int)info.ssi_signo);
}

/* Input goes as a message to the socket, raw to a terminal. */
static void put_input(Attachment *at, MessageType type, const char *data, size_t size)
{
	size_t header = at->master >= 0 ? 0 : 1;
	at->input[0] = (char)type;
	memcpy(at->input + header, data, size);
	at->input_size = size + header;
	at->input_done = 0;
}

/* The end of our stdin: held back keys were no detach sequence, then the half-close. */
static void end_input(Attachment *at)
{
	at->input_open = false;
	if (at->keys.matched > 0) {
		put_input(at, MESSAGE_STDIN, at->keys.keys, at->keys.matched);
		at->keys.matched = 0;
		at->input_open = true; /* the next read finds the end again */
	} else if (at->master >= 0) {
		at->eot_delay = CLAMP(at->eot_delay * 2, EOT_FIRST_MS, EOT_MOST_MS);
		put_input(at, MESSAGE_STDIN_END, (const char[]){END_OF_TRANSMISSION}, 1);
	} else {
		put_input(at, MESSAGE_STDIN_END, "", 0);
	}
}

/* Keys from our terminal, or data: the detach keys end it, the rest is passed on. */
static void read_input(Attachment *at)
{
	char typed[MESSAGE_STREAM_MAX - DETACH_KEYS_MAX];
	char passed[MESSAGE_STREAM_MAX];
	size_t size = 0;
	ssize_t n = read(STDIN_FILENO, typed, sizeof typed);
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0) {
		end_input(at);
		return;
	}
	at->detaching = detach_keys_scan(&at->keys, typed, (size_t)n, passed, &size);
	if (size > 0)
		put_input(at, MESSAGE_STDIN, passed, size);
}

/* Pass on what waits, as much as the other side takes now. */
static void write_input(Attachment *at)
{
	ssize_t n;
	if (at->master >= 0)
		n = write(at->master, at->input + at->input_done, at->input_size - at->input_done);
	else
		n = send(at->socket, at->input, at->input_size, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0) {
		/* Nobody listens any more; the other end of the conversation says what happened. */
		at->input_open = false;
		at->input_size = 0;
		return;
	}
	at->input_done += (size_t)n;
	if (at->input_done >= at->input_size)
		at->input_size = 0;
}

/* Write a piece of the pending output. */
static bool write_output(Attachment *at, GError **error)
{
	size_t left = at->output_size - at->output_done;
	ssize_t n = write(at->output_fd, at->output + at->output_done, MIN(left, PIPE_BUF));
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return true;
	if (n < 0) {
		if (errno == EPIPE)
			attach_terminal_die(&at->terminal, SIGPIPE);
		error_set_errno(error, "cannot write the container's output");
		return fail(at);
	}
	at->output_done += (size_t)n;
	if (at->output_done == at->output_size)
		at->output_size = at->output_done = 0;
	return true;
}

static void set_output(Attachment *at, int fd, size_t size)
{
	bool wanted = fd == STDERR_FILENO ? at->options->attach_stderr : at->options->attach_stdout;
	at->output_fd = fd;
	at->output_done = 0;
	at->output_size = wanted ? size : 0;
}

/* The socket ended without an exit code. */
static bool fail_lost(Attachment *at, GError **error)
{
	error_set(error, ENGINE_ERROR_CORRUPT,
		  "the connection to the container's monitor was lost");
	return fail(at);
}

/* One message of the monitor. */
static bool read_socket(Attachment *at, GError **error)
{
	MessageType type;
	char small[256];
	/* Beside a terminal only small messages come, and the output buffer may be in use. */
	bool shared = at->master < 0;
	char *buffer = shared ? at->output : small;
	ssize_t n = message_receive(at->socket, &type, buffer,
				    shared ? sizeof at->output : sizeof small, NULL, 0, NULL);
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return true;
	if (n < 0 || type == 0)
		return fail_lost(at, error);
	switch (type) {
	case MESSAGE_STDOUT:
	case MESSAGE_STDERR:
		if (shared)
			set_output(at, type == MESSAGE_STDERR ? STDERR_FILENO : STDOUT_FILENO,
				   (size_t)n);
		return true;
	case MESSAGE_EXIT:
		if (!message_exit_code(buffer, (size_t)n, &at->code, error))
			return fail(at);
		at->state = LOOP_EXITED;
		return true;
	case MESSAGE_ERROR:
		message_to_error(buffer, (size_t)n, error);
		return fail(at);
	case MESSAGE_STARTED:
	case MESSAGE_STDIN:
	case MESSAGE_STDIN_END:
	case MESSAGE_REQUEST:
	case MESSAGE_DONE:
	case MESSAGE_SIGNAL:
	case MESSAGE_CGROUP:
		break;
	}
	return true;
}

/* Output of an exec session's terminal. Return: false at its end. */
static bool read_master(Attachment *at)
{
	ssize_t n = read(at->master, at->output, MESSAGE_STREAM_MAX);
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return true;
	if (n <= 0)
		return false;
	set_output(at, STDOUT_FILENO, (size_t)n);
	return true;
}

enum { POLL_SIGNALS, POLL_STDIN, POLL_SOCKET, POLL_MASTER, POLL_OUTPUT, POLL_COUNT };

/* What to wait for, given which buffers are empty. A descriptor of -1 is passed over by poll(). */
static void prepare(const Attachment *at, bool master_open, struct pollfd fds[POLL_COUNT])
{
	bool can_read_input = at->input_open && at->input_size == 0;
	bool can_read_output = at->output_size == 0;
	short writing = at->input_size > 0 ? POLLOUT : 0;
	short reading = can_read_output ? POLLIN : 0;
	bool framed = at->master < 0;
	for (size_t i = 0; i < POLL_COUNT; i++)
		fds[i] = (struct pollfd){.fd = -1, .events = POLLIN};
	fds[POLL_SIGNALS].fd = at->terminal.signal_fd;
	fds[POLL_STDIN].fd = can_read_input ? STDIN_FILENO : -1;
	fds[POLL_SOCKET].events = framed ? (short)(reading | writing) : POLLIN;
	fds[POLL_SOCKET].fd = fds[POLL_SOCKET].events ? at->socket : -1;
	fds[POLL_MASTER].events = (short)(reading | writing);
	fds[POLL_MASTER].fd = master_open && fds[POLL_MASTER].events ? at->master : -1;
	fds[POLL_OUTPUT].events = POLLOUT;
	fds[POLL_OUTPUT].fd = can_read_output ? -1 : at->output_fd;
}

/* Serve what poll() found. @master_open: becomes false at the end of the terminal's output. */
static bool serve(Attachment *at, const struct pollfd fds[POLL_COUNT], bool *master_open,
		  GError **error)
{
	const short broken = POLLHUP | POLLERR;
	if (fds[POLL_SIGNALS].revents)
		read_signals(at);
	if (fds[POLL_STDIN].revents)
		read_input(at);
	short target = at->master >= 0 ? fds[POLL_MASTER].revents : fds[POLL_SOCKET].revents;
	if (at->input_size > 0 && target & (POLLOUT | broken))
		write_input(at);
	if (fds[POLL_OUTPUT].revents && !write_output(at, error))
		return false;
	if (at->output_size == 0 && fds[POLL_MASTER].revents & (POLLIN | broken) &&
	    !read_master(at))
		*master_open = false;
	bool readable = at->master >= 0 || at->output_size == 0;
	return !readable || !(fds[POLL_SOCKET].revents & (POLLIN | broken)) ||
	       read_socket(at, error);
}

/* After the exit: what the terminal still holds. */
static bool drain_master(Attachment *at, GError **error)
{
	while (at->output_size > 0 && write_output(at, error))
		;
	for (;;) {
		struct pollfd wait = {.fd = at->master, .events = POLLIN};
		if (poll(&wait, 1, SETTLE_MS) <= 0 || !read_master(at))
			return at->state != LOOP_FAILED;
		while (at->output_size > 0) {
			if (!write_output(at, error))
				return false;
		}
	}
}

/* Pump until something ends it. */
static bool run_loop(Attachment *at, GError **error)
{
	bool master_open = at->master >= 0;
	while (at->state == LOOP_GOES_ON) {
		struct pollfd fds[POLL_COUNT];
		if (at->detaching && at->input_size == 0) {
			at->state = LOOP_DETACHED;
			break;
		}
		prepare(at, master_open, fds);
		int ready = poll(fds, POLL_COUNT, wait_time(at));
		if (ready < 0 && errno != EINTR) {
			error_set_errno(error, "cannot wait for the container");
			return fail(at);
		}
		if (at->ending && g_get_monotonic_time() >= at->end_at) {
			attach_terminal_die(&at->terminal, at->ending);
			at->ending = 0; /* it is ignored */
		}
		if (ready == 0 && at->eot_delay > 0 && at->input_size == 0)
			end_input(at);
		if (ready <= 0)
			continue;
		if (!serve(at, fds, &master_open, error))
			return false;
	}
	if (at->state == LOOP_EXITED && master_open)
		return drain_master(at, error);
	return true;
}

/* Put the terminal into raw mode around the loop. */
static AttachResult attach(int socket, int master, const AttachOptions *options, int *out_code,
			   GError **error)
{
	g_autofree Attachment *at = g_new0(Attachment, 1);
	bool typed = options->attach_stdin && isatty(STDIN_FILENO);
	at->options = options;
	at->socket = socket;
	at->master = master;
	at->input_open = options->attach_stdin;
	/* In data from a pipe the keys mean nothing. */
	if (typed && options->detach_keys &&
	    !detach_keys_parse(options->detach_keys, &at->keys, error))
		return ATTACH_FAILED;
	if (master >= 0 && !fd_set_nonblock(master, true)) {
		error_set_errno(error, "cannot use the session's terminal");
		return ATTACH_FAILED;
	}
	if (!attach_terminal_begin(&at->terminal, options->tty && typed, error))
		return ATTACH_FAILED;
	copy_window_size(at);
	bool ok = run_loop(at, error);
	attach_terminal_end(&at->terminal);
	if (!ok)
		return ATTACH_FAILED;
	*out_code = at->code;
	return at->state == LOOP_DETACHED ? ATTACH_DETACHED : ATTACH_EXITED;
}

AttachResult attach_run(int control_fd, const AttachOptions *options, int *out_code, GError **error)
{
	log_step(13, "attach_run");
	return attach(control_fd, -1, options, out_code, error);
}

AttachResult attach_terminal(int pty_master, int result_socket, const AttachOptions *options,
			     int *out_code, GError **error)
{
	return attach(result_socket, pty_master, options, out_code, error);
}

int attach_open(int run_dir_fd, GError **error)
{
	int fd = fd_socket_connect(run_dir_fd, ATTACH_SOCKET, SOCK_SEQPACKET);
	if (fd >= 0)
		return fd;
	if (errno == ENOENT || errno == ECONNREFUSED)
		error_set(error, ENGINE_ERROR_BAD_STATE, "the container is not running");
	else
		error_set_errno(error, "cannot attach to the container");
	return -1;
}
