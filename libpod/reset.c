/* SPDX-License-Identifier: Apache-2.0 */
#include "libpod/reset.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/log.h"
#include "libpod/base/path.h"
#include "libpod/container_cgroup.h"
#include "libpod/monitor/control.h"
#include "libpod/rootless.h"

#define END_PATIENCE_MS 10000
#define LOOK_MS         10

/* Kill a container through its monitor, whatever its records say. */
static bool kill_one(Engine *engine, const char *id, GError **error)
{
	autofd run =
		path_open_state(engine_run_containers_fd(engine), id, O_RDONLY | O_DIRECTORY, 0);
	if (run < 0 || record_lock_is_held(run, "life") != 1)
		return true;
	g_autoptr(GError) failed = NULL;
	/* As a removal: nobody starts it again or cleans up. */
	(void)control_stopped_by_user(run, true, NULL);
	if (!control_signal(run, SIGKILL, true, &failed))
		log_debug("%s", failed->message);
	for (int waited = 0; record_lock_is_held(run, "life") == 1; waited += LOOK_MS) {
		if (waited > END_PATIENCE_MS)
			return error_set(error, ENGINE_ERROR_TIMEOUT,
					 "container %.12s does not end", id);
		poll(NULL, 0, LOOK_MS);
	}
	return true;
}

/* Remove all that is in a directory, dot files included. Return: 0 or an errno. */
static int empty_directory(int fd)
{
	int failure = 0;
	autofd copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = copy < 0 ? NULL : fdopendir(copy);
	if (!dir)
		return errno;
	(void)fd_steal(&copy);
	struct dirent *entry;
	while ((errno = 0, entry = readdir(dir))) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (!path_remove_tree(fd, entry->d_name) && failure == 0)
			failure = errno;
	}
	if (failure == 0)
		failure = errno;
	closedir(dir);
	return failure;
}

/* In the user's namespace, where files of sub-ids can go, too. */
static int run_remove(void *data)
{
	Engine *engine = data;
	return empty_directory(store_fd(engine_store(engine)));
}

bool reset_all(Engine *engine, GError **error)
{
	g_auto(GStrv) ids = record_list(engine_run_containers_fd(engine), error);
	if (!ids)
		return false;
	for (size_t i = 0; ids[i]; i++)
		if (!kill_one(engine, ids[i], error))
			return false;
	for (size_t i = 0; ids[i]; i++)
		container_cgroup_remove(engine, ids[i]);
	int status = rootless_run(engine, run_remove, engine, error);
	if (status < 0)
		return false;
	if (status == 0)
		status = empty_directory(engine_run_fd(engine));
	errno = status;
	if (status != 0)
		return error_set_errno(error, "cannot remove all of '%s'",
				       store_path(engine_store(engine)));
	/* The directories themselves may be mount points, or in a place that is not ours. */
	(void)rmdir(store_path(engine_store(engine)));
	(void)rmdir(engine_run_path(engine));
	return true;
}
