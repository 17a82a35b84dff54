/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs inside a container and attacks whoever comes in: looks at every new process until told to
 * stop, and prints a line for each of ours that it could open, trace or write to before it became
 * the payload. With "programs" it stops, instead, what runs a program that is none of the
 * container's, and says once whether that program could be written.
 *
 *	incident_watch SECONDS [programs]
 */
#include <dirent.h>
#include <signal.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int looked;

/* Is this still the program of the engine, whatever its name, not yet the payload "true"? */
static int is_engine(int pid)
{
	char path[64], name[64] = "";
	snprintf(path, sizeof path, "/proc/%d/comm", pid);
	int fd = openat(AT_FDCWD, path, O_RDONLY);
	if (fd >= 0) {
		ssize_t n = read(fd, name, sizeof name - 1);
		name[n > 0 ? n : 0] = '\0';
		close(fd);
	}
	return *name && strcmp(name, "true\n") != 0 && strcmp(name, "watch\n") != 0;
}

/* The descriptors of a process (their numbers anybody of the same user sees), and among them any
 * that leads to a file or directory of the host.
 */
static void look_at_descriptors(int pid)
{
	char path[64], name[320], target[256];
	snprintf(path, sizeof path, "/proc/%d/fd", pid);
	DIR *dir = opendir(path);
	struct dirent *entry;
	if (!dir)
		return;
	while ((entry = readdir(dir))) {
		snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
		ssize_t n = readlink(name, target, sizeof target - 1);
		target[n > 0 ? n : 0] = '\0';
		if (n > 0 && is_engine(pid))
			printf("read a descriptor's name\n");
		/* "/" is the container's own root, and what it holds is the container's. */
		if (*target == '/' && target[1] && strcmp(target, "/dev/null") != 0 &&
		    strncmp(target, "/memfd:", 7) != 0 && strncmp(target, "/etc/", 5) != 0 &&
		    is_engine(pid))
			printf("found %s\n", target);
	}
	closedir(dir);
}

/* Ways in; each must fail for a process that is not the payload yet. */
static void attack(int pid)
{
	char path[64], target[256];
	looked++;
	snprintf(path, sizeof path, "/proc/%d/exe", pid);
	ssize_t n = readlink(path, target, sizeof target - 1);
	int fd = openat(AT_FDCWD, path, O_WRONLY);
	if (fd >= 0 && is_engine(pid))
		printf("opened the program for writing\n");
	if (fd >= 0)
		close(fd);
	if (n > 0 && is_engine(pid))
		printf("read the name of the program\n");
	look_at_descriptors(pid);
	snprintf(path, sizeof path, "/proc/%d/mem", pid);
	fd = openat(AT_FDCWD, path, O_RDWR);
	if (fd >= 0 && is_engine(pid))
		printf("opened the memory\n");
	if (fd >= 0)
		close(fd);
	if (ptrace(PTRACE_SEIZE, pid, 0, 0) == 0) {
		if (is_engine(pid))
			printf("attached\n");
		ptrace(PTRACE_INTERRUPT, pid, 0, 0);
		waitpid(pid, NULL, __WALL);
		ptrace(PTRACE_DETACH, pid, 0, 0);
	}
}

/* Is the program of a process one of ours, and can it be written? Programs of the container lie in
 * "/bin" and "/watch". A busy program is told apart from a read-only mount, which access() knows.
 */
static int judge_program(int pid)
{
	char path[64], target[256];
	snprintf(path, sizeof path, "/proc/%d/exe", pid);
	ssize_t n = readlink(path, target, sizeof target - 1);
	target[n > 0 ? n : 0] = '\0';
	if (n <= 0 || strncmp(target, "/bin/", 5) == 0 || strcmp(target, "/watch") == 0)
		return 0;
	kill(pid, SIGSTOP);
	int error = faccessat(AT_FDCWD, path, W_OK, 0) == 0 ? 0 : errno;
	kill(pid, SIGCONT);
	if (error == 0)
		puts("a program that can be written");
	else if (error == EROFS)
		puts("a program on a read-only mount");
	else if (error != ENOENT)
		printf("a program: %s\n", strerror(error));
	return error != ENOENT;
}

static int watch_programs(time_t end)
{
	for (int found = 0; !found && time(NULL) < end;) {
		DIR *proc = opendir("/proc");
		struct dirent *entry;
		while (proc && !found && (entry = readdir(proc)))
			found = atoi(entry->d_name) > 1 && judge_program(atoi(entry->d_name));
		if (proc)
			closedir(proc);
	}
	while (time(NULL) < end)
		sleep(1);
	return 0;
}

int main(int argc, char **argv)
{
	time_t end = time(NULL) + (argc > 1 ? atoi(argv[1]) : 5);
	int engine = 0, last = 0;
	setvbuf(stdout, NULL, _IOLBF, 0);
	puts("watching");
	if (argc > 2 && strcmp(argv[2], "programs") == 0)
		return watch_programs(end);
	while (time(NULL) < end) {
		DIR *proc = opendir("/proc");
		struct dirent *entry;
		while (proc && (entry = readdir(proc))) {
			int pid = atoi(entry->d_name);
			if (pid <= 1 || pid == getpid() || !is_engine(pid))
				continue;
			engine += pid != last;
			last = pid;
			attack(pid);
		}
		if (proc)
			closedir(proc);
	}
	printf("saw %d, looked %d times\n", engine, looked);
	return 0;
}
