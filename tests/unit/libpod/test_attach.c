/* SPDX-License-Identifier: Apache-2.0 */
#include "libpod/attach.h"

#include <fcntl.h>
#include <glib.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libpod/attach_priv.h"
#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/monitor/protocol.h"

static void keys_good(void)
{
	static const struct {
		const char *text;
		const char *keys;
		size_t count;
	} rows[] = {
		{"", "", 0},
		{"ctrl-p,ctrl-q", "\x10\x11", 2},
		{"a", "a", 1},
		{"ctrl-@,ctrl-[,ctrl-\\,ctrl-],ctrl-^,ctrl-_", "\x00\x1b\x1c\x1d\x1e\x1f", 6},
		{"ctrl-a,x,Z,1", "\x01xZ1", 4},
		{"ctrl-A", "\x01", 1},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		DetachKeys keys;
		g_autoptr(GError) error = NULL;
		g_assert_true(detach_keys_parse(rows[i].text, &keys, &error));
		g_assert_no_error(error);
		g_assert_cmpmem(keys.keys, keys.count, rows[i].keys, rows[i].count);
	}
}

static void keys_bad(void)
{
	static const char *const texts[] = {
		"ctrl-",   "ctrl-1",   "ctrl-pp",   "ab",
		"ctrl-p,", "\xc3\xa4", "ctrl-p,xy", "a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a"};
	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
		g_autoptr(GError) error = NULL;
		g_assert_false(attach_check_detach_keys(texts[i], &error));
		g_assert_error(error, ENGINE_ERROR, ENGINE_ERROR_INVALID);
	}
}

/* What comes out for @typed, in pieces of @piece bytes; the held back end is added. */
static char *scan(const char *sequence, const char *typed, size_t piece, bool *out_complete)
{
	DetachKeys keys;
	g_assert_true(detach_keys_parse(sequence, &keys, NULL));
	GString *passed = g_string_new(NULL);
	size_t size = strlen(typed);
	*out_complete = false;
	for (size_t at = 0; at < size && !*out_complete; at += piece) {
		char out[256];
		size_t n = 0;
		*out_complete = detach_keys_scan(&keys, typed + at, MIN(piece, size - at), out, &n);
		g_string_append_len(passed, out, (gssize)n);
	}
	if (!*out_complete)
		g_string_append_len(passed, keys.keys, (gssize)keys.matched);
	return g_string_free(passed, FALSE);
}

static void keys_scan(void)
{
	static const struct {
		const char *sequence, *typed, *passed;
		bool complete;
	} rows[] = {
		{"ctrl-p,ctrl-q", "ls\r", "ls\r", false},
		{"ctrl-p,ctrl-q", "ls\x10\x11more", "ls", true},
		{"ctrl-p,ctrl-q", "\x10x\x10\x10y", "\x10x\x10\x10y", false},
		{"ctrl-p,ctrl-q", "\x10\x10\x11", "\x10", true},
		{"a,a,b", "aaab", "a", true},
		{"a,a,b", "aaaa", "aaaa", false},
		{"a,b,a,c", "ababac", "ab", true},
		{"a,b,a,c", "abaabab", "abaabab", false},
		{"a", "bcd", "bcd", false},
		{"", "\x10\x11", "\x10\x11", false},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		for (size_t piece = 1; piece <= strlen(rows[i].typed); piece++) {
			bool complete;
			g_autofree char *passed =
				scan(rows[i].sequence, rows[i].typed, piece, &complete);
			g_assert_cmpstr(passed, ==, rows[i].passed);
			g_assert_cmpint(complete, ==, rows[i].complete);
		}
	}
}

/* An attached command in a child of its own, with pipes for its stdio, and its monitor's side here.
 */
typedef struct {
	int monitor; /* socket */
	int in, out, err;
	pid_t pid;
} Attached;

static void run_attached(int socket, bool with_stdin)
{
	int code = 0;
	g_autoptr(GError) error = NULL;
	AttachOptions options = {
		.attach_stdin = with_stdin,
		.attach_stdout = true,
		.attach_stderr = true,
		.run_dir_fd = -1,
		.detach_keys = "ctrl-p,ctrl-q",
	};
	AttachResult result = attach_run(socket, &options, &code, &error);
	_exit(result == ATTACH_EXITED ? code : result == ATTACH_DETACHED ? 200 : 201);
}

static Attached attach_start(bool with_stdin)
{
	int pair[2], in[2], out[2], err[2];
	g_assert_cmpint(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), ==, 0);
	g_assert_cmpint(pipe2(in, O_CLOEXEC) | pipe2(out, O_CLOEXEC) | pipe2(err, O_CLOEXEC), ==,
			0);
	Attached at = {.monitor = pair[0], .in = in[1], .out = out[0], .err = err[0]};
	at.pid = fork();
	g_assert_cmpint(at.pid, >=, 0);
	if (at.pid == 0) {
		dup2(in[0], 0);
		dup2(out[1], 1);
		dup2(err[1], 2);
		close(pair[0]);
		close(in[1]);
		run_attached(pair[1], with_stdin);
	}
	close(pair[1]);
	close(in[0]);
	close(out[1]);
	close(err[1]);
	return at;
}

static int attach_finish(Attached *at)
{
	int status;
	g_assert_cmpint(waitpid(at->pid, &status, 0), ==, at->pid);
	fd_close(&at->monitor);
	fd_close(&at->in);
	fd_close(&at->out);
	fd_close(&at->err);
	g_assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void say(Attached *at, const char *message)
{
	g_assert_cmpint(send(at->monitor, message, strlen(message), MSG_NOSIGNAL), ==,
			(ssize_t)strlen(message));
}

static void run_output_and_code(void)
{
	Attached at = attach_start(false);
	say(&at, "1out ");
	say(&at, "2err");
	say(&at, "1put");
	say(&at, "X{\"code\":7}");
	g_autofree char *out = fd_read_all(at.out, 1000, NULL, NULL);
	g_autofree char *err = fd_read_all(at.err, 1000, NULL, NULL);
	g_assert_cmpstr(out, ==, "out put");
	g_assert_cmpstr(err, ==, "err");
	g_assert_cmpint(attach_finish(&at), ==, 7);
}

/* More output than a pipe holds, read slowly: nothing is lost and the code comes last. */
static void run_slow_reader(void)
{
	Attached at = attach_start(false);
	char message[MESSAGE_STREAM_MAX + 1];
	size_t sent = 0, received = 0;
	memset(message, 'x', sizeof message);
	message[0] = MESSAGE_STDOUT;
	fd_set_nonblock(at.monitor, true);
	bool ended = false;
	for (;;) {
		char buffer[3000];
		struct pollfd fds[] = {{.fd = at.out, .events = POLLIN},
				       {.fd = ended ? -1 : at.monitor, .events = POLLOUT}};
		g_assert_cmpint(poll(fds, 2, 5000), >, 0);
		if (fds[1].revents & POLLOUT && sent < 40 * MESSAGE_STREAM_MAX &&
		    send(at.monitor, message, sizeof message, MSG_NOSIGNAL) > 0)
			sent += MESSAGE_STREAM_MAX;
		else if (sent >= 40 * MESSAGE_STREAM_MAX && !ended)
			ended = send(at.monitor, "X{\"code\":0}", 11, MSG_NOSIGNAL) > 0;
		ssize_t n = fds[0].revents ? read(at.out, buffer, sizeof buffer) : 1;
		if (n == 0)
			break;
		received += fds[0].revents ? (size_t)n : 0;
	}
	g_assert_cmpuint(received, ==, sent);
	g_assert_cmpint(attach_finish(&at), ==, 0);
}

static void run_input_and_half_close(void)
{
	Attached at = attach_start(true);
	char buffer[64];
	/* The keys mean nothing in data from a pipe. */
	g_assert_true(fd_write_all(at.in, "a\x10\x11z", 4));
	ssize_t n = recv(at.monitor, buffer, sizeof buffer, 0);
	g_assert_cmpmem(buffer, n, "0a\x10\x11z", 5);
	fd_close(&at.in);
	n = recv(at.monitor, buffer, sizeof buffer, 0);
	g_assert_cmpmem(buffer, n, ".", 1);
	say(&at, "X{\"code\":1}");
	g_assert_cmpint(attach_finish(&at), ==, 1);
}

static void run_monitor_dies(void)
{
	Attached at = attach_start(false);
	say(&at, "1some");
	fd_close(&at.monitor);
	g_autofree char *out = fd_read_all(at.out, 1000, NULL, NULL);
	g_assert_cmpstr(out, ==, "some");
	g_assert_cmpint(attach_finish(&at), ==, 201);
}

static void run_refused(void)
{
	Attached at = attach_start(false);
	say(&at, "E{\"code\":4,\"message\":\"the container is not running\"}");
	g_assert_cmpint(attach_finish(&at), ==, 201);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/attach/keys/good", keys_good);
	g_test_add_func("/attach/keys/bad", keys_bad);
	g_test_add_func("/attach/keys/scan", keys_scan);
	g_test_add_func("/attach/run/output-and-code", run_output_and_code);
	g_test_add_func("/attach/run/slow-reader", run_slow_reader);
	g_test_add_func("/attach/run/input-and-half-close", run_input_and_half_close);
	g_test_add_func("/attach/run/monitor-dies", run_monitor_dies);
	g_test_add_func("/attach/run/refused", run_refused);
	return g_test_run();
}
