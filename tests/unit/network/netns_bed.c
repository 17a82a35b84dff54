/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A network namespace with an uplink and nothing else of skiff: what the tests of the network run
 * in.
 *
 *   netns-bed [-p PORT]... [OPTION]... -- COMMAND [ARG]...
 *
 * Does what the monitor does: starts the uplink, waits for its ports, makes a child in a new
 * network namespace that configures it and becomes the command. When the command ends the lifeline
 * is closed and the time until the uplink is gone is written to the file of --info, as JSON.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/log.h"
#include "network/netns.h"
#include "network/portmap.h"
#include "network/uplink.h"

#define READY_TIMEOUT_MS 10000

typedef struct {
	NetworkRequest *request;
	bool userns; /* a new user namespace with one id, as for a user without sub-ids */
	bool veth;   /* as if there were no /dev/net/tun */
	bool none;   /* only lo */
	const char *info;
	char **command;
} Bed;

static void die(const char *what)
{
	fprintf(stderr, "netns-bed: %s: %s\n", what, strerror(errno));
	exit(125);
}

static void write_file(const char *path, const char *text)
{
	autofd fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || !fd_write_all(fd, text, strlen(text)))
		die(path);
}

/* One id, which is 0 inside. */
static void enter_userns(void)
{
	g_autofree char *uids = g_strdup_printf("0 %u 1", getuid());
	g_autofree char *gids = g_strdup_printf("0 %u 1", getgid());

	if (unshare(CLONE_NEWUSER) < 0)
		die("unshare");
	write_file("/proc/self/setgroups", "deny");
	write_file("/proc/self/uid_map", uids);
	write_file("/proc/self/gid_map", gids);
}

static void add_port(Bed *bed, const char *text)
{
	g_autoptr(GError) error = NULL;
	PortMapping *mapping = portmap_parse(text, &error);

	if (!mapping) {
		fprintf(stderr, "Error: %s\n", error->message);
		exit(125);
	}
	g_ptr_array_add(bed->request->ports, mapping);
}

/* Read the command line into a bed. */
static Bed parse_arguments(NetworkRequest *request, int argc, char **argv)
{
	Bed bed = {.request = request};
	int i = 1;

	for (; i < argc && strcmp(argv[i], "--") != 0; i++) {
		const char *value = i + 1 < argc ? argv[i + 1] : "";

		if (strcmp(argv[i], "-p") == 0)
			add_port(&bed, value), i++;
		else if (strcmp(argv[i], "--info") == 0)
			bed.info = value, i++;
		else if (strcmp(argv[i], "--mtu") == 0)
			bed.request->mtu = (uint32_t)atoi(value), i++;
		else if (strcmp(argv[i], "--allow-host-loopback") == 0)
			bed.request->allow_host_loopback = true;
		else if (strcmp(argv[i], "--no-ipv6") == 0)
			bed.request->enable_ipv6 = false;
		else if (strcmp(argv[i], "--userns") == 0)
			bed.userns = true;
		else if (strcmp(argv[i], "--veth") == 0)
			bed.veth = true;
		else if (strcmp(argv[i], "--none") == 0)
			bed.none = true;
		else
			exit((fprintf(stderr, "netns-bed: what is %s?\n", argv[i]), 125));
	}
	if (i + 1 >= argc)
		exit((fprintf(stderr, "netns-bed: no command\n"), 125));
	bed.command = argv + i + 1;
	return bed;
}

/* In the child: the namespace, then the command. */
static void run_command(const Bed *bed, const Uplink *uplink)
{
	const char *step = "?";
	NetnsSetup setup = {
		.slirp = !bed->none,
		.ipv6 = bed->request->enable_ipv6,
		.mtu = bed->request->mtu,
		.tap_socket = uplink->tap_socket,
	};

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (unshare(CLONE_NEWNET | CLONE_NEWNS) < 0)
		die("unshare");
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		die("mount");
	if (bed->veth && mount("/dev/null", "/dev/net/tun", NULL, MS_BIND, NULL) < 0)
		die("/dev/net/tun");
	int rc = netns_configure(&setup, &step);
	if (rc < 0) {
		errno = -rc;
		die(step);
	}
	execvp(bed->command[0], bed->command);
	die(bed->command[0]);
}

/* Milliseconds until @pid is reaped; -1 if it takes more than two seconds. */
static int64_t wait_gone(pid_t pid)
{
	int64_t start = g_get_monotonic_time();

	while (waitpid(pid, NULL, WNOHANG) == 0) {
		if (g_get_monotonic_time() - start > 2 * G_USEC_PER_SEC)
			return -1;
		g_usleep(1000);
	}
	return (g_get_monotonic_time() - start) / 1000;
}

static void write_info(const Bed *bed, const char *text)
{
	g_autofree char *temporary = bed->info ? g_strdup_printf("%s.new", bed->info) : NULL;

	if (bed->info &&
	    (!g_file_set_contents(temporary, text, -1, NULL) || rename(temporary, bed->info) < 0))
		die(bed->info);
}

int main(int argc, char **argv)
{
	g_autoptr(NetworkRequest) request = network_request_new();
	Bed bed = parse_arguments(request, argc, argv);
	Uplink uplink = {.pid = -1, .tap_socket = -1, .ready_fd = -1, .lifeline_fd = -1};
	g_autoptr(GError) error = NULL;
	g_autoptr(Json) ports = NULL;
	int status = 0;

	signal(SIGPIPE, SIG_IGN);
	/* So that the uplink may complain on our stderr. */
	log_init(LOG_LEVEL_DEBUG, "bed");
	if (bed.userns || geteuid() != 0)
		enter_userns();
	if (!bed.none && (!portmap_check(bed.request->ports, &error) ||
			  !uplink_start(bed.request, NULL, NULL, &uplink, &error) ||
			  !uplink_wait_ready(&uplink, READY_TIMEOUT_MS, &ports, &error))) {
		fprintf(stderr, "Error: %s\n", error->message);
		return 125;
	}
	pid_t child = fork();
	if (child == 0)
		run_command(&bed, &uplink);
	fd_close(&uplink.tap_socket);
	g_autofree char *running =
		g_strdup_printf("{\"ports\":%s,\"uplink\":%d,\"child\":%d}\n",
				ports ? js_text(ports) : "[]", uplink.pid, child);
	write_info(&bed, running);
	if (child < 0 || waitpid(child, &status, 0) < 0)
		die("fork");
	pid_t uplink_pid = uplink.pid;
	uplink_stop(&uplink);
	if (!bed.none) {
		g_autofree char *ended = g_strdup_printf(
			"{\"uplink_gone_ms\":%" G_GINT64_FORMAT "}\n", wait_gone(uplink_pid));
		write_info(&bed, ended);
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
