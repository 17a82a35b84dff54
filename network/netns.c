/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Configure a fresh network namespace from inside.
 *
 * The tap is opened and named here, in the namespace where it shall be; its descriptor then belongs
 * to the uplink alone, because whoever closes the last copy waits 20 to 40 ms for the kernel to
 * take the interface apart. Where /dev/net/tun cannot be used the same frames come out of a packet
 * socket on one end of a veth pair. That end is in a namespace of its own, which nobody enters and
 * which the packet socket keeps alive.
 */
#include "network/netns.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "libpod/base/fd.h"
#include "network/netlink.h"

#define LO_INDEX        1 /* the first interface of every namespace */
#define TAP_NAME        "tap0"
#define VETH_NAME       "uplink0"
#define BRIDGE_NAME     "bridge0"
#define DOMAIN_PORT     53
#define LISTEN_BACKLOG  64
#define PACKET_BUFFER   (4 * 1024 * 1024) /* the kernel caps it at net.core.{r,w}mem_max */
#define IGNORE_OUTGOING 23                /* PACKET_IGNORE_OUTGOING, Linux 4.20 */

#ifndef PACKET_IGNORE_OUTGOING
#define PACKET_IGNORE_OUTGOING IGNORE_OUTGOING
#endif

/* Write a sysctl of our netns; the host's /proc shows that of the process that opens it. */
static int write_sysctl(const char *path, const char *value)
{
	autofd fd = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return -errno;
	return fd_write_all(fd, value, strlen(value)) ? 0 : -errno;
}

/*
 * What containers take for granted: everybody binds low ports, and the container's root may ping. A
 * /proc that is read-only (we are inside a container ourselves) is no reason not to start.
 */
static void write_sysctls(bool ipv6)
{
	(void)write_sysctl("/proc/sys/net/ipv4/ip_unprivileged_port_start", "0");
	(void)write_sysctl("/proc/sys/net/ipv4/ping_group_range", "0 0");
	if (ipv6)
		(void)write_sysctl("/proc/sys/net/ipv6/conf/" TAP_NAME "/accept_ra", "0");
}

/* Index of an interface in the netns that @socket was made in, or a negative errno. */
static int link_index(int socket, const char *name)
{
	struct ifreq request = {0};

	memcpy(request.ifr_name, name, strnlen(name, IFNAMSIZ - 1));
	return ioctl(socket, SIOCGIFINDEX, &request) < 0 ? -errno : request.ifr_ifindex;
}

/* Make the tap in our netns. Return: its descriptor or a negative errno. */
static int open_tap(const char *name)
{
	struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI};
	autofd fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return -errno;
	memcpy(request.ifr_name, name, strnlen(name, IFNAMSIZ - 1));
	if (ioctl(fd, TUNSETIFF, &request) < 0)
		return -errno;
	return fd_steal(&fd);
}

/* A packet socket on our end of the pair. Return: descriptor or negative errno. */
static int open_packet_socket(int index)
{
	const int on = 1, buffer = PACKET_BUFFER;
	const struct sockaddr_ll address = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = index,
	};
	autofd fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0 || setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &on, sizeof(on)) < 0)
		return -errno;
	(void)setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof(on));
	(void)setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof(on));
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof(buffer));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof(buffer));
	if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	return fd_steal(&fd);
}

/* In the namespace beside ours: the pair, our end up, and the socket on it. */
static int make_pair(int container_ns, const char *name, uint32_t mtu)
{
	NetlinkBatch batch;
	int rc = netlink_open(NETLINK_ROUTE);

	if (rc < 0)
		return rc;
	autofd netlink = rc;
	netlink_batch_init(&batch);
	netlink_veth_add(&batch, VETH_NAME, name, container_ns, mtu);
	rc = netlink_send(netlink, &batch);
	if (rc < 0)
		return rc;

	int index = link_index(netlink, VETH_NAME);
	if (index < 0)
		return index;
	netlink_batch_init(&batch);
	netlink_link_prepare(&batch, index, mtu, true);
	netlink_link_up(&batch, index);
	rc = netlink_send(netlink, &batch);
	return rc < 0 ? rc : open_packet_socket(index);
}

/* Where there is no tap. Return: the packet socket or a negative errno; we are back in @own then.
 */
static int open_veth(int own, const char *name, uint32_t mtu)
{
	if (unshare(CLONE_NEWNET) < 0)
		return -errno;
	autofd fd = make_pair(own, name, mtu);
	if (setns(own, CLONE_NEWNET) < 0)
		return -errno;
	return fd_steal(&fd);
}

/* Addresses and routes of one family. */
static void add_family(NetlinkBatch *batch, int index, int family)
{
	bool v6 = family == AF_INET6;
	struct in6_addr address, gateway;

	(void)inet_pton(family, v6 ? NETNS_ADDRESS6 : NETNS_ADDRESS4, &address);
	(void)inet_pton(family, v6 ? NETNS_GATEWAY6 : NETNS_GATEWAY4, &gateway);
	netlink_address_add(batch, index, family, &address, v6 ? 64 : 24);
	if (v6)
		netlink_optional(batch);
	netlink_route_default(batch, index, family, &gateway, 0);
	if (v6)
		netlink_optional(batch);
}

/* Bring lo and the tap up and give the tap its addresses. */
static int configure_links(int netlink, const NetnsSetup *setup, uint32_t mtu)
{
	NetlinkBatch batch;
	int index = link_index(netlink, TAP_NAME);

	if (index < 0)
		return index;
	netlink_batch_init(&batch);
	netlink_link_up(&batch, LO_INDEX);
	netlink_link_prepare(&batch, index, mtu, true);
	netlink_link_up(&batch, index);
	add_family(&batch, index, AF_INET);
	if (setup->ipv6)
		add_family(&batch, index, AF_INET6);
	return netlink_send(netlink, &batch);
}

/* Only lo, for --network none. */
static int configure_lo(int netlink)
{
	NetlinkBatch batch;

	netlink_batch_init(&batch);
	netlink_link_up(&batch, LO_INDEX);
	return netlink_send(netlink, &batch);
}

int netns_configure(const NetnsSetup *setup, const char **out_step)
{
	uint32_t mtu = setup->mtu ? setup->mtu : NETNS_MTU;
	NetnsTap message = {.magic = NETNS_TAP_MAGIC};

	*out_step = "lo";
	int rc = netlink_open(NETLINK_ROUTE);
	if (rc < 0)
		return rc;
	autofd netlink = rc;
	if (!setup->slirp) {
		write_sysctls(false);
		return configure_lo(netlink);
	}

	*out_step = "tun";
	autofd own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (own < 0)
		return -errno;
	autofd tap = open_tap(TAP_NAME);
	if (tap < 0) {
		tap = open_veth(own, TAP_NAME, mtu);
		message.vnet_hdr = 1;
	}
	if (tap < 0)
		return tap;

	*out_step = "addresses";
	write_sysctls(setup->ipv6);
	rc = configure_links(netlink, setup, mtu);
	if (rc < 0)
		return rc;

	*out_step = "uplink";
	const int fds[] = {tap, own};
	return fd_send(setup->tap_socket, &message, sizeof(message), fds, 2) ? 0 : -errno;
}

static const char *bridge_name(const char *asked)
{
	return *asked ? asked : BRIDGE_NAME;
}

/* The bridge; bridged frames are no business of the host's packet filter. */
static int make_bridge(int netlink, const char *name, uint32_t mtu)
{
	char path[80];
	NetlinkBatch batch;

	netlink_batch_init(&batch);
	netlink_link_up(&batch, LO_INDEX);
	netlink_bridge_add(&batch, name, mtu);
	int rc = netlink_send(netlink, &batch);
	snprintf(path, sizeof(path), "/proc/sys/net/ipv6/conf/%s/disable_ipv6", name);
	(void)write_sysctl(path, "1");
	(void)write_sysctl("/proc/sys/net/bridge/bridge-nf-call-iptables", "0");
	(void)write_sysctl("/proc/sys/net/bridge/bridge-nf-call-ip6tables", "0");
	(void)write_sysctl("/proc/sys/net/bridge/bridge-nf-call-arptables", "0");
	return rc;
}

int netns_make_home(bool adopted, const char *bridge_asked, uint32_t mtu, bool *out_vnet)
{
	char name[IFNAMSIZ];
	NetlinkBatch batch;
	int rc = netlink_open(NETLINK_ROUTE);

	if (rc < 0)
		return rc;
	autofd netlink = rc;
	rc = adopted ? 0 : make_bridge(netlink, bridge_name(bridge_asked), mtu);
	if (rc < 0)
		return rc;
	/* That of a process that was killed may take some time to go. */
	snprintf(name, sizeof(name), "tap%d", (int)getpid());
	autofd own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	autofd tap = open_tap(name);
	if (own < 0)
		return -errno;
	*out_vnet = tap < 0;
	if (tap < 0)
		tap = open_veth(own, name, mtu);
	if (tap < 0)
		return tap;
	int index = link_index(netlink, name),
	    bridge = link_index(netlink, bridge_name(bridge_asked));
	if (index < 0 || bridge < 0)
		return index < 0 ? index : bridge;
	netlink_batch_init(&batch);
	netlink_link_prepare(&batch, index, mtu, true);
	netlink_link_master(&batch, index, bridge);
	netlink_link_up(&batch, index);
	rc = netlink_send(netlink, &batch);
	return rc < 0 ? rc : fd_steal(&tap);
}

/* The responder's interface: its own address, the gateway's, and the way back to the members. */
static int set_up_responder(int netlink, int index, const NetnsResponder *responder)
{
	const NetlinkRoute members = {.family = AF_INET,
				      .target = &responder->network,
				      .prefix = responder->prefix,
				      .type = RTN_UNICAST};
	NetlinkBatch batch;

	netlink_batch_init(&batch);
	netlink_link_prepare(&batch, index, responder->mtu, true);
	netlink_link_quiet(&batch, index, responder->mac);
	netlink_link_up(&batch, index);
	netlink_address_add(&batch, index, AF_INET, &responder->gateway, 32);
	netlink_route_add(&batch, index, &members);
	return netlink_send(netlink, &batch);
}

/* Return: a listening socket or a negative errno. That of a home that was killed may not be gone
 * yet: hence REUSEPORT. */
static int open_listener(struct in_addr address)
{
	const struct sockaddr_in place = {
		.sin_family = AF_INET, .sin_port = htons(DOMAIN_PORT), .sin_addr = address};
	const int on = 1;
	autofd fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) < 0 ||
	    bind(fd, (const struct sockaddr *)&place, sizeof(place)) < 0 ||
	    listen(fd, LISTEN_BACKLOG) < 0)
		return -errno;
	return fd_steal(&fd);
}

int netns_make_responder(NetnsResponder *responder)
{
	char name[IFNAMSIZ];
	int rc = netlink_open(NETLINK_ROUTE);

	if (rc < 0)
		return rc;
	autofd netlink = rc;
	snprintf(name, sizeof(name), "dns%d", (int)getpid());
	autofd own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (own < 0)
		return -errno;
	autofd tap = open_tap(name);
	responder->vnet_hdr = tap < 0;
	if (tap < 0)
		tap = open_veth(own, name, responder->mtu);
	if (tap < 0)
		return tap;
	int index = link_index(netlink, name);
	if (index < 0)
		return index;
	rc = set_up_responder(netlink, index, responder);
	if (rc < 0)
		return rc;
	responder->listener = open_listener(responder->gateway);
	return responder->listener < 0 ? responder->listener : fd_steal(&tap);
}

/* The port's name in the home. */
static void port_name(const NetnsPort *port, char out[IFNAMSIZ])
{
	snprintf(out, IFNAMSIZ, "m%08x", (unsigned)ntohl(port->address.s_addr));
}

bool netns_port_address(const char *name, uint32_t *out_address)
{
	unsigned address;
	int end = 0;

	if (strlen(name) != 9 || sscanf(name, "m%8x%n", &address, &end) != 1 || end != 9)
		return false;
	*out_address = address;
	return true;
}

/* In the home: the pair, in place of what an earlier run left. */
static int add_port(const NetnsPort *port)
{
	char name[IFNAMSIZ];
	NetlinkBatch batch;
	int rc = netlink_open(NETLINK_ROUTE);

	if (rc < 0)
		return rc;
	autofd netlink = rc;
	int bridge = link_index(netlink, bridge_name(port->options->bridge));
	if (bridge < 0)
		return bridge;
	port_name(port, name);
	netlink_batch_init(&batch);
	netlink_link_delete(&batch, name);
	netlink_optional(&batch);
	netlink_port_add(&batch, bridge, name, port->interface, port->container_ns, port->mac,
			 port->mtu);
	return netlink_send(netlink, &batch);
}

/* The default route of a family. */
static void add_port_route(NetlinkBatch *batch, const NetnsPort *port, int index, int family)
{
	const void *gateway = family == AF_INET6 ? (const void *)&port->gateway6 : &port->gateway;

	if (port->has_route)
		netlink_route_default(batch, index, family, gateway, port->metric);
	/* Of two networks with the same metric the first one leads out. */
	if (port->has_route && port->options->metric)
		netlink_optional(batch);
}

/* The network's own routes. Those that lead nowhere need no interface. */
static void add_routes(NetlinkBatch *batch, const NetnsPort *port, int index)
{
	for (size_t i = 0; i < port->options->n_routes; i++) {
		const NetworkRoute *one = &port->options->routes[i];
		const struct in_addr target = {.s_addr = htonl(one->target)};
		const struct in_addr gateway = {.s_addr = htonl(one->gateway)};
		const NetlinkRoute route = {
			.family = AF_INET,
			.target = &target,
			.prefix = one->prefix,
			.gateway = one->type == RTN_UNICAST ? &gateway : NULL,
			.metric = one->metric,
			.type = one->type,
		};
		netlink_route_add(batch, index, &route);
	}
}

/* What --sysctl says of the interface, which is there only now. */
static int write_port_sysctls(const NetnsPort *port)
{
	for (size_t i = 0; port->sysctls && port->sysctls[i]; i += 2) {
		char path[256];
		snprintf(path, sizeof(path), "/proc/sys/%s", port->sysctls[i]);
		int rc = write_sysctl(path, port->sysctls[i + 1]);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* In the container: its end. Routers that announce themselves are not listened to. */
static int set_up_port(const NetnsPort *port)
{
	char path[80];
	NetlinkBatch batch;
	int rc = netlink_open(NETLINK_ROUTE);

	if (rc < 0)
		return rc;
	autofd netlink = rc;
	int index = link_index(netlink, port->interface);
	if (index < 0)
		return index;
	snprintf(path, sizeof(path), "/proc/sys/net/ipv6/conf/%s/accept_ra", port->interface);
	(void)write_sysctl(path, "0");
	rc = write_port_sysctls(port);
	if (rc < 0)
		return rc;
	netlink_batch_init(&batch);
	netlink_link_prepare(&batch, index, port->mtu, true);
	netlink_link_up(&batch, index);
	netlink_address_add(&batch, index, AF_INET, &port->address, port->prefix);
	add_port_route(&batch, port, index, AF_INET);
	add_routes(&batch, port, index);
	if (port->prefix6) {
		netlink_address_add(&batch, index, AF_INET6, &port->address6, port->prefix6);
		add_port_route(&batch, port, index, AF_INET6);
	}
	return netlink_send(netlink, &batch);
}

int netns_plug(const NetnsPort *port)
{
	if (setns(port->home_ns, CLONE_NEWNET) < 0)
		return -errno;
	int rc = add_port(port);
	if (rc < 0)
		return rc;
	if (setns(port->container_ns, CLONE_NEWNET) < 0)
		return -errno;
	return set_up_port(port);
}

int netns_unplug(const NetnsPort *port)
{
	char name[IFNAMSIZ];
	NetlinkBatch batch;

	if (setns(port->home_ns, CLONE_NEWNET) < 0)
		return -errno;
	int rc = netlink_open(NETLINK_ROUTE);
	if (rc < 0)
		return rc;
	autofd netlink = rc;
	port_name(port, name);
	netlink_batch_init(&batch);
	netlink_link_delete(&batch, name);
	rc = netlink_send(netlink, &batch);
	/* The container may have taken its end away itself. */
	return rc == -ENODEV ? 0 : rc;
}
