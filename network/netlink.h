/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Typed rtnetlink requests, and the one question we put to sock_diag.
 *
 * Requests are gathered in a batch on the caller's stack, sent by one system call and acknowledged
 * one by one. Below the exec line: no allocation, no GError, negative errno.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define NETLINK_BATCH_SIZE 2048
#define NETLINK_BATCH_MAX  32 /* requests in one batch */

/* Requests that wait for netlink_send(). Start with netlink_batch_init(). */
typedef struct {
	_Alignas(8) unsigned char data[NETLINK_BATCH_SIZE];
	size_t size;       /* bytes used */
	size_t start;      /* where the last request begins */
	unsigned count;    /* requests, numbered from 0 */
	uint32_t optional; /* bit N: a refusal of request N is no failure */
	bool full;         /* something did not fit: netlink_send() gives -ENOBUFS */
} NetlinkBatch;

/** netlink_open() - a socket of NETLINK_ROUTE or NETLINK_SOCK_DIAG in our netns. Return: fd or
 * negative errno. */
int netlink_open(int protocol);

/** netlink_batch_init() - an empty batch. */
void netlink_batch_init(NetlinkBatch *batch);

/** netlink_optional() - the request added last may be refused (IPv6 on a host without it). */
void netlink_optional(NetlinkBatch *batch);

/** netlink_link_prepare() - set the MTU of a link that is down and keep IPv6 from making addresses
 * of its own. */
void netlink_link_prepare(NetlinkBatch *batch, int index, uint32_t mtu, bool ipv6);

/** netlink_link_up() - bring a link up. */
void netlink_link_up(NetlinkBatch *batch, int index);

/**
 * netlink_veth_add() - a veth pair, one end in our netns, the other in that of @peer_ns
 * @name:	our end, @peer_name the other's; less than 16 bytes
 *
 * The peer gets @mtu and sends segment by segment (GSO_MAX_SEGS 1), so that a packet socket on our
 * end never sees a packet larger than the MTU.
 */
void netlink_veth_add(NetlinkBatch *batch, const char *name, const char *peer_name, int peer_ns,
		      uint32_t mtu);

/** netlink_bridge_add() - a bridge, up, that answers for no address. */
void netlink_bridge_add(NetlinkBatch *batch, const char *name, uint32_t mtu);

/** netlink_link_master() - make a link a port of the bridge @master. */
void netlink_link_master(NetlinkBatch *batch, int index, int master);

/**
 * netlink_port_add() - a veth pair: one end, @name, a port of the bridge @master in our netns and
 * up; the other, still down, in that of @peer_ns
 * @mac:	6 bytes, of the other end
 */
void netlink_port_add(NetlinkBatch *batch, int master, const char *name, const char *peer_name,
		      int peer_ns, const void *mac, uint32_t mtu);

/** netlink_link_delete() - a link of our netns; -ENODEV if there is none. */
void netlink_link_delete(NetlinkBatch *batch, const char *name);

/** netlink_link_quiet() - give a link an address of its own and no way to be asked for it (ARP). */
void netlink_link_quiet(NetlinkBatch *batch, int index, const void *mac);

/** netlink_address_add() - give a link an address, without duplicate address detection. @family:
 * AF_INET or AF_INET6. */
void netlink_address_add(NetlinkBatch *batch, int index, int family, const void *address,
			 unsigned prefix);

/** netlink_route_default() - the default route through @gateway; @metric 0: the kernel's. */
void netlink_route_default(NetlinkBatch *batch, int index, int family, const void *gateway,
			   uint32_t metric);

/* A route other than the default one. */
typedef struct {
	int family;
	const void *target;
	unsigned prefix;
	const void *gateway; /* NULL: on the link itself */
	uint32_t metric;     /* 0: the kernel's */
	uint8_t type;        /* RTN_UNICAST, or RTN_BLACKHOLE and its like: without a link */
} NetlinkRoute;

/** netlink_route_add() - over the link @index; takes the place of one that is there. */
void netlink_route_add(NetlinkBatch *batch, int index, const NetlinkRoute *route);

/** netlink_route_local() - table @table: every address is one of ours, and @source answers. */
void netlink_route_local(NetlinkBatch *batch, int lo_index, int family, const void *source,
			 uint32_t table);

/** netlink_rule_mark() - what we send with mark @mark looks into @table first. */
void netlink_rule_mark(NetlinkBatch *batch, int family, uint32_t mark, uint32_t table);

/** netlink_rule_udp() - what we send by UDP from @port to @client looks into @table first; @add
 * false removes the rule. */
void netlink_rule_udp(NetlinkBatch *batch, int family, const void *client, uint16_t port,
		      uint32_t table, bool add);

/**
 * netlink_send() - send the batch and collect one acknowledgement per request
 *
 * Return: 0, or the negative errno of the first request that was refused (-ETIMEDOUT: no answer
 * within 2 s).
 */
int netlink_send(int socket, const NetlinkBatch *batch);

/* State of the acknowledgements of one batch. */
typedef struct {
	unsigned expected;
	unsigned seen;
	uint32_t optional;
	int result; /* of the first refusal that counts, else 0 */
} NetlinkAcks;

/**
 * netlink_parse_acks() - take the acknowledgements out of one datagram of the kernel
 * Return: 0, or -EBADMSG if it is not well formed. Pure.
 */
int netlink_parse_acks(const void *data, size_t size, NetlinkAcks *acks);

/**
 * netlink_listening() - would a packet from outside to @address:@port find a server?
 * @socket:	a NETLINK_SOCK_DIAG socket made in the netns that is asked about
 * @protocol:	IPPROTO_TCP: a listening socket; IPPROTO_UDP: a bound one
 *
 * Return: 1 yes, 0 no, or a negative errno.
 */
int netlink_listening(int socket, int protocol, int family, const void *address, uint16_t port);

/**
 * netlink_parse_socket() - the answer to that question
 * Return: the socket's state (TCP_LISTEN, ...), 0 if there is none, a negative errno, -EBADMSG if
 * the answer is not well formed or not to @sequence. Pure.
 */
int netlink_parse_socket(const void *data, size_t size, uint32_t sequence);
