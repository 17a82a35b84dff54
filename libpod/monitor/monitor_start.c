/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One start of a container: uplink, init up to its gate, published ports, the runtime record, the
 * gate.
 *
 * The order is chosen so that what takes long overlaps: the uplink loads while init mounts, and
 * ports are waited for when init is ready. run.json is written before the gate opens: a payload
 * never runs without a record. A monitor killed before that leaves an init that dies with it; one
 * killed later leaves a record that names init.
 */
#include "libpod/monitor/monitor_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/record.h"
#include "libpod/base/seal.h"
#include "libpod/base/units.h"
#include "network/netns.h"

/* Runs in init, below the exec line. */
static int configure_netns(void *data, const char **out_step)
{
	return netns_configure(data, out_step);
}

static ino_t namespace_inode(MonitorLoop *loop, const char *pid, const char *name)
{
	char path[48];
	struct stat st;
	g_snprintf(path, sizeof path, "%s/ns/%s", pid, name);
	return fstatat(loop->proc_fd, path, &st, 0) == 0 ? st.st_ino : 0;
}

/*
 * Pid 0: there is none, the container waits for its next run. One that lives must have its start
 * time: without that it would count as gone.
 */
static bool set_process(Json *record, const char *key, pid_t pid, GError **error)
{
	unsigned long long start = 0;
	if (pid > 0 && !record_tell_start(pid, &start, error))
		return false;
	Json *json = json_object_new_object();
	js_set_int(json, "pid", pid);
	js_set_int(json, "start", (int64_t)start);
	js_set_take(record, key, json);
	return true;
}

bool monitor_write_run_record(MonitorLoop *loop, GError **error)
{
	char pid[16];
	g_snprintf(pid, sizeof pid, "%d", (int)loop->launch.pid);
	g_autoptr(Json) json = json_object_new_object();
	js_set_string(json, "boot", record_boot_id());
	if (!set_process(json, "monitor", getpid(), error) ||
	    !set_process(json, "init", loop->launch.pid, error))
		return false;
	js_set_int(json, "started", loop->started_ns);
	js_set_int(json, "netns_inode", (int64_t)namespace_inode(loop, pid, "net"));
	js_set_int(json, "userns_inode", (int64_t)namespace_inode(loop, "self", "user"));
	if (loop->shares_pids) {
		js_set_int(json, "mntns_inode", (int64_t)loop->mount_ns.inode);
		js_set_int(json, "mntns_id", (int64_t)loop->mount_ns.id);
	}
	if (loop->ports)
		js_set_take(json, "ports",
			    js_parse(loop->ports, strlen(loop->ports), "ports", NULL));
	else
		js_set_take(json, "ports", json_object_new_array());
	if (loop->members->len > 0)
		js_set_take(json, "networks", monitor_network_to_json(loop));
	js_set_int(json, "restarts", loop->restarts);
	js_set_string(json, "health", monitor_health_status(loop));
	if (loop->paused)
		js_set_bool(json, "paused", true);
	if (loop->stop_asked)
		js_set_bool(json, "stopping", true);
	if (loop->oom)
		js_set_bool(json, "oom", true);
	if (loop->phase == MONITOR_HELD)
		js_set_bool(json, "held", true);
	g_autofree char *text = seal_text(js_text(json));
	return record_replace(MONITOR_FD_RUN, "run.json", text, strlen(text), RECORD_SYNC_NONE,
			      error);
}

/* The starting command may have been killed meanwhile: then nobody knows of this container yet. */
static bool check_wanted(MonitorLoop *loop, GError **error)
{
	struct pollfd control = {.fd = MONITOR_FD_CONTROL};
	if (!loop->announced && poll(&control, 1, 0) == 1 &&
	    (control.revents & (POLLHUP | POLLERR)))
		return error_set(error, ENGINE_ERROR_CANCELLED, "the starting command has gone");
	return true;
}

/* Descriptors of the starting command that are to be the payload's. */
static void add_preserved(const MonitorTask *task, LaunchOptions *options)
{
	int fd = MONITOR_FD_COUNT;
	for (const char *flag = task->preserve; flag && *flag; flag++)
		options->preserve_fds[options->n_preserve_fds++] = *flag == '1' ? fd++ : -1;
}

/* Clone init; its ends of the pipes are ours no longer. */
static bool launch(MonitorLoop *loop, GError **error)
{
	int stdio[3];
	NetnsSetup setup = {
		.slirp = loop->task->network->mode == NETWORK_SLIRP,
		.ipv6 = loop->task->network->enable_ipv6,
		.mtu = loop->task->network->mtu,
		.tap_socket = loop->uplink.tap_socket,
	};
	bool own_netns = loop->task->config->namespaces[OCI_NS_NETWORK].mode == OCI_NS_NEW;
	bool ok = monitor_io_open(loop, stdio, error);
	if (ok) {
		LaunchOptions options = {
			.config = loop->task->config,
			.id = loop->task->id,
			.store_fd = MONITOR_FD_STORE,
			.stdio = {stdio[0], stdio[1], stdio[2]},
			.seccomp_fd = loop->seccomp_fd,
			.secrets_fd = loop->secrets_fd,
			.cgroup_fd = loop->cgroup_fd,
			.leaf_fd = loop->cgroup_leaf_fd,
			.configure_netns = own_netns ? configure_netns : NULL,
			.configure_netns_data = &setup,
		};
		add_preserved(loop->task, &options);
		log_step(10, "launch_init");
		ok = launch_init(&options, &loop->launch, error);
		if (ok && !monitor_network_plug(loop, error)) {
			launch_abort(&loop->launch);
			ok = false;
		}
	}
	for (int i = 0; i < 3; i++)
		fd_close(&stdio[i]);
	/* Only the uplink may hold the tap, so that its end is not ours to wait for. */
	fd_close(&loop->uplink.tap_socket);
	return ok;
}

/* With init at its gate: the ports, and the terminal. */
static bool settle(MonitorLoop *loop, GError **error)
{
	char pid[16];
	g_snprintf(pid, sizeof pid, "%d", (int)loop->launch.pid);
	loop->shares_pids = loop->task->config->namespaces[OCI_NS_PID].mode != OCI_NS_NEW;
	if (loop->shares_pids)
		loop->mount_ns = monitor_members_namespace(loop->proc_fd, pid);
	if (loop->io.terminal) {
		int master = fd_steal(&loop->launch.pty_master);
		if (!monitor_io_adopt_terminal(loop, master, error))
			return false;
	}
	return monitor_network_wait_ports(loop, error);
}

/* From the gate to the running program. */
static bool release(MonitorLoop *loop, GError **error)
{
	loop->started_ns = units_now();
	loop->started_ms = monitor_now_ms();
	monitor_health_start(loop);
	if (!monitor_write_run_record(loop, error) || !check_wanted(loop, error))
		return false;
	monitor_notify_starting(loop);
	return launch_release(&loop->launch, error);
}

/* It stays at the gate, for everybody to see. */
static bool hold(MonitorLoop *loop, GError **error)
{
	loop->phase = MONITOR_HELD;
	loop->started_ns = 0;
	if (monitor_write_run_record(loop, error) && check_wanted(loop, error))
		return true;
	loop->phase = MONITOR_STARTING;
	return false;
}

static void forget_launch(MonitorLoop *loop)
{
	fd_close(&loop->launch.root_mount_fd);
	fd_close(&loop->launch.pty_master);
	fd_close(&loop->launch.pidfd);
	loop->launch.pid = 0;
	loop->mount_ns = (MountNamespace){0};
}

static void set_running(MonitorLoop *loop)
{
	loop->phase = MONITOR_RUNNING;
	loop->kill_at = loop->task->timeout_s > 0
				? loop->started_ms + loop->task->timeout_s * G_GINT64_CONSTANT(1000)
				: NO_DEADLINE;
}

/* Nothing of an attempt is left. */
static void undo(MonitorLoop *loop, bool launched)
{
	if (launched)
		launch_abort(&loop->launch);
	forget_launch(loop);
	monitor_cgroup_close(loop);
	monitor_io_close(loop);
	monitor_network_release(loop);
}

/* "/proc/PID/ns/KIND" was looked up before the first run: at a restart the pid may be another
 * process's, in whose namespaces the container has no business. */
bool monitor_check_joined(MonitorLoop *loop, GError **error)
{
	for (size_t i = 0; i < OCI_NS_COUNT; i++) {
		const OciNamespace *ns = &loop->task->config->namespaces[i];
		struct stat st;
		if (ns->mode != OCI_NS_PATH || !g_str_has_prefix(ns->path, "/proc/"))
			continue;
		bool there = fstatat(AT_FDCWD, ns->path, &st, 0) == 0;
		if (loop->joined[i] != 0 && (!there || loop->joined[i] != st.st_ino))
			return error_set(error, ENGINE_ERROR_NOT_FOUND,
					 "the namespace '%s' is gone", ns->path);
		/* Before the first run the launch will say it. */
		if (!there)
			continue;
		loop->joined[i] = st.st_ino;
	}
	return true;
}

bool monitor_start(MonitorLoop *loop, GError **error)
{
	loop->launch = (Launch){
		.pid = 0,
		.pidfd = -1,
		.pty_master = -1,
		.root_mount_fd = -1,
		.gate_fd = -1,
		.report_fd = -1,
	};
	loop->oom = false;
	bool launched = monitor_check_joined(loop, error) && monitor_cgroup_open(loop, error) &&
			monitor_network_join(loop, error) &&
			monitor_network_start_uplink(loop, error) && launch(loop, error);
	if (launched && settle(loop, error)) {
		if (loop->task->hold && !loop->announced) {
			if (hold(loop, error))
				return true;
		} else if (release(loop, error)) {
			set_running(loop);
			return true;
		}
	}
	undo(loop, launched);
	return false;
}

bool monitor_begin(MonitorLoop *loop, GError **error)
{
	if (loop->phase != MONITOR_HELD)
		return error_set(error, ENGINE_ERROR_BAD_STATE, "the container is not initialized");
	loop->phase = MONITOR_STARTING;
	if (release(loop, error)) {
		set_running(loop);
		return true;
	}
	undo(loop, true);
	loop->phase = MONITOR_ENDED;
	loop->undone = true;
	return false;
}
