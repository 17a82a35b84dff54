/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rtnetlink and sock_diag messages. The layout is the kernel's: a header, a fixed struct of the
 * request's kind, then attributes of {length, type, payload}, each padded to 4 bytes. Lengths are
 * checked against the batch before anything is written, and against the datagram before anything is
 * read.
 */
#include "network/netlink.h"

#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/veth.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define ANSWER_SIZE        8192
#define ANSWER_TIMEOUT     2 /* seconds; the kernel answers before send() returns */
#define ADDR_GEN_MODE_NONE 1
#define RULE_PRIORITY      90 /* between the local table (0) and main (32766) */

int netlink_open(int protocol)
{
	const struct timeval timeout = {.tv_sec = ANSWER_TIMEOUT};
	const int on = 1;
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);

	if (fd < 0)
		return -errno;
	/* Without the request's copy an error is 36 bytes, whatever its request was. */
	(void)setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on));
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	return fd;
}

void netlink_batch_init(NetlinkBatch *batch)
{
	batch->size = batch->start = 0;
	batch->count = 0;
	batch->optional = 0;
	batch->full = false;
}

void netlink_optional(NetlinkBatch *batch)
{
	if (batch->count)
		batch->optional |= 1u << (batch->count - 1);
}

/* Append @size bytes, padded to 4, and let the last request grow by them. */
static void append(NetlinkBatch *batch, const void *data, size_t size)
{
	size_t padded = NLMSG_ALIGN(size);

	if (batch->full || padded < size || padded > sizeof(batch->data) - batch->size) {
		batch->full = true;
		return;
	}
	if (size)
		memcpy(batch->data + batch->size, data, size);
	memset(batch->data + batch->size + size, 0, padded - size);
	batch->size += padded;
	struct nlmsghdr *header = (struct nlmsghdr *)(batch->data + batch->start);
	header->nlmsg_len = (uint32_t)(batch->size - batch->start);
}

/* Begin a request of a type with its fixed part. */
static void begin(NetlinkBatch *batch, uint16_t type, uint16_t flags, const void *body, size_t size)
{
	struct nlmsghdr header = {
		.nlmsg_len = sizeof(header),
		.nlmsg_type = type,
		.nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | flags),
		.nlmsg_seq = batch->count + 1,
	};

	if (batch->count == NETLINK_BATCH_MAX ||
	    sizeof(batch->data) - batch->size < sizeof(header)) {
		batch->full = true;
		return;
	}
	batch->start = batch->size;
	append(batch, &header, sizeof(header));
	append(batch, body, size);
	batch->count++;
}

static void attribute(NetlinkBatch *batch, uint16_t type, const void *data, size_t size)
{
	struct rtattr header = {.rta_len = (unsigned short)RTA_LENGTH(size), .rta_type = type};

	if (size > 1024) {
		batch->full = true;
		return;
	}
	append(batch, &header, sizeof(header));
	append(batch, data, size);
}

static void attribute_u32(NetlinkBatch *batch, uint16_t type, uint32_t value)
{
	attribute(batch, type, &value, sizeof(value));
}

/* Open an attribute that holds others. Return: where it begins. */
static size_t nest_begin(NetlinkBatch *batch, uint16_t type)
{
	size_t start = batch->size;

	attribute(batch, (uint16_t)(type | NLA_F_NESTED), NULL, 0);
	return start;
}

static void nest_end(NetlinkBatch *batch, size_t start)
{
	if (batch->full)
		return;
	struct rtattr *header = (struct rtattr *)(batch->data + start);
	header->rta_len = (unsigned short)(batch->size - start);
}

static size_t address_size(int family)
{
	return family == AF_INET6 ? sizeof(struct in6_addr) : sizeof(struct in_addr);
}

void netlink_link_prepare(NetlinkBatch *batch, int index, uint32_t mtu, bool ipv6)
{
	const struct ifinfomsg body = {.ifi_family = AF_UNSPEC, .ifi_index = index};

	begin(batch, RTM_NEWLINK, 0, &body, sizeof(body));
	attribute_u32(batch, IFLA_MTU, mtu);
	if (!ipv6)
		return;
	begin(batch, RTM_NEWLINK, 0, &body, sizeof(body));
	const uint8_t mode = ADDR_GEN_MODE_NONE;
	size_t families = nest_begin(batch, IFLA_AF_SPEC);
	size_t inet6 = nest_begin(batch, AF_INET6);
	attribute(batch, IFLA_INET6_ADDR_GEN_MODE, &mode, sizeof(mode));
	nest_end(batch, inet6);
	nest_end(batch, families);
	netlink_optional(batch);
}

void netlink_link_up(NetlinkBatch *batch, int index)
{
	const struct ifinfomsg body = {
		.ifi_family = AF_UNSPEC,
		.ifi_index = index,
		.ifi_flags = IFF_UP,
		.ifi_change = IFF_UP,
	};

	begin(batch, RTM_NEWLINK, 0, &body, sizeof(body));
}

void netlink_veth_add(NetlinkBatch *batch, const char *name, const char *peer_name, int peer_ns,
		      uint32_t mtu)
{
	const struct ifinfomsg body = {.ifi_family = AF_UNSPEC};

	begin(batch, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &body, sizeof(body));
	attribute(batch, IFLA_IFNAME, name, strnlen(name, IFNAMSIZ - 1) + 1);
	attribute_u32(batch, IFLA_MTU, mtu);
	size_t info = nest_begin(batch, IFLA_LINKINFO);
	attribute(batch, IFLA_INFO_KIND, "veth", sizeof("veth"));
	size_t data = nest_begin(batch, IFLA_INFO_DATA);
	size_t peer = nest_begin(batch, VETH_INFO_PEER);
	append(batch, &body, sizeof(body));
	attribute(batch, IFLA_IFNAME, peer_name, strnlen(peer_name, IFNAMSIZ - 1) + 1);
	attribute_u32(batch, IFLA_MTU, mtu);
	attribute_u32(batch, IFLA_NET_NS_FD, (uint32_t)peer_ns);
	attribute_u32(batch, IFLA_GSO_MAX_SEGS, 1);
	nest_end(batch, peer);
	nest_end(batch, data);
	nest_end(batch, info);
}

void netlink_bridge_add(NetlinkBatch *batch, const char *name, uint32_t mtu)
{
	const struct ifinfomsg body = {.ifi_family = AF_UNSPEC,
				       .ifi_flags = IFF_UP | IFF_NOARP,
				       .ifi_change = IFF_UP | IFF_NOARP};
	const uint8_t off = 0;

	begin(batch, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &body, sizeof(body));
	attribute(batch, IFLA_IFNAME, name, strnlen(name, IFNAMSIZ - 1) + 1);
	attribute_u32(batch, IFLA_MTU, mtu);
	size_t info = nest_begin(batch, IFLA_LINKINFO);
	attribute(batch, IFLA_INFO_KIND, "bridge", sizeof("bridge"));
	size_t data = nest_begin(batch, IFLA_INFO_DATA);
	attribute(batch, IFLA_BR_MCAST_SNOOPING, &off, sizeof(off));
	nest_end(batch, data);
	nest_end(batch, info);
}

void netlink_link_master(NetlinkBatch *batch, int index, int master)
{
	const struct ifinfomsg body = {.ifi_family = AF_UNSPEC, .ifi_index = index};

	begin(batch, RTM_NEWLINK, 0, &body, sizeof(body));
	attribute_u32(batch, IFLA_MASTER, (uint32_t)master);
}

void netlink_link_delete(NetlinkBatch *batch, const char *name)
{
	const struct ifinfomsg body = {.ifi_family = AF_UNSPEC};

	begin(batch, RTM_DELLINK, 0, &body, sizeof(body));
	attribute(batch, IFLA_IFNAME, name, strnlen(name, IFNAMSIZ - 1) + 1);
}

void netlink_port_add(NetlinkBatch *batch, int master, const char *name, const char *peer_name,
		      int peer_ns, const void *mac, uint32_t mtu)
{
	const struct ifinfomsg ours = {
		.ifi_family = AF_UNSPEC, .ifi_flags = IFF_UP, .ifi_change = IFF_UP};
	const struct ifinfomsg theirs = {.ifi_family = AF_UNSPEC};

	begin(batch, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &ours, sizeof(ours));
	attribute(batch, IFLA_IFNAME, name, strnlen(name, IFNAMSIZ - 1) + 1);
	attribute_u32(batch, IFLA_MTU, mtu);
	attribute_u32(batch, IFLA_MASTER, (uint32_t)master);
	size_t info = nest_begin(batch, IFLA_LINKINFO);
	attribute(batch, IFLA_INFO_KIND, "veth", sizeof("veth"));
	size_t data = nest_begin(batch, IFLA_INFO_DATA);
	size_t peer = nest_begin(batch, VETH_INFO_PEER);
	append(batch, &theirs, sizeof(theirs));
	attribute(batch, IFLA_IFNAME, peer_name, strnlen(peer_name, IFNAMSIZ - 1) + 1);
	attribute_u32(batch, IFLA_MTU, mtu);
	attribute(batch, IFLA_ADDRESS, mac, 6);
	attribute_u32(batch, IFLA_NET_NS_FD, (uint32_t)peer_ns);
	nest_end(batch, peer);
	nest_end(batch, data);
	nest_end(batch, info);
}

void netlink_link_quiet(NetlinkBatch *batch, int index, const void *mac)
{
	const struct ifinfomsg body = {
		.ifi_family = AF_UNSPEC,
		.ifi_index = index,
		.ifi_flags = IFF_NOARP,
		.ifi_change = IFF_NOARP,
	};

	begin(batch, RTM_NEWLINK, 0, &body, sizeof(body));
	attribute(batch, IFLA_ADDRESS, mac, 6);
}

void netlink_address_add(NetlinkBatch *batch, int index, int family, const void *address,
			 unsigned prefix)
{
	const struct ifaddrmsg body = {
		.ifa_family = (uint8_t)family,
		.ifa_prefixlen = (uint8_t)prefix,
		.ifa_flags = IFA_F_NODAD,
		.ifa_scope = RT_SCOPE_UNIVERSE,
		.ifa_index = (uint32_t)index,
	};

	begin(batch, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, &body, sizeof(body));
	attribute(batch, IFA_LOCAL, address, address_size(family));
	attribute(batch, IFA_ADDRESS, address, address_size(family));
}

void netlink_route_default(NetlinkBatch *batch, int index, int family, const void *gateway,
			   uint32_t metric)
{
	const struct rtmsg body = {
		.rtm_family = (uint8_t)family,
		.rtm_table = RT_TABLE_MAIN,
		.rtm_protocol = RTPROT_STATIC,
		.rtm_scope = RT_SCOPE_UNIVERSE,
		.rtm_type = RTN_UNICAST,
	};

	begin(batch, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, &body, sizeof(body));
	attribute(batch, RTA_GATEWAY, gateway, address_size(family));
	attribute_u32(batch, RTA_OIF, (uint32_t)index);
	if (metric)
		attribute_u32(batch, RTA_PRIORITY, metric);
}

void netlink_route_add(NetlinkBatch *batch, int index, const NetlinkRoute *route)
{
	const struct rtmsg body = {
		.rtm_family = (uint8_t)route->family,
		.rtm_dst_len = (uint8_t)route->prefix,
		.rtm_table = RT_TABLE_MAIN,
		.rtm_protocol = RTPROT_STATIC,
		.rtm_scope = route->gateway || route->type != RTN_UNICAST ? RT_SCOPE_UNIVERSE
									  : RT_SCOPE_LINK,
		.rtm_type = route->type,
	};

	begin(batch, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, &body, sizeof(body));
	if (route->prefix)
		attribute(batch, RTA_DST, route->target, address_size(route->family));
	if (route->gateway)
		attribute(batch, RTA_GATEWAY, route->gateway, address_size(route->family));
	if (route->type == RTN_UNICAST)
		attribute_u32(batch, RTA_OIF, (uint32_t)index);
	if (route->metric)
		attribute_u32(batch, RTA_PRIORITY, route->metric);
}

void netlink_route_local(NetlinkBatch *batch, int lo_index, int family, const void *source,
			 uint32_t table)
{
	const struct rtmsg body = {
		.rtm_family = (uint8_t)family,
		.rtm_table = RT_TABLE_UNSPEC,
		.rtm_protocol = RTPROT_STATIC,
		.rtm_scope = RT_SCOPE_HOST,
		.rtm_type = RTN_LOCAL,
	};

	begin(batch, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, &body, sizeof(body));
	attribute_u32(batch, RTA_TABLE, table);
	attribute_u32(batch, RTA_OIF, (uint32_t)lo_index);
	attribute(batch, RTA_PREFSRC, source, address_size(family));
}

/* The part that all rules share: for our own output, look into @table. */
static void begin_rule(NetlinkBatch *batch, bool add, int family, unsigned dst_length,
		       uint32_t table)
{
	const struct fib_rule_hdr body = {
		.family = (uint8_t)family,
		.dst_len = (uint8_t)dst_length,
		.table = RT_TABLE_UNSPEC,
		.action = FR_ACT_TO_TBL,
	};

	begin(batch, add ? RTM_NEWRULE : RTM_DELRULE, add ? NLM_F_CREATE | NLM_F_EXCL : 0, &body,
	      sizeof(body));
	attribute(batch, FRA_IIFNAME, "lo", sizeof("lo"));
	attribute_u32(batch, FRA_TABLE, table);
	attribute_u32(batch, FRA_PRIORITY, RULE_PRIORITY);
}

void netlink_rule_mark(NetlinkBatch *batch, int family, uint32_t mark, uint32_t table)
{
	begin_rule(batch, true, family, 0, table);
	attribute_u32(batch, FRA_FWMARK, mark);
	attribute_u32(batch, FRA_FWMASK, UINT32_MAX);
}

void netlink_rule_udp(NetlinkBatch *batch, int family, const void *client, uint16_t port,
		      uint32_t table, bool add)
{
	const struct fib_rule_port_range range = {.start = port, .end = port};
	const uint8_t protocol = IPPROTO_UDP;
	size_t size = address_size(family);

	begin_rule(batch, add, family, (unsigned)size * 8, table);
	attribute(batch, FRA_DST, client, size);
	attribute(batch, FRA_IP_PROTO, &protocol, sizeof(protocol));
	attribute(batch, FRA_SPORT_RANGE, &range, sizeof(range));
}

int netlink_parse_acks(const void *data, size_t size, NetlinkAcks *acks)
{
	const unsigned char *at = data;

	while (size) {
		struct nlmsghdr header;
		struct nlmsgerr answer;

		if (size < sizeof(header))
			return -EBADMSG;
		memcpy(&header, at, sizeof(header));
		if (header.nlmsg_len < sizeof(header) || header.nlmsg_len > size)
			return -EBADMSG;
		if (header.nlmsg_type == NLMSG_ERROR) {
			if (header.nlmsg_len < sizeof(header) + sizeof(answer))
				return -EBADMSG;
			memcpy(&answer, at + sizeof(header), sizeof(answer));
			if (header.nlmsg_seq < 1 || header.nlmsg_seq > acks->expected ||
			    answer.error > 0)
				return -EBADMSG;
			acks->seen++;
			if (answer.error && !acks->result &&
			    !(acks->optional & (1u << (header.nlmsg_seq - 1))))
				acks->result = answer.error;
		}
		size_t step = NLMSG_ALIGN((size_t)header.nlmsg_len);
		if (step >= size)
			break;
		at += step;
		size -= step;
	}
	return 0;
}

/* Receive one datagram, over EINTR. Return: its size or a negative errno. */
static ssize_t receive(int socket, void *buffer, size_t size)
{
	for (;;) {
		ssize_t got = recv(socket, buffer, size, MSG_TRUNC);

		if (got >= 0)
			return (size_t)got > size ? -EBADMSG : got;
		if (errno == EAGAIN)
			return -ETIMEDOUT;
		if (errno != EINTR)
			return -errno;
	}
}

int netlink_send(int socket, const NetlinkBatch *batch)
{
	const struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
	unsigned char answer[ANSWER_SIZE];
	NetlinkAcks acks = {.expected = batch->count, .optional = batch->optional};

	if (batch->full)
		return -ENOBUFS;
	if (sendto(socket, batch->data, batch->size, 0, (const struct sockaddr *)&kernel,
		   sizeof(kernel)) < 0)
		return -errno;
	while (acks.seen < acks.expected) {
		ssize_t got = receive(socket, answer, sizeof(answer));
		if (got < 0)
			return (int)got;
		int rc = netlink_parse_acks(answer, (size_t)got, &acks);
		if (rc < 0)
			return rc;
	}
	return acks.result;
}

int netlink_parse_socket(const void *data, size_t size, uint32_t sequence)
{
	struct nlmsghdr header;
	struct nlmsgerr error;
	struct inet_diag_msg socket;

	if (size < sizeof(header))
		return -EBADMSG;
	memcpy(&header, data, sizeof(header));
	if (header.nlmsg_len < sizeof(header) || header.nlmsg_len > size ||
	    header.nlmsg_seq != sequence)
		return -EBADMSG;
	const unsigned char *body = (const unsigned char *)data + sizeof(header);
	size_t body_size = header.nlmsg_len - sizeof(header);
	if (header.nlmsg_type == NLMSG_ERROR && body_size >= sizeof(error)) {
		memcpy(&error, body, sizeof(error));
		return error.error == -ENOENT ? 0 : error.error < 0 ? error.error : -EBADMSG;
	}
	if (header.nlmsg_type != SOCK_DIAG_BY_FAMILY || body_size < sizeof(socket))
		return -EBADMSG;
	memcpy(&socket, body, sizeof(socket));
	return socket.idiag_state;
}

int netlink_listening(int socket, int protocol, int family, const void *address, uint16_t port)
{
	const bool tcp = protocol == IPPROTO_TCP;
	/* Tells an answer that came after we gave up on it from the one we wait for. */
	const uint32_t sequence = ((uint32_t)protocol << 24) | ((uint32_t)family << 16) | port;
	const struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
	unsigned char answer[ANSWER_SIZE];
	struct {
		struct nlmsghdr header;
		struct inet_diag_req_v2 body;
	} request = {
		.header =
			{
				.nlmsg_len = sizeof(request),
				.nlmsg_type = SOCK_DIAG_BY_FAMILY,
				.nlmsg_flags = NLM_F_REQUEST,
				.nlmsg_seq = sequence,
			},
		.body =
			{
				.sdiag_family = (uint8_t)family,
				.sdiag_protocol = (uint8_t)protocol,
				.idiag_states = UINT32_MAX,
				.id.idiag_cookie = {INET_DIAG_NOCOOKIE, INET_DIAG_NOCOOKIE},
			},
	};

	/*
	 * The peer stays 0.0.0.0:0, which no connection has: only a listener can be found. UDP has
	 * it the other way round ("swapped for historical reasons", net/ipv4/udp_diag.c).
	 */
	memcpy(tcp ? request.body.id.idiag_src : request.body.id.idiag_dst, address,
	       address_size(family));
	*(tcp ? &request.body.id.idiag_sport : &request.body.id.idiag_dport) = htons(port);
	if (sendto(socket, &request, sizeof(request), 0, (const struct sockaddr *)&kernel,
		   sizeof(kernel)) < 0)
		return -errno;
	for (;;) {
		ssize_t got = receive(socket, answer, sizeof(answer));
		if (got < 0)
			return (int)got;
		int state = netlink_parse_socket(answer, (size_t)got, sequence);
		if (state != -EBADMSG)
			return state > 0 ? !tcp || state == TCP_LISTEN : state;
	}
}
