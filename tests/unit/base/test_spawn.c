/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Running programs: descriptors, environment, exit codes, captured output.
 */
#include "libpod/base/spawn.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "tests/unit/base/temp_dir.h"

/* Run a script and return what it prints. */
static char *shell(const char *script, const char *const *envp, GError **error)
{
	const char *const argv[] = {"sh", "-c", script, NULL};
	const Spawn spawn = {.argv = argv, .program = "/bin/sh", .envp = envp};
	return spawn_capture(&spawn, NULL, 65536, error);
}

static void test_capture(void)
{
	g_autoptr(GError) error = NULL;
	const char *const argv[] = {"/bin/cat", NULL};
	const Spawn spawn = {.argv = argv};
	g_autofree char *text = spawn_capture(&spawn, "input\n", 100, &error);
	g_assert_no_error(error);
	g_assert_cmpstr(text, ==, "input\n");
	g_assert_null(spawn_capture(&spawn, "too much input", 5, &error));
	g_assert_true(error_matches(error, ENGINE_ERROR_INVALID));
	g_clear_error(&error);
	g_autofree char *nothing = spawn_capture(&spawn, NULL, 100, &error);
	g_assert_cmpstr(nothing, ==, "");
}

static void test_capture_failure(void)
{
	g_autoptr(GError) error = NULL;
	g_assert_null(shell("echo out; echo first >&2; echo second >&2; exit 3", NULL, &error));
	g_assert_true(error_matches(error, ENGINE_ERROR_SYSTEM));
	g_assert_cmpstr(error->message, ==, "'/bin/sh' failed with exit code 3: first");
	g_clear_error(&error);
	/* More on stderr than we keep, more on stdout than a pipe holds. */
	g_autofree char *text = shell(
		"head -c 200000 /dev/zero >&2; head -c 60000 /dev/zero | tr '\\0' x", NULL, &error);
	g_assert_no_error(error);
	g_assert_cmpuint(strlen(text), ==, 60000);
}

static void test_start_errors(void)
{
	static const struct {
		const char *program;
		ErrorCode code;
	} rows[] = {
		{"/nonexistent/program", ENGINE_ERROR_NOT_FOUND},
		{"/etc/passwd", ENGINE_ERROR_DENIED},
		{"/etc/passwd/x", ENGINE_ERROR_NOT_FOUND},
		{"sh", ENGINE_ERROR_INVALID},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autoptr(GError) error = NULL;
		const char *const argv[] = {rows[i].program, NULL};
		const Spawn spawn = {.argv = argv};
		g_assert_cmpint(spawn_start(&spawn, NULL, &error), ==, -1);
		g_assert_true(error_matches(error, rows[i].code));
		/* No zombie stays. */
		g_assert_cmpint(waitpid(-1, NULL, WNOHANG), ==, -1);
	}
}

static void test_environment(void)
{
	setenv("SECRET", "x", 1);
	setenv("https_proxy", "p", 1);
	g_autoptr(GError) error = NULL;
	g_autofree char *text = shell("env", NULL, &error);
	g_assert_no_error(error);
	g_assert_null(strstr(text, "SECRET"));
	g_assert_nonnull(strstr(text, "PATH="));
	g_assert_nonnull(strstr(text, "https_proxy=p"));
	const char *const own[] = {"A=1", NULL};
	g_autofree char *given = shell("echo $A$HOME", own, &error);
	g_assert_cmpstr(given, ==, "1\n");
}

/* Sources and targets overlap in every way. */
static void test_descriptors(void)
{
	g_autoptr(GError) error = NULL;
	int ends[2];
	g_assert_cmpint(pipe2(ends, O_CLOEXEC), ==, 0);
	autofd a = fd_memfd("a", "a", 1), b = fd_memfd("b", "b", 1), leaked = dup(0);
	g_assert_cmpint(leaked, >=, 0);
	/* Put a at 4 and b at 3, to be swapped on the way. */
	int saved3 = fcntl(3, F_DUPFD_CLOEXEC, 20), saved4 = fcntl(4, F_DUPFD_CLOEXEC, 20);
	autofd high_a = fcntl(a, F_DUPFD_CLOEXEC, 20), high_b = fcntl(b, F_DUPFD_CLOEXEC, 20);
	autofd high_out = fcntl(ends[1], F_DUPFD_CLOEXEC, 20);
	dup3(high_a, 4, O_CLOEXEC);
	dup3(high_b, 3, O_CLOEXEC);
	const int fds[] = {4, 3, 4};
	const char *const argv[] = {"sh", "-c",
				    "cat /proc/self/fd/3 /proc/self/fd/4 /proc/self/fd/5; ls "
				    "/proc/$$/fd | tr '\\n' ' '",
				    NULL};
	const Spawn spawn = {
		.argv = argv, .program = "/bin/sh", .stdout_fd = high_out, .fds = fds, .n_fds = 3};
	int pidfd = -1;
	pid_t pid = spawn_start(&spawn, &pidfd, &error);
	g_assert_no_error(error);
	g_assert_cmpint(pidfd, >=, 0);
	close(pidfd);
	g_assert_cmpint(spawn_wait(pid, &error), ==, 0);
	char text[256] = {0};
	/* bash or dash: neither keeps descriptors below 10 of its own. */
	dup2(saved3, 3);
	dup2(saved4, 4);
	g_assert_cmpint(read(saved3 >= 0 && ends[0] == 3 ? saved3 : ends[0], text, sizeof text - 1),
			>, 0);
	g_assert_true(g_str_has_prefix(text, "aba0 1 2 3 4 5 "));
}

static void test_exit_codes(void)
{
	g_autoptr(GError) error = NULL;
	const char *const argv[] = {"sh", "-c", "kill -TERM $$", NULL};
	const Spawn spawn = {.argv = argv, .program = "/bin/sh"};
	pid_t pid = spawn_start(&spawn, NULL, &error);
	g_assert_cmpint(spawn_wait(pid, &error), ==, 128 + SIGTERM);
	g_assert_no_error(error);
	g_assert_cmpint(spawn_wait(pid, &error), ==, -1);
	g_assert_true(error_matches(error, ENGINE_ERROR_SYSTEM));
}

static void handle_signal(int number)
{
}

static void test_signals_are_default(void)
{
	signal(SIGPIPE, SIG_IGN);
	signal(SIGUSR1, handle_signal);
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	g_autofree char *text = shell(
		"cat /proc/self/status | grep -E 'SigBlk|SigIgn|SigCgt' | cut -f2", NULL, NULL);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGUSR1, SIG_DFL);
	g_assert_cmpstr(text, ==, "0000000000000000\n0000000000000000\n0000000000000000\n");
}

static void test_new_session(void)
{
	g_autoptr(GError) error = NULL;
	const char *const argv[] = {"sh", "-c", "cut -d' ' -f6 /proc/self/stat; echo $$", NULL};
	const Spawn spawn = {.argv = argv, .program = "/bin/sh", .new_session = true};
	g_autofree char *text = spawn_capture(&spawn, NULL, 100, &error);
	g_auto(GStrv) lines = g_strsplit(text, "\n", 3);
	g_assert_cmpstr(lines[0], ==, lines[1]);
}

static void test_find(void)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *sh = spawn_find_system("sh");
	g_assert_cmpstr(sh, ==, "/usr/bin/sh");
	g_assert_null(spawn_find_system("no-such-program"));

	g_auto(TempDir) temp = temp_dir_new();
	g_assert_cmpint(symlinkat("/bin/true", temp.fd, "skiff-test"), ==, 0);
	setenv("SKIFF_LIBEXEC", temp.path, 1);
	g_autofree char *own = spawn_find_own("skiff-test", &error);
	g_assert_no_error(error);
	g_assert_true(g_str_has_prefix(own, temp.path));
	unsetenv("SKIFF_LIBEXEC");
	g_assert_null(spawn_find_own("skiff-test", &error));
	g_assert_true(error_matches(error, ENGINE_ERROR_NOT_FOUND));
	/* Beside ourselves. */
	g_autofree char *self = spawn_find_own("test-base-spawn", NULL);
	g_assert_nonnull(self);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/spawn/capture/input-and-bound", test_capture);
	g_test_add_func("/spawn/capture/failure-shows-stderr", test_capture_failure);
	g_test_add_func("/spawn/start/errors", test_start_errors);
	g_test_add_func("/spawn/environment/is-a-list", test_environment);
	g_test_add_func("/spawn/descriptors/overlap", test_descriptors);
	g_test_add_func("/spawn/exit-codes", test_exit_codes);
	g_test_add_func("/spawn/signals/are-default", test_signals_are_default);
	g_test_add_func("/spawn/new-session", test_new_session);
	g_test_add_func("/spawn/find", test_find);
	return g_test_run();
}
