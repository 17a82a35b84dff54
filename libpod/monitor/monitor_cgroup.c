/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The payload's cgroup: made for every run in the base that the starting command found, removed
 * with all that is left in it at the run's end. We ourselves and the uplink stand beside it.
 */
#include "libpod/monitor/monitor_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/runtime/cgroup.h"

#define CGROUP_MESSAGE_MAX 512

bool monitor_cgroup_receive(MonitorLoop *loop, GError **error)
{
	if (!loop->task->cgroup)
		return true;
	char text[CGROUP_MESSAGE_MAX];
	MessageType type;
	size_t n_fds = 0;
	ssize_t size = message_receive(MONITOR_FD_CONTROL, &type, text, sizeof text,
				       &loop->cgroup_base, 1, &n_fds);
	if (size < 0)
		return error_set_errno(error, "cannot hear of the container's cgroup");
	if (type == 0)
		return error_set(error, ENGINE_ERROR_CANCELLED, "the starting command has gone");
	if (type != MESSAGE_CGROUP)
		return error_set(error, ENGINE_ERROR_CORRUPT, "expected the container's cgroup");
	if (n_fds == 0) {
		loop->cgroup_base = -1;
		return true;
	}
	g_autoptr(Json) json = message_parse(text, (size_t)size, error);
	if (!json || !js_dup_string(json, "name", &loop->cgroup_name, error))
		return false;
	return loop->cgroup_name ||
	       error_set(error, ENGINE_ERROR_CORRUPT, "the container's cgroup has no name");
}

bool monitor_cgroup_open(MonitorLoop *loop, GError **error)
{
	if (loop->cgroup_base < 0)
		return true;
	loop->cgroup_fd = cgroup_make(loop->cgroup_base, loop->cgroup_name, error);
	return loop->cgroup_fd >= 0;
}

bool monitor_is_paused(const MonitorLoop *loop)
{
	char text[4] = "";
	if (loop->paused || loop->cgroup_fd < 0)
		return loop->paused;
	autofd fd = openat(loop->cgroup_fd, "cgroup.freeze", O_RDONLY | O_CLOEXEC);
	return fd >= 0 && read(fd, text, sizeof text - 1) > 0 && text[0] == '1';
}

void monitor_cgroup_close(MonitorLoop *loop)
{
	if (loop->cgroup_fd < 0)
		return;
	fd_close(&loop->cgroup_fd);
	if (!cgroup_remove(loop->cgroup_base, loop->cgroup_name))
		log_warn("cannot remove the container's cgroup: %s", strerror(errno));
}
