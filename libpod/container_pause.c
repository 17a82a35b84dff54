/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pause and unpause: the freezer of the container's cgroup.
 *
 * The monitor writes to it and says so in run.json; we wait for the kernel's word that all stand
 * still. Killed in between, we leave a container that is paused, or will be in a moment.
 */
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/container_cgroup.h"
#include "libpod/container_priv.h"
#include "libpod/events.h"
#include "libpod/monitor/control.h"
#include "libpod/runtime/cgroup.h"

#define FREEZE_TIMEOUT_MS 10000 /* a process that waits for a disk freezes when it has it */

/* podman's words for what cannot be paused, or go on. */
static bool check_state(const Container *ctr, bool pause, GError **error)
{
	const ContainerSummary *s = &ctr->summary;
	if (!pause && s->state != CONTAINER_PAUSED)
		return error_set(error, ENGINE_ERROR_BAD_STATE,
				 "\"%s\" is not paused, can't unpause: container state improper",
				 s->id);
	if (pause && s->state == CONTAINER_PAUSED)
		return error_set(error, ENGINE_ERROR_BAD_STATE,
				 "\"%s\" is already paused: container state improper", s->id);
	if (pause && s->state != CONTAINER_RUNNING)
		return error_set(error, ENGINE_ERROR_BAD_STATE,
				 "\"%s\" is not running, can't pause: container state improper",
				 container_state_name(s->state));
	return true;
}

bool container_pause_check(bool pause, GError **error)
{
	if (cgroup_is_unified())
		return true;
	error_set(error, ENGINE_ERROR_UNSUPPORTED,
		  geteuid() != 0 ? "%s is not supported for cgroupv1 rootless containers"
				 : "%s is not supported on a host with cgroup v1",
		  pause ? "pause" : "unpause");
	error_add_help(error, "pausing needs cgroup v2 alone: boot this host with "
			      "systemd.unified_cgroup_hierarchy=1");
	return false;
}

/* Only a cgroup has a freezer. */
static bool refuse_without_cgroup(const Container *ctr, GError **error)
{
	error_set(error, ENGINE_ERROR_UNSUPPORTED,
		  "cannot pause container %s: this container does not have a cgroup",
		  ctr->summary.id);
	error_add_help(error, "start it with a limit or with --cgroups=enabled");
	return false;
}

/* Wait until all stand still; what does not is let go. */
static bool wait_frozen(Container *ctr, const char *path, GError **error)
{
	autofd fd = cgroup_open(path, error);
	if (fd < 0)
		return false;
	if (cgroup_wait_frozen(fd, FREEZE_TIMEOUT_MS))
		return true;
	(void)control_pause(container_run_fd(ctr), false, NULL);
	return error_set(error, ENGINE_ERROR_TIMEOUT,
			 "the processes of container %s do not stand still", ctr->summary.id);
}

bool container_pause(Container *ctr, bool pause, GError **error)
{
	g_autoptr(RecordLock) op = container_lock(ctr, -1, pause ? "pause" : "unpause", error);
	if (!op || !container_reload(ctr, error) || !check_state(ctr, pause, error))
		return false;
	g_autofree char *path = container_cgroup_path(ctr);
	if (!path)
		return refuse_without_cgroup(ctr, error);
	if (!control_pause(container_run_fd(ctr), pause, error) ||
	    (pause && !wait_frozen(ctr, path, error)))
		return false;
	ctr->summary.state = pause ? CONTAINER_PAUSED : CONTAINER_RUNNING;
	event_container(ctr->engine, ctr, pause ? "pause" : "unpause");
	return true;
}
