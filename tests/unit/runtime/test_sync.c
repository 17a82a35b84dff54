/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sync: what a child says becomes the right error in its parent.
 */
#include "libpod/runtime/sync.h"

#include <errno.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"

/* Let a child fail at @step and receive that. */
static int fail_with(const char *step, const char *subject, int result, GError **error)
{
	int parent, child;
	g_assert_true(sync_pair(&parent, &child));
	pid_t pid = fork();
	if (pid == 0) {
		SyncReport report = {.step = step};
		(void)sync_subject(&report, subject, result);
		sync_fail(child, &report, result);
	}
	close(child);
	SyncMessage message;
	int fd = -1, received = sync_receive(parent, NULL, &message, &fd, error);
	g_assert_cmpint(waitpid(pid, NULL, 0), ==, pid);
	g_assert_cmpint(fd, ==, -1);
	close(parent);
	return received;
}

#define NOT_FOUND "OCI runtime attempted to invoke a command that was not found"

static void test_failures(void)
{
	static const struct {
		const char *step, *subject;
		int result;
		ErrorCode code;
		const char *message;
	} rows[] = {
		{"mount", "/data", -EACCES, ENGINE_ERROR_SYSTEM,
		 "cannot mount '/data': Permission denied"},
		{"change the root", "", -EINVAL, ENGINE_ERROR_SYSTEM,
		 "cannot change the root: Invalid argument"},
		{SYNC_STEP_EXECUTE, "foo", -ENOENT, ENGINE_ERROR_COMMAND_NOT_FOUND,
		 "executable file `foo` not found in $PATH: No such file or directory: " NOT_FOUND
		 "\nhelp: see what the image has: skiff run --rm --entrypoint ls IMAGE /bin"},
		{SYNC_STEP_EXECUTE, "/bin/foo", -ENOENT, ENGINE_ERROR_COMMAND_NOT_FOUND,
		 "executable file `/bin/foo` not found: No such file or directory: " NOT_FOUND
		 "\nhelp: see what the image has: skiff run --rm --entrypoint ls IMAGE /bin"},
		{SYNC_STEP_INTERPRET, "/x", -ENOENT, ENGINE_ERROR_COMMAND_NOT_FOUND,
		 "executable file `/x` not found: No such file or directory: " NOT_FOUND
		 "\nhelp: '/x' is there, but the interpreter that its first line names, or its "
		 "dynamic loader, is not"},
		{SYNC_STEP_EXECUTE, "/etc", -EACCES, ENGINE_ERROR_COMMAND_NOT_EXECUTABLE,
		 "open executable: Permission denied: OCI permission denied\n"
		 "help: is '/etc' a file, and executable for the container's user? chmod +x, or "
		 "name "
		 "the interpreter: sh /etc"},
		{SYNC_STEP_EXECUTE, "x", -ENOEXEC, ENGINE_ERROR_COMMAND_NOT_EXECUTABLE,
		 "exec container process `x`: Exec format error: OCI runtime error\n"
		 "help: it is built for another architecture, or it is a script without a first "
		 "line "
		 "like #!/bin/sh"},
		{SYNC_STEP_USER, "bob", -ENOENT, ENGINE_ERROR_COMMAND_NOT_EXECUTABLE,
		 "unable to find user bob: no matching entries in passwd file"},
		{SYNC_STEP_GROUP, "staff", -ENOENT, ENGINE_ERROR_COMMAND_NOT_EXECUTABLE,
		 "unable to find group staff: no matching entries in group file"},
		{SYNC_STEP_CWD, "/nowhere", -ENOENT, ENGINE_ERROR_COMMAND_NOT_FOUND,
		 "chdir to `/nowhere`: No such file or directory: " NOT_FOUND},
		{SYNC_STEP_IDS, "9:9", -EINVAL, ENGINE_ERROR_INVALID,
		 "user '9:9' is not in the id map of the container"},
		{SYNC_STEP_ENTER, "", -ESRCH, ENGINE_ERROR_BAD_STATE,
		 "the container is not running"},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autoptr(GError) error = NULL;
		g_assert_cmpint(fail_with(rows[i].step, rows[i].subject, rows[i].result, &error),
				==, -1);
		g_assert_error(error, ENGINE_ERROR, (gint)rows[i].code);
		g_assert_cmpstr(error->message, ==, rows[i].message);
	}
}

/* A name of any length arrives cut, and with its end. */
static void test_long_subject(void)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *subject = g_strnfill(5000, 'x');
	g_assert_cmpint(fail_with("mount", subject, -EIO, &error), ==, -1);
	g_assert_cmpuint(strlen(error->message), <, 400);
}

static void test_gate(void)
{
	int parent, child;
	g_assert_true(sync_pair(&parent, &child));
	pid_t pid = fork();
	if (pid == 0) {
		close(parent);
		if (sync_send(child, SYNC_READY, 7, child) < 0)
			_exit(1);
		_exit(sync_wait_go(child) == 0 ? 0 : 2);
	}
	close(child);
	g_autoptr(GError) error = NULL;
	SyncMessage message;
	autofd attached = -1;
	g_assert_cmpint(sync_receive(parent, NULL, &message, &attached, &error), ==, 1);
	g_assert_cmpint(message.kind, ==, SYNC_READY);
	g_assert_cmpint(message.pid, ==, 7);
	g_assert_cmpint(attached, >=, 0);
	fd_close(&attached);
	g_assert_true(sync_go(parent));
	int status;
	g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
	g_assert_cmpint(status, ==, 0);
	/* The end of the stream: the child became its program, or died. */
	g_assert_cmpint(sync_receive(parent, NULL, &message, &attached, &error), ==, 0);
	g_assert_no_error(error);
	close(parent);
}

static void test_parent_goes_away(void)
{
	int parent, child;
	g_assert_true(sync_pair(&parent, &child));
	close(parent);
	g_assert_cmpint(sync_wait_go(child), ==, -ECANCELED);
	close(child);
}

/* Something that is no message of ours is an error, not a message. */
static void test_short_message(void)
{
	int parent, child;
	g_assert_true(sync_pair(&parent, &child));
	g_assert_cmpint(write(child, "nonsense", 8), ==, 8);
	g_autoptr(GError) error = NULL;
	SyncMessage message;
	int fd = -1;
	g_assert_cmpint(sync_receive(parent, NULL, &message, &fd, &error), ==, -1);
	g_assert_cmpstr(error->message, ==,
			"cannot read from the container's init: Protocol error");
	/* Nor is one of no kind, or a failure without a reason. */
	const SyncMessage bad[] = {{.kind = 0}, {.kind = SYNC_FAILED + 1}, {.kind = SYNC_FAILED}};
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
		g_clear_error(&error);
		g_assert_cmpint(write(child, &bad[i], sizeof bad[i]), ==, sizeof bad[i]);
		g_assert_cmpint(sync_receive(parent, NULL, &message, &fd, &error), ==, -1);
		g_assert_nonnull(strstr(error->message, "Protocol error"));
	}
	close(parent);
	close(child);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/sync/failures-become-errors", test_failures);
	g_test_add_func("/sync/long-subject", test_long_subject);
	g_test_add_func("/sync/gate", test_gate);
	g_test_add_func("/sync/parent-goes-away", test_parent_goes_away);
	g_test_add_func("/sync/short-message", test_short_message);
	return g_test_run();
}
