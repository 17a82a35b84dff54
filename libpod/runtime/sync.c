/* SPDX-License-Identifier: Apache-2.0 */
#include "libpod/runtime/sync.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"

/* Of podman, where a program or a directory is not there. */
#define NOT_FOUND "OCI runtime attempted to invoke a command that was not found"

bool sync_pair(int *out_parent, int *out_child)
{
	int ends[2];
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return false;
	*out_parent = ends[0];
	*out_child = ends[1];
	return true;
}

int sync_subject(SyncReport *report, const char *subject, int result)
{
	if (result < 0)
		g_strlcpy(report->subject, subject ? subject : "", sizeof report->subject);
	return result;
}

int sync_send(int fd, SyncKind kind, pid_t pid, int attached_fd)
{
	SyncMessage message = {.kind = (int)kind, .pid = pid};
	if (!fd_send(fd, &message, sizeof message, &attached_fd, attached_fd < 0 ? 0 : 1))
		return -errno;
	return 0;
}

void sync_fail(int fd, const SyncReport *report, int result)
{
	SyncMessage message = {.kind = SYNC_FAILED, .error = -result};
	g_strlcpy(message.step, report->step ? report->step : "start", sizeof message.step);
	g_strlcpy(message.subject, report->subject, sizeof message.subject);
	/* Without a parent that listens there is nobody to tell. */
	(void)fd_send(fd, &message, sizeof message, NULL, 0);
	_exit(127);
}

bool sync_go(int fd)
{
	return fd_send(fd, "g", 1, NULL, 0);
}

int sync_wait_go(int fd)
{
	char go;
	ssize_t n;
	do {
		n = read(fd, &go, 1);
	} while (n < 0 && errno == EINTR);
	return n == 1 ? 0 : -ECANCELED;
}

/* The outcome of a failed execve, in the words of podman with crun. */
static void set_execute_error(const SyncMessage *message, GError **error)
{
	const char *subject = message->subject, *text = strerror(message->error);
	bool missing = message->error == ENOENT || message->error == ENOTDIR;
	if (missing) {
		error_set(error, ENGINE_ERROR_COMMAND_NOT_FOUND,
			  "executable file `%s` not found%s: %s: " NOT_FOUND, subject,
			  strchr(subject, '/') ? "" : " in $PATH", text);
		error_add_help(error, "see what the image has: skiff run --rm --entrypoint ls "
				      "IMAGE /bin");
	} else if (message->error == EACCES) {
		error_set(error, ENGINE_ERROR_COMMAND_NOT_EXECUTABLE,
			  "open executable: %s: OCI permission denied", text);
		error_add_help(error,
			       "is '%s' a file, and executable for the container's user? "
			       "chmod +x, or name the interpreter: sh %s",
			       subject, subject);
	} else {
		error_set(error, ENGINE_ERROR_COMMAND_NOT_EXECUTABLE,
			  "exec container process `%s`: %s: OCI runtime error", subject, text);
		if (message->error == ENOEXEC)
			error_add_help(error, "it is built for another architecture, or it is a "
					      "script without a first line like #!/bin/sh");
	}
}

/* A program that is there, whose own interpreter or loader is not. */
static void set_interpreter_error(const SyncMessage *message, GError **error)
{
	error_set(error, ENGINE_ERROR_COMMAND_NOT_FOUND,
		  "executable file `%s` not found: %s: " NOT_FOUND, message->subject,
		  strerror(message->error));
	error_add_help(error,
		       "'%s' is there, but the interpreter that its first line names, or its "
		       "dynamic loader, is not",
		       message->subject);
}

/* A working directory that is not there: of a container, or of a process that joins one. */
static void set_cwd_error(const SyncMessage *message, const char *container, GError **error)
{
	if (!container) {
		error_set(error, ENGINE_ERROR_COMMAND_NOT_FOUND, "chdir to `%s`: %s: " NOT_FOUND,
			  message->subject, strerror(message->error));
		return;
	}
	error_set(error, ENGINE_ERROR_COMMAND_NOT_EXECUTABLE,
		  "workdir \"%s\" does not exist on container %s", message->subject, container);
	error_add_help(error, "make it in the image, or mount a volume there: -v NAME:%s",
		       message->subject);
}

/* A child's report as a sentence. */
static void set_report_error(const SyncMessage *message, const char *container, GError **error)
{
	if (strcmp(message->step, SYNC_STEP_EXECUTE) == 0)
		set_execute_error(message, error);
	else if (strcmp(message->step, SYNC_STEP_INTERPRET) == 0)
		set_interpreter_error(message, error);
	else if (strcmp(message->step, SYNC_STEP_USER) == 0 && message->error == ENOENT)
		error_set(error, ENGINE_ERROR_COMMAND_NOT_EXECUTABLE,
			  "unable to find user %s: no matching entries in passwd file",
			  message->subject);
	else if (strcmp(message->step, SYNC_STEP_GROUP) == 0 && message->error == ENOENT)
		error_set(error, ENGINE_ERROR_COMMAND_NOT_EXECUTABLE,
			  "unable to find group %s: no matching entries in group file",
			  message->subject);
	else if (strcmp(message->step, SYNC_STEP_CWD) == 0 && message->error == ENOENT)
		set_cwd_error(message, container, error);
	else if (strcmp(message->step, SYNC_STEP_IDS) == 0 && message->error == EINVAL)
		error_set(error, ENGINE_ERROR_INVALID,
			  "user '%s' is not in the id map of the container", message->subject);
	else if (strcmp(message->step, SYNC_STEP_ENTER) == 0 && message->error == ESRCH)
		error_set(error, ENGINE_ERROR_BAD_STATE, "the container is not running");
	else if (*message->subject)
		error_set(error, ENGINE_ERROR_SYSTEM, "cannot %s '%s': %s", message->step,
			  message->subject, strerror(message->error));
	else
		error_set(error, ENGINE_ERROR_SYSTEM, "cannot %s: %s", message->step,
			  strerror(message->error));
}

int sync_receive(int fd, const char *container, SyncMessage *out, int *out_fd, GError **error)
{
	autofd attached = -1;
	size_t n_fds = 0;
	SyncMessage message;
	ssize_t n = fd_receive(fd, &message, sizeof message, &attached, 1, &n_fds);
	if (n == 0 || (n < 0 && errno == ECONNRESET))
		return 0;
	/* A whole message that makes sense, or none at all. */
	if (n >= 0 &&
	    (n != (ssize_t)sizeof message || message.kind < SYNC_PID ||
	     message.kind > SYNC_FAILED || (message.kind == SYNC_FAILED && message.error <= 0))) {
		n = -1;
		errno = EPROTO;
	}
	if (n < 0) {
		error_set_errno(error, "cannot read from the container's init");
		return -1;
	}
	message.step[sizeof message.step - 1] = '\0';
	message.subject[sizeof message.subject - 1] = '\0';
	if (message.kind == SYNC_FAILED) {
		set_report_error(&message, container, error);
		return -1;
	}
	*out = message;
	*out_fd = fd_steal(&attached);
	return 1;
}
