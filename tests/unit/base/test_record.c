/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records: whole or not at all, locks that die with their holder and name it.
 */
#include "libpod/base/record.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "libpod/base/error.h"
#include "tests/unit/base/temp_dir.h"

static void put(int dir_fd, const char *name, const char *text)
{
	g_autoptr(GError) error = NULL;
	g_assert_true(record_replace(dir_fd, name, text, strlen(text), RECORD_SYNC_NONE, &error));
	g_assert_no_error(error);
}

static void assert_record(int dir_fd, const char *name, const char *expected)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *text = record_read(dir_fd, name, 1 << 20, NULL, &error);
	g_assert_no_error(error);
	g_assert_cmpstr(text, ==, expected);
}

static bool exists(int dir_fd, const char *name)
{
	struct stat st;
	return fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static void test_replace(void)
{
	g_auto(TempDir) temp = temp_dir_new();
	g_autoptr(GError) error = NULL;
	put(temp.fd, "r", "a longer first text");
	put(temp.fd, "r", "two");
	assert_record(temp.fd, "r", "two");
	g_assert_true(record_replace(temp.fd, "r", "three", 5, RECORD_SYNC_FULL, &error));
	assert_record(temp.fd, "r", "three");
	g_assert_false(exists(temp.fd, ".r.tmp"));
	struct stat st;
	g_assert_cmpint(fstatat(temp.fd, "r", &st, 0), ==, 0);
	g_assert_cmpint(st.st_mode & 07777, ==, 0600);
	/* A directory held by O_PATH will do, also for the sync. */
	autofd path = openat(temp.fd, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	g_assert_true(record_replace(path, "r", "four", 4, RECORD_SYNC_FULL, &error));
	assert_record(path, "r", "four");
}

static void test_leftover_is_reused(void)
{
	g_auto(TempDir) temp = temp_dir_new();
	autofd left = openat(temp.fd, ".r.tmp", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	g_assert_true(fd_write_all(left, "what a killed writer left behind", 32));
	fd_close(&left);
	put(temp.fd, "r", "new");
	assert_record(temp.fd, "r", "new");
	g_assert_false(exists(temp.fd, ".r.tmp"));
}

static void test_failure_keeps_the_old(void)
{
	g_auto(TempDir) temp = temp_dir_new();
	put(temp.fd, "r", "old");
	pid_t pid = fork();
	if (pid == 0) {
		g_autoptr(GError) error = NULL;
		struct rlimit limit = {.rlim_cur = 10, .rlim_max = 10};
		signal(SIGXFSZ, SIG_IGN);
		setrlimit(RLIMIT_FSIZE, &limit);
		bool done = record_replace(temp.fd, "r", "longer than ten bytes", 21,
					   RECORD_SYNC_NONE, &error);
		bool as_said =
			error_matches(error, ENGINE_ERROR_SYSTEM) && strstr(error->message, "'r'");
		_exit(!done && as_said ? 0 : 1);
	}
	int status;
	g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
	g_assert_cmpint(status, ==, 0);
	assert_record(temp.fd, "r", "old");
	g_assert_false(exists(temp.fd, ".r.tmp"));
}

static void test_read_errors(void)
{
	g_auto(TempDir) temp = temp_dir_new();
	g_autoptr(GError) error = NULL;
	g_assert_null(record_read(temp.fd, "absent", 100, NULL, &error));
	g_assert_true(error_matches(error, ENGINE_ERROR_NOT_FOUND));
	g_clear_error(&error);
	put(temp.fd, "big", "0123456789");
	g_assert_null(record_read(temp.fd, "big", 9, NULL, &error));
	g_assert_true(error_matches(error, ENGINE_ERROR_INVALID));
	g_clear_error(&error);
	g_assert_cmpint(symlinkat("big", temp.fd, "link"), ==, 0);
	g_assert_null(record_read(temp.fd, "link", 100, NULL, &error));
	g_assert_true(error_matches(error, ENGINE_ERROR_SYSTEM));
}

/* Writers at once: every reader sees one of the texts, whole. */
static void test_concurrent_writers(void)
{
	g_auto(TempDir) temp = temp_dir_new();
	put(temp.fd, "r", "0000000000");
	pid_t pids[4];
	for (int i = 0; i < 4; i++) {
		pids[i] = fork();
		if (pids[i] == 0) {
			g_autofree char *text = g_strnfill(10 + i * 1000, (char)('0' + i));
			for (int n = 0; n < 50; n++) {
				if (!record_replace(temp.fd, "r", text, strlen(text),
						    RECORD_SYNC_NONE, NULL))
					_exit(1);
			}
			_exit(0);
		}
	}
	for (int n = 0; n < 200; n++) {
		g_autofree char *text = record_read(temp.fd, "r", 1 << 20, NULL, NULL);
		g_assert_nonnull(text);
		g_assert_cmpuint(strlen(text), ==, 10 + (size_t)(text[0] - '0') * 1000);
		g_assert_cmpint(text[0], ==, text[strlen(text) - 1]);
	}
	for (int i = 0; i < 4; i++) {
		int status;
		g_assert_cmpint(waitpid(pids[i], &status, 0), ==, pids[i]);
		g_assert_cmpint(status, ==, 0);
	}
	g_assert_false(exists(temp.fd, ".r.tmp"));
}

static void test_list(void)
{
	g_auto(TempDir) temp = temp_dir_new();
	g_autoptr(GError) error = NULL;
	put(temp.fd, "b", "");
	put(temp.fd, "a", "");
	put(temp.fd, ".hidden", "");
	g_auto(GStrv) names = record_list(temp.fd, &error);
	g_assert_no_error(error);
	g_assert_cmpuint(g_strv_length(names), ==, 2);
	g_assert_cmpstr(names[0], ==, "a");
	g_assert_cmpstr(names[1], ==, "b");
	g_assert_null(record_list(-1, &error));
	g_assert_nonnull(error);
}

/* A child that takes the lock, says so and waits to be killed. */
static pid_t holder(int dir_fd, const char *name, bool shared)
{
	int ends[2];
	g_assert_cmpint(pipe(ends), ==, 0);
	pid_t pid = fork();
	if (pid == 0) {
		RecordLock *lock = record_lock(dir_fd, name, shared, 0, "pull", NULL);
		(void)!write(ends[1], lock ? "y" : "n", 1);
		pause();
		_exit(0);
	}
	char word = '?';
	g_assert_cmpint(read(ends[0], &word, 1), ==, 1);
	g_assert_cmpint(word, ==, 'y');
	close(ends[0]);
	close(ends[1]);
	return pid;
}

static void end(pid_t pid)
{
	g_assert_cmpint(kill(pid, SIGKILL), ==, 0);
	g_assert_cmpint(waitpid(pid, NULL, 0), ==, pid);
}

static void test_lock_names_its_holder(void)
{
	g_auto(TempDir) temp = temp_dir_new();
	g_autoptr(GError) error = NULL;
	g_assert_cmpint(record_lock_is_held(temp.fd, "op"), ==, 0);
	pid_t pid = holder(temp.fd, "op", false);
	g_assert_cmpint(record_lock_is_held(temp.fd, "op"), ==, 1);
	g_assert_null(record_lock(temp.fd, "op", false, 20, "rm", &error));
	g_assert_true(error_matches(error, ENGINE_ERROR_IN_USE));
	g_autofree char *expected =
		g_strdup_printf("'op' is locked by process %d (pull)", (int)pid);
	g_assert_cmpstr(error->message, ==, expected);
	end(pid);

	g_assert_cmpint(record_lock_is_held(temp.fd, "op"), ==, 0);
	g_clear_error(&error);
	g_autoptr(RecordLock) lock = record_lock(temp.fd, "op", false, 0, "rm", &error);
	g_assert_no_error(error);
	g_assert_nonnull(lock);
}

static void test_lock_waits(void)
{
	g_auto(TempDir) temp = temp_dir_new();
	g_autoptr(RecordLock) lock = record_lock(temp.fd, "op", false, 0, "a", NULL);
	pid_t pid = fork();
	if (pid == 0) {
		/* The parent's description came with the fork: let it go first. */
		int fd = record_lock_fd(lock);
		close(fd);
		g_autoptr(RecordLock) mine = record_lock(temp.fd, "op", false, 10000, "b", NULL);
		_exit(mine ? 0 : 1);
	}
	g_usleep(20000);
	record_unlock(g_steal_pointer(&lock));
	int status;
	g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
	g_assert_cmpint(status, ==, 0);
}

static void test_sync_together(void)
{
	g_auto(TempDir) temp = temp_dir_new();
	g_autoptr(GError) error = NULL;
	const char *const names[] = {"one", "two", NULL};
	put(temp.fd, "one", "1");
	autofd path = openat(temp.fd, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	g_assert_false(records_sync(path, names, &error));
	g_assert_nonnull(strstr(error->message, "'two'"));
	g_clear_error(&error);
	put(temp.fd, "two", "2");
	g_assert_true(records_sync(path, names, &error));
	g_assert_no_error(error);
}

static void test_lock_shared(void)
{
	g_auto(TempDir) temp = temp_dir_new();
	pid_t pid = holder(temp.fd, "op", true);
	g_autoptr(RecordLock) reader = record_lock(temp.fd, "op", true, 0, "ps", NULL);
	g_assert_nonnull(reader);
	g_assert_null(record_lock(temp.fd, "op", false, 0, "rm", NULL));
	end(pid);
}

/* The liveness of a monitor: the lock outlives the process that took it. */
static void test_lock_is_inherited(void)
{
	g_auto(TempDir) temp = temp_dir_new();
	RecordLock *lock = record_lock(temp.fd, "life", false, 0, "run", NULL);
	pid_t pid = fork();
	if (pid == 0) {
		pause();
		_exit(0);
	}
	record_unlock(lock);
	g_assert_cmpint(record_lock_is_held(temp.fd, "life"), ==, 1);
	end(pid);
	g_assert_cmpint(record_lock_is_held(temp.fd, "life"), ==, 0);
	record_unlock(NULL);
}

static void test_process_identity(void)
{
	g_assert_cmpuint(strlen(record_boot_id()), ==, 36);
	unsigned long long ours = record_process_start(getpid());
	g_assert_cmpuint(ours, >, 0);
	g_assert_cmpuint(ours, ==, record_process_start(getpid()));
	autofd process = record_open_process(getpid(), ours);
	g_assert_cmpint(process, >=, 0);
	g_assert_cmpint(record_open_process(getpid(), ours + 1), ==, -1);
	g_assert_cmpint(record_open_process(0, 0), ==, -1);
	g_assert_true(record_is_process(getpid(), ours));
	g_assert_false(record_is_process(getpid(), ours + 1));
	pid_t pid = fork();
	if (pid == 0)
		_exit(0);
	g_assert_cmpint(waitpid(pid, NULL, 0), ==, pid);
	g_assert_cmpuint(record_process_start(pid), ==, 0);
	g_assert_cmpint(record_open_process(pid, ours), ==, -1);
}

/* What cannot be read now is neither "gone" to who writes it down nor the same to who compares. */
static void test_unreadable_start(void)
{
	struct rlimit limit, none;
	unsigned long long start = 7;
	g_autoptr(GError) error = NULL;
	g_assert_cmpint(getrlimit(RLIMIT_NOFILE, &limit), ==, 0);
	none = limit;
	none.rlim_cur = 0;
	g_assert_cmpint(setrlimit(RLIMIT_NOFILE, &none), ==, 0);
	bool told = record_tell_start(getpid(), &start, &error);
	bool same = record_is_process(getpid(), 0);
	g_assert_cmpint(setrlimit(RLIMIT_NOFILE, &limit), ==, 0);
	g_assert_false(told);
	g_assert_true(error_matches(error, ENGINE_ERROR_SYSTEM));
	g_assert_cmpuint(start, ==, 0);
	g_assert_false(same);

	pid_t pid = fork();
	if (pid == 0)
		_exit(0);
	g_assert_cmpint(waitpid(pid, NULL, 0), ==, pid);
	start = 7;
	g_clear_error(&error);
	g_assert_true(record_tell_start(pid, &start, &error));
	g_assert_no_error(error);
	g_assert_cmpuint(start, ==, 0);
	g_assert_false(record_is_process(pid, 0));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/record/replace/is-whole", test_replace);
	g_test_add_func("/record/replace/reuses-a-leftover", test_leftover_is_reused);
	g_test_add_func("/record/replace/failure-keeps-the-old", test_failure_keeps_the_old);
	g_test_add_func("/record/replace/concurrent-writers", test_concurrent_writers);
	g_test_add_func("/record/read/errors", test_read_errors);
	g_test_add_func("/record/list/sorted-without-dot-files", test_list);
	g_test_add_func("/record/lock/names-its-holder", test_lock_names_its_holder);
	g_test_add_func("/record/lock/waits", test_lock_waits);
	g_test_add_func("/record/sync-together", test_sync_together);
	g_test_add_func("/record/lock/shared", test_lock_shared);
	g_test_add_func("/record/lock/is-inherited", test_lock_is_inherited);
	g_test_add_func("/record/process-identity", test_process_identity);
	g_test_add_func("/record/unreadable-start", test_unreadable_start);
	return g_test_run();
}
