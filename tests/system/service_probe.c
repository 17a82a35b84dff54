/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A service of systemd's, in a container: for tests/system/test_service.py and
 *tests/clean/quadlet.py.
 *
 *	service_probe WORD...	one after the other:
 *		text=LINES	sends LINES ("|" is a newline) to $NOTIFY_SOCKET
 *		barrier		sends BARRIER=1 with a pipe and prints "barrier" when the other end
 *is closed env		prints NOTIFY_SOCKET, LISTEN_* and whether LISTEN_PID is ours serve
 *accepts on descriptor 3, answers one line and goes on exit=N		ends
 *		sleep		waits for SIGTERM and exits with 0
 */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static void on_term(int signum)
{
	(void)signum;
	_exit(0);
}

static void send_text(const char *text, int fd)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const char *path = getenv("NOTIFY_SOCKET");
	char words[4096], control[CMSG_SPACE(sizeof(int))];
	snprintf(words, sizeof words, "%s", text);
	for (char *c = words; *c; c++)
		*c = *c == '|' ? '\n' : *c;
	struct iovec part = {words, strlen(words)};
	struct msghdr message = {.msg_name = &address,
				 .msg_namelen = sizeof address,
				 .msg_iov = &part,
				 .msg_iovlen = 1};
	snprintf(address.sun_path, sizeof address.sun_path, "%s", path ? path : "");
	if (fd >= 0) {
		message.msg_control = control;
		message.msg_controllen = sizeof control;
		struct cmsghdr *header = CMSG_FIRSTHDR(&message);
		*header = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof fd),
					   .cmsg_level = SOL_SOCKET,
					   .cmsg_type = SCM_RIGHTS};
		memcpy(CMSG_DATA(header), &fd, sizeof fd);
	}
	int sender = socket(AF_UNIX, SOCK_DGRAM, 0);
	if (sendmsg(sender, &message, 0) < 0)
		perror("send");
	close(sender);
}

static void barrier(void)
{
	int ends[2];
	if (pipe(ends) < 0)
		return;
	send_text("BARRIER=1", ends[1]);
	close(ends[1]);
	struct pollfd end = {.fd = ends[0]};
	puts(poll(&end, 1, 10000) == 1 ? "barrier" : "no barrier");
	close(ends[0]);
}

static void print_env(void)
{
	static const char *const names[] = {"NOTIFY_SOCKET", "LISTEN_FDS", "LISTEN_FDNAMES"};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		printf("%s=%s\n", names[i], getenv(names[i]) ? getenv(names[i]) : "");
	const char *pid = getenv("LISTEN_PID");
	printf("pid %s\n", pid && atoi(pid) == getpid() ? "ours" : pid ? pid : "none");
}

static void serve(void)
{
	int client = accept(3, NULL, NULL);
	if (client < 0) {
		perror("accept");
		return;
	}
	dprintf(client, "served by %s\n", getenv("HOSTNAME") ? getenv("HOSTNAME") : "?");
	close(client);
}

int main(int argc, char **argv)
{
	signal(SIGTERM, on_term);
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (int i = 1; i < argc; i++) {
		if (strncmp(argv[i], "text=", 5) == 0)
			send_text(argv[i] + 5, -1);
		else if (strcmp(argv[i], "barrier") == 0)
			barrier();
		else if (strcmp(argv[i], "env") == 0)
			print_env();
		else if (strcmp(argv[i], "serve") == 0)
			serve();
		else if (strcmp(argv[i], "sleep") == 0)
			for (;;)
				pause();
		else if (strncmp(argv[i], "exit=", 5) == 0)
			return atoi(argv[i] + 5);
	}
	return 0;
}
