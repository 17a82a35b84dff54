/* SPDX-License-Identifier: Apache-2.0 */
#include "libpod/monitor/event_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libpod/base/fd.h"
#include "libpod/base/path.h"
#include "libpod/base/record.h"

#define EVENTS_LOCK "events.lock"

/* Begin a new file when this one is full, unless somebody else is doing that. */
static void rotate(int run_fd, const struct stat *full)
{
	struct stat st;
	g_autoptr(RecordLock) lock = record_lock(run_fd, EVENTS_LOCK, false, 0, "events", NULL);
	if (lock && fstatat(run_fd, EVENTS_FILE, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    st.st_ino == full->st_ino)
		(void)renameat(run_fd, EVENTS_FILE, run_fd, EVENTS_OLD);
}

/* The file to append to. -1 with errno. */
static int open_log(int run_fd)
{
	for (int try = 0;; try++) {
		struct stat st;
		autofd fd =
			path_open_state(run_fd, EVENTS_FILE, O_WRONLY | O_CREAT | O_APPEND, 0600);
		if (fd < 0 || fstat(fd, &st) < 0)
			return -1;
		if (st.st_size < EVENTS_FILE_MAX || try > 0)
			return fd_steal(&fd);
		rotate(run_fd, &st);
	}
}

bool event_file_append(int run_fd, Json *event)
{
	g_autofree char *line = g_strconcat(js_text(event), "\n", NULL);
	size_t size = strlen(line);
	if (size > EVENTS_LINE_MAX) {
		errno = EMSGSIZE;
		return false;
	}
	autofd fd = open_log(run_fd);
	if (fd < 0)
		return false;
	ssize_t written = write(fd, line, size);
	if (written >= 0 && written != (ssize_t)size)
		errno = ENOSPC;
	return written == (ssize_t)size;
}
