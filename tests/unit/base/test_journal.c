/* SPDX-License-Identifier: Apache-2.0 */
#include "libpod/base/journal.h"

#include <errno.h>
#include <glib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libpod/base/fd.h"

/* Say that @fd leads to the journal. */
static void set_stream(int fd)
{
	struct stat st;
	g_assert_cmpint(fstat(fd, &st), ==, 0);
	g_autofree char *text = g_strdup_printf("%llu:%llu", (unsigned long long)st.st_dev,
						(unsigned long long)st.st_ino);
	g_setenv("JOURNAL_STREAM", text, true);
}

static void which_stream(void)
{
	int pair[2];
	g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), ==, 0);
	autofd ours = pair[0], theirs = pair[1];
	g_unsetenv("JOURNAL_STREAM");
	g_assert_false(journal_is_stream(ours));
	set_stream(ours);
	g_assert_true(journal_is_stream(ours));
	g_assert_false(journal_is_stream(theirs));
	errno = EDOM;
	g_assert_false(journal_is_stream(-1));
	g_assert_cmpint(errno, ==, EDOM);
	g_setenv("JOURNAL_STREAM", "8", true);
	g_assert_false(journal_is_stream(ours));
}

/* journald: reads a line, is slow with it, says when it is done, reads the next one. */
static void read_slowly(int stream, int done)
{
	char line[64];
	while (read(stream, line, sizeof line) > 0) {
		g_usleep(100000);
		g_assert_cmpint(write(done, line, 1), ==, 1);
	}
	_exit(0);
}

static void waits_for_the_reader(void)
{
	int pair[2], done[2];
	char word[8] = "";
	g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), ==, 0);
	g_assert_cmpint(pipe(done), ==, 0);
	pid_t reader = fork();
	g_assert_cmpint(reader, >=, 0);
	if (reader == 0) {
		close(pair[0]);
		read_slowly(pair[1], done[1]);
	}
	close(pair[1]);
	set_stream(pair[0]);
	g_assert_cmpint(write(pair[0], "a\n", 2), ==, 2);
	journal_settle(pair[0]);
	/* What it did with the line is done, not only begun. */
	g_assert_true(fd_set_nonblock(done[0], true));
	g_assert_cmpint(read(done[0], word, 1), ==, 1);
	g_assert_cmpint(word[0], ==, 'a');
	close(pair[0]);
	g_assert_cmpint(waitpid(reader, NULL, 0), ==, reader);
	close(done[0]);
	close(done[1]);
}

/* No journal: no word. One that does not read: an end. */
static void does_not_wait_for_ever(void)
{
	int pair[2];
	char text[8] = "";
	g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), ==, 0);
	autofd ours = pair[0], theirs = pair[1];
	g_unsetenv("JOURNAL_STREAM");
	journal_settle(ours);
	g_assert_cmpint(recv(theirs, text, sizeof text, MSG_DONTWAIT), ==, -1);
	set_stream(ours);
	g_assert_cmpint(write(ours, "a\n", 2), ==, 2);
	errno = EDOM;
	journal_settle(ours);
	g_assert_cmpint(errno, ==, EDOM);
	g_assert_cmpint(recv(theirs, text, sizeof text, MSG_DONTWAIT), ==, 2);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/journal/which-stream", which_stream);
	g_test_add_func("/journal/waits-for-the-reader", waits_for_the_reader);
	g_test_add_func("/journal/does-not-wait-for-ever", does_not_wait_for_ever);
	return g_test_run();
}
