/* SPDX-License-Identifier: Apache-2.0 */
#include "libpod/doctor.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/idmap.h"
#include "libpod/base/path.h"
#include "libpod/base/record.h"
#include "libpod/base/spawn.h"
#include "libpod/base/units.h"
#include "libpod/base/userns.h"

#define KERNEL_MAJOR  5
#define KERNEL_MINOR  14
#define MANY_SUB_IDS  65536
#define SPACE_LOW     (INT64_C(1) << 30)
#define INODES_LOW    10000
#define SMALL_FILE    65536
#define DELEGATE_FILE "/etc/systemd/system/user@.service.d/delegate.conf"

void doctor_finding_free(DoctorFinding *finding)
{
	if (!finding)
		return;
	g_free(finding->message);
	g_free(finding->help);
	g_free(finding);
}

const char *doctor_status_name(DoctorStatus status)
{
	static const char *const names[] = {"ok", "warn", "fail"};
	return names[status];
}

/* Add a finding; the strings are taken. */
static void add(GPtrArray *findings, const char *name, DoctorStatus status, char *message,
		char *help)
{
	DoctorFinding *finding = g_new0(DoctorFinding, 1);
	*finding = (DoctorFinding){name, status, message, help};
	g_ptr_array_add(findings, finding);
}

/* An error of ours: its first line, and what its help line says. */
static void add_error(GPtrArray *findings, const char *name, DoctorStatus status,
		      const GError *error)
{
	g_auto(GStrv) lines = g_strsplit(error->message, "\n", -1);
	char *help = NULL;
	for (size_t i = 1; lines[0] && lines[i]; i++)
		if (!help && g_str_has_prefix(lines[i], "help: "))
			help = g_strdup(lines[i] + strlen("help: "));
	add(findings, name, status, g_strdup(lines[0] ? lines[0] : ""), help);
}

/* A small file of the host, NULL if it cannot be read. g_free() it. */
static char *read_file(const DoctorOptions *options, const char *path)
{
	g_autofree char *whole = g_strconcat(options->root ? options->root : "", path, NULL);
	autofd fd = openat(AT_FDCWD, whole, O_RDONLY | O_CLOEXEC);
	char *text = fd < 0 ? NULL : fd_read_all(fd, SMALL_FILE, NULL, NULL);
	return text ? g_strchomp(text) : NULL;
}

static bool exists(const DoctorOptions *options, const char *path)
{
	g_autofree char *whole = g_strconcat(options->root ? options->root : "", path, NULL);
	return faccessat(AT_FDCWD, whole, F_OK, 0) == 0;
}

/* A number of /proc/sys, "kernel/keys/maxkeys"; -1 if there is none. */
static int64_t sysctl_number(const DoctorOptions *options, const char *name)
{
	g_autofree char *path = g_strconcat("/proc/sys/", name, NULL);
	g_autofree char *text = read_file(options, path);
	return text && *text ? g_ascii_strtoll(text, NULL, 10) : -1;
}

/* "sudo sysctl -w NAME=VALUE", and how it stays so. g_free() it. */
static char *sysctl_help(const char *name, const char *value)
{
	g_autofree char *dotted = g_strdelimit(g_strdup(name), "/", '.');
	return g_strdup_printf(
		"echo '%s = %s' | sudo tee -a /etc/sysctl.d/99-skiff.conf && sudo sysctl --system",
		dotted, value);
}

static void check_kernel(GPtrArray *findings)
{
	struct utsname uts = {0};
	int major = 0, minor = 0;
	uname(&uts);
	sscanf(uts.release, "%d.%d", &major, &minor);
	bool fine = major > KERNEL_MAJOR || (major == KERNEL_MAJOR && minor >= KERNEL_MINOR);
	add(findings, "kernel", fine ? DOCTOR_OK : DOCTOR_FAIL,
	    g_strdup_printf("Linux %s", uts.release),
	    fine ? NULL
		 : g_strdup_printf("install a kernel of %d.%d or later", KERNEL_MAJOR,
				   KERNEL_MINOR));
}

static void check_programs(GPtrArray *findings)
{
	static const char *const names[] = {"skiff-monitor", "skiff-uplink", "skiff-fetch",
					    "skiff-layer"};
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		g_autofree char *path = spawn_find_own(names[i], NULL);
		if (path)
			continue;
		add(findings, "programs", DOCTOR_FAIL,
		    g_strdup_printf("%s is not where skiff was installed", names[i]),
		    g_strdup("install skiff again"));
		return;
	}
	add(findings, "programs", DOCTOR_OK, g_strdup("all are installed"), NULL);
}

static int do_nothing(void *data)
{
	return 0;
}

void doctor_explain_userns(const DoctorOptions *options, const GError *error, GPtrArray *findings)
{
	size_t before = findings->len;
	int64_t most = sysctl_number(options, "user/max_user_namespaces");
	if (most == 0 || (most > 0 && error_matches(error, ENGINE_ERROR_SYSTEM) &&
			  strstr(error->message, g_strerror(ENOSPC))))
		add(findings, "user namespaces", DOCTOR_FAIL,
		    g_strdup_printf("user.max_user_namespaces is %" G_GINT64_FORMAT, most),
		    sysctl_help("user/max_user_namespaces", "15000"));
	if (sysctl_number(options, "kernel/unprivileged_userns_clone") == 0)
		add(findings, "user namespaces", DOCTOR_FAIL,
		    g_strdup("kernel.unprivileged_userns_clone forbids them"),
		    sysctl_help("kernel/unprivileged_userns_clone", "1"));
	if (sysctl_number(options, "kernel/apparmor_restrict_unprivileged_userns") == 1) {
		g_autofree char *self = g_file_read_link("/proc/self/exe", NULL);
		add(findings, "user namespaces", DOCTOR_FAIL,
		    g_strdup("AppArmor allows them to confined programs only (Ubuntu)"),
		    g_strdup_printf(
			    "printf 'abi <abi/4.0>,\\nprofile skiff %s flags=(unconfined) "
			    "{\\n  userns,\\n}\\n' | sudo tee /etc/apparmor.d/skiff && sudo "
			    "apparmor_parser -r /etc/apparmor.d/skiff",
			    self ? self : "/usr/bin/skiff"));
	}
	if (findings->len == before)
		add_error(findings, "user namespaces", DOCTOR_FAIL, error);
}

static void check_userns(const DoctorOptions *options, GPtrArray *findings)
{
	g_autoptr(GError) failed = NULL;
	g_autoptr(IdMap) map = idmap_single();
	pid_t pid = userns_fork_new(map, CLONE_NEWNS, do_nothing, NULL, NULL, &failed);
	int code = pid > 0 ? spawn_wait(pid, &failed) : -1;
	if (code == 0) {
		add(findings, "user namespaces", DOCTOR_OK, g_strdup("can be made"), NULL);
		return;
	}
	if (!failed)
		error_set(&failed, ENGINE_ERROR_SYSTEM,
			  "a user namespace was made, but its root has no rights");
	doctor_explain_userns(options, failed, findings);
}

static void check_sub_ids(GPtrArray *findings)
{
	g_autoptr(GError) failed = NULL;
	g_autoptr(IdMap) map = idmap_for_user(&failed);
	if (!map) {
		add_error(findings, "sub-ids", DOCTOR_FAIL, failed);
		return;
	}
	uint64_t count = 0;
	for (guint i = 0; i < map->uids->len; i++)
		count += g_array_index(map->uids, IdRange, i).count;
	bool few = count < MANY_SUB_IDS;
	add(findings, "sub-ids", few ? DOCTOR_WARN : DOCTOR_OK,
	    g_strdup_printf("%" G_GUINT64_FORMAT " user ids for containers", count),
	    few ? g_strdup("images use ids up to 65535: give the user a range of 65536 in "
			   "/etc/subuid and /etc/subgid")
		: NULL);
}

void doctor_check_session(const DoctorOptions *options, GPtrArray *findings)
{
	const char *runtime = g_getenv("XDG_RUNTIME_DIR");
	struct stat st;
	if (!runtime)
		add(findings, "runtime directory", DOCTOR_WARN,
		    g_strdup("XDG_RUNTIME_DIR is not set: a directory below /run/user or /tmp is "
			     "used"),
		    g_strdup_printf("log in properly (ssh, machinectl shell) instead of su, or "
				    "export XDG_RUNTIME_DIR=/run/user/%u",
				    geteuid()));
	else if (fstatat(AT_FDCWD, runtime, &st, 0) < 0 || st.st_uid != geteuid())
		add(findings, "runtime directory", DOCTOR_FAIL,
		    g_strdup_printf("XDG_RUNTIME_DIR is '%s', which is not ours", runtime),
		    g_strdup_printf("export XDG_RUNTIME_DIR=/run/user/%u", geteuid()));
	else
		add(findings, "runtime directory", DOCTOR_OK, g_strdup(runtime), NULL);
	if (!exists(options, "/run/systemd/system")) {
		add(findings, "session", DOCTOR_WARN,
		    g_strdup("there is no systemd: limits and starts at boot need one"), NULL);
		return;
	}
	g_autofree char *user = idmap_user_name(geteuid());
	g_autofree char *linger = g_strconcat("/var/lib/systemd/linger/", user, NULL);
	g_autofree char *manager = g_strdup_printf("/run/user/%u/systemd/private", geteuid());
	if (!exists(options, manager))
		add(findings, "session", DOCTOR_WARN,
		    g_strdup("there is no systemd manager of this user: limits need it"),
		    g_strdup_printf("sudo loginctl enable-linger %s", user));
	else if (!exists(options, linger))
		add(findings, "session", DOCTOR_WARN,
		    g_strdup("containers end when the user logs out, and do not start at boot"),
		    g_strdup_printf("sudo loginctl enable-linger %s", user));
	else
		add(findings, "session", DOCTOR_OK, g_strdup("lingers"), NULL);
}

/* The nearest directory that is there. */
static bool stat_store(const char *path, struct statfs *fs, struct statvfs *vfs)
{
	g_autofree char *at = g_strdup(path);
	while (statfs(at, fs) < 0) {
		if (errno != ENOENT || strcmp(at, "/") == 0)
			return false;
		char *parent = g_path_get_dirname(at);
		g_free(at);
		at = parent;
	}
	return statvfs(at, vfs) == 0;
}

void doctor_check_disk(const DoctorOptions *options, GPtrArray *findings)
{
	struct statfs fs;
	struct statvfs vfs;
	if (!stat_store(options->store, &fs, &vfs)) {
		add(findings, "store", DOCTOR_FAIL,
		    g_strdup_printf("cannot look at '%s': %s", options->store, g_strerror(errno)),
		    NULL);
		return;
	}
	const char *network = store_network_filesystem((uint32_t)fs.f_type);
	if (network)
		add(findings, "store", DOCTOR_FAIL,
		    g_strdup_printf("'%s' is on a network file system (%s)", options->store,
				    network),
		    g_strdup_printf("use a local disk: export XDG_DATA_HOME=/var/tmp/skiff-%u",
				    geteuid()));
	int64_t space = (int64_t)(vfs.f_bavail * vfs.f_frsize);
	g_autofree char *size = units_format_human_size((uint64_t)space);
	bool full = space < SPACE_LOW;
	bool no_inodes = vfs.f_files > 0 && vfs.f_favail < INODES_LOW;
	if (full || no_inodes)
		add(findings, "disk",
		    space == 0 || (no_inodes && vfs.f_favail == 0) ? DOCTOR_FAIL : DOCTOR_WARN,
		    full ? g_strdup_printf("%s left for the store", size)
			 : g_strdup_printf("%llu inodes left for the store",
					   (unsigned long long)vfs.f_favail),
		    g_strdup("skiff system prune, or make room on the file system"));
	else
		add(findings, "disk", DOCTOR_OK, g_strdup_printf("%s left for the store", size),
		    NULL);
}

/*
 * In a user and mount namespace of its own, in a stage of the store: by its path, since a
 * descriptor leads into our namespace's mounts. Return: 0 or an errno.
 */
static int try_overlay(void *data)
{
	if (chdir(data) < 0 || mkdir("lower", 0700) < 0 || mkdir("upper", 0700) < 0 ||
	    mkdir("work", 0700) < 0 || mkdir("merged", 0700) < 0)
		return errno;
	if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return errno;
	return mount("overlay", "merged", "overlay", 0,
		     "lowerdir=lower,upperdir=upper,workdir=work,userxattr") < 0
		       ? errno
		       : 0;
}

/* The files belong to us: they go with the stage. */
static void check_overlay(const DoctorOptions *options, GPtrArray *findings)
{
	g_autoptr(GError) failed = NULL;
	g_autoptr(StoreStage) stage = store_stage_new(engine_store(options->engine), &failed);
	if (!stage) {
		add_error(findings, "overlay", DOCTOR_FAIL, failed);
		return;
	}
	int fd = store_stage_fd(stage);
	g_autofree char *path = g_build_filename(store_path(engine_store(options->engine)),
						 "staging", store_stage_name(stage), NULL);
	g_autoptr(IdMap) map = engine_is_rootless(options->engine) ? idmap_single() : NULL;
	pid_t pid = userns_fork_new(map, CLONE_NEWNS, try_overlay, path, NULL, &failed);
	int code = pid > 0 ? spawn_wait(pid, &failed) : -1;
	static const char *const names[] = {"lower", "upper", "work", "merged"};
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
		(void)path_remove_tree(fd, names[i]);
	/* What keeps it from being tried has been told. */
	if (code < 0)
		return;
	struct statfs fs = {0};
	(void)fstatfs(fd, &fs);
	if (code == 0)
		add(findings, "overlay", DOCTOR_OK, g_strdup("works on the store's file system"),
		    NULL);
	else
		add(findings, "overlay", DOCTOR_FAIL,
		    g_strdup_printf("the kernel mounts none on the store's file system (type "
				    "0x%lx): %s",
				    (unsigned long)fs.f_type, g_strerror(code)),
		    code == ENODEV ? g_strdup("sudo modprobe overlay")
				   : g_strdup("put the store on ext4, xfs, btrfs or tmpfs: export "
					      "XDG_DATA_HOME=DIR"));
}

static void check_tun(GPtrArray *findings)
{
	autofd fd = openat(AT_FDCWD, "/dev/net/tun", O_RDWR | O_CLOEXEC);
	if (fd >= 0)
		add(findings, "network device", DOCTOR_OK, g_strdup("/dev/net/tun can be opened"),
		    NULL);
	else
		add(findings, "network device", DOCTOR_WARN,
		    g_strdup_printf("/dev/net/tun: %s", g_strerror(errno)),
		    errno == EACCES || errno == EPERM
			    ? g_strdup("echo 'KERNEL==\"tun\", MODE=\"0666\"' | sudo tee "
				       "/etc/udev/rules.d/90-tun.rules && sudo chmod 666 "
				       "/dev/net/tun")
			    : g_strdup("sudo modprobe tun"));
}

void doctor_check_cgroup(const DoctorOptions *options, GPtrArray *findings)
{
	static const char *const wanted[] = {"cpu", "cpuset", "io", "memory", "pids"};
	if (!exists(options, "/sys/fs/cgroup/cgroup.controllers")) {
		add(findings, "cgroup", DOCTOR_WARN,
		    g_strdup("cgroup v2 is not mounted: containers have no limits"),
		    g_strdup("boot with systemd.unified_cgroup_hierarchy=1"));
		return;
	}
	g_autofree char *path = geteuid() == 0
					? g_strdup("/sys/fs/cgroup/cgroup.controllers")
					: g_strdup_printf("/sys/fs/cgroup/user.slice/user-%u.slice/"
							  "user@%u.service/cgroup.controllers",
							  geteuid(), geteuid());
	g_autofree char *text = read_file(options, path);
	if (!text) {
		add(findings, "cgroup", DOCTOR_WARN,
		    g_strdup("nothing is delegated to this user: containers have no limits"),
		    g_strdup("log in by a session of systemd's (see 'session')"));
		return;
	}
	g_auto(GStrv) have = g_strsplit(text, " ", -1);
	g_autoptr(GString) missing = g_string_new(NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(wanted); i++)
		if (!g_strv_contains((const char *const *)have, wanted[i]))
			g_string_append_printf(missing, "%s%s", missing->len ? " " : "", wanted[i]);
	if (missing->len == 0)
		add(findings, "cgroup", DOCTOR_OK, g_strdup_printf("v2, delegated: %s", text),
		    NULL);
	else
		add(findings, "cgroup", DOCTOR_WARN,
		    g_strdup_printf("controllers that are not delegated: %s", missing->str),
		    g_strdup("sudo mkdir -p /etc/systemd/system/user@.service.d && printf "
			     "'[Service]\\nDelegate=cpu cpuset io memory pids\\n' | sudo "
			     "tee " DELEGATE_FILE
			     " && sudo systemctl daemon-reload, then log in again"));
}

void doctor_check_sysctls(const DoctorOptions *options, GPtrArray *findings)
{
	static const struct {
		const char *name, *why, *value;
		int64_t least;
	} rows[] = {
		{"fs/inotify/max_user_instances", "programs that watch files fail", "1024", 128},
		{"fs/inotify/max_user_watches", "programs that watch files fail", "524288", 8192},
		{"kernel/keys/maxkeys", "each container needs a key", "2000", 200},
		{"kernel/pid_max", "few processes can run", "4194304", 32768},
		{"user/max_user_namespaces", "few containers can have a map of their own", "15000",
		 100},
	};
	size_t before = findings->len;
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		int64_t value = sysctl_number(options, rows[i].name);
		if (value < 0 || value >= rows[i].least)
			continue;
		g_autofree char *dotted = g_strdelimit(g_strdup(rows[i].name), "/", '.');
		add(findings, "limits", DOCTOR_WARN,
		    g_strdup_printf("%s is %" G_GINT64_FORMAT ": %s", dotted, value, rows[i].why),
		    sysctl_help(rows[i].name, rows[i].value));
	}
	if (findings->len == before)
		add(findings, "limits", DOCTOR_OK, g_strdup("of the kernel are high enough"), NULL);
}

static void check_rlimits(GPtrArray *findings)
{
	static const struct {
		const char *name, *item;
		__rlimit_resource_t which;
		rlim_t least;
	} rows[] = {{"open files", "nofile", RLIMIT_NOFILE, 1024},
		    {"processes", "nproc", RLIMIT_NPROC, 1024}};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		struct rlimit limit;
		if (getrlimit(rows[i].which, &limit) < 0 || limit.rlim_max >= rows[i].least)
			continue;
		g_autofree char *user = idmap_user_name(geteuid());
		add(findings, "limits", DOCTOR_WARN,
		    g_strdup_printf("this session may have %llu %s",
				    (unsigned long long)limit.rlim_max, rows[i].name),
		    g_strdup_printf("echo '%s hard %s 65536' | sudo tee -a "
				    "/etc/security/limits.d/90-skiff.conf, then log in again",
				    user, rows[i].item));
	}
}

/* What crashes left and the next changing command may not see. */
static void check_leftovers(const DoctorOptions *options, GPtrArray *findings)
{
	Store *store = engine_store(options->engine);
	g_auto(GStrv) stages = record_list(store_dir(store, "staging"), NULL);
	g_auto(GStrv) damaged = record_list(store_dir(store, "damaged"), NULL);
	unsigned dead = 0;
	for (size_t i = 0; stages && stages[i]; i++) {
		g_autofree char *lease = g_strconcat(stages[i], "/lease", NULL);
		dead += record_lock_is_held(store_dir(store, "staging"), lease) == 0;
	}
	if (dead > 0 || !store_trash_is_empty(store))
		add(findings, "leftovers", DOCTOR_WARN,
		    g_strdup("unfinished or half removed objects are in the store"),
		    g_strdup("skiff system prune --external"));
	if (damaged && damaged[0])
		add(findings, "leftovers", DOCTOR_WARN,
		    g_strdup_printf("%u damaged objects were set aside by system check",
				    g_strv_length(damaged)),
		    g_strdup_printf("look at them, then: skiff unshare rm -r %s/damaged",
				    store_path(store)));
	if (dead == 0 && store_trash_is_empty(store) && (!damaged || !damaged[0]))
		add(findings, "leftovers", DOCTOR_OK, g_strdup("none"), NULL);
}

GPtrArray *doctor_examine(const DoctorOptions *options)
{
	GPtrArray *findings = g_ptr_array_new_with_free_func((GDestroyNotify)doctor_finding_free);
	bool root = userns_is_initial_root();
	check_kernel(findings);
	check_programs(findings);
	if (!root) {
		check_userns(options, findings);
		check_sub_ids(findings);
		doctor_check_session(options, findings);
	}
	doctor_check_disk(options, findings);
	if (options->engine) {
		check_overlay(options, findings);
		check_leftovers(options, findings);
	} else {
		add_error(findings, "store", DOCTOR_FAIL, options->problem);
	}
	check_tun(findings);
	doctor_check_cgroup(options, findings);
	doctor_check_sysctls(options, findings);
	check_rlimits(findings);
	return findings;
}
