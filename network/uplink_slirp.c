/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libslirp between the container's tap and the host's sockets.
 *
 * Its timers are not driven: the only one announces the router to guests that listen for that, and
 * ours has its routes from the start.
 *
 * Its TCP acknowledges every segment at once. While we take frames from the tap such an ACK is held
 * back until a later one of the same connection says more, or something else is to be sent, or the
 * tap is empty: less to do for what a container sends.
 */
#include "network/uplink_priv.h"

#include <arpa/inet.h>
#include <errno.h>
#include <glib.h>
#include <libslirp.h>
#include <linux/virtio_net.h>
#include <net/ethernet.h>
#include <poll.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "libpod/base/wall.h"
#include "network/frame.h"
#include "network/netns.h"

#define FRAMES_AT_ONCE 32
#define FRAME_MAX      (65536 + ETHER_HDR_LEN)
#define CONFIG_VERSION 4 /* the fields we set; newer libraries take it too */

/* As the kernel lays it out without VIRTIO_NET_F_MRG_RXBUF. */
typedef struct virtio_net_hdr VnetHeader;

/* Fixed places in the array that poll() gets; libslirp's descriptors follow. */
enum {
	POLL_EPOLL,
	POLL_TAP,
	POLL_FIRST,
};

struct UplinkSlirp {
	Slirp *slirp;
	FrameRules rules;
	bool vnet_hdr;
	const UplinkFilter *filter; /* NULL: none */
	int tap_fd;                 /* -1 once its interface is gone */
	struct pollfd *polls;       /* n_polls of room_polls are in use */
	size_t n_polls, room_polls;
	bool reading;    /* frames are being taken: ACKs may wait */
	size_t ack_size; /* of the ACK that waits, 0: none does */
	uint8_t ack[FRAME_ACK_MAX];
	struct {
		VnetHeader header; /* right in front of the frame, so that one read() fills both */
		uint8_t frame[FRAME_MAX];
	} in;
};

/* A frame for the container. One that does not fit is lost, as on any wire. */
static void write_frame(const UplinkSlirp *slirp, const void *frame, size_t size)
{
	VnetHeader header = {.gso_type = VIRTIO_NET_HDR_GSO_NONE};
	const struct iovec parts[] = {
		{.iov_base = &header, .iov_len = sizeof(header)},
		{.iov_base = (void *)frame, .iov_len = size},
	};

	if (slirp->tap_fd < 0)
		return;
	ssize_t sent = slirp->vnet_hdr ? writev(slirp->tap_fd, parts, 2)
				       : write(slirp->tap_fd, frame, size);
	(void)sent;
}

/* Send the ACK that waits. */
static void flush_ack(UplinkSlirp *slirp)
{
	if (slirp->ack_size)
		write_frame(slirp, slirp->ack, slirp->ack_size);
	slirp->ack_size = 0;
}

void uplink_slirp_send(UplinkSlirp *slirp, const void *frame, size_t size)
{
	write_frame(slirp, frame, size);
}

static ssize_t send_packet(const void *frame, size_t size, void *opaque)
{
	UplinkSlirp *slirp = opaque;

	if (slirp->ack_size && !frame_supersedes(frame, size, slirp->ack, slirp->ack_size))
		flush_ack(slirp);
	if (slirp->reading && frame_is_pure_ack(frame, size)) {
		memcpy(slirp->ack, frame, size);
		slirp->ack_size = size;
	} else {
		slirp->ack_size = 0;
		write_frame(slirp, frame, size);
	}
	return (ssize_t)size;
}

static void guest_error(const char *message, void *opaque)
{
}

static int64_t clock_get_ns(void *opaque)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void *timer_new(SlirpTimerCb callback, void *callback_opaque, void *opaque)
{
	return opaque;
}

static void timer_free(void *timer, void *opaque)
{
}

static void timer_mod(void *timer, int64_t expire_ms, void *opaque)
{
}

static void register_poll_fd(int fd, void *opaque)
{
}

static void notify(void *opaque)
{
}

static const SlirpCb callbacks = {
	.send_packet = send_packet,
	.guest_error = guest_error,
	.clock_get_ns = clock_get_ns,
	.timer_new = timer_new,
	.timer_free = timer_free,
	.timer_mod = timer_mod,
	.register_poll_fd = register_poll_fd,
	.unregister_poll_fd = register_poll_fd,
	.notify = notify,
};

UplinkNetwork uplink_slirp_default(const UplinkRequest *request)
{
	UplinkNetwork network = {
		.mtu = request->mtu,
		.allow_host_loopback = request->allow_host_loopback,
		.ipv6 = request->ipv6,
		.prefix6 = 64,
	};

	inet_pton(AF_INET6, "fd00::", &network.network6);
	inet_pton(AF_INET6, NETNS_GATEWAY6, &network.gateway6);
	inet_pton(AF_INET6, NETNS_DNS6, &network.dns6);
	inet_pton(AF_INET, "10.0.2.0", &network.network);
	inet_pton(AF_INET, "255.255.255.0", &network.mask);
	inet_pton(AF_INET, NETNS_GATEWAY4, &network.gateway);
	inet_pton(AF_INET, NETNS_DNS4, &network.dns);
	return network;
}

UplinkSlirp *uplink_slirp_new(const UplinkNetwork *network, int tap_fd, bool vnet_hdr)
{
	UplinkSlirp *slirp = g_new0(UplinkSlirp, 1);
	FrameRules *rules = &slirp->rules;
	SlirpConfig config = {
		.version = CONFIG_VERSION,
		.in_enabled = true,
		.in6_enabled = network->ipv6,
		.vprefix_addr6 = network->network6,
		.vprefix_len = network->ipv6 ? (uint8_t)network->prefix6 : 64,
		.if_mtu = network->mtu,
		.if_mru = network->mtu,
		.disable_host_loopback =
			!network->allow_host_loopback && wall_stands("closed-loopback"),
		.disable_dhcp = true,
		.vnetwork = network->network,
		.vnetmask = network->mask,
	};

	rules->allow_host_loopback = network->allow_host_loopback;
	rules->ipv6 = network->ipv6;
	rules->gateway = network->gateway;
	rules->dns = network->dns;
	rules->gateway6 = network->gateway6;
	rules->dns6 = network->dns6;
	/* Nobody is served from there, but libslirp wants it inside the network. */
	config.vdhcp_start.s_addr = network->network.s_addr | htonl(2);
	config.vhost = rules->gateway;
	config.vnameserver = rules->dns;
	config.vhost6 = rules->gateway6;
	config.vnameserver6 = rules->dns6;

	slirp->filter = network->filter;
	slirp->tap_fd = tap_fd;
	slirp->vnet_hdr = vnet_hdr;
	slirp->slirp = slirp_new(&config, &callbacks, slirp);
	return slirp;
}

/* libslirp wants to wait for this. */
static int add_poll(int fd, int events, void *opaque)
{
	UplinkSlirp *slirp = opaque;
	short wanted = 0;

	if (slirp->n_polls == slirp->room_polls) {
		slirp->room_polls = slirp->room_polls ? slirp->room_polls * 2 : 16;
		slirp->polls = g_renew(struct pollfd, slirp->polls, slirp->room_polls);
	}
	if (events & SLIRP_POLL_IN)
		wanted |= POLLIN;
	if (events & SLIRP_POLL_OUT)
		wanted |= POLLOUT;
	if (events & SLIRP_POLL_PRI)
		wanted |= POLLPRI;
	slirp->polls[slirp->n_polls] = (struct pollfd){.fd = fd, .events = wanted};
	return (int)slirp->n_polls++;
}

/* What came of it. */
static int get_revents(int index, void *opaque)
{
	UplinkSlirp *slirp = opaque;
	short got = slirp->polls[index].revents;
	int events = 0;

	if (got & POLLIN)
		events |= SLIRP_POLL_IN;
	if (got & POLLOUT)
		events |= SLIRP_POLL_OUT;
	if (got & POLLPRI)
		events |= SLIRP_POLL_PRI;
	if (got & POLLERR)
		events |= SLIRP_POLL_ERR;
	if (got & POLLHUP)
		events |= SLIRP_POLL_HUP;
	return events;
}

int uplink_slirp_prepare(UplinkSlirp *slirp, int epoll_fd, int timeout_ms)
{
	uint32_t timeout = timeout_ms < 0 ? UINT32_MAX : (uint32_t)timeout_ms;

	slirp->n_polls = 0;
	add_poll(epoll_fd, SLIRP_POLL_IN, slirp);
	add_poll(slirp->tap_fd, SLIRP_POLL_IN, slirp);
	slirp_pollfds_fill(slirp->slirp, &timeout, add_poll, slirp);
	return timeout > INT_MAX ? -1 : (int)timeout;
}

/* Is the rest of @size bytes a frame that libslirp may see? Completes its checksum if it lacks one.
 */
static bool accept_frame(UplinkSlirp *slirp, size_t size)
{
	if (slirp->vnet_hdr && slirp->in.header.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM &&
	    !frame_checksum(slirp->in.frame, size, slirp->in.header.csum_start,
			    slirp->in.header.csum_offset))
		return false;
	const UplinkFilter *filter = slirp->filter;
	if (filter && !filter->from_guest(filter->data, slirp->in.frame, size))
		return false;
	return frame_is_allowed(&slirp->rules, slirp->in.frame, size);
}

/* Take frames from the container. */
static void read_tap(UplinkSlirp *slirp)
{
	size_t skip = slirp->vnet_hdr ? sizeof(VnetHeader) : 0;
	uint8_t *start = slirp->in.frame - skip;

	for (int i = 0; i < FRAMES_AT_ONCE; i++) {
		ssize_t got = read(slirp->tap_fd, start, skip + sizeof(slirp->in.frame));

		if (got < 0) {
			/* The interface went with its namespace: the lifeline is next. */
			if (errno != EAGAIN && errno != EINTR && errno != ENETDOWN)
				slirp->tap_fd = -1;
			return;
		}
		if ((size_t)got <= skip)
			continue;
		size_t size = (size_t)got - skip;
		if (accept_frame(slirp, size))
			slirp_input(slirp->slirp, slirp->in.frame, (int)size);
	}
}

bool uplink_slirp_wait(UplinkSlirp *slirp, int timeout_ms)
{
	int n = poll(slirp->polls, slirp->n_polls, timeout_ms);

	slirp_pollfds_poll(slirp->slirp, n < 0, get_revents, slirp);
	if (n <= 0)
		return false;
	bool readable = slirp->polls[POLL_EPOLL].revents;
	if (slirp->polls[POLL_TAP].revents && slirp->tap_fd >= 0) {
		slirp->reading = true;
		read_tap(slirp);
		/*
		 * What waits for the link address of a guest goes out with the poll behind the
		 * answer, and its own would be the next, whenever that is. Of many guests libslirp
		 * remembers 16 addresses.
		 */
		if (slirp->filter)
			slirp_pollfds_poll(slirp->slirp, true, get_revents, slirp);
		slirp->reading = false;
		flush_ack(slirp);
	}
	return readable;
}
