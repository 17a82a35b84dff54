/* SPDX-License-Identifier: Apache-2.0 */
/*
 * User namespaces: fork-like children by raw clone3, in a new namespace or an existing one.
 *
 * Theory of operation. A child in a new namespace reads one byte from a pipe before it does
 * anything: until then it has no ids, its pid cannot be recycled, and if we die it reads the end of
 * the pipe and exits. A joining child reports back before fn() runs, because only it learns whether
 * the holder of the namespace still lived. A new pid namespace begins with a process' children, so
 * a joiner that wants one clones once more, with CLONE_PARENT: the second child is ours, the first
 * one only carries.
 */
#include "libpod/base/userns.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/log.h"

#define CHILD_FAILED 125

/*
 * fork() with namespace flags and a pidfd. @pidfd may be NULL.
 *
 * libc does not know of it: no atfork handlers run, and a lock that another thread of ours holds
 * stays locked in the child for ever.
 */
static pid_t fork_with(uint64_t flags, int *pidfd)
{
	struct clone_args args = {
		.flags = (flags & ~(uint64_t)USERNS_KEEP_GROUPS) | (pidfd ? CLONE_PIDFD : 0),
		.pidfd = (uint64_t)(uintptr_t)pidfd,
		/* With CLONE_PARENT the kernel takes the signal of the process that cloned. */
		.exit_signal = flags & CLONE_PARENT ? 0 : SIGCHLD,
	};
	return (pid_t)syscall(SYS_clone3, &args, sizeof args);
}

static void reap(pid_t pid)
{
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

/*
 * Become uid and gid 0 of the namespace we are in (R8). Return: negative errno.
 *
 * The system calls themselves, not libc's functions: those would wait for the threads that our
 * parent had when it cloned us, of which libc still knows.
 */
static int become_root(bool keep_groups)
{
	/* In a single-id namespace setgroups is denied: the host's groups stay, shown as 65534. */
	if (!keep_groups && syscall(SYS_setgroups, 0, NULL) < 0)
		return -errno;
	if (syscall(SYS_setresgid, 0, 0, 0) < 0 || syscall(SYS_setresuid, 0, 0, 0) < 0)
		return -errno;
	uid_t uids[3];
	gid_t gids[3];
	if (getresuid(&uids[0], &uids[1], &uids[2]) < 0 ||
	    getresgid(&gids[0], &gids[1], &gids[2]) < 0)
		return -errno;
	for (size_t i = 0; i < G_N_ELEMENTS(uids); i++) {
		if (uids[i] != 0 || gids[i] != 0)
			return -EPERM;
	}
	return 0;
}

/* The child's side of userns_fork_new(): wait for the map, then run. Never returns. */
static void new_child(int pipe_fd, bool keep_groups, UserNsFn fn, void *data)
{
	char go;
	ssize_t n;
	do {
		n = read(pipe_fd, &go, 1);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		log_at(LOG_LEVEL_ERROR, "cannot wait for the ids of the new user namespace: %s",
		       strerror(errno));
	close(pipe_fd);
	if (n != 1)
		_exit(CHILD_FAILED); /* our parent died or failed, and has said why */
	int failure = become_root(keep_groups);
	if (failure < 0) {
		log_at(LOG_LEVEL_ERROR, "cannot become root of the new user namespace: %s",
		       strerror(-failure));
		_exit(CHILD_FAILED);
	}
	_exit(fn(data));
}

/* Say why a user namespace could not be made, where the host tells us. */
static void set_clone_error(GError **error)
{
	int number = errno;
	error_set_errno(error, "cannot create a user namespace");
	if (number == ENOSPC)
		error_add_help(error, "raise user.max_user_namespaces: sudo sysctl "
				      "user.max_user_namespaces=15000");
	else if (number == EPERM || number == EACCES)
		error_add_help(error,
			       "this host forbids user namespaces: see 'skiff info'; on Ubuntu an "
			       "AppArmor profile with 'userns,' for skiff is needed, on Debian "
			       "sysctl kernel.unprivileged_userns_clone=1");
}

/* Without a map: a fork with some namespaces, for real root. */
static pid_t fork_plain(int flags, UserNsFn fn, void *data, int *out_pidfd, GError **error)
{
	autofd pidfd = -1;
	pid_t pid = fork_with((uint64_t)flags, &pidfd);
	if (pid == 0)
		_exit(fn(data));
	if (pid < 0) {
		error_set_errno(error, "cannot create a process");
		return -1;
	}
	if (out_pidfd)
		*out_pidfd = fd_steal(&pidfd);
	return pid;
}

pid_t userns_fork_new(const IdMap *map, int flags, UserNsFn fn, void *data, int *out_pidfd,
		      GError **error)
{
	if (!map)
		return fork_plain(flags, fn, data, out_pidfd, error);
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) < 0) {
		error_set_errno(error, "cannot create a pipe");
		return -1;
	}
	autofd read_end = ends[0], write_end = ends[1], pidfd = -1;
	pid_t pid = fork_with(CLONE_NEWUSER | (uint64_t)flags, &pidfd);
	if (pid == 0) {
		close(write_end);
		new_child(read_end, idmap_is_single(map) || (flags & USERNS_KEEP_GROUPS), fn, data);
	}
	if (pid < 0) {
		set_clone_error(error);
		return -1;
	}
	/* Our own end for reading stays open: a child that could not wait must not be our SIGPIPE.
	 */
	bool mapped = idmap_write(pid, map, error);
	if (mapped && write(write_end, "g", 1) != 1)
		mapped = error_set_errno(error, "cannot start process %d", (int)pid);
	if (!mapped) {
		fd_close(&write_end);
		reap(pid);
		return -1;
	}
	if (out_pidfd)
		*out_pidfd = fd_steal(&pidfd);
	return pid;
}

/* What a joining child reports: the pid that runs fn(), or a step and its errno. */
typedef struct {
	int failure;      /* 0 or an errno */
	bool at_setns;    /* it was setns that failed */
	pid_t second_pid; /* the process that runs fn() if it is not the first child */
} JoinReport;

/* Is setgroups denied in the namespace we have just joined? */
static bool setgroups_denied(void)
{
	char word[8] = {0};
	autofd fd = openat(AT_FDCWD, "/proc/self/setgroups", O_RDONLY | O_CLOEXEC);
	return fd >= 0 && read(fd, word, sizeof word - 1) > 0 && g_str_has_prefix(word, "deny");
}

/* Enter the namespace and make those that were asked for, except a pid namespace. */
static JoinReport join_namespaces(int ns_fd, int flags)
{
	JoinReport report = {0};
	if (setns(ns_fd, CLONE_NEWUSER) < 0) {
		report.failure = errno;
		report.at_setns = true;
		return report;
	}
	int unshared = flags & ~(CLONE_NEWPID | USERNS_KEEP_GROUPS);
	report.failure = -become_root((flags & USERNS_KEEP_GROUPS) || setgroups_denied());
	if (report.failure == 0 && unshared && unshare(unshared) < 0)
		report.failure = errno;
	return report;
}

/* The child's side of userns_fork_join(). Never returns. */
static void join_child(int socket, int ns_fd, int flags, UserNsFn fn, void *data)
{
	JoinReport report = join_namespaces(ns_fd, flags);
	if (report.failure == 0 && (flags & CLONE_NEWPID)) {
		int pidfd = -1;
		pid_t pid = fork_with(CLONE_NEWPID | CLONE_PARENT, &pidfd);
		if (pid == 0) {
			close(socket);
			_exit(fn(data));
		}
		report.failure = pid < 0 ? errno : 0;
		report.second_pid = pid;
		bool sent = fd_send(socket, &report, sizeof report, &pidfd, pid < 0 ? 0 : 1);
		_exit(sent ? 0 : CHILD_FAILED);
	}
	if (!fd_send(socket, &report, sizeof report, NULL, 0) || report.failure != 0)
		_exit(CHILD_FAILED);
	close(socket);
	_exit(fn(data));
}

/* The parent's reading of a join that failed. */
static void set_join_error(const JoinReport *report, GError **error)
{
	bool gone = report->at_setns && (report->failure == ESRCH || report->failure == EPERM);
	error_set(error, gone ? ENGINE_ERROR_NOT_FOUND : ENGINE_ERROR_SYSTEM,
		  "cannot join the user namespace: %s",
		  gone ? "its holder is gone" : strerror(report->failure));
}

pid_t userns_fork_join(int ns_fd, int flags, UserNsFn fn, void *data, int *out_pidfd,
		       GError **error)
{
	int ends[2];
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0) {
		error_set_errno(error, "cannot create a socket pair");
		return -1;
	}
	autofd ours = ends[0], theirs = ends[1], pidfd = -1;
	pid_t pid = fork_with(0, &pidfd);
	if (pid == 0) {
		close(ours);
		join_child(theirs, ns_fd, flags, fn, data);
	}
	if (pid < 0) {
		error_set_errno(error, "cannot create a process");
		return -1;
	}
	fd_close(&theirs);

	JoinReport report = {.failure = EPROTO};
	autofd second = -1;
	size_t n_fds = 0;
	ssize_t n = fd_receive(ours, &report, sizeof report, &second, 1, &n_fds);
	if (n != (ssize_t)sizeof report) {
		/* It may have joined, and run for as long as it likes; with no room for the second
		 * one's pidfd, the second one does. */
		int failure = n < 0 ? errno : EPROTO;
		pid_t second_pid = report.second_pid;
		report = (JoinReport){.failure = failure};
		(void)kill(pid, SIGKILL);
		if (second_pid > 0) {
			(void)kill(second_pid, SIGKILL);
			reap(second_pid);
		}
	}
	if (report.failure != 0 || report.second_pid > 0)
		reap(pid);
	if (report.failure != 0) {
		set_join_error(&report, error);
		return -1;
	}
	if (out_pidfd)
		*out_pidfd = fd_steal(report.second_pid > 0 ? &second : &pidfd);
	return report.second_pid > 0 ? report.second_pid : pid;
}

bool userns_is_initial_root(void)
{
	if (geteuid() != 0)
		return false;
	char text[128] = {0};
	autofd fd = openat(AT_FDCWD, "/proc/self/uid_map", O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read(fd, text, sizeof text - 1) <= 0)
		return false;
	unsigned inside, outside, count;
	return sscanf(text, "%u %u %u", &inside, &outside, &count) == 3 && inside == 0 &&
	       outside == 0 && count == G_MAXUINT32;
}
