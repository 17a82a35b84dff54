/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs inside a container and attacks whoever comes in: looks at every new process until told to
 *stop, and prints a line for each of ours that it could open, trace or write to before it became
 *the payload.
 *
 *	incident_watch SECONDS
 */
#include <dirent.h>
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

int main(int argc, char **argv)
{
	time_t end = time(NULL) + (argc > 1 ? atoi(argv[1]) : 5);
	int engine = 0, last = 0;
	setvbuf(stdout, NULL, _IOLBF, 0);
	puts("watching");
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
