/* SPDX-License-Identifier: Apache-2.0 */
#include "libpod/runtime/reaper.h"

#include <errno.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libpod/base/fd.h"
#include "libpod/runtime/namespaces.h"

/* Reap all that is dead. Return: exit code of the payload once it is among them, else -1. */
static int reap(pid_t payload)
{
	int status, code = -1;
	pid_t pid;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == payload)
			code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	}
	return code;
}

/* Signals that mean something to the payload; those that stop a reader of the terminal are not
 * passed on. */
static void forward(pid_t payload, int signum)
{
	if (signum == SIGTTIN || signum == SIGTTOU || signum == SIGTSTP)
		return;
	(void)kill(payload, signum);
}

/* Wait for signals for ever; SIGCHLD may stand for many children. */
static void run(pid_t payload, const sigset_t *all) G_GNUC_NORETURN;
static void run(pid_t payload, const sigset_t *all)
{
	for (;;) {
		siginfo_t info;
		int signum = sigwaitinfo(all, &info);
		if (signum == SIGCHLD) {
			int code = reap(payload);
			if (code >= 0)
				_exit(code);
		} else if (signum > 0) {
			forward(payload, signum);
		}
	}
}

void reaper_main(int *sync_fd)
{
	sigset_t all, none;
	sigfillset(&all);
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &all, NULL);
	pid_t payload = fork();
	if (payload == 0) {
		/* A group of its own in the foreground: Ctrl-C reaches the payload, not us twice.
		 */
		(void)setpgid(0, 0);
		(void)tcsetpgrp(0, getpgrp());
		(void)sigprocmask(SIG_SETMASK, &none, NULL);
		return;
	}
	if (payload < 0)
		_exit(126);
	fd_close(sync_fd);
	(void)close_range(0, ~0U, 0);
	(void)prctl(PR_SET_NAME, "skiff-init", 0, 0, 0);
	run(payload, &all);
}

void pause_main(int *sync_fd)
{
	sigset_t all;
	sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, NULL);
	fd_close(sync_fd);
	(void)close_range(0, ~0U, 0);
	(void)prctl(PR_SET_NAME, "skiff-pause", 0, 0, 0);
	for (;;) {
		int signum = sigwaitinfo(&all, NULL);
		if (signum == SIGTERM || signum == SIGINT)
			_exit(0);
		(void)reap(0);
	}
}
