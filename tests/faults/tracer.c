/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counts the state-changing system calls of a command, process by process, and kills one of the
 * processes before one of its calls:
 *
 *     tracer USER FILE COMMAND ...                  every call, a line "PROCESS NUMBER NAME"
 *     tracer -k PROCESS:NUMBER USER FILE COMMAND    SIGKILL there, a line "killed PROCESS NUMBER
 * NAME"
 *
 * The command is process "0", its second child "0.2", and so on, in the order in which each process
 * makes its children, so that a process keeps its name from run to run. A thread counts as a child.
 * Calls are counted from a process's beginning, across execve; of the command itself from its first
 * program on. Runs as root: programs that are set-user-id work under a tracer then. What outlives
 * the command is watched until it is quiet for TAIL_MS, at most for TAIL_MOST_MS, and then left to
 * itself. strace counts each system call of a set apart, and cannot choose the process.
 */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define TAIL_MS      50
#define TAIL_MOST_MS 1000
#define NAME_MAX_LEN 256

#define CALL(name)                                                                                 \
	{                                                                                          \
		SYS_##name, #name                                                                  \
	}
static const struct {
	long number;
	const char *name;
} calls[] = {
	CALL(open),       CALL(openat),
	CALL(openat2),    CALL(creat),
	CALL(mkdir),      CALL(mkdirat),
	CALL(rename),     CALL(renameat),
	CALL(renameat2),  CALL(unlink),
	CALL(unlinkat),   CALL(rmdir),
	CALL(symlink),    CALL(symlinkat),
	CALL(link),       CALL(linkat),
	CALL(mknod),      CALL(mknodat),
	CALL(ftruncate),  CALL(fallocate),
	CALL(fsync),      CALL(fdatasync),
	CALL(syncfs),     CALL(chmod),
	CALL(fchmod),     CALL(fchmodat),
	CALL(chown),      CALL(fchown),
	CALL(fchownat),   CALL(write),
	CALL(writev),     CALL(pwrite64),
	CALL(sendmsg),    CALL(sendto),
	CALL(clone),      CALL(clone3),
	CALL(fork),       CALL(vfork),
	CALL(execve),     CALL(execveat),
	CALL(mount),      CALL(umount2),
	CALL(fsopen),     CALL(fsconfig),
	CALL(fsmount),    CALL(move_mount),
	CALL(open_tree),  CALL(mount_setattr),
	CALL(pivot_root), CALL(setns),
	CALL(unshare),    CALL(setresuid),
	CALL(setresgid),  CALL(bind),
	CALL(listen),     CALL(connect),
	CALL(fcntl),      CALL(flock),
	CALL(setxattr),   CALL(fsetxattr),
	CALL(ioctl),      CALL(copy_file_range),
	CALL(sendfile),   CALL(splice),
	CALL(kill),       CALL(pidfd_send_signal),
};

typedef struct {
	pid_t pid;               /* 0: the place is free */
	char name[NAME_MAX_LEN]; /* "" until its parent's event has told it */
	unsigned children, count;
	bool began;   /* its first program runs, or it is no direct child of ours */
	bool stopped; /* in its first stop, waiting for its name */
} Process;

static Process *processes;
static size_t n_processes;
static FILE *out;
static const char *kill_name;
static unsigned kill_number;
static bool done;            /* killed */
static int64_t last_call_ms; /* CLOCK_MONOTONIC, of anyone */

static int64_t now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static Process *find(pid_t pid)
{
	Process *free_one = NULL;
	for (size_t i = 0; i < n_processes; i++) {
		if (processes[i].pid == pid)
			return &processes[i];
		if (processes[i].pid == 0)
			free_one = &processes[i];
	}
	if (!free_one) {
		processes = realloc(processes, (n_processes + 1) * sizeof(*processes));
		if (!processes)
			abort();
		free_one = &processes[n_processes++];
	}
	*free_one = (Process){.pid = pid};
	return free_one;
}

static void go_on(pid_t pid, int signal)
{
	(void)ptrace(PTRACE_SYSCALL, pid, 0, signal);
}

static const char *call_name(uint64_t number)
{
	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++)
		if ((uint64_t)calls[i].number == number)
			return calls[i].name;
	return NULL;
}

/* At a stop before or after a system call. */
static void on_call(Process *process)
{
	struct __ptrace_syscall_info info;
	if (ptrace(PTRACE_GET_SYSCALL_INFO, process->pid, sizeof(info), &info) <= 0 ||
	    info.op != PTRACE_SYSCALL_INFO_ENTRY || !process->began)
		return;
	const char *name = call_name(info.entry.nr);
	if (!name)
		return;
	last_call_ms = now_ms();
	process->count++;
	if (!kill_name)
		fprintf(out, "%s %u %s\n", process->name, process->count, name);
	else if (!done && process->count == kill_number && strcmp(process->name, kill_name) == 0) {
		kill(process->pid, SIGKILL);
		fprintf(out, "killed %s %u %s\n", process->name, process->count, name);
		done = true;
	}
}

/* @process has made a child, which gets its name. */
static void on_child(pid_t parent)
{
	unsigned long message = 0;
	if (ptrace(PTRACE_GETEVENTMSG, parent, 0, &message) < 0)
		return;
	Process *child = find((pid_t)message); /* may move them all */
	Process *process = find(parent);
	process->children++;
	if (snprintf(child->name, sizeof(child->name), "%s.%u", process->name, process->children) >=
	    (int)sizeof(child->name))
		abort();
	child->began = process->began;
	if (child->stopped) {
		child->stopped = false;
		go_on(child->pid, 0);
	}
}

static void on_stop(pid_t pid, int status)
{
	Process *process = find(pid);
	int signal = WSTOPSIG(status), event = status >> 16;
	switch (event) {
	case PTRACE_EVENT_FORK:
	case PTRACE_EVENT_VFORK:
	case PTRACE_EVENT_CLONE:
		on_child(pid);
		break;
	case PTRACE_EVENT_EXEC:
		process->began = true;
		break;
	case PTRACE_EVENT_STOP:
		if (!process->name[0]) {
			process->stopped = true;
			return;
		}
		/* A group stop lasts until SIGCONT; the first stop of a child does not. */
		if (signal == SIGSTOP || signal == SIGTSTP || signal == SIGTTIN ||
		    signal == SIGTTOU) {
			(void)ptrace(PTRACE_LISTEN, pid, 0, 0);
			return;
		}
		break;
	case 0:
		if (signal != (SIGTRAP | 0x80)) {
			go_on(pid, signal);
			return;
		}
		on_call(process);
		break;
	default:
		break;
	}
	go_on(pid, 0);
}

static pid_t start(const char *user, char **command)
{
	const struct passwd *entry = getpwnam(user);
	int pipes[2];
	if (!entry || pipe(pipes) < 0) {
		perror(user);
		exit(125);
	}
	pid_t child = fork();
	if (child == 0) {
		char byte;
		close(pipes[1]);
		if (read(pipes[0], &byte, 1) != 1 || close(pipes[0]) < 0 ||
		    initgroups(user, entry->pw_gid) < 0 || setgid(entry->pw_gid) < 0 ||
		    setuid(entry->pw_uid) < 0)
			_exit(125);
		execv(command[0], command);
		_exit(127);
	}
	close(pipes[0]);
	Process *process = find(child);
	strcpy(process->name, "0");
	if (child < 0 ||
	    ptrace(PTRACE_SEIZE, child, 0,
		   PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
			   PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC) < 0 ||
	    ptrace(PTRACE_INTERRUPT, child, 0, 0) < 0 || write(pipes[1], "", 1) != 1) {
		perror("cannot trace");
		exit(125);
	}
	close(pipes[1]);
	return child;
}

int main(int argc, char **argv)
{
	if (argc > 3 && strcmp(argv[1], "-k") == 0) {
		char *colon = strchr(argv[2], ':');
		if (!colon)
			return 125;
		*colon = '\0';
		kill_name = argv[2];
		kill_number = (unsigned)strtoul(colon + 1, NULL, 10);
		argv += 2;
		argc -= 2;
	}
	if (argc < 4 || !(out = fopen(argv[2], "w"))) {
		fprintf(stderr, "usage: tracer [-k PROCESS:NUMBER] USER FILE COMMAND ...\n");
		return 125;
	}
	pid_t command = start(argv[1], argv + 3);
	int64_t ended_ms = 0;
	for (;;) {
		int status;
		pid_t pid = waitpid(-1, &status, __WALL | (ended_ms ? WNOHANG : 0));
		if (pid < 0 && errno == ECHILD)
			break;
		if (pid > 0 && WIFSTOPPED(status)) {
			on_stop(pid, status);
		} else if (pid > 0) {
			find(pid)->pid = 0;
			if (pid == command)
				ended_ms = last_call_ms = now_ms();
		} else if (pid == 0) {
			if (now_ms() - last_call_ms > TAIL_MS)
				break;
			usleep(1000);
		}
		if (ended_ms && now_ms() - ended_ms > TAIL_MOST_MS)
			break;
	}
	return fclose(out) == 0 ? 0 : 125;
}
