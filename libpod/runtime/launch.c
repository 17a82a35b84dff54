/* SPDX-License-Identifier: Apache-2.0 */
#include "libpod/runtime/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/runtime/cgroup.h"
#include "libpod/runtime/init.h"
#include "libpod/runtime/limits.h"

#define DESCRIPTORS 4096

static void reap(pid_t pid)
{
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

/* The host's procfs, by a descriptor that was checked. */
static int open_host_proc(GError **error)
{
	autofd fd = openat(AT_FDCWD, "/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct statfs fs;
	if (fd < 0 || fstatfs(fd, &fs) < 0) {
		error_set_errno(error, "cannot open '/proc'");
		return -1;
	}
	if (fs.f_type != PROC_SUPER_MAGIC) {
		error_set(error, ENGINE_ERROR_SYSTEM, "'/proc' is not a proc file system");
		return -1;
	}
	return fd_steal(&fd);
}

/*
 * Layers, mounts and devices are a descriptor each while they are put together, more than a
 * caller's soft limit may have room for. Return: the limit as it was; the payload gets that one or
 * its own.
 */
static struct rlimit raise_descriptor_limit(void)
{
	struct rlimit old, raised;
	if (getrlimit(RLIMIT_NOFILE, &old) < 0)
		return (struct rlimit){.rlim_cur = DESCRIPTORS, .rlim_max = DESCRIPTORS};
	raised = old;
	raised.rlim_cur = MAX(old.rlim_cur, MIN(old.rlim_max, DESCRIPTORS));
	(void)setrlimit(RLIMIT_NOFILE, &raised);
	return old;
}

/* What the parent holds while init sets up; everything of it is closed on every way out. */
typedef struct {
	NamespacePlan namespaces;
	MountPlan *mounts;
	int host_proc_fd, null_fd;
	struct rlimit nofile; /* as it was before we raised it */
	int sync_parent, sync_child;
} Setup;

static void setup_clear(Setup *setup)
{
	(void)setrlimit(RLIMIT_NOFILE, &setup->nofile);
	namespaces_plan_clear(&setup->namespaces);
	mounts_plan_free(setup->mounts);
	fd_close(&setup->host_proc_fd);
	fd_close(&setup->null_fd);
	fd_close(&setup->sync_parent);
	fd_close(&setup->sync_child);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Setup, setup_clear)

/*
 * The pipes that the container writes to belong to its root from the start: init gives them to the
 * user, and may do that only with files whose owner its map knows. A caller's pipe may be beyond
 * us.
 */
static void give_pipes(const LaunchOptions *options)
{
	const IdMap *map = options->config->user_map;
	for (int i = 0; map && i < 3; i++) {
		struct stat st;
		if (options->stdio[i] >= 0 && fstat(options->stdio[i], &st) == 0 &&
		    S_ISFIFO(st.st_mode))
			(void)!fchown(options->stdio[i], idmap_root(map->uids),
				      idmap_root(map->gids));
	}
}

/* Open everything that only the monitor can see. */
static bool setup_open(Setup *setup, const LaunchOptions *options, GError **error)
{
	const OciConfig *config = options->config;
	if (!config->args || !config->args[0])
		return error_set(error, ENGINE_ERROR_INVALID, "no command was given");
	if (!limits_check_sysctls(config, error) ||
	    !namespaces_plan(config, &setup->namespaces, error))
		return false;
	setup->namespaces.cgroup_fd = options->leaf_fd >= 0 ? options->leaf_fd : options->cgroup_fd;
	setup->mounts = mounts_plan(config, options->store_fd, error);
	if (!setup->mounts)
		return false;
	setup->host_proc_fd = open_host_proc(error);
	if (setup->host_proc_fd < 0)
		return false;
	setup->null_fd = devices_open_null(false);
	if (setup->null_fd < 0)
		return error_set_errno(error, "cannot use the host's '/dev/null'");
	if (!sync_pair(&setup->sync_parent, &setup->sync_child))
		return error_set_errno(error, "cannot create a socket pair");
	give_pipes(options);
	return true;
}

/* The child's side of the clone. */
static void run_init(Setup *setup, const LaunchOptions *options) G_GNUC_NORETURN;
/* In the child: hand over to init, which does not come back. */
static void run_init(Setup *setup, const LaunchOptions *options)
{
	fd_close(&setup->sync_parent);
	Init init = {
		.options = options,
		.config = options->config,
		.namespaces = &setup->namespaces,
		.mounts = setup->mounts,
		.sync_fd = setup->sync_child,
		.host_proc_fd = setup->host_proc_fd,
		.null_fd = setup->null_fd,
		.pty_master = -1,
		.pty_slave = -1,
		.seccomp_fd = options->seccomp_fd,
		.nofile = setup->nofile,
	};
	init_main(&init);
}

/* Give the child its score and its ids and wait until it stands at the gate. */
static bool wait_ready(const OciConfig *config, int host_proc_fd, Launch *launch, GError **error)
{
	int scored = limits_apply_oom_score(config, host_proc_fd, launch->pid);
	if (config->namespaces[OCI_NS_USER].mode == OCI_NS_NEW) {
		if (!idmap_write(launch->pid, config->user_map, error))
			return false;
		if (!sync_go(launch->gate_fd))
			return error_set_errno(error, "cannot start the container's init");
	}
	SyncMessage message = {0};
	int received =
		sync_receive(launch->gate_fd, launch->id, &message, &launch->pty_master, error);
	if (received == 0)
		return error_set(error, ENGINE_ERROR_SYSTEM,
				 "the container's init died while it was set up");
	if (received > 0 && message.kind != SYNC_READY)
		return error_set(error, ENGINE_ERROR_SYSTEM,
				 "the container's init sent an unexpected message");
	/* Only now: of an init that has failed already the score cannot be set either. */
	errno = -scored;
	return received > 0 && (scored == 0 || error_set_errno(error, "cannot set the OOM score"));
}

bool launch_init(const LaunchOptions *options, Launch *out_launch, GError **error)
{
	g_auto(Setup)
		setup = {.host_proc_fd = -1, .null_fd = -1, .sync_parent = -1, .sync_child = -1};
	for (size_t i = 0; i < OCI_NS_COUNT; i++)
		setup.namespaces.fds[i] = -1;
	setup.nofile = raise_descriptor_limit();
	if (!setup_open(&setup, options, error))
		return false;

	Launch launch = {
		.id = options->id,
		.pidfd = -1,
		.pty_master = -1,
		.root_mount_fd = -1,
		.report_fd = -1,
	};
	launch.pid = namespaces_clone(&setup.namespaces, setup.sync_parent, setup.sync_child,
				      &launch.pidfd, error);
	if (launch.pid == 0)
		run_init(&setup, options);
	if (launch.pid < 0)
		return false;
	fd_close(&setup.sync_child);
	launch.gate_fd = fd_steal(&setup.sync_parent);
	/* Limits come last: a helper and init together are more than one process. */
	if (!wait_ready(options->config, setup.host_proc_fd, &launch, error) ||
	    (options->cgroup_fd >= 0 &&
	     !cgroup_limit(options->cgroup_fd, options->config, error))) {
		launch_abort(&launch);
		return false;
	}
	if (strcmp(setup.mounts->root.mount->type, "overlay") == 0)
		launch.root_mount_fd = fd_steal(&setup.mounts->root.fd);
	*out_launch = launch;
	return true;
}

bool launch_release(Launch *launch, GError **error)
{
	if (!sync_go(launch->gate_fd)) {
		error_set_errno(error, "cannot start the container's program");
		launch_abort(launch);
		return false;
	}
	SyncMessage message;
	autofd attached = -1;
	int received = sync_receive(launch->gate_fd, launch->id, &message, &attached, error);
	if (received != 0) {
		if (received > 0)
			error_set(error, ENGINE_ERROR_SYSTEM,
				  "the container's init sent an unexpected message");
		launch_abort(launch);
		return false;
	}
	fd_close(&launch->gate_fd);
	return true;
}

void launch_abort(Launch *launch)
{
	if (launch->pid > 0) {
		(void)kill(launch->pid, SIGKILL);
		reap(launch->pid);
	}
	launch->pid = 0;
	fd_close(&launch->pidfd);
	fd_close(&launch->pty_master);
	fd_close(&launch->root_mount_fd);
	fd_close(&launch->gate_fd);
	fd_close(&launch->report_fd);
}
