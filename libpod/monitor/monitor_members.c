/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All processes of a container, found by their mount namespace: works without a cgroup and with a
 * shared pid namespace. Every process is signalled through a pidfd that was checked after it was
 * opened, so that a pid that was used again is never hit.
 */
#include "libpod/monitor/monitor_members.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <signal.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "libpod/base/fd.h"
#include "libpod/base/units.h"

/* linux/nsfs.h has it since 6.12, the headers that we build with may not. */
#ifndef NS_GET_MNTNS_ID
#define NS_GET_MNTNS_ID _IOR(0xb7, 0x5, uint64_t)
#endif

MountNamespace monitor_members_namespace(int proc_fd, const char *pid)
{
	char path[48];
	struct stat st;
	MountNamespace found = {0};
	g_snprintf(path, sizeof path, "%.20s/ns/mnt", pid);
	autofd fd = openat(proc_fd, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return found;
	found.inode = st.st_ino;
	if (ioctl(fd, NS_GET_MNTNS_ID, &found.id) < 0)
		found.id = 0;
	return found;
}

/* The cheap look first: most processes are somebody else's. */
static bool is_member(int proc_fd, const char *pid, const MountNamespace *mount_ns)
{
	char path[48];
	struct stat st;
	g_snprintf(path, sizeof path, "%.20s/ns/mnt", pid);
	if (fstatat(proc_fd, path, &st, 0) < 0 || st.st_ino != mount_ns->inode)
		return false;
	MountNamespace its = monitor_members_namespace(proc_fd, pid);
	return its.inode == mount_ns->inode && its.id == mount_ns->id;
}

static bool signal_member(int proc_fd, const char *name, const MountNamespace *mount_ns, int signum)
{
	uint64_t pid;
	if (!units_parse_uint(name, G_MAXINT32, &pid, NULL) || !is_member(proc_fd, name, mount_ns))
		return false;
	autofd pidfd = (int)syscall(SYS_pidfd_open, (pid_t)pid, 0);
	if (pidfd < 0 || !is_member(proc_fd, name, mount_ns))
		return false;
	return syscall(SYS_pidfd_send_signal, pidfd, signum, NULL, 0) == 0;
}

int monitor_members_signal(int proc_fd, const MountNamespace *mount_ns, int signum)
{
	if (mount_ns->inode == 0 || is_member(proc_fd, "self", mount_ns))
		return 0;
	int fd = openat(proc_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *directory = fd < 0 ? NULL : fdopendir(fd);
	if (!directory) {
		fd_close(&fd);
		return 0;
	}
	int count = 0;
	for (struct dirent *entry; (entry = readdir(directory));) {
		if (g_ascii_isdigit(entry->d_name[0]) &&
		    signal_member(proc_fd, entry->d_name, mount_ns, signum))
			count++;
	}
	closedir(directory);
	return count;
}
