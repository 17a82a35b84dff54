/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/container/logs_follow.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"

#define PIECE_MAX 65536

/* A message: this, then the text. */
typedef struct {
	int64_t time_ns;
	uint8_t is_stderr, partial, continued, failed;
} Head;

static bool send_piece(int fd, const Head *head, const char *text, size_t size)
{
	struct iovec parts[] = {{(void *)head, sizeof *head}, {(void *)text, size}};
	struct msghdr message = {.msg_iov = parts, .msg_iovlen = G_N_ELEMENTS(parts)};
	ssize_t n;
	do {
		n = sendmsg(fd, &message, MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	return n >= 0;
}

/* In the child: a long line goes in pieces, all but the last of them partial. */
static bool send_line(const LogLine *line, void *data)
{
	int fd = *(int *)data;
	size_t done = 0;
	bool continued = line->continued;
	do {
		size_t size = MIN(line->size - done, PIECE_MAX);
		bool last = done + size == line->size;
		const Head head = {
			.time_ns = line->time_ns,
			.is_stderr = line->is_stderr,
			.partial = line->partial || !last,
			.continued = continued,
		};
		if (!send_piece(fd, &head, line->text + done, size))
			return false;
		continued = true;
		done += size;
	} while (done < line->size);
	return true;
}

/* Start the reader of one log. It ends with us. Return: its socket, or -1. */
static int start_reader(const FollowedLog *log, GPid *out_pid)
{
	int ends[2];
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return -1;
	pid_t parent = getpid();
	*out_pid = fork();
	if (*out_pid != 0) {
		close(ends[1]);
		if (*out_pid > 0)
			return ends[0];
		close(ends[0]);
		return -1;
	}
	close(ends[0]);
	g_autoptr(GError) failed = NULL;
	if (prctl(PR_SET_PDEATHSIG, SIGTERM) < 0 || getppid() != parent)
		_exit(1);
	if (!logs_read(log->dir_fd, log->path, &log->options, send_line, &ends[1], &failed) &&
	    failed) {
		const Head head = {.failed = 1};
		(void)send_piece(ends[1], &head, failed->message, strlen(failed->message));
	}
	_exit(0);
}

/* Take one message. Return: false at the end, or with @error. */
static bool take_piece(int fd, const FollowedLog *log,
		       bool (*print)(const LogLine *line, void *data), GError **error)
{
	static char data[sizeof(Head) + PIECE_MAX];
	ssize_t n = recv(fd, data, sizeof data, 0);
	if (n < 0 && errno == EINTR)
		return true;
	Head head;
	if (n < (ssize_t)sizeof head)
		return false;
	memcpy(&head, data, sizeof head);
	const char *text = data + sizeof head;
	size_t size = (size_t)n - sizeof head;
	if (head.failed)
		return error_set(error, ENGINE_ERROR_SYSTEM, "%.*s", (int)size, text);
	const LogLine line = {
		.time_ns = head.time_ns,
		.is_stderr = head.is_stderr,
		.partial = head.partial,
		.continued = head.continued,
		.text = text,
		.size = size,
	};
	return print(&line, log->data);
}

bool logs_follow(const FollowedLog *logs, size_t n, bool (*print)(const LogLine *line, void *data),
		 GError **error)
{
	g_autofree struct pollfd *polls = g_new0(struct pollfd, n);
	g_autofree GPid *pids = g_new0(GPid, n);
	size_t open = 0;
	bool ok = true;
	for (size_t i = 0; i < n; i++) {
		polls[i] = (struct pollfd){start_reader(&logs[i], &pids[i]), POLLIN, 0};
		open += polls[i].fd >= 0;
		if (polls[i].fd < 0 && ok)
			ok = error_set_errno(error, "cannot follow a log");
	}
	while (ok && open > 0) {
		if (poll(polls, n, -1) < 0 && errno != EINTR)
			ok = error_set_errno(error, "cannot wait for logs");
		for (size_t i = 0; ok && i < n; i++) {
			if (!polls[i].revents)
				continue;
			GError *failed = NULL;
			if (take_piece(polls[i].fd, &logs[i], print, &failed))
				continue;
			fd_close(&polls[i].fd);
			open--;
			if (failed)
				g_propagate_error(error, failed);
			else if (logs[i].ended)
				logs[i].ended(logs[i].data);
			ok = !failed;
		}
	}
	for (size_t i = 0; i < n; i++) {
		fd_close(&polls[i].fd);
		if (pids[i] > 0) {
			(void)kill(pids[i], SIGTERM);
			(void)waitpid(pids[i], NULL, 0);
		}
	}
	return ok;
}
