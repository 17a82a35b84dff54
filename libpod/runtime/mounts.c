/* SPDX-License-Identifier: Apache-2.0 */
#include "libpod/runtime/mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/path.h"
#include "libpod/base/wall.h"
#include "libpod/runtime/foreign.h"
#include "libpod/runtime/rootfs.h"
#include "libpod/runtime/tree.h"

/* Files of procfs that may be replaced by a bind; everything else below /proc is refused
 * (security 1.1). */
static const char *const proc_files[] = {
	"/proc/cpuinfo",  "/proc/diskstats", "/proc/loadavg", "/proc/meminfo",
	"/proc/slabinfo", "/proc/stat",      "/proc/swaps",   "/proc/uptime",
};

static void clear_entry(gpointer element)
{
	MountEntry *entry = element;
	mount_options_clear(&entry->options);
	fd_close(&entry->fd);
}

void mounts_plan_free(MountPlan *plan)
{
	if (!plan)
		return;
	g_array_unref(plan->entries);
	clear_entry(&plan->root);
	devices_plan_clear(&plan->devices);
	oci_config_free(plan->implicit);
	fd_close(&plan->null_fd);
	fd_close(&plan->root_fd);
	g_free(plan);
}

MountEntry *mounts_find(MountPlan *plan, const char *destination)
{
	for (guint i = plan->entries->len; i > 0; i--) {
		MountEntry *entry = &g_array_index(plan->entries, MountEntry, i - 1);
		if (strcmp(entry->mount->destination, destination) == 0)
			return entry;
	}
	return NULL;
}

static bool is_type(const MountEntry *entry, const char *type)
{
	return strcmp(entry->mount->type, type) == 0;
}

/* Is this the /dev that we fill? */
static bool is_own_dev(const MountEntry *entry)
{
	return strcmp(entry->mount->destination, "/dev") == 0 && is_type(entry, "tmpfs");
}

/* Must the read-only flag wait until we have written into the mount? */
static bool is_written_first(const MountEntry *entry)
{
	return entry->options.copy_up || entry->options.chown_to_user || entry->options.relabel ||
	       is_own_dev(entry);
}

/* Give a file system context its words. Unmapped gids are left out: a single-id map has no group 5.
 */
static int configure(int context, const char *source, const GPtrArray *data)
{
	if (source && fsconfig(context, FSCONFIG_SET_STRING, "source", source, 0) < 0)
		return -errno;
	for (guint i = 0; data && i < data->len; i++) {
		const char *word = g_ptr_array_index(data, i);
		const char *value = strchr(word, '=');
		g_autofree char *key = value ? g_strndup(word, (gsize)(value - word)) : NULL;
		int result = value ? fsconfig(context, FSCONFIG_SET_STRING, key, value + 1, 0)
				   : fsconfig(context, FSCONFIG_SET_FLAG, word, NULL, 0);
		if (result < 0 && !(errno == EINVAL && g_str_has_prefix(word, "gid=")))
			return -errno;
	}
	return fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0 ? -errno : 0;
}

int mounts_new(const char *type, const char *source, const GPtrArray *data, uint64_t attributes)
{
	autofd context = fsopen(type, FSOPEN_CLOEXEC);
	if (context < 0)
		return -errno;
	int result = configure(context, source, data);
	if (result < 0)
		return result;
	int fd = fsmount(context, FSMOUNT_CLOEXEC, (unsigned)attributes);
	return fd < 0 ? -errno : fd;
}

int mounts_new_empty(void)
{
	return mounts_new("tmpfs", "tmpfs", NULL,
			  MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
				  MOUNT_ATTR_NOEXEC);
}

/* Clone the source of a bind; a relative one lies in the store. */
static bool open_bind(MountEntry *entry, int store_fd, GError **error)
{
	const char *source = entry->mount->source;
	const char *part = mount_options_value(entry->mount, "subpath=");
	unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC;
	if (entry->options.recursive)
		flags |= AT_RECURSIVE;
	struct stat st;
	/* It lies in another container, whose /dev/shm or volume in memory is shared. */
	if (foreign_is_source(source) && wall_stands("foreign-inside")) {
		entry->fd = foreign_open_tree(source);
		errno = entry->fd < 0 ? -entry->fd : 0;
	} else if (part) {
		autofd found = path_open_part(store_fd, source, part, O_PATH);
		entry->fd = found < 0 ? -1 : open_tree(found, "", flags | AT_EMPTY_PATH);
	} else {
		entry->fd = open_tree(*source == '/' ? AT_FDCWD : store_fd, source, flags);
	}
	/* A host that never mounted its message queues has none to share: an empty directory stands
	 * in. */
	if (entry->fd < 0 && errno == ENOENT && strcmp(source, "/dev/mqueue") == 0)
		entry->fd = mounts_new_empty();
	if (entry->fd < 0 && errno == ENOENT)
		return error_set(error, ENGINE_ERROR_NOT_FOUND,
				 "statfs %s%s%s: no such file or directory", source,
				 part ? "/" : "", part ? part : "");
	if (entry->fd < 0 || fstat(entry->fd, &st) < 0)
		return error_set_errno(error, "cannot open '%s' for the mount at '%s'", source,
				       entry->mount->destination);
	entry->is_directory = S_ISDIR(st.st_mode);
	return true;
}

static bool is_proc_file(const char *path)
{
	for (size_t i = 0; i < G_N_ELEMENTS(proc_files); i++) {
		if (strcmp(path, proc_files[i]) == 0)
			return true;
	}
	return false;
}

/* What may be mounted at or below /proc, as far as words can tell. */
static bool check_destination(const OciMount *mount, GError **error)
{
	g_autofree char *clean = path_clean(mount->destination);
	bool bind = strcmp(mount->type, "bind") == 0, proc = strcmp(mount->type, "proc") == 0;
	bool allowed = !proc || !wall_stands("mounts-at-proc");
	if (strcmp(clean, "/proc") == 0)
		allowed = bind || proc;
	else if (g_str_has_prefix(clean, "/proc/"))
		allowed = bind && (is_proc_file(clean) || !wall_stands("mounts-at-proc"));
	return allowed ||
	       error_set(error, ENGINE_ERROR_INVALID, "a mount of type '%s' is not allowed at '%s'",
			 mount->type, mount->destination);
}

/*
 * With an own id map, a fresh directory of ours belongs to the container's root: init, on the other
 * side of the map, could not take it. What has been given away already stays as it is.
 */
static bool give_to_root(const OciConfig *config, int fd, const char *path, GError **error)
{
	struct stat st;
	if (!config->user_map)
		return true;
	uid_t uid = idmap_root(config->user_map->uids);
	gid_t gid = idmap_root(config->user_map->gids);
	if (fd < 0 || fstat(fd, &st) < 0 ||
	    (st.st_uid == geteuid() && fchownat(fd, "", uid, gid, AT_EMPTY_PATH) < 0))
		return error_set_errno(error, "cannot give '%s' to the container's root", path);
	return true;
}

/*
 * "U" on a tree of somebody the map does not know: init may not touch it. It becomes root's here,
 * and the user's in mounts_give().
 */
static bool bring_into_map(const OciConfig *config, const MountEntry *entry, GError **error)
{
	struct stat st;
	uint32_t inside;
	const IdMap *map = config->user_map;
	if (!entry->options.chown_to_user || !map || fstat(entry->fd, &st) < 0 ||
	    (idmap_translate_back(map->uids, st.st_uid, &inside) &&
	     idmap_translate_back(map->gids, st.st_gid, &inside)))
		return true;
	int result = tree_chown(entry->fd, idmap_root(map->uids), idmap_root(map->gids));
	errno = -result;
	return result == 0 ||
	       error_set_errno(error, "cannot change the owner of '%s'", entry->mount->source);
}

/* The upper directory's owner shows as that of "/". */
static bool give_upper(const OciConfig *config, int store_fd, const GPtrArray *words,
		       GError **error)
{
	for (guint i = 0; config->user_map && words && i < words->len; i++) {
		const char *word = g_ptr_array_index(words, i);
		if (!g_str_has_prefix(word, "upperdir="))
			continue;
		const char *path = word + strlen("upperdir=");
		autofd fd = *path == '/' ? openat(AT_FDCWD, path, O_PATH | O_DIRECTORY | O_CLOEXEC)
					 : path_open_state(store_fd, path, O_PATH | O_DIRECTORY, 0);
		return give_to_root(config, fd, path, error);
	}
	return true;
}

/* Parse one mount and open what it comes from. */
static bool plan_entry(const OciConfig *config, const OciMount *mount, int store_fd,
		       MountEntry *out, GError **error)
{
	MountEntry entry = {.mount = mount, .fd = -1, .is_directory = true};
	if (*mount->destination != '/')
		return error_set(error, ENGINE_ERROR_INVALID,
				 "the mount point '%s' is not absolute", mount->destination);
	if (!check_destination(mount, error) || !mount_options_parse(mount, &entry.options, error))
		return false;
	bool ok = true;
	if (entry.options.overlay)
		ok = (entry.fd = rootfs_overlay_bind(config, mount, store_fd, error)) >= 0;
	else if (is_type(&entry, "bind"))
		ok = open_bind(&entry, store_fd, error) &&
		     (!entry.options.copy_up ||
		      give_to_root(config, entry.fd, mount->source, error)) &&
		     bring_into_map(config, &entry, error);
	else if (is_type(&entry, "overlay"))
		ok = give_upper(config, store_fd, entry.options.data, error) &&
		     (entry.fd = rootfs_overlay(store_fd, entry.options.data, mount->destination,
						error)) >= 0;
	if (ok)
		*out = entry;
	else
		clear_entry(&entry);
	return ok;
}

/* The root: the mount at "/", or the directory that root.path names. */
static bool plan_root(MountPlan *plan, int store_fd, GError **error)
{
	if (plan->root.mount)
		return plan->root.fd >= 0 ||
		       error_set(error, ENGINE_ERROR_INVALID, "the root cannot be of type '%s'",
				 plan->root.mount->type);
	static const char *const recursive[] = {"rbind", NULL};
	oci_config_add_mount(plan->implicit, "/", "bind", plan->config->root_path, recursive);
	const OciMount *mount =
		g_ptr_array_index(plan->implicit->mounts, plan->implicit->mounts->len - 1);
	return plan_entry(plan->config, mount, store_fd, &plan->root, error);
}

/* Add a mount that the configuration left out, at the front of the list. */
static bool plan_implicit(MountPlan *plan, const char *destination, const char *type,
			  const char *const *options, guint position, GError **error)
{
	oci_config_add_mount(plan->implicit, destination, type, type, options);
	const OciMount *mount =
		g_ptr_array_index(plan->implicit->mounts, plan->implicit->mounts->len - 1);
	MountEntry entry;
	if (!plan_entry(plan->config, mount, -1, &entry, error))
		return false;
	g_array_insert_val(plan->entries, position, entry);
	return true;
}

/* /dev is always ours, so that nothing of the image's is used (R5). */
static bool plan_dev(MountPlan *plan, GError **error)
{
	static const char *const dev[] = {"nosuid", "strictatime", "mode=755", "size=65536k", NULL};
	static const char *const pts[] = {"nosuid",    "noexec", "newinstance", "ptmxmode=0666",
					  "mode=0620", "gid=5",  NULL};
	if (mounts_find(plan, "/dev"))
		return true;
	if (!plan_implicit(plan, "/dev", "tmpfs", dev, 0, error))
		return false;
	return mounts_find(plan, "/dev/pts") ||
	       plan_implicit(plan, "/dev/pts", "devpts", pts, 1, error);
}

/*
 * A descriptor that came from another mount namespace leads to mounts there, which ours may neither
 * clone nor build an overlay of. So the same directory is opened again, by its name, through our
 * own mounts.
 */
static int open_store_here(int store_fd, GError **error)
{
	struct stat there, here;
	g_autofree char *name = g_strdup_printf("/proc/self/fd/%d", store_fd);
	g_autofree char *path = g_file_read_link(name, NULL);
	autofd fd = path ? openat(AT_FDCWD, path, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
	if (fd < 0 || fstat(store_fd, &there) < 0 || fstat(fd, &here) < 0) {
		error_set_errno(error, "cannot open the store");
		return -1;
	}
	if (here.st_dev != there.st_dev || here.st_ino != there.st_ino) {
		error_set(error, ENGINE_ERROR_SYSTEM, "the store '%s' was moved or mounted over",
			  path);
		return -1;
	}
	return fd_steal(&fd);
}

MountPlan *mounts_plan(const OciConfig *config, int store_fd_of_caller, GError **error)
{
	autofd store_fd = store_fd_of_caller < 0 ? -1 : open_store_here(store_fd_of_caller, error);
	if (store_fd_of_caller >= 0 && store_fd < 0)
		return NULL;
	g_autoptr(MountPlan) plan = g_new0(MountPlan, 1);
	plan->config = config;
	plan->entries = g_array_new(FALSE, FALSE, sizeof(MountEntry));
	g_array_set_clear_func(plan->entries, clear_entry);
	plan->implicit = oci_config_new();
	plan->root.fd = plan->root_fd = -1;
	plan->null_fd = devices_open_null(true);
	if (plan->null_fd < 0)
		return error_set_errno_null(error, "cannot use the host's '/dev/null'");
	for (guint i = 0; i < config->mounts->len; i++) {
		MountEntry entry;
		const OciMount *mount = g_ptr_array_index(config->mounts, i);
		if (!plan_entry(config, mount, store_fd, &entry, error))
			return NULL;
		if (strcmp(entry.mount->destination, "/") != 0)
			g_array_append_val(plan->entries, entry);
		else if (!plan->root.mount)
			plan->root = entry;
		else
			clear_entry(&entry);
	}
	if (!plan_root(plan, store_fd, error) || !plan_dev(plan, error) ||
	    !devices_plan(config, &plan->devices, error))
		return NULL;
	return g_steal_pointer(&plan);
}

int mounts_move(int mount_fd, int target_fd)
{
	if (move_mount(mount_fd, "", target_fd, "",
		       MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
		return -errno;
	return 0;
}

/* A recursive clone of something of the host's, which must be the file system it should be. */
static int clone_host(const char *path, unsigned long magic)
{
	autofd fd = open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
	struct statfs fs;
	if (fd < 0 || fstatfs(fd, &fs) < 0)
		return -errno;
	return magic && (unsigned long)fs.f_type != magic ? -ENODEV : fd_steal(&fd);
}

static bool is_host(const MountPlan *plan, OciNamespaceKind kind)
{
	return plan->config->namespaces[kind].mode == OCI_NS_HOST;
}

/* A procfs of our own pid namespace; of the host's namespace only the host's own can be had
 * [feasibility]. */
static int make_proc(const MountPlan *plan, MountEntry *entry, uint64_t attributes)
{
	if (is_host(plan, OCI_NS_PID))
		return clone_host("/proc", PROC_SUPER_MAGIC);
	return mounts_new("proc", "proc", entry->options.data, attributes);
}

/*
 * sysfs belongs to the network namespace and message queues to the IPC namespace: with those of the
 * host a user namespace only gets a bind of the host's.
 */
static int make_sysfs(const MountPlan *plan, MountEntry *entry, uint64_t attributes)
{
	int fd = mounts_new("sysfs", "sysfs", NULL, attributes);
	entry->is_hosts = fd == -EPERM;
	return entry->is_hosts ? clone_host("/sys", SYSFS_MAGIC) : fd;
}

static int make_cgroup(const MountPlan *plan, MountEntry *entry, uint64_t attributes)
{
	int fd = is_host(plan, OCI_NS_CGROUP) ? clone_host("/sys/fs/cgroup", 0)
					      : mounts_new("cgroup2", "cgroup", NULL, attributes);
	return fd < 0 ? mounts_new_empty() : fd;
}

static int make_mqueue(const MountPlan *plan, MountEntry *entry, uint64_t attributes)
{
	int fd = mounts_new("mqueue", "mqueue", NULL, attributes);
	if (fd == -EPERM)
		fd = clone_host("/dev/mqueue", 0);
	return fd < 0 ? mounts_new_empty() : fd;
}

static int make_plain(const MountPlan *plan, MountEntry *entry, uint64_t attributes)
{
	return mounts_new(entry->mount->type, entry->mount->source, entry->options.data,
			  attributes);
}

static const struct {
	const char *type;
	int (*make)(const MountPlan *plan, MountEntry *entry, uint64_t attributes);
} makers[] = {
	{"cgroup", make_cgroup}, {"devpts", make_plain}, {"mqueue", make_mqueue},
	{"proc", make_proc},     {"ramfs", make_plain},  {"sysfs", make_sysfs},
	{"tmpfs", make_plain},
};

int mounts_make(MountPlan *plan, SyncReport *report)
{
	for (guint i = 0; i < plan->entries->len; i++) {
		MountEntry *entry = &g_array_index(plan->entries, MountEntry, i);
		if (entry->fd >= 0)
			continue;
		uint64_t attributes = entry->options.attr_set;
		if (is_written_first(entry))
			attributes &= ~(uint64_t)MOUNT_ATTR_RDONLY;
		int fd = -ENODEV;
		for (size_t m = 0; m < G_N_ELEMENTS(makers); m++) {
			if (is_type(entry, makers[m].type))
				fd = makers[m].make(plan, entry, attributes);
		}
		if (fd < 0)
			return sync_subject(report, entry->mount->destination, fd);
		entry->fd = fd;
	}
	return 0;
}

/* Flags and propagation of a mount, the whole tree of a recursive bind. */
static int set_attributes(const MountEntry *entry, uint64_t without)
{
	const MountOptions *options = &entry->options;
	struct mount_attr attr = {
		.attr_set = options->attr_set & ~without,
		.attr_clr = options->attr_clear,
		.propagation = options->propagation,
	};
	/* One atime mode replaces the other only if the whole field is cleared. */
	if (attr.attr_set & MOUNT_ATTR__ATIME)
		attr.attr_clr |= MOUNT_ATTR__ATIME;
	unsigned flags = AT_EMPTY_PATH | AT_RECURSIVE;
	if (mount_setattr(entry->fd, "", flags, &attr, sizeof attr) == 0)
		return 0;
	/* A flag that the host has locked cannot be cleared from a user namespace: it stays set. */
	attr.attr_clr = attr.attr_set & MOUNT_ATTR__ATIME ? MOUNT_ATTR__ATIME : 0;
	if (errno == EPERM && mount_setattr(entry->fd, "", flags, &attr, sizeof attr) == 0)
		return 0;
	return -errno;
}

/* Open the mount point, making it if it is missing. */
static int open_target(const MountPlan *plan, const MountEntry *entry)
{
	const char *path = entry->mount->destination;
	bool kernels = is_type(entry, "proc") || is_type(entry, "sysfs");
	if ((kernels || strcmp(path, "/proc") == 0) && wall_stands("real-proc")) {
		/* Labels and sysctls are written through these: no link may lead elsewhere. */
		autofd real = path_open_state(plan->root_fd, path + 1, O_PATH | O_DIRECTORY, 0);
		if (real >= 0 || errno != ENOENT)
			return real < 0 ? -errno : fd_steal(&real);
	}
	int fd = entry->is_directory && !entry->options.create_file
			 ? path_mkdirs_in_root(plan->root_fd, path, 0755)
			 : path_touch_in_root(plan->root_fd, path, 0644);
	return fd < 0 ? -errno : fd;
}

/* /proc is a procfs, and nothing but the listed files is bound below it, whatever link led there.
 */
static int check_target(const MountEntry *entry, int target)
{
	struct statfs fs;
	if (!wall_stands("mounts-below-proc"))
		return 0;
	if (strcmp(entry->mount->destination, "/proc") == 0)
		return fstatfs(entry->fd, &fs) == 0 && fs.f_type == PROC_SUPER_MAGIC ? 0 : -EPERM;
	if (fstatfs(target, &fs) < 0)
		return -errno;
	if (fs.f_type != PROC_SUPER_MAGIC)
		return 0;
	return g_str_has_prefix(entry->mount->destination, "/proc/") ? 0 : -EPERM;
}

static bool has_data(const MountEntry *entry, const char *key)
{
	for (guint i = 0; entry->options.data && i < entry->options.data->len; i++)
		if (g_str_has_prefix(entry->options.data->pdata[i], key))
			return true;
	return false;
}

/* A new tmpfs is like the image's directory at its place, but for what its options say. */
static int copy_up_memory(MountEntry *entry, bool is_in_image, int target)
{
	struct stat st;
	if (!is_in_image)
		return 0;
	int result = fstat(entry->fd, &st) < 0 ? -errno : tree_copy(target, entry->fd);
	if (result == 0 && (has_data(entry, "uid=") || has_data(entry, "gid=")) &&
	    fchownat(entry->fd, "", st.st_uid, st.st_gid, AT_EMPTY_PATH) < 0)
		result = -errno;
	if (result < 0 || !has_data(entry, "mode="))
		return result;
	autofd root = openat(entry->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return root < 0 || fchmod(root, st.st_mode & 07777) < 0 ? -errno : 0;
}

/* Fill an empty volume or tmpfs with what the image has at its place. */
static int copy_up(MountEntry *entry, bool is_in_image, int target)
{
	if (!entry->options.copy_up || !entry->is_directory)
		return 0;
	if (!is_type(entry, "bind"))
		return copy_up_memory(entry, is_in_image, target);
	struct stat st;
	bool keep = entry->options.keep_owner;
	int empty = wall_stands("empty-volumes") ? tree_is_empty(entry->fd) : 1;
	entry->is_fresh = empty > 0 && !is_in_image && !keep;
	if (empty <= 0 || fstat(entry->fd, &st) < 0)
		return empty <= 0 ? empty : -errno;
	int result = tree_copy(target, entry->fd);
	if (result == 0 && keep && fchownat(entry->fd, "", st.st_uid, st.st_gid, AT_EMPTY_PATH) < 0)
		result = -errno;
	return result;
}

static bool is_in_image(const MountPlan *plan, const MountEntry *entry)
{
	if (!entry->options.copy_up)
		return false;
	autofd found = path_open_in_root(plan->root_fd, entry->mount->destination, O_PATH, 0);
	return found >= 0;
}

/* Does the path lead to the mount now? Somebody may have moved the directory meanwhile (R3). */
static int check_attached(const MountPlan *plan, const MountEntry *entry)
{
	struct statx here, there;
	autofd fd = path_open_in_root(plan->root_fd, entry->mount->destination, O_PATH, 0);
	if (fd < 0 || statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &here) < 0 ||
	    statx(entry->fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &there) < 0)
		return -errno;
	return here.stx_mnt_id == there.stx_mnt_id ? 0 : -EXDEV;
}

/* One mount from detached to its place; what has to be written into it is written while nobody sees
 * it. */
static int attach_entry(MountPlan *plan, MountEntry *entry, SyncReport *report)
{
	bool in_image = is_in_image(plan, entry);
	autofd target = open_target(plan, entry);
	if (target < 0)
		return target;
	int result = check_target(entry, target);
	if (result == 0)
		result = copy_up(entry, in_image, target);
	if (result == 0)
		result = set_attributes(entry, is_written_first(entry) ? MOUNT_ATTR_RDONLY : 0);
	if (result == 0)
		result = mounts_move(entry->fd, target);
	if (result == 0 && wall_stands("attached"))
		result = check_attached(plan, entry);
	if (result == 0 && is_own_dev(entry))
		result = devices_populate(&plan->devices,
					  wall_stands("own-dev") ? entry->fd : target,
					  plan->root_fd, report);
	return result;
}

int mounts_attach(MountPlan *plan, SyncReport *report)
{
	for (guint i = 0; i < plan->entries->len; i++) {
		MountEntry *entry = &g_array_index(plan->entries, MountEntry, i);
		int result = attach_entry(plan, entry, report);
		if (result < 0)
			return *report->subject
				       ? result
				       : sync_subject(report, entry->mount->destination, result);
	}
	const MountEntry *dev = mounts_find(plan, "/dev");
	return dev && is_own_dev(dev) ? 0 : devices_attach(&plan->devices, plan->root_fd, report);
}

int mounts_give(MountPlan *plan, uid_t uid, gid_t gid, SyncReport *report)
{
	for (guint i = 0; i < plan->entries->len; i++) {
		MountEntry *entry = &g_array_index(plan->entries, MountEntry, i);
		int result = 0;
		if (entry->options.chown_to_user)
			result = tree_chown(entry->fd, uid, gid);
		else if (entry->is_fresh)
			result = fchownat(entry->fd, "", uid, gid, AT_EMPTY_PATH) < 0 ? -errno : 0;
		/* Without a label SELinux is not in use, and "z" has nothing to do. */
		if (result == 0 && entry->options.relabel && plan->config->mount_label)
			result = tree_relabel(entry->fd, plan->config->mount_label);
		if (result == 0 && is_written_first(entry) &&
		    (entry->options.attr_set & MOUNT_ATTR_RDONLY))
			result = set_attributes(entry, 0);
		if (result < 0)
			return sync_subject(report, entry->mount->destination, result);
	}
	return 0;
}
