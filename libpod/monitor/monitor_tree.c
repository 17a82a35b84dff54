/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ending a probe with all that it has started. Its first process is a subreaper, so whatever its
 * descendants do (fork, setsid), they stay below it in the tree of processes as long as it lives.
 * They are stopped first, until a look finds no new one: then none can be born while they are
 * killed.
 */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "libpod/base/fd.h"
#include "libpod/base/proc_stat.h"
#include "libpod/base/units.h"
#include "libpod/monitor/monitor_priv.h"

#define LOOKS_MAX   50    /* a fork bomb needs several */
#define MEMBERS_MAX 65536 /* no container has more */

typedef struct {
	pid_t pid, parent, session;
	unsigned long long start; /* with the pid: this very process */
	bool member;
} Process;

/* Where a process stands in the tree. false: it has gone. */
static bool read_process(int proc_fd, pid_t pid, Process *out)
{
	ProcStat stat;
	if (!proc_stat_read(proc_fd, pid, &stat))
		return false;
	out->parent = stat.parent;
	out->session = stat.session;
	out->start = stat.start;
	return true;
}

/* Every process that we see. */
static GArray *list_processes(int proc_fd)
{
	GArray *list = g_array_new(FALSE, TRUE, sizeof(Process));
	int fd = openat(proc_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir) {
		fd_close(&fd);
		return list;
	}
	for (struct dirent *entry; (entry = readdir(dir)) && list->len < MEMBERS_MAX;) {
		uint64_t pid;
		Process process = {0};
		if (!units_parse_uint(entry->d_name, G_MAXINT32, &pid, NULL) ||
		    !read_process(proc_fd, (pid_t)pid, &process))
			continue;
		process.pid = (pid_t)pid;
		g_array_append_val(list, process);
	}
	closedir(dir);
	return list;
}

static bool has_pid(GHashTable *pids, pid_t pid)
{
	return g_hash_table_contains(pids, GINT_TO_POINTER(pid));
}

/* Add those of @list that stand below a member or in the session of @root, parents first. Return:
 * how many were new. */
static guint add_members(GArray *members, GHashTable *pids, GArray *list, pid_t root)
{
	guint before = members->len;
	for (bool grew = true; grew;) {
		grew = false;
		for (guint i = 0; i < list->len; i++) {
			Process *process = &g_array_index(list, Process, i);
			if (process->member)
				continue;
			process->member = has_pid(pids, process->pid);
			if (process->member || (process->pid != root && process->session != root &&
						!has_pid(pids, process->parent)))
				continue;
			process->member = grew = true;
			g_array_append_val(members, *process);
			g_hash_table_add(pids, GINT_TO_POINTER(process->pid));
		}
	}
	return members->len - before;
}

/* Signal this very process, not one that has got its number since. */
static void signal_process(int proc_fd, const Process *process, int signum)
{
	Process now = {0};
	autofd pidfd = (int)syscall(SYS_pidfd_open, process->pid, 0);
	if (pidfd >= 0 && read_process(proc_fd, process->pid, &now) && now.start == process->start)
		(void)syscall(SYS_pidfd_send_signal, pidfd, signum, NULL, 0);
}

void monitor_tree_kill(int proc_fd, pid_t root)
{
	g_autoptr(GArray) members = g_array_new(FALSE, TRUE, sizeof(Process));
	g_autoptr(GHashTable) pids = g_hash_table_new(NULL, NULL);
	for (int look = 0; look < LOOKS_MAX; look++) {
		g_autoptr(GArray) list = list_processes(proc_fd);
		guint first = members->len;
		if (add_members(members, pids, list, root) == 0)
			break;
		for (guint i = first; i < members->len; i++)
			signal_process(proc_fd, &g_array_index(members, Process, i), SIGSTOP);
	}
	/* Children first: one whose parent dies while it is stopped may be woken by the kernel. */
	for (guint i = members->len; i > 0; i--)
		signal_process(proc_fd, &g_array_index(members, Process, i - 1), SIGKILL);
	/* Where /proc shows us nothing of others: at least its session's first group. Nobody has
	 * its number before we have reaped it. */
	(void)kill(-root, SIGKILL);
	(void)kill(root, SIGKILL);
}
