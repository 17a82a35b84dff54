/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The view of a running container: a child enters its mount namespace, opens the root there and
 * sends it home. Nobody works inside: those who use the view reach it by the descriptor alone, so
 * no library, helper or configuration of the container can be taken for one of the host (security
 * R9).
 */
#include "libpod/container_view.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/path.h"
#include "libpod/base/spawn.h"
#include "libpod/base/userns.h"
#include "libpod/container_view_priv.h"
#include "libpod/runtime/privileges.h"
#include "storage/build_layer.h"

typedef struct {
	int mounts_fd;
	int socket;
	ViewKind kind;
} EnterJob;

int view_send_error(int socket, const GError *error)
{
	ViewReport report = {.failed = 1};
	(void)g_strlcpy(report.message, error->message, sizeof report.message);
	(void)!fd_send(socket, &report, sizeof report, NULL, 0);
	return 1;
}

bool view_receive(pid_t pid, int socket, int *fds, size_t n, GError **error)
{
	ViewReport report = {.failed = 1};
	size_t got = 0;
	ssize_t size = fd_receive(socket, &report, sizeof report, fds, n, &got);
	int code = spawn_wait(pid, error);
	if (code < 0)
		return false;
	if (size == (ssize_t)sizeof report && !report.failed && got == n)
		return true;
	for (size_t i = 0; i < got; i++)
		fd_close(&fds[i]);
	report.message[sizeof report.message - 1] = '\0';
	return error_set(error, ENGINE_ERROR_SYSTEM, "%s",
			 size == (ssize_t)sizeof report && report.message[0]
				 ? report.message
				 : "cannot reach the container's file system");
}

/* In the container's user namespace; below the exec line. Return: the root, or negative errno. */
static int open_inside(const EnterJob *job)
{
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 || setns(job->mounts_fd, CLONE_NEWNS) < 0)
		return -errno;
	autofd root = openat(AT_FDCWD, "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return -errno;
	int alone =
		job->kind == VIEW_MOUNTS
			? -1
			: open_tree(root, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	/* Where the kernel keeps mounts of another user namespace in place they stay in the view.
	 */
	return alone >= 0 ? alone : fd_steal(&root);
}

/* The child's whole life: open, send, go. */
static int enter(void *data)
{
	const EnterJob *job = data;
	ViewReport report = {0};
	int fd = open_inside(job);
	if (fd < 0) {
		report.failed = 1;
		snprintf(report.message, sizeof report.message,
			 "cannot enter the container's mounts: %s", strerror(-fd));
	}
	return !fd_send(job->socket, &report, sizeof report, &fd, fd < 0 ? 0 : 1);
}

/* An open /proc/PID/ns/NAME. */
static int open_namespace(const Container *ctr, const char *name, GError **error)
{
	g_autofree char *path = g_strdup_printf("/proc/%d/ns/%s", ctr->summary.pid, name);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		error_set_errno(error, "cannot reach the file system of container %s",
				ctr->summary.id);
	return fd;
}

/* Is it the user namespace we are in already? */
static bool is_ours(int userns_fd)
{
	struct stat theirs, ours;
	return fstat(userns_fd, &theirs) == 0 && stat("/proc/self/ns/user", &ours) == 0 &&
	       theirs.st_ino == ours.st_ino && theirs.st_dev == ours.st_dev;
}

/* The namespaces of its init, and the root from inside them. */
static bool open_running(ContainerView *view, ViewKind kind, GError **error)
{
	Container *ctr = view->ctr;
	view->mounts_fd = open_namespace(ctr, "mnt", error);
	view->userns_fd = view->mounts_fd < 0 ? -1 : open_namespace(ctr, "user", error);
	if (view->userns_fd < 0)
		return false;
	/* Now that they are open: are they those of the process meant? */
	if (!record_is_process(ctr->summary.pid, ctr->pid_start))
		return error_set(error, ENGINE_ERROR_BAD_STATE, "container %s has just ended",
				 ctr->summary.id);
	if (is_ours(view->userns_fd))
		fd_close(&view->userns_fd);
	int ends[2];
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return error_set_errno(error, "cannot make a socket");
	autofd ours = ends[0], theirs = ends[1];
	EnterJob job = {.mounts_fd = view->mounts_fd, .socket = theirs, .kind = kind};
	pid_t pid = view->userns_fd >= 0
			    ? userns_fork_join(view->userns_fd, 0, enter, &job, NULL, error)
			    : userns_fork_new(NULL, 0, enter, &job, NULL, error);
	fd_close(&theirs);
	return pid >= 0 && view_receive(pid, ours, &view->root_fd, 1, error);
}

ContainerView *container_view_open(Container *ctr, ViewKind kind, GError **error)
{
	g_autoptr(ContainerView) view = g_new0(ContainerView, 1);
	view->root_fd = view->userns_fd = view->mounts_fd = -1;
	view->ctr = ctr;
	if (!container_is_live(ctr)) {
		view->op = container_lock(ctr, -1, "cp", error);
		if (!view->op || !container_reload(ctr, error))
			return NULL;
	}
	if (!container_is_live(ctr)) {
		g_autoptr(RecordLock) life = container_lock_life(ctr, true, "cp", error);
		return life && view_make(view, kind, error) ? g_steal_pointer(&view) : NULL;
	}
	g_clear_pointer(&view->op, record_unlock);
	if (ctr->summary.pid == 0)
		return error_set_null(error, ENGINE_ERROR_BAD_STATE,
				      "container %s is %s: container state improper",
				      ctr->summary.id, container_state_name(ctr->summary.state));
	return open_running(view, kind, error) ? g_steal_pointer(&view) : NULL;
}

char *container_view_owner(const ContainerView *view, GError **error)
{
	const ContainerSpec *spec = container_spec(view->ctr, error);
	if (!spec)
		return NULL;
	ResolvedUser user = {0};
	int result = privileges_resolve_user(view->root_fd, spec->user, NULL, &user);
	if (result < 0) {
		errno = -result;
		return error_set_errno_null(error, "cannot find the user '%s' of the container",
					    spec->user);
	}
	return g_strdup_printf("%u:%u", user.uid, user.gid);
}

ContainerView *container_view_of_build(Engine *engine, const char *const *layers,
				       const char *layer_dir, GError **error)
{
	g_autoptr(ContainerView) view = g_new0(ContainerView, 1);
	view->root_fd = view->userns_fd = view->mounts_fd = -1;
	g_auto(GStrv) words = build_layer_view(layers, layer_dir, error);
	if (!words || !build_layer_prepare(engine_store(engine), error) ||
	    !view_mount(view, engine, words, engine_id_map(engine), error))
		return NULL;
	return g_steal_pointer(&view);
}

void container_view_close(ContainerView *view)
{
	if (!view)
		return;
	fd_close(&view->root_fd);
	fd_close(&view->mounts_fd);
	fd_close(&view->userns_fd);
	if (view->op) /* the lock made the runtime directory */
		(void)container_drop_runtime(view->ctr);
	record_unlock(view->op);
	g_free(view);
}
