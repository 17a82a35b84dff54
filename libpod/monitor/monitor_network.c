/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The container's networks: places on named ones, published ports, and what is done when a home or
 * the uplink was killed.
 *
 * Members and attachments have the same order, which is that of connecting; published ports lead to
 * the first one's address. A home that is gone is looked for at once and then ever more seldom,
 * until there is one; its bridge lives on with us meanwhile.
 */
#include "libpod/monitor/monitor_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/runtime/limits.h"
#include "network/netns.h"

#define PORTS_TIMEOUT_MS 30000
#define FIRST_METRIC     100 /* as podman's networks have it */
#define RETRY_FIRST_MS   50
#define RETRY_LAST_MS    2000

void monitor_member_free(void *data)
{
	MonitorMember *member = data;
	fd_close(&member->home.socket);
	fd_close(&member->home.netns_fd);
	g_free(member);
}

/* "net/ipv4/conf/eth0/..." of an interface that a named network brings. */
static bool is_of_port(const NetworkRequest *request, const char *path)
{
	g_auto(GStrv) parts = g_strsplit(path, "/", 5);
	if (g_strv_length(parts) != 5 || strcmp(parts[0], "net") != 0 ||
	    (strcmp(parts[2], "conf") != 0 && strcmp(parts[2], "neigh") != 0))
		return false;
	for (guint i = 0; i < request->attachments->len; i++) {
		const NetworkAttachment *one = request->attachments->pdata[i];
		if (g_strcmp0(one->interface, parts[3]) == 0)
			return true;
	}
	return false;
}

bool monitor_network_init(MonitorLoop *loop, GError **error)
{
	OciConfig *config = loop->task->config;
	const NetworkRequest *request = loop->task->network;
	if (request->mode != NETWORK_NAMED || !config->sysctl)
		return true;
	if (!limits_check_sysctls(config, error))
		return false;
	GHashTableIter iter;
	gpointer key, value;
	g_hash_table_iter_init(&iter, config->sysctl);
	while (g_hash_table_iter_next(&iter, &key, &value)) {
		char *path = limits_sysctl_path(key);
		if (!is_of_port(request, path)) {
			g_free(path);
			continue;
		}
		g_ptr_array_add(loop->port_sysctls, path);
		g_ptr_array_add(loop->port_sysctls, g_strdup(value));
		g_hash_table_iter_remove(&iter);
	}
	return true;
}

/* Containers' homes are in networks/ of the runtime directory, of which we have containers/ID. */
static bool open_homes(MonitorLoop *loop, GError **error)
{
	const char *path = "../../networks";
	if (loop->homes_fd >= 0)
		return true;
	if (mkdirat(MONITOR_FD_RUN, path, 0700) < 0 && errno != EEXIST)
		return error_set_errno(error, "cannot make the directory of networks");
	loop->homes_fd =
		openat(MONITOR_FD_RUN, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return loop->homes_fd >= 0 ||
	       error_set_errno(error, "cannot open the directory of networks");
}

/* Its homes ask each other about names; without that they know their own. */
static void link_member(MonitorLoop *loop, const MonitorMember *member)
{
	for (guint i = 0; i < loop->members->len; i++) {
		const MonitorMember *other = loop->members->pdata[i];
		bool named = member->attachment->plan->dns || other->attachment->plan->dns;
		if (other == member || !named || other->home.socket < 0)
			continue;
		if (!home_link(&member->home, &other->home) ||
		    !home_link(&other->home, &member->home))
			log_info("networks %s and %s do not share names: %s",
				 member->attachment->name, other->attachment->name,
				 g_strerror(errno));
	}
}

/* A home that this brings to life is not to end with our unit. */
static bool join(MonitorLoop *loop, MonitorMember *member, GError **error)
{
	bool joined = home_join(member->attachment, loop->homes_fd, &member->home, error);
	monitor_scope_home(loop, member);
	return joined;
}

/* After a restart of ours with the address of before, which others may have looked up, unless it is
 * somebody else's now. Return: false if nothing was done. */
static bool join_as_before(MonitorLoop *loop, MonitorMember *member)
{
	const HomeMember *place = g_hash_table_lookup(loop->places, member->attachment->name);
	g_autoptr(GError) failed = NULL;
	if (!place || member->attachment->ip || member->attachment->ip6)
		return false;
	member->home.address = place->address;
	member->home.address6 = place->address6;
	memcpy(member->home.mac, place->mac, sizeof(place->mac));
	g_hash_table_remove(loop->places, member->attachment->name);
	if (join(loop, member, &failed))
		return true;
	log_info("%s", failed->message);
	member->home = HOME_MEMBER_NONE;
	return false;
}

/* Become a member of one network. */
static MonitorMember *add_member(MonitorLoop *loop, const NetworkAttachment *attachment,
				 GError **error)
{
	if (!open_homes(loop, error))
		return NULL;
	MonitorMember *member = g_new0(MonitorMember, 1);
	member->attachment = attachment;
	member->home = HOME_MEMBER_NONE;
	member->metric = loop->next_metric;
	if (!join_as_before(loop, member) && !join(loop, member, error)) {
		monitor_member_free(member);
		return NULL;
	}
	loop->next_metric++;
	link_member(loop, member);
	g_ptr_array_add(loop->members, member);
	return member;
}

/* Leave one network; its port goes with the container, or was taken away. */
static void drop_member(MonitorLoop *loop, MonitorMember *member)
{
	home_leave(member->attachment, loop->homes_fd, &member->home);
	g_ptr_array_remove(loop->members, member);
}

bool monitor_network_join(MonitorLoop *loop, GError **error)
{
	const NetworkRequest *request = loop->task->network;
	if (request->mode != NETWORK_NAMED)
		return true;
	loop->next_metric = FIRST_METRIC;
	for (guint i = 0; i < request->attachments->len; i++)
		if (!add_member(loop, request->attachments->pdata[i], error))
			return false;
	return monitor_hosts_write(loop, error);
}

/* ---- the container's netns ---- */

static int open_netns(MonitorLoop *loop, GError **error)
{
	char path[32];
	g_snprintf(path, sizeof path, "%d/ns/net", (int)loop->launch.pid);
	int netns = openat(loop->proc_fd, path, O_RDONLY | O_CLOEXEC);
	if (netns < 0)
		error_set_errno(error, "cannot open the container's network namespace");
	return netns;
}

/* The sysctls of one interface, as home_plug() wants them. Strings are borrowed. */
static const char **sysctls_of(MonitorLoop *loop, const char *interface)
{
	g_autoptr(GPtrArray) found = g_ptr_array_new();
	for (guint i = 0; i < loop->port_sysctls->len; i += 2) {
		g_auto(GStrv) parts = g_strsplit(loop->port_sysctls->pdata[i], "/", 5);
		if (g_strcmp0(parts[3], interface) != 0)
			continue;
		g_ptr_array_add(found, loop->port_sysctls->pdata[i]);
		g_ptr_array_add(found, loop->port_sysctls->pdata[i + 1]);
	}
	g_ptr_array_add(found, NULL);
	return (const char **)g_ptr_array_free(g_steal_pointer(&found), FALSE);
}

static bool plug(MonitorLoop *loop, const MonitorMember *member, int netns, GError **error)
{
	const char *interface = member->attachment->interface;
	g_autofree const char **sysctls = sysctls_of(loop, interface ? interface : "eth0");
	return home_plug(member->attachment, &member->home, netns, member->metric, sysctls, error);
}

/* Its ports are those that were asked for: it fails if it cannot have them. */
static bool run_pasta(MonitorLoop *loop, GError **error)
{
	NetworkRequest *request = loop->task->network;
	autofd netns = open_netns(loop, error);
	if (netns < 0 || !pasta_start(request, netns, MONITOR_FD_RUN, &loop->pasta, error))
		return false;
	g_autoptr(Json) ports = port_mappings_to_json(request->ports);
	g_free(loop->ports);
	loop->ports = request->ports->len > 0 ? g_strdup(js_text(ports)) : NULL;
	return true;
}

bool monitor_network_plug(MonitorLoop *loop, GError **error)
{
	if (loop->task->network->mode == NETWORK_PASTA)
		return run_pasta(loop, error);
	if (loop->task->network->mode != NETWORK_NAMED)
		return true;
	autofd netns = open_netns(loop, error);
	if (netns < 0)
		return false;
	for (guint i = 0; i < loop->members->len; i++)
		if (!plug(loop, loop->members->pdata[i], netns, error))
			return false;
	return !loop->has_uplink || uplink_send_netns(&loop->uplink, netns) ||
	       error_set_errno(error, "cannot hand over the container's network namespace");
}

/* ---- the uplink ---- */

static bool wants_uplink(const MonitorLoop *loop)
{
	const NetworkRequest *network = loop->task->network;
	return network->mode == NETWORK_SLIRP ||
	       (network->mode == NETWORK_NAMED && network->ports->len > 0 &&
		loop->members->len > 0);
}

static bool start_uplink(MonitorLoop *loop, const NetworkRequest *request, GError **error)
{
	const MonitorMember *first = loop->members->len > 0 ? loop->members->pdata[0] : NULL;
	if (!uplink_start(request, first ? first->attachment->plan : NULL,
			  first ? &first->home : NULL, &loop->uplink, error))
		return false;
	loop->has_uplink = true;
	loop->uplink_retry_at = 0;
	loop->uplink_delay = 0;
	return true;
}

bool monitor_network_start_uplink(MonitorLoop *loop, GError **error)
{
	loop->has_uplink = false;
	loop->uplink = (Uplink){.pid = -1, .tap_socket = -1, .ready_fd = -1, .lifeline_fd = -1};
	if (!wants_uplink(loop))
		return true;
	log_step(9, "uplink_start");
	return start_uplink(loop, loop->task->network, error);
}

bool monitor_network_wait_ports(MonitorLoop *loop, GError **error)
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

static void stop_uplink(MonitorLoop *loop)
{
	if (loop->has_uplink)
		uplink_stop(&loop->uplink);
	loop->has_uplink = false;
}

/* A new tap in the netns of a container that runs, for a new uplink. */
static bool remake_tap(MonitorLoop *loop, int netns, GError **error)
{
	const NetnsSetup setup = {
		.slirp = true,
		.ipv6 = loop->task->network->enable_ipv6,
		.mtu = loop->task->network->mtu,
		.tap_socket = loop->uplink.tap_socket,
	};
	const char *step = "";
	int status = 0;
	pid_t pid = fork();
	if (pid == 0)
		_exit(setns(netns, CLONE_NEWNET) < 0 ? errno : -netns_configure(&setup, &step));
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return true;
	errno = pid > 0 && WIFEXITED(status) ? WEXITSTATUS(status) : EIO;
	return error_set_errno(error, "cannot connect the container again");
}

/* Another uplink for the container that runs, on the ports it has. */
static bool replace_uplink(MonitorLoop *loop, GError **error)
{
	NetworkRequest request = *loop->task->network;
	g_autoptr(Json) json =
		loop->ports ? js_parse(loop->ports, strlen(loop->ports), "ports", NULL) : NULL;
	g_autoptr(GPtrArray) bound = json ? port_mappings_from_json(json, error) : NULL;
	if (json && !bound)
		return false;
	if (bound)
		request.ports = bound;
	autofd netns = open_netns(loop, error);
	if (netns < 0 || !start_uplink(loop, &request, error))
		return false;
	bool given = request.mode == NETWORK_SLIRP
			     ? remake_tap(loop, netns, error)
			     : uplink_send_netns(&loop->uplink, netns) ||
				       error_set_errno(error, "cannot hand over the network");
	fd_close(&loop->uplink.tap_socket);
	if (given && monitor_network_wait_ports(loop, error))
		return true;
	stop_uplink(loop);
	return false;
}

static int64_t later(int *delay)
{
	*delay = CLAMP(*delay * 2, RETRY_FIRST_MS, RETRY_LAST_MS);
	return monitor_now_ms() + *delay;
}

/* After a change of members, or when its time has come. */
static void bring_uplink(MonitorLoop *loop)
{
	g_autoptr(GError) error = NULL;
	if (loop->has_uplink || !wants_uplink(loop))
		return;
	int delay = loop->uplink_delay;
	if (replace_uplink(loop, &error))
		return;
	loop->uplink_delay = delay;
	loop->uplink_retry_at = later(&loop->uplink_delay);
	log_warn("cannot bring the uplink back: %s", error->message);
}

static void on_uplink_gone(MonitorLoop *loop, void *data, short revents)
{
	/* It may be another one already than when we began to wait. */
	struct pollfd gone = {.fd = loop->uplink.lifeline_fd};
	if (!loop->has_uplink || poll(&gone, 1, 0) <= 0)
		return;
	stop_uplink(loop);
	/* The kernel takes a moment to let go of its tap and its ports. */
	loop->uplink_retry_at = later(&loop->uplink_delay);
}

/* ---- homes that were killed ---- */

/* The network went on without us: the others' bridge is another now. */
static bool move_member(MonitorLoop *loop, MonitorMember *member, GError **error)
{
	autofd netns = open_netns(loop, error);
	if (netns < 0)
		return false;
	(void)home_unplug(member->attachment, &member->home, NULL);
	fd_close(&member->home.netns_fd);
	return join(loop, member, error) && plug(loop, member, netns, error);
}

static void rejoin(MonitorLoop *loop, MonitorMember *member)
{
	g_autoptr(GError) error = NULL;
	bool joined = member->home.netns_fd >= 0 && join(loop, member, &error);
	if (!joined && (!error || error_matches(error, ENGINE_ERROR_BAD_STATE))) {
		g_clear_error(&error);
		joined = move_member(loop, member, &error);
	}
	if (joined) {
		member->retry_delay = 0;
		link_member(loop, member);
		return;
	}
	/* Joined and not plugged is as good as not joined. */
	fd_close(&member->home.socket);
	if (member->retry_delay == 0)
		log_warn("cannot bring network %s back yet: %s", member->attachment->name,
			 error->message);
	member->retry_at = later(&member->retry_delay);
}

static void on_home_gone(MonitorLoop *loop, void *data, short revents)
{
	MonitorMember *member = data;
	guint ignored;
	if (!g_ptr_array_find(loop->members, member, &ignored))
		return;
	fd_close(&member->home.socket);
	rejoin(loop, member);
}

void monitor_network_prepare(MonitorLoop *loop)
{
	int64_t now = monitor_now_ms();
	if (loop->phase != MONITOR_RUNNING)
		return;
	if (loop->has_uplink)
		monitor_poll_add(loop, loop->uplink.lifeline_fd, 0, on_uplink_gone, NULL);
	else if (now >= loop->uplink_retry_at)
		bring_uplink(loop);
	if (!loop->has_uplink && wants_uplink(loop))
		monitor_poll_until(loop, loop->uplink_retry_at);
	for (guint i = 0; i < loop->members->len; i++) {
		MonitorMember *member = loop->members->pdata[i];
		if (member->home.socket < 0 && now >= member->retry_at)
			rejoin(loop, member);
		if (member->home.socket >= 0)
			monitor_poll_add(loop, member->home.socket, POLLIN, on_home_gone, member);
		else
			monitor_poll_until(loop, member->retry_at);
	}
}

bool monitor_network_reload(MonitorLoop *loop, GError **error)
{
	if (loop->phase != MONITOR_RUNNING)
		return error_set(error, ENGINE_ERROR_BAD_STATE, "the container is not running");
	for (guint i = 0; i < loop->members->len; i++)
		((MonitorMember *)loop->members->pdata[i])->retry_at = 0;
	loop->uplink_retry_at = 0;
	return true;
}

void monitor_network_release(MonitorLoop *loop)
{
	stop_uplink(loop);
	pasta_stop(&loop->pasta);
	while (loop->members->len > 0) {
		MonitorMember *member = loop->members->pdata[loop->members->len - 1];
		HomeMember *place = g_memdup2(&member->home, sizeof(member->home));
		g_hash_table_replace(loop->places, g_strdup(member->attachment->name), place);
		drop_member(loop, member);
	}
}

/* ---- changes while it runs ---- */

/* What a member's record says. */
static Json *member_json(const MonitorMember *member)
{
	const NetworkPlan *plan = member->attachment->plan;
	const HomeMember *home = &member->home;
	g_autofree char *address = address4_format(home->address);
	g_autofree char *gateway = address4_format(plan->gateway);
	g_autofree char *address6 = address6_format(&home->address6);
	g_autofree char *gateway6 = address6_format(&plan->gateway6);
	g_autofree char *mac = mac_format(home->mac);
	Json *json = json_object_new_object();
	js_set_string(json, "name", member->attachment->name);
	js_set_string(json, "ip", address);
	js_set_int(json, "prefix", plan->subnet.prefix);
	if (!plan->internal)
		js_set_string(json, "gateway", gateway);
	if (plan->subnet6.prefix) {
		js_set_string(json, "ip6", address6);
		js_set_int(json, "prefix6", plan->subnet6.prefix);
		if (!plan->internal)
			js_set_string(json, "gateway6", gateway6);
	}
	js_set_string(json, "mac", mac);
	js_set_string(json, "interface", member->attachment->interface);
	return json;
}

Json *monitor_network_to_json(const MonitorLoop *loop)
{
	Json *array = json_object_new_array();
	for (guint i = 0; i < loop->members->len; i++)
		json_object_array_add(array, member_json(loop->members->pdata[i]));
	return array;
}

static MonitorMember *find_member(const MonitorLoop *loop, const char *name)
{
	for (guint i = 0; i < loop->members->len; i++) {
		MonitorMember *member = loop->members->pdata[i];
		if (strcmp(member->attachment->name, name) == 0)
			return member;
	}
	return NULL;
}

/* Take away what connecting made, as far as it got. */
static void unplug(MonitorLoop *loop, MonitorMember *member)
{
	g_autoptr(GError) error = NULL;
	if (!home_unplug(member->attachment, &member->home, &error))
		log_warn("%s", error->message);
	drop_member(loop, member);
}

/* Join and plug; nothing is left of a failure. */
static bool connect_now(MonitorLoop *loop, const NetworkAttachment *attachment, GError **error)
{
	autofd netns = open_netns(loop, error);
	MonitorMember *member = netns < 0 ? NULL : add_member(loop, attachment, error);
	if (!member)
		return false;
	if (plug(loop, member, netns, error) && monitor_hosts_write(loop, error) &&
	    monitor_write_run_record(loop, error))
		return true;
	unplug(loop, member);
	(void)monitor_hosts_write(loop, NULL);
	return false;
}

bool monitor_network_connect(MonitorLoop *loop, NetworkAttachment *attachment, GError **error)
{
	NetworkRequest *request = loop->task->network;
	if (request->mode != NETWORK_NAMED || !attachment->plan ||
	    attachments_find(request->attachments, attachment->name)) {
		attachment_free(attachment);
		return error_set(error, ENGINE_ERROR_INVALID, "the network cannot be connected");
	}
	g_ptr_array_add(request->attachments, attachment);
	if (loop->phase != MONITOR_RUNNING)
		return true;
	if (!connect_now(loop, attachment, error)) {
		g_ptr_array_remove(request->attachments, attachment);
		return false;
	}
	bring_uplink(loop);
	return true;
}

bool monitor_network_disconnect(MonitorLoop *loop, const char *name, GError **error)
{
	NetworkRequest *request = loop->task->network;
	NetworkAttachment *attachment = attachments_find(request->attachments, name);
	MonitorMember *member = find_member(loop, name);
	if (!attachment)
		return error_set(error, ENGINE_ERROR_NOT_FOUND, "not connected to network %s",
				 name);
	if (member && !home_unplug(attachment, &member->home, error))
		return false;
	/* Published ports led to the first one's address. */
	if (member && member == loop->members->pdata[0])
		stop_uplink(loop);
	if (member)
		drop_member(loop, member);
	g_ptr_array_remove(request->attachments, attachment);
	if (loop->phase != MONITOR_RUNNING)
		return true;
	bring_uplink(loop);
	return monitor_hosts_write(loop, error) && monitor_write_run_record(loop, error);
}

bool monitor_network_set_servers(MonitorLoop *loop, const NetworkAttachment *changed,
				 GError **error)
{
	NetworkAttachment *own = attachments_find(loop->task->network->attachments, changed->name);
	const MonitorMember *member = find_member(loop, changed->name);
	if (!own || !own->plan || !changed->plan)
		return error_set(error, ENGINE_ERROR_NOT_FOUND, "not connected to network %s",
				 changed->name);
	memcpy(own->plan->options.servers, changed->plan->options.servers,
	       sizeof(own->plan->options.servers));
	own->plan->options.n_servers = changed->plan->options.n_servers;
	/* One without a home tells it when there is one again. */
	return !member || member->home.socket < 0 || home_set_servers(own, &member->home) ||
	       error_set_errno(error, "cannot reach network %s", changed->name);
}
