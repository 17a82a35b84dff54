/* SPDX-License-Identifier: Apache-2.0 */
#include "libpod/oci_build.h"

#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/wall.h"
#include "libpod/runtime/privileges.h"
#include "libpod/systemd_mode.h"

#define NOTIFY_DIRECTORY   "/run/notify"
#define DEFAULT_PIDS_LIMIT 2048
#define DEFAULT_SHM_SIZE   (64 * 1024 * 1024)
#define NOFILE_MAX         1048576

/* Masked for everybody but --privileged: the union of docker's and podman's lists (security.md 2).
 */
static const char *const masked_paths[] = {
	"/proc/acpi",
	"/proc/asound",
	"/proc/interrupts",
	"/proc/kallsyms",
	"/proc/kcore",
	"/proc/keys",
	"/proc/latency_stats",
	"/proc/sched_debug",
	"/proc/scsi",
	"/proc/timer_list",
	"/proc/timer_stats",
	"/sys/dev/block",
	"/sys/devices/virtual/powercap",
	"/sys/firmware",
	"/sys/fs/selinux",
	NULL,
};

static const char *const readonly_paths[] = {
	"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger", NULL,
};

/* Apply one list of --cap-add or --cap-drop to @set. */
static bool apply_capabilities(char **names, bool add, uint64_t all, uint64_t *set, uint64_t *named,
			       GError **error)
{
	for (size_t i = 0; names && names[i]; i++) {
		int capability;
		uint64_t bits = all;
		if (g_ascii_strcasecmp(names[i], "all") != 0) {
			if (!privileges_capability_parse(names[i], &capability, error))
				return false;
			bits = UINT64_C(1) << capability;
		}
		*set = add ? *set | bits : *set & ~bits;
		*named |= bits;
	}
	return true;
}

static bool lists_all(char **names)
{
	for (size_t i = 0; names && names[i]; i++) {
		if (g_ascii_strcasecmp(names[i], "all") == 0)
			return true;
	}
	return false;
}

bool oci_build_capabilities(const ContainerSpec *spec, uint64_t *out_bounding, uint64_t *out_added,
			    GError **error)
{
	uint64_t all = privileges_full_capabilities();
	uint64_t set = spec->privileged ? all : privileges_default_capabilities() & all;
	uint64_t added = 0, dropped = 0;
	/* "drop all, add some" and "add all, drop some" both mean what they say, in either order of
	 * typing. */
	bool drop_first = lists_all(spec->cap_drop);
	if (drop_first && !apply_capabilities(spec->cap_drop, false, all, &set, &dropped, error))
		return false;
	if (!apply_capabilities(spec->cap_add, true, all, &set, &added, error))
		return false;
	if (!drop_first && !apply_capabilities(spec->cap_drop, false, all, &set, &dropped, error))
		return false;
	*out_bounding = set & all;
	*out_added = added & set;
	return true;
}

static void set_namespace(OciConfig *config, OciNamespaceKind kind, OciNamespaceMode mode,
			  const char *path)
{
	config->namespaces[kind].mode = mode;
	config->namespaces[kind].path = g_strdup(path);
}

/* One of pid, ipc, uts, cgroup. */
static void build_namespace(OciConfig *config, OciNamespaceKind kind, const SpecNamespace *ns,
			    const char *path)
{
	switch (ns->mode) {
	case SPEC_NS_DEFAULT:
	case SPEC_NS_PRIVATE:
		set_namespace(config, kind, OCI_NS_NEW, NULL);
		break;
	case SPEC_NS_HOST:
		set_namespace(config, kind, OCI_NS_HOST, NULL);
		break;
	case SPEC_NS_CONTAINER:
	case SPEC_NS_PATH:
		set_namespace(config, kind, OCI_NS_PATH, path);
		break;
	}
}

/* A namespace of its own, unless the host's or that of another is shared. */
static void build_network(OciConfig *config, const ContainerSpec *spec,
			  const OciBuildContext *context)
{
	switch (spec->network->mode) {
	case NETWORK_NONE:
	case NETWORK_SLIRP:
	case NETWORK_NAMED:
	case NETWORK_PASTA:
		set_namespace(config, OCI_NS_NETWORK, OCI_NS_NEW, NULL);
		break;
	case NETWORK_HOST:
		set_namespace(config, OCI_NS_NETWORK, OCI_NS_HOST, NULL);
		break;
	case NETWORK_CONTAINER:
	case NETWORK_NS:
		set_namespace(config, OCI_NS_NETWORK, OCI_NS_PATH, context->netns_path);
		break;
	}
}

/* All seven; a container that shares the user namespace of the user makes none. */
static void build_namespaces(OciConfig *config, const ContainerSpec *spec,
			     const OciBuildContext *context)
{
	set_namespace(config, OCI_NS_MOUNT, OCI_NS_NEW, NULL);
	build_network(config, spec, context);
	build_namespace(config, OCI_NS_PID, &spec->pid, context->pidns_path);
	build_namespace(config, OCI_NS_IPC, &spec->ipc, context->ipcns_path);
	build_namespace(config, OCI_NS_UTS, &spec->uts, context->utsns_path);
	build_namespace(config, OCI_NS_CGROUP, &spec->cgroup, context->cgroupns_path);
	if (context->userns_path) {
		set_namespace(config, OCI_NS_USER, OCI_NS_PATH, context->userns_path);
	} else if (spec->id_map) {
		set_namespace(config, OCI_NS_USER, OCI_NS_NEW, NULL);
	}
	config->user_map = spec->id_map ? idmap_copy(spec->id_map) : NULL;
}

static void build_root(OciConfig *config, const ContainerSpec *spec, const OciBuildContext *context)
{
	const char *const bind[] = {"rbind", "rprivate", NULL};
	config->root_path = g_strdup("rootfs");
	config->root_readonly = spec->read_only || spec->infra;
	if (spec->infra)
		oci_config_add_mount(config, "/", "bind", "cache/stubs", bind);
	else if (context->root_options)
		oci_config_add_mount(config, "/", "overlay", "overlay", context->root_options);
	else
		oci_config_add_mount(config, "/", "bind", spec->rootfs, bind);
}

/* Where the other container's shared memory lies; NULL if the IPC namespace is no container's. */
static char *other_shm(const ContainerSpec *spec, const OciBuildContext *context)
{
	if (spec->ipc.mode != SPEC_NS_CONTAINER || !context->ipcns_path)
		return NULL;
	g_autofree char *ns = g_path_get_dirname(context->ipcns_path);
	g_autofree char *process = g_path_get_dirname(ns);
	return g_build_filename(process, "root/dev/shm", NULL);
}

/* proc, dev, sys and their like, before anything of the user's. */
static void build_system_mounts(OciConfig *config, const ContainerSpec *spec,
				const OciBuildContext *context)
{
	/* The image chooses the command, and with it that it is a systemd: never another's. */
	bool own = systemd_mode_has_namespace(spec) || !wall_stands("own-cgroups");
	bool writable =
		spec->privileged || (spec->systemd && own) || !wall_stands("cgroups-read-only");
	const char *const proc[] = {"nosuid", "noexec", "nodev", NULL};
	const char *const dev[] = {"nosuid",   "noexec",      "strictatime",
				   "mode=755", "size=65536k", NULL};
	const char *const pts[] = {"nosuid",    "noexec", "newinstance", "ptmxmode=0666",
				   "mode=0620", "gid=5",  NULL};
	const char *const mqueue[] = {"nosuid", "noexec", "nodev", NULL};
	const char *const sys[] = {"nosuid", "noexec", "nodev", spec->privileged ? "rw" : "ro",
				   NULL};
	const char *const cgroup[] = {
		"nosuid", "noexec", "nodev", "relatime", writable ? "rw" : "ro", NULL};
	const char *const bind[] = {"rbind", "nosuid", "noexec", "nodev", NULL};
	g_autofree char *size =
		g_strdup_printf("size=%" G_GINT64_FORMAT,
				spec->shm_size > 0 ? spec->shm_size : (gint64)DEFAULT_SHM_SIZE);
	const char *const shm[] = {
		"nosuid", "noexec", "nodev", "mode=1777", wall_stands("shm-size") ? size : NULL,
		NULL};

	oci_config_add_mount(config, "/proc", "proc", "proc", proc);
	oci_config_add_mount(config, "/dev", "tmpfs", "tmpfs", dev);
	if (spec->infra) {
		/* All that its pod's members see of it. */
		oci_config_add_mount(config, "/dev/shm", "tmpfs", "shm", shm);
		return;
	}
	oci_config_add_mount(config, "/dev/pts", "devpts", "devpts", pts);
	if (spec->ipc.mode == SPEC_NS_HOST) {
		oci_config_add_mount(config, "/dev/mqueue", "bind", "/dev/mqueue", bind);
		oci_config_add_mount(config, "/dev/shm", "bind", "/dev/shm", bind);
	} else {
		g_autofree char *theirs = other_shm(spec, context);
		oci_config_add_mount(config, "/dev/mqueue", "mqueue", "mqueue", mqueue);
		oci_config_add_mount(config, "/dev/shm", theirs ? "bind" : "tmpfs",
				     theirs ? theirs : "shm", theirs ? bind : shm);
	}
	oci_config_add_mount(config, "/sys", "sysfs", "sysfs", sys);
	oci_config_add_mount(config, "/sys/fs/cgroup", "cgroup", "cgroup", cgroup);
}

/* Does the user mount something at @destination? Then ours stays away. */
static bool user_mounts(const ContainerSpec *spec, const char *destination)
{
	for (guint i = 0; i < spec->mounts->len; i++) {
		const SpecMount *mount = g_ptr_array_index(spec->mounts, i);
		if (g_str_equal(mount->destination, destination))
			return true;
	}
	return false;
}

/* hosts, resolv.conf, hostname and the marker that programs look for. */
static void build_file_mounts(OciConfig *config, const ContainerSpec *spec,
			      const OciBuildContext *context)
{
	const struct {
		const char *name, *destination;
		bool wanted, of_network;
	} files[] = {
		{"resolv.conf", "/etc/resolv.conf", true, true},
		{"hosts", "/etc/hosts", !spec->no_hosts, true},
		{"hostname", "/etc/hostname", spec->uts.mode != SPEC_NS_HOST && !spec->no_hostname},
		{"localtime", "/etc/localtime", spec->timezone != NULL},
		{"containerenv", "/run/.containerenv", true},
	};
	const char *const options[] = {"bind",   "rprivate",    "nosuid", "nodev",
				       "noexec", "create=file", NULL};
	for (size_t i = 0; i < G_N_ELEMENTS(files); i++) {
		if (user_mounts(spec, files[i].destination) || !files[i].wanted)
			continue;
		bool pods = files[i].of_network && context->net_dir_path;
		g_autofree char *source = g_build_filename(
			pods ? context->net_dir_path : context->dir_path, files[i].name, NULL);
		oci_config_add_mount(config, files[i].destination, "bind", source, options);
	}
}

/* The socket for words to the service manager, whose directory the monitor fills. */
static void build_notify_mount(OciConfig *config, const ContainerSpec *spec,
			       const OciBuildContext *context)
{
	const char *const options[] = {"bind",   "rprivate",   "nosuid", "nodev",
				       "noexec", "create=dir", NULL};
	if (!context->notify || user_mounts(spec, NOTIFY_DIRECTORY))
		return;
	g_autofree char *source = g_build_filename(context->dir_path, "notify", NULL);
	oci_config_add_mount(config, NOTIFY_DIRECTORY, "bind", source, options);
}

/* What has no source on the host. */
static bool is_memory(const SpecMount *mount)
{
	return mount->kind == SPEC_MOUNT_TMPFS || mount->kind == SPEC_MOUNT_RAMFS ||
	       mount->kind == SPEC_MOUNT_DEVPTS;
}

/* The options of one mount of the user's. @more: for a volume or an image, else NULL. g_strfreev()
 * the result. */
static char **mount_options(const SpecMount *mount, bool bind, bool copy_up, char *const *more)
{
	g_autoptr(GStrvBuilder) options = g_strv_builder_new();
	if (bind) {
		g_strv_builder_add(options, mount->non_recursive ? "bind" : "rbind");
		g_strv_builder_add(options, mount->propagation ? mount->propagation : "rprivate");
	}
	if (bind && mount->subpath) {
		g_autofree char *part = g_strconcat("subpath=", mount->subpath, NULL);
		g_strv_builder_add(options, part);
	}
	if (mount->kind == SPEC_MOUNT_DEVPTS)
		g_strv_builder_addv(options, (const char *[]){"nosuid", "noexec", "newinstance",
							      "ptmxmode=0666", NULL});
	g_strv_builder_add(options, mount->read_only ? "ro" : "rw");
	if (mount->chown)
		g_strv_builder_add(options, "U");
	if (mount->overlay)
		g_strv_builder_add(options, "O");
	if (mount->relabel) {
		const char label[] = {mount->relabel, '\0'};
		g_strv_builder_add(options, label);
	}
	if (copy_up)
		g_strv_builder_add(options, "copyup");
	if (mount->kind == SPEC_MOUNT_VOLUME || mount->kind == SPEC_MOUNT_IMAGE) {
		g_strv_builder_add(options, "nosuid");
		g_strv_builder_add(options, "nodev");
	}
	if (more)
		g_strv_builder_addv(options, (const char **)more);
	g_strv_builder_addv(options, (const char **)mount->options);
	return g_strv_builder_end(options);
}

/* Parents before children, otherwise in the order given. */
static gint compare_depth(gconstpointer a, gconstpointer b)
{
	const OciMount *first = *(OciMount *const *)a;
	const OciMount *second = *(OciMount *const *)b;
	size_t one = 0, two = 0;
	for (const char *c = first->destination; *c; c++)
		one += *c == '/';
	for (const char *c = second->destination; *c; c++)
		two += *c == '/';
	return one == two ? 0 : one < two ? -1 : 1;
}

/* Put the mounts from @first on into an order in which no mount hides an earlier one. */
static void sort_mounts(OciConfig *config, guint first)
{
	g_autoptr(GArray) sorted = g_array_new(FALSE, FALSE, sizeof(gpointer));
	g_array_append_vals(sorted, config->mounts->pdata + first, config->mounts->len - first);
	g_array_sort(sorted, compare_depth);
	memcpy(config->mounts->pdata + first, sorted->data, sorted->len * sizeof(gpointer));
}

/* One of -v, --mount and --tmpfs: volumes are binds of their directories in the store. */
static void build_user_mount(OciConfig *config, const SpecMount *mount,
			     const OciBuildContext *context, guint i)
{
	static const char *const types[] = {
		[SPEC_MOUNT_BIND] = "bind",     [SPEC_MOUNT_VOLUME] = "bind",
		[SPEC_MOUNT_TMPFS] = "tmpfs",   [SPEC_MOUNT_RAMFS] = "ramfs",
		[SPEC_MOUNT_DEVPTS] = "devpts", [SPEC_MOUNT_IMAGE] = "overlay",
	};
	const char *type = types[mount->kind], *source = type;
	if (mount->kind == SPEC_MOUNT_BIND)
		source = mount->source;
	else if (mount->kind == SPEC_MOUNT_VOLUME && context->volume_paths[i])
		source = context->volume_paths[i];
	else if (mount->kind == SPEC_MOUNT_VOLUME)
		type = source = "tmpfs";
	bool bind = strcmp(type, "bind") == 0;
	bool copy_up = is_memory(mount) ? mount->copy_up : context->volume_copy_up[i];
	g_auto(GStrv) options = mount_options(
		mount, bind, copy_up, context->mount_options ? context->mount_options[i] : NULL);
	oci_config_add_mount(config, mount->destination, type, source,
			     (const char *const *)options);
}

static void build_user_mounts(OciConfig *config, const ContainerSpec *spec,
			      const OciBuildContext *context)
{
	for (guint i = 0; i < spec->mounts->len; i++)
		build_user_mount(config, g_ptr_array_index(spec->mounts, i), context, i);
}

/* Lines for a user and a group that the image does not know; init fills in the $NAMES. */
static void build_entries(OciConfig *config, const ContainerSpec *spec)
{
	if (!spec->passwd || (!spec->user && spec->userns != SPEC_USERNS_KEEP_ID))
		return;
	config->passwd_entry =
		g_strdup(spec->passwd_entry ? spec->passwd_entry
					    : "$USERNAME:*:$UID:$GID:$NAME:$HOME:/bin/sh");
	config->group_entry =
		g_strdup(spec->group_entry ? spec->group_entry : "$GROUPNAME:x:$GID:$USERLIST");
}

/* What systemd's services find in their environment. */
static void build_service_env(OciConfig *config, const OciBuildContext *context)
{
	if (context->notify)
		config->env = g_environ_setenv(config->env, "NOTIFY_SOCKET",
					       NOTIFY_DIRECTORY "/notify.sock", TRUE);
	if (context->notify && context->watchdog)
		config->env =
			g_environ_setenv(config->env, "WATCHDOG_USEC", context->watchdog, TRUE);
	if (context->listen_fds == 0)
		return;
	g_autofree char *count = g_strdup_printf("%d", context->listen_fds);
	config->env = g_environ_setenv(config->env, "LISTEN_FDS", count, TRUE);
	config->env = g_environ_setenv(config->env, OCI_LISTEN_PID, OCI_OWN_PID, TRUE);
	if (context->listen_names)
		config->env = g_environ_setenv(config->env, "LISTEN_FDNAMES", context->listen_names,
					       TRUE);
}

/* For who reads the configuration: nothing is executed. */
static const char *const pause_args[] = {"skiff-pause", NULL};

/* What init becomes: user, arguments, environment, privileges, score. */
static bool build_process(OciConfig *config, const ContainerSpec *spec,
			  const OciBuildContext *context, GError **error)
{
	config->terminal = spec->tty;
	config->user_spec = g_strdup(spec->user);
	config->extra_groups = g_strdupv(spec->group_add);
	build_entries(config, spec);
	config->keep_groups = spec->keep_groups;
	config->umask_set = spec->umask != NULL;
	if (spec->umask)
		config->umask = (uint32_t)g_ascii_strtoull(spec->umask, NULL, 8);
	config->args = g_strdupv(spec->infra ? (char **)pause_args : spec->args);
	config->pause = spec->infra;
	config->env = g_strdupv(spec->env);
	config->cwd = g_strdup(spec->workdir ? spec->workdir : "/");
	config->create_cwd = spec->workdir_created;
	config->init_process = spec->init;
	config->no_new_privileges = spec->no_new_privileges || spec->infra;
	config->apparmor_profile = g_strdup(spec->apparmor_profile);
	if (!g_environ_getenv(config->env, "HOSTNAME") && config->hostname)
		config->env = g_environ_setenv(config->env, "HOSTNAME", config->hostname, FALSE);
	build_service_env(config, context);
	systemd_mode_add_env(config, spec, context->id);
	uint64_t added;
	if (!oci_build_capabilities(spec, &config->cap_bounding, &added, error))
		return false;
	config->cap_effective = config->cap_bounding;
	config->cap_ambient = added;
	/* The payload goes before its monitor when memory runs out, unless a score was asked for. A
	 * user cannot go below his own. */
	config->oom_score_adj = !spec->oom_score_adj_set ? MIN(context->oom_score_adj + 100, 1000)
				: context->rootless
					? MAX(spec->oom_score_adj, context->oom_score_adj)
					: spec->oom_score_adj;
	config->oom_score_adj_set = true;
	return true;
}

static bool has_rlimit(const GArray *limits, int resource)
{
	for (guint i = 0; i < limits->len; i++) {
		if (g_array_index(limits, OciRlimit, i).resource == resource)
			return true;
	}
	return false;
}

/* What was asked for, then our defaults for what was not. */
static void build_rlimits(OciConfig *config, const ContainerSpec *spec,
			  const OciBuildContext *context)
{
	uint64_t nofile = MIN(context->nofile_hard, (uint64_t)NOFILE_MAX);
	const OciRlimit defaults[] = {
		{.resource = RLIMIT_NOFILE, .soft = nofile, .hard = nofile},
		{.resource = RLIMIT_CORE, .soft = 0, .hard = 0},
	};
	if (spec->ulimits->len)
		g_array_append_vals(config->rlimits, spec->ulimits->data, spec->ulimits->len);
	for (size_t i = 0; !spec->ulimit_host && i < G_N_ELEMENTS(defaults); i++) {
		if (!has_rlimit(config->rlimits, defaults[i].resource))
			g_array_append_val(config->rlimits, defaults[i]);
	}
}

/* A bind of each node, with the numbers that it has now: the runtime refuses another. */
static bool build_devices(OciConfig *config, const ContainerSpec *spec, GError **error)
{
	for (guint i = 0; i < spec->devices->len; i++) {
		const SpecDevice *asked = g_ptr_array_index(spec->devices, i);
		struct stat st;
		if (stat(asked->host_path, &st) < 0)
			return error_set_errno(error, "stat %s", asked->host_path);
		if (!S_ISCHR(st.st_mode) && !S_ISBLK(st.st_mode))
			return error_set(error, ENGINE_ERROR_INVALID, "%s is not a device node",
					 asked->host_path);
		OciDevice *device = g_new0(OciDevice, 1);
		device->path = g_strdup(asked->path);
		device->host_path = g_strdup(asked->host_path);
		device->type = S_ISCHR(st.st_mode) ? 'c' : 'b';
		device->major = major(st.st_rdev);
		device->minor = minor(st.st_rdev);
		device->mode = st.st_mode & 0777;
		g_ptr_array_add(config->devices, device);
	}
	return true;
}

static bool is_unmasked(const ContainerSpec *spec, const char *path)
{
	for (size_t i = 0; spec->unmask && spec->unmask[i]; i++) {
		if (g_str_equal(spec->unmask[i], "ALL") ||
		    g_pattern_match_simple(spec->unmask[i], path))
			return true;
	}
	return false;
}

/* The defaults without what --security-opt unmask= names, and with what mask= adds. */
static char **build_paths(const ContainerSpec *spec, const char *const *defaults, char **more)
{
	g_autoptr(GStrvBuilder) paths = g_strv_builder_new();
	for (size_t i = 0; !spec->privileged && defaults[i]; i++) {
		if (!is_unmasked(spec, defaults[i]))
			g_strv_builder_add(paths, defaults[i]);
	}
	g_strv_builder_addv(paths, (const char **)more);
	return g_strv_builder_end(paths);
}

char **oci_build_thermal_paths(const char *directory)
{
	g_autoptr(GStrvBuilder) paths = g_strv_builder_new();
	long processors = sysconf(_SC_NPROCESSORS_CONF);
	for (long i = 0; i < processors; i++) {
		g_autofree char *path = g_strdup_printf("%s/cpu%ld/thermal_throttle", directory, i);
		if (faccessat(AT_FDCWD, path, F_OK, 0) == 0)
			g_strv_builder_add(paths, path);
	}
	return g_strv_builder_end(paths);
}

/* The fixed list, and what this host has one of per processor. */
static char **default_masked_paths(void)
{
	g_autoptr(GStrvBuilder) paths = g_strv_builder_new();
	g_auto(GStrv) thermal = oci_build_thermal_paths("/sys/devices/system/cpu");
	g_strv_builder_addv(paths, (const char **)masked_paths);
	g_strv_builder_addv(paths, (const char **)thermal);
	return g_strv_builder_end(paths);
}

OciConfig *oci_build(const ContainerSpec *spec, const OciBuildContext *context, GError **error)
{
	g_autoptr(OciConfig) config = oci_config_new();
	if (spec->uts.mode != SPEC_NS_HOST && spec->uts.mode != SPEC_NS_CONTAINER)
		config->hostname =
			spec->hostname ? g_strdup(spec->hostname) : g_strndup(context->id, 12);
	config->domainname = g_strdup(spec->domainname);
	build_namespaces(config, spec, context);
	build_root(config, spec, context);
	build_system_mounts(config, spec, context);
	guint first = config->mounts->len;
	if (!spec->infra) {
		build_user_mounts(config, spec, context);
		build_file_mounts(config, spec, context);
		build_notify_mount(config, spec, context);
		systemd_mode_add_mounts(config, spec);
		sort_mounts(config, first);
	}
	if (!build_process(config, spec, context, error) || !build_devices(config, spec, error))
		return NULL;
	build_rlimits(config, spec, context);

	char *none[] = {NULL};
	g_auto(GStrv) hidden = default_masked_paths();
	config->masked_paths =
		build_paths(spec, (const char *const *)hidden, spec->mask ? spec->mask : none);
	config->readonly_paths = build_paths(spec, readonly_paths, none);
	if (g_hash_table_size(spec->annotations) > 0)
		config->annotations = g_hash_table_ref(spec->annotations);
	if (spec->sysctl)
		config->sysctl = g_hash_table_ref(spec->sysctl);
	resources_merge(&config->resources, &spec->resources);
	config->resources.pids = spec->pids_limit_set ? spec->pids_limit : DEFAULT_PIDS_LIMIT;
	return g_steal_pointer(&config);
}
