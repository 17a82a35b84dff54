/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Descriptors: whole reads, memory files, passing over sockets, sockets in deep directories.
 */
#include "libpod/base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/path.h"
#include "tests/unit/base/temp_dir.h"

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static void test_autofd(void)
{
	int remembered, kept;
	{
		autofd fd = dup(0);
		autofd other = dup(0);
		remembered = fd;
		kept = fd_steal(&other);
		g_assert_cmpint(other, ==, -1);
		errno = EBUSY;
	}
	g_assert_cmpint(errno, ==, EBUSY);
	g_assert_false(is_open(remembered));
	g_assert_true(is_open(kept));
	fd_close(&kept);
	g_assert_cmpint(kept, ==, -1);
}

static void test_read_all(void)
{
	g_autoptr(GError) error = NULL;
	int ends[2];
	g_assert_cmpint(pipe2(ends, O_CLOEXEC), ==, 0);
	autofd read_end = ends[0];
	g_assert_true(fd_write_all(ends[1], "abc", 3));
	close(ends[1]);
	size_t size = 0;
	g_autofree char *text = fd_read_all(read_end, 3, &size, &error);
	g_assert_cmpstr(text, ==, "abc");
	g_assert_cmpuint(size, ==, 3);

	autofd memory = fd_memfd("test", "0123456789", 10);
	g_assert_null(fd_read_all(memory, 9, NULL, &error));
	g_assert_true(error_matches(error, ENGINE_ERROR_INVALID));
	g_clear_error(&error);
	g_assert_cmpint(lseek(memory, 0, SEEK_SET), ==, 0);
	g_autofree char *all = fd_read_all(memory, 10, NULL, &error);
	g_assert_cmpstr(all, ==, "0123456789");

	/* /proc says size 0 and has more. */
	autofd proc = openat(AT_FDCWD, "/proc/self/status", O_RDONLY | O_CLOEXEC);
	g_autofree char *status = fd_read_all(proc, 1 << 20, &size, &error);
	g_assert_nonnull(status);
	g_assert_cmpuint(size, >, 100);
}

static void test_memfd_is_sealed(void)
{
	autofd fd = fd_memfd("test", "abc", 3);
	g_assert_cmpint(fd, >=, 0);
	g_assert_cmpint(write(fd, "x", 1), ==, -1);
	g_assert_cmpint(ftruncate(fd, 0), ==, -1);
	g_assert_cmpint(fcntl(fd, F_GETFD) & FD_CLOEXEC, ==, FD_CLOEXEC);
}

static void test_flags(void)
{
	autofd fd = dup(0);
	g_assert_true(fd_set_cloexec(fd, true));
	g_assert_cmpint(fcntl(fd, F_GETFD), ==, FD_CLOEXEC);
	g_assert_true(fd_set_cloexec(fd, false));
	g_assert_cmpint(fcntl(fd, F_GETFD), ==, 0);
	int ends[2];
	g_assert_cmpint(pipe2(ends, O_CLOEXEC), ==, 0);
	g_assert_true(fd_set_nonblock(ends[0], true));
	char c;
	g_assert_cmpint(read(ends[0], &c, 1), ==, -1);
	g_assert_cmpint(errno, ==, EAGAIN);
	close(ends[0]);
	close(ends[1]);
	g_assert_false(fd_set_nonblock(-1, true));
}

static void test_pass_fds(void)
{
	int pair[2];
	g_assert_cmpint(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), ==, 0);
	autofd a = pair[0], b = pair[1];
	autofd memory = fd_memfd("test", "abc", 3);
	const int sent[3] = {memory, memory, memory};
	g_assert_true(fd_send(a, "hi", 2, sent, 3));

	char data[8];
	int got[2] = {-1, -1};
	size_t n_got = 0;
	g_assert_cmpint(fd_receive(b, data, sizeof data, got, 2, &n_got), ==, 2);
	g_assert_cmpuint(n_got, ==, 2);
	g_assert_cmpint(fcntl(got[0], F_GETFD), ==, FD_CLOEXEC);
	/* The third one was closed, not leaked: its number is free again. */
	int next = dup(0);
	g_assert_cmpint(next, ==, got[1] + 1);
	close(next);
	close(got[0]);
	close(got[1]);

	g_assert_false(fd_send(a, "", 0, NULL, 0));
	g_assert_false(fd_send(a, "x", 1, sent, 97)); /* refused before it looks at them */
	g_assert_true(fd_send(a, "0123456789", 10, sent, 1));
	g_assert_cmpint(fd_receive(b, data, sizeof data, got, 2, &n_got), ==, -1);
	g_assert_cmpint(errno, ==, EMSGSIZE);
	fd_close(&a);
	g_assert_cmpint(fd_receive(b, data, sizeof data, NULL, 0, NULL), ==, 0);
}

static void test_stream_send_is_whole(void)
{
	int pair[2];
	g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), ==, 0);
	size_t size = 1 << 20;
	g_autofree char *data = g_strnfill(size, 'z');
	pid_t pid = fork();
	if (pid == 0) {
		close(pair[0]);
		_exit(fd_send(pair[1], data, size, &pair[1], 1) ? 0 : 1);
	}
	close(pair[1]);
	size_t total = 0, fds = 0;
	for (;;) {
		char chunk[65536];
		int got;
		size_t n_got = 0;
		ssize_t n = fd_receive(pair[0], chunk, sizeof chunk, &got, 1, &n_got);
		g_assert_cmpint(n, >=, 0);
		if (n_got)
			close(got);
		fds += n_got;
		total += (size_t)n;
		if (n == 0)
			break;
	}
	close(pair[0]);
	g_assert_cmpuint(total, ==, size);
	g_assert_cmpuint(fds, ==, 1);
	g_assert_cmpint(waitpid(pid, NULL, 0), ==, pid);
}

static void test_named_socket(void)
{
	g_auto(TempDir) temp = temp_dir_new();
	/* Far beyond the 108 bytes of sun_path. */
	g_autofree char *part = g_strnfill(200, 'd');
	g_autofree char *deep = g_strdup_printf("%s/%s", part, part);
	autofd dir = path_mkdirs_state(temp.fd, deep);
	g_assert_cmpint(fd_socket_connect(dir, "s", SOCK_STREAM), ==, -1);
	g_assert_cmpint(errno, ==, ENOENT);
	autofd listener = fd_socket_listen(dir, "s", SOCK_STREAM);
	g_assert_cmpint(listener, >=, 0);
	struct stat st;
	g_assert_cmpint(fstatat(dir, "s", &st, 0), ==, 0);
	g_assert_cmpint(st.st_mode & 07777, ==, 0600);
	autofd client = fd_socket_connect(dir, "s", SOCK_STREAM);
	g_assert_cmpint(client, >=, 0);
	g_assert_true(fd_peer_is_us(client));
	g_assert_false(fd_peer_is_us(dir));

	fd_close(&listener);
	g_assert_cmpint(fd_socket_connect(dir, "s", SOCK_STREAM), ==, -1);
	g_assert_cmpint(errno, ==, ECONNREFUSED);
	listener = fd_socket_listen(dir, "s", SOCK_STREAM);
	g_assert_cmpint(listener, >=, 0);
	g_assert_cmpint(fd_socket_listen(dir, part, SOCK_STREAM), ==, -1);
	g_assert_cmpint(errno, ==, ENAMETOOLONG);
}

/* A listener that never accepts keeps nobody for ever. */
static void test_full_queue(void)
{
	g_auto(TempDir) temp = temp_dir_new();
	autofd listener = fd_socket_listen(temp.fd, "s", SOCK_SEQPACKET);
	g_assert_cmpint(listener, >=, 0);
	g_autoptr(GArray) clients = g_array_new(FALSE, FALSE, sizeof(int));
	int fd = 0;
	/* The 65th is taken; the 66th would wait. */
	while (clients->len < 100 && (fd = fd_socket_connect(temp.fd, "s", SOCK_SEQPACKET)) >= 0)
		g_array_append_val(clients, fd);
	g_assert_cmpint(fd, ==, -1);
	g_assert_cmpint(errno, ==, ETIMEDOUT);
	for (guint i = 0; i < clients->len; i++)
		close(g_array_index(clients, int, i));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/fd/autofd/closes-unless-stolen", test_autofd);
	g_test_add_func("/fd/read-all/is-bounded", test_read_all);
	g_test_add_func("/fd/memfd/is-sealed", test_memfd_is_sealed);
	g_test_add_func("/fd/flags", test_flags);
	g_test_add_func("/fd/pass/extra-descriptors-are-closed", test_pass_fds);
	g_test_add_func("/fd/pass/stream-is-sent-whole", test_stream_send_is_whole);
	g_test_add_func("/fd/socket/lives-in-a-deep-directory", test_named_socket);
	g_test_add_func("/fd/socket/full-queue", test_full_queue);
	return g_test_run();
}
