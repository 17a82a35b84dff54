/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The payload's cgroup: made for every run in the base that the starting command found, removed
 * with all that is left in it at the run's end. We ourselves and the uplink stand beside it.
 */
#include "libpod/monitor/monitor_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/wall.h"
#include "libpod/runtime/cgroup.h"

#define CGROUP_MESSAGE_MAX 1024
#define MEMORY_EVENTS_MAX  1024 /* a handful of short lines */

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
	if (!json || !js_dup_string(json, "name", &loop->cgroup_name, error) ||
	    !js_dup_string(json, "leaf", &loop->cgroup_leaf, error))
		return false;
	g_auto(GStrv) without = NULL;
	if (!js_get_strv(json, "without", &without, error))
		return false;
	for (size_t i = 0; without && without[i]; i++)
		resources_drop(&loop->task->config->resources, without[i]);
	return loop->cgroup_name ||
	       error_set(error, ENGINE_ERROR_CORRUPT, "the container's cgroup has no name");
}

/* A payload that divides its cgroup owns it, whatever its user namespace. */
static bool delegate(const MonitorLoop *loop)
{
	const OciConfig *config = loop->task->config;
	const IdMap *map = config->user_map;
	return !map || !oci_config_divides_cgroup(config) ||
	       cgroup_delegate(loop->cgroup_fd, idmap_root(map->uids), idmap_root(map->gids));
}

bool monitor_cgroup_open(MonitorLoop *loop, GError **error)
{
	/* The top of what it saw would be the cgroup that we are in, with whoever else is there. */
	if (loop->cgroup_base < 0 && loop->task->systemd && wall_stands("sealed-cgroups"))
		oci_config_seal_cgroup(loop->task->config);
	if (loop->cgroup_base < 0)
		return true;
	loop->cgroup_fd = cgroup_make(loop->cgroup_base, loop->cgroup_name, error);
	if (loop->cgroup_fd < 0)
		return false;
	loop->cgroup_leaf_fd =
		loop->cgroup_leaf ? cgroup_make(loop->cgroup_fd, loop->cgroup_leaf, error) : -1;
	if (loop->cgroup_leaf && loop->cgroup_leaf_fd < 0)
		return false;
	if (!delegate(loop))
		return error_set_errno(error, "cannot give the cgroup to the container");
	/* One that a killed run left may be frozen. */
	(void)cgroup_freeze(loop->cgroup_fd, false);
	loop->memory_events =
		openat(loop->cgroup_fd, "memory.events", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	return true;
}

/*
 * The kernel counts before it kills, so who has seen the end of a process sees the count, too.
 * Reading arms the next notification. The first of a run is an event.
 */
static void read_oom(MonitorLoop *loop)
{
	char text[MEMORY_EVENTS_MAX];
	ssize_t n =
		loop->memory_events < 0 ? -1 : pread(loop->memory_events, text, sizeof text - 1, 0);
	if (n <= 0)
		return;
	text[n] = '\0';
	const char *count = strstr(text, "\noom_kill ");
	if (loop->oom || !count || count[strlen("\noom_kill ")] == '0')
		return;
	loop->oom = true;
	monitor_event(loop, "oom");
}

/* A process of the container was killed and the container goes on: `inspect` says so. */
static void on_memory_events(MonitorLoop *loop, void *data, short revents)
{
	g_autoptr(GError) error = NULL;
	bool before = loop->oom;
	read_oom(loop);
	if (!before && loop->oom && loop->phase == MONITOR_RUNNING &&
	    !monitor_write_run_record(loop, &error))
		log_warn("cannot record that memory ran out: %s", error->message);
}

int monitor_cgroup_for_exec(const MonitorLoop *loop)
{
	if (loop->cgroup_fd < 0 || !oci_config_divides_cgroup(loop->task->config))
		return fcntl(loop->cgroup_fd, F_DUPFD_CLOEXEC, 0);
	/* Where it has divided, the kernel takes no process but in a leaf; its first one is in one.
	 */
	int fd = cgroup_open_member(loop->cgroup_fd, loop->cgroup_name, loop->launch.pid);
	return fd < 0 ? fcntl(loop->cgroup_fd, F_DUPFD_CLOEXEC, 0) : fd;
}

void monitor_cgroup_prepare(MonitorLoop *loop)
{
	if (loop->memory_events >= 0)
		monitor_poll_add(loop, loop->memory_events, POLLPRI, on_memory_events, NULL);
}

bool monitor_cgroup_pause(MonitorLoop *loop, bool pause, GError **error)
{
	if (loop->phase != MONITOR_RUNNING)
		return error_set(error, ENGINE_ERROR_BAD_STATE, "the container is not running");
	if (loop->cgroup_fd < 0)
		return error_set(error, ENGINE_ERROR_UNSUPPORTED, "the container has no cgroup");
	if (loop->paused == pause)
		return error_set(error, ENGINE_ERROR_BAD_STATE, "the container is %s",
				 pause ? "already paused" : "not paused");
	if (!cgroup_freeze(loop->cgroup_fd, pause))
		return error_set_errno(error, "cannot %s the container's cgroup",
				       pause ? "freeze" : "thaw");
	loop->paused = pause;
	if (monitor_write_run_record(loop, error))
		return true;
	/* Nobody would know that it stands still. */
	loop->paused = !pause;
	(void)cgroup_freeze(loop->cgroup_fd, loop->paused);
	return false;
}

bool monitor_cgroup_update(MonitorLoop *loop, const OciResources *changes, GError **error)
{
	if (loop->cgroup_base < 0)
		return true;
	OciResources *limits = &loop->task->config->resources;
	g_auto(OciResources) merged = {0};
	resources_merge(&merged, limits);
	resources_merge(&merged, changes);
	if (loop->cgroup_fd >= 0 && !resources_apply(&merged, loop->cgroup_fd, error))
		return false;
	if (loop->cgroup_fd >= 0 && loop->memory_events < 0)
		loop->memory_events =
			openat(loop->cgroup_fd, "memory.events", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	resources_merge(limits, changes);
	return true;
}

bool monitor_is_paused(const MonitorLoop *loop)
{
	char text[4] = "";
	if (loop->paused || loop->cgroup_fd < 0)
		return loop->paused;
	autofd fd = openat(loop->cgroup_fd, "cgroup.freeze", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	return fd >= 0 && read(fd, text, sizeof text - 1) > 0 && text[0] == '1';
}

void monitor_cgroup_close(MonitorLoop *loop)
{
	if (loop->cgroup_fd < 0)
		return;
	read_oom(loop);
	fd_close(&loop->memory_events);
	loop->paused = false;
	fd_close(&loop->cgroup_leaf_fd);
	fd_close(&loop->cgroup_fd);
	if (!cgroup_remove(loop->cgroup_base, loop->cgroup_name))
		log_warn("cannot remove the container's cgroup: %s", strerror(errno));
}
