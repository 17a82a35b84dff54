/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ends of a home: one that never came to be, members without one, and its ways to others.
 */
#include "network/home.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libpod/base/fd.h"
#include "network/home_protocol.h"
#include "network/uplink_home.h"
#include "network/uplink_peers.h"

#define SHARE   64    /* of one client */
#define LONGEST 15000 /* milliseconds */

/* A home whose bridge cannot be had: what it should take over is no netns. Return: its pid. */
static pid_t start_hopeless(int listener)
{
	const HomeRequest request = {
		.magic = HOME_MAGIC,
		.mtu = 1500,
		.network = 0x0a590000,
		.prefix = 24,
		.gateway = 0x0a590001,
		.first = 0x0a590001,
		.last = 0x0a5900fe,
		.adopted = 1,
	};
	pid_t pid = fork();

	g_assert_cmpint(pid, >=, 0);
	if (pid > 0)
		return pid;
	int null = fcntl(open("/dev/null", O_RDONLY), F_DUPFD, 10);
	int own = fcntl(listener, F_DUPFD, 10);
	if (dup2(own, HOME_FD_LISTENER) < 0 || dup2(null, HOME_FD_NETNS) < 0)
		_exit(99);
	_exit(uplink_home_main(&request));
}

/* Return: did it end by itself, with 1? */
static bool ends(pid_t pid)
{
	int status;

	for (int waited = 0; waited < LONGEST; waited += 50) {
		if (waitpid(pid, &status, WNOHANG) == pid)
			return WIFEXITED(status) && WEXITSTATUS(status) == 1;
		g_usleep(50 * 1000);
	}
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, &status, 0);
	return false;
}

static void test_without_a_bridge(void)
{
	g_autofree char *path = g_dir_make_tmp("skiff-home-XXXXXX", NULL);
	autofd dir = open(path, O_RDONLY | O_DIRECTORY);
	autofd listener = fd_socket_listen(dir, "sock", SOCK_SEQPACKET);
	autofd forgotten = fd_socket_listen(dir, "forgotten", SOCK_SEQPACKET);
	const HomeAsk ask = {.magic = HOME_MAGIC, .op = HOME_JOIN};
	HomeAnswer answer = {0};

	g_assert_cmpint(listener, >=, 0);
	/* Who waits for it is told. */
	pid_t pid = start_hopeless(listener);
	autofd fd = fd_socket_connect(dir, "sock", SOCK_SEQPACKET);
	g_assert_true(fd_send(fd, &ask, sizeof(ask), NULL, 0));
	g_assert_cmpint(recv(fd, &answer, sizeof(answer), 0), ==, sizeof(answer));
	g_assert_cmpint(answer.code, ==, HOME_FAILED);
	g_assert_true(g_str_has_prefix(answer.message, "cannot make a bridge: "));
	g_assert_true(ends(pid));
	/* Who says nothing, and who never comes, are not waited for for ever. */
	pid_t lonely = start_hopeless(forgotten), unheard = start_hopeless(listener);
	autofd silent = fd_socket_connect(dir, "sock", SOCK_SEQPACKET);
	g_assert_cmpint(silent, >=, 0);
	g_assert_true(ends(lonely));
	g_assert_true(ends(unheard));
	g_assert_cmpint(unlinkat(dir, "forgotten", 0), ==, 0);
	g_assert_cmpint(unlinkat(dir, "sock", 0), ==, 0);
	g_assert_cmpint(rmdir(path), ==, 0);
}

static void test_member_of_nothing(void)
{
	const HomeMember none = HOME_MEMBER_NONE;
	const NetworkAttachment attachment = {.name = (char *)"net"};
	g_autoptr(GError) error = NULL;

	g_assert_true(home_unplug(&attachment, &none, &error));
	g_assert_no_error(error);
	g_assert_false(home_link(&none, &none));
	g_assert_cmpint(errno, ==, ENOTCONN);
}

static void test_share_of_a_client(void)
{
	/* Both live as long as the process: a leak checker finds them here. */
	static UplinkPeers *peers;
	static UplinkPeer *peer;
	UplinkLoop loop;
	uint8_t data[] = "\0\1\1\0\0\1\0\0\0\0\0\0\3web\0\0\1\0\1";
	HomeQuestion question = {.client = 1, .data = data, .size = sizeof(data) - 1};
	int ends[2];

	g_assert_true(uplink_loop_init(&loop));
	peers = uplink_peers_new(&(UplinkPeersSetup){.loop = &loop});
	g_assert_cmpint(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), ==, 0);
	peer = uplink_peers_add(peers, 1, ends[0], false, NULL);
	g_assert_nonnull(peer);
	autofd other = ends[1];
	for (int i = 0; i < SHARE; i++) {
		uint8_t buffer[64];
		g_assert_true(uplink_peers_ask(peers, peer, &question, NULL, 0));
		g_assert_cmpint(recv(other, buffer, sizeof(buffer), 0), ==,
				(ssize_t)(4 + question.size));
	}
	g_assert_false(uplink_peers_ask(peers, peer, &question, NULL, 0));
	question.client = 2;
	g_assert_true(uplink_peers_ask(peers, peer, &question, NULL, 0));
	close(loop.epoll_fd);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/home/without-a-bridge", test_without_a_bridge);
	g_test_add_func("/home/member-of-nothing", test_member_of_nothing);
	g_test_add_func("/home/share-of-a-client", test_share_of_a_client);
	return g_test_run();
}
