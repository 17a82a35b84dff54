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
#include "libpod/base/units.h"
#include "network/netns.h"

#define PORTS_TIMEOUT_MS 10000

/* Runs in init, below the exec line. */
static int configure_netns(void *data, const char **out_step)
{
	return netns_configure(data, out_step);
}

static bool wants_uplink(const MonitorTask *task)
{
	const NetworkRequest *network = task->network;
	return network->mode == NETWORK_SLIRP ||
	       (network->mode == NETWORK_NAMED && network->ports->len > 0);
}

/* Containers' homes are in networks/ of the runtime directory, of which we have containers/ID. */
static bool open_homes(MonitorLoop *loop, GError **error)
{
	const char *path = "../../networks";
	loop->member = HOME_MEMBER_NONE;
	if (loop->homes_fd >= 0)
		return true;
	if (mkdirat(MONITOR_FD_RUN, path, 0700) < 0 && errno != EEXIST)
		return error_set_errno(error, "cannot make the directory of networks");
	loop->homes_fd =
		openat(MONITOR_FD_RUN, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return loop->homes_fd >= 0 ||
	       error_set_errno(error, "cannot open the directory of networks");
}

/* The container's own line of /etc/hosts, with the address of this run. */
static bool write_hosts(MonitorLoop *loop, GError **error)
{
	const OciConfig *config = loop->task->config;
	g_autofree char *address = address4_format(loop->member.address);
	const char *name = loop->task->name, *hostname = config->hostname;
	bool both = hostname && g_strcmp0(hostname, name) != 0;
	g_autofree char *line = g_strdup_printf("%s\t%s%s%s\n", address, both ? hostname : "",
						both ? " " : "", name);
	struct stat st;
	autofd fd = openat(MONITOR_FD_RUN, "hosts", O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return true; /* --no-hosts */
	if (fd < 0 || fstat(fd, &st) < 0)
		return error_set_errno(error, "cannot open the container's hosts file");
	if (loop->hosts_size == 0)
		loop->hosts_size = st.st_size;
	if (ftruncate(fd, loop->hosts_size) < 0 || lseek(fd, 0, SEEK_END) < 0 ||
	    !fd_write_all(fd, line, strlen(line)))
		return error_set_errno(error, "cannot write the container's hosts file");
	return true;
}

static bool join_network(MonitorLoop *loop, GError **error)
{
	const NetworkRequest *request = loop->task->network;
	if (request->mode != NETWORK_NAMED)
		return true;
	return open_homes(loop, error) &&
	       home_join(request, loop->homes_fd, &loop->member, error) && write_hosts(loop, error);
}

/* The container's end of the network, once its netns is there. */
static bool plug_network(MonitorLoop *loop, GError **error)
{
	char path[32];
	if (loop->task->network->mode != NETWORK_NAMED)
		return true;
	g_snprintf(path, sizeof path, "%d/ns/net", (int)loop->launch.pid);
	autofd netns = openat(loop->proc_fd, path, O_RDONLY | O_CLOEXEC);
	if (netns < 0)
		return error_set_errno(error, "cannot open the container's network namespace");
	if (!home_plug(loop->task->network, &loop->member, netns, error))
		return false;
	return !loop->has_uplink || uplink_send_netns(&loop->uplink, netns) ||
	       error_set_errno(error, "cannot hand over the container's network namespace");
}

/* The home was killed. Its bridge lives on with us, so nobody inside notices much. */
static void on_home_gone(MonitorLoop *loop, void *data, short revents)
{
	g_autoptr(GError) error = NULL;
	fd_close(&loop->member.socket);
	if (!home_join(loop->task->network, loop->homes_fd, &loop->member, &error))
		log_warn("cannot bring the network back: %s", error->message);
}

void monitor_network_prepare(MonitorLoop *loop)
{
	if (loop->member.socket >= 0)
		monitor_poll_add(loop, loop->member.socket, POLLIN, on_home_gone, NULL);
}

static bool start_uplink(MonitorLoop *loop, GError **error)
{
	loop->has_uplink = false;
	loop->uplink = (Uplink){.pid = -1, .tap_socket = -1, .ready_fd = -1, .lifeline_fd = -1};
	if (!wants_uplink(loop->task))
		return true;
	log_step(9, "uplink_start");
	if (!uplink_start(loop->task->network, loop->member.address, &loop->uplink, error))
		return false;
	loop->has_uplink = true;
	return true;
}

void monitor_release_network(MonitorLoop *loop)
{
	if (loop->has_uplink)
		uplink_stop(&loop->uplink);
	loop->has_uplink = false;
	if (loop->member.netns_fd >= 0)
		home_leave(loop->task->network, loop->homes_fd, &loop->member);
}

static ino_t namespace_inode(MonitorLoop *loop, const char *pid, const char *name)
{
	char path[48];
	struct stat st;
	g_snprintf(path, sizeof path, "%s/ns/%s", pid, name);
	return fstatat(loop->proc_fd, path, &st, 0) == 0 ? st.st_ino : 0;
}

/* Pid 0: there is none, the container waits for its next run. */
static Json *process_json(pid_t pid)
{
	Json *json = json_object_new_object();
	js_set_int(json, "pid", pid);
	js_set_int(json, "start", pid > 0 ? (int64_t)record_process_start(pid) : 0);
	return json;
}

/* What the network gave us, for inspect. */
static Json *member_json(const MonitorLoop *loop)
{
	const NetworkPlan *plan = loop->task->network->plan;
	g_autofree char *address = address4_format(loop->member.address);
	g_autofree char *gateway = address4_format(plan->gateway);
	g_autofree char *mac = mac_format(loop->member.mac);
	Json *json = json_object_new_object();
	js_set_string(json, "ip", address);
	js_set_int(json, "prefix", plan->subnet.prefix);
	if (!plan->internal)
		js_set_string(json, "gateway", gateway);
	js_set_string(json, "mac", mac);
	js_set_string(json, "interface", loop->task->network->interface);
	return json;
}

bool monitor_write_run_record(MonitorLoop *loop, GError **error)
{
	char pid[16];
	g_snprintf(pid, sizeof pid, "%d", (int)loop->launch.pid);
	g_autoptr(Json) json = json_object_new_object();
	js_set_string(json, "boot", record_boot_id());
	js_set_take(json, "monitor", process_json(getpid()));
	js_set_take(json, "init", process_json(loop->launch.pid));
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
	if (loop->member.netns_fd >= 0)
		js_set_take(json, "network", member_json(loop));
	js_set_int(json, "restarts", loop->restarts);
	js_set_string(json, "health", monitor_health_status(loop));
	if (loop->paused)
		js_set_bool(json, "paused", true);
	if (loop->oom)
		js_set_bool(json, "oom", true);
	if (loop->phase == MONITOR_HELD)
		js_set_bool(json, "held", true);
	const char *text = js_text(json);
	return record_replace(MONITOR_FD_RUN, "run.json", text, strlen(text), RECORD_SYNC_NONE,
			      error);
}

static bool wait_for_ports(MonitorLoop *loop, GError **error)
{
	g_autoptr(Json) ports = NULL;
	if (!loop->has_uplink || loop->task->network->ports->len == 0)
		return true;
	if (!uplink_wait_ready(&loop->uplink, PORTS_TIMEOUT_MS, &ports, error))
		return false;
	g_free(loop->ports);
	loop->ports = ports ? g_strdup(js_text(ports)) : NULL;
	return true;
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
			.configure_netns = own_netns ? configure_netns : NULL,
			.configure_netns_data = &setup,
		};
		add_preserved(loop->task, &options);
		log_step(10, "launch_init");
		ok = launch_init(&options, &loop->launch, error);
		if (ok && !plug_network(loop, error)) {
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
	return wait_for_ports(loop, error);
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
	monitor_release_network(loop);
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
	bool launched = monitor_cgroup_open(loop, error) && join_network(loop, error) &&
			start_uplink(loop, error) && launch(loop, error);
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
