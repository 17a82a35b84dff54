/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waiting for the end of containers, or for their health.
 */
#include "libpod/container_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/container_exit_watch.h"

/* Between two looks at a lock or at the health that is waited for. */
#define LIFE_LOOK_MS   20
#define HEALTH_LOOK_MS 50

/* Its run.json is lost, so who the monitor is is not known: look at its lock now and then. */
static int wait_life(Container *ctr, int timeout_ms)
{
	int64_t deadline = g_get_monotonic_time() + (int64_t)timeout_ms * 1000;
	while (container_life_is_held(ctr)) {
		if (timeout_ms >= 0 && g_get_monotonic_time() >= deadline)
			return 0;
		poll(NULL, 0, LIFE_LOOK_MS);
	}
	return 1;
}

int container_wait_exit(Container *ctr, int timeout_ms, GError **error)
{
	autofd monitor = record_open_process(ctr->summary.monitor_pid, ctr->monitor_start);
	if (monitor < 0)
		return ctr->summary.monitor_pid > 0 ? 1 : wait_life(ctr, timeout_ms);
	struct pollfd poll_fd = {.fd = monitor, .events = POLLIN};
	int64_t deadline = timeout_ms < 0 ? 0 : g_get_monotonic_time() + (int64_t)timeout_ms * 1000;
	for (;;) {
		int left = -1;
		if (timeout_ms >= 0)
			left = (int)MAX((deadline - g_get_monotonic_time() + 999) / 1000, 0);
		int n = poll(&poll_fd, 1, left);
		if (n >= 0)
			return n;
		if (errno != EINTR) {
			error_set_errno(error, "cannot wait for container %s", ctr->summary.id);
			return -1;
		}
	}
}

bool container_wait(Container *ctr, bool removed, int *out_code, bool *out_known, GError **error)
{
	g_auto(ExitWatch) watch = exit_watch_open(ctr);
	const ContainerSpec *spec = container_spec(ctr, NULL);
	bool runs_once = spec && spec->restart == RESTART_NO;
	while (ctr->summary.state == CONTAINER_RUNNING ||
	       ctr->summary.state == CONTAINER_INITIALIZED ||
	       ctr->summary.state == CONTAINER_RESTARTING ||
	       ctr->summary.state == CONTAINER_STOPPING || ctr->summary.state == CONTAINER_PAUSED) {
		if (container_wait_exit(ctr, -1, error) < 0)
			return false;
		if (ctr->summary.monitor_pid == 0)
			g_usleep(2000); /* it is being started */
		g_autoptr(GError) gone = NULL;
		if (!container_reload(ctr, &gone)) {
			/* It was removed, or is a --rm container that went with its monitor. */
			if (!error_matches(gone, ENGINE_ERROR_NOT_FOUND)) {
				g_propagate_error(error, g_steal_pointer(&gone));
				return false;
			}
			*out_code = 255;
			*out_known = runs_once && exit_watch_code(&watch, out_code);
			return true;
		}
	}
	*out_code = ctr->summary.exit_code;
	*out_known = ctr->summary.exit_known || exit_watch_tell(&watch, ctr, out_code);
	while (removed) {
		struct stat st;
		if (fstatat(store_dir(engine_store(ctr->engine), "containers"), ctr->dir_name, &st,
			    AT_SYMLINK_NOFOLLOW) < 0)
			break;
		g_usleep(20000);
	}
	return true;
}

bool container_wait_health(Container *ctr, const char *wanted, GError **error)
{
	const ContainerSpec *spec = container_spec(ctr, error);
	if (!spec)
		return false;
	if (!health_config_has_probe(spec->health))
		return error_set(error, ENGINE_ERROR_BAD_STATE,
				 "container %s has no defined healthcheck", ctr->summary.id);
	while (g_strcmp0(ctr->summary.health, wanted) != 0) {
		if (!container_is_live(ctr))
			return error_set(error, ENGINE_ERROR_BAD_STATE,
					 "container %s is not running", ctr->summary.id);
		if (ctr->summary.monitor_pid == 0)
			g_usleep(HEALTH_LOOK_MS * 1000); /* it is being started */
		else if (container_wait_exit(ctr, HEALTH_LOOK_MS, error) < 0)
			return false;
		if (!container_reload(ctr, error))
			return false;
	}
	return true;
}
