/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Process: the descriptors that a payload gets, its environment, and how its program is found.
 */
#include "libpod/runtime/process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/base/temp_dir.h"

/* Run @fn in a child, because it closes descriptors or becomes another program. Return: its exit
 * code. */
static int in_child(int (*fn)(void *data), void *data)
{
	pid_t pid = fork();
	if (pid == 0)
		_exit(fn(data));
	int status;
	g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
	g_assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static ino_t inode_of(int fd)
{
	struct stat st;
	return fstat(fd, &st) == 0 ? st.st_ino : 0;
}

/* Pipes as descriptors with numbers that lie in each other's way: 2 1 0 as stdio, 3 as an extra
 * one. */
static int place(void *data)
{
	int pipes[6];
	ino_t inodes[6];
	for (int i = 0; i < 6; i += 2) {
		if (pipe(pipes + i) < 0)
			return 1;
		inodes[i] = inode_of(pipes[i]);
		inodes[i + 1] = inode_of(pipes[i + 1]);
	}
	for (int i = 0; i < 3; i++)
		if (dup2(pipes[2 * i], 2 - i) < 0)
			return 2;
	int stdio[3] = {2, 1, 0}, extra[2] = {pipes[3], 0}, keep[2] = {pipes[5], 1};
	if (process_place_fds(stdio, extra, 2, keep, 2) < 0)
		return 3;
	const ino_t wanted[] = {inodes[0], inodes[2], inodes[4], inodes[2],
				inodes[4], inodes[4], inodes[2]};
	for (int i = 0; i < 7; i++)
		if (inode_of(i) != wanted[i])
			return 10 + i;
	if (keep[0] != 5 || keep[1] != 6)
		return 4;
	for (int fd = 0; fd < 7; fd++)
		if (!!(fcntl(fd, F_GETFD) & FD_CLOEXEC) != (fd >= 5))
			return 20 + fd;
	for (int fd = 7; fd < 256; fd++)
		if (fcntl(fd, F_GETFD) >= 0)
			return 5;
	return 0;
}

static void test_place(void)
{
	g_assert_cmpint(in_child(place, NULL), ==, 0);
}

static int place_too_many(void *data)
{
	int stdio[3] = {0, 1, 2}, extra[80] = {0};
	return process_place_fds(stdio, extra, 80, NULL, 0) == -E2BIG ? 0 : 1;
}

static void test_place_too_many(void)
{
	g_assert_cmpint(in_child(place_too_many, NULL), ==, 0);
}

static int reset_signals(void *data)
{
	sigset_t all, now;
	sigfillset(&all);
	signal(SIGPIPE, SIG_IGN);
	sigprocmask(SIG_SETMASK, &all, NULL);
	if (process_reset_signals() < 0)
		return 1;
	sigprocmask(SIG_SETMASK, NULL, &now);
	return signal(SIGPIPE, SIG_DFL) == SIG_DFL && sigismember(&now, SIGTERM) == 0 ? 0 : 2;
}

static void test_reset_signals(void)
{
	g_assert_cmpint(in_child(reset_signals, NULL), ==, 0);
}

static void test_environment(void)
{
	const char *const env[] = {"A=1", "AB=2", "HOME2=x", "EMPTY=", NULL};
	g_assert_cmpstr(process_env_get(env, "A"), ==, "1");
	g_assert_cmpstr(process_env_get(env, "AB"), ==, "2");
	g_assert_cmpstr(process_env_get(env, "EMPTY"), ==, "");
	g_assert_null(process_env_get(env, "HOME"));
	g_assert_null(process_env_get(NULL, "HOME"));

	g_auto(GStrv) added = process_env_with_home(env, "/home/bob");
	g_assert_cmpstr(added[4], ==, "HOME=/home/bob");
	g_auto(GStrv) root = process_env_with_home(env, "");
	g_assert_cmpstr(root[4], ==, "HOME=/");
	g_auto(GStrv) kept = process_env_with_home((const char *const *)added, "/other");
	g_assert_cmpstr(process_env_get((const char *const *)kept, "HOME"), ==, "/home/bob");
	g_assert_null(kept[5]);
}

/* What process_execute() says about each program of a directory. */
typedef struct {
	const char *program, *path;
	int result;
} ExecuteRow;

static int execute(void *data)
{
	const ExecuteRow *row = data;
	const char *const args[] = {row->program, NULL};
	g_autofree char *path = g_strconcat("PATH=", row->path, NULL);
	const char *const env[] = {path, NULL};
	SyncReport report = {0};
	int result = process_execute(args, env, &report);
	if (strcmp(report.subject, row->program) != 0 || !report.step)
		return 101;
	return result == row->result ? 100 : -result;
}

static void put_program(int dir_fd, const char *name, const char *text, mode_t mode)
{
	autofd fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_CLOEXEC, mode);
	g_assert_true(fd >= 0 && fd_write_all(fd, text, strlen(text)));
	g_assert_cmpint(fchmod(fd, mode), ==, 0);
}

static void test_execute(void)
{
	g_auto(TempDir) temp = temp_dir_new();
	g_assert_cmpint(mkdirat(temp.fd, "first", 0755), ==, 0);
	g_assert_cmpint(mkdirat(temp.fd, "second", 0755), ==, 0);
	put_program(temp.fd, "first/plain", "no program", 0644);
	put_program(temp.fd, "first/both", "no program", 0644);
	put_program(temp.fd, "second/both", "#!/bin/true\n", 0755);
	put_program(temp.fd, "second/nonsense", "neither", 0755);
	put_program(temp.fd, "second/orphan", "#!/no/such/interpreter\n", 0755);
	g_autofree char *path =
		g_strdup_printf("%s/first:%s/none:%s/second", temp.path, temp.path, temp.path);
	g_autofree char *directory = g_strdup_printf("%s/first", temp.path);
	g_autofree char *absolute = g_strdup_printf("%s/second/both", temp.path);
	g_autofree char *absent = g_strdup_printf("%s/second/absent", temp.path);
	ExecuteRow rows[] = {
		{"absent", path, -ENOENT},  {"plain", path, -EACCES}, {"nonsense", path, -ENOEXEC},
		{"orphan", path, -ENOENT},  {"", path, -ENOENT},      {absent, path, -ENOENT},
		{directory, path, -EACCES},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
		g_assert_cmpint(in_child(execute, &rows[i]), ==, 100);
	/* These two run: the file that cannot is passed over. */
	g_assert_cmpint(in_child(execute, &(ExecuteRow){"both", path, 0}), ==, 0);
	g_assert_cmpint(in_child(execute, &(ExecuteRow){absolute, "", 0}), ==, 0);
}

static int enter_cwd(void *data)
{
	const char *path = data;
	char reached[4096];
	if (process_enter_cwd(path) < 0)
		return 1;
	return getcwd(reached, sizeof reached) && strcmp(reached, path) == 0 ? 0 : 2;
}

static void test_cwd(void)
{
	g_auto(TempDir) temp = temp_dir_new();
	g_assert_cmpint(in_child(enter_cwd, temp.path), ==, 0);
	g_assert_cmpint(process_enter_cwd("/no/such/directory"), ==, -ENOENT);
	g_assert_cmpint(process_enter_cwd("/etc/passwd"), ==, -ENOTDIR);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/process/fds/placed-over-each-other", test_place);
	g_test_add_func("/process/fds/too-many", test_place_too_many);
	g_test_add_func("/process/signals/reset", test_reset_signals);
	g_test_add_func("/process/environment", test_environment);
	g_test_add_func("/process/execute/along-the-path", test_execute);
	g_test_add_func("/process/cwd", test_cwd);
	return g_test_run();
}
