/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two locks of a container, in its runtime directory: op, of commands that change it, and life,
 * of its monitor.
 */
#include "libpod/container_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/path.h"

/* For a monitor that has recorded the exit: its umount may sync a disk. */
#define ENDING_TIMEOUT_MS 10000

bool container_life_is_held(Container *ctr)
{
	int run_fd = container_run_fd(ctr);
	return run_fd >= 0 && record_lock_is_held(run_fd, "life") == 1;
}

/* Is the lock file we hold still the one that others would open? Clean-up removes the whole
 * directory. */
static bool lock_is_current(Container *ctr, RecordLock *lock)
{
	g_autofree char *path = g_strconcat(ctr->summary.id, "/op", NULL);
	struct stat held, there;
	return fstat(record_lock_fd(lock), &held) == 0 &&
	       fstatat(engine_run_containers_fd(ctr->engine), path, &there, AT_SYMLINK_NOFOLLOW) ==
		       0 &&
	       held.st_ino == there.st_ino && held.st_dev == there.st_dev;
}

RecordLock *container_lock(Container *ctr, int timeout_ms, const char *operation, GError **error)
{
	for (int attempt = 0; attempt < 16; attempt++) {
		if (container_run_fd(ctr) < 0) {
			autofd made = path_mkdirs_state(engine_run_containers_fd(ctr->engine),
							ctr->summary.id);
			/* Another command heals: to it an empty one is left from a dead start. */
			bool ok = made >= 0 && container_run_fd(ctr) >= 0;
			if (!ok && errno == ENOENT)
				continue;
			if (!ok)
				return error_set_errno_null(
					error, "cannot make the runtime directory of container %s",
					ctr->summary.id);
		}
		g_autoptr(GError) failed = NULL;
		g_autoptr(RecordLock) lock =
			record_lock(ctr->run_fd, "op", false, timeout_ms, operation, &failed);
		if (lock && lock_is_current(ctr, lock))
			return g_steal_pointer(&lock);
		if (failed && error_matches(failed, ENGINE_ERROR_IN_USE)) {
			g_propagate_error(error, g_steal_pointer(&failed));
			return NULL;
		}
		fd_close(&ctr->run_fd);
	}
	return error_set_null(error, ENGINE_ERROR_IN_USE,
			      "container %s is being changed by other commands", ctr->summary.id);
}

RecordLock *container_lock_life(Container *ctr, bool wait, const char *operation, GError **error)
{
	if (container_run_fd(ctr) < 0)
		return error_set_errno_null(error,
					    "cannot open the runtime directory of container %s",
					    ctr->summary.id);
	return record_lock(ctr->run_fd, "life", false, wait ? ENDING_TIMEOUT_MS : 0, operation,
			   error);
}
