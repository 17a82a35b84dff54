/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starting a container: everything the monitor is handed, gathered and, on failure, taken back.
 *
 * What a crash leaves: before the monitor has the life lock, a runtime directory and files that the
 * next start overwrites (healing removes them); after it, a running container that every command
 * can see, because its state is told from the monitor's own record.
 */
#include "libpod/container_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libpod/attach.h"
#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/log.h"
#include "libpod/base/notify.h"
#include "libpod/cdi.h"
#include "libpod/container_cgroup.h"
#include "libpod/container_view_mount.h"
#include "libpod/events.h"
#include "libpod/log_tag.h"
#include "libpod/monitor/control.h"
#include "libpod/monitor/monitor.h"
#include "libpod/oci_build.h"
#include "libpod/pod.h"
#include "libpod/port_owner.h"
#include "libpod/rootless.h"
#include "libpod/runtime/launch.h"
#include "libpod/runtime/syscall_filter.h"

/* Namespaces of other containers, as paths of their init's. */
typedef struct {
	char *net, *pid, *ipc, *uts, *cgroup, *user;
} JoinPaths;

static void join_paths_clear(JoinPaths *paths)
{
	g_free(paths->net);
	g_free(paths->pid);
	g_free(paths->ipc);
	g_free(paths->uts);
	g_free(paths->cgroup);
	g_free(paths->user);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(JoinPaths, join_paths_clear)

/* "/proc/PID/ns/KIND" of a running container. */
static bool join_path(Engine *engine, const char *target, const char *kind, char **out,
		      GError **error)
{
	g_autoptr(Container) other = container_resolve(engine, target, error);
	if (!other)
		return false;
	if (other->summary.state != CONTAINER_RUNNING)
		return error_set(error, ENGINE_ERROR_BAD_STATE,
				 "cannot join the %s namespace of container %s as it is not "
				 "running: container "
				 "state improper",
				 kind, other->summary.id);
	*out = g_strdup_printf("/proc/%d/ns/%s", other->summary.pid, kind);
	return true;
}

static bool join_namespace(Engine *engine, const SpecNamespace *ns, const char *kind, char **out,
			   GError **error)
{
	if (ns->mode == SPEC_NS_CONTAINER)
		return join_path(engine, ns->target, kind, out, error);
	if (ns->mode == SPEC_NS_PATH)
		*out = g_strdup(ns->target);
	return true;
}

/* The namespaces of others that the container joins. */
static bool find_joins(Engine *engine, const ContainerSpec *spec, JoinPaths *out, GError **error)
{
	if (spec->network->mode == NETWORK_CONTAINER &&
	    !join_path(engine, spec->network->target, "net", &out->net, error))
		return false;
	if (spec->network->mode == NETWORK_NS)
		out->net = g_strdup(spec->network->target);
	if (spec->userns == SPEC_USERNS_CONTAINER &&
	    !join_path(engine, spec->userns_target, "user", &out->user, error))
		return false;
	if (spec->userns == SPEC_USERNS_PATH)
		out->user = g_strdup(spec->userns_target);
	return join_namespace(engine, &spec->pid, "pid", &out->pid, error) &&
	       join_namespace(engine, &spec->ipc, "ipc", &out->ipc, error) &&
	       join_namespace(engine, &spec->uts, "uts", &out->uts, error) &&
	       join_namespace(engine, &spec->cgroup, "cgroup", &out->cgroup, error);
}

static int own_oom_score_adj(void)
{
	autofd fd = open("/proc/self/oom_score_adj", O_RDONLY | O_CLOEXEC);
	char text[32] = "";
	if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0)
		return 0;
	return atoi(text); /* lint: allow atoi: the kernel wrote it */
}

/* What --sdnotify means for the monitor. */
static MonitorNotify notify_mode(const ContainerSpec *spec, const ContainerStart *options)
{
	static const MonitorNotify modes[] = {
		[SPEC_NOTIFY_DEFAULT] = MONITOR_NOTIFY_CONTAINER,
		[SPEC_NOTIFY_CONTAINER] = MONITOR_NOTIFY_CONTAINER,
		[SPEC_NOTIFY_CONMON] = MONITOR_NOTIFY_STARTED,
		[SPEC_NOTIFY_HEALTHY] = MONITOR_NOTIFY_HEALTHY,
		[SPEC_NOTIFY_IGNORE] = MONITOR_NOTIFY_NONE,
	};
	return options->notify_socket ? modes[spec->sdnotify] : MONITOR_NOTIFY_NONE;
}

/* The whole config of the container. */
static OciConfig *build_config(Container *ctr, const ContainerSpec *spec,
			       const ContainerStart *options, GError **error)
{
	g_auto(JoinPaths) joins = {0};
	g_auto(GStrv) root_options = NULL;
	g_auto(ContainerMounts) sources = {0};
	g_autofree char *dir_path =
		g_build_filename(engine_run_path(ctr->engine), "containers", ctr->summary.id, NULL);
	g_autofree char *net_dir_path = container_network_files(ctr, spec);
	struct rlimit nofile;
	if (!find_joins(ctr->engine, spec, &joins, error) ||
	    !container_add_to_pod_hosts(ctr, spec, error) ||
	    !container_plan_overlay(ctr, spec, &root_options, error) ||
	    (!spec->infra && !container_find_mounts(ctr, spec, &sources, error)))
		return NULL;
	if (getrlimit(RLIMIT_NOFILE, &nofile) < 0)
		return error_set_errno_null(error, "cannot read the limit of open files");
	OciBuildContext context = {
		.id = ctr->summary.id,
		.dir_path = dir_path,
		.net_dir_path = net_dir_path,
		.root_options = (const char *const *)root_options,
		.rootless = engine_is_rootless(ctr->engine),
		.notify = notify_mode(spec, options) == MONITOR_NOTIFY_CONTAINER,
		.listen_fds = options->listen_fds,
		.watchdog = options->watchdog,
		.listen_names = options->listen_names,
		.oom_score_adj = own_oom_score_adj(),
		.nofile_hard = nofile.rlim_max,
		.netns_path = joins.net,
		.pidns_path = joins.pid,
		.ipcns_path = joins.ipc,
		.utsns_path = joins.uts,
		.cgroupns_path = joins.cgroup,
		.userns_path = joins.user,
		.volume_paths = (const char *const *)sources.paths,
		.volume_copy_up = sources.copy_up,
		.mount_options = (char *const *const *)sources.options,
	};
	g_autoptr(OciConfig) config = oci_build(spec, &context, error);
	bool applied = config && cdi_apply(spec->cdi_devices, spec->cdi_dirs, config, error);
	return applied ? g_steal_pointer(&config) : NULL;
}

/* The compiled filter, or /dev/null for an unconfined container. */
static int open_syscall_filter(Container *ctr, const ContainerSpec *spec, const OciConfig *config,
			       GError **error)
{
	if (spec->privileged || spec->seccomp_unconfined) {
		int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			error_set_errno(error, "cannot open '/dev/null'");
		return fd;
	}

	return syscall_filter_build(store_dir(engine_store(ctr->engine), "cache"),
				    spec->seccomp_profile, config->cap_bounding, spec->nested,
				    error);
}

/* With the container's fields put in. Return: NULL with @error. */
static char **log_labels(const ContainerSpec *spec, const char *id, GError **error)
{
	g_autoptr(GStrvBuilder) labels = g_strv_builder_new();
	for (char **label = spec->log_labels; label && *label; label++) {
		g_autofree char *text = log_tag_expand(*label, spec, id, error);
		if (!text)
			return NULL;
		g_strv_builder_add(labels, text);
	}
	return g_strv_builder_end(labels);
}

/* "skiff --root R --runroot RR container cleanup ID": what the monitor becomes at the end. */
static char **cleanup_argv(Container *ctr)
{
	const char *argv[] = {engine_program(ctr->engine),
			      "--root",
			      store_path(engine_store(ctr->engine)),
			      "--runroot",
			      engine_run_path(ctr->engine),
			      "container",
			      "cleanup",
			      ctr->summary.id,
			      ctr->summary.infra ? NULL : ctr->summary.pod_name,
			      NULL};
	return g_strdupv((char **)argv);
}

static pid_t spawn_in_namespaces(const Spawn *spawn, void *data, GError **error)
{
	return rootless_spawn(data, spawn, error);
}

/* Before the monitor exists: a kept container is recorded as running, so that a reboot is told from
 * a creation. */
static bool record_starting(Container *ctr, GError **error)
{
	(void)unlinkat(container_dir_fd(ctr), "exit.json", 0);
	(void)unlinkat(ctr->run_fd, "exit.json", 0);
	(void)unlinkat(container_dir_fd(ctr), "health.json", 0); /* of the last run */
	g_clear_pointer(&ctr->summary.error, g_free);
	ctr->summary.state = CONTAINER_RUNNING;
	ctr->summary.started = g_get_real_time() * 1000;
	ctr->summary.finished = 0;
	ctr->summary.exit_code = 0;
	ctr->summary.restart_count = 0;
	g_clear_pointer(&ctr->summary.health, g_free);
	ctr->summary.exit_known = true;
	ctr->summary.oom_killed = false;
	ctr->summary.stopped_by_user = false;
	g_ptr_array_unref(ctr->summary.networks);
	ctr->summary.networks = container_networks_of(ctr->spec->network);
	return ctr->summary.auto_remove || container_save_state(ctr, error);
}

/* --pidfile, --conmon-pidfile: a number alone, as conmon writes it. The file is replaced as a
 * whole: who waits for it never reads an empty one, or the last one's number in part. */
static bool write_pid(const char *path, pid_t pid, GError **error)
{
	g_autofree char *text = g_strdup_printf("%d", (int)pid);
	g_autoptr(GError) failed = NULL;
	return !path ||
	       g_file_set_contents_full(path, text, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0644,
					&failed) ||
	       error_set(error, ENGINE_ERROR_SYSTEM, "cannot write '%s': %s", path,
			 failed->message);
}

/* It runs: a file that cannot be written is told, and does not end it. */
static void write_pid_files(const ContainerSpec *spec, pid_t monitor, pid_t init)
{
	g_autoptr(GError) unwritten = NULL;
	if (!write_pid(spec->monitor_pid_file, monitor, &unwritten) ||
	    !write_pid(spec->pid_file, init, &unwritten))
		log_warn("%s", unwritten->message);
}

/* We are in the unit, whatever cgroup the monitor went to. */
static void tell_started(const char *socket, pid_t monitor)
{
	g_autofree char *words = g_strdup_printf("MAINPID=%d\nREADY=1", (int)monitor);
	if (!notify_send(socket, words))
		log_warn("cannot tell the service manager that the container runs: %s",
			 strerror(errno));
}

/* Our descriptors that the container gets. Return: how many places they take. */
static size_t list_preserved(const char *flags, int out[LAUNCH_PRESERVE_MAX])
{
	size_t n = flags ? strlen(flags) : 0;
	for (size_t i = 0; i < n; i++)
		out[i] = flags[i] == '1' ? (int)i + 3 : -1;
	return n;
}

/* What the spec and this start say by themselves. */
static MonitorRequest describe(const Container *ctr, const ContainerSpec *spec,
			       const ContainerStart *options)
{
	return (MonitorRequest){
		.id = ctr->summary.id,
		.name = ctr->summary.name,
		.log_driver = spec->log_driver,
		.log_path = spec->log_path,
		.log_max_size = spec->log_max_size,
		.log_max_files = spec->log_max_file > 0 ? spec->log_max_file - 1 : -1,
		.restart = spec->restart,
		.restart_retries = spec->restart_retries,
		.restart_delay_ms = spec->restart_delay_ms,
		.restart_window_ms = spec->restart_window_ms,
		.auto_remove = ctr->summary.auto_remove,
		.hold = options->hold,
		.open_stdin = spec->open_stdin,
		.detached = options->detached,
		.ends_with_starter = options->ends_with_us,
		.attach_stdin = options->attach_stdin,
		.attach_stdout = options->attach_stdout,
		.attach_stderr = options->attach_stderr,
		.timeout_s = spec->timeout,
		.health = health_config_has_probe(spec->health) ? spec->health : NULL,
		.stop_signal = spec->stop_signal,
		.stop_timeout_s = spec->stop_timeout >= 0 ? spec->stop_timeout : 10,
		.log_level = log_get_level(),
		.keep_groups = spec->keep_groups,
		.keep_preserved = options->listen_fds > 0,
		.systemd = spec->systemd && !spec->privileged,
	};
}

/* Hand everything to a new monitor. */
static Monitor *start_monitor(Container *ctr, const ContainerSpec *spec,
			      const ContainerStart *options, const NetworkRequest *network,
			      OciConfig *config, const RecordLock *life, ContainerCgroup *cgroup,
			      GError **error)
{
	/* Recorded under the life lock: "running" without it would mean that a monitor was killed.
	 */
	autofd filter = open_syscall_filter(ctr, spec, config, error);
	autofd secrets =
		filter < 0 ? -1
			   : container_open_secrets(ctr, spec, options->secrets, config, error);
	if (secrets < 0 || !record_starting(ctr, error))
		return NULL;
	const int fds[] = {store_fd(engine_store(ctr->engine)),
			   container_dir_fd(ctr),
			   ctr->run_fd,
			   record_lock_fd(life),
			   filter,
			   secrets};
	int preserve[LAUNCH_PRESERVE_MAX];
	size_t n_preserve = list_preserved(options->preserve, preserve);
	g_auto(GStrv) cleanup = cleanup_argv(ctr);
	g_autofree char *tag = log_tag_expand(spec->log_tag, spec, ctr->summary.id, error);
	g_auto(GStrv) labels = log_labels(spec, ctr->summary.id, error);
	if ((spec->log_tag && !tag) || !labels)
		return NULL;
	MonitorNotify notify = notify_mode(spec, options);
	autofd notify_fd = notify ? notify_connect(options->notify_socket) : -1;
	if (notify && notify_fd < 0) {
		error_set_errno(error, "cannot reach the service manager at '%s'",
				options->notify_socket);
		return NULL;
	}
	g_autofree char *manager =
		network->mode == NETWORK_NAMED ? container_cgroup_manager(ctr->engine) : NULL;
	MonitorRequest request = describe(ctr, spec, options);
	request.config = config;
	request.network = network;
	request.log_tag = tag;
	request.log_labels = (const char *const *)labels;
	request.cgroup = container_cgroup_is_planned(cgroup);
	request.cleanup_argv = (const char *const *)cleanup;
	request.preserve_fds = preserve;
	request.n_preserve_fds = n_preserve;
	request.manager = manager;
	request.notify = notify;
	request.notify_fd = notify_fd;
	g_autoptr(Monitor) monitor =
		monitor_spawn(&request, fds, spawn_in_namespaces, ctr->engine, error);
	if (!monitor || (request.cgroup && !container_cgroup_give(cgroup, ctr, monitor, error)))
		return NULL;
	return g_steal_pointer(&monitor);
}

/* Refuse every state from which a start makes no sense. */
static bool check_startable(const Container *ctr, bool hold, GError **error)
{
	switch (ctr->summary.state) {
	case CONTAINER_CREATED:
	case CONTAINER_EXITED:
		return true;
	case CONTAINER_RUNNING:
	case CONTAINER_STOPPING:
	case CONTAINER_PAUSED:
	case CONTAINER_RESTARTING:
	case CONTAINER_INITIALIZED:
		break;
	}
	if (hold)
		return error_set(error, ENGINE_ERROR_BAD_STATE,
				 "container %s has already been created in runtime: container "
				 "state improper",
				 ctr->summary.id);
	return error_set(error, ENGINE_ERROR_BAD_STATE,
			 "container %s is already %s: container state improper", ctr->summary.id,
			 container_state_name(ctr->summary.state));
}

/* The record of a start that did not happen says why; the runtime directory goes. */
static void record_failure(Container *ctr, const char *message, int code)
{
	ctr->summary.state = CONTAINER_CREATED;
	ctr->summary.exit_code = code;
	g_free(ctr->summary.error);
	ctr->summary.error = g_strndup(message, strcspn(message, "\n"));
	g_autoptr(GError) failed = NULL;
	if (!container_save_state(ctr, &failed))
		log_warn("%s", failed->message);
	(void)unlinkat(container_dir_fd(ctr), "exit.json", 0);
	(void)container_remove_runtime(ctr->engine, ctr->summary.id);
	fd_close(&ctr->run_fd);
}

/* Somebody else is starting it: return when that is over. */
static bool wait_for_starter(Container *ctr, GError **error)
{
	if (ctr->summary.state != CONTAINER_RUNNING || ctr->summary.pid > 0)
		return true;
	g_autoptr(RecordLock) op = container_lock(ctr, -1, "start", error);
	return op && container_reload(ctr, error);
}

/* What the container requires, or whose namespaces it joins, runs first. */
static bool start_required(Container *ctr, GError **error)
{
	for (char **id = ctr->summary.depends; id && *id; id++) {
		g_autoptr(GError) failed = NULL;
		g_autoptr(Container) other = container_resolve(ctr->engine, *id, &failed);
		bool found = other && wait_for_starter(other, &failed);
		ContainerState state = found ? other->summary.state : CONTAINER_RUNNING;
		bool stopped = state == CONTAINER_CREATED || state == CONTAINER_EXITED ||
			       state == CONTAINER_INITIALIZED;
		if (stopped &&
		    !container_start(other, &(ContainerStart){.detached = true}, NULL, &failed) &&
		    container_reload(other, NULL) && other->summary.state == CONTAINER_RUNNING)
			g_clear_error(&failed); /* somebody was faster */
		if (failed) {
			g_propagate_prefixed_error(error, g_steal_pointer(&failed),
						   "starting dependency %s of container %s: ", *id,
						   ctr->summary.id);
			return false;
		}
	}
	return true;
}

/* What a service manager gives has to be there when the container is set up. */
static bool check_held_service(Container *ctr, const ContainerStart *options, GError **error)
{
	const ContainerSpec *spec = container_spec(ctr, error);
	if (!spec)
		return false;
	bool notify = options->notify_socket && spec->sdnotify != SPEC_NOTIFY_DEFAULT &&
		      spec->sdnotify != SPEC_NOTIFY_IGNORE;
	if (!notify && options->listen_fds == 0)
		return true;
	return error_set(error, ENGINE_ERROR_UNSUPPORTED,
			 "container %s was initialized before: %s is not supported then",
			 ctr->summary.id, notify ? "--sdnotify" : "socket activation");
}

/* Let the program of an initialized container run, with us attached before. */
static bool begin_held(Container *ctr, const ContainerStart *options, int *out_control,
		       GError **error)
{
	g_autoptr(GError) failed = NULL;
	if (!check_held_service(ctr, options, error))
		return false;
	autofd control = options->detached ? -1 : attach_open(ctr->run_fd, error);
	if (!options->detached && control < 0)
		return false;
	if (control_begin(ctr->run_fd, &failed)) {
		event_container(ctr->engine, ctr, "start");
		if (out_control)
			*out_control = fd_steal(&control);
		return true;
	}
	/* The monitor ends now, and leaves the record to us. */
	g_autoptr(RecordLock) life = container_lock_life(ctr, true, "start", NULL);
	if (life)
		record_failure(ctr, failed->message, error_exit_code(failed));
	g_propagate_error(error, g_steal_pointer(&failed));
	return false;
}

struct ContainerStarting {
	Container *ctr; /* borrowed */
	ContainerStart options;
	bool began; /* it was initialized before, and its program runs already */
	RecordLock *op, *life;
	ContainerCgroup cgroup;
	Monitor *monitor;
	int control; /* -1: none yet */
};

static void starting_free(ContainerStarting *starting)
{
	monitor_free(starting->monitor);
	container_cgroup_clear(&starting->cgroup);
	record_unlock(starting->life);
	record_unlock(starting->op);
	fd_close(&starting->control);
	g_free(starting);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ContainerStarting, starting_free)

/* Whom it concerns that the program runs. */
static void tell_running(const ContainerStarting *starting, pid_t pid)
{
	const ContainerSpec *spec = starting->ctr->spec;
	pid_t monitor = monitor_pid(starting->monitor);
	write_pid_files(spec, monitor, pid);
	if (notify_mode(spec, &starting->options) == MONITOR_NOTIFY_STARTED)
		tell_started(starting->options.notify_socket, monitor);
}

/* Take back what was made for a start that failed. */
static void give_up(Container *ctr, GError *failed, GError **error)
{
	port_owner_explain(ctr->engine, &failed);
	record_failure(ctr, failed->message, error_exit_code(failed));
	g_propagate_error(error, failed);
}

/* Gather what the monitor is handed, under the locks, and start it. */
static bool launch_monitor(ContainerStarting *starting, GError **error)
{
	Container *ctr = starting->ctr;
	const ContainerSpec *spec = container_spec(ctr, error);
	g_autoptr(NetworkRequest) network =
		spec ? container_network_request(ctr, spec, error) : NULL;
	if (!network || !container_prepare_layer(ctr, spec, error) ||
	    !container_write_files(ctr, spec, network, error))
		return false;
	GError *failed = NULL;
	g_autoptr(OciConfig) config = build_config(ctr, spec, &starting->options, &failed);
	if (config) {
		container_cgroup_plan(ctr, spec, &starting->cgroup);
		container_cgroup_describe(&starting->cgroup, config);
		if (starting->cgroup.asking ||
		    container_cgroup_check_systemd(&starting->cgroup, &failed))
			starting->monitor =
				start_monitor(ctr, spec, &starting->options, network, config,
					      starting->life, &starting->cgroup, &failed);
	}
	if (starting->monitor)
		return true;
	give_up(ctr, failed, error);
	return false;
}

/* A member's start, until its record says that it runs, and the look for a pod's last member
 * exclude each other: it would join namespaces that are about to go. NULL: nothing to wait for. */
static bool take_turn(Container *ctr, RecordLock **out_turn, GError **error)
{
	const ContainerSummary *s = &ctr->summary;
	GError *failed = NULL;
	if (!s->pod || s->infra)
		return true;
	g_autoptr(Pod) pod = pod_lookup(ctr->engine, s->pod_name, NULL);
	if (pod && pod->infra_id)
		*out_turn = pod_take_turn(ctr->engine, pod, true, &failed);
	if (!failed)
		return true;
	g_propagate_error(error, failed);
	return false;
}

ContainerStarting *container_start_begin(Container *ctr, const ContainerStart *options,
					 GError **error)
{
	log_step(7, __func__);
	g_autoptr(RecordLock) turn = NULL;
	if (!take_turn(ctr, &turn, error) || !start_required(ctr, error))
		return NULL;
	g_autoptr(ContainerStarting) starting = g_new0(ContainerStarting, 1);
	starting->ctr = ctr;
	starting->options = *options;
	starting->cgroup = CONTAINER_CGROUP_NONE;
	starting->control = -1;
	starting->op = container_lock(ctr, options->at_once ? 0 : -1, "start", error);
	if (!starting->op || !container_reload(ctr, error))
		return NULL;
	if (ctr->summary.state == CONTAINER_INITIALIZED && !options->hold) {
		starting->began = begin_held(ctr, options, &starting->control, error);
		return starting->began ? g_steal_pointer(&starting) : NULL;
	}
	if (!check_startable(ctr, options->hold, error) || !container_check_unmounted(ctr, error))
		return NULL;
	starting->life = container_lock_life(ctr, !options->at_once, "monitor", error);
	return starting->life && launch_monitor(starting, error) ? g_steal_pointer(&starting)
								 : NULL;
}

bool container_start_finish(ContainerStarting *started, int *out_control, GError **error)
{
	g_autoptr(ContainerStarting) starting = started;
	Container *ctr = starting->ctr;
	GError *failed = NULL;
	pid_t pid = 0;
	if (starting->began) {
		if (out_control)
			*out_control = fd_steal(&starting->control);
		return true;
	}
	if (!monitor_wait_started(starting->monitor, &pid, &failed)) {
		give_up(ctr, failed, error);
		return false;
	}
	tell_running(starting, pid);
	event_container(ctr->engine, ctr, starting->options.hold ? "init" : "start");
	if (!out_control)
		return true;
	*out_control = fcntl(monitor_control_fd(starting->monitor), F_DUPFD_CLOEXEC, 3);
	return *out_control >= 0 || error_set_errno(error, "cannot keep the monitor's socket");
}

bool container_start(Container *ctr, const ContainerStart *options, int *out_control,
		     GError **error)
{
	ContainerStarting *starting = container_start_begin(ctr, options, error);
	return starting && container_start_finish(starting, out_control, error);
}
