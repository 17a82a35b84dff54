/* SPDX-License-Identifier: Apache-2.0 */
#include "libpod/container_hold.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/proc_stat.h"
#include "libpod/container_cgroup.h"
#include "libpod/container_priv.h"
#include "libpod/runtime/cgroup.h"

#define FREEZE_TIMEOUT_MS 10000 /* a process that waits for a disk freezes when it has it */
#define MAX_ROUNDS        100   /* a container that forks faster than we look is not held */
#define ROUND_PAUSE_MS    1

struct ContainerHold {
	pid_t pid;
	int go_fd; /* its end tells the child to let go */
};

/* The letter of /proc/PID/stat; 0 if the process is gone. */
static char process_state(pid_t pid)
{
	ProcStat stat;
	return proc_stat_read(-1, pid, &stat) ? stat.state : 0;
}

/* Send SIGSTOP to all that do not stand still, and remember them by pidfds. Return: how many. */
static guint stop_round(Container *ctr, GArray *pidfds)
{
	g_autoptr(GArray) pids = container_processes(ctr, NULL);
	guint moving = 0;
	for (guint i = 0; pids && i < pids->len; i++) {
		pid_t pid = g_array_index(pids, pid_t, i);
		char state = process_state(pid);
		if (state == 0 || strchr("TtZX", state))
			continue;
		moving++;
		int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
		if (pidfd < 0)
			continue;
		if (syscall(SYS_pidfd_send_signal, pidfd, SIGSTOP, NULL, 0) == 0)
			g_array_append_val(pidfds, pidfd);
		else
			close(pidfd);
	}
	return moving;
}

/* Freeze its cgroup. Return: a descriptor for thaw(); -1 if it has none that we can freeze. */
static int freeze(Container *ctr)
{
	g_autofree char *path = container_cgroup_path(ctr);
	autofd fd = path ? cgroup_open(path, NULL) : -1;
	return fd >= 0 && cgroup_freeze(fd, true) ? fd_steal(&fd) : -1;
}

/* `pause` may have come meanwhile: then it stays frozen. */
static void thaw(Container *ctr, int cgroup)
{
	if (!container_reload(ctr, NULL) || container_summary(ctr)->state != CONTAINER_PAUSED)
		(void)cgroup_freeze(cgroup, false);
}

/* SIGSTOP until none moves, or our parent is gone: somebody may exec into it all the time. */
static bool stop_all(Container *ctr, GArray *pidfds, int go_fd)
{
	struct pollfd go = {.fd = go_fd, .events = POLLIN};
	guint moving = 1;
	for (int round = 0; moving > 0 && round < MAX_ROUNDS; round++) {
		moving = stop_round(ctr, pidfds);
		if (moving > 0 && poll(&go, 1, ROUND_PAUSE_MS) == 1)
			break;
	}
	return moving == 0;
}

static void hold_child(Container *ctr, int ready_fd, int go_fd) G_GNUC_NORETURN;
/* Stop the processes until none moves, say so, and let them go at a word or when it cannot come. */
static void hold_child(Container *ctr, int ready_fd, int go_fd)
{
	static const int blocked[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE};
	for (size_t i = 0; i < G_N_ELEMENTS(blocked); i++)
		(void)signal(blocked[i], SIG_IGN);
	g_autoptr(GArray) pidfds = g_array_new(FALSE, FALSE, sizeof(int));
	autofd cgroup = freeze(ctr);
	bool still = cgroup >= 0 ? cgroup_wait_frozen(cgroup, FREEZE_TIMEOUT_MS)
				 : stop_all(ctr, pidfds, go_fd);
	char byte = still ? 'y' : 'n';
	ssize_t n = write(ready_fd, &byte, 1);
	while (n == 1 && (n = read(go_fd, &byte, 1)) < 0 && errno == EINTR)
		;
	if (cgroup >= 0)
		thaw(ctr, cgroup);
	for (guint i = 0; i < pidfds->len; i++)
		(void)syscall(SYS_pidfd_send_signal, g_array_index(pidfds, int, i), SIGCONT, NULL,
			      0);
	_exit(0);
}

ContainerHold *container_hold(Container *ctr, GError **error)
{
	int ready[2], go[2];
	if (pipe2(ready, O_CLOEXEC) < 0)
		return error_set_errno_null(error, "cannot make a pipe");
	autofd ready_read = ready[0], ready_write = ready[1];
	if (pipe2(go, O_CLOEXEC) < 0)
		return error_set_errno_null(error, "cannot make a pipe");
	autofd go_read = go[0], go_write = go[1];
	pid_t pid = fork();
	if (pid == 0) {
		fd_close(&go_write);
		fd_close(&ready_read);
		hold_child(ctr, ready_write, go_read);
	}
	if (pid < 0)
		return error_set_errno_null(error, "cannot create a process");
	fd_close(&ready_write);
	ContainerHold *hold = g_new0(ContainerHold, 1);
	hold->pid = pid;
	hold->go_fd = fd_steal(&go_write);
	char byte = 'n';
	ssize_t n;
	while ((n = read(ready_read, &byte, 1)) < 0 && errno == EINTR)
		;
	if (n == 1 && byte == 'y')
		return hold;
	container_hold_release(hold);
	return error_set_null(error, ENGINE_ERROR_BAD_STATE,
			      "the processes of container %s cannot be paused",
			      container_summary(ctr)->id);
}

void container_hold_release(ContainerHold *hold)
{
	if (!hold)
		return;
	fd_close(&hold->go_fd);
	while (waitpid(hold->pid, NULL, 0) < 0 && errno == EINTR)
		;
	g_free(hold);
}
