/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation. One chunk of output is in flight at a time. It is read from a pipe or the
 * terminal's master, goes to the log, then to every client with one send() each. As long as a
 * client has not taken it, no further output is read: the payload blocks as it would on a pipe.
 * Nothing is queued here, so memory does not grow with the output; the room a client has is its
 * socket's buffer in the kernel.
 *
 * The starting command may block the payload for ever, as the reader of a pipe may. A later client
 * may do so for CLIENT_STALL_MS at a time, then it is dropped; it sees the end of its socket
 * without an exit code.
 *
 * Input flows the other way, one message at a time: a client is read only when its last message is
 * written.
 *
 * After the exit the rest is read without waiting for anybody. What a client has not taken by then
 * goes into its backlog (as much as the pipes and the terminal held) and a forked copy of us
 * delivers it, so that neither the recorded exit nor the clean-up waits for somebody's pager.
 */
#include "libpod/monitor/monitor_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/units.h"

#define END_OF_TRANSMISSION 0x04 /* a terminal takes it for the end of input */
#define EOT_FIRST_MS        50   /* between one of these and the next */
#define EOT_MOST_MS         5000
#define DRAIN_MAX           (16 << 20) /* more than a pipe can be given to hold without privilege */
#define TERMINAL_SETTLE_MS  50 /* for output on its way through the kernel's terminal queue */

void monitor_io_init(MonitorIo *io)
{
	io->out_fd = io->err_fd = io->in_fd = io->slave_fd = -1;
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		io->clients[i].fd = -1;
}

static bool make_pipe(int *out_read, int *out_write)
{
	int fds[2];
	if (pipe2(fds, O_CLOEXEC) < 0)
		return false;
	*out_read = fds[0];
	*out_write = fds[1];
	return true;
}

bool monitor_io_open(MonitorLoop *loop, int out_stdio[3], GError **error)
{
	MonitorIo *io = &loop->io;
	const MonitorTask *task = loop->task;
	out_stdio[0] = out_stdio[1] = out_stdio[2] = -1;
	io->terminal = task->config->terminal;
	io->input_end = false;
	io->input_size = io->input_done = 0;
	if (io->terminal)
		return true;
	if (task->log_driver == LOG_DRIVER_PASSTHROUGH) {
		for (int i = task->open_stdin ? 0 : 1; i < 3; i++) {
			out_stdio[i] = fcntl(i, F_DUPFD_CLOEXEC, 3);
			if (out_stdio[i] < 0)
				return error_set_errno(error, "cannot pass descriptor %d on", i);
		}
		return true;
	}
	if (!make_pipe(&io->out_fd, &out_stdio[1]) || !make_pipe(&io->err_fd, &out_stdio[2]) ||
	    (task->open_stdin && !make_pipe(&out_stdio[0], &io->in_fd)))
		return error_set_errno(error, "cannot make the container's pipes");
	if (!fd_set_nonblock(io->out_fd, true) || !fd_set_nonblock(io->err_fd, true) ||
	    (io->in_fd >= 0 && !fd_set_nonblock(io->in_fd, true)))
		return error_set_errno(error, "cannot set up the container's pipes");
	return true;
}

bool monitor_io_adopt_terminal(MonitorLoop *loop, int master, GError **error)
{
	MonitorIo *io = &loop->io;
	io->out_fd = master;
	io->slave_fd = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (io->slave_fd < 0 || !fd_set_nonblock(master, true))
		return error_set_errno(error, "cannot set up the container's terminal");
	if (!loop->task->open_stdin)
		return true;
	io->in_fd = fcntl(master, F_DUPFD_CLOEXEC, 3);
	return io->in_fd >= 0 || error_set_errno(error, "cannot set up the container's terminal");
}

bool monitor_io_resize(MonitorLoop *loop, uint16_t rows, uint16_t columns)
{
	struct winsize size = {.ws_row = rows, .ws_col = columns};
	if (!loop->io.terminal || loop->io.out_fd < 0) {
		errno = ENOTTY;
		return false;
	}
	return ioctl(loop->io.out_fd, TIOCSWINSZ, &size) == 0;
}

static void drop_client(Client *client)
{
	fd_close(&client->fd);
	g_clear_pointer(&client->backlog, g_byte_array_unref);
	*client = (Client){.fd = -1};
}

Client *monitor_io_add_client(MonitorLoop *loop, int fd, bool primary)
{
	/* The first place is the starting command's. */
	for (size_t i = primary ? 0 : 1; i < CLIENTS_MAX; i++) {
		Client *client = &loop->io.clients[i];
		if (client->fd >= 0)
			continue;
		int size = CLIENT_BUFFER;
		if (!primary)
			(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
		*client = (Client){
			.fd = fd,
			.primary = primary,
			.wants_stdout = true,
			.wants_stderr = true,
			.gives_stdin = true,
		};
		return client;
	}
	return NULL;
}

static bool client_wants(const Client *client, bool is_stderr)
{
	return client->fd >= 0 && !client->deaf &&
	       (is_stderr ? client->wants_stderr : client->wants_stdout);
}

static void push_backlog(Client *client, const char *message, size_t size)
{
	uint32_t length = (uint32_t)size;
	if (!client->backlog)
		client->backlog = g_byte_array_new();
	g_byte_array_append(client->backlog, (const guint8 *)&length, sizeof length);
	g_byte_array_append(client->backlog, (const guint8 *)message, (guint)size);
}

/* One message to one client. Return: false if it has no room for it now. */
static bool offer(Client *client, const char *message, size_t size)
{
	if (send(client->fd, message, size, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
		return true;
	if (errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM)
		return false;
	/* It has gone; its last input may still be there. */
	client->deaf = true;
	return true;
}

/* Give the current chunk to everybody; those without room become lagging. */
static void deliver(MonitorLoop *loop)
{
	MonitorIo *io = &loop->io;
	bool is_stderr = io->chunk[0] == MESSAGE_STDERR;
	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		Client *client = &io->clients[i];
		if (!client_wants(client, is_stderr) || offer(client, io->chunk, io->chunk_size))
			continue;
		client->lagging = true;
		client->lagging_since = monitor_now_ms();
	}
}

static bool anybody_lagging(const MonitorIo *io)
{
	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		if (io->clients[i].fd >= 0 && io->clients[i].lagging)
			return true;
	}
	return false;
}

/* Read one chunk and log it. Return: bytes, 0 at the end, -1 if there is nothing now. */
static ssize_t read_chunk(MonitorLoop *loop, int *fd, bool is_stderr)
{
	MonitorIo *io = &loop->io;
	ssize_t n = read(*fd, io->chunk + 1, MESSAGE_STREAM_MAX);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return -1;
	if (n <= 0) {
		/* EIO from a master: no slave is open any more. */
		fd_close(fd);
		return 0;
	}
	io->chunk[0] = is_stderr ? MESSAGE_STDERR : MESSAGE_STDOUT;
	io->chunk_size = (size_t)n + 1;
	monitor_log_write(loop->log, is_stderr, io->chunk + 1, (size_t)n, units_now());
	return n;
}

static void on_output(MonitorLoop *loop, void *data, short revents)
{
	MonitorIo *io = &loop->io;
	int *fd = data;
	/* The other stream may have filled the chunk in this round. */
	if (*fd < 0 || io->chunk_size > 0)
		return;
	if (read_chunk(loop, fd, fd == &io->err_fd) <= 0)
		return;
	deliver(loop);
	if (!anybody_lagging(io))
		io->chunk_size = 0;
}

static void close_input(MonitorIo *io)
{
	io->input_size = io->input_done = 0;
	io->input_end = false;
	io->eot_delay = 0;
	fd_close(&io->in_fd);
}

/*
 * A pipe that has ended is at its end for every reader, for ever. A terminal's end of file is a
 * character that one reader takes, or nobody, if the line discipline's mode changes before it is
 * read. So it is typed again and again, at growing intervals, until there is new input.
 */
static void type_end_of_input(MonitorIo *io)
{
	io->input[0] = END_OF_TRANSMISSION;
	io->input_size = 1;
	io->input_done = 0;
	io->eot_delay = CLAMP(io->eot_delay * 2, EOT_FIRST_MS, EOT_MOST_MS);
	io->eot_at = monitor_now_ms() + io->eot_delay;
}

/* Write what is pending; at the end of input close the pipe, or type the end-of-file character. */
static void on_input_room(MonitorLoop *loop, void *data, short revents)
{
	MonitorIo *io = &loop->io;
	if (io->in_fd < 0)
		return;
	if (io->input_done < io->input_size) {
		ssize_t n = write(io->in_fd, io->input + io->input_done,
				  io->input_size - io->input_done);
		if (n < 0 && errno != EAGAIN && errno != EINTR) {
			close_input(io);
			return;
		}
		io->input_done += n > 0 ? (size_t)n : 0;
	}
	if (io->input_done == io->input_size)
		io->input_size = io->input_done = 0;
	if (io->input_size > 0 || !io->input_end)
		return;
	io->input_end = false;
	if (!io->terminal) {
		close_input(io);
		return;
	}
	type_end_of_input(io);
}

/* The starting command is gone before it was told the end: nobody wants that any more. */
static void end_with_starter(MonitorLoop *loop, const Client *client)
{
	if (client->primary && loop->task->ends_with_starter && loop->phase == MONITOR_RUNNING)
		(void)syscall(SYS_pidfd_send_signal, loop->launch.pidfd, SIGKILL, NULL, 0);
}

/* Take one message from a client. */
static void read_client(MonitorLoop *loop, Client *client)
{
	MonitorIo *io = &loop->io;
	struct iovec iov = {.iov_base = io->input, .iov_len = sizeof io->input};
	struct msghdr header = {.msg_iov = &iov, .msg_iovlen = 1};
	ssize_t n = recvmsg(client->fd, &header, MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0 || (header.msg_flags & MSG_TRUNC)) {
		end_with_starter(loop, client);
		drop_client(client);
		return;
	}
	char type = io->input[0];
	if (!client->gives_stdin || io->in_fd < 0)
		return;
	if (type == MESSAGE_STDIN_END)
		io->input_end = true;
	if (type == MESSAGE_STDIN && n > 1) {
		memmove(io->input, io->input + 1, (size_t)n - 1);
		io->input_size = (size_t)n - 1;
		io->input_done = 0;
		io->eot_delay = 0;
	}
	if (io->input_end || io->input_size > 0)
		on_input_room(loop, NULL, POLLOUT);
}

/* One that lagged takes more, or it has sent input, or it has gone. */
static void on_client(MonitorLoop *loop, void *data, short revents)
{
	MonitorIo *io = &loop->io;
	Client *client = data;
	if (client->fd < 0)
		return;
	if (client->lagging && (revents & (POLLOUT | POLLHUP | POLLERR)) &&
	    offer(client, io->chunk, io->chunk_size))
		client->lagging = false;
	if (!(revents & (POLLIN | POLLHUP | POLLERR)))
		return;
	if (io->input_size == 0 && !io->input_end)
		read_client(loop, client);
	else if (revents & (POLLHUP | POLLERR))
		client->deaf = true;
}

/* Drop a client that has stalled, or say when that would be. */
static void check_stall(MonitorLoop *loop, Client *client)
{
	if (!client->lagging || client->primary)
		return;
	int64_t until = client->lagging_since + CLIENT_STALL_MS;
	if (monitor_now_ms() < until) {
		monitor_poll_until(loop, until);
		return;
	}
	log_info("an attached client took no output for %d ms and was dropped", CLIENT_STALL_MS);
	drop_client(client);
}

static void prepare_client(MonitorLoop *loop, Client *client)
{
	bool input_busy = loop->io.input_size > 0 || loop->io.input_end;
	check_stall(loop, client);
	short events = (client->lagging ? POLLOUT : 0) | (input_busy ? 0 : POLLIN);
	/* A client that has hung up would wake us for ever while its input has to wait. */
	if (client->fd < 0 || (client->deaf && input_busy) || events == 0)
		return;
	monitor_poll_add(loop, client->fd, events, on_client, client);
}

void monitor_io_prepare(MonitorLoop *loop)
{
	MonitorIo *io = &loop->io;
	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		if (io->clients[i].fd >= 0)
			prepare_client(loop, &io->clients[i]);
	}
	if (!anybody_lagging(io))
		io->chunk_size = 0;
	if (io->chunk_size == 0) {
		if (io->out_fd >= 0)
			monitor_poll_add(loop, io->out_fd, POLLIN, on_output, &io->out_fd);
		if (io->err_fd >= 0)
			monitor_poll_add(loop, io->err_fd, POLLIN, on_output, &io->err_fd);
	}
	if (io->in_fd >= 0 && io->eot_delay > 0 && io->input_size == 0) {
		if (monitor_now_ms() >= io->eot_at)
			type_end_of_input(io);
		monitor_poll_until(loop, io->eot_at);
	}
	if (io->in_fd >= 0 && (io->input_size > 0 || io->input_end))
		monitor_poll_add(loop, io->in_fd, POLLOUT, on_input_room, NULL);
}

/* A message that must not be lost and must not be waited for either. */
static void deliver_or_keep(Client *client, const char *message, size_t size)
{
	if (client->backlog || !offer(client, message, size))
		push_backlog(client, message, size);
}

/* Read a stream to its end, or until it has nothing more, or more than it can have held: then
 * somebody outside was given its other end and goes on writing. */
static void drain_stream(MonitorLoop *loop, int *fd, bool is_stderr)
{
	MonitorIo *io = &loop->io;
	bool settled = false;
	size_t total = 0;
	while (*fd >= 0 && total < DRAIN_MAX) {
		ssize_t n = read_chunk(loop, fd, is_stderr);
		if (n == 0)
			break;
		if (n < 0) {
			struct pollfd wait = {.fd = *fd, .events = POLLIN};
			if (settled || !io->terminal || poll(&wait, 1, TERMINAL_SETTLE_MS) <= 0)
				break;
			settled = true;
			continue;
		}
		total += (size_t)n;
		for (size_t i = 0; i < CLIENTS_MAX; i++) {
			if (client_wants(&io->clients[i], is_stderr))
				deliver_or_keep(&io->clients[i], io->chunk, io->chunk_size);
		}
		io->chunk_size = 0;
	}
}

void monitor_io_drain(MonitorLoop *loop)
{
	MonitorIo *io = &loop->io;
	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		Client *client = &io->clients[i];
		if (client->fd >= 0 && client->lagging && io->chunk_size > 0)
			push_backlog(client, io->chunk, io->chunk_size);
		client->lagging = false;
	}
	io->chunk_size = 0;
	fd_close(&io->slave_fd);
	drain_stream(loop, &io->out_fd, false);
	drain_stream(loop, &io->err_fd, true);
	monitor_log_end(loop->log, units_now());
}

/* The forked copy: hand a backlog over, however long it takes. Holds nothing but the socket. */
static void deliver_backlog(const Client *client)
{
	int fd = dup2(client->fd, 3);
	(void)close_range(4, ~0U, 0);
	for (int i = 0; i < 3; i++)
		close(i);
	/* A later client is not waited for without end. */
	struct timeval limit = {.tv_sec = CLIENT_STALL_MS / 1000};
	if (!client->primary)
		(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
	for (size_t at = 0; at < client->backlog->len;) {
		uint32_t size;
		memcpy(&size, client->backlog->data + at, sizeof size);
		at += sizeof size;
		if (!fd_send(fd, client->backlog->data + at, size, NULL, 0))
			_exit(1);
		at += size;
	}
	_exit(0);
}

void monitor_io_finish(MonitorLoop *loop, int code)
{
	char message[64];
	int size = g_snprintf(message, sizeof message, "%c{\"code\":%d}", MESSAGE_EXIT, code);
	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		Client *client = &loop->io.clients[i];
		if (client->fd < 0)
			continue;
		deliver_or_keep(client, message, (size_t)size);
		if (client->backlog && !client->deaf && fork() == 0)
			deliver_backlog(client);
		drop_client(client);
	}
}

void monitor_io_close(MonitorLoop *loop)
{
	MonitorIo *io = &loop->io;
	fd_close(&io->out_fd);
	fd_close(&io->err_fd);
	fd_close(&io->slave_fd);
	close_input(io);
	io->chunk_size = 0;
}
