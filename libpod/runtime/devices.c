/* SPDX-License-Identifier: Apache-2.0 */
#include "libpod/runtime/devices.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/path.h"
#include "libpod/runtime/mounts.h"

static const struct {
	const char *path;
	unsigned major, minor;
} standard_nodes[] = {
	{"/dev/null", 1, 3},   {"/dev/zero", 1, 5},    {"/dev/full", 1, 7},
	{"/dev/random", 1, 8}, {"/dev/urandom", 1, 9}, {"/dev/tty", 5, 0},
};

static const struct {
	const char *name, *target;
} standard_links[] = {
	{"fd", "/proc/self/fd"},       {"stdin", "/proc/self/fd/0"}, {"stdout", "/proc/self/fd/1"},
	{"stderr", "/proc/self/fd/2"}, {"core", "/proc/kcore"},      {"ptmx", "pts/ptmx"},
};

static const char *const standard_directories[] = {"pts", "shm", "mqueue"};

static void clear_entry(gpointer element)
{
	DeviceEntry *entry = element;
	g_free(entry->path);
	fd_close(&entry->fd);
}

void devices_plan_clear(DevicePlan *plan)
{
	if (plan->entries)
		g_array_unref(plan->entries);
	plan->entries = NULL;
}

/* A detached bind of a host node; its type and number must be the expected ones. -1 with errno. */
static int open_node(const char *path, mode_t type, dev_t expected)
{
	autofd fd = open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	struct stat st;
	if (fd < 0 || fstat(fd, &st) < 0)
		return -1;
	if ((st.st_mode & S_IFMT) != type || st.st_rdev != expected) {
		errno = ENODEV;
		return -1;
	}
	struct mount_attr attr = {
		.attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC,
		.propagation = MS_PRIVATE,
	};
	if (mount_setattr(fd, "", AT_EMPTY_PATH, &attr, sizeof attr) < 0)
		return -1;
	return fd_steal(&fd);
}

int devices_open_null(bool detached)
{
	if (detached)
		return open_node("/dev/null", S_IFCHR, makedev(1, 3));
	autofd fd = openat(AT_FDCWD, "/dev/null", O_RDWR | O_CLOEXEC | O_NOCTTY);
	struct stat st;
	if (fd < 0 || fstat(fd, &st) < 0)
		return -1;
	if (!S_ISCHR(st.st_mode) || st.st_rdev != makedev(1, 3)) {
		errno = ENODEV;
		return -1;
	}
	return fd_steal(&fd);
}

/* Open what the configuration names; a number given there must be the node's own. */
static bool plan_configured(const OciDevice *device, DevicePlan *plan, GError **error)
{
	const char *source = device->host_path ? device->host_path : device->path;
	struct stat st;
	if (fstatat(AT_FDCWD, source, &st, 0) < 0 && errno == ENOENT)
		return error_set(error, ENGINE_ERROR_NOT_FOUND, "no such device '%s'", source);
	mode_t type = device->type == 'b' ? S_IFBLK : device->type == 'p' ? S_IFIFO : S_IFCHR;
	dev_t number = makedev((unsigned)device->major, (unsigned)device->minor);
	if (type == S_IFIFO)
		number = 0;
	int fd = open_node(source, type, number);
	if (fd < 0 && errno == ENODEV)
		return error_set(error, ENGINE_ERROR_INVALID, "'%s' is not the device %c %d:%d",
				 source, device->type, (int)device->major, (int)device->minor);
	if (fd < 0)
		return error_set_errno(error, "cannot open the device '%s'", source);
	DeviceEntry entry = {.path = g_strdup(device->path), .fd = fd, .configured = true};
	g_array_append_val(plan->entries, entry);
	return true;
}

static bool plan_standard(size_t i, DevicePlan *plan, GError **error)
{
	const char *path = standard_nodes[i].path;
	int fd =
		open_node(path, S_IFCHR, makedev(standard_nodes[i].major, standard_nodes[i].minor));
	if (fd < 0)
		return error_set_errno(error, "cannot use the host's '%s'", path);
	DeviceEntry entry = {.path = g_strdup(path), .fd = fd};
	g_array_append_val(plan->entries, entry);
	return true;
}

/* Is a standard node configured explicitly? Then the configuration counts. */
static bool is_configured(const OciConfig *config, const char *path)
{
	for (guint i = 0; i < config->devices->len; i++) {
		const OciDevice *device = g_ptr_array_index(config->devices, i);
		if (strcmp(device->path, path) == 0)
			return true;
	}
	return false;
}

bool devices_plan(const OciConfig *config, DevicePlan *out_plan, GError **error)
{
	DevicePlan plan = {.entries = g_array_new(FALSE, FALSE, sizeof(DeviceEntry))};
	g_array_set_clear_func(plan.entries, clear_entry);
	bool ok = true;
	for (size_t i = 0; i < G_N_ELEMENTS(standard_nodes) && ok; i++) {
		if (!is_configured(config, standard_nodes[i].path))
			ok = plan_standard(i, &plan, error);
	}
	for (guint i = 0; i < config->devices->len && ok; i++)
		ok = plan_configured(g_ptr_array_index(config->devices, i), &plan, error);
	if (!ok) {
		devices_plan_clear(&plan);
		return false;
	}
	*out_plan = plan;
	return true;
}

/* Put a device onto a file made for it: directly in our /dev, else by the safe walk. */
static int attach_device(const DeviceEntry *entry, int dev_fd, int root_fd)
{
	autofd target = -1;
	const char *name = entry->path + strlen("/dev/");
	if (dev_fd >= 0 && g_str_has_prefix(entry->path, "/dev/") && !strchr(name, '/')) {
		if (mknodat(dev_fd, name, S_IFREG | 0666, 0) < 0 && errno != EEXIST)
			return -errno;
		target = openat(dev_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	} else {
		target = path_touch_in_root(root_fd, entry->path, 0666);
	}
	return target < 0 ? -errno : mounts_move(entry->fd, target);
}

int devices_attach(const DevicePlan *plan, int root_fd, SyncReport *report)
{
	for (guint i = 0; i < plan->entries->len; i++) {
		const DeviceEntry *entry = &g_array_index(plan->entries, DeviceEntry, i);
		int result = entry->configured ? attach_device(entry, -1, root_fd) : 0;
		if (result < 0)
			return sync_subject(report, entry->path, result);
	}
	return 0;
}

int devices_populate(const DevicePlan *plan, int dev_fd, int root_fd, SyncReport *report)
{
	for (guint i = 0; i < plan->entries->len; i++) {
		const DeviceEntry *entry = &g_array_index(plan->entries, DeviceEntry, i);
		int result = attach_device(entry, dev_fd, root_fd);
		if (result < 0)
			return sync_subject(report, entry->path, result);
	}
	for (size_t i = 0; i < G_N_ELEMENTS(standard_links); i++) {
		if (symlinkat(standard_links[i].target, dev_fd, standard_links[i].name) < 0)
			return sync_subject(report, standard_links[i].name, -errno);
	}
	for (size_t i = 0; i < G_N_ELEMENTS(standard_directories); i++) {
		if (mkdirat(dev_fd, standard_directories[i], 0755) < 0 && errno != EEXIST)
			return sync_subject(report, standard_directories[i], -errno);
	}
	return 0;
}

int devices_open_terminal(int pts_fd, int *out_master, int *out_slave)
{
	autofd master = openat(pts_fd, "ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC | O_NOFOLLOW);
	struct statfs fs;
	struct stat st;
	if (master < 0 || fstatfs(master, &fs) < 0 || fstat(master, &st) < 0)
		return -errno;
	if (fs.f_type != DEVPTS_SUPER_MAGIC || st.st_rdev != makedev(5, 2))
		return -ENODEV;
	int unlock = 0;
	if (ioctl(master, TIOCSPTLCK, &unlock) < 0)
		return -errno;
	int slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (slave < 0)
		return -errno;
	*out_master = fd_steal(&master);
	*out_slave = slave;
	return 0;
}

int devices_bind_console(int dev_fd, int slave_fd)
{
	if (mknodat(dev_fd, "console", S_IFREG | 0620, 0) < 0 && errno != EEXIST)
		return -errno;
	autofd target = openat(dev_fd, "console", O_PATH | O_NOFOLLOW | O_CLOEXEC);
	autofd source =
		open_tree(slave_fd, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (target < 0 || source < 0)
		return -errno;
	return mounts_move(source, target);
}
