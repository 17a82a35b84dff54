/* SPDX-License-Identifier: Apache-2.0 */
#include "libpod/runtime/foreign.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <linux/magic.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libpod/base/fd.h"
#include "libpod/base/path.h"
#include "libpod/runtime/namespaces.h"
#include "libpod/runtime/sync.h"

/* "/proc/PID/root/PATH" into its parts; @out_path points to "/PATH". */
static bool split_source(const char *source, pid_t *out_pid, const char **out_path)
{
	char *end = NULL;
	if (!g_str_has_prefix(source, "/proc/"))
		return false;
	gint64 pid = g_ascii_strtoll(source + strlen("/proc/"), &end, 10);
	if (pid <= 0 || pid > G_MAXINT32 || !g_str_has_prefix(end, "/root/"))
		return false;
	*out_pid = (pid_t)pid;
	*out_path = end + strlen("/root");
	return true;
}

bool foreign_is_source(const char *source)
{
	pid_t target = 0;
	const char *path = NULL;
	struct stat ours, theirs;
	char name[64];
	if (!split_source(source, &target, &path))
		return false;
	snprintf(name, sizeof name, "/proc/%d/ns/mnt", (int)target);
	/* One that cannot be looked at is taken for foreign. */
	return fstatat(AT_FDCWD, "/proc/self/ns/mnt", &ours, 0) < 0 ||
	       fstatat(AT_FDCWD, name, &theirs, 0) < 0 || ours.st_ino != theirs.st_ino;
}

/*
 * In the child: everything found from here on is the container's, which may have put anything in
 * its place: links end inside it, and only a tmpfs is taken.
 */
static int clone_inside(int ns_fd, const char *path)
{
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 || setns(ns_fd, CLONE_NEWNS) < 0)
		return -errno;
	autofd root = openat(AT_FDCWD, "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	autofd found = root < 0 ? -1 : path_open_in_root(root, path, O_PATH | O_DIRECTORY, 0);
	struct statfs fs;
	if (found < 0 || fstatfs(found, &fs) < 0)
		return -errno;
	if (fs.f_type != TMPFS_MAGIC)
		return -ENODEV;
	int fd = open_tree(found, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static void run_child(int socket, int ns_fd, const char *path) G_GNUC_NORETURN;
static void run_child(int socket, int ns_fd, const char *path)
{
	int fd = clone_inside(ns_fd, path);
	int failure = fd < 0 ? -fd : 0;
	_exit(!fd_send(socket, &failure, sizeof failure, &fd, fd < 0 ? 0 : 1));
}

int foreign_open_tree(const char *source)
{
	pid_t target = 0;
	const char *path = NULL;
	if (!split_source(source, &target, &path))
		return -EINVAL;
	char name[64];
	snprintf(name, sizeof name, "/proc/%d/ns/mnt", (int)target);
	autofd ns = openat(AT_FDCWD, name, O_RDONLY | O_CLOEXEC);
	autofd ours = -1, theirs = -1;
	if (ns < 0 || !sync_pair(&ours, &theirs))
		return -errno;
	pid_t pid = namespaces_fork(0, -1, NULL);
	if (pid == 0)
		run_child(theirs, ns, path);
	if (pid < 0)
		return -errno;
	fd_close(&theirs);
	int failure = 0;
	autofd tree = -1;
	size_t n_fds = 0;
	ssize_t n = fd_receive(ours, &failure, sizeof failure, &tree, 1, &n_fds);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	if (n == (ssize_t)sizeof failure && failure == 0 && tree >= 0)
		return fd_steal(&tree);
	return n == (ssize_t)sizeof failure && failure > 0 ? -failure : -EIO;
}
