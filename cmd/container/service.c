/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/container/service.h"

#include <fcntl.h>
#include <unistd.h>

#include "libpod/base/fd.h"
#include "libpod/base/log.h"
#include "libpod/base/units.h"
#include "libpod/runtime/launch.h"

int service_describe(ContainerStart *start)
{
	const char *pid_text = g_getenv("LISTEN_PID"), *count_text = g_getenv("LISTEN_FDS");
	uint64_t pid = 0, count = 0;
	start->notify_socket = g_getenv("NOTIFY_SOCKET");
	if (start->notify_socket && !*start->notify_socket)
		start->notify_socket = NULL;
	if (!pid_text || !count_text || !units_parse_uint(pid_text, G_MAXINT32, &pid, NULL) ||
	    (pid_t)pid != getpid() ||
	    !units_parse_uint(count_text, LAUNCH_PRESERVE_MAX, &count, NULL))
		return 0;
	for (int i = 0; i < (int)count; i++) {
		if (fd_set_cloexec(i + 3, true))
			continue;
		log_warn("socket %d of the service manager is missing", i + 3);
		return 0;
	}
	start->listen_fds = (int)count;
	start->listen_names = count > 0 ? g_getenv("LISTEN_FDNAMES") : NULL;
	return (int)count;
}
