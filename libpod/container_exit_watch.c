/* SPDX-License-Identifier: Apache-2.0 */
#include "libpod/container_exit_watch.h"

#include <poll.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libpod/base/json.h"
#include "libpod/base/log.h"
#include "libpod/base/record.h"
#include "libpod/container_priv.h"

/* How long init may take to die with its monitor, and to be reaped by whoever does it then: not
 * every pid 1 is quick. */
#define LOCK_WAIT_MS  100
#define END_WAIT_MS   5000
#define REAP_WAIT_MS  5000
#define REAP_PAUSE_US 1000

/* The kernel's struct pidfd_info in its first form; our headers may be older. */
typedef struct {
	uint64_t mask, cgroup_id;
	uint32_t pid, tgid, ppid, ids[8];
	int32_t exit_code;
} PidfdInfo;
_Static_assert(sizeof(PidfdInfo) == 64, "the size is part of the request's number");
#define GET_INFO  _IOWR(0xff, 11, PidfdInfo)
#define INFO_EXIT (UINT64_C(1) << 3)

ExitWatch exit_watch_open(Container *ctr)
{
	ExitWatch watch = {.pidfd = -1};
	if (container_read_init(ctr, &watch.pid, &watch.start))
		watch.pidfd = record_open_process(watch.pid, watch.start);
	return watch;
}

void exit_watch_close(ExitWatch *watch)
{
	fd_close(&watch->pidfd);
}

/* Its sockets may be gone a moment before its lock is. */
static bool monitor_is_gone(Container *ctr)
{
	for (int left_us = LOCK_WAIT_MS * 1000; left_us > 0; left_us -= REAP_PAUSE_US) {
		if (!container_life_is_held(ctr))
			return true;
		g_usleep(REAP_PAUSE_US);
	}
	return false;
}

/* The wait status, which is there a moment after the process has gone. */
static bool read_status(int pidfd, int *out_status)
{
	struct pollfd gone = {.fd = pidfd, .events = POLLIN};
	if (poll(&gone, 1, END_WAIT_MS) != 1)
		return false;
	for (int left_us = REAP_WAIT_MS * 1000; left_us > 0; left_us -= REAP_PAUSE_US) {
		PidfdInfo info = {.mask = INFO_EXIT};
		if (ioctl(pidfd, GET_INFO, &info) < 0)
			return false; /* a kernel before 6.15 */
		if (info.mask & INFO_EXIT) {
			*out_status = info.exit_code;
			return true;
		}
		g_usleep(REAP_PAUSE_US);
	}
	return false;
}

/* Unless another command has recorded something meanwhile. */
static void record_code(Container *ctr, int code)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(RecordLock) lock = container_lock(ctr, -1, "wait", &error);
	if (!lock || !container_reload(ctr, &error)) {
		log_info("the exit code %d is not recorded: %s", code, error->message);
		return;
	}
	if (ctr->summary.state != CONTAINER_EXITED || ctr->summary.exit_known)
		return;
	ctr->summary.exit_code = code;
	ctr->summary.exit_known = true;
	bool saved = ctr->recorded != CONTAINER_EXITED || container_save_state(ctr, &error);
	if (!saved || !container_settle(ctr, &error))
		log_warn("the exit code %d is not recorded: %s", code, error->message);
}

bool exit_watch_code(const ExitWatch *watch, int *out_code)
{
	int status = 0;
	if (watch->pidfd < 0 || !read_status(watch->pidfd, &status))
		return false;
	*out_code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
	return true;
}

bool exit_watch_tell(const ExitWatch *watch, Container *ctr, int *out_code)
{
	pid_t pid = 0;
	unsigned long long start = 0;
	/* A monitor that ends by itself takes run.json away; one that restarted its container has
	 * written another init there. */
	if (watch->pidfd < 0 || !monitor_is_gone(ctr) || !container_read_init(ctr, &pid, &start) ||
	    pid != watch->pid || start != watch->start || !exit_watch_code(watch, out_code))
		return false;
	if (!ctr->summary.auto_remove)
		record_code(ctr, *out_code);
	return true;
}
