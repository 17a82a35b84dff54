/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of skiff-uplink: read the request, bind the ports and answer, wait for the tap, send a
 * process inside if ports are published, give everything up, and serve until the lifeline ends.
 */
#include "network/uplink.h"

#include <errno.h>
#include <glib.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "libpod/base/fd.h"
#include "network/netns.h"
#include "network/uplink_home.h"
#include "network/uplink_priv.h"

#define REQUEST_MAX (sizeof(UplinkRequest) + UPLINK_PORTS_MAX * sizeof(UplinkPort))

static bool fail(const char *what)
{
	fprintf(stderr, "skiff-uplink: %s: %s\n", what, g_strerror(errno));
	return false;
}

/* As many descriptors as we may have: two for each forwarded connection. */
static void raise_limits(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

/* Tell the monitor how binding went. A monitor that does not listen has its reasons. */
static void answer(const UplinkBinding *binding)
{
	(void)fd_write_all(UPLINK_FD_READY, &binding->code, 1);
	if (binding->code == UPLINK_READY)
		(void)fd_write_all(UPLINK_FD_READY, binding->rows,
				   binding->n_rows * sizeof(*binding->rows));
	else
		(void)fd_write_all(UPLINK_FD_READY, binding->message, strlen(binding->message));
	close(UPLINK_FD_READY);
}

static void release_ports(const UplinkBinding *binding)
{
	for (size_t i = 0; i < binding->n_bound; i++)
		close(binding->bound[i].fd);
}

/*
 * The ports cannot be had. Those that could are given back at once, but the tap socket stays open
 * until the monitor has read why: an init that finds nobody to send its tap to would fail first,
 * and for a worse reason.
 */
static void linger(const UplinkBinding *binding)
{
	struct pollfd lifeline = {.fd = UPLINK_FD_LIFELINE, .events = POLLIN};

	release_ports(binding);
	while (poll(&lifeline, 1, -1) < 0 && errno == EINTR)
		;
}

/* Wait until the container's init sends its tap and its netns, or the lifeline ends. */
static bool receive_tap(NetnsTap *out_tap, int *out_tap_fd, int *out_netns_fd)
{
	struct pollfd polls[] = {
		{.fd = UPLINK_FD_LIFELINE, .events = POLLIN},
		{.fd = UPLINK_FD_TAP, .events = POLLIN},
	};
	int fds[2];
	size_t n = 0;

	while (poll(polls, 2, -1) < 0)
		if (errno != EINTR)
			return false;
	if (polls[0].revents)
		return false;
	ssize_t got = fd_receive(UPLINK_FD_TAP, out_tap, sizeof(*out_tap), fds, 2, &n);
	close(UPLINK_FD_TAP);
	if (got != sizeof(*out_tap) || out_tap->magic != NETNS_TAP_MAGIC || n != 2)
		return false;
	*out_tap_fd = fds[0];
	*out_netns_fd = fds[1];
	return true;
}

/* From the tap on. */
static bool serve(const UplinkRequest *request, const UplinkBinding *binding)
{
	static UplinkLoop loop;
	static UplinkInside inside;
	NetnsTap tap;
	int tap_fd, netns_fd;

	if (!receive_tap(&tap, &tap_fd, &netns_fd))
		return true;
	bool forwards = binding->n_bound && uplink_inside_start(&inside, request, netns_fd);
	if (binding->n_bound && !forwards)
		fail("cannot enter the container's network");
	close(netns_fd);
	if (!uplink_loop_init(&loop))
		return fail("cannot make an epoll descriptor");
	if (!uplink_sandbox_enter(UPLINK_SANDBOX_HOST))
		return fail("cannot close the sandbox");

	if (request->bridged) {
		close(tap_fd);
	} else {
		const UplinkNetwork network = uplink_slirp_default(request);
		loop.slirp = uplink_slirp_new(&network, tap_fd, tap.vnet_hdr);
	}
	if (forwards) {
		uplink_tcp_start(&loop, &inside, binding);
		uplink_udp_start(&loop, &inside, binding);
	}
	uplink_loop_run(&loop, UPLINK_FD_LIFELINE);
	/* The monitor waits for these; the rest may take its time. */
	release_ports(binding);
	close(UPLINK_FD_LIFELINE);
	uplink_inside_stop(&inside);
	return true;
}

int uplink_main(void)
{
	static UplinkBinding binding;
	g_autofree char *bytes = NULL;
	const UplinkPort *ports = NULL;
	UplinkRequest request;
	size_t size = 0;

	signal(SIGPIPE, SIG_IGN);
	raise_limits();
	bytes = fd_read_all(UPLINK_FD_REQUEST, REQUEST_MAX, &size, NULL);
	close(UPLINK_FD_REQUEST);
	HomeRequest home;
	if (bytes && size == sizeof(home)) {
		memcpy(&home, bytes, sizeof(home));
		if (home_request_is_valid(&home))
			return uplink_home_main(&home);
	}
	if (!bytes || !uplink_request_parse(bytes, size, &request, &ports)) {
		errno = EINVAL;
		fail("not started by skiff");
		return 2;
	}
	if (request.n_ports) {
		bool bound = uplink_bind(ports, request.n_ports, &binding);
		answer(&binding);
		if (!bound) {
			linger(&binding);
			return 1;
		}
	}
	return serve(&request, &binding) ? 0 : 1;
}
