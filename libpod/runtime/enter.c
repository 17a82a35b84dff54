/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation. The monitor forks a joiner, which makes itself undumpable, enters all
 * namespaces with one setns() on init's pidfd and clones once more: only children are in a joined
 * pid namespace. With CLONE_PARENT that second process is the monitor's child, too; the joiner
 * reports its pid and goes. The second process then does what init does at its end: terminal,
 * descriptors, working directory, privileges, execve.
 *
 * From setns() on, everything the joiner could open belongs to the container, so it opens only the
 * devpts (its file system is checked), passwd and group (R9).
 *
 * From its clone on the second process is visible inside, so the payload may stop it for ever. The
 * monitor therefore never waits for it: what it says is read when it has come (enter_step()).
 */
#include "libpod/runtime/enter.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/path.h"
#include "libpod/base/wall.h"
#include "libpod/runtime/devices.h"
#include "libpod/runtime/files.h"
#include "libpod/runtime/launch.h"
#include "libpod/runtime/limits.h"
#include "libpod/runtime/namespaces.h"
#include "libpod/runtime/privileges_apply.h"
#include "libpod/runtime/process.h"
#include "libpod/runtime/sync.h"

typedef struct {
	const EnterOptions *options;
	const OciConfig *config;
	int sync_fd;
	int host_proc_fd, null_fd;
	int pidfd; /* of the container's init, borrowed until the descriptors are dropped */
	int seccomp_fd;
	int root_fd; /* the container's */
	int pty_master, pty_slave;
	ResolvedUser user;
	char **env;
	uint64_t full; /* what --privileged gives, as the monitor has it */
	bool cwd_late;
	SyncReport report;
} Joiner;

typedef struct {
	const char *name;
	int (*apply)(Joiner *joiner);
} Step;

static int reset_process(Joiner *joiner)
{
	umask(0022);
	return process_reset_signals();
}

static int set_oom_score(Joiner *joiner)
{
	if (!wall_stands("hosts-proc"))
		return 0;
	return limits_apply_oom_score(joiner->config, joiner->host_proc_fd, 0);
}

static int set_label(Joiner *joiner)
{
	if (joiner->options->privileged)
		return 0;
	return privileges_label(joiner->host_proc_fd, joiner->config->apparmor_profile,
				joiner->config->selinux_label);
}

/* Before any namespace is entered: nobody inside may trace us or open our descriptors (R7). */
static int hide_memory(Joiner *joiner)
{
	if (!wall_stands("hidden-joiner"))
		return 0;
	return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 ? -errno : 0;
}

/* All of them in one call, so that no state between two sets of namespaces exists. */
static int enter_namespaces(Joiner *joiner)
{
	int flags = namespaces_enter_flags(joiner->config);
	if (setns(joiner->pidfd, flags) < 0)
		return -errno;
	fd_close(&joiner->pidfd);
	return flags & CLONE_NEWUSER ? namespaces_become_root(joiner->config->keep_groups) : 0;
}

/* While the descriptor with their bytes is there: the variables that are secrets. */
static int read_secrets(Joiner *joiner)
{
	joiner->env =
		files_secret_env(joiner->options->env, joiner->config, joiner->options->secrets_fd);
	return joiner->env ? 0 : -errno;
}

/*
 * Hard, and before the container is entered: whoever gets hold of the joiner inside finds the
 * payload's descriptors and three of ours that lead nowhere (CVE-2016-9962).
 */
static int drop_descriptors(Joiner *joiner)
{
	int stdio[3];
	for (int i = 0; i < 3; i++) {
		int asked = joiner->options->terminal ? -1 : joiner->options->stdio[i];
		stdio[i] = asked >= 0 ? asked : joiner->null_fd;
	}
	const EnterOptions *options = joiner->options;
	int keep[3] = {joiner->sync_fd, joiner->pidfd, joiner->seccomp_fd};
	if (!wall_stands("joiner-descriptors"))
		return 0;
	int result = process_place_fds(stdio, options->preserve_fds, options->n_preserve_fds, keep,
				       joiner->seccomp_fd >= 0 ? 3 : 2);
	joiner->sync_fd = keep[0];
	joiner->pidfd = keep[1];
	joiner->seccomp_fd = keep[2];
	joiner->host_proc_fd = joiner->null_fd = -1;
	return result;
}

static const Step joiner_steps[] = {
	{"reset the process", reset_process},       {"set the OOM score", set_oom_score},
	{"set the security label", set_label},      {"read the secrets", read_secrets},
	{"drop the descriptors", drop_descriptors}, {"hide the memory of the joiner", hide_memory},
	{SYNC_STEP_ENTER, enter_namespaces},
};

/* In the second process: a controlling terminal is for leaders of a session. */
static int start_session(Joiner *joiner)
{
	return setsid() < 0 ? -errno : 0;
}

static int open_root(Joiner *joiner)
{
	joiner->root_fd = openat(AT_FDCWD, "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (joiner->root_fd >= 0 && !wall_stands("hosts-proc")) {
		autofd theirs = openat(joiner->root_fd, "proc", O_PATH | O_CLOEXEC);
		return limits_apply_oom_score(joiner->config, theirs, 0);
	}
	return joiner->root_fd < 0 ? -errno : 0;
}

/* A pty of the container's devpts, so that its programs find it by name. */
static int make_terminal(Joiner *joiner)
{
	const EnterOptions *options = joiner->options;
	if (!options->terminal)
		return 0;
	autofd pts = path_open_in_root(joiner->root_fd, "/dev/pts", O_PATH | O_DIRECTORY, 0);
	if (pts < 0)
		return sync_subject(&joiner->report, "/dev/pts", -errno);
	int result = devices_open_terminal(pts, &joiner->pty_master, &joiner->pty_slave);
	if (result == 0)
		result = process_set_window(joiner->pty_master, options->rows, options->columns);
	return result;
}

static const char *user_spec(const Joiner *joiner)
{
	return joiner->options->user_spec ? joiner->options->user_spec : joiner->config->user_spec;
}

/* By the container's own files; its pty then belongs to that user. */
static int resolve_user(Joiner *joiner)
{
	int result = privileges_resolve_user(joiner->root_fd, user_spec(joiner),
					     (const char *const *)joiner->config->extra_groups,
					     &joiner->user);
	if (result < 0) {
		joiner->report.step = SYNC_STEP_USER;
		return sync_subject(&joiner->report, user_spec(joiner), result);
	}
	g_auto(GStrv) env = g_steal_pointer(&joiner->env);
	joiner->env = process_env_with_home((const char *const *)env, joiner->user.home);
	return joiner->pty_slave >= 0 && fchown(joiner->pty_slave, joiner->user.uid, (gid_t)-1) < 0
		       ? -errno
		       : 0;
}

/* As the payload will have them, before any path is looked up (R6). */
static int place_descriptors(Joiner *joiner)
{
	int stdio[3] = {0, 1, 2};
	for (int i = 0; i < 3 && joiner->options->terminal; i++)
		stdio[i] = joiner->pty_slave;
	int keep[3] = {joiner->sync_fd, -1, -1};
	size_t n_keep = 1, master = 0, filter = 0;
	if (joiner->pty_master >= 0)
		keep[master = n_keep++] = joiner->pty_master;
	if (joiner->seccomp_fd >= 0)
		keep[filter = n_keep++] = joiner->seccomp_fd;
	/* drop_descriptors() has put those to be preserved where they belong. */
	int preserved[LAUNCH_PRESERVE_MAX];
	size_t n_preserved = joiner->options->n_preserve_fds;
	for (size_t i = 0; i < n_preserved; i++)
		preserved[i] = joiner->options->preserve_fds[i] < 0 ? -1 : (int)i + 3;
	int result = process_place_fds(stdio, preserved, n_preserved, keep, n_keep);
	if (result < 0)
		return result;
	joiner->sync_fd = keep[0];
	joiner->pty_master = master ? keep[master] : -1;
	joiner->seccomp_fd = filter ? keep[filter] : -1;
	return joiner->options->terminal ? process_take_terminal(0) : 0;
}

static const char *cwd(const Joiner *joiner)
{
	const char *path = joiner->options->cwd ? joiner->options->cwd : joiner->config->cwd;
	return path && *path ? path : "/";
}

static int change_cwd(Joiner *joiner)
{
	int result = process_enter_cwd(cwd(joiner));
	/* Root without CAP_DAC_OVERRIDE may be kept out of what the user may enter. */
	joiner->cwd_late = result == -EACCES;
	return joiner->cwd_late ? 0 : sync_subject(&joiner->report, cwd(joiner), result);
}

static int set_rlimits(Joiner *joiner)
{
	if (joiner->config->umask_set)
		umask(joiner->config->umask);
	return limits_apply_rlimits(joiner->config, &joiner->report);
}

/* Capabilities that were added for the container's user are not for another one (as podman). */
static bool is_container_user(const Joiner *joiner)
{
	const char *asked = joiner->options->user_spec, *own = joiner->config->user_spec;
	return !asked || !*asked || strcmp(asked, own ? own : "") == 0;
}

/* The container's own privileges, or with --privileged all that it could have had. */
static int drop_privileges(Joiner *joiner)
{
	const OciConfig *config = joiner->config;
	bool privileged = joiner->options->privileged;
	PrivilegesPlan plan = {
		.user = &joiner->user,
		.bounding = privileged ? joiner->full : config->cap_bounding,
		.effective = privileged ? joiner->full : config->cap_effective,
		.ambient = is_container_user(joiner) || !wall_stands("ambient-of-its-user")
				   ? config->cap_ambient
				   : 0,
		.keep_groups = config->keep_groups,
		.no_new_privileges =
			(config->no_new_privileges && !privileged) || joiner->options->probe,
		.seccomp_fd = joiner->seccomp_fd,
	};
	int result = privileges_apply(&plan, &joiner->report);
	if (result == 0 && joiner->cwd_late) {
		joiner->report.step = SYNC_STEP_CWD;
		result = sync_subject(&joiner->report, cwd(joiner), process_enter_cwd(cwd(joiner)));
	}
	return result;
}

/* A probe's descendants stay below it, so that they can be found and ended with it. */
static int tie_to_monitor(Joiner *joiner)
{
	if (joiner->options->probe && prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0)
		return -errno;
	return prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 ? -errno : 0;
}

/* The monitor answers, so one that died before PDEATHSIG was set is noticed. */
static int report_ready(Joiner *joiner)
{
	int result = sync_send(joiner->sync_fd, SYNC_READY, 0, joiner->pty_master);
	if (result < 0)
		return result;
	fd_close(&joiner->pty_master);
	return sync_wait_go(joiner->sync_fd);
}

static const Step inner_steps[] = {
	{"start a session", start_session},
	{"open the container's root", open_root},
	{"create the terminal", make_terminal},
	{"resolve the user", resolve_user},
	{"place the descriptors", place_descriptors},
	{SYNC_STEP_CWD, change_cwd},
	{"set the limit", set_rlimits},
	{"drop privileges", drop_privileges},
	{"tie the process to its monitor", tie_to_monitor},
	{"wait for the start", report_ready},
};

static void run_steps(Joiner *joiner, const Step *steps, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		joiner->report.step = steps[i].name;
		int result = steps[i].apply(joiner);
		if (result < 0)
			sync_fail(joiner->sync_fd, &joiner->report, result);
	}
}

/* Both processes' side of the fork; never returns. */
static void run_joiner(Joiner *joiner) G_GNUC_NORETURN;
static void run_joiner(Joiner *joiner)
{
	run_steps(joiner, joiner_steps, G_N_ELEMENTS(joiner_steps));
	int pidfd = -1;
	joiner->report.step = "create a process in the container (is its limit reached?)";
	pid_t pid = namespaces_fork(CLONE_PARENT, -1, &pidfd);
	if (pid < 0)
		sync_fail(joiner->sync_fd, &joiner->report, -errno);
	if (pid > 0)
		_exit(sync_send(joiner->sync_fd, SYNC_PID, pid, pidfd) < 0);
	run_steps(joiner, inner_steps, G_N_ELEMENTS(inner_steps));
	int result = process_execute(joiner->options->args, (const char *const *)joiner->env,
				     &joiner->report);
	sync_fail(joiner->sync_fd, &joiner->report, result);
}

/* Descriptors of the host that the child needs, checked. */
static bool open_host(Joiner *joiner, GError **error)
{
	struct statfs fs;
	joiner->host_proc_fd = openat(AT_FDCWD, "/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (joiner->host_proc_fd < 0 || fstatfs(joiner->host_proc_fd, &fs) < 0)
		return error_set_errno(error, "cannot open '/proc'");
	if (fs.f_type != PROC_SUPER_MAGIC)
		return error_set(error, ENGINE_ERROR_SYSTEM, "'/proc' is not a proc file system");
	joiner->null_fd = devices_open_null(false);
	return joiner->null_fd >= 0 || error_set_errno(error, "cannot use the host's '/dev/null'");
}

void entering_clear(Entering *entering)
{
	Entered *entered = &entering->entered;
	const int pidfds[] = {entering->joiner_pidfd, entered->pidfd};
	for (size_t i = 0; i < G_N_ELEMENTS(pidfds); i++) {
		if (pidfds[i] >= 0)
			(void)syscall(SYS_pidfd_send_signal, pidfds[i], SIGKILL, NULL, 0);
	}
	fd_close(&entering->sync_fd);
	fd_close(&entering->joiner_pidfd);
	fd_close(&entered->pidfd);
	fd_close(&entered->pty_master);
}

EnterOutcome enter_step(Entering *entering, Entered *out_entered, GError **error)
{
	Entered *entered = &entering->entered;
	SyncMessage message = {0};
	autofd attached = -1;
	int received = sync_receive(entering->sync_fd, NULL, &message, &attached, error);
	if (received == 0 && entering->released) {
		*out_entered = *entered;
		*entered = (Entered){.pidfd = -1, .pty_master = -1};
		entering_clear(entering);
		return ENTER_DONE;
	}
	if (received == 0)
		error_set(error, ENGINE_ERROR_BAD_STATE, "the process died before it was started");
	if (received <= 0) {
		entering_clear(entering);
		return ENTER_FAILED;
	}
	if (message.kind == SYNC_PID) {
		entered->pid = message.pid;
		entered->pidfd = fd_steal(&attached);
	} else {
		entered->pty_master = fd_steal(&attached);
		entering->ready = true;
	}
	/* Not before both have spoken: whoever reaps it must know whom. */
	if (entering->ready && entered->pid > 0 && !entering->released)
		entering->released = sync_go(entering->sync_fd);
	return ENTER_PENDING;
}

/* Start the joiner. */
static bool start_joiner(Joiner *joiner, Entering *entering, GError **error)
{
	pid_t pid = namespaces_fork(0, joiner->options->cgroup_fd, &entering->joiner_pidfd);
	if (pid == 0) {
		fd_close(&entering->sync_fd);
		run_joiner(joiner);
	}
	return pid > 0 || error_set_errno(error, "cannot create a process in the container (is its "
						 "limit reached?)");
}

bool enter_begin(const EnterOptions *options, Entering *out_entering, GError **error)
{
	if (!options->args || !options->args[0])
		return error_set(error, ENGINE_ERROR_INVALID, "no command was given");
	if (options->user_spec && *options->user_spec &&
	    !privileges_check_user_spec(options->user_spec, error))
		return false;
	Joiner joiner = {
		.options = options,
		.config = options->config,
		.sync_fd = -1,
		.host_proc_fd = -1,
		.null_fd = -1,
		.pidfd = options->target_pidfd,
		.seccomp_fd = options->privileged ? -1 : options->seccomp_fd,
		.root_fd = -1,
		.pty_master = -1,
		.pty_slave = -1,
		.full = privileges_full_capabilities(),
	};
	Entering entering = ENTERING_INIT;
	bool ok = open_host(&joiner, error) &&
		  (sync_pair(&entering.sync_fd, &joiner.sync_fd) ||
		   error_set_errno(error, "cannot create a socket pair")) &&
		  start_joiner(&joiner, &entering, error);
	fd_close(&joiner.sync_fd);
	fd_close(&joiner.host_proc_fd);
	fd_close(&joiner.null_fd);
	if (ok)
		*out_entering = entering;
	else
		entering_clear(&entering);
	return ok;
}
