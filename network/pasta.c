/* SPDX-License-Identifier: Apache-2.0 */
#include "network/pasta.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/spawn.h"
#include "libpod/base/userns.h"
#include "network/resolv.h"

#define PID_FILE    "pasta.pid"
#define NETNS_FILE  "./pasta.ns" /* a word without a slash would be a name below /run */
#define MAP_GATEWAY "--map-gw"
#define NOISE       "Failed to send " /* without a syslog, one before each line */
#define TIMEOUT_MS  5000
#define STEP_MS     2
#define MESSAGE_MAX 4096

char *pasta_find(GError **error)
{
	char *program = spawn_find_system("pasta");

	if (!program)
		error_set(error, ENGINE_ERROR_NOT_FOUND,
			  "could not find pasta, the network namespace can't be configured: exec: "
			  "\"pasta\": executable file not found in $PATH\n"
			  "help: install passt, or use --network slirp, which is the default");
	return program;
}

/* A port that nobody has now. 0 if there is none. */
static uint16_t choose_port(PortProtocol protocol)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	socklen_t size = sizeof(address);
	autofd fd = socket(AF_INET,
			   (protocol == PORT_UDP ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&address, size) < 0 ||
	    getsockname(fd, (struct sockaddr *)&address, &size) < 0)
		return 0;
	return ntohs(address.sin_port);
}

/* "-t", "127.0.0.1/8080-8081:80-81" */
static void add_port(GPtrArray *argv, const PortMapping *port)
{
	g_autofree char *ip = port->host_ip ? g_strconcat(port->host_ip, "/", NULL) : g_strdup("");
	unsigned last = port->count - 1u;

	g_ptr_array_add(argv, g_strdup(port->protocol == PORT_UDP ? "-u" : "-t"));
	g_ptr_array_add(
		argv,
		last ? g_strdup_printf("%s%u-%u:%u-%u", ip, port->host_port, port->host_port + last,
				       port->container_port, port->container_port + last)
		     : g_strdup_printf("%s%u:%u", ip, port->host_port, port->container_port));
}

/* Is one of the options @name, or @other? */
static bool has_option(char *const *options, const char *name, const char *other)
{
	for (size_t i = 0; options && options[i]; i++)
		if (strcmp(options[i], name) == 0 || strcmp(options[i], other) == 0)
			return true;
	return false;
}

/* As podman calls it: what was not asked for is closed, and so is the way to the host's loopback.
 */
static GPtrArray *build_argv(const NetworkRequest *request)
{
	static const char *const closed[][2] = {{"-t", "--tcp-ports"},
						{"-u", "--udp-ports"},
						{"-T", "--tcp-ns"},
						{"-U", "--udp-ns"}};
	GPtrArray *argv = g_ptr_array_new_with_free_func(g_free);
	bool tcp = false, udp = false;

	g_ptr_array_add(argv, g_strdup("pasta"));
	g_ptr_array_add(argv, g_strdup("--config-net"));
	/* That is podman's: pasta has only the opposite. */
	for (size_t i = 0; request->pasta_options && request->pasta_options[i]; i++)
		if (strcmp(request->pasta_options[i], MAP_GATEWAY) != 0)
			g_ptr_array_add(argv, g_strdup(request->pasta_options[i]));
	for (guint i = 0; i < request->ports->len; i++) {
		const PortMapping *port = request->ports->pdata[i];
		add_port(argv, port);
		tcp |= port->protocol == PORT_TCP;
		udp |= port->protocol == PORT_UDP;
	}
	for (size_t i = 0; i < G_N_ELEMENTS(closed); i++) {
		if ((i == 0 && tcp) || (i == 1 && udp) ||
		    has_option(request->pasta_options, closed[i][0], closed[i][1]))
			continue;
		g_ptr_array_add(argv, g_strdup(closed[i][0]));
		g_ptr_array_add(argv, g_strdup("none"));
	}
	if (!has_option(request->pasta_options, MAP_GATEWAY, "--no-map-gw"))
		g_ptr_array_add(argv, g_strdup("--no-map-gw"));
	if (!has_option(request->pasta_options, "--dns-forward", "--dns-forward")) {
		g_ptr_array_add(argv, g_strdup("--dns-forward"));
		g_ptr_array_add(argv, g_strdup(PASTA_RESOLVER));
	}
	const char *const tail[] = {"--quiet", "--foreground", "--netns-only", "--no-netns-quit",
				    "--pid",   PID_FILE,       "--netns",      NETNS_FILE};
	for (size_t i = 0; i < G_N_ELEMENTS(tail); i++)
		g_ptr_array_add(argv, g_strdup(tail[i]));
	g_ptr_array_add(argv, NULL);
	return argv;
}

/* pasta gives up the right to look into the container's /proc before it looks for the netns, and
 * some versions close every descriptor: the netns gets a name in a mount namespace of its own. */
static bool name_netns(int netns)
{
	char link[32];

	snprintf(link, sizeof(link), "/proc/self/fd/%d", netns);
	autofd file = open(NETNS_FILE, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	return file >= 0 && unshare(CLONE_NEWNS) == 0 &&
	       mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	       mount(link, NETNS_FILE, NULL, MS_BIND, NULL) == 0;
}

/* In the child: into the directory of its files, bound to our life. */
static void become(const Spawn *spawn, int netns, int dir_fd, pid_t parent) G_GNUC_NORETURN;
static void become(const Spawn *spawn, int netns, int dir_fd, pid_t parent)
{
	static const char failed[] = "the network namespace cannot be named";

	if (fchdir(dir_fd) < 0 || !name_netns(netns))
		(void)fd_write_all(spawn->stderr_fd, failed, sizeof(failed) - 1);
	else if (prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == parent)
		(void)spawn_exec(spawn);
	_exit(127);
}

/* It writes its pid when all is set up. Return: 1 it did, 0 not yet, -1 it has ended. */
static int check(Pasta *pasta, int dir_fd)
{
	struct stat st;

	if (fstatat(dir_fd, PID_FILE, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_size > 0)
		return 1;
	if (waitpid(pasta->pid, NULL, WNOHANG) != pasta->pid)
		return 0;
	pasta->pid = 0;
	return -1;
}

/* What it said first: usage and noise follow. g_free() it. */
static char *first_words(int said)
{
	char message[MESSAGE_MAX] = "";
	ssize_t got = pread(said, message, sizeof(message) - 1, 0);

	message[MAX(got, 0)] = '\0';
	g_auto(GStrv) lines = g_strsplit(message, "\n", -1);
	for (size_t i = 0; lines[i]; i++)
		if (*g_strstrip(lines[i]) && !g_str_has_prefix(lines[i], NOISE))
			return g_strescape(lines[i], NULL);
	return g_strdup("it said nothing");
}

static bool wait_ready(Pasta *pasta, int dir_fd, int said, GError **error)
{
	for (int waited = 0; waited < TIMEOUT_MS; waited += STEP_MS) {
		int state = check(pasta, dir_fd);
		if (state > 0)
			return true;
		if (state < 0) {
			g_autofree char *message = first_words(said);
			return error_set(error, ENGINE_ERROR_SYSTEM, "pasta failed: %s", message);
		}
		g_usleep(STEP_MS * 1000);
	}
	return error_set(error, ENGINE_ERROR_TIMEOUT, "pasta does not get ready");
}

bool pasta_start(NetworkRequest *request, int netns, int dir_fd, Pasta *out, GError **error)
{
	g_autofree char *program = pasta_find(error);
	autofd said = program ? memfd_create("pasta", MFD_CLOEXEC) : -1;

	if (!program)
		return false;
	if (userns_is_initial_root())
		return error_set(error, ENGINE_ERROR_UNSUPPORTED,
				 "pasta networking is only supported for rootless mode");
	for (guint i = 0; i < request->ports->len; i++) {
		PortMapping *port = request->ports->pdata[i];
		if (port->host_port == 0)
			port->host_port = choose_port(port->protocol);
	}
	g_autoptr(GPtrArray) argv = build_argv(request);
	const Spawn spawn = {
		.argv = (const char *const *)argv->pdata,
		.program = program,
		.stderr_fd = said,
		.new_session = true,
	};
	(void)unlinkat(dir_fd, PID_FILE, 0);
	pid_t parent = getpid(), pid = said < 0 ? -1 : fork();
	if (pid < 0)
		return error_set_errno(error, "cannot start pasta");
	if (pid == 0)
		become(&spawn, netns, dir_fd, parent);
	out->pid = pid;
	bool ready = wait_ready(out, dir_fd, said, error);
	(void)unlinkat(dir_fd, PID_FILE, 0);
	(void)unlinkat(dir_fd, NETNS_FILE, 0);
	if (!ready)
		pasta_stop(out);
	return ready;
}

void pasta_stop(Pasta *pasta)
{
	if (pasta->pid <= 0)
		return;
	(void)kill(pasta->pid, SIGKILL);
	while (waitpid(pasta->pid, NULL, 0) < 0 && errno == EINTR)
		;
	pasta->pid = 0;
}
