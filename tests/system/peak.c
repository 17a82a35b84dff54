/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a command and waits for it and for all that it leaves behind (a monitor, its container);
 * writes the largest resident size that any of them had, in KiB, to FILE. Exits with the command's
 * code. It is small itself, since what a process had before its execve counts, too.
 *
 *	peak FILE COMMAND [ARG...]
 */
#include <errno.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	int status, code = 127;
	pid_t ended, child;
	struct rusage usage;
	if (argc < 3 || prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
		return 127;
	child = fork();
	if (child == 0) {
		execv(argv[2], argv + 2);
		_exit(127);
	}
	while ((ended = wait(&status)) > 0 || errno == EINTR) {
		if (ended == child)
			code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	}
	FILE *file = fopen(argv[1], "we");
	if (!file || getrusage(RUSAGE_CHILDREN, &usage) < 0 ||
	    fprintf(file, "%ld\n", usage.ru_maxrss) < 0 || fclose(file) != 0)
		return 127;
	return code;
}
