/* SPDX-License-Identifier: Apache-2.0 */
/*
 * User namespaces: a child becomes root in a new one, others join it, holders that are gone are
 * found.
 */
#include "libpod/base/userns.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/spawn.h"

/* The best map this user may have. */
static IdMap *best_map(void)
{
	IdMap *map = idmap_for_user(NULL);
	return map ? map : idmap_single();
}

static int are_we_root(void *data)
{
	return geteuid() == 0 && getegid() == 0 && getuid() == 0 ? 42 : 1;
}

static int what_pid(void *data)
{
	return getpid() == 1 ? 42 : 1;
}

/* Tell our user namespace through a pipe, then stay. */
static int hold(void *data)
{
	const int *pipe_end = data;
	(void)!write(*pipe_end, "h", 1);
	pause();
	return 0;
}

/* Does this host let us make user namespaces at all? */
static bool can_unshare(void)
{
	g_autoptr(IdMap) map = idmap_single();
	g_autoptr(GError) error = NULL;
	pid_t pid = userns_fork_new(map, 0, are_we_root, NULL, NULL, &error);
	if (pid < 0) {
		g_test_skip(error->message);
		return false;
	}
	g_assert_cmpint(spawn_wait(pid, NULL), ==, 42);
	return true;
}

static void test_new(void)
{
	if (!can_unshare())
		return;
	g_autoptr(GError) error = NULL;
	g_autoptr(IdMap) map = best_map();
	autofd pidfd = -1;
	pid_t pid = userns_fork_new(map, 0, are_we_root, NULL, &pidfd, &error);
	g_assert_no_error(error);
	g_assert_cmpint(pidfd, >=, 0);
	g_assert_cmpint(spawn_wait(pid, &error), ==, 42);
	pid = userns_fork_new(map, CLONE_NEWPID | CLONE_NEWNS, what_pid, NULL, NULL, &error);
	g_assert_no_error(error);
	g_assert_cmpint(spawn_wait(pid, &error), ==, 42);
}

static void *sleep_forever(void *data)
{
	pause();
	return NULL;
}

/* libc's setresuid() would wait for the parent's threads, which the child does not have. */
static void test_new_from_a_threaded_parent(void)
{
	if (!can_unshare())
		return;
	g_autoptr(GError) error = NULL;
	g_autoptr(IdMap) map = best_map();
	g_thread_unref(g_thread_new("sleeper", sleep_forever, NULL));
	pid_t pid = userns_fork_new(map, 0, are_we_root, NULL, NULL, &error);
	g_assert_no_error(error);
	g_assert_cmpint(spawn_wait(pid, &error), ==, 42);
}

static void test_plain(void)
{
	g_autoptr(GError) error = NULL;
	pid_t pid = userns_fork_new(NULL, 0, what_pid, NULL, NULL, &error);
	g_assert_no_error(error);
	g_assert_cmpint(spawn_wait(pid, &error), ==, 1);
}

static void test_impossible_map(void)
{
	if (!can_unshare())
		return;
	g_autoptr(GError) error = NULL;
	g_autoptr(IdMap) map = idmap_single();
	idmap_add(map->uids, 0, 5, 1);
	g_assert_cmpint(userns_fork_new(map, 0, are_we_root, NULL, NULL, &error), ==, -1);
	g_assert_true(error_matches(error, ENGINE_ERROR_INVALID));
	/* The blocked child has been reaped. */
	g_assert_cmpint(waitpid(-1, NULL, WNOHANG), ==, -1);
	g_assert_cmpint(errno, ==, ECHILD);
}

static void test_join(void)
{
	if (!can_unshare())
		return;
	g_autoptr(GError) error = NULL;
	g_autoptr(IdMap) map = best_map();
	int ends[2];
	g_assert_cmpint(pipe2(ends, O_CLOEXEC), ==, 0);
	autofd holder_fd = -1;
	pid_t holder = userns_fork_new(map, 0, hold, &ends[1], &holder_fd, &error);
	g_assert_no_error(error);
	char word;
	g_assert_cmpint(read(ends[0], &word, 1), ==, 1);

	char path[64];
	snprintf(path, sizeof path, "/proc/%d/ns/user", (int)holder);
	autofd ns = openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
	g_assert_cmpint(ns, >=, 0);
	const int ways[] = {holder_fd, ns};
	for (size_t i = 0; i < G_N_ELEMENTS(ways); i++) {
		pid_t pid = userns_fork_join(ways[i], CLONE_NEWNS, are_we_root, NULL, NULL, &error);
		g_assert_no_error(error);
		g_assert_cmpint(spawn_wait(pid, &error), ==, 42);
	}
	autofd pidfd = -1;
	pid_t first = userns_fork_join(ns, CLONE_NEWPID, what_pid, NULL, &pidfd, &error);
	g_assert_no_error(error);
	g_assert_cmpint(spawn_wait(first, &error), ==, 42);
	g_assert_cmpint(pidfd, >=, 0);

	/* Gone as a zombie, then gone for good: both mean the next holder. */
	g_assert_cmpint(kill(holder, SIGKILL), ==, 0);
	siginfo_t info;
	g_assert_cmpint(waitid(P_PID, (id_t)holder, &info, WEXITED | WNOWAIT), ==, 0);
	g_assert_cmpint(userns_fork_join(holder_fd, 0, are_we_root, NULL, NULL, &error), ==, -1);
	g_assert_true(error_matches(error, ENGINE_ERROR_NOT_FOUND));
	g_clear_error(&error);
	g_assert_cmpint(waitpid(holder, NULL, 0), ==, holder);
	g_assert_cmpint(userns_fork_join(holder_fd, 0, are_we_root, NULL, NULL, &error), ==, -1);
	g_assert_true(error_matches(error, ENGINE_ERROR_NOT_FOUND));
	/* The open namespace itself outlives its holder. */
	g_clear_error(&error);
	pid_t late = userns_fork_join(ns, 0, are_we_root, NULL, NULL, &error);
	g_assert_no_error(error);
	g_assert_cmpint(spawn_wait(late, &error), ==, 42);
	close(ends[0]);
	close(ends[1]);
	g_assert_cmpint(waitpid(-1, NULL, WNOHANG), ==, -1);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/userns/new/child-is-root", test_new);
	g_test_add_func("/userns/new/without-a-map-is-a-fork", test_plain);
	g_test_add_func("/userns/new/impossible-map-leaves-nobody", test_impossible_map);
	g_test_add_func("/userns/join/and-holders-that-are-gone", test_join);
	/* Last: its thread stays. */
	g_test_add_func("/userns/new/from-a-threaded-parent", test_new_from_a_threaded_parent);
	return g_test_run();
}
