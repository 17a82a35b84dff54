/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A bed to try the runtime in without engine and monitor: puts itself into the user's namespace,
 *builds a configuration from its options and launches it. Prints what failed and exits with the
 *program's code.
 *
 *	launch-bed [OPTION...] ROOTFS PROGRAM [ARG...]
 *
 * The system tests drive it; each option sets one thing of OciConfig.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/userns.h"
#include "libpod/runtime/enter.h"
#include "libpod/runtime/launch.h"
#include "libpod/runtime/privileges.h"
#include "libpod/runtime/syscall_filter.h"

typedef struct {
	OciConfig *config;
	LaunchOptions launch;
	const char *
		exec; /* --exec: words to run in the container after it started; its code is ours */
	const char *exec_user, *exec_cwd;
	const char *seccomp; /* "default", "nested" or a profile */
	int exec_times;
	bool exec_privileged, exec_terminal;
	bool timing;
	bool print;     /* --print-config: config.json instead of a container */
	bool nested;    /* a user namespace of its own for the container */
	bool host_root; /* real root without a user namespace */
} Bed;

static int64_t now_us(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void add_standard_mounts(OciConfig *config)
{
	static const char *const proc[] = {"nosuid", "noexec", "nodev", NULL};
	static const char *const sys[] = {"nosuid", "noexec", "nodev", "ro", NULL};
	static const char *const dev[] = {"nosuid",   "noexec",      "strictatime",
					  "mode=755", "size=65536k", NULL};
	static const char *const pts[] = {"nosuid",    "noexec", "newinstance", "ptmxmode=0666",
					  "mode=0620", "gid=5",  NULL};
	static const char *const shm[] = {"nosuid",    "noexec",      "nodev",
					  "mode=1777", "size=65536k", NULL};
	oci_config_add_mount(config, "/proc", "proc", "proc", proc);
	oci_config_add_mount(config, "/dev", "tmpfs", "tmpfs", dev);
	oci_config_add_mount(config, "/dev/pts", "devpts", "devpts", pts);
	oci_config_add_mount(config, "/dev/mqueue", "mqueue", "mqueue", proc);
	oci_config_add_mount(config, "/sys", "sysfs", "sysfs", sys);
	oci_config_add_mount(config, "/sys/fs/cgroup", "cgroup", "cgroup", sys);
	oci_config_add_mount(config, "/dev/shm", "tmpfs", "shm", shm);
}

static OciConfig *default_config(void)
{
	static const char *const masked[] = {"/proc/acpi",
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
					     NULL};
	static const char *const readonly[] = {
		"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger", NULL};
	static const char *const env[] = {
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		"container=skiff", NULL};
	OciConfig *config = oci_config_new();
	for (size_t i = 0; i < OCI_NS_COUNT; i++)
		config->namespaces[i].mode = i == OCI_NS_USER ? OCI_NS_HOST : OCI_NS_NEW;
	config->hostname = g_strdup("bed");
	config->sysctl = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	config->cap_bounding = config->cap_effective = privileges_default_capabilities();
	g_strfreev(config->masked_paths);
	config->masked_paths = g_strdupv((char **)masked);
	g_strfreev(config->readonly_paths);
	config->readonly_paths = g_strdupv((char **)readonly);
	g_strfreev(config->env);
	config->env = g_strdupv((char **)env);
	add_standard_mounts(config);
	return config;
}

static void die(const char *what, const char *why)
{
	fprintf(stderr, "Error: %s%s%s\n", what, why ? ": " : "", why ? why : "");
	exit(125);
}

/* "DEST:TYPE:SOURCE:OPTION,OPTION" */
static void add_mount(OciConfig *config, const char *text)
{
	g_auto(GStrv) parts = g_strsplit(text, ":", 4);
	if (g_strv_length(parts) < 3)
		die("bad --mount", text);
	g_auto(GStrv) options =
		parts[3] && *parts[3] ? g_strsplit(parts[3], ",", -1) : g_new0(char *, 1);
	oci_config_add_mount(config, parts[0], parts[1], parts[2], (const char *const *)options);
}

static void append(char ***list, const char *text)
{
	guint n = *list ? g_strv_length(*list) : 0;
	*list = g_renew(char *, *list, n + 2);
	(*list)[n] = g_strdup(text);
	(*list)[n + 1] = NULL;
}

static void set_namespace(OciConfig *config, const char *text)
{
	static const char *const kinds[OCI_NS_COUNT] = {"pid", "net",  "mnt",   "ipc",
							"uts", "user", "cgroup"};
	for (size_t i = 0; i < OCI_NS_COUNT; i++) {
		size_t size = strlen(kinds[i]);
		if (strncmp(text, kinds[i], size) != 0 || text[size] != '=')
			continue;
		const char *value = text + size + 1;
		config->namespaces[i].mode = strcmp(value, "host") == 0 ? OCI_NS_HOST
					     : *value == '/'            ? OCI_NS_PATH
									: OCI_NS_NEW;
		config->namespaces[i].path = *value == '/' ? g_strdup(value) : NULL;
		return;
	}
	die("bad --ns", text);
}

static void add_device(OciConfig *config, const char *path)
{
	struct stat st;
	if (stat(path, &st) < 0)
		die(path, strerror(errno));
	OciDevice *device = g_new0(OciDevice, 1);
	device->path = g_strdup(path);
	device->type = S_ISBLK(st.st_mode) ? 'b' : 'c';
	device->major = (int64_t)((st.st_rdev >> 8) & 0xfff);
	device->minor = (int64_t)(st.st_rdev & 0xff);
	g_ptr_array_add(config->devices, device);
}

static void add_rlimit(OciConfig *config, const char *text)
{
	OciRlimit limit;
	if (sscanf(text, "%d:%lu:%lu", &limit.resource, &limit.soft, &limit.hard) != 3)
		die("bad --rlimit", text);
	g_array_append_val(config->rlimits, limit);
}

static void add_sysctl(OciConfig *config, const char *text)
{
	const char *value = strchr(text, '=');
	if (!value)
		die("bad --sysctl", text);
	g_hash_table_insert(config->sysctl, g_strndup(text, (gsize)(value - text)),
			    g_strdup(value + 1));
}

static void add_resources(OciConfig *config, const char *text)
{
	g_autoptr(Json) json = js_parse(text, strlen(text), "--resources", NULL);
	if (!json || !resources_from_json(json, &config->resources, NULL))
		die("bad --resources", text);
}

static void replace(char **slot, const char *value)
{
	g_free(*slot);
	*slot = g_strdup(value);
}

/* Options that are one word. Return: false if @word is none. */
static bool parse_flag(Bed *bed, const char *word)
{
	OciConfig *config = bed->config;
	if (strcmp(word, "--readonly") == 0)
		config->root_readonly = true;
	else if (strcmp(word, "--tty") == 0)
		config->terminal = true;
	else if (strcmp(word, "--init") == 0)
		config->init_process = true;
	else if (strcmp(word, "--nnp") == 0)
		config->no_new_privileges = true;
	else if (strcmp(word, "--create-cwd") == 0)
		config->create_cwd = true;
	else if (strcmp(word, "--time") == 0)
		bed->timing = true;
	else if (strcmp(word, "--print-config") == 0)
		bed->print = true;
	else if (strcmp(word, "--nested") == 0)
		bed->nested = true;
	else if (strcmp(word, "--host-root") == 0)
		bed->host_root = true;
	else if (strcmp(word, "--exec-privileged") == 0)
		bed->exec_privileged = true;
	else if (strcmp(word, "--exec-tty") == 0)
		bed->exec_terminal = true;
	else if (strcmp(word, "--no-mounts") == 0)
		g_ptr_array_set_size(config->mounts, 0);
	else if (strcmp(word, "--no-masks") == 0)
		config->masked_paths[0] = NULL;
	else
		return false;
	return true;
}

/* Options with a value. */
static bool parse_value(Bed *bed, const char *word, const char *value)
{
	OciConfig *config = bed->config;
	if (strcmp(word, "--mount") == 0)
		add_mount(config, value);
	else if (strcmp(word, "--ns") == 0)
		set_namespace(config, value);
	else if (strcmp(word, "--user") == 0)
		replace(&config->user_spec, value);
	else if (strcmp(word, "--group") == 0)
		append(&config->extra_groups, value);
	else if (strcmp(word, "--cwd") == 0)
		replace(&config->cwd, value);
	else if (strcmp(word, "--env") == 0)
		append(&config->env, value);
	else if (strcmp(word, "--mask") == 0)
		append(&config->masked_paths, value);
	else if (strcmp(word, "--device") == 0)
		add_device(config, value);
	else if (strcmp(word, "--rlimit") == 0)
		add_rlimit(config, value);
	else if (strcmp(word, "--sysctl") == 0)
		add_sysctl(config, value);
	else if (strcmp(word, "--resources") == 0)
		add_resources(config, value);
	else if (strcmp(word, "--caps") == 0)
		config->cap_bounding = config->cap_effective = strtoull(value, NULL, 16);
	else if (strcmp(word, "--ambient") == 0)
		config->cap_ambient = strtoull(value, NULL, 16);
	else if (strcmp(word, "--seccomp") == 0)
		bed->seccomp = value;
	else if (strcmp(word, "--preserve") == 0)
		bed->launch.preserve_fds[bed->launch.n_preserve_fds++] = atoi(value);
	else if (strcmp(word, "--exec-user") == 0)
		bed->exec_user = value;
	else if (strcmp(word, "--exec-cwd") == 0)
		bed->exec_cwd = value;
	else if (strcmp(word, "--exec-times") == 0)
		bed->exec_times = atoi(value);
	else if (strcmp(word, "--exec") == 0)
		bed->exec = value;
	else
		return false;
	return true;
}

/* Everything up to ROOTFS. Return: index of ROOTFS. */
static int parse(Bed *bed, int argc, char **argv)
{
	int i = 1;
	for (; i < argc && strncmp(argv[i], "--", 2) == 0; i++) {
		if (parse_flag(bed, argv[i]))
			continue;
		if (i + 1 >= argc || !parse_value(bed, argv[i], argv[i + 1]))
			die("bad option", argv[i]);
		i++;
	}
	if (argc - i < 2)
		die("usage: launch_bed [OPTION...] ROOTFS PROGRAM [ARG...]", NULL);
	return i;
}

static int exit_code(pid_t pid)
{
	int status;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return 125;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Copy what the terminal says until it is closed. */
static void drain_terminal(int master)
{
	char buffer[4096];
	ssize_t n;
	while ((n = read(master, buffer, sizeof buffer)) > 0)
		if (!fd_write_all(STDOUT_FILENO, buffer, (size_t)n))
			return;
}

/* Send a process in and wait until it runs. */
static bool enter(const EnterOptions *options, Entered *out_entered, GError **error)
{
	Entering entering;
	if (!enter_begin(options, &entering, error))
		return false;
	for (;;) {
		EnterOutcome outcome = enter_step(&entering, out_entered, error);
		if (outcome != ENTER_PENDING)
			return outcome == ENTER_DONE;
	}
}

/* A second process in the container, then the container is not needed any more. */
static int run_exec(Bed *bed, Launch *launch)
{
	g_autoptr(GError) error = NULL;
	g_auto(GStrv) args = g_strsplit(bed->exec, " ", -1);
	EnterOptions options = {
		.target_pidfd = launch->pidfd,
		.target_pid = launch->pid,
		.config = bed->config,
		.args = (const char *const *)args,
		.env = (const char *const *)bed->config->env,
		.cwd = bed->exec_cwd,
		.user_spec = bed->exec_user,
		.privileged = bed->exec_privileged,
		.terminal = bed->exec_terminal,
		.rows = 24,
		.columns = 80,
		.stdio = {0, 1, 2},
		.seccomp_fd = bed->launch.seccomp_fd,
		.cgroup_fd = -1,
	};
	int code = 0;
	int64_t total = 0;
	for (int i = 0; i < bed->exec_times && code == 0; i++) {
		Entered entered;
		int64_t start = now_us();
		if (!enter(&options, &entered, &error)) {
			fprintf(stderr, "Error: %s\n", error->message);
			code = error_exit_code(error);
			break;
		}
		total += now_us() - start;
		if (entered.pty_master >= 0)
			drain_terminal(entered.pty_master);
		code = exit_code(entered.pid);
		fd_close(&entered.pidfd);
		fd_close(&entered.pty_master);
	}
	if (bed->timing)
		fprintf(stderr, "exec %ld us\n", (long)(total / bed->exec_times));
	/* 200 tells run() that all went well: the container's own code does not count then. */
	return code == 0 ? 200 : code;
}

/* In the user's namespaces: what the monitor does. */
static int run(void *data)
{
	Bed *bed = data;
	g_autoptr(GError) error = NULL;
	if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
		die("cannot make mounts private", strerror(errno));
	if (bed->nested) {
		bed->config->namespaces[OCI_NS_USER].mode = OCI_NS_NEW;
		bed->config->user_map = idmap_new();
		idmap_add(bed->config->user_map->uids, 0, 1, 1000);
		idmap_add(bed->config->user_map->gids, 0, 1, 1000);
	}
	Launch launch;
	int64_t start = now_us();
	if (!launch_init(&bed->launch, &launch, &error)) {
		fprintf(stderr, "Error: %s\n", error->message);
		return error_exit_code(error);
	}
	int64_t ready = now_us();
	if (!launch_release(&launch, &error)) {
		fprintf(stderr, "Error: %s\n", error->message);
		return error_exit_code(error);
	}
	int64_t running = now_us();
	int exec_code = bed->exec ? run_exec(bed, &launch) : 0;
	if (exec_code) {
		launch_abort(&launch);
		return exec_code == 200 ? 0 : exec_code;
	}
	if (launch.pty_master >= 0)
		drain_terminal(launch.pty_master);
	int code = exit_code(launch.pid);
	if (bed->timing)
		fprintf(stderr, "init %ld us, release %ld us, to the end %ld us\n",
			(long)(ready - start), (long)(running - ready), (long)(now_us() - running));
	return code;
}

int main(int argc, char **argv)
{
	Bed bed = {.config = default_config(), .exec_times = 1};
	bed.launch = (LaunchOptions){
		.config = bed.config, .store_fd = -1, .stdio = {0, 1, 2}, .seccomp_fd = -1};
	int at = parse(&bed, argc, argv);
	bed.launch.store_fd = openat(AT_FDCWD, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	g_free(bed.config->root_path);
	bed.config->root_path = g_canonicalize_filename(argv[at], NULL);
	g_strfreev(bed.config->args);
	bed.config->args = g_strdupv(argv + at + 1);

	if (bed.print) {
		g_autoptr(Json) json = oci_config_write(bed.config);
		puts(js_text_pretty(json));
		oci_config_free(bed.config);
		return 0;
	}
	g_autoptr(GError) error = NULL;
	g_autoptr(IdMap) map = NULL;
	if (!userns_is_initial_root()) {
		map = idmap_for_user(&error);
		if (!map) {
			g_clear_error(&error);
			map = idmap_single();
		}
	}
	if (bed.seccomp) {
		bool nested = strcmp(bed.seccomp, "nested") == 0;
		bool builtin = nested || strcmp(bed.seccomp, "default") == 0;
		bed.launch.seccomp_fd = syscall_filter_build(
			-1, builtin ? NULL : bed.seccomp, bed.config->cap_bounding, nested, &error);
		if (bed.launch.seccomp_fd < 0)
			die(error->message, NULL);
	}
	pid_t pid = userns_fork_new(map, CLONE_NEWNS, run, &bed, NULL, &error);
	if (pid < 0)
		die(error->message, NULL);
	int code = exit_code(pid);
	oci_config_free(bed.config);
	return code;
}
