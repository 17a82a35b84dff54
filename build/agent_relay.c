/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between RUN and an SSH agent.
 *
 * A RUN may use the user's keys while it runs; it must not take them out of the agent, lock it or
 * put keys of its own into it, which would be used long after. So only two requests are passed on
 * (https://datatracker.ietf.org/doc/draft-ietf-sshm-ssh-agent/): for the list of keys and for a
 * signature; all others are answered with "failure". The agent sees the user who builds, whoever
 * the step runs as.
 *
 * One process for each mount, without any descriptor but its own. Each client has a connection of
 * its own to the agent. A request is passed on when it is whole; who sends half of one makes nobody
 * wait, but who does not read an answer makes the others of the same mount wait.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "build/agent.h"
#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/wall.h"

#define CLIENTS_MAX 32
#define FRAME_MAX   (256u << 10) /* as OpenSSH's */
#define HEAD_SIZE   4

enum { SSH_AGENT_FAILURE = 5, SSH_AGENTC_REQUEST_IDENTITIES = 11, SSH_AGENTC_SIGN_REQUEST = 13 };

typedef struct {
	int fd, agent_fd;
	GByteArray *in; /* of a request that is not whole */
} Client;

static void free_client(void *data)
{
	Client *client = data;
	fd_close(&client->fd);
	fd_close(&client->agent_fd);
	g_byte_array_unref(client->in);
	g_free(client);
}

/* The size of a message that begins with @head, with that; 0: it is none. */
static size_t frame_size(const uint8_t head[HEAD_SIZE])
{
	size_t size =
		(size_t)head[0] << 24 | (size_t)head[1] << 16 | (size_t)head[2] << 8 | head[3];
	return size > 0 && size <= FRAME_MAX ? HEAD_SIZE + size : 0;
}

static bool read_exactly(int fd, uint8_t *data, size_t size)
{
	while (size > 0) {
		ssize_t n = recv(fd, data, size, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		data += n;
		size -= (size_t)n;
	}
	return true;
}

/* A whole request: pass it and its answer on. */
static bool ask_agent(const Client *client, const uint8_t *request, size_t size)
{
	static const uint8_t failure[] = {0, 0, 0, 1, SSH_AGENT_FAILURE};
	uint8_t head[HEAD_SIZE];
	uint8_t type = request[HEAD_SIZE];
	if (type != SSH_AGENTC_REQUEST_IDENTITIES && type != SSH_AGENTC_SIGN_REQUEST &&
	    wall_stands("agent-requests"))
		return fd_write_all(client->fd, failure, sizeof failure);
	if (!fd_write_all(client->agent_fd, request, size) ||
	    !read_exactly(client->agent_fd, head, sizeof head))
		return false;
	size_t answer_size = frame_size(head);
	if (!answer_size)
		return false;
	g_autofree uint8_t *answer = g_malloc(answer_size);
	memcpy(answer, head, sizeof head);
	return read_exactly(client->agent_fd, answer + HEAD_SIZE, answer_size - HEAD_SIZE) &&
	       fd_write_all(client->fd, answer, answer_size);
}

/* Something came. Return: false: the client is to go. */
static bool serve(Client *client)
{
	uint8_t data[4096];
	ssize_t n = recv(client->fd, data, sizeof data, MSG_DONTWAIT);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	if (n == 0)
		return false;
	g_byte_array_append(client->in, data, (guint)n);
	while (client->in->len >= HEAD_SIZE) {
		size_t size = frame_size(client->in->data);
		if (size == 0)
			return false;
		if (client->in->len < size)
			break;
		if (!ask_agent(client, client->in->data, size))
			return false;
		g_byte_array_remove_range(client->in, 0, (guint)size);
	}
	return true;
}

static void accept_client(GPtrArray *clients, const BuildAgent *agent, int listen_fd)
{
	autofd fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);
	autofd agent_fd = fd < 0 ? -1 : fd_socket_connect(agent->dir_fd, agent->name, SOCK_STREAM);
	if (agent_fd < 0)
		return;
	Client *client = g_new0(Client, 1);
	client->fd = fd_steal(&fd);
	client->agent_fd = fd_steal(&agent_fd);
	client->in = g_byte_array_new();
	g_ptr_array_add(clients, client);
}

/* For ever: whoever started us ends us. */
static void relay(const BuildAgent *agent, int listen_fd)
{
	g_autoptr(GPtrArray) clients = g_ptr_array_new_with_free_func(free_client);
	for (;;) {
		struct pollfd fds[1 + CLIENTS_MAX];
		guint n = clients->len;
		fds[0] = (struct pollfd){.fd = n < CLIENTS_MAX ? listen_fd : -1, .events = POLLIN};
		for (guint i = 0; i < n; i++)
			fds[1 + i] = (struct pollfd){.fd = ((Client *)clients->pdata[i])->fd,
						     .events = POLLIN};
		if (poll(fds, 1 + n, -1) < 0 && errno != EINTR)
			return;
		for (guint i = n; i-- > 0;)
			if (fds[1 + i].revents && !serve(clients->pdata[i]))
				g_ptr_array_remove_index(clients, i);
		if (fds[0].revents)
			accept_client(clients, agent, listen_fd);
	}
}

/* The child keeps nothing of the build but the two descriptors it needs. */
static int relay_child(const BuildAgent *agent, int listen_fd, pid_t parent)
{
	enum { LISTEN = 3, DIRECTORY, END };
	int null = openat(AT_FDCWD, "/dev/null", O_RDWR | O_CLOEXEC);
	int listener = fcntl(listen_fd, F_DUPFD_CLOEXEC, END);
	int directory = fcntl(agent->dir_fd, F_DUPFD_CLOEXEC, END);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent || null < 0)
		return 1;
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (dup2(null, fd) < 0)
			return 1;
	if (dup2(listener, LISTEN) < 0 || dup2(directory, DIRECTORY) < 0 ||
	    syscall(SYS_close_range, (unsigned)END, ~0U, 0) < 0)
		return 1;
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGINT, SIG_IGN);
	const BuildAgent ours = {.dir_fd = DIRECTORY, .name = agent->name, .process = -1};
	relay(&ours, LISTEN);
	return 1;
}

pid_t build_agent_relay(const BuildAgent *agent, int listen_fd, GError **error)
{
	pid_t parent = getpid(), pid = fork();
	if (pid == 0)
		_exit(relay_child(agent, listen_fd, parent));
	if (pid < 0)
		error_set_errno(error, "cannot serve an agent");
	return pid;
}
