/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counts the state-changing system calls of a command, process by process, and kills one of the
 * processes before one of its calls, or has one of its calls fail:
 *
 *     tracer USER FILE COMMAND ...               every call, a line "PROCESS NUMBER NAME ARG0 ARG1"
 *     tracer -k PROCESS:NUMBER USER FILE ...     SIGKILL there, a line "killed PROCESS NUMBER NAME"
 *     tracer -a USER FILE COMMAND ...            as the first, but counts calls that only read, too
 *     tracer -e PROCESS:NUMBER:ERRNO USER FILE   counts as -a; the call is not made and gives
 * ERRNO: "failed PROCESS NUMBER NAME"; what comes of it: "ended CODE", "died PROCESS SIGNAL NAME"
 * of a crash
 *
 * The command is process "0", its second child "0.2", and so on, in the order in which each process
 * makes its children, so that a process keeps its name from run to run. A thread counts as a child.
 * Calls are counted from a process's beginning, across execve; of the command itself from its first
 * program on. -a and -e leave out what the dynamic loader and the sanitizers' run time call. Runs
 * as root: programs that are set-user-id work under a tracer then. What outlives the command is
 * watched until it is quiet for TAIL_MS, at most for TAIL_MOST_MS, and then left to itself. strace
 * counts each system call of a set apart, and cannot choose the process.
 */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
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
typedef struct {
	long number;
	const char *name;
} Call;

static const Call calls[] = {
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

/* What only -a and -e count. */
static const Call reading_calls[] = {
	CALL(read),
	CALL(pread64),
	CALL(readv),
	CALL(getdents64),
	CALL(stat),
	CALL(fstat),
	CALL(lstat),
	CALL(newfstatat),
	CALL(statx),
	CALL(readlink),
	CALL(readlinkat),
	CALL(access),
	CALL(faccessat),
	CALL(faccessat2),
	CALL(statfs),
	CALL(fstatfs),
	CALL(fgetxattr),
	CALL(flistxattr),
	CALL(lseek),
	CALL(socket),
	CALL(socketpair),
	CALL(accept4),
	CALL(recvmsg),
	CALL(recvfrom),
	CALL(pipe2),
	CALL(dup),
	CALL(dup2),
	CALL(dup3),
	CALL(epoll_create1),
	CALL(epoll_ctl),
	CALL(epoll_pwait),
	CALL(epoll_wait),
	CALL(poll),
	CALL(ppoll),
	CALL(eventfd2),
	CALL(signalfd4),
	CALL(timerfd_create),
	CALL(timerfd_settime),
	CALL(inotify_init1),
	CALL(inotify_add_watch),
	CALL(memfd_create),
	CALL(pidfd_open),
	CALL(prctl),
	CALL(capset),
	CALL(setgroups),
	CALL(setsid),
	CALL(chdir),
	CALL(fchdir),
	CALL(wait4),
	CALL(waitid),
	CALL(utimensat),
	CALL(prlimit64),
	CALL(sched_setaffinity),
	CALL(seccomp),
	CALL(setsockopt),
	CALL(getsockopt),
	CALL(getrandom),
	CALL(close_range),
	CALL(sethostname),
	CALL(shutdown),
};

typedef struct {
	pid_t pid;               /* 0: the place is free */
	char name[NAME_MAX_LEN]; /* "" until its parent's event has told it */
	unsigned children, count;
	bool began;   /* its first program runs, or it is no direct child of ours */
	bool failing; /* its call has been taken away and will give the error */
	bool stopped; /* in its first stop, waiting for its name */
} Process;

static Process *processes;
static size_t n_processes;
static FILE *out;
static const char *fault_name; /* of the process, NULL: none, only count */
static unsigned fault_number;
static int fault_error;      /* 0: SIGKILL */
static bool reading;         /* reading calls count, the loader's do not */
static bool done;            /* the fault has been injected */
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

static const char *name_in(const Call *table, size_t n, uint64_t number)
{
	for (size_t i = 0; i < n; i++)
		if ((uint64_t)table[i].number == number)
			return table[i].name;
	return NULL;
}

static const char *call_name(uint64_t number)
{
	const char *name = name_in(calls, sizeof(calls) / sizeof(*calls), number);
	if (!name && reading)
		name = name_in(reading_calls, sizeof(reading_calls) / sizeof(*reading_calls),
			       number);
	return name;
}

/* Whether the code at @address of the process is the program's or the C library's. */
static bool of_program(pid_t pid, uint64_t address)
{
	char path[64], line[512];
	bool found = false, foreign = false;
	snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	FILE *maps = fopen(path, "r");
	while (maps && !found && fgets(line, sizeof(line), maps)) {
		unsigned long from, to;
		found = sscanf(line, "%lx-%lx", &from, &to) == 2 && address >= from && address < to;
		foreign = found && (strstr(line, "/ld-linux") || strstr(line, "/libasan.") ||
				    strstr(line, "/libubsan."));
	}
	if (maps)
		fclose(maps);
	return !foreign;
}

static void set_register(pid_t pid, size_t offset, long value)
{
	if (ptrace(PTRACE_POKEUSER, pid, offset, value) < 0)
		fprintf(out, "broken %s\n", strerror(errno));
}

static void inject(Process *process, const char *name)
{
	done = true;
	fprintf(out, "%s %s %u %s\n", fault_error ? "failed" : "killed", process->name,
		process->count, name);
	if (!fault_error) {
		kill(process->pid, SIGKILL);
		return;
	}
	process->failing = true;
	set_register(process->pid, offsetof(struct user, regs.orig_rax), -1);
}

/* At a stop before or after a system call. */
static void on_call(Process *process)
{
	struct __ptrace_syscall_info info;
	if (ptrace(PTRACE_GET_SYSCALL_INFO, process->pid, sizeof(info), &info) <= 0 ||
	    !process->began)
		return;
	if (process->failing && info.op == PTRACE_SYSCALL_INFO_EXIT) {
		process->failing = false;
		set_register(process->pid, offsetof(struct user, regs.rax), -fault_error);
	}
	if (info.op != PTRACE_SYSCALL_INFO_ENTRY)
		return;
	const char *name = call_name(info.entry.nr);
	if (!name || (reading && !of_program(process->pid, info.instruction_pointer)))
		return;
	last_call_ms = now_ms();
	process->count++;
	if (!fault_name)
		fprintf(out, "%s %u %s %lld %lld\n", process->name, process->count, name,
			(long long)info.entry.args[0], (long long)info.entry.args[1]);
	else if (!done && process->count == fault_number && strcmp(process->name, fault_name) == 0)
		inject(process, name);
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

/* A process has ended: tells of the command's end and of crashes. */
static void on_end(pid_t pid, int status, bool is_command)
{
	Process *process = find(pid);
	int signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	if (fault_error && is_command)
		fprintf(out, "ended %d\n", signal ? 128 + signal : WEXITSTATUS(status));
	if (fault_error &&
	    (signal == SIGSEGV || signal == SIGABRT || signal == SIGBUS || signal == SIGILL ||
	     signal == SIGFPE || signal == SIGTRAP || signal == SIGSYS))
		fprintf(out, "died %s %d %s\n", process->name, signal, strsignal(signal));
	process->pid = 0;
}

/* Takes the options; returns the first argument behind them, or 0. */
static int parse(int argc, char **argv)
{
	for (int option; (option = getopt(argc, argv, "+ak:e:")) != -1;) {
		reading |= option == 'a' || option == 'e';
		if (option == 'a')
			continue;
		char *colon = option == '?' ? NULL : strchr(optarg, ':');
		if (!colon)
			return 0;
		*colon = '\0';
		fault_name = optarg;
		fault_number = (unsigned)strtoul(colon + 1, &colon, 10);
		if (option == 'e')
			fault_error = *colon == ':' ? atoi(colon + 1) : 0;
		if (option == 'e' && fault_error <= 0)
			return 0;
	}
	return argc - optind < 3 ? 0 : optind;
}

int main(int argc, char **argv)
{
	int first = parse(argc, argv);
	if (!first || !(out = fopen(argv[first + 1], "w"))) {
		fprintf(stderr, "usage: tracer [-a] [-k PROCESS:NUMBER] [-e PROCESS:NUMBER:ERRNO] "
				"USER FILE COMMAND ...\n");
		return 125;
	}
	pid_t command = start(argv[first], argv + first + 2);
	int64_t ended_ms = 0;
	for (;;) {
		int status;
		pid_t pid = waitpid(-1, &status, __WALL | (ended_ms ? WNOHANG : 0));
		if (pid < 0 && errno == ECHILD)
			break;
		if (pid > 0 && WIFSTOPPED(status)) {
			on_stop(pid, status);
		} else if (pid > 0) {
			on_end(pid, status, pid == command);
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
