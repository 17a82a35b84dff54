/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A bed for the monitor without an engine: runs a plain directory as a container and drives its
 * sockets. For development and for tests that want the monitor alone.
 *
 *   monitor-bed [OPTIONS] run DIR ROOTFS COMMAND...      DIR/store and DIR/run are made
 *   monitor-bed [OPTIONS] exec DIR COMMAND...
 *   monitor-bed [OPTIONS] attach|logs|stopped DIR
 *   monitor-bed kill DIR SIGNUM
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libpod/attach.h"
#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/record.h"
#include "libpod/logs.h"
#include "libpod/monitor/control.h"
#include "libpod/monitor/monitor.h"
#include "network/portmap.h"

typedef struct {
	gboolean interactive, terminal, detach, remove, follow, hostpid;
	char *driver, *restart, *network, *publish, *keys, *cleanup, *level;
	gint64 log_size, tail;
	int timeout, log_files;
} Options;

static Options opt = {.tail = -1, .log_files = -1};

static const GOptionEntry entries[] = {
	{"interactive", 'i', 0, G_OPTION_ARG_NONE, &opt.interactive, NULL, NULL},
	{"tty", 't', 0, G_OPTION_ARG_NONE, &opt.terminal, NULL, NULL},
	{"detach", 'd', 0, G_OPTION_ARG_NONE, &opt.detach, NULL, NULL},
	{"rm", 0, 0, G_OPTION_ARG_NONE, &opt.remove, NULL, NULL},
	{"follow", 'f', 0, G_OPTION_ARG_NONE, &opt.follow, NULL, NULL},
	{"hostpid", 0, 0, G_OPTION_ARG_NONE, &opt.hostpid, NULL, NULL},
	{"log-driver", 0, 0, G_OPTION_ARG_STRING, &opt.driver, NULL, NULL},
	{"log-size", 0, 0, G_OPTION_ARG_INT64, &opt.log_size, NULL, NULL},
	{"log-files", 0, 0, G_OPTION_ARG_INT, &opt.log_files, NULL, NULL},
	{"tail", 0, 0, G_OPTION_ARG_INT64, &opt.tail, NULL, NULL},
	{"restart", 0, 0, G_OPTION_ARG_STRING, &opt.restart, NULL, NULL},
	{"network", 0, 0, G_OPTION_ARG_STRING, &opt.network, NULL, NULL},
	{"publish", 'p', 0, G_OPTION_ARG_STRING, &opt.publish, NULL, NULL},
	{"detach-keys", 0, 0, G_OPTION_ARG_STRING, &opt.keys, NULL, NULL},
	{"cleanup", 0, 0, G_OPTION_ARG_STRING, &opt.cleanup, NULL, NULL},
	{"log-level", 0, 0, G_OPTION_ARG_STRING, &opt.level, NULL, NULL},
	{"timeout", 0, 0, G_OPTION_ARG_INT, &opt.timeout, NULL, NULL},
	{NULL},
};

static int fail(const GError *error)
{
	fprintf(stderr, "Error: %s\n", error->message);
	return error_exit_code(error);
}

static int open_dir(const char *base, const char *name)
{
	g_autofree char *path = g_build_filename(base, name, NULL);
	g_mkdir_with_parents(path, 0700);
	return openat(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static OciConfig *make_config(const char *rootfs, char **command)
{
	const char *const bind[] = {"rbind", "rprivate", NULL};
	const char *const proc[] = {"nosuid", "noexec", "nodev", NULL};
	const char *const dev[] = {"nosuid", "mode=755", "size=65536k", NULL};
	const char *const pts[] = {"nosuid",        "noexec",    "newinstance",
				   "ptmxmode=0666", "mode=0620", NULL};
	OciConfig *config = oci_config_new();
	config->root_path = g_strdup("rootfs");
	oci_config_add_mount(config, "/", "bind", rootfs, bind);
	oci_config_add_mount(config, "/proc", "proc", "proc", proc);
	oci_config_add_mount(config, "/dev", "tmpfs", "tmpfs", dev);
	oci_config_add_mount(config, "/dev/pts", "devpts", "devpts", pts);
	for (int i = 0; i < OCI_NS_COUNT; i++)
		config->namespaces[i].mode = i == OCI_NS_USER ? OCI_NS_HOST : OCI_NS_NEW;
	if (g_strcmp0(opt.network, "host") == 0)
		config->namespaces[OCI_NS_NETWORK].mode = OCI_NS_HOST;
	if (opt.hostpid) {
		config->namespaces[OCI_NS_PID].mode = OCI_NS_HOST;
	}
	g_strfreev(config->args);
	config->args = g_strdupv(command);
	config->env = g_strsplit("PATH=/bin HOME=/ TERM=xterm", " ", -1);
	config->cwd = g_strdup("/");
	config->terminal = opt.terminal;
	config->hostname = g_strdup("bed");
	return config;
}

static AttachOptions attach_options(int run_fd)
{
	return (AttachOptions){
		.tty = opt.terminal,
		.attach_stdin = opt.interactive,
		.attach_stdout = true,
		.attach_stderr = true,
		.sig_proxy = !opt.terminal,
		.detach_keys = opt.keys ? opt.keys : "ctrl-p,ctrl-q",
		.run_dir_fd = run_fd,
	};
}

static int finish(AttachResult result, int code, const GError *error)
{
	if (result == ATTACH_FAILED)
		return fail(error);
	return result == ATTACH_DETACHED ? 0 : code;
}

static int bed_run(const char *dir, char **argv)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(OciConfig) config = make_config(argv[0], argv + 1);
	g_autoptr(NetworkRequest) network = network_request_new();
	if (!network_request_parse(opt.network ? opt.network : "none", network, &error))
		return fail(error);
	if (opt.publish) {
		PortMapping *mapping = portmap_parse(opt.publish, &error);
		if (!mapping)
			return fail(error);
		g_ptr_array_add(network->ports, mapping);
	}
	autofd store = open_dir(dir, "store");
	autofd run = open_dir(dir, "run");
	g_autoptr(RecordLock) life = record_lock(run, "life", false, 0, "bed", &error);
	if (!life)
		return fail(error);
	autofd seccomp = openat(AT_FDCWD, "/dev/null", O_RDONLY | O_CLOEXEC);
	const char *cleanup[] = {"/bin/sh", "-c", opt.cleanup, NULL};
	MonitorRequest request = {
		.id = "bed0",
		.config = config,
		.network = network,
		.log_max_size = opt.log_size,
		.log_max_files = opt.log_files,
		.auto_remove = opt.remove,
		.open_stdin = opt.interactive,
		.detached = opt.detach,
		.attach_stdin = opt.interactive && !opt.detach,
		.attach_stdout = !opt.detach,
		.attach_stderr = !opt.detach,
		.timeout_s = opt.timeout,
		.cleanup_argv = opt.cleanup ? cleanup : NULL,
		.log_level = log_get_level(),
	};
	if (!log_driver_parse(opt.driver ? opt.driver : "k8s-file", &request.log_driver, &error) ||
	    !restart_parse(opt.restart ? opt.restart : "no", &request.restart,
			   &request.restart_retries, &error))
		return fail(error);
	const int fds[] = {store, store, run, record_lock_fd(life), seccomp, seccomp};
	pid_t pid;
	g_autoptr(Monitor) monitor = monitor_spawn(&request, fds, NULL, NULL, &error);
	g_clear_pointer(&life, record_unlock);
	if (!monitor || !monitor_wait_started(monitor, &pid, &error))
		return fail(error);
	if (opt.detach) {
		printf("%d\n", (int)pid);
		return 0;
	}
	AttachOptions options = attach_options(run);
	int code = 0;
	AttachResult result = attach_run(monitor_control_fd(monitor), &options, &code, &error);
	return finish(result, code, error);
}

static int bed_exec(int run, char **command)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *session = NULL;
	const char *const env[] = {"PATH=/bin", "HOME=/", "TERM=xterm", NULL};
	ExecRequest request = {
		.args = (const char *const *)command,
		.env = env,
		.terminal = opt.terminal,
		.detached = opt.detach,
		.open_stdin = opt.interactive,
		.stdio = {-1, -1, -1},
	};
	int socket = -1;
	int pty = -1;
	int code = 0;
	g_autoptr(AttachPump) pump = NULL;
	if (!opt.terminal && !opt.detach) {
		pump = attach_pump_new(opt.interactive, request.stdio, &error);
		if (!pump)
			return fail(error);
	}
	if (!control_exec(run, &request, &session, &socket, &pty, &error))
		return fail(error);
	if (pump)
		attach_pump_sent(pump);
	if (opt.detach) {
		printf("%s\n", session);
		return 0;
	}
	AttachOptions options = attach_options(run);
	options.session = session;
	options.pump = pump;
	AttachResult result = pty >= 0 ? attach_terminal(pty, socket, &options, &code, &error)
				       : attach_wait_result(socket, &options, &code, &error);
	return finish(result, code, error);
}

static int bed_attach(int run)
{
	g_autoptr(GError) error = NULL;
	autofd socket = attach_open(run, &error);
	int code = 0;
	if (socket < 0)
		return fail(error);
	AttachOptions options = attach_options(run);
	AttachResult result = attach_run(socket, &options, &code, &error);
	return finish(result, code, error);
}

static bool print_line(const LogLine *line, void *data)
{
	FILE *out = line->is_stderr ? stderr : stdout;
	fwrite(line->text, 1, line->size, out);
	if (!line->partial)
		fputc('\n', out);
	fflush(out);
	return true;
}

static bool is_running(void *data)
{
	return record_lock_is_held(*(int *)data, "life") == 1;
}

static int bed_logs(int store, int run)
{
	g_autoptr(GError) error = NULL;
	LogsOptions options = {
		.follow = opt.follow, .tail = opt.tail, .is_running = is_running, .data = &run};
	if (!log_driver_parse(opt.driver ? opt.driver : "k8s-file", &options.driver, &error) ||
	    !logs_read(store, NULL, &options, print_line, NULL, &error))
		return fail(error);
	return 0;
}

int main(int argc, char **argv)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GOptionContext) context = g_option_context_new("VERB DIR ...");
	g_option_context_add_main_entries(context, entries, NULL);
	g_option_context_set_strict_posix(context, TRUE);
	if (!g_option_context_parse(context, &argc, &argv, &error))
		return fail(error);
	if (argc < 3) {
		fprintf(stderr, "usage: monitor-bed [OPTIONS] VERB DIR [ARGUMENTS]\n");
		return 125;
	}
	LogLevel level = LOG_LEVEL_WARN;
	if (opt.level)
		log_level_parse(opt.level, &level);
	log_init(level, "bed");
	const char *verb = argv[1];
	autofd run = open_dir(argv[2], "run");
	autofd store = open_dir(argv[2], "store");
	if (strcmp(verb, "run") == 0 && argc > 4)
		return bed_run(argv[2], argv + 3);
	if (strcmp(verb, "exec") == 0 && argc > 3)
		return bed_exec(run, argv + 3);
	if (strcmp(verb, "attach") == 0)
		return bed_attach(run);
	if (strcmp(verb, "logs") == 0)
		return bed_logs(store, run);
	if (strcmp(verb, "kill") == 0 && argc > 3)
		return control_signal(run, atoi(argv[3]), false, &error) ? 0 : fail(error);
	if (strcmp(verb, "stopped") == 0)
		return control_stopped_by_user(run, &error) ? 0 : fail(error);
	fprintf(stderr, "monitor-bed: unknown verb '%s'\n", verb);
	return 125;
}
