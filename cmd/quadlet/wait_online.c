/* SPDX-License-Identifier: Apache-2.0 */
/*
 * quadlet wait-online: what services run before a pull, in place of an order behind
 * network-online.target, which delays boots that pull nothing and in a user's systemd never comes.
 *
 * It ends at once if the image is there or its registry is on this machine; else when there is a
 * default route, or after a while, since the pull itself knows best what is wrong then. The kernel
 * tells of new routes.
 */
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cmd/commands.h"
#include "cmd/engine_open.h"
#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/notify.h"
#include "storage/image.h"

#define PATIENCE_US (30 * G_USEC_PER_SEC)
#define ROUTES_MAX  (4 * 1024 * 1024)
#define FLAG_UP     0x0001
#define FLAG_REJECT 0x0200
#define LOOPBACK    "lo"

static char *read_routes(const char *path)
{
	autofd fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? NULL : fd_read_all(fd, ROUTES_MAX, NULL, NULL);
}

/* A line of /proc/net/route: device, destination, gateway, flags, ..., mask. */
static bool is_default_ipv4(const char *line)
{
	char device[32];
	unsigned destination, flags, mask;
	return sscanf(line, "%31s %x %*x %x %*s %*s %*s %x", device, &destination, &flags, &mask) ==
		       4 &&
	       destination == 0 && mask == 0 && (flags & FLAG_UP) && !(flags & FLAG_REJECT);
}

/* A line of /proc/net/ipv6_route: destination, length, source, length, hop, metric, uses, ...,
 * flags, device. */
static bool is_default_ipv6(const char *line)
{
	char destination[33], device[32];
	unsigned length, flags;
	return sscanf(line, "%32s %x %*s %*x %*s %*x %*x %*x %x %31s", destination, &length, &flags,
		      device) == 4 &&
	       length == 0 && (flags & FLAG_UP) && !(flags & FLAG_REJECT) &&
	       strcmp(device, LOOPBACK) != 0;
}

static bool has_route(const char *path, bool (*is_default)(const char *line))
{
	g_autofree char *text = read_routes(path);
	g_auto(GStrv) lines = g_strsplit(text ? text : "", "\n", -1);
	for (char **line = lines; *line; line++)
		if (is_default(*line))
			return true;
	return false;
}

static bool is_online(void)
{
	return has_route("/proc/net/route", is_default_ipv4) ||
	       has_route("/proc/net/ipv6_route", is_default_ipv6);
}

/* A socket that becomes readable when routes change. */
static int watch_routes(void)
{
	const struct sockaddr_nl address = {
		.nl_family = AF_NETLINK,
		.nl_groups = RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE,
	};
	autofd fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
	if (fd < 0 || bind(fd, (const struct sockaddr *)&address, sizeof address) < 0)
		return -1;
	return fd_steal(&fd);
}

static void drain(int fd)
{
	char buffer[8192];
	while (recv(fd, buffer, sizeof buffer, MSG_DONTWAIT) > 0)
		;
}

static void wait_online(void)
{
	autofd watch = watch_routes();
	if (watch < 0 || is_online())
		return;
	g_autofree char *words = g_strdup_printf("STATUS=Waiting for the network\nEXTEND_TIMEOUT_"
						 "USEC=%" G_GINT64_FORMAT,
						 (gint64)2 * PATIENCE_US);
	(void)notify_send(g_getenv("NOTIFY_SOCKET"), words);
	gint64 deadline = g_get_monotonic_time() + PATIENCE_US;
	while (!is_online()) {
		gint64 left = deadline - g_get_monotonic_time();
		if (left <= 0) {
			fprintf(stderr,
				"there is no default route after 30 seconds: trying all the "
				"same\n");
			return;
		}
		struct pollfd poll_fd = {.fd = watch, .events = POLLIN};
		(void)poll(&poll_fd, 1, (int)(left / 1000) + 1);
		drain(watch);
	}
}

/* Does the name begin with this machine? */
static bool is_local(const char *image)
{
	static const char *const hosts[] = {"localhost", "127.0.0.1", "[::1]"};
	for (size_t i = 0; i < G_N_ELEMENTS(hosts); i++) {
		size_t length = strlen(hosts[i]);
		if (strncmp(image, hosts[i], length) == 0 && strchr(":/", image[length]))
			return true;
	}
	return false;
}

static bool is_there(const Invocation *inv, const char *image)
{
	g_autoptr(Engine) engine = command_engine(inv, true, NULL);
	g_autoptr(Image) found = engine ? image_lookup(engine_store(engine), image, NULL) : NULL;
	return found != NULL;
}

static int cmd_wait_online(Invocation *inv)
{
	if (!command_parse(inv, NULL))
		return inv->status;
	const char *image = command_arg(inv, 0);
	if (!image || !(is_local(image) || is_there(inv, image)))
		wait_online();
	return 0;
}

const Command quadlet_wait_online_command = {
	.paths = (const char *const[]){"quadlet wait-online", NULL},
	.usage = "[IMAGE]",
	.summary = "Wait for the network, unless the image is there",
	.description = "Services made of quadlet files run this before a pull.",
	.max_args = 1,
	.arg = COMMAND_ARG_IMAGE,
	.flags = COMMAND_HIDDEN,
	.run = cmd_wait_online,
};
