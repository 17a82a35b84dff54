/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Binding published ports on the host.
 *
 * A TCP port is bound now and listened on later, when the container listens, so that until then a
 * client is refused as by a native server. Two things must hold meanwhile: nobody else may take the
 * port, and connections in TIME_WAIT, left by the container's last run, may not keep us from it.
 * The second needs SO_REUSEADDR, which spoils the first: the kernel lets sockets share a port as
 * long as all of them have the option and none listens. But once a socket has listened the kernel
 * remembers that for the port. So: bind with the option, listen and shut down at once, then clear
 * the option.
 */
#include "network/uplink.h"
#include "network/uplink_priv.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <string.h>
#include <unistd.h>

#include "libpod/base/fd.h"

#define SYSCTL_PORT_START "/proc/sys/net/ipv4/ip_unprivileged_port_start"
#define LOWEST_DEFAULT    1024
#define FREE_PORT_TRIES   16

/* The address of a row in one family; "any" for rows without one. */
static socklen_t make_address(const UplinkPort *row, int family, uint16_t port,
			      struct sockaddr_storage *out)
{
	memset(out, 0, sizeof(*out));
	if (family == AF_INET) {
		struct sockaddr_in *v4 = (struct sockaddr_in *)out;
		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
		memcpy(&v4->sin_addr, row->address, sizeof(v4->sin_addr));
		return sizeof(*v4);
	}
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons(port);
	memcpy(&v6->sin6_addr, row->address, sizeof(v6->sin6_addr));
	return sizeof(*v6);
}

/* Hold a TCP port without listening on it (see above). Return: false with errno. */
static bool reserve_tcp(int fd, const struct sockaddr *address, socklen_t size)
{
	const int on = 1, off = 0;

	return setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
	       bind(fd, address, size) == 0 && listen(fd, 1) == 0 && shutdown(fd, SHUT_RD) == 0 &&
	       setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &off, sizeof(off)) == 0;
}

/* A UDP socket that tells to which of our addresses a datagram came. */
static bool reserve_udp(int fd, int family, const struct sockaddr *address, socklen_t size)
{
	const int on = 1;

	if (family == AF_INET6)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof(on));
	else
		(void)setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on));
	return bind(fd, address, size) == 0;
}

/* One socket on one port. Return: descriptor, or -1 with errno. */
static int bind_one(const UplinkPort *row, int family, uint16_t port)
{
	const int on = 1;
	struct sockaddr_storage address;
	socklen_t size = make_address(row, family, port, &address);
	bool tcp = row->protocol == IPPROTO_TCP;
	autofd fd =
		socket(family, (tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -1;
	if (family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) < 0)
		return -1;
	if (tcp ? !reserve_tcp(fd, (struct sockaddr *)&address, size)
		: !reserve_udp(fd, family, (struct sockaddr *)&address, size))
		return -1;
	return fd_steal(&fd);
}

/* A port that is free at this moment, 0 with errno. */
static uint16_t choose_port(const UplinkPort *row, int family)
{
	struct sockaddr_storage address;
	socklen_t size = make_address(row, family, 0, &address);
	bool tcp = row->protocol == IPPROTO_TCP;
	autofd fd = socket(family, (tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&address, size) < 0 ||
	    getsockname(fd, (struct sockaddr *)&address, &size) < 0)
		return 0;
	return ntohs(family == AF_INET6 ? ((struct sockaddr_in6 *)&address)->sin6_port
					: ((struct sockaddr_in *)&address)->sin_port);
}

/* The first port that needs no privilege, as the sysctl says. */
static unsigned unprivileged_start(void)
{
	autofd fd = open(SYSCTL_PORT_START, O_RDONLY | O_CLOEXEC);
	g_autofree char *text = fd < 0 ? NULL : fd_read_all(fd, 64, NULL, NULL);

	return text ? (unsigned)g_ascii_strtoull(text, NULL, 10) : LOWEST_DEFAULT;
}

/* "tcp 0.0.0.0:80: bind: permission denied", the tail of rootlessport's messages. */
static char *describe_failure(const UplinkPort *row, int family, uint16_t port, int failure)
{
	char ip[INET6_ADDRSTRLEN] = "";
	bool v6 = family == AF_INET6;
	g_autofree char *reason = g_ascii_strdown(g_strerror(failure), -1);

	inet_ntop(family, row->address, ip, sizeof(ip));
	return g_strdup_printf("listen %s %s%s%s:%u: bind: %s",
			       row->protocol == IPPROTO_UDP ? "udp" : "tcp", v6 ? "[" : "", ip,
			       v6 ? "]" : "", port, reason);
}

/* Say why a port cannot be had, as rootlessport words it, and what to do. Return: false. */
static bool explain(UplinkBinding *binding, const UplinkPort *row, int family, uint16_t port,
		    int failure)
{
	char owner[128] = "a program of another user";
	unsigned lowest = unprivileged_start();
	g_autofree char *failed = describe_failure(row, family, port, failure);

	if (failure == EACCES && port < lowest) {
		binding->code = UPLINK_DENIED;
		g_snprintf(binding->message, sizeof(binding->message),
			   "rootlessport cannot expose privileged port %u, you can add "
			   "'net.ipv4.ip_unprivileged_port_start=%u' to /etc/sysctl.conf "
			   "(currently %u), or choose a larger port number (>= %u): %s\n"
			   "help: sudo sysctl net.ipv4.ip_unprivileged_port_start=%u",
			   port, port, lowest, lowest, failed, port);
	} else if (failure == EADDRINUSE) {
		binding->code = UPLINK_IN_USE;
		(void)uplink_find_owner(row->protocol, port, owner, sizeof(owner));
		g_snprintf(binding->message, sizeof(binding->message),
			   "rootlessport %s\nhelp: the port is held by %s: stop it, or publish on "
			   "another port",
			   failed, owner);
	} else {
		binding->code = UPLINK_FAILED;
		g_snprintf(binding->message, sizeof(binding->message), "rootlessport %s", failed);
	}
	return false;
}

/* Remember a bound socket. */
static void keep(UplinkBinding *binding, const UplinkPort *row, int family, int fd, uint16_t port,
		 uint16_t container_port)
{
	binding->bound = g_renew(UplinkBound, binding->bound, binding->n_bound + 1);
	binding->bound[binding->n_bound++] = (UplinkBound){
		.fd = fd,
		.family = (uint8_t)family,
		.protocol = row->protocol,
		.host_port = port,
		.container_port = container_port,
	};
}

/*
 * Bind one port in the families that its row asks for. IPv6 is optional for rows without an
 * address: the host may have none. Return: false with errno; @out_family is the one that failed.
 */
static bool bind_port(UplinkBinding *binding, const UplinkPort *row, uint16_t port,
		      uint16_t container_port, int *out_family)
{
	bool both = row->family == 0;
	autofd v4 = -1, v6 = -1;

	if (both || row->family == AF_INET) {
		*out_family = AF_INET;
		v4 = bind_one(row, AF_INET, port);
		if (v4 < 0)
			return false;
	}
	if (both || row->family == AF_INET6) {
		*out_family = AF_INET6;
		v6 = bind_one(row, AF_INET6, port);
		if (v6 < 0 && (!both || (errno != EAFNOSUPPORT && errno != EADDRNOTAVAIL)))
			return false;
	}
	if (v4 >= 0)
		keep(binding, row, AF_INET, fd_steal(&v4), port, container_port);
	if (v6 >= 0)
		keep(binding, row, AF_INET6, fd_steal(&v6), port, container_port);
	return true;
}

/* As bind_port(), on a port that nobody has. Return: the port, 0 with errno. */
static uint16_t bind_free_port(UplinkBinding *binding, const UplinkPort *row,
			       uint16_t container_port, int *out_family)
{
	*out_family = row->family == AF_INET6 ? AF_INET6 : AF_INET;
	for (int i = 0; i < FREE_PORT_TRIES; i++) {
		uint16_t port = choose_port(row, *out_family);

		/* Somebody may have been faster, and what is free for IPv4 may be taken for IPv6.
		 */
		if (!port || bind_port(binding, row, port, container_port, out_family))
			return port;
		if (errno != EADDRINUSE)
			return 0;
	}
	return 0;
}

static void add_row(UplinkBinding *binding, const UplinkPort *row)
{
	binding->rows = g_renew(UplinkPort, binding->rows, binding->n_rows + 1);
	binding->rows[binding->n_rows++] = *row;
}

/* All ports of a row; those of the kernel's choice become rows of one. */
static bool bind_row(UplinkBinding *binding, const UplinkPort *row)
{
	for (unsigned i = 0; i < row->count; i++) {
		uint16_t inside = (uint16_t)(row->container_port + i);
		uint16_t outside = row->host_port ? (uint16_t)(row->host_port + i) : 0;
		int family = AF_INET;
		UplinkPort single = *row;

		if (outside) {
			if (!bind_port(binding, row, outside, inside, &family))
				return explain(binding, row, family, outside, errno);
		} else {
			single.host_port = bind_free_port(binding, row, inside, &family);
			if (!single.host_port)
				return explain(binding, row, family, 0, errno);
			single.container_port = inside;
			single.count = 1;
			add_row(binding, &single);
		}
	}
	if (row->host_port)
		add_row(binding, row);
	return true;
}

bool uplink_bind(const UplinkPort *ports, size_t n_ports, UplinkBinding *out_binding)
{
	*out_binding = (UplinkBinding){.code = UPLINK_READY};
	for (size_t i = 0; i < n_ports; i++)
		if (!bind_row(out_binding, &ports[i]))
			return false;
	return true;
}
