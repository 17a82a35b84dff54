/* SPDX-License-Identifier: Apache-2.0 */
#include "libpod/runtime/namespaces.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/magic.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/runtime/sync.h"

#ifndef NSFS_MAGIC
#define NSFS_MAGIC 0x6e736673
#endif

/* One row per OciNamespaceKind. */
static const struct {
	unsigned flag;
	const char *name;
} kinds[OCI_NS_COUNT] = {
	[OCI_NS_PID] = {CLONE_NEWPID, "pid"},          [OCI_NS_NETWORK] = {CLONE_NEWNET, "network"},
	[OCI_NS_MOUNT] = {CLONE_NEWNS, "mount"},       [OCI_NS_IPC] = {CLONE_NEWIPC, "ipc"},
	[OCI_NS_UTS] = {CLONE_NEWUTS, "uts"},          [OCI_NS_USER] = {CLONE_NEWUSER, "user"},
	[OCI_NS_CGROUP] = {CLONE_NEWCGROUP, "cgroup"},
};

int namespaces_enter_flags(const OciConfig *config)
{
	unsigned flags = 0;
	for (size_t i = 0; i < OCI_NS_COUNT; i++) {
		if (config->namespaces[i].mode != OCI_NS_HOST)
			flags |= kinds[i].flag;
	}
	return (int)flags;
}

void namespaces_plan_clear(NamespacePlan *plan)
{
	for (size_t i = 0; i < OCI_NS_COUNT; i++)
		fd_close(&plan->fds[i]);
}

/* Open a namespace file and make sure that it is one. */
static int open_namespace(const OciNamespace *ns, const char *name, GError **error)
{
	if (!ns->path || *ns->path != '/') {
		error_set(error, ENGINE_ERROR_INVALID,
			  "the path of the %s namespace is not absolute", name);
		return -1;
	}
	autofd fd = openat(AT_FDCWD, ns->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 && (errno == ENOENT || errno == ESRCH)) {
		error_set(error, ENGINE_ERROR_NOT_FOUND, "the %s namespace '%s' is gone", name,
			  ns->path);
		return -1;
	}
	struct statfs fs;
	if (fd < 0 || fstatfs(fd, &fs) < 0) {
		error_set_errno(error, "cannot open the %s namespace '%s'", name, ns->path);
		return -1;
	}
	if (fs.f_type != NSFS_MAGIC) {
		error_set(error, ENGINE_ERROR_INVALID, "'%s' is not a namespace", ns->path);
		return -1;
	}
	return fd_steal(&fd);
}

/* Fill one row of the plan. */
static bool plan_kind(const OciConfig *config, OciNamespaceKind kind, NamespacePlan *plan,
		      GError **error)
{
	const OciNamespace *ns = &config->namespaces[kind];
	switch (ns->mode) {
	case OCI_NS_HOST:
		return true;
	case OCI_NS_NEW:
		if (kind == OCI_NS_CGROUP)
			plan->new_cgroup = true;
		else
			plan->new_flags |= kinds[kind].flag;
		return true;
	case OCI_NS_PATH:
		break;
	}
	if (kind == OCI_NS_MOUNT)
		return error_set(error, ENGINE_ERROR_UNSUPPORTED,
				 "joining a mount namespace is not supported");
	plan->fds[kind] = open_namespace(ns, kinds[kind].name, error);
	/*
	 * What lies outside a new user namespace must be joined before that is made: from inside it
	 * we have no right to it.
	 */
	if (kind == OCI_NS_PID || kind == OCI_NS_USER ||
	    config->namespaces[OCI_NS_USER].mode != OCI_NS_HOST)
		plan->needs_helper = true;
	return plan->fds[kind] >= 0;
}

bool namespaces_plan(const OciConfig *config, NamespacePlan *out_plan, GError **error)
{
	/* The mount namespace is always new: nothing of a container is mounted in ours. */
	NamespacePlan plan = {.new_flags = CLONE_NEWNS, .cgroup_fd = -1};
	for (size_t i = 0; i < OCI_NS_COUNT; i++)
		plan.fds[i] = -1;
	for (size_t i = 0; i < OCI_NS_COUNT; i++) {
		if (!plan_kind(config, (OciNamespaceKind)i, &plan, error)) {
			namespaces_plan_clear(&plan);
			return false;
		}
	}
	*out_plan = plan;
	return true;
}

pid_t namespaces_fork(unsigned long flags, int cgroup_fd, int *out_pidfd)
{
	int pidfd = -1;
	struct clone_args args = {
		.flags = flags | CLONE_PIDFD | (cgroup_fd >= 0 ? CLONE_INTO_CGROUP : 0),
		.cgroup = cgroup_fd >= 0 ? (uint64_t)cgroup_fd : 0,
		.pidfd = (uint64_t)(uintptr_t)&pidfd,
		/* With CLONE_PARENT the kernel takes the signal of the process that cloned. */
		.exit_signal = flags & CLONE_PARENT ? 0 : SIGCHLD,
	};
	pid_t pid = (pid_t)syscall(SYS_clone3, &args, sizeof args);
	if (pid > 0 && out_pidfd)
		*out_pidfd = pidfd;
	else if (pid > 0)
		close(pidfd);
	return pid;
}

/* Join one; it is not joined again. */
static int join_one(NamespacePlan *plan, OciNamespaceKind kind)
{
	if (plan->fds[kind] < 0)
		return 0;
	if (setns(plan->fds[kind], (int)kinds[kind].flag) < 0)
		return -errno;
	fd_close(&plan->fds[kind]);
	return 0;
}

/* The helper's way into everything that is joined. */
static int helper_join(NamespacePlan *plan)
{
	/* Whose namespaces we enter must not be able to trace us there (R7). */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return -errno;
	bool joins_user = plan->fds[OCI_NS_USER] >= 0;
	/* Each may belong to our user namespace or to the one to be joined: try before and after.
	 */
	(void)join_one(plan, OCI_NS_PID);
	(void)namespaces_join(plan);
	int result = join_one(plan, OCI_NS_USER);
	if (result == 0 && joins_user)
		result = namespaces_become_root(false);
	if (result == 0)
		result = join_one(plan, OCI_NS_PID);
	return result < 0 ? result : namespaces_join(plan);
}

/* The helper: join, clone the real process as our parent's child, report it. Returns only in that
 * process. */
static pid_t run_helper(NamespacePlan *plan, int sync_child)
{
	SyncReport report = {.step = "join the namespaces of the other container"};
	int result = helper_join(plan);
	if (result < 0)
		sync_fail(sync_child, &report, result);
	int pidfd = -1;
	pid_t pid = namespaces_fork(plan->new_flags | CLONE_PARENT, -1, &pidfd);
	if (pid == 0) {
		/* The parent must know us before anything of ours can fail. */
		if (sync_wait_go(sync_child) < 0)
			_exit(127);
		return 0;
	}
	if (pid > 0)
		result = sync_send(sync_child, SYNC_PID, pid, pidfd);
	if (pid < 0 || result < 0)
		sync_fail(sync_child, &report, pid < 0 ? -errno : result);
	_exit(0);
}

static void reap(pid_t pid)
{
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

pid_t namespaces_clone(NamespacePlan *plan, int sync_parent, int sync_child, int *out_pidfd,
		       GError **error)
{
	autofd pidfd = -1;
	/* A helper brings its child along. */
	pid_t pid =
		namespaces_fork(plan->needs_helper ? 0 : plan->new_flags, plan->cgroup_fd, &pidfd);
	if (pid == 0)
		return plan->needs_helper ? run_helper(plan, sync_child) : 0;
	if (pid < 0) {
		error_set_errno(error, "cannot create the container's namespaces");
		return -1;
	}
	if (!plan->needs_helper) {
		*out_pidfd = fd_steal(&pidfd);
		return pid;
	}
	SyncMessage message = {0};
	int received = sync_receive(sync_parent, NULL, &message, out_pidfd, error);
	reap(pid);
	if (received == 0 || (received > 0 && message.kind != SYNC_PID)) {
		error_set(error, ENGINE_ERROR_SYSTEM, "the helper that joins namespaces died");
		return -1;
	}
	if (received > 0 && !sync_go(sync_parent)) {
		error_set_errno(error, "cannot start the container's init");
		(void)kill(message.pid, SIGKILL);
		reap(message.pid);
		return -1;
	}
	return received < 0 ? -1 : message.pid;
}

int namespaces_join(NamespacePlan *plan)
{
	static const OciNamespaceKind order[] = {OCI_NS_NETWORK, OCI_NS_IPC, OCI_NS_UTS,
						 OCI_NS_CGROUP};
	int result = 0;
	for (size_t i = 0; i < G_N_ELEMENTS(order); i++) {
		int joined = join_one(plan, order[i]);
		if (result == 0)
			result = joined;
	}
	return result;
}

int namespaces_make_cgroup(const NamespacePlan *plan)
{
	return plan->new_cgroup && unshare(CLONE_NEWCGROUP) < 0 ? -errno : 0;
}

bool namespaces_setgroups_denied(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2];
	return syscall(SYS_capget, &header, data) == 0 && (data[0].effective & (1u << CAP_SETGID));
}

int namespaces_become_root(bool keep_groups)
{
	/* EPERM: denied, where no procfs tells us so (an exec, before it is in the pid namespace).
	 */
	if (!keep_groups && !namespaces_setgroups_denied() && setgroups(0, NULL) < 0 &&
	    errno != EPERM)
		return -errno;
	/* A map without a 0 (--uidmap) leaves us with the capabilities alone. */
	if (setresgid(0, 0, 0) < 0 && errno != EINVAL)
		return -errno;
	if (setresuid(0, 0, 0) < 0 && errno != EINVAL)
		return -errno;
	return 0;
}
