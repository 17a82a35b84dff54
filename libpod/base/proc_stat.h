/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One line of /proc/PID/stat. Its second field is a name that the process chose and may hold
 * anything, brackets and newlines too: all others are counted from behind it. Pure but for
 * proc_stat_read().
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

typedef struct {
	char name[64]; /* as the kernel cut it; 16 bytes, more for its own threads */
	char state;    /* "RSDZTtXI" */
	pid_t parent, group, session;
	int tty;
	unsigned long long user_ticks, system_ticks, child_user_ticks, child_system_ticks;
	int nice;
	unsigned long long start; /* ticks since boot: with the pid, this very process */
	unsigned long long size;  /* bytes */
	long long resident;       /* pages */
} ProcStat;

/** proc_stat_parse() - read a line. Return: false, *@out then undefined, if it is none. */
bool proc_stat_parse(const char *text, ProcStat *out);

/** proc_stat_read() - of process @pid in the procfs @proc_fd, or -1: "/proc". Return: false if it
 * is gone. */
bool proc_stat_read(int proc_fd, pid_t pid, ProcStat *out);
