/* SPDX-License-Identifier: Apache-2.0 */
#include "libpod/base/journal.h"

#include <errno.h>
#include <glib.h>
#include <linux/sockios.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATIENCE_US (G_USEC_PER_SEC / 2)
#define LOOK_US     100

bool journal_is_stream(int fd)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long device, inode;
	struct stat st;
	int saved_errno = errno;
	bool is = stream && sscanf(stream, "%llu:%llu", &device, &inode) == 2 &&
		  fstat(fd, &st) == 0 && st.st_dev == device && st.st_ino == inode;
	errno = saved_errno;
	return is;
}

/* Has the other end read all? */
static bool wait_read(int fd, gint64 deadline)
{
	int unread;
	while (ioctl(fd, SIOCOUTQ, &unread) == 0) {
		if (unread == 0)
			return true;
		if (g_get_monotonic_time() > deadline)
			return false;
		g_usleep(LOOK_US);
	}
	return false;
}

void journal_settle(int fd)
{
	int saved_errno = errno;
	gint64 deadline = g_get_monotonic_time() + PATIENCE_US;
	/* An empty line is not logged; who reads it is done with those before. */
	if (journal_is_stream(fd) && wait_read(fd, deadline) && write(fd, "\n", 1) == 1)
		(void)wait_read(fd, deadline);
	errno = saved_errno;
}
