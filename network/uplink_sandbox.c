/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the uplink's processes give up before they meet a byte from the container.
 *
 * In this order: the user (real root becomes nobody), capabilities, the way to new ones
 * (no_new_privs), files (Landlock, where the kernel has it), system calls (seccomp). A call that is
 * not on the list fails with EPERM; that libraries call something odd on a strange system is
 * likelier than that an attacker needs us to live on.
 */
#include "network/uplink_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <libgen.h>
#include <limits.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "libpod/base/fd.h"
#include "libpod/base/userns.h"

#define NOBODY       65534
#define RESOLV_CONF  "/etc/resolv.conf"
#define FILTER_MAX   256
#define LANDLOCK_FS1 ((1ull << 13) - 1) /* what version 1 can forbid */

#ifdef __x86_64__
#define OUR_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define OUR_ARCH AUDIT_ARCH_AARCH64
#elif defined(__riscv) && __riscv_xlen == 64
#define OUR_ARCH AUDIT_ARCH_RISCV64
#else
#error "which AUDIT_ARCH is this?"
#endif

/* ---- users and capabilities ---- */

static bool set_capabilities(uint64_t kept)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {
		{.permitted = (uint32_t)kept, .effective = (uint32_t)kept},
		{.permitted = (uint32_t)(kept >> 32), .effective = (uint32_t)(kept >> 32)},
	};

	return syscall(SYS_capset, &header, data) == 0;
}

/* In a user namespace we are the user, as the container is. Real root is too much. */
static bool leave_root(void)
{
	if (!userns_is_initial_root())
		return true;
	return prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) == 0 && setgroups(0, NULL) == 0 &&
	       setresgid(NOBODY, NOBODY, NOBODY) == 0 && setresuid(NOBODY, NOBODY, NOBODY) == 0;
}

/* ---- Landlock ---- */

/* As the newest kernels have it; older ones are given as much of it as they know. */
struct ruleset {
	uint64_t handled_access_fs;
	uint64_t handled_access_net;
	uint64_t scoped;
};

/* What this kernel's version of Landlock can forbid. Return: size of the struct it takes. */
static size_t fill_ruleset(int version, struct ruleset *out)
{
	*out = (struct ruleset){.handled_access_fs = LANDLOCK_FS1};
	if (version >= 2)
		out->handled_access_fs |= 1ull << 13; /* REFER */
	if (version >= 3)
		out->handled_access_fs |= 1ull << 14; /* TRUNCATE */
	if (version >= 5)
		out->handled_access_fs |= 1ull << 15; /* IOCTL_DEV */
	if (version >= 6)
		out->scoped = 3; /* abstract Unix sockets, signals */
	if (version >= 6)
		return sizeof(*out);
	return version >= 4 ? offsetof(struct ruleset, scoped)
			    : offsetof(struct ruleset, handled_access_net);
}

/* Let files below @path be read. A directory that does not exist needs no rule. */
static void allow_reading(int ruleset, const char *path)
{
	autofd fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct landlock_path_beneath_attr rule = {
		.allowed_access = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR,
		.parent_fd = fd,
	};

	if (fd >= 0)
		(void)syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
}

/* /etc, and where /etc/resolv.conf leads: libslirp reads it again whenever it has changed. */
static void allow_resolver(int ruleset)
{
	char link[64], target[PATH_MAX];
	autofd fd = open(RESOLV_CONF, O_PATH | O_CLOEXEC);

	allow_reading(ruleset, "/etc");
	if (fd < 0)
		return;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	ssize_t size = readlink(link, target, sizeof(target) - 1);
	if (size <= 0)
		return;
	target[size] = '\0';
	allow_reading(ruleset, dirname(target));
}

/* Landlock: no file but those of the resolver. Older kernels do without. */
static bool restrict_files(UplinkSandbox kind)
{
	struct ruleset wanted;
	long version =
		syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

	/* EPERM is never the kernel's answer to this question: systemd-nspawn's filter gives it. */
	if (version < 1)
		return errno == ENOSYS || errno == EOPNOTSUPP || errno == EPERM;
	size_t size = fill_ruleset((int)version, &wanted);
	autofd ruleset = (int)syscall(SYS_landlock_create_ruleset, &wanted, size, 0);
	if (ruleset < 0)
		return false;
	if (kind == UPLINK_SANDBOX_HOST)
		allow_resolver(ruleset);
	return syscall(SYS_landlock_restrict_self, ruleset, 0) == 0;
}

/* ---- system calls ---- */

/* Allowed to both; the most frequent first, for they are compared one by one. sigaltstack is the
 * sanitizers'. */
static const int both_calls[] = {
	SYS_recvmsg,      SYS_sendmsg,   SYS_sendto,          SYS_recvfrom,    SYS_close,
	SYS_setsockopt,   SYS_read,      SYS_write,           SYS_brk,         SYS_munmap,
	SYS_mremap,       SYS_madvise,   SYS_futex,           SYS_exit_group,  SYS_exit,
	SYS_rt_sigreturn, SYS_getrandom, SYS_restart_syscall, SYS_sigaltstack,
};

static const int host_calls[] = {
#ifdef SYS_poll
	SYS_poll,
#endif
	SYS_ppoll,
#ifdef SYS_epoll_wait
	SYS_epoll_wait,
#endif
	SYS_epoll_pwait, SYS_splice,         SYS_writev,       SYS_readv,       SYS_clock_gettime,
	SYS_accept4,     SYS_bind,           SYS_connect,      SYS_getsockopt,  SYS_epoll_ctl,
	SYS_shutdown,    SYS_listen,         SYS_getsockname,  SYS_getpeername, SYS_fcntl,
	SYS_ioctl,       SYS_pipe2,          SYS_gettimeofday, SYS_fstat,       SYS_newfstatat,
	SYS_lseek,       SYS_rt_sigprocmask, SYS_gettid,       SYS_getpid,      SYS_tgkill,
	SYS_wait4,
#ifdef SYS_stat
	SYS_stat,
#endif
#ifdef SYS_time
	SYS_time,
#endif
};

/* A filter under construction. */
typedef struct {
	struct sock_filter code[FILTER_MAX];
	unsigned short n;
} Filter;

static void emit(Filter *filter, uint16_t code, uint32_t k, uint8_t yes, uint8_t no)
{
	if (filter->n < FILTER_MAX)
		filter->code[filter->n++] =
			(struct sock_filter){.code = code, .jt = yes, .jf = no, .k = k};
}

static void emit_load(Filter *filter, size_t offset)
{
	emit(filter, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, 0, 0);
}

static void emit_return(Filter *filter, uint32_t action)
{
	emit(filter, BPF_RET | BPF_K, action, 0, 0);
}

static void emit_allow(Filter *filter, const int *calls, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		emit(filter, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)calls[i], 0, 1);
		emit_return(filter, SECCOMP_RET_ALLOW);
	}
}

/* Allow @call if its argument @arg is @a or @b. */
static void emit_allow_values(Filter *filter, int call, unsigned arg, uint32_t a, uint32_t b)
{
	emit(filter, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)call, 0, 5);
	emit_load(filter, offsetof(struct seccomp_data, args) + arg * sizeof(uint64_t));
	emit(filter, BPF_JMP | BPF_JEQ | BPF_K, a, 1, 0);
	emit(filter, BPF_JMP | BPF_JEQ | BPF_K, b, 0, 1);
	emit_return(filter, SECCOMP_RET_ALLOW);
	emit_return(filter, SECCOMP_RET_ERRNO | EPERM);
}

/* Allow @call if its argument @arg has none of the bits of @mask. */
static void emit_allow_without(Filter *filter, int call, unsigned arg, uint32_t mask)
{
	emit(filter, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)call, 0, 4);
	emit_load(filter, offsetof(struct seccomp_data, args) + arg * sizeof(uint64_t));
	emit(filter, BPF_JMP | BPF_JSET | BPF_K, mask, 1, 0);
	emit_return(filter, SECCOMP_RET_ALLOW);
	emit_return(filter, SECCOMP_RET_ERRNO | EPERM);
}

/* seccomp: the calls that are needed, and no new code. */
static bool restrict_calls(UplinkSandbox kind)
{
	Filter filter = {.n = 0};
	const uint32_t writing = O_WRONLY | O_RDWR | O_CREAT | O_TRUNC;

	emit_load(&filter, offsetof(struct seccomp_data, arch));
	emit(&filter, BPF_JMP | BPF_JEQ | BPF_K, OUR_ARCH, 1, 0);
	emit_return(&filter, SECCOMP_RET_KILL_PROCESS);
	emit_load(&filter, offsetof(struct seccomp_data, nr));
	if (kind == UPLINK_SANDBOX_HOST)
		emit_allow(&filter, host_calls, sizeof(host_calls) / sizeof(*host_calls));
	emit_allow(&filter, both_calls, sizeof(both_calls) / sizeof(*both_calls));
	emit_allow_values(&filter, SYS_socket, 0, AF_INET, AF_INET6);
	emit_allow_without(&filter, SYS_mmap, 2, PROT_EXEC);
	emit_allow_without(&filter, SYS_mprotect, 2, PROT_EXEC);
	if (kind == UPLINK_SANDBOX_HOST)
		emit_allow_without(&filter, SYS_openat, 2, writing);
	emit_return(&filter, SECCOMP_RET_ERRNO | EPERM);

	const struct sock_fprog program = {.len = filter.n, .filter = filter.code};
	if (filter.n == FILTER_MAX) {
		errno = E2BIG;
		return false;
	}
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0;
}

bool uplink_sandbox_enter(UplinkSandbox kind)
{
	uint64_t kept = kind == UPLINK_SANDBOX_INSIDE ? 1ull << CAP_NET_ADMIN : 0;

	return leave_root() && set_capabilities(kept) &&
	       prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	       prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0 && restrict_files(kind) &&
	       restrict_calls(kind);
}
