/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A member's side of a network's home. Runs in the monitor.
 *
 * Joining and leaving happen under one lock, so a home that ends and one that begins never meet. A
 * socket that nobody listens on belongs to a home that was killed: some member's monitor brings a
 * new one to the same bridge in a moment, so whoever has no bridge waits for that before he makes
 * one.
 */
#include "network/home.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/log.h"
#include "libpod/base/record.h"
#include "libpod/base/spawn.h"
#include "network/home_protocol.h"
#include "network/netns.h"

#define ANSWER_TIMEOUT   5    /* seconds */
#define FIRST_TIMEOUT    30   /* seconds, of one that has just been made: where all start at once */
#define LEAVE_TIMEOUT_MS 2000 /* for the lock */
#define REVIVAL_MS       1000 /* what members' monitors have to revive a killed home */
#define REVIVAL_STEP_MS  20

static char *socket_name(const NetworkPlan *plan)
{
	return g_strconcat(plan->key, ".sock", NULL);
}

static uint32_t mtu_of(const NetworkPlan *plan)
{
	return plan->mtu ? plan->mtu : NETNS_MTU;
}

/* Start a home on @listener; with @netns_fd for the bridge that is there. Return: pid or -1. */
static pid_t start_home(const NetworkPlan *plan, int listener, int netns_fd, GError **error)
{
	HomeRequest request = {
		.magic = HOME_MAGIC,
		.mtu = mtu_of(plan),
		.network = plan->subnet.network,
		.prefix = plan->subnet.prefix,
		.gateway = plan->gateway,
		.first = plan->first,
		.last = plan->last,
		.prefix6 = plan->subnet6.prefix,
		.network6 = plan->subnet6.network,
		.gateway6 = plan->gateway6,
		.first6 = plan->first6,
		.last6 = plan->last6,
		.internal = plan->internal,
		.dns = plan->dns,
		.adopted = netns_fd >= 0,
		.n_servers = (uint32_t)plan->options.n_servers,
	};
	memcpy(request.servers, plan->options.servers, sizeof(request.servers));
	memcpy(request.bridge, plan->options.bridge, sizeof(request.bridge));
	if (!home_request_is_valid(&request)) {
		error_set(error, ENGINE_ERROR_INVALID, "the network's record makes no sense");
		return -1;
	}
	g_autofree char *program = spawn_find_own("skiff-uplink", error);
	if (!program)
		return -1;
	autofd memfd = fd_memfd("skiff-home", &request, sizeof(request));
	if (memfd < 0) {
		error_set_errno(error, "cannot make a memory file");
		return -1;
	}
	const char *const argv[] = {"skiff-uplink", NULL};
	const char *const envp[] = {NULL};
	const int fds[] = {memfd, listener, netns_fd};
	const Spawn spawn = {
		.argv = argv,
		.program = program,
		.envp = envp,
		.stderr_fd = log_get_level() >= LOG_LEVEL_DEBUG ? SPAWN_INHERIT : 0,
		.fds = fds,
		.n_fds = netns_fd >= 0 ? 3 : 2,
		.new_session = true,
	};
	return spawn_start(&spawn, NULL, error);
}

/* In place of a home that is not there (any more): its socket, the home, and a connection. */
static int replace_home(const NetworkPlan *plan, int dir_fd, const char *name, HomeMember *member,
			GError **error)
{
	if (unlinkat(dir_fd, name, 0) < 0 && errno != ENOENT) {
		error_set_errno(error, "cannot remove the socket of a network that was killed");
		return -1;
	}
	autofd listener = fd_socket_listen(dir_fd, name, SOCK_SEQPACKET);
	if (listener < 0) {
		error_set_errno(error, "cannot make the network's socket");
		return -1;
	}
	int fd = -1;
	pid_t pid = start_home(plan, listener, member->netns_fd, error);
	if (pid > 0) {
		member->started = pid;
		fd = fd_socket_connect(dir_fd, name, SOCK_SEQPACKET);
		if (fd < 0)
			error_set_errno(error, "cannot reach the network");
	}
	if (fd < 0)
		(void)unlinkat(dir_fd, name, 0);
	return fd;
}

/* Send, with a descriptor unless @fd is -1, and hear within @limit seconds. @out_fd may be NULL.
 * Return: false if there is nobody at the other end, with errno: EAGAIN: it does not answer. */
static bool talk(int socket, const HomeAsk *ask, int fd, int limit, HomeAnswer *answer, int *out_fd)
{
	const struct timeval timeout = {.tv_sec = limit};
	size_t n = 0;

	(void)setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	(void)setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
	if (!fd_send(socket, ask, sizeof(*ask), &fd, fd >= 0))
		return false;
	ssize_t got = fd_receive(socket, answer, sizeof(*answer), out_fd, out_fd ? 1 : 0, &n);
	if (got == sizeof(*answer) && answer->magic == HOME_MAGIC &&
	    (!out_fd || answer->code != HOME_OK || n == 1))
		return true;
	if (got >= 0)
		errno = EPIPE;
	if (n)
		fd_close(out_fd);
	return false;
}

/* --dns, as far as resolvers look. */
static bool encode_servers(const NetworkAttachment *request, HomeAsk *ask, GError **error)
{
	NetworkOptions options = {0};

	for (char **server = request->dns; server && *server; server++)
		if (options.n_servers < DNS_SERVERS_MAX &&
		    !network_options_add_server(&options, *server, error))
			return false;
	memcpy(ask->servers, options.servers, sizeof(ask->servers));
	ask->n_servers = (uint32_t)options.n_servers;
	return true;
}

/* One more name, or a link; as questions have them. */
static bool add_name(HomeAsk *ask, const char *text, GError **error)
{
	g_autofree char *name = g_ascii_strdown(text, -1);
	size_t size = strlen(name) + 1;

	if (size > sizeof(ask->names) - ask->names_size)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "too many network aliases: more than %d bytes", HOME_NAMES_MAX);
	memcpy(ask->names + ask->names_size, name, size);
	ask->names_size += (uint32_t)size;
	return true;
}

/* All of them; the container's own name stays in front. */
static bool encode_names(const NetworkAttachment *request, HomeAsk *ask, GError **error)
{
	for (char **name = request->aliases; name && *name; name++)
		if (!add_name(ask, *name, error))
			return false;
	for (char **link = request->links; link && *link; link++) {
		g_auto(GStrv) parts = g_strsplit(*link, ":", 2);
		g_autofree char *text = g_strconcat(parts[1], "=", parts[0], NULL);
		if (!add_name(ask, text, error))
			return false;
	}
	return true;
}

/* What the member asks for: its address and names. */
static bool encode_ask(const NetworkAttachment *request, const HomeMember *member, HomeAsk *ask,
		       GError **error)
{
	*ask = (HomeAsk){.magic = HOME_MAGIC,
			 .op = HOME_JOIN,
			 .address = member->address,
			 .address6 = member->address6};
	ask->again = member->address != 0;
	memcpy(ask->mac, member->mac, sizeof(ask->mac));
	if (!member->address) {
		if (request->ip && !address4_parse(request->ip, &ask->address))
			return error_set(error, ENGINE_ERROR_INVALID, "invalid IP address %s",
					 request->ip);
		if (request->ip6 && !address6_parse(request->ip6, &ask->address6))
			return error_set(error, ENGINE_ERROR_INVALID, "invalid IP address %s",
					 request->ip6);
		if (request->mac && !mac_parse(request->mac, ask->mac))
			return error_set(error, ENGINE_ERROR_INVALID, "invalid MAC address %s",
					 request->mac);
	}
	return encode_servers(request, ask, error) && encode_names(request, ask, error);
}

/* The home's refusal in podman's words. */
static bool refuse(const HomeAsk *ask, const HomeAnswer *answer, GError **error)
{
	bool v6 = answer->code == HOME_TAKEN6;
	g_autofree char *address =
		v6 ? address6_format(&ask->address6) : address4_format(ask->address);

	switch (answer->code) {
	case HOME_TAKEN:
	case HOME_TAKEN6:
		return error_set(error, ENGINE_ERROR_IN_USE,
				 "IPAM error: requested ip address %s is already allocated",
				 address);
	case HOME_FULL:
		return error_set(error, ENGINE_ERROR_IN_USE,
				 "IPAM error: failed to find free IP in range");
	}
	return error_set(error, ENGINE_ERROR_SYSTEM, "the network cannot be made: %.*s",
			 (int)sizeof(answer->message), answer->message);
}

/* Are two descriptors of one netns? */
static bool is_same_netns(int a, int b)
{
	struct stat one, other;

	return fstat(a, &one) == 0 && fstat(b, &other) == 0 && one.st_ino == other.st_ino &&
	       one.st_dev == other.st_dev;
}

/* One try under the lock. Return: 1 joined, 0 there may be a home in a moment, -1 with @error. */
static int try_join(const NetworkAttachment *request, int dir_fd, const HomeAsk *ask,
		    bool may_replace, HomeMember *member, GError **error)
{
	g_autofree char *name = socket_name(request->plan);
	g_autoptr(RecordLock) lock = record_lock(dir_fd, HOME_LOCK, false, -1, "network", error);
	if (!lock)
		return -1;
	HomeAnswer answer;
	autofd netns = -1;
	autofd socket = fd_socket_connect(dir_fd, name, SOCK_SEQPACKET);
	bool absent = socket < 0 && errno == ENOENT;
	bool heard = socket >= 0 && talk(socket, ask, -1, ANSWER_TIMEOUT, &answer, &netns);
	if (socket >= 0 && !heard && errno == EAGAIN) {
		/* It lives, so it has the bridge: another would be one without its members. */
		error_set(error, ENGINE_ERROR_TIMEOUT, "the network's home does not answer");
		return -1;
	}
	if (!heard && !absent && !may_replace)
		return 0;
	if (!heard) {
		fd_close(&socket);
		socket = replace_home(request->plan, dir_fd, name, member, error);
		if (socket < 0)
			return -1;
		if (!talk(socket, ask, -1, FIRST_TIMEOUT, &answer, &netns)) {
			bool late = errno == EAGAIN;
			(void)unlinkat(dir_fd, name, 0);
			error_set(error, late ? ENGINE_ERROR_TIMEOUT : ENGINE_ERROR_SYSTEM,
				  late ? "the network did not get ready in time"
				       : "skiff-uplink ended unexpectedly");
			return -1;
		}
	}
	if (answer.code != HOME_OK) {
		refuse(ask, &answer, error);
		return -1;
	}
	if (member->netns_fd >= 0 && !is_same_netns(member->netns_fd, netns)) {
		error_set(error, ENGINE_ERROR_BAD_STATE,
			  "the network was made anew without this container");
		return -1;
	}
	member->address = answer.address;
	member->address6 = answer.address6;
	memcpy(member->mac, answer.mac, sizeof(member->mac));
	fd_close(&member->socket);
	member->socket = fd_steal(&socket);
	if (member->netns_fd < 0)
		member->netns_fd = fd_steal(&netns);
	return 1;
}

bool home_join(const NetworkAttachment *request, int dir_fd, HomeMember *member, GError **error)
{
	HomeAsk ask;
	bool has_bridge = member->netns_fd >= 0;

	if (!request->plan)
		return error_set(error, ENGINE_ERROR_INVALID, "the request has no network");
	if (!encode_ask(request, member, &ask, error))
		return false;
	for (int waited = 0;; waited += REVIVAL_STEP_MS) {
		bool may_replace = has_bridge || waited >= REVIVAL_MS;
		int rc = try_join(request, dir_fd, &ask, may_replace, member, error);
		if (rc != 0)
			return rc > 0;
		g_usleep(REVIVAL_STEP_MS * 1000);
	}
}

/* In a process of its own: it moves into other namespaces, from where nobody could come back. */
static bool run_apart(int (*act)(const NetnsPort *port), const NetnsPort *port, const char *what,
		      const char *network, GError **error)
{
	int status = 0;
	pid_t pid = fork();

	if (pid < 0)
		return error_set_errno(error, "cannot make a process");
	if (pid == 0)
		_exit(-act(port));
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return error_set_errno(error, "cannot wait for a process");
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return true;
	errno = WIFEXITED(status) ? WEXITSTATUS(status) : EINTR;
	return error_set_errno(error, "cannot %s network %s", what, network);
}

bool home_plug(const NetworkAttachment *request, const HomeMember *member, int container_ns,
	       uint32_t metric, const char *const *sysctls, GError **error)
{
	const NetworkPlan *plan = request->plan;
	NetnsPort port = {
		.home_ns = member->netns_fd,
		.container_ns = container_ns,
		.interface = request->interface ? request->interface : "eth0",
		.address.s_addr = htonl(member->address),
		.gateway.s_addr = htonl(plan->gateway),
		.prefix = plan->subnet.prefix,
		.address6 = member->address6,
		.gateway6 = plan->gateway6,
		.prefix6 = plan->subnet6.prefix,
		.has_route = !plan->internal && !plan->options.no_default_route,
		.options = &plan->options,
		.metric = plan->options.metric ? plan->options.metric : metric,
		.mtu = mtu_of(plan),
		.sysctls = sysctls,
	};

	memcpy(port.mac, member->mac, sizeof(port.mac));
	return run_apart(netns_plug, &port, "connect the container to", request->name, error);
}

bool home_unplug(const NetworkAttachment *request, const HomeMember *member, GError **error)
{
	const NetnsPort port = {
		.home_ns = member->netns_fd,
		.address.s_addr = htonl(member->address),
	};

	/* Without a bridge there is no port: the network went on without us. */
	return member->netns_fd < 0 ||
	       run_apart(netns_unplug, &port, "disconnect the container from", request->name,
			 error);
}

/* Hand over one end. */
static bool send_end(int socket, HomeOp op, int fd)
{
	const HomeAsk ask = {.magic = HOME_MAGIC, .op = op};
	HomeAnswer answer;

	if (!talk(socket, &ask, fd, ANSWER_TIMEOUT, &answer, NULL))
		return false;
	errno = EIO;
	return answer.code == HOME_OK;
}

bool home_link(const HomeMember *asks, const HomeMember *tells)
{
	int ends[2];

	if (asks->socket < 0 || tells->socket < 0) {
		errno = ENOTCONN;
		return false;
	}
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return false;
	autofd one = ends[0], other = ends[1];
	return send_end(tells->socket, HOME_TELLS, other) && send_end(asks->socket, HOME_ASKS, one);
}

bool home_set_servers(const NetworkAttachment *request, const HomeMember *member)
{
	const NetworkOptions *options = &request->plan->options;
	HomeAsk ask = {
		.magic = HOME_MAGIC, .op = HOME_SERVERS, .n_servers = (uint32_t)options->n_servers};
	HomeAnswer answer;

	memcpy(ask.servers, options->servers, sizeof(ask.servers));
	return talk(member->socket, &ask, -1, ANSWER_TIMEOUT, &answer, NULL);
}

void home_leave(const NetworkAttachment *request, int dir_fd, HomeMember *member)
{
	const HomeAsk ask = {.magic = HOME_MAGIC, .op = HOME_LEAVE};
	g_autofree char *name = socket_name(request->plan);
	g_autoptr(GError) error = NULL;
	HomeAnswer answer;

	if (member->socket >= 0) {
		g_autoptr(RecordLock) lock =
			record_lock(dir_fd, HOME_LOCK, false, LEAVE_TIMEOUT_MS, "network", &error);
		/* Without the lock the end of the connection says it too. */
		if (lock && talk(member->socket, &ask, -1, ANSWER_TIMEOUT, &answer, NULL) &&
		    answer.last)
			(void)unlinkat(dir_fd, name, 0);
		fd_close(&member->socket);
	}
	fd_close(&member->netns_fd);
	*member = HOME_MEMBER_NONE;
}
