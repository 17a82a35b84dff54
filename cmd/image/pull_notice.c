/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/image/pull_notice.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libpod/base/fd.h"
#include "libpod/base/notify.h"

#define ROUND_MS 5000
#define EXTRA_US 60000000 /* each time: much more than a round */

/* The child: until the other end of @stop_fd is closed, in whatever way. */
static void tell(const char *socket, const char *image, int stop_fd)
{
	struct pollfd stop = {.fd = stop_fd, .events = POLLIN};
	for (int seconds = 0;; seconds += ROUND_MS / 1000) {
		g_autofree char *words =
			g_strdup_printf("STATUS=Pulling %s (%d s)\nEXTEND_TIMEOUT_USEC=%d", image,
					seconds, EXTRA_US);
		(void)notify_send(socket, words);
		int ready = poll(&stop, 1, ROUND_MS);
		if (ready > 0 || (ready < 0 && errno != EINTR))
			return;
	}
}

PullNotice pull_notice_begin(const char *image)
{
	PullNotice none = {.pid = 0, .stop_fd = -1};
	const char *socket = g_getenv("NOTIFY_SOCKET");
	int ends[2];
	if (!socket || !*socket || pipe2(ends, O_CLOEXEC) < 0)
		return none;
	autofd theirs = ends[0];
	autofd ours = ends[1];
	pid_t pid = fork();
	if (pid == 0) {
		fd_close(&ours);
		tell(socket, image, theirs);
		_exit(0);
	}
	return pid < 0 ? none : (PullNotice){.pid = pid, .stop_fd = fd_steal(&ours)};
}

void pull_notice_end(PullNotice *notice)
{
	fd_close(&notice->stop_fd);
	if (notice->pid <= 0)
		return;
	while (waitpid(notice->pid, NULL, 0) < 0 && errno == EINTR)
		;
	(void)notify_send(g_getenv("NOTIFY_SOCKET"), "STATUS=");
	notice->pid = 0;
}
