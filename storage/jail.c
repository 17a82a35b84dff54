/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The jail of skiff-layer: namespaces are there already, the rest is done here, in this order:
 * mounts, capabilities, limits, Landlock, seccomp.
 */
#include "storage/jail.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <sys/capability.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/wall.h"

#define MEMORY_MAX (1u << 30)
#define CPU_MAX    900
#define FILE_MAX   (UINT64_C(64) << 30)
#define FDS_MAX    128
#define FDS_TREE   4096 /* a walk through a tree holds one for each level */

/* AddressSanitizer reserves terabytes of addresses. */
#if defined(__SANITIZE_ADDRESS__)
#define IS_SANITIZED true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define IS_SANITIZED true
#endif
#endif
#ifndef IS_SANITIZED
#define IS_SANITIZED false
#endif

/* Debian 12's headers know Landlock's first version only. */
#ifndef LANDLOCK_ACCESS_FS_REFER
#define LANDLOCK_ACCESS_FS_REFER (1ULL << 13)
#endif

/* A detached copy of one directory's mount that can run nothing and open no device. -1 with errno.
 */
static int clone_dir(const char *path, int same_fd, bool read_only)
{
	autofd tree = open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	struct stat by_path, by_fd;
	if (tree < 0 || fstat(tree, &by_path) < 0)
		return -1;
	if (same_fd >= 0 && (fstat(same_fd, &by_fd) < 0 || by_fd.st_ino != by_path.st_ino ||
			     by_fd.st_dev != by_path.st_dev)) {
		errno = ESTALE;
		return -1;
	}
	struct mount_attr attr = {
		.attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC |
			    (read_only ? MOUNT_ATTR_RDONLY : 0),
	};
	if (mount_setattr(tree, "", AT_EMPTY_PATH, &attr, sizeof(attr)) < 0)
		return -1;
	return fd_steal(&tree);
}

/* An empty tmpfs, detached. -1 with errno. */
static int make_root(void)
{
	autofd fs = fsopen("tmpfs", FSOPEN_CLOEXEC);
	if (fs < 0 || fsconfig(fs, FSCONFIG_SET_STRING, "size", "1m", 0) < 0 ||
	    fsconfig(fs, FSCONFIG_SET_STRING, "mode", "0755", 0) < 0 ||
	    fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return -1;
	return fsmount(fs, FSMOUNT_CLOEXEC,
		       MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
}

/* Attach a detached mount at @name of the current directory. */
static bool attach(int tree, const char *name)
{
	return (mkdirat(AT_FDCWD, name, 0755) == 0 || errno == EEXIST) &&
	       move_mount(tree, "", AT_FDCWD, name, MOVE_MOUNT_F_EMPTY_PATH) == 0;
}

/*
 * Merge lower layers at "lower". Short names in the current directory keep the options below one
 * page on every kernel, also for 500 of them.
 */
static bool attach_lowers(const char *const *lowers)
{
	g_autoptr(GString) options = g_string_new("lowerdir=");
	for (size_t i = 0; lowers[i]; i++) {
		char name[24];
		(void)snprintf(name, sizeof(name), "%zu", i);
		autofd tree = clone_dir(lowers[i], -1, true);
		if (tree < 0 || !attach(tree, name))
			return false;
		g_string_append_printf(options, "%s%zu", i ? ":" : "", i);
	}
	if (!lowers[1]) /* one layer is its own merged view */
		return symlinkat("0", AT_FDCWD, "lower") == 0;
	g_string_append(options, ",userxattr");
	return mkdirat(AT_FDCWD, "lower", 0755) == 0 &&
	       /* lint: allow mount: our own empty directory, which nobody else can reach */
	       mount("overlay", "lower", "overlay", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC,
		     options->str) == 0;
}

/* Stand in the new root, over some directory that every system has. */
static bool stand_on(int root)
{
	static const char *const places[] = {"/proc", "/tmp", "/usr", "/etc"};
	for (size_t i = 0; i < G_N_ELEMENTS(places); i++)
		if (move_mount(root, "", AT_FDCWD, places[i], MOVE_MOUNT_F_EMPTY_PATH) == 0)
			return fchdir(root) == 0;
	return false;
}

/* The old root ends up below the new one, where we stand, at the same place, and is cut off there.
 */
static bool change_root(GError **error)
{
	struct mount_attr attr = {.attr_set = MOUNT_ATTR_RDONLY};
	if (syscall(SYS_pivot_root, ".", ".") < 0 || umount2(".", MNT_DETACH) < 0 ||
	    chdir("/") < 0 || mount_setattr(AT_FDCWD, "/", 0, &attr, sizeof(attr)) < 0)
		return error_set_errno(error, "cannot enter the empty root");
	return true;
}

/* The layer, and merged below /lower what it stands on, in an empty read-only root. */
static bool enter_root(const JailOptions *options, int *out_layer_fd, int *out_lower_fd,
		       GError **error)
{
	/* lint: allow mount: only the propagation of our own mounts changes */
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return error_set_errno(error, "cannot make the mounts private");
	autofd layer = clone_dir(options->layer, options->layer_fd, options->read_only);
	if (layer < 0)
		return error_set_errno(error, "cannot open '%s'", options->layer);
	autofd root = make_root();
	if (root < 0 || !stand_on(root))
		return error_set_errno(error, "cannot make an empty root");
	if (!attach(layer, "layer"))
		return error_set_errno(error, "cannot attach the layer's directory");
	if (options->lowers && !attach_lowers(options->lowers))
		return error_set_errno(error, "cannot merge the lower layers");

	if (!change_root(error))
		return false;
	autofd layer_fd = openat(AT_FDCWD, "/layer", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	autofd lower_fd = options->lowers
				  ? openat(AT_FDCWD, "/lower", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
				  : -1;
	if (layer_fd < 0 || (options->lowers && lower_fd < 0))
		return error_set_errno(error, "cannot open the layer in its root");
	*out_layer_fd = fd_steal(&layer_fd);
	if (out_lower_fd)
		*out_lower_fd = fd_steal(&lower_fd);
	return true;
}

/* Keep what setting owners, modes and file capabilities needs. */
static bool drop_capabilities(GError **error)
{
	static const cap_value_t kept[] = {CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_FOWNER, CAP_FSETID,
					   CAP_SETFCAP};
	cap_t caps = cap_init();
	bool done = caps &&
		    cap_set_flag(caps, CAP_PERMITTED, G_N_ELEMENTS(kept), kept, CAP_SET) == 0 &&
		    cap_set_flag(caps, CAP_EFFECTIVE, G_N_ELEMENTS(kept), kept, CAP_SET) == 0 &&
		    cap_set_proc(caps) == 0;
	if (!done)
		(void)error_set_errno(error, "cannot drop capabilities");
	if (caps)
		(void)cap_free(caps);
	return done;
}

/* Bounds for whatever a hostile archive makes of us; sanitizers need their address space. */
static bool set_limits(rlim_t fds, GError **error)
{
	const struct {
		int resource;
		rlim_t value;
	} limits[] = {
		{RLIMIT_FSIZE, FILE_MAX}, {RLIMIT_NOFILE, fds}, {RLIMIT_CPU, CPU_MAX},
		{RLIMIT_CORE, 0},         {RLIMIT_MEMLOCK, 0},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(limits); i++) {
		const struct rlimit limit = {limits[i].value, limits[i].value};
		if (setrlimit(limits[i].resource, &limit) < 0)
			return error_set_errno(error, "cannot set resource limits");
	}
	const struct rlimit memory = {MEMORY_MAX, MEMORY_MAX};
	if (!IS_SANITIZED && setrlimit(RLIMIT_AS, &memory) < 0)
		return error_set_errno(error, "cannot set resource limits");
	/* A file over the limit is an error of its entry, not our end. */
	(void)signal(SIGXFSZ, SIG_IGN);
	return true;
}

/*
 * Files only below /layer (and reading below /lower). Before its second version Landlock denies
 * every link and rename between directories; there the mount namespace has to do alone.
 */
static bool restrict_files(int layer_fd, int lower_fd, bool read_only, GError **error)
{
	long version =
		syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	if (version < 2)
		return true;
	const uint64_t all = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1 + LANDLOCK_ACCESS_FS_REFER;
	struct stat st;
	uint64_t reading = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
	if (fstat(layer_fd, &st) == 0 && !S_ISDIR(st.st_mode))
		reading = LANDLOCK_ACCESS_FS_READ_FILE;
	const uint64_t forbidden = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_MAKE_BLOCK |
				   LANDLOCK_ACCESS_FS_MAKE_SOCK;
	const struct landlock_ruleset_attr attr = {.handled_access_fs = all};
	autofd ruleset = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);
	struct landlock_path_beneath_attr below = {
		.allowed_access = read_only ? reading : all & ~forbidden,
		.parent_fd = layer_fd,
	};
	if (ruleset < 0 ||
	    syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &below, 0) < 0)
		return error_set_errno(error, "cannot set up Landlock");
	below = (struct landlock_path_beneath_attr){.allowed_access = reading,
						    .parent_fd = lower_fd};
	if (lower_fd >= 0 &&
	    syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &below, 0) < 0)
		return error_set_errno(error, "cannot set up Landlock");
	if (syscall(SYS_landlock_restrict_self, ruleset, 0) < 0)
		return error_set_errno(error, "cannot set up Landlock");
	return true;
}

/* What a process needs that reads a stream and makes files. */
static const int calls[] = {
	SCMP_SYS(read),
	SCMP_SYS(readv),
	SCMP_SYS(pread64),
	SCMP_SYS(write),
	SCMP_SYS(writev),
	SCMP_SYS(pwrite64),
	SCMP_SYS(close),
	SCMP_SYS(lseek),
	SCMP_SYS(openat),
	SCMP_SYS(openat2),
	SCMP_SYS(fstat),
	SCMP_SYS(newfstatat),
	SCMP_SYS(statx),
	SCMP_SYS(fstatfs),
	SCMP_SYS(mkdirat),
	SCMP_SYS(mknodat),
	SCMP_SYS(symlinkat),
	SCMP_SYS(linkat),
	SCMP_SYS(unlinkat),
	SCMP_SYS(renameat),
	SCMP_SYS(renameat2),
	SCMP_SYS(readlinkat),
	SCMP_SYS(fchmod),
	SCMP_SYS(fchmodat),
	SCMP_SYS(fchown),
	SCMP_SYS(fchownat),
	SCMP_SYS(utimensat),
	SCMP_SYS(fsetxattr),
	SCMP_SYS(fgetxattr),
	SCMP_SYS(flistxattr),
	SCMP_SYS(sync_file_range),
	SCMP_SYS(fremovexattr),
	SCMP_SYS(ftruncate),
	SCMP_SYS(copy_file_range),
	SCMP_SYS(getdents64),
	SCMP_SYS(fcntl),
	SCMP_SYS(dup),
	SCMP_SYS(mmap),
	SCMP_SYS(munmap),
	SCMP_SYS(mremap),
	SCMP_SYS(madvise),
	SCMP_SYS(brk),
	SCMP_SYS(futex),
	SCMP_SYS(rt_sigreturn),
	SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigaction),
	SCMP_SYS(getpid),
	SCMP_SYS(gettid),
	SCMP_SYS(tgkill),
	SCMP_SYS(getrandom),
	SCMP_SYS(clock_gettime),
	SCMP_SYS(clock_nanosleep),
	SCMP_SYS(poll),
	SCMP_SYS(restart_syscall),
	SCMP_SYS(exit),
	SCMP_SYS(exit_group),
	SCMP_SYS(mprotect),
	SCMP_SYS(sendfile),
	SCMP_SYS(splice),
	SCMP_SYS(ioctl), /* FICLONE */
};

/* Every other system call fails. */
static bool restrict_calls(GError **error)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	bool done = filter != NULL;
	for (size_t i = 0; done && i < G_N_ELEMENTS(calls); i++)
		done = seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i], 0) == 0;
	done = done && seccomp_load(filter) == 0;
	if (filter)
		seccomp_release(filter);
	return done || error_set(error, ENGINE_ERROR_SYSTEM, "cannot set up the seccomp filter");
}

bool jail_enter(const JailOptions *options, int *out_layer_fd, int *out_lower_fd, GError **error)
{
	/* Our parent's end may come at any time; a half-made stage is swept by others. */
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return error_set_errno(error, "cannot set no_new_privs");
	if (!wall_stands("jail") && !options->lowers) {
		*out_layer_fd =
			openat(AT_FDCWD, options->layer, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		return true;
	}
	autofd layer_fd = -1;
	autofd lower_fd = -1;
	if (!enter_root(options, &layer_fd, &lower_fd, error))
		return false;
	(void)prctl(PR_SET_DUMPABLE, 0);
	if (!drop_capabilities(error) || !set_limits(FDS_MAX, error) ||
	    !restrict_files(layer_fd, lower_fd, false, error) || !restrict_calls(error))
		return false;
	*out_layer_fd = fd_steal(&layer_fd);
	if (out_lower_fd)
		*out_lower_fd = fd_steal(&lower_fd);
	return true;
}

bool jail_enter_empty(int work_fd, bool read_only, GError **error)
{
	struct rlimit fds;
	if (!wall_stands("jail"))
		return true;
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || getrlimit(RLIMIT_NOFILE, &fds) < 0)
		return error_set_errno(error, "cannot set no_new_privs");
	/* lint: allow mount: only the propagation of our own mounts changes */
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return error_set_errno(error, "cannot make the mounts private");
	autofd root = make_root();
	if (root < 0 || !stand_on(root))
		return error_set_errno(error, "cannot make an empty root");
	if (!change_root(error))
		return false;
	(void)prctl(PR_SET_DUMPABLE, 0);
	return drop_capabilities(error) && set_limits(MIN(fds.rlim_max, FDS_TREE), error) &&
	       restrict_files(work_fd, -1, read_only, error) && restrict_calls(error);
}
