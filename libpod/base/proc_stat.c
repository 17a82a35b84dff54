/* SPDX-License-Identifier: Apache-2.0 */
#include "libpod/base/proc_stat.h"

#include <fcntl.h>
#include <glib.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "libpod/base/fd.h"

/* What stands behind the name, from field 3 to field 24. */
#define FIELDS                                                                                     \
	") %c %d %d %d %d %*d %*u %*u %*u %*u %*u %llu %llu %llu %llu %*d %d %*d %*d %llu %llu "   \
	"%lld"
#define N_FIELDS 13

bool proc_stat_parse(const char *text, ProcStat *out)
{
	const char *name = strchr(text, '(');
	const char *end = strrchr(text, ')');
	if (!name || !end || end < name)
		return false;
	size_t size = MIN((size_t)(end - name - 1), sizeof out->name - 1);
	memcpy(out->name, name + 1, size);
	out->name[size] = '\0';
	return sscanf(end, FIELDS, &out->state, &out->parent, &out->group, &out->session, &out->tty,
		      &out->user_ticks, &out->system_ticks, &out->child_user_ticks,
		      &out->child_system_ticks, &out->nice, &out->start, &out->size,
		      &out->resident) == N_FIELDS;
}

bool proc_stat_read(int proc_fd, pid_t pid, ProcStat *out)
{
	char path[48], text[1024];
	g_snprintf(path, sizeof path, proc_fd < 0 ? "/proc/%d/stat" : "%d/stat", (int)pid);
	autofd fd = openat(proc_fd < 0 ? AT_FDCWD : proc_fd, path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
	if (n <= 0)
		return false;
	text[n] = '\0';
	return proc_stat_parse(text, out);
}
