/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation. There is at most one shared user namespace per user and runtime directory.
 * userns.json names its inode and up to MAX_HOLDERS processes that were exec'd inside it. Whoever
 * wants to put a long-lived process there holds userns.lock exclusively from reading that record
 * until the new process has exec'd and is written into it; so a second command either finds a live
 * holder or may be sure that there is none. Holders beyond the list are found through the runtime
 * records of running containers. A crash leaves at most a record whose processes are dead: the next
 * command sees that by start time and namespace inode.
 */
#include "libpod/rootless.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/json.h"
#include "libpod/base/log.h"
#include "libpod/base/path.h"
#include "libpod/base/record.h"
#include "libpod/base/wall.h"
#include "libpod/runtime/privileges_apply.h"

#define USERNS_RECORD  "userns.json"
#define USERNS_LOCK    "userns.lock"
#define MAX_HOLDERS    16
#define MAX_PASSED_FDS 96

/* What userns.json says. */
typedef struct {
	uint64_t inode; /* 0: no record */
	struct {
		pid_t pid;
		unsigned long long start;
	} holders[MAX_HOLDERS];
	size_t n_holders;
} HolderRecord;

/* Are we already inside a user namespace as its root (unshare, clean-up)? Then it is the shared
 * one. */
static bool is_inside(Engine *engine)
{
	return engine_is_rootless(engine) && geteuid() == 0;
}

/* 0 with errno. */
static uint64_t userns_inode(pid_t pid)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/ns/user", pid);
	struct stat st;
	return stat(path, &st) == 0 ? st.st_ino : 0;
}

/* Who holds the user namespace; what cannot be read holds nothing. */
static void holder_record_load(Engine *engine, HolderRecord *out)
{
	*out = (HolderRecord){0};
	g_autoptr(Json) json = js_load(engine_run_fd(engine), USERNS_RECORD, 65536, NULL);
	Json *holders = NULL;
	int64_t inode = 0;
	if (!json || !js_get_int(json, "ns", 0, INT64_MAX, &inode, NULL) ||
	    !js_get_array(json, "holders", &holders, NULL) || !holders)
		return;
	out->inode = (uint64_t)inode;
	size_t n = MIN(json_object_array_length(holders), (size_t)MAX_HOLDERS);
	for (size_t i = 0; i < n; i++) {
		Json *row = json_object_array_get_idx(holders, i);
		int64_t pid = 0, start = 0;
		if (!js_get_int(row, "pid", 1, G_MAXINT32, &pid, NULL) ||
		    !js_get_int(row, "start", 0, INT64_MAX, &start, NULL))
			continue;
		out->holders[out->n_holders].pid = (pid_t)pid;
		out->holders[out->n_holders++].start = (unsigned long long)start;
	}
}

/* Not synced: after a reboot there are no holders. */
static bool holder_record_save(Engine *engine, const HolderRecord *record, GError **error)
{
	g_autoptr(Json) json = json_object_new_object();
	js_set_int(json, "ns", (int64_t)record->inode);
	Json *holders = json_object_new_array();
	for (size_t i = 0; i < record->n_holders; i++) {
		Json *row = json_object_new_object();
		js_set_int(row, "pid", record->holders[i].pid);
		js_set_int(row, "start", (int64_t)record->holders[i].start);
		json_object_array_add(holders, row);
	}
	js_set_take(json, "holders", holders);
	const char *text = js_text(json);
	return record_replace(engine_run_fd(engine), USERNS_RECORD, text, strlen(text),
			      RECORD_SYNC_NONE, error);
}

/* Open the user namespace of @pid if it still is the process meant and a member of namespace
 * @inode. */
static int open_member(pid_t pid, unsigned long long start, uint64_t inode)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/ns/user", pid);
	autofd fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	if (fd < 0 || fstat(fd, &st) < 0 || (inode && st.st_ino != inode))
		return -1;
	return record_is_process(pid, start) ? fd_steal(&fd) : -1;
}

/* The namespace through the runtime record of any running container; for when all listed holders
 * died. */
static int open_through_containers(Engine *engine, uint64_t inode)
{
	g_auto(GStrv) ids = record_list(engine_run_containers_fd(engine), NULL);
	for (size_t i = 0; ids && ids[i]; i++) {
		g_autofree char *path = g_strdup_printf("%s/run.json", ids[i]);
		g_autoptr(Json) run = js_load(engine_run_containers_fd(engine), path, 65536, NULL);
		Json *monitor = NULL;
		int64_t pid = 0, start = 0;
		if (!run || !js_get_object(run, "monitor", &monitor, NULL) || !monitor ||
		    !js_get_int(monitor, "pid", 1, G_MAXINT32, &pid, NULL) ||
		    !js_get_int(monitor, "start", 0, INT64_MAX, &start, NULL) || pid == 0)
			continue;
		int fd = open_member((pid_t)pid, (unsigned long long)start, inode);
		if (fd >= 0)
			return fd;
	}
	return -1;
}

/* Open the shared namespace; dead holders are dropped from @record. Return: -1 if nobody holds one.
 */
static int open_shared(Engine *engine, HolderRecord *record)
{
	if (!record->inode)
		return -1;
	int found = -1;
	size_t kept = 0;
	for (size_t i = 0; i < record->n_holders; i++) {
		int fd = open_member(record->holders[i].pid, record->holders[i].start,
				     record->inode);
		if (fd < 0)
			continue;
		record->holders[kept++] = record->holders[i];
		if (found < 0)
			found = fd;
		else
			close(fd);
		/* One live holder is enough; those behind it are checked when their turn comes. */
		for (i++; i < record->n_holders; i++)
			record->holders[kept++] = record->holders[i];
	}
	record->n_holders = kept;
	return found >= 0 ? found : open_through_containers(engine, record->inode);
}

/* What the child of rootless_spawn() needs. */
typedef struct {
	const Spawn *spawn;
	bool shared_keyring;
	bool cut_off;  /* the caller's mount namespace would see what is mounted in ours */
	int result_fd; /* close-on-exec: end of file tells that the program runs, an errno that it
			  does not */
} SpawnChild;

/*
 * A descriptor on the program through a detached, read-only clone of its mount (contracts:
 * /proc/PID/exe of everything that runs from it leads to a mount nobody can reach or write). -1
 * with errno.
 */
static int open_program_read_only(const char *program, int above)
{
	autofd tree =
		(int)syscall(SYS_open_tree, AT_FDCWD, program, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (tree < 0)
		return -1;
	struct mount_attr attr = {.attr_set =
					  wall_stands("read-only-program") ? MOUNT_ATTR_RDONLY : 0};
	if (syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH, &attr, sizeof(attr)) < 0)
		return -1;
	return fcntl(tree, F_DUPFD_CLOEXEC, above);
}

/*
 * The environment of a holder: what it needs to find our programs (its own /proc/self/exe leads
 * into a detached mount) and to run the clean-up verb; nothing else of the user's.
 */
static char **holder_environment(const char *program)
{
	static const char *const names[] = {"PATH", "HOME", "XDG_RUNTIME_DIR"};
	char **env = NULL;
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		const char *value = g_getenv(names[i]);
		if (value)
			env = g_environ_setenv(env, names[i], value, TRUE);
	}
	g_autofree char *dir = g_path_get_dirname(program);
	return g_environ_setenv(env, "SKIFF_LIBEXEC", dir, TRUE);
}

/*
 * A directory that was opened outside belongs to the caller's mount namespace, and the kernel takes
 * no such layer for an overlay (EINVAL since 6.15). Open it again by its path here; if that leads
 * elsewhere, keep what we have.
 */
static int reopen_directory(int fd)
{
	char link[64], path[PATH_MAX];
	struct stat given, found;
	if (fstat(fd, &given) < 0 || !S_ISDIR(given.st_mode))
		return fd;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	ssize_t size = readlink(link, path, sizeof(path) - 1);
	if (size <= 0 || size >= (ssize_t)sizeof(path) - 1)
		return fd;
	path[size] = '\0';
	autofd again = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (again < 0 || fstat(again, &found) < 0 || found.st_dev != given.st_dev ||
	    found.st_ino != given.st_ino)
		return fd;
	return fd_steal(&again);
}

/* In the namespaces: become the program. */
static int spawn_child(void *data)
{
	SpawnChild *child = data;
	/* Above everything spawn_exec() places, and no higher: the user may have few descriptors.
	 */
	int above = STDERR_FILENO + 1 + (int)child->spawn->n_fds;
	int result = fcntl(child->result_fd, F_DUPFD_CLOEXEC, above);
	int program = open_program_read_only(child->spawn->program, above);
	int keyring = privileges_join_keyring(child->shared_keyring);
	char path[64];
	int fds[MAX_PASSED_FDS];
	Spawn spawn = *child->spawn;
	/* A new user namespace does this by itself. What is left shared propagates to the host, and
	 * cannot become a root (pivot_root). */
	if (child->cut_off && mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
		fd_close(&program);
	if (keyring < 0) {
		errno = -keyring;
	} else if (program >= 0 && result >= 0 && spawn.n_fds <= MAX_PASSED_FDS) {
		for (size_t i = 0; i < spawn.n_fds; i++)
			fds[i] = reopen_directory(spawn.fds[i]);
		spawn.fds = fds;
		snprintf(path, sizeof(path), "/proc/self/fd/%d", program);
		spawn.program = path;
		errno = spawn_exec(&spawn);
	}
	int failure = errno;
	(void)!write(result, &failure, sizeof(failure));
	return 125;
}

/* Fork the child into the right namespaces. */
static pid_t fork_child(Engine *engine, int ns_fd, int flags, UserNsFn fn, void *data,
			GError **error)
{
	if (ns_fd >= 0)
		return userns_fork_join(ns_fd, flags, fn, data, NULL, error);
	const IdMap *map = is_inside(engine) ? NULL : engine_id_map(engine);
	return userns_fork_new(map, flags, fn, data, NULL, error);
}

/* Wait until the child has exec'd. */
static bool wait_exec(int fd, const char *program, GError **error)
{
	int failure = 0;
	ssize_t n;
	do
		n = read(fd, &failure, sizeof(failure));
	while (n < 0 && errno == EINTR);
	if (n == 0)
		return true;
	if (n == (ssize_t)sizeof(failure) && failure == EDQUOT) {
		error_set(error, ENGINE_ERROR_SYSTEM,
			  "cannot start '%s': this user has as many kernel keys as it may have",
			  program);
		error_add_help(error, "see /proc/key-users and sysctl kernel.keys.maxkeys");
		return false;
	}
	errno = n == (ssize_t)sizeof(failure) ? failure : EIO;
	return error_set_errno(error, "cannot start '%s'", program);
}

/*
 * Record that @pid holds the namespace. One that has ended already holds nothing; one of which
 * nobody can tell what it is would be found by nobody, and a second namespace would be made.
 */
static bool remember_holder(Engine *engine, HolderRecord *record, pid_t pid, GError **error)
{
	unsigned long long start = 0;
	if (record->n_holders == MAX_HOLDERS)
		return true;
	if (!record_tell_start(pid, &start, error))
		return false;
	uint64_t inode = start ? userns_inode(pid) : 0;
	if (start && !inode && errno != ENOENT && errno != ESRCH)
		return error_set_errno(error, "cannot tell the user namespace of process %d",
				       (int)pid);
	if (!inode)
		return true;
	record->inode = inode;
	record->holders[record->n_holders].pid = pid;
	record->holders[record->n_holders++].start = start;
	return holder_record_save(engine, record, error);
}

pid_t rootless_spawn(Engine *engine, const Spawn *spawn, GError **error)
{
	log_step(8, __func__);
	bool shared = engine_is_rootless(engine) && !is_inside(engine);
	g_autoptr(RecordLock) lock = NULL;
	HolderRecord record = {0};
	autofd ns = -1;
	if (shared) {
		lock = record_lock(engine_run_fd(engine), USERNS_LOCK, false, -1, "start", error);
		if (!lock)
			return -1;
		holder_record_load(engine, &record);
		ns = open_shared(engine, &record);
		if (ns < 0)
			record = (HolderRecord){0};
	}

	int ends[2];
	if (pipe2(ends, O_CLOEXEC) < 0) {
		error_set_errno(error, "cannot make a pipe");
		return -1;
	}
	autofd result = ends[0];
	autofd result_write = ends[1];
	g_auto(GStrv) env = holder_environment(spawn->program);
	Spawn with_env = *spawn;
	with_env.envp = (const char *const *)env;
	SpawnChild child = {.spawn = &with_env,
			    .result_fd = result_write,
			    .shared_keyring = engine_is_rootless(engine),
			    .cut_off = !shared};
	g_autoptr(GError) join_error = NULL;
	int flags = CLONE_NEWNS | (spawn->keep_groups ? USERNS_KEEP_GROUPS : 0);
	pid_t pid =
		fork_child(engine, ns, flags, spawn_child, &child, ns >= 0 ? &join_error : error);
	if (pid < 0 && ns >= 0 && error_matches(join_error, ENGINE_ERROR_NOT_FOUND)) {
		/* The last holder went between our look and the join: then there is no shared one.
		 */
		record = (HolderRecord){0};
		pid = fork_child(engine, -1, flags, spawn_child, &child, error);
	} else if (pid < 0 && ns >= 0) {
		g_propagate_error(error, g_steal_pointer(&join_error));
	}
	fd_close(&result_write);
	if (pid < 0)
		return -1;
	if (!wait_exec(result, spawn->argv[0], error) ||
	    (shared && !remember_holder(engine, &record, pid, error))) {
		(void)waitpid(pid, NULL, WNOHANG);
		return -1;
	}
	return pid;
}

/* Fork @fn where the shared map is valid, through a holder or in a namespace of its own. */
static pid_t fork_shared(Engine *engine, int flags, UserNsFn fn, void *data, GError **error)
{
	if (!engine_is_rootless(engine) || is_inside(engine))
		return fork_child(engine, -1, flags, fn, data, error);
	HolderRecord record;
	holder_record_load(engine, &record);
	autofd ns = open_shared(engine, &record);
	g_autoptr(GError) join_error = NULL;
	pid_t pid = ns < 0 ? -1 : userns_fork_join(ns, flags, fn, data, NULL, &join_error);
	return pid >= 0 ? pid : fork_child(engine, -1, flags, fn, data, error);
}

int rootless_run(Engine *engine, UserNsFn fn, void *data, GError **error)
{
	pid_t pid = fork_shared(engine, 0, fn, data, error);
	return pid < 0 ? -1 : spawn_wait(pid, error);
}

/* Stays until our caller has opened its namespace. */
static int wait_for_end(void *data)
{
	char byte;
	const int *pipe_fds = data;
	close(pipe_fds[1]);
	return read(pipe_fds[0], &byte, 1) != 0;
}

int rootless_open_userns(Engine *engine, GError **error)
{
	int ends[2];
	if (!engine_is_rootless(engine) || is_inside(engine))
		return -1;
	if (pipe2(ends, O_CLOEXEC) < 0) {
		error_set_errno(error, "cannot make a pipe");
		return -1;
	}
	autofd read_end = ends[0];
	autofd write_end = ends[1];
	int fds[] = {read_end, write_end};
	pid_t pid = userns_fork_new(engine_id_map(engine), 0, wait_for_end, fds, NULL, error);
	if (pid < 0)
		return -1;
	g_autofree char *path = g_strdup_printf("/proc/%d/ns/user", pid);
	int fd = openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		error_set_errno(error, "cannot open a user namespace");
	fd_close(&write_end);
	fd_close(&read_end);
	(void)spawn_wait(pid, NULL);
	return fd;
}

/* In the namespaces: become the command of `unshare`. */
static int enter_child(void *data)
{
	const char *const *argv = data;
	prctl(PR_SET_DUMPABLE, 1);
	/* Mounts made here must not travel back to the caller's namespace. */
	(void)mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL);
	execvp(argv[0], (char *const *)argv);
	int code = errno == ENOENT ? 127 : 126;
	dprintf(STDERR_FILENO, "Error: fork/exec %s: %s\n", argv[0], g_strerror(errno));
	return code;
}

int rootless_enter_exec(Engine *engine, const char *const *argv, GError **error)
{
	if (!engine_is_rootless(engine)) {
		error_set(error, ENGINE_ERROR_INVALID, "please use unshare with rootless");
		return -1;
	}
	pid_t pid = fork_shared(engine, CLONE_NEWNS, enter_child, (void *)argv, error);
	return pid < 0 ? -1 : spawn_wait(pid, error);
}

static int empty_trash_child(void *data)
{
	g_autoptr(GError) error = NULL;
	if (store_empty_trash(data, &error))
		return 0;
	log_warn("%s", error->message);
	return 1;
}

bool rootless_empty_trash(Engine *engine, GError **error)
{
	Store *store = engine_store(engine);
	if (store_trash_is_empty(store))
		return true;
	/* Most trees hold only files of our own: no namespace is needed for those. */
	if (store_empty_trash(store, NULL))
		return true;
	int code = rootless_run(engine, empty_trash_child, store, error);
	if (code > 0)
		return error_set(error, ENGINE_ERROR_SYSTEM, "cannot empty the trash of '%s'",
				 store_path(store));
	return code == 0;
}
