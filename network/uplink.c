/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starting the uplink and hearing from it. Runs in the monitor.
 */
#include "network/uplink.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/log.h"
#include "libpod/base/spawn.h"
#include "network/netns.h"
#include "network/portmap.h"
#include "network/uplink_priv.h"

#define ANSWER_MAX      (UPLINK_PORTS_SUM * sizeof(UplinkPort) + 1)
#define STOP_TIMEOUT_MS 1000

/* A mapping as the uplink wants it. */
static bool encode_port(const PortMapping *mapping, UplinkPort *out_port, GError **error)
{
	UplinkPort port = {
		.protocol = mapping->protocol == PORT_UDP ? IPPROTO_UDP : IPPROTO_TCP,
		.host_port = mapping->host_port,
		.container_port = mapping->container_port,
		.count = mapping->count,
	};

	if (mapping->host_ip) {
		port.family = strchr(mapping->host_ip, ':') ? AF_INET6 : AF_INET;
		if (inet_pton(port.family, mapping->host_ip, port.address) != 1)
			return error_set(error, ENGINE_ERROR_INVALID,
					 "cannot parse \"%s\" as an IP address", mapping->host_ip);
	}
	*out_port = port;
	return true;
}

/* Was an equal mapping given before? Then it is bound once. */
static bool is_repeated(const GPtrArray *ports, size_t index)
{
	for (size_t i = 0; i < index; i++)
		if (port_mapping_equal(g_ptr_array_index(ports, i),
				       g_ptr_array_index(ports, index)))
			return true;
	return false;
}

/* The request in a sealed memory file. Return: descriptor, -1 with @error. */
static int encode_request(const NetworkRequest *request, const NetworkPlan *plan,
			  const HomeMember *member, GError **error)
{
	g_autoptr(GByteArray) bytes = g_byte_array_new();
	UplinkRequest header = {
		.magic = UPLINK_MAGIC,
		.version = UPLINK_VERSION,
		.mtu = request->mtu ? request->mtu : NETNS_MTU,
		.allow_host_loopback = request->allow_host_loopback,
		.ipv6 = request->enable_ipv6,
		.bridged = request->mode == NETWORK_NAMED,
	};
	if (header.bridged) {
		header.address.s_addr = htonl(member->address);
		header.gateway.s_addr = htonl(plan->gateway);
		header.ipv6 = plan->subnet6.prefix > 0;
		header.address6 = member->address6;
		header.gateway6 = plan->gateway6;
	}

	g_byte_array_append(bytes, (const guint8 *)&header, sizeof(header));
	for (size_t i = 0; i < request->ports->len; i++) {
		UplinkPort port;

		if (is_repeated(request->ports, i))
			continue;
		if (!encode_port(g_ptr_array_index(request->ports, i), &port, error))
			return -1;
		g_byte_array_append(bytes, (const guint8 *)&port, sizeof(port));
		header.n_ports++;
	}
	memcpy(bytes->data, &header, sizeof(header));

	const UplinkPort *ignored;
	if (!uplink_request_parse(bytes->data, bytes->len, &header, &ignored)) {
		error_set(error, ENGINE_ERROR_INVALID, "too many published ports: at most %d",
			  UPLINK_PORTS_SUM);
		return -1;
	}
	int fd = fd_memfd("skiff-uplink", bytes->data, bytes->len);
	if (fd < 0)
		error_set_errno(error, "cannot make a memory file");
	return fd;
}

bool uplink_start(const NetworkRequest *request, const NetworkPlan *plan, const HomeMember *member,
		  Uplink *out_uplink, GError **error)
{
	bool waits = request->ports->len > 0;
	g_autofree char *program = spawn_find_own("skiff-uplink", error);
	if (!program)
		return false;
	autofd memfd = encode_request(request, plan, member, error);
	if (memfd < 0)
		return false;

	int sockets[2], life[2], ready[2] = {-1, -1};
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) < 0)
		return error_set_errno(error, "cannot make a socket pair");
	autofd tap_ours = sockets[0], tap_theirs = sockets[1];
	if (pipe2(life, O_CLOEXEC) < 0)
		return error_set_errno(error, "cannot make a pipe");
	autofd life_theirs = life[0], life_ours = life[1];
	if (waits && pipe2(ready, O_CLOEXEC) < 0)
		return error_set_errno(error, "cannot make a pipe");
	autofd ready_ours = ready[0], ready_theirs = ready[1];

	const char *const argv[] = {"skiff-uplink", NULL};
	const char *const envp[] = {NULL};
	const int fds[] = {memfd, tap_theirs, life_theirs, ready_theirs};
	const Spawn spawn = {
		.argv = argv,
		.program = program,
		.envp = envp,
		.stderr_fd = log_get_level() >= LOG_LEVEL_DEBUG ? SPAWN_INHERIT : 0,
		.fds = fds,
		.n_fds = waits ? 4 : 3,
		.new_session = true,
	};
	pid_t pid = spawn_start(&spawn, NULL, error);
	if (pid < 0)
		return false;
	*out_uplink = (Uplink){
		.pid = pid,
		.holds_ports = waits,
		.tap_socket = fd_steal(&tap_ours),
		.ready_fd = fd_steal(&ready_ours),
		.lifeline_fd = fd_steal(&life_ours),
	};
	return true;
}

bool uplink_send_netns(Uplink *uplink, int netns_fd)
{
	const NetnsTap message = {.magic = NETNS_TAP_MAGIC};
	const int fds[] = {netns_fd, netns_fd};

	return fd_send(uplink->tap_socket, &message, sizeof(message), fds, 2);
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Read the whole answer before @deadline. */
static bool read_answer(int fd, int64_t deadline, GByteArray *answer, GError **error)
{
	for (;;) {
		guint8 chunk[4096];
		struct pollfd wait = {.fd = fd, .events = POLLIN};
		int64_t left = deadline - now_ms();

		if (left < 0 || answer->len > ANSWER_MAX)
			return error_set(error, ENGINE_ERROR_TIMEOUT,
					 "the network did not get ready in time");
		int rc = poll(&wait, 1, (int)MIN(left, INT_MAX));
		if (rc < 0 && errno != EINTR)
			return error_set_errno(error, "cannot wait for the network");
		if (rc <= 0)
			continue;
		ssize_t got = read(fd, chunk, sizeof(chunk));
		if (got < 0 && errno != EINTR && errno != EAGAIN)
			return error_set_errno(error, "cannot hear from the network");
		if (got == 0)
			return true;
		if (got > 0)
			g_byte_array_append(answer, chunk, (guint)got);
	}
}

/* What went wrong, in the uplink's words. */
static bool refuse(const GByteArray *answer, GError **error)
{
	ErrorCode code = ENGINE_ERROR_SYSTEM;

	if (answer->len < 2)
		return error_set(error, ENGINE_ERROR_SYSTEM, "skiff-uplink ended unexpectedly");
	if (answer->data[0] == UPLINK_IN_USE)
		code = ENGINE_ERROR_IN_USE;
	else if (answer->data[0] == UPLINK_DENIED)
		code = ENGINE_ERROR_DENIED;
	return error_set(error, code, "%.*s", (int)answer->len - 1, (const char *)answer->data + 1);
}

/* The rows of the answer as mappings. */
static Json *rows_to_json(const UplinkPort *rows, size_t n)
{
	g_autoptr(GPtrArray) ports =
		g_ptr_array_new_with_free_func((GDestroyNotify)port_mapping_free);

	for (size_t i = 0; i < n; i++) {
		char text[INET6_ADDRSTRLEN];
		const UplinkPort *row = &rows[i];
		PortMapping *mapping = g_new0(PortMapping, 1);

		if (row->family)
			mapping->host_ip =
				g_strdup(inet_ntop(row->family, row->address, text, sizeof(text)));
		mapping->host_port = row->host_port;
		mapping->container_port = row->container_port;
		mapping->count = row->count;
		mapping->protocol = row->protocol == IPPROTO_UDP ? PORT_UDP : PORT_TCP;
		g_ptr_array_add(ports, mapping);
	}
	return port_mappings_to_json(ports);
}

bool uplink_wait_ready(Uplink *uplink, int timeout_ms, Json **out_ports, GError **error)
{
	g_autoptr(GByteArray) answer = g_byte_array_new();
	g_autofree void *aligned = NULL;
	const UplinkPort *rows = NULL;
	size_t n = 0;

	if (uplink->ready_fd >= 0) {
		if (!read_answer(uplink->ready_fd, now_ms() + timeout_ms, answer, error))
			return false;
		fd_close(&uplink->ready_fd);
		if (answer->len == 0 || answer->data[0] != UPLINK_READY)
			return refuse(answer, error);
		aligned = g_memdup2(answer->data + 1, answer->len - 1);
		if (!uplink_rows_parse(aligned, answer->len - 1, true, &rows, &n))
			return error_set(error, ENGINE_ERROR_SYSTEM,
					 "skiff-uplink gave an answer that makes no sense");
	}
	if (out_ports)
		*out_ports = rows_to_json(rows, n);
	return true;
}

void uplink_stop(Uplink *uplink)
{
	/* It closes its end of the pipe when the ports are free. */
	struct pollfd gone = {.fd = uplink->lifeline_fd};
	if (uplink->holds_ports && gone.fd >= 0 && fd_write_all(gone.fd, "", 1))
		(void)poll(&gone, 1, STOP_TIMEOUT_MS);
	fd_close(&uplink->lifeline_fd);
	fd_close(&uplink->ready_fd);
	fd_close(&uplink->tap_socket);
	uplink->pid = -1;
}
