/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signals to containers, and their stop: asked for at once, waited for one after the other.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "libpod/base/error.h"
#include "libpod/base/log.h"
#include "libpod/base/path.h"
#include "libpod/container_priv.h"
#include "libpod/events.h"
#include "libpod/monitor/control.h"

#define KILL_TIMEOUT_MS 30000 /* between SIGKILL and the end of the monitor */
#define DAY_S           86400 /* a longer time to stop is none at all */

/* Send a signal to init through the monitor; a monitor that is gone is not an error: the container
 * is, too. */
static bool signal_live(Container *ctr, int signum, bool all, GError **error)
{
	int run_fd = container_run_fd(ctr);
	g_autoptr(GError) failed = NULL;
	if (run_fd >= 0 && control_signal(run_fd, signum, all, &failed))
		return true;
	if (!container_life_is_held(ctr) ||
	    (failed && error_matches(failed, ENGINE_ERROR_BAD_STATE)))
		return true;
	if (failed)
		g_propagate_error(error, g_steal_pointer(&failed));
	else
		error_set_errno(error, "cannot reach the monitor of container %s", ctr->summary.id);
	return false;
}

bool container_kill(Container *ctr, int signum, GError **error)
{
	if (ctr->summary.state != CONTAINER_RUNNING && ctr->summary.state != CONTAINER_PAUSED)
		return error_set(error, ENGINE_ERROR_BAD_STATE,
				 "can only kill running containers. %s is in state %s: container "
				 "state improper",
				 ctr->summary.id, container_state_name(ctr->summary.state));
	if (!signal_live(ctr, signum, false, error))
		return false;
	event_container(ctr->engine, ctr, "kill");
	return true;
}

/*
 * What the container asked for: its signal and how long it may take (-1: for ever). One whose
 * create.json is damaged can be stopped, too: as if it had asked for nothing.
 */
static void stop_terms(Container *ctr, int timeout_s, int *out_signal, int *out_timeout_ms)
{
	g_autoptr(GError) broken = NULL;
	const ContainerSpec *spec = container_spec(ctr, &broken);
	if (!spec)
		log_warn("%s", broken->message);
	int seconds = timeout_s >= 0                    ? timeout_s
		      : spec && spec->stop_timeout >= 0 ? spec->stop_timeout
							: 10;
	*out_signal = spec && spec->stop_signal > 0 ? spec->stop_signal : SIGTERM;
	*out_timeout_ms = seconds > DAY_S ? -1 : seconds * 1000;
}

/* Send the first signal and note until when it has time. */
static bool begin(Container *ctr, const ContainerStop *options, GError **error)
{
	int signum, timeout_ms;
	stop_terms(ctr, options->timeout_s, &signum, &timeout_ms);
	int run_fd = container_run_fd(ctr);
	/* A monitor that is gone cannot restart anything either: the signal below finds that out.
	 */
	if (run_fd >= 0)
		(void)control_stopped_by_user(run_fd, options->removing, NULL);
	ctr->stop = (StopBegun){
		.begun = true,
		/* What is frozen hears only this one. */
		.killed = timeout_ms == 0 || ctr->summary.state == CONTAINER_PAUSED ||
			  ctr->summary.state == CONTAINER_INITIALIZED,
		.signum = signum,
		.timeout_ms = timeout_ms,
		.since = g_get_monotonic_time(),
	};
	return signal_live(ctr, ctr->stop.killed ? SIGKILL : signum, ctr->stop.killed, error);
}

void container_stop_begin(Container *ctr, const ContainerStop *options)
{
	g_autoptr(GError) failed = NULL;
	bool stays = ctr->summary.state == CONTAINER_PAUSED && !options->removing;
	if (container_is_live(ctr) && !stays && !begin(ctr, options, &failed))
		log_debug("%s", failed->message); /* container_stop() will say so */
}

/* Wait for the end, with SIGKILL when its time is over. */
static bool wait_stopped(Container *ctr, GError **error)
{
	const StopBegun *stop = &ctr->stop;
	int ended = 0;
	if (!stop->killed) {
		int64_t gone_ms = (g_get_monotonic_time() - stop->since) / 1000;
		int left = stop->timeout_ms < 0 ? -1 : (int)MAX(stop->timeout_ms - gone_ms, 0);
		ended = container_wait_exit(ctr, left, error);
	}
	if (ended == 0) {
		if (!stop->killed)
			log_warn("StopSignal SIG%s failed to stop container %s in %d seconds, "
				 "resorting to SIGKILL",
				 sigabbrev_np(stop->signum) ? sigabbrev_np(stop->signum) : "?",
				 ctr->summary.name, stop->timeout_ms / 1000);
		if (!stop->killed && !signal_live(ctr, SIGKILL, true, error))
			return false;
		ended = container_wait_exit(ctr, KILL_TIMEOUT_MS, error);
	}
	if (ended == 0)
		return error_set(error, ENGINE_ERROR_TIMEOUT,
				 "container %s does not end after SIGKILL", ctr->summary.id);
	return ended > 0;
}

/* Record the end, unless the clean-up verb has. */
static bool settle_stopped(Container *ctr, GError **error)
{
	g_autoptr(RecordLock) lock = container_lock(ctr, -1, "stop", error);
	if (!lock)
		return false;
	g_autoptr(GError) gone = NULL;
	if (!container_reload(ctr, &gone)) {
		if (error_matches(gone, ENGINE_ERROR_NOT_FOUND)) {
			(void)container_remove_runtime(ctr->engine, ctr->summary.id);
			return true; /* it was a --rm container */
		}
		g_propagate_error(error, g_steal_pointer(&gone));
		return false;
	}
	if (container_is_live(ctr))
		return true; /* started anew by somebody else */
	return ctr->summary.auto_remove ? container_discard(ctr, error)
					: container_settle(ctr, error);
}

bool container_stop(Container *ctr, const ContainerStop *options, GError **error)
{
	if (!container_is_live(ctr))
		return true;
	if (ctr->summary.state == CONTAINER_PAUSED && !options->removing)
		return error_set(
			error, ENGINE_ERROR_BAD_STATE,
			"container %s is running or paused, refusing to clean up: container "
			"state improper",
			ctr->summary.id);
	if (!ctr->stop.begun && !begin(ctr, options, error))
		return false;
	bool stopped = wait_stopped(ctr, error);
	ctr->stop = (StopBegun){0};
	/* Who removes it has the lock next, and needs no record of the end. */
	if (!stopped || options->removing)
		return stopped;
	if (!settle_stopped(ctr, error))
		return false;
	event_container(ctr->engine, ctr, "stop");
	return true;
}
