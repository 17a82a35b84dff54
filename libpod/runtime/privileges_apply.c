/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The order, and why (security R8). The bounding set is cut while CAP_SETPCAP is there. Groups
 * before gid before uid, because each step takes away the right to the one before. With
 * no_new_privs the filter needs no capability and comes last; without it, it needs CAP_SYS_ADMIN,
 * so the permitted set survives the change of uid (keepcaps), the filter is loaded, and then the
 * sets are cut with two calls every profile has.
 */
#include "libpod/runtime/privileges_apply.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/keyctl.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "libpod/base/fd.h"
#include "libpod/base/wall.h"
#include "libpod/runtime/namespaces.h"

#define KEYRING_NAME "skiff-session"
/* linux/key.h is the kernel's own: what a possessor, and any process of the user, may do with a
 * key. */
#define KEY_POS_SEARCH 0x08000000u
#define KEY_USR_SEARCH 0x00080000u

static int drop_bounding(uint64_t bounding)
{
	for (int i = 0; i < 64; i++) {
		if (bounding & (UINT64_C(1) << i))
			continue;
		if (prctl(PR_CAPBSET_DROP, i, 0, 0, 0) < 0)
			return errno == EINVAL ? 0 : -errno; /* past the last one this kernel has */
	}
	return 0;
}

static int set_capabilities(uint64_t permitted, uint64_t effective, uint64_t inheritable)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2];
	for (int i = 0; i < 2; i++) {
		data[i].permitted = (uint32_t)(permitted >> (32 * i));
		data[i].effective = (uint32_t)(effective >> (32 * i));
		data[i].inheritable = (uint32_t)(inheritable >> (32 * i));
	}
	return syscall(SYS_capset, &header, data) < 0 ? -errno : 0;
}

/* All that the kernel has left us, made effective: keepcaps keeps only the permitted set. */
static int raise_permitted(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2];
	if (syscall(SYS_capget, &header, data) < 0)
		return -errno;
	for (int i = 0; i < 2; i++)
		data[i].effective = data[i].permitted;
	return syscall(SYS_capset, &header, data) < 0 ? -errno : 0;
}

/* The kernel has done what was asked, for all three ids of each kind. */
static int verify_ids(uid_t uid, gid_t gid)
{
	uid_t uids[3];
	gid_t gids[3];
	if (getresuid(&uids[0], &uids[1], &uids[2]) < 0 ||
	    getresgid(&gids[0], &gids[1], &gids[2]) < 0)
		return -errno;
	for (int i = 0; i < 3; i++) {
		if (uids[i] != uid || gids[i] != gid)
			return -EPERM;
	}
	return 0;
}

/* Groups, gid, uid, in this order; the capabilities survive until they are cut. */
static int change_ids(const ResolvedUser *user, bool keep_groups)
{
	/* Where a single-id map denies setgroups, the user's own groups stay (security 1.2). */
	if (!keep_groups && setgroups(user->n_groups, user->groups) < 0 &&
	    !(errno == EPERM && namespaces_setgroups_denied()))
		return -errno;
	if (setresgid(user->gid, user->gid, user->gid) < 0 ||
	    prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0 ||
	    setresuid(user->uid, user->uid, user->uid) < 0)
		return -errno;
	int result = verify_ids(user->uid, user->gid);
	return result < 0 ? result : raise_permitted();
}

/* Load the filter that the descriptor holds. */
static int load_filter(int fd)
{
	struct stat st;
	if (!wall_stands("filter"))
		return 0;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (st.st_size == 0 || st.st_size % (off_t)sizeof(struct sock_filter) != 0 ||
	    st.st_size > (off_t)(BPF_MAXINSNS * sizeof(struct sock_filter)))
		return -EINVAL;
	g_autofree struct sock_filter *code = g_malloc((gsize)st.st_size);
	if (pread(fd, code, (size_t)st.st_size, 0) != st.st_size)
		return -EIO;
	struct sock_fprog program = {
		.len = (unsigned short)((size_t)st.st_size / sizeof(struct sock_filter)),
		.filter = code,
	};
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0)
		return -errno;
	return 0;
}

/* Cut to what the user keeps: root by its sets, others nothing but the ambient ones. */
static int cut_capabilities(const PrivilegesPlan *plan)
{
	bool root = plan->user->uid == 0;
	/* Root gets its set by being root: an inheritable one would outlive what it drops
	 * (security 1.2). */
	uint64_t asked = wall_stands("users-have-none") ? plan->ambient : plan->effective;
	uint64_t ambient = root ? 0 : asked & plan->bounding;
	uint64_t kept = root ? plan->effective & plan->bounding : ambient;
	int result =
		set_capabilities(kept, kept, wall_stands("nothing-inherited") ? ambient : kept);
	for (int i = 0; i < 64 && result == 0; i++) {
		if (ambient & (UINT64_C(1) << i))
			result = prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, i, 0, 0) < 0 ? -errno
											  : 0;
	}
	return result;
}

int privileges_apply(const PrivilegesPlan *plan, SyncReport *report)
{
	report->step = "cut the bounding set";
	int result = drop_bounding(plan->bounding);
	if (result < 0)
		return result;
	report->step = SYNC_STEP_IDS;
	result = change_ids(plan->user, plan->keep_groups);
	if (result < 0) {
		char ids[32];
		g_snprintf(ids, sizeof ids, "%u:%u", plan->user->uid, plan->user->gid);
		return sync_subject(report, ids, result);
	}
	report->step = "set no_new_privs";
	if (plan->no_new_privileges && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	report->step = "load the seccomp filter";
	if (plan->seccomp_fd >= 0 && !plan->no_new_privileges)
		result = load_filter(plan->seccomp_fd);
	if (result < 0)
		return result;
	report->step = "set the capabilities";
	result = cut_capabilities(plan);
	if (result < 0)
		return result;
	report->step = "load the seccomp filter";
	if (plan->seccomp_fd >= 0 && plan->no_new_privileges)
		result = load_filter(plan->seccomp_fd);
	return result;
}

static int write_attribute(int proc_fd, const char *path, const char *text)
{
	autofd fd = openat(proc_fd, path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || !fd_write_all(fd, text, strlen(text)))
		return -errno;
	return 0;
}

int privileges_label(int proc_fd, const char *apparmor_profile, const char *selinux_label)
{
	int result = 0;
	if (apparmor_profile && strcmp(apparmor_profile, "unconfined") != 0) {
		g_autofree char *text = g_strconcat("exec ", apparmor_profile, NULL);
		result = write_attribute(proc_fd, "self/attr/apparmor/exec", text);
		if (result == -ENOENT)
			result = write_attribute(proc_fd, "self/attr/exec", text);
	}
	if (result == 0 && selinux_label)
		result = write_attribute(proc_fd, "self/attr/exec", selinux_label);
	return result;
}

int privileges_join_keyring(bool shared)
{
	if (!wall_stands("own-keyring"))
		return 0;
	long id = syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, shared ? KEYRING_NAME : NULL);
	/* No keyrings in this kernel, or denied by a container around us: then there is none to
	 * leak. */
	if (id < 0)
		return errno == ENOSYS || errno == EPERM ? 0 : -errno;
	/* The kernel's answer to who has it already: a clean-up that starts its container anew. */
	if (id == 0)
		return 0;
	/*
	 * The first to join makes it and cuts it down: found by the next one (USR_SEARCH), written
	 * by nobody. The others may not change it any more, which is as it should be.
	 */
	if (syscall(SYS_keyctl, KEYCTL_SETPERM, (int)id, KEY_POS_SEARCH | KEY_USR_SEARCH) < 0 &&
	    errno != EACCES && errno != EPERM)
		return -errno;
	return 0;
}
