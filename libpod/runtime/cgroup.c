/* SPDX-License-Identifier: Apache-2.0 */
#include "libpod/runtime/cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/path.h"
#include "libpod/base/units.h"

#define CGROUP_MOUNT "/sys/fs/cgroup"
#define FILE_MAX     (1 << 20) /* bytes of a file of cgroup, of mountinfo */
#define PATH_SIZE    4096

#define ENABLE_ROUNDS  20 /* processes fork while they are moved */
#define REMOVE_ROUNDS  20
#define REMOVE_WAIT_MS 100
#define DEPTH_MAX      32 /* of cgroups that a payload made */

bool cgroup_path_is_valid(const char *path)
{
	if (*path != '/' || strlen(path) >= PATH_SIZE)
		return false;
	if (path[1] == '\0')
		return true;
	g_auto(GStrv) parts = g_strsplit(path + 1, "/", -1);
	for (size_t i = 0; parts[i]; i++) {
		if (!path_name_is_safe(parts[i]))
			return false;
	}
	return true;
}

char *cgroup_parse_own(const char *text)
{
	const char *line = strncmp(text, "0::", 3) == 0 ? text : strstr(text, "\n0::");
	if (!line)
		return NULL;
	const char *path = strstr(line, "::") + 2;
	g_autofree char *found = g_strndup(path, strcspn(path, "\n"));
	/* A cgroup that was removed below us is shown with " (deleted)" and cannot be opened. */
	return cgroup_path_is_valid(found) ? g_steal_pointer(&found) : NULL;
}

/* @path below @root: NULL if it is not there, "." if it is the same. Borrowed. */
static const char *below(const char *path, const char *root)
{
	size_t size = strcmp(root, "/") == 0 ? 0 : strlen(root);
	if (strncmp(path, root, size) != 0 || (path[size] != '/' && path[size] != '\0'))
		return NULL;
	const char *rest = path + size;
	while (*rest == '/')
		rest++;
	return *rest ? rest : ".";
}

bool cgroup_parse_mounts(const char *mountinfo, const char *path, char **out_mount,
			 char **out_relative)
{
	g_auto(GStrv) lines = g_strsplit(mountinfo, "\n", -1);
	g_autofree char *mount = NULL;
	g_autofree char *relative = NULL;
	for (size_t i = 0; lines[i]; i++) {
		/* id parent major:minor ROOT POINT options [tags] - TYPE source options */
		g_auto(GStrv) fields = g_strsplit(lines[i], " ", -1);
		const char *type = strstr(lines[i], " - ");
		if (!type || !g_str_has_prefix(type, " - cgroup2 ") || g_strv_length(fields) < 6)
			continue;
		g_autofree char *root = g_strcompress(fields[3]);
		g_autofree char *point = g_strcompress(fields[4]);
		const char *rest = below(path, root);
		/* The first place counts; what is mounted over it later hides it. */
		if (!rest || (mount && strcmp(mount, point) != 0))
			continue;
		g_free(mount);
		g_free(relative);
		mount = g_steal_pointer(&point);
		relative = g_strdup(rest);
	}
	if (!mount)
		return false;
	*out_mount = g_steal_pointer(&mount);
	*out_relative = g_steal_pointer(&relative);
	return true;
}

bool cgroup_list_has(const char *list, const char *controller)
{
	size_t size = strlen(controller);
	for (const char *word = list + strspn(list, " \n"); *word; word += strspn(word, " \n")) {
		size_t length = strcspn(word, " \n");
		if (length == size && strncmp(word, controller, size) == 0)
			return true;
		word += length;
	}
	return false;
}

bool cgroup_is_unified(void)
{
	struct statfs fs;
	return statfs(CGROUP_MOUNT, &fs) == 0 && fs.f_type == CGROUP2_SUPER_MAGIC;
}

/* A small file of /proc. */
static char *read_proc(const char *path, GError **error)
{
	autofd fd = openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return error_set_errno_null(error, "cannot open '%s'", path);
	return fd_read_all(fd, FILE_MAX, NULL, error);
}

char *cgroup_of(pid_t pid, GError **error)
{
	char path[48] = "/proc/self/cgroup";
	if (pid > 0)
		snprintf(path, sizeof path, "/proc/%d/cgroup", (int)pid);
	g_autofree char *text = read_proc(path, error);
	if (!text)
		return NULL;
	char *own = cgroup_parse_own(text);
	if (!own)
		error_set(error, ENGINE_ERROR_NOT_FOUND, "'%s' names no usable cgroup", path);
	return own;
}

int cgroup_open(const char *path, GError **error)
{
	g_autofree char *mountinfo = read_proc("/proc/self/mountinfo", error);
	g_autofree char *mount = NULL;
	g_autofree char *relative = NULL;
	if (!mountinfo)
		return -1;
	if (!cgroup_path_is_valid(path) ||
	    !cgroup_parse_mounts(mountinfo, path, &mount, &relative)) {
		error_set(error, ENGINE_ERROR_NOT_FOUND, "no mounted cgroup file system shows '%s'",
			  path);
		return -1;
	}
	autofd root = openat(AT_FDCWD, mount, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct statfs fs;
	if (root < 0 || fstatfs(root, &fs) < 0) {
		error_set_errno(error, "cannot open '%s'", mount);
		return -1;
	}
	if (fs.f_type != CGROUP2_SUPER_MAGIC) {
		error_set(error, ENGINE_ERROR_NOT_FOUND, "'%s' is no cgroup file system", mount);
		return -1;
	}
	int fd = path_open_state(root, relative, O_RDONLY | O_DIRECTORY, 0);
	if (fd < 0 && errno == ENOENT)
		error_set(error, ENGINE_ERROR_NOT_FOUND, "the cgroup '%s' is gone", path);
	else if (fd < 0)
		error_set_errno(error, "cannot open the cgroup '%s'", path);
	return fd;
}

bool cgroup_looks_delegated(const char *path)
{
	char value[2];
	g_autofree char *full = g_strconcat(CGROUP_MOUNT, path, NULL);
	return getxattr(full, "user.delegate", value, sizeof value) == 1 ||
	       (geteuid() == 0 && getxattr(full, "trusted.delegate", value, sizeof value) == 1);
}

bool cgroup_is_delegated(int fd)
{
	char value = '\0';
	/* The first is for the owner's eyes, too; older systemd sets only the second. */
	return (fgetxattr(fd, "user.delegate", &value, 1) == 1 ||
		fgetxattr(fd, "trusted.delegate", &value, 1) == 1) &&
	       value == '1';
}

/* A file of a cgroup, or NULL. */
static char *read_file(int fd, const char *name, GError **error)
{
	autofd file = openat(fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (file < 0)
		return error_set_errno_null(error, "cannot open '%s'", name);
	return fd_read_all(file, FILE_MAX, NULL, error);
}

/* Return: false with errno. */
static bool write_file(int fd, const char *name, const char *value)
{
	autofd file = openat(fd, name, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
	return file >= 0 && fd_write_all(file, value, strlen(value));
}

int cgroup_make(int base_fd, const char *name, GError **error)
{
	if (!path_name_is_safe(name)) {
		error_set(error, ENGINE_ERROR_INVALID, "'%s' is no name for a cgroup", name);
		return -1;
	}
	if (mkdirat(base_fd, name, 0755) < 0 && errno != EEXIST) {
		error_set_errno(error, "cannot make the cgroup '%s'", name);
		return -1;
	}
	int fd = path_open_state(base_fd, name, O_RDONLY | O_DIRECTORY, 0);
	if (fd < 0)
		error_set_errno(error, "cannot open the cgroup '%s'", name);
	return fd;
}

/*
 * Move every process that stands in the base itself out of the way; one that ends meanwhile has
 * done so. Only the top of the machine may hold processes beside its children: it alone has no
 * type.
 */
static bool evacuate(int base_fd, bool *out_moved, GError **error)
{
	*out_moved = false;
	g_autofree char *list = read_file(base_fd, "cgroup.procs", error);
	if (!list)
		return false;
	if (*list == '\0' || faccessat(base_fd, "cgroup.type", F_OK, 0) < 0)
		return true;
	*out_moved = true;
	autofd supervisor = cgroup_make(base_fd, CGROUP_SUPERVISOR, error);
	if (supervisor < 0)
		return false;
	g_auto(GStrv) pids = g_strsplit(list, "\n", -1);
	for (size_t i = 0; pids[i]; i++) {
		if (*pids[i] && !write_file(supervisor, "cgroup.procs", pids[i]) && errno != ESRCH)
			return error_set_errno(error, "cannot move process %s to '%s'", pids[i],
					       CGROUP_SUPERVISOR);
	}
	return true;
}

bool cgroup_has(int fd, const char *controller)
{
	g_autofree char *have = read_file(fd, "cgroup.controllers", NULL);
	return have && cgroup_list_has(have, controller);
}

/* Let children have a controller, unless they have. */
static bool enable(int base_fd, const char *controller, GError **error)
{
	g_autofree char *enabled = read_file(base_fd, "cgroup.subtree_control", error);
	if (!enabled)
		return false;
	if (cgroup_list_has(enabled, controller))
		return true;
	if (!cgroup_has(base_fd, controller))
		return error_set(error, ENGINE_ERROR_UNSUPPORTED,
				 "the controller '%s' is not available", controller);
	g_autofree char *word = g_strconcat("+", controller, NULL);
	return write_file(base_fd, "cgroup.subtree_control", word) ||
	       error_set_errno(error, "cannot enable the controller '%s'", controller);
}

/*
 * The kernel refuses a controller of resources (memory) where processes are, and takes one that can
 * be threaded (pids), but then refuses processes in the children. So the base is emptied first, and
 * looked at again, because processes fork while they are moved.
 */
bool cgroup_enable(int base_fd, const char *controller, GError **error)
{
	bool moved = true;
	for (int i = 0; i < ENABLE_ROUNDS && moved; i++) {
		if (!evacuate(base_fd, &moved, error))
			return false;
	}
	if (moved)
		return error_set(error, ENGINE_ERROR_IN_USE,
				 "processes keep coming to the cgroup that was delegated to us");
	return enable(base_fd, controller, error);
}

int cgroup_make_below(int base_fd, const char *path, const char *const *controllers, GError **error)
{
	autofd fd = openat(base_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	g_auto(GStrv) parts = g_strsplit(path, "/", -1);
	if (fd < 0)
		error_set_errno(error, "cannot open the base of '%s'", path);
	for (size_t i = 0; parts[i] && fd >= 0; i++) {
		if (*parts[i] == '\0')
			continue;
		/* What a part lacks its children lack, and who sets a limit there will be told. */
		for (size_t c = 0; controllers[c]; c++)
			(void)enable(fd, controllers[c], NULL);
		autofd child = cgroup_make(fd, parts[i], error);
		fd_close(&fd);
		fd = fd_steal(&child);
	}
	return fd_steal(&fd);
}

bool cgroup_delegate(int fd, uid_t uid, gid_t gid)
{
	static const char *const files[] = {"cgroup.procs", "cgroup.threads",
					    "cgroup.subtree_control"};
	for (size_t i = 0; i < G_N_ELEMENTS(files); i++)
		if (fchownat(fd, files[i], uid, gid, AT_SYMLINK_NOFOLLOW) < 0)
			return false;
	return fchown(fd, uid, gid) == 0;
}

int cgroup_open_member(int fd, const char *name, pid_t pid)
{
	g_autofree char *path = cgroup_of(pid, NULL);
	g_autofree char *part = g_strdup_printf("/%s/", name);
	const char *found = path ? strstr(path, part) : NULL;
	return found ? path_open_state(fd, found + strlen(part), O_RDONLY | O_DIRECTORY, 0) : -1;
}

bool cgroup_freeze(int fd, bool on)
{
	return write_file(fd, "cgroup.freeze", on ? "1" : "0");
}

char *cgroup_read(int fd, const char *file)
{
	return read_file(fd, file, NULL);
}

int64_t cgroup_read_number(int fd, const char *file, const char *key)
{
	g_autofree char *text = cgroup_read(fd, file);
	g_auto(GStrv) lines = text ? g_strsplit(text, "\n", -1) : NULL;
	size_t size = key ? strlen(key) : 0;
	for (size_t i = 0; lines && lines[i]; i++) {
		const char *at = lines[i];
		if (key && (strncmp(at, key, size) != 0 || at[size] != ' '))
			continue;
		at += key ? size + 1 : 0;
		uint64_t value;
		g_autofree char *digits = g_strndup(at, strspn(at, "0123456789"));
		return units_parse_uint(digits, G_MAXINT64, &value, NULL) ? (int64_t)value : -1;
	}
	return -1;
}

bool cgroup_wait_frozen(int fd, int timeout_ms)
{
	autofd events = openat(fd, "cgroup.events", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	int64_t deadline = g_get_monotonic_time() + (int64_t)timeout_ms * 1000;
	while (events >= 0) {
		/* Reading arms the notification. */
		g_autofree char *text = fd_read_all(events, FILE_MAX, NULL, NULL);
		if (text && strstr(text, "frozen 1"))
			return true;
		int64_t left = (deadline - g_get_monotonic_time()) / 1000;
		struct pollfd changed = {.fd = events, .events = POLLPRI};
		if (!text || left <= 0 || (poll(&changed, 1, (int)left) < 0 && errno != EINTR) ||
		    lseek(events, 0, SEEK_SET) < 0)
			return false;
	}
	return false;
}

bool cgroup_limit(int fd, const OciConfig *config, GError **error)
{
	return resources_apply(&config->resources, fd, error);
}

/* Remove the empty cgroups below @fd. Return: false with errno of the last that would not go. */
static bool remove_below(int fd, int depth)
{
	int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *directory = copy < 0 ? NULL : fdopendir(copy);
	if (!directory) {
		fd_close(&copy);
		return false;
	}
	int failure = 0;
	for (struct dirent *entry; (entry = readdir(directory));) {
		if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
			continue;
		autofd child = path_open_state(fd, entry->d_name, O_RDONLY | O_DIRECTORY, 0);
		if (child >= 0 && depth < DEPTH_MAX)
			(void)remove_below(child, depth + 1);
		if (unlinkat(fd, entry->d_name, AT_REMOVEDIR) < 0 && errno != ENOENT)
			failure = errno;
	}
	closedir(directory);
	errno = failure;
	return failure == 0;
}

/* Kill what is in a cgroup and below, and wait a moment for its end. */
static void kill_all(int fd)
{
	autofd events = openat(fd, "cgroup.events", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	(void)write_file(fd, "cgroup.kill", "1");
	/* Reading arms the notification, so an end before it is seen, too. */
	g_autofree char *text = events < 0 ? NULL : fd_read_all(events, FILE_MAX, NULL, NULL);
	if (!text || !strstr(text, "populated 1"))
		return;
	struct pollfd changed = {.fd = events, .events = POLLPRI};
	(void)poll(&changed, 1, REMOVE_WAIT_MS);
}

bool cgroup_remove(int base_fd, const char *name)
{
	if (!path_name_is_safe(name)) {
		errno = EINVAL;
		return false;
	}
	for (int i = 0; i < REMOVE_ROUNDS; i++) {
		if (unlinkat(base_fd, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
			return true;
		if (errno != EBUSY)
			return false;
		autofd fd = path_open_state(base_fd, name, O_RDONLY | O_DIRECTORY, 0);
		if (fd < 0)
			return errno == ENOENT;
		kill_all(fd);
		(void)remove_below(fd, 0);
	}
	errno = EBUSY;
	return false;
}
