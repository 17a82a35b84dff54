/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation. Three stages, named by what can still be reached.
 *
 * "Outside": in the new namespaces, but the host's tree is still the root.
 *	Should:	 wait for the id map, join and configure namespaces, make file systems that the
 *kernel gives only where the host's own are visible. Mustn't: touch any path of the image, or
 *create anything. "Inside": the container's root is the only one; the old root is detached before
 *anything is created. Should:	 attach mounts, populate /dev, make the terminal, write sysctls,
 *resolve the user, seal paths. Mustn't: trust a path twice; run anything of the image (no NSS, no
 *locale, no PATH lookup; R9). "Last": nothing but the payload's descriptors and the sync socket is
 *open. Should:	 change to the working directory, drop privileges, load the filter, wait at the
 *gate, execve. Mustn't: open anything; make a call that the default seccomp profile does not allow.
 *
 * A crash at any point leaves nothing: all mounts live in this process' mount namespace.
 */
#include "libpod/runtime/init.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libpod/base/fd.h"
#include "libpod/base/path.h"
#include "libpod/base/wall.h"
#include "libpod/runtime/files.h"
#include "libpod/runtime/limits.h"
#include "libpod/runtime/privileges_apply.h"
#include "libpod/runtime/process.h"
#include "libpod/runtime/reaper.h"
#include "libpod/runtime/rootfs.h"

typedef struct {
	const char *name; /* verb phrase for "cannot ..." */
	int (*apply)(Init *init);
} Step;

static int reset_process(Init *init)
{
	/* A session of its own: signals of the caller's terminal are not for the container. */
	if (setsid() < 0)
		return -errno;
	umask(0022);
	return process_reset_signals();
}

/* Until the map is written we have no ids; the parent's death shows as the end of the stream. */
static int become_root(Init *init)
{
	if (init->config->namespaces[OCI_NS_USER].mode != OCI_NS_NEW)
		return 0;
	int result = sync_wait_go(init->sync_fd);
	return result < 0 ? result : namespaces_become_root(init->config->keep_groups);
}

static int join_namespaces(Init *init)
{
	return namespaces_join(init->namespaces);
}

static int set_label(Init *init)
{
	return privileges_label(init->host_proc_fd, init->config->apparmor_profile,
				init->config->selinux_label);
}

/* After the writes to /proc/self, whose files belong to root of the outer namespace from then on
 * (R7). */
static int hide_memory(Init *init)
{
	return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 ? -errno : 0;
}

static int set_hostname(Init *init)
{
	const char *name = init->config->hostname;
	if (!name || init->config->namespaces[OCI_NS_UTS].mode != OCI_NS_NEW)
		return 0;
	return sync_subject(&init->report, name, sethostname(name, strlen(name)) < 0 ? -errno : 0);
}

static int set_domainname(Init *init)
{
	const char *name = init->config->domainname;
	if (!name || init->config->namespaces[OCI_NS_UTS].mode != OCI_NS_NEW)
		return 0;
	return sync_subject(&init->report, name,
			    setdomainname(name, strlen(name)) < 0 ? -errno : 0);
}

static int configure_network(Init *init)
{
	const LaunchOptions *options = init->options;
	if (!options->configure_netns ||
	    init->config->namespaces[OCI_NS_NETWORK].mode != OCI_NS_NEW)
		return 0;
	const char *step = "";
	int result = options->configure_netns(options->configure_netns_data, &step);
	return sync_subject(&init->report, step, result);
}

static int make_cgroup_namespace(Init *init)
{
	return namespaces_make_cgroup(init->namespaces);
}

static int make_file_systems(Init *init)
{
	return mounts_make(init->mounts, &init->report);
}

/* Through the container's own procfs while it is still private, else through the host's (R4). */
static int set_sysctls(Init *init)
{
	const MountEntry *proc = mounts_find(init->mounts, "/proc");
	bool own = proc && strcmp(proc->mount->type, "proc") == 0;
	autofd images = wall_stands("private-procfs")
				? -1
				: openat(init->mounts->root.fd, "proc", O_PATH | O_CLOEXEC);
	if (images >= 0 && faccessat(images, "sys", F_OK, 0) == 0)
		return limits_apply_sysctls(init->config, images, &init->report);
	return limits_apply_sysctls(init->config, own ? proc->fd : init->host_proc_fd,
				    &init->report);
}

static int enter_root(Init *init)
{
	int fd = rootfs_enter(init->mounts->root.fd);
	if (fd < 0)
		return fd;
	init->mounts->root_fd = fd;
	return 0;
}

static int change_root(Init *init)
{
	int result = rootfs_attach(init->mounts->root.fd);
	init->mounts->root_fd = init->mounts->root.fd;
	return result == 0 && wall_stands("root-first") ? enter_root(init) : result;
}

static int attach_mounts(Init *init)
{
	return mounts_attach(init->mounts, &init->report);
}

/* A pty of the container's own devpts, its other end on /dev/console. */
static int make_terminal(Init *init)
{
	if (!init->config->terminal)
		return 0;
	MountEntry *pts = mounts_find(init->mounts, "/dev/pts");
	if (!pts)
		return sync_subject(&init->report, "/dev/pts", -ENODEV);
	int result = devices_open_terminal(pts->fd, &init->pty_master, &init->pty_slave);
	if (result == 0)
		result = process_set_window(init->pty_master, init->config->rows,
					    init->config->columns);
	MountEntry *dev = mounts_find(init->mounts, "/dev");
	if (result == 0 && dev && strcmp(dev->mount->type, "tmpfs") == 0)
		result = devices_bind_console(dev->fd, init->pty_slave);
	return result;
}

/* Which part of user[:group] is unknown decides the message. */
static int explain_user(Init *init, int result)
{
	const char *spec = init->config->user_spec ? init->config->user_spec : "0";
	const char *colon = strchr(spec, ':');
	g_autofree char *name = colon ? g_strndup(spec, (gsize)(colon - spec)) : g_strdup(spec);
	g_autofree ResolvedUser *scratch = g_new0(ResolvedUser, 1);
	init->report.step = SYNC_STEP_USER;
	if (result == -ENOENT &&
	    privileges_resolve_user(init->mounts->root_fd, name, NULL, scratch) == 0) {
		init->report.step = SYNC_STEP_GROUP;
		const char *const *extra = (const char *const *)init->config->extra_groups;
		return sync_subject(&init->report,
				    colon             ? colon + 1
				    : extra && *extra ? *extra
						      : spec,
				    result);
	}
	return sync_subject(&init->report, name, result);
}

static int resolve_user(Init *init)
{
	const OciConfig *config = init->config;
	int result =
		privileges_resolve_user(init->mounts->root_fd, config->user_spec,
					(const char *const *)config->extra_groups, &init->user);
	if (result < 0)
		return explain_user(init, result);
	g_auto(GStrv) env = files_secret_env((const char *const *)config->env, config,
					     init->options->secrets_fd);
	if (!env)
		return -errno;
	init->env = process_env_with_home((const char *const *)env, init->user.home);
	return files_complete_users(init->mounts->root_fd, config, &init->user, &init->report);
}

static int add_secrets(Init *init)
{
	return files_add_secrets(init->mounts->root_fd, init->config, init->options->secrets_fd,
				 &init->report);
}

static int give_mounts(Init *init)
{
	return mounts_give(init->mounts, init->user.uid, init->user.gid, &init->report);
}

/*
 * The image may name a directory it does not have; one that was typed must be there. Either is
 * looked up without magic links, which chdir() would follow (CVE-2024-21626).
 */
static int make_cwd(Init *init)
{
	const char *cwd = init->config->cwd;
	int root = init->mounts->root_fd;
	if (!cwd || !wall_stands("cwd-lookup"))
		return 0;
	autofd fd = init->config->create_cwd
			    ? path_mkdirs_in_root(root, cwd, 0755)
			    : path_open_in_root(root, cwd, O_PATH | O_DIRECTORY, 0);
	/* Whatever else is wrong with it shows at chdir. */
	if (fd >= 0 || errno == EROFS || errno == ENOTDIR || errno == EEXIST || errno == EACCES)
		return 0;
	if (errno == ENOENT)
		init->report.step = SYNC_STEP_CWD;
	return sync_subject(&init->report, cwd, -errno);
}

static int seal_mounts(Init *init)
{
	int result = wall_stands("root-first") ? 0 : enter_root(init);
	return result == 0 ? mounts_seal(init->mounts, &init->report) : result;
}

/* Pipes of ours and the pty belong to the user, so that /dev/stderr can be opened again. */
static int give_stdio(Init *init, const int stdio[3])
{
	for (int i = 0; i < 3; i++) {
		struct stat st;
		if (fstat(stdio[i], &st) < 0)
			return -errno;
		if (!S_ISFIFO(st.st_mode) && stdio[i] != init->pty_slave)
			continue;
		/* A pipe of the caller's (passthrough) may belong to somebody we cannot name. */
		if (fchown(stdio[i], init->user.uid, (gid_t)-1) < 0 && S_ISCHR(st.st_mode))
			return -errno;
	}
	return 0;
}

/* From here on: 0, 1, 2, what is preserved, and behind them what we still need. */
static int place_descriptors(Init *init)
{
	const LaunchOptions *options = init->options;
	int stdio[3];
	for (int i = 0; i < 3; i++) {
		int asked = init->config->terminal ? init->pty_slave : options->stdio[i];
		if (asked < 0 && !wall_stands("hosts-stdio"))
			asked = openat(AT_FDCWD, "/dev/null", O_RDWR | O_CLOEXEC);
		stdio[i] = asked >= 0 ? asked : init->null_fd;
	}
	int result = give_stdio(init, stdio);
	if (result < 0)
		return result;
	int keep[3] = {init->sync_fd, -1, -1};
	size_t n_keep = 1, master = 0, filter = 0;
	if (init->pty_master >= 0)
		keep[master = n_keep++] = init->pty_master;
	if (options->seccomp_fd >= 0)
		keep[filter = n_keep++] = options->seccomp_fd;
	result = process_place_fds(stdio, options->preserve_fds, options->n_preserve_fds, keep,
				   n_keep);
	if (result < 0)
		return result;
	init->sync_fd = keep[0];
	init->pty_master = master ? keep[master] : -1;
	init->namespaces = NULL; /* its descriptors and those of the mounts are gone */
	init->mounts = NULL;
	init->seccomp_fd = filter ? keep[filter] : -1;
	return init->config->terminal ? process_take_terminal(0) : 0;
}

static int change_cwd(Init *init)
{
	init->report.step = SYNC_STEP_CWD;
	const char *cwd = init->config->cwd && *init->config->cwd ? init->config->cwd : "/";
	int result = process_enter_cwd(cwd);
	/* Root without CAP_DAC_OVERRIDE may be kept out of what the user may enter. */
	init->cwd_late = result == -EACCES;
	return init->cwd_late ? 0 : sync_subject(&init->report, cwd, result);
}

static int set_rlimits(Init *init)
{
	/* Nothing is made after this but by the payload. */
	if (init->config->umask_set)
		umask(init->config->umask);
	if (setrlimit(RLIMIT_NOFILE, &init->nofile) < 0)
		return sync_subject(&init->report, "RLIMIT_NOFILE", -errno);
	return limits_apply_rlimits(init->config, &init->report);
}

/* The identity order of R8; then what root was kept out of. */
static int drop_privileges(Init *init)
{
	const OciConfig *config = init->config;
	PrivilegesPlan plan = {
		.user = &init->user,
		.bounding = config->cap_bounding,
		.effective = config->cap_effective,
		.ambient = config->cap_ambient,
		.keep_groups = config->keep_groups,
		.no_new_privileges = config->no_new_privileges,
		.seccomp_fd = init->seccomp_fd,
	};
	int result = privileges_apply(&plan, &init->report);
	if (result == 0 && init->cwd_late) {
		init->report.step = SYNC_STEP_CWD;
		result = sync_subject(&init->report, config->cwd, process_enter_cwd(config->cwd));
	}
	return result;
}

/* After the last change of credentials, which would have cleared it. */
static int tie_to_monitor(Init *init)
{
	return prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 ? -errno : 0;
}

/* A monitor that died before tie_to_monitor() shows here as the end of the stream. */
static int wait_at_gate(Init *init)
{
	int result = sync_send(init->sync_fd, SYNC_READY, 0, init->pty_master);
	if (result < 0)
		return result;
	fd_close(&init->pty_master);
	return sync_wait_go(init->sync_fd);
}

static const Step steps[] = {
	/* Outside. */
	{"reset the process", reset_process},
	{"set the security label", set_label},
	{"become root of the user namespace", become_root},
	{"hide the memory of init", hide_memory},
	{"join the namespaces", join_namespaces},
	{"set the host name", set_hostname},
	{"set the domain name", set_domainname},
	{"configure the network", configure_network},
	{"create the cgroup namespace", make_cgroup_namespace},
	{"create the file system for", make_file_systems},
	{"set the sysctl", set_sysctls},
	{"change the root", change_root},
	/* Inside. */
	{"mount", attach_mounts},
	{"create the terminal", make_terminal},
	{"resolve the user", resolve_user},
	{"give the container the secret", add_secrets},
	{"change the owner of", give_mounts},
	{"look up the working directory", make_cwd},
	{"protect", seal_mounts},
	{"place the descriptors", place_descriptors},
	/* Last. */
	{SYNC_STEP_CWD, change_cwd},
	{"set the limit", set_rlimits},
	{"drop privileges", drop_privileges},
	{"tie the container to its monitor", tie_to_monitor},
	{"wait for the start", wait_at_gate},
};

/* Only now the payload's pid is known: with --init it is that of a child. */
static void set_own_pid(char **env)
{
	static char pid[sizeof OCI_LISTEN_PID + 16];
	for (; env && *env; env++) {
		if (strcmp(*env, OCI_LISTEN_PID "=" OCI_OWN_PID) != 0)
			continue;
		snprintf(pid, sizeof pid, "%s=%d", OCI_LISTEN_PID, (int)getpid());
		*env = pid;
	}
}

void init_main(Init *init)
{
	for (size_t i = 0; i < G_N_ELEMENTS(steps); i++) {
		init->report.step = steps[i].name;
		int result = steps[i].apply(init);
		if (result < 0)
			sync_fail(init->sync_fd, &init->report, result);
	}
	if (init->config->pause)
		pause_main(&init->sync_fd);
	if (init->config->init_process)
		reaper_main(&init->sync_fd);
	set_own_pid(init->env);
	int result = process_execute((const char *const *)init->config->args,
				     (const char *const *)init->env, &init->report);
	sync_fail(init->sync_fd, &init->report, result);
}
