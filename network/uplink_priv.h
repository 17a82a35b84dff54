/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the uplink share: the request, the loop and its sources, and each part's entry
 * points. Only files whose names start with "uplink" include this.
 *
 * uplink.c and uplink_request.c are also part of whoever starts the uplink; the rest runs in
 * skiff-uplink.
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Descriptors of skiff-uplink at its start. */
enum {
	UPLINK_FD_REQUEST = 3, /* memfd: UplinkRequest and its ports */
	UPLINK_FD_TAP,         /* socket through which a NetnsTap comes */
	UPLINK_FD_LIFELINE,    /* end of file: end */
	UPLINK_FD_READY,       /* answer about the ports; only if there are any */
};

#define UPLINK_MAGIC     0x6b6c7075u
#define UPLINK_VERSION   3
#define UPLINK_PORTS_MAX 4096  /* rows of a request */
#define UPLINK_PORTS_SUM 65536 /* ports of all its rows together */

#define UPLINK_MARK  0x5c1ff000u /* on the sockets that stand for clients */
#define UPLINK_TABLE 100         /* the routing table in which every address is local */

/* One row of a request or of the answer to it. */
typedef struct {
	uint8_t family;     /* AF_INET, AF_INET6 or 0: all addresses of both */
	uint8_t protocol;   /* IPPROTO_TCP or IPPROTO_UDP */
	uint16_t host_port; /* 0: any free one */
	uint16_t container_port;
	uint16_t count;
	uint8_t address[16]; /* of @family, network order */
} UplinkPort;

/* The request. It never leaves the host and both ends are one build, so it is a plain struct. */
typedef struct {
	uint32_t magic;
	uint32_t version;
	uint32_t mtu;
	uint8_t allow_host_loopback;
	uint8_t ipv6;
	uint16_t n_ports; /* rows that follow */
	uint8_t bridged;  /* a member of a named network: published ports only, the network is its
			     home's */
	uint8_t unused[3];
	struct in_addr address, gateway;    /* if bridged */
	struct in6_addr address6, gateway6; /* if bridged and ipv6 */
} UplinkRequest;

/* First byte of the answer: UPLINK_READY, then rows; or why not, then a message. */
enum {
	UPLINK_READY = '\0',
	UPLINK_IN_USE = 'U',
	UPLINK_DENIED = 'D',
	UPLINK_FAILED = 'F',
};

/** uplink_request_parse() - check a request. Pure. @data is aligned to 4, @out_ports borrowed from
 * it. Return: false if it is broken. */
bool uplink_request_parse(const void *data, size_t size, UplinkRequest *out_request,
			  const UplinkPort **out_ports);

/** uplink_rows_parse() - check rows on their own, as the answer has them. Pure. @data as above. */
bool uplink_rows_parse(const void *data, size_t size, bool bound, const UplinkPort **out_ports,
		       size_t *out_n);

/* ---- the loop (uplink_loop.c) ---- */

typedef struct UplinkSource UplinkSource;

/* Something with a descriptor; embedded in its owner as the first member. */
struct UplinkSource {
	int fd;
	void (*ready)(UplinkSource *source, uint32_t events); /* EPOLLIN, ... */
};

typedef struct UplinkTimer UplinkTimer;

/* Something that happens later; one-shot, embedded in its owner as the first member. */
struct UplinkTimer {
	int64_t due_ms; /* 0: not armed */
	void (*fire)(UplinkTimer *timer);
	UplinkTimer *next;
};

typedef struct UplinkSlirp UplinkSlirp;

typedef struct {
	int epoll_fd;
	int64_t now_ms;      /* CLOCK_MONOTONIC, as of the last wake-up */
	UplinkTimer *timers; /* all that were ever armed */
	UplinkSlirp *slirp;  /* NULL: published ports only */
} UplinkLoop;

/** uplink_loop_init() - an empty loop. Return: false with errno. */
bool uplink_loop_init(UplinkLoop *loop);
/** uplink_loop_add() - watch @source->fd for @events (EPOLLIN, EPOLLET, ...). Return: false with
 * errno. */
bool uplink_loop_add(UplinkLoop *loop, UplinkSource *source, uint32_t events);
void uplink_loop_remove(UplinkLoop *loop, UplinkSource *source);
/** uplink_loop_now() - the time as it is now, also in now_ms. */
int64_t uplink_loop_now(UplinkLoop *loop);
/** uplink_loop_arm() - fire @timer in @delay_ms; moves one that is armed. */
void uplink_loop_arm(UplinkLoop *loop, UplinkTimer *timer, int delay_ms);
/** uplink_loop_run() - until the lifeline ends. */
void uplink_loop_run(UplinkLoop *loop, int lifeline_fd);

/* ---- the user-mode network (uplink_slirp.c) ---- */

/* A say in the frames between guests and libslirp. */
typedef struct {
	/* A frame of a guest's, to be changed in place. Return: false if libslirp shall not see it.
	 */
	bool (*from_guest)(void *data, uint8_t *frame, size_t size);
	void *data;
} UplinkFilter;

/* What libslirp is to be like. */
typedef struct {
	uint32_t mtu;
	bool allow_host_loopback, ipv6;
	struct in_addr network, mask, gateway, dns;
	struct in6_addr network6, gateway6, dns6; /* if ipv6 */
	unsigned prefix6;
	const UplinkFilter *filter; /* or NULL */
} UplinkNetwork;

/** uplink_slirp_default() - the network of a container of its own. */
UplinkNetwork uplink_slirp_default(const UplinkRequest *request);
/** uplink_slirp_new() - libslirp on a tap, or a packet socket if @vnet_hdr. Lives as long as the
 * process. */
UplinkSlirp *uplink_slirp_new(const UplinkNetwork *network, int tap_fd, bool vnet_hdr);
/** uplink_slirp_send() - a frame for the guests. */
void uplink_slirp_send(UplinkSlirp *slirp, const void *frame, size_t size);
/** uplink_slirp_timeout() - shorten @timeout_ms (-1: none) to what libslirp wants, and gather its
 * descriptors. */
int uplink_slirp_prepare(UplinkSlirp *slirp, int epoll_fd, int timeout_ms);
/** uplink_slirp_wait() - poll() on all that, and let libslirp and the tap work. Return: is the
 * epoll fd readable? */
bool uplink_slirp_wait(UplinkSlirp *slirp, int timeout_ms);

/* ---- published ports ---- */

/* A bound socket of the host that leads to a port of the container. */
typedef struct {
	int fd;
	uint8_t family;
	uint8_t protocol;
	uint16_t host_port;
	uint16_t container_port;
} UplinkBound;

/* What binding gave, or why it did not. */
typedef struct {
	UplinkBound *bound;
	size_t n_bound;
	UplinkPort *rows; /* the request's rows with the ports really bound */
	size_t n_rows;
	char code;         /* UPLINK_READY or the reason */
	char message[512]; /* if not ready */
} UplinkBinding;

/** uplink_bind() - bind all rows (uplink_bind.c). Return: false with code and message set. */
bool uplink_bind(const UplinkPort *ports, size_t n_ports, UplinkBinding *out_binding);

/* The process in the container's netns, as the host side sees it (uplink_inside.c). */
typedef struct {
	pid_t pid;
	int socket;                        /* to the process; -1 if it is gone */
	int diag_socket;                   /* NETLINK_SOCK_DIAG made in there */
	struct in_addr address4, gateway4; /* the container's */
	struct in6_addr address6, gateway6;
	bool has6;                         /* it has address6 */
	bool keeps_source4, keeps_source6; /* clients can keep their address */
	int pool[2][16];                   /* TCP sockets in store, for IPv4 and IPv6 */
	int pool_n[2];
} UplinkInside;

/** uplink_inside_addresses() - set what is the container's. */
void uplink_inside_addresses(UplinkInside *inside, const UplinkRequest *request);
/** uplink_inside_start() - fork it into @netns_fd; before the sandbox closes. Return: false with
 * errno. */
bool uplink_inside_start(UplinkInside *inside, const UplinkRequest *request, int netns_fd);
/** uplink_inside_stop() - end it and reap it. */
void uplink_inside_stop(UplinkInside *inside);
/** uplink_inside_socket() - a non-blocking socket made in there. Return: fd, or -1 with errno. */
int uplink_inside_socket(UplinkInside *inside, int family, int protocol);
/** uplink_inside_rule() - add or remove the rule by which UDP answers find their way back. */
bool uplink_inside_rule(UplinkInside *inside, bool add, int family, const void *client,
			uint16_t container_port);

/* Where a client's socket inside connects to, and whom it shows as its own address. */
typedef struct {
	struct sockaddr_storage source; /* ss_family 0: whatever the kernel chooses */
	struct sockaddr_storage target;
	socklen_t size; /* of either */
} UplinkRoute;

/** uplink_route() - @family: that of the container's address to be used (uplink_route.c). Pure. */
void uplink_route(const UplinkInside *inside, const struct sockaddr_storage *client, int family,
		  uint16_t container_port, UplinkRoute *out_route);

/** uplink_tcp_start() / uplink_udp_start() - take over the bound sockets of their protocol. */
void uplink_tcp_start(UplinkLoop *loop, UplinkInside *inside, const UplinkBinding *binding);
void uplink_udp_start(UplinkLoop *loop, UplinkInside *inside, const UplinkBinding *binding);

/* ---- the sandbox (uplink_sandbox.c) ---- */

typedef enum {
	UPLINK_SANDBOX_HOST,   /* the host side: files under /etc, sockets of IPv4 and IPv6, no
				  capability */
	UPLINK_SANDBOX_INSIDE, /* no files, CAP_NET_ADMIN */
} UplinkSandbox;

/** uplink_sandbox_enter() - give up what the rest of this process' life does not need. Return:
 * false with errno. */
bool uplink_sandbox_enter(UplinkSandbox kind);
