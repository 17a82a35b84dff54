/* SPDX-License-Identifier: Apache-2.0 */
#include "build/agent.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/path.h"
#include "libpod/base/spawn.h"
#include "libpod/secret.h"

#define AGENT_SOCKET  "agent"
#define KEY_SIZE_MAX  (64u << 10)
#define ANSWER_MAX    4096
#define KEY_VARIABLES "SSH_AUTH_SOCK=/proc/self/fd/3/" AGENT_SOCKET

static BuildAgent *new_agent(int dir_fd, const char *name, int process)
{
	BuildAgent *agent = g_new0(BuildAgent, 1);
	agent->dir_fd = dir_fd;
	agent->name = g_strdup(name);
	agent->process = process;
	return agent;
}

/* The user's own: by its directory, which makes a long path short. */
static BuildAgent *open_own(const char *path, GError **error)
{
	g_autofree char *dir = g_path_get_dirname(path);
	g_autofree char *name = g_path_get_basename(path);
	int fd = openat(AT_FDCWD, dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? error_set_errno_null(error, "--ssh '%s'", path) : new_agent(fd, name, -1);
}

/*
 * The child: ssh-agent, in the directory that is its standard input, whose path may be too long for
 * a socket's. Where it is set-group-ID its execution would make it forget whose child it is, and it
 * would outlive us.
 */
static int become_agent(const Spawn *spawn, pid_t parent)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_PDEATHSIG, SIGTERM) < 0 ||
	    getppid() != parent)
		return 1;
	(void)spawn_exec(spawn);
	return 127;
}

/* Start an ssh-agent and wait until it listens. Return: a pidfd; -1 with @error. */
static int start_agent(const char *program, int dir_fd, GError **error)
{
	static const char *const argv[] = {"ssh-agent", "-D", "-a", "/proc/self/fd/0/" AGENT_SOCKET,
					   NULL};
	static const char *const envp[] = {"PATH=/usr/bin:/bin", NULL};
	int ends[2];
	char byte;
	if (pipe2(ends, O_CLOEXEC) < 0)
		return error_set_errno(error, "cannot make a pipe"), -1;
	autofd answer = ends[0];
	autofd out = ends[1];
	const Spawn spawn = {
		.argv = argv,
		.program = program,
		.envp = envp,
		.stdin_fd = dir_fd,
		.stdout_fd = out,
		.new_session = true,
	};
	pid_t parent = getpid(), pid = fork();
	if (pid == 0)
		_exit(become_agent(&spawn, parent));
	autofd process = pid < 0 ? -1 : (int)syscall(SYS_pidfd_open, pid, 0);
	if (process < 0)
		return error_set_errno(error, "cannot start ssh-agent"), -1;
	fd_close(&out);
	/* It prints where it listens. */
	if (read(answer, &byte, 1) == 1)
		return fd_steal(&process);
	(void)waitpid(pid, NULL, 0);
	return error_set(error, ENGINE_ERROR_SYSTEM, "ssh-agent did not start"), -1;
}

/* One key, from its file: ssh-add reads it from us, whatever the mode of that is. */
static bool add_key(const char *program, int dir_fd, const char *path, GError **error)
{
	static const char *const argv[] = {"ssh-add", "-q", "-", NULL};
	static const char *const envp[] = {"PATH=/usr/bin:/bin", KEY_VARIABLES, NULL};
	size_t size = 0;
	/* lint: allow open: the user's own file */
	autofd fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return error_set_errno(error, "--ssh '%s'", path);
	char *key = fd_read_all(fd, KEY_SIZE_MAX, &size, error);
	if (!key)
		return false;
	const Spawn spawn = {
		.argv = argv,
		.program = program,
		.envp = envp,
		.fds = &dir_fd,
		.n_fds = 1,
		.new_session = true, /* no terminal to ask for a passphrase at */
	};
	g_autofree char *answer = spawn_capture(&spawn, key, ANSWER_MAX, error);
	secret_wipe(key, size);
	if (answer)
		return true;
	g_prefix_error(error, "--ssh '%s' is no key that ssh-add takes: ", path);
	error_add_help(error,
		       "a key with a passphrase is for your own agent: ssh-add %s, and --ssh "
		       "default",
		       path);
	return false;
}

/* An agent that holds these keys. */
static BuildAgent *hold_keys(char *const *paths, int dir_fd, GError **error)
{
	g_autofree char *agent = spawn_find_system("ssh-agent");
	g_autofree char *add = spawn_find_system("ssh-add");
	if (!agent || !add)
		return error_set_null(
			error, ENGINE_ERROR_UNSUPPORTED,
			"--ssh with keys needs OpenSSH's ssh-agent and ssh-add, which "
			"are not installed");
	int process = start_agent(agent, dir_fd, error);
	if (process < 0)
		return NULL;
	g_autoptr(BuildAgent) made =
		new_agent(fcntl(dir_fd, F_DUPFD_CLOEXEC, 3), AGENT_SOCKET, process);
	for (; *paths; paths++)
		if (!add_key(add, dir_fd, *paths, error))
			return NULL;
	return g_steal_pointer(&made);
}

BuildAgent *build_agent_open(const char *paths, int parent_fd, const char *dir, GError **error)
{
	struct stat st;
	if (fstatat(AT_FDCWD, paths, &st, 0) == 0 && S_ISSOCK(st.st_mode))
		return open_own(paths, error);
	g_auto(GStrv) list = g_strsplit(paths, ",", -1);
	autofd made = path_mkdirs_state(parent_fd, dir);
	autofd fd = made < 0 ? -1 : path_open_state(parent_fd, dir, O_RDONLY | O_DIRECTORY, 0);
	return fd < 0 ? error_set_errno_null(error, "cannot make a directory for an agent")
		      : hold_keys(list, fd, error);
}

void build_agent_close(void *data)
{
	BuildAgent *agent = data;
	if (!agent)
		return;
	if (agent->process >= 0) {
		siginfo_t info;
		(void)syscall(SYS_pidfd_send_signal, agent->process, SIGTERM, NULL, 0);
		(void)waitid(P_PIDFD, (id_t)agent->process, &info, WEXITED);
	}
	fd_close(&agent->process);
	fd_close(&agent->dir_fd);
	g_free(agent->name);
	g_free(agent);
}
