/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Running programs.
 *
 * Theory of operation. spawn_start() is on the path of every run, so the child shares our memory
 * until it has executed the program (CLONE_VM | CLONE_VFORK), as posix_spawn does: nothing is
 * copied and an exec that fails tells us its errno through that memory. The price: between clone
 * and exec the child allocates nothing, has a stack of its own, and no signal handler of ours may
 * run in it.
 */
#include "libpod/base/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/wall.h"

#define MAX_FDS        64
#define CHILD_STACK    (64 * 1024)
#define MAX_STDERR     4096
#define FIRST_EXTRA_FD 3
#define MAX_VARIABLES  64

/* A child that has executed a program leaves its stack's marks in the sanitizer's shadow memory. */
#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#define FORGET_MARKS(start, size) ASAN_UNPOISON_MEMORY_REGION(start, size)
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#include <sanitizer/asan_interface.h>
#define FORGET_MARKS(start, size) ASAN_UNPOISON_MEMORY_REGION(start, size)
#endif
#endif
#ifndef FORGET_MARKS
#define FORGET_MARKS(start, size) ((void)(start), (void)(size))
#endif

extern char **environ;

/* Is this variable of ours fit for a program that is not ours (R16)? */
static bool is_allowed_variable(const char *assignment)
{
	static const char *const names[] = {
		"PATH", "HOME", "LANG", "TERM", "SKIFF_PROGRESS", "XDG_RUNTIME_DIR", "TMPDIR"};
	const char *equals = strchr(assignment, '=');
	if (!equals)
		return false;
	size_t size = (size_t)(equals - assignment);
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		if (strlen(names[i]) == size && strncmp(assignment, names[i], size) == 0)
			return true;
	}
	return size > 6 && g_ascii_strncasecmp(equals - 6, "_proxy", 6) == 0;
}

/* The default environment: borrowed strings, NULL at the end. No allocation. */
static void default_environment(const char *list[static MAX_VARIABLES])
{
	size_t used = 0;
	for (size_t i = 0; environ && environ[i] && used + 1 < MAX_VARIABLES; i++) {
		if (is_allowed_variable(environ[i]))
			list[used++] = environ[i];
	}
	list[used] = NULL;
}

/* The source for a target descriptor: moved above all targets unless it is the target itself. */
static int stage_fd(int source, int target, int first_free)
{
	if (source == SPAWN_INHERIT)
		return target;
	if (target < FIRST_EXTRA_FD && source == 0) {
		int null = openat(AT_FDCWD, "/dev/null", O_RDWR | O_CLOEXEC);
		if (null < 0 || null >= first_free)
			return null;
		int high = fcntl(null, F_DUPFD_CLOEXEC, first_free);
		close(null);
		return high;
	}
	if (source == target || source >= first_free)
		return source;
	return fcntl(source, F_DUPFD_CLOEXEC, first_free);
}

/* Put all descriptors into their places and let no other one through. No allocation. */
static bool place_fds(const Spawn *spawn)
{
	int staged[FIRST_EXTRA_FD + MAX_FDS];
	int count = FIRST_EXTRA_FD + (int)spawn->n_fds;
	if (spawn->n_fds > MAX_FDS) {
		errno = EMFILE;
		return false;
	}
	const int standard[] = {spawn->stdin_fd, spawn->stdout_fd, spawn->stderr_fd};
	for (int i = 0; i < count; i++) {
		int source = i < FIRST_EXTRA_FD ? standard[i] : spawn->fds[i - FIRST_EXTRA_FD];
		staged[i] = stage_fd(source, i, count);
		if (staged[i] < 0)
			return false;
	}
	for (int i = 0; i < count; i++) {
		bool inherit = i < FIRST_EXTRA_FD && standard[i] == SPAWN_INHERIT;
		if (inherit)
			continue; /* open or closed, as ours is */
		if (staged[i] == i ? !fd_set_cloexec(i, false) : dup2(staged[i], i) < 0)
			return false;
	}
	/* Someone who started us may have left descriptors open (R6). */
	return syscall(SYS_close_range, (unsigned)count, ~0U, CLOSE_RANGE_CLOEXEC) == 0;
}

/* Default actions for what we handle and for SIGPIPE, then no signal blocked. */
static void reset_signals(void)
{
	for (int number = 1; number < NSIG; number++) {
		struct sigaction action;
		if (sigaction(number, NULL, &action) < 0)
			continue;
		if (action.sa_handler == SIG_DFL ||
		    (action.sa_handler == SIG_IGN && number != SIGPIPE))
			continue;
		action = (struct sigaction){.sa_handler = SIG_DFL};
		sigaction(number, &action, NULL);
	}
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

int spawn_exec(const Spawn *spawn)
{
	const char *own_environment[MAX_VARIABLES];
	const char *const *envp = spawn->envp;
	if (!envp) {
		default_environment(own_environment);
		envp = own_environment;
	}
	if (spawn->new_session && setsid() < 0)
		return errno;
	if (!place_fds(spawn))
		return errno;
	reset_signals();
	envp = wall_environment(envp);
	execve(spawn->program ? spawn->program : spawn->argv[0], (char *const *)spawn->argv,
	       (char *const *)envp);
	return errno;
}

typedef struct {
	const Spawn *spawn;
	int failure; /* errno of a failed start, written by the child into our memory */
} SpawnChild;

static int child_main(void *data)
{
	SpawnChild *child = data;
	child->failure = spawn_exec(child->spawn);
	_exit(127);
}

static bool set_start_error(GError **error, const char *program, int failure)
{
	ErrorCode code = ENGINE_ERROR_SYSTEM;
	if (failure == ENOENT || failure == ENOTDIR)
		code = ENGINE_ERROR_NOT_FOUND;
	else if (failure == EACCES || failure == EPERM)
		code = ENGINE_ERROR_DENIED;
	return error_set(error, code, "cannot run '%s': %s", program, strerror(failure));
}

/* Clone the child and wait until it has executed the program or failed to. */
static pid_t clone_child(SpawnChild *child, int *out_pidfd)
{
	void *stack = mmap(NULL, CHILD_STACK, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
	if (stack == MAP_FAILED)
		return -1;
	FORGET_MARKS(stack, CHILD_STACK);
	sigset_t all, before;
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	int flags = CLONE_VM | CLONE_VFORK | SIGCHLD | (out_pidfd ? CLONE_PIDFD : 0);
	pid_t pid = clone(child_main, (char *)stack + CHILD_STACK, flags, child, out_pidfd);
	int saved_errno = errno;
	sigprocmask(SIG_SETMASK, &before, NULL);
	munmap(stack, CHILD_STACK);
	errno = saved_errno;
	return pid;
}

pid_t spawn_start(const Spawn *spawn, int *out_pidfd, GError **error)
{
	const char *program = spawn->program ? spawn->program : spawn->argv[0];
	if (*program != '/') {
		error_set(error, ENGINE_ERROR_INVALID, "cannot run '%s': not an absolute path",
			  program);
		return -1;
	}
	SpawnChild child = {.spawn = spawn};
	autofd pidfd = -1;
	pid_t pid = clone_child(&child, out_pidfd ? &pidfd : NULL);
	if (pid < 0) {
		error_set_errno(error, "cannot run '%s'", program);
		return -1;
	}
	if (child.failure != 0) {
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
		set_start_error(error, program, child.failure);
		return -1;
	}
	if (out_pidfd)
		*out_pidfd = fd_steal(&pidfd);
	return pid;
}

int spawn_wait(pid_t pid, GError **error)
{
	int status;
	while (waitpid(pid, &status, 0) < 0) {
		if (errno == EINTR)
			continue;
		error_set_errno(error, "cannot wait for process %d", (int)pid);
		return -1;
	}
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* Read what is there into @buffer, keeping at most @max bytes. Return: false at the end. */
static bool drain(int fd, GString *buffer, size_t max, bool *out_overflow)
{
	char chunk[16384];
	ssize_t n = read(fd, chunk, sizeof chunk);
	if (n < 0)
		return errno == EINTR || errno == EAGAIN;
	size_t kept = MIN((size_t)n, max - buffer->len);
	g_string_append_len(buffer, chunk, (gssize)kept);
	if (kept < (size_t)n)
		*out_overflow = true;
	return n > 0;
}

/* Collect both outputs of a child until it closes them or says too much on stdout. */
static bool collect(int out_fd, int err_fd, size_t max_size, GString *out, GString *err)
{
	struct pollfd polled[] = {{.fd = out_fd, .events = POLLIN},
				  {.fd = err_fd, .events = POLLIN}};
	bool too_much = false, ignored = false;
	while (!too_much && (polled[0].fd >= 0 || polled[1].fd >= 0)) {
		if (poll(polled, G_N_ELEMENTS(polled), -1) < 0)
			continue;
		if (polled[0].revents && !drain(out_fd, out, max_size, &too_much))
			polled[0].fd = -1;
		if (polled[1].revents && !drain(err_fd, err, MAX_STDERR, &ignored))
			polled[1].fd = -1;
	}
	return !too_much;
}

static bool make_pipe(int *out_read, int *out_write)
{
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) < 0)
		return false;
	*out_read = ends[0];
	*out_write = ends[1];
	return true;
}

char *spawn_capture(const Spawn *spawn, const char *input, size_t max_size, GError **error)
{
	const char *program = spawn->program ? spawn->program : spawn->argv[0];
	autofd in = -1, out_read = -1, out_write = -1, err_read = -1, err_write = -1;
	/* A memory file needs no feeding, so the child can't block us while we read. */
	if (input)
		in = fd_memfd("input", input, strlen(input));
	if ((input && in < 0) || !make_pipe(&out_read, &out_write) ||
	    !make_pipe(&err_read, &err_write))
		return error_set_errno_null(error, "cannot run '%s'", program);
	Spawn copy = *spawn;
	copy.stdin_fd = input ? in : 0;
	copy.stdout_fd = out_write;
	copy.stderr_fd = err_write;
	pid_t pid = spawn_start(&copy, NULL, error);
	if (pid < 0)
		return NULL;
	fd_close(&out_write);
	fd_close(&err_write);

	g_autoptr(GString) out = g_string_new(NULL);
	g_autoptr(GString) err = g_string_new(NULL);
	bool complete = collect(out_read, err_read, max_size, out, err);
	if (!complete)
		kill(pid, SIGKILL);
	int code = spawn_wait(pid, error);
	if (code < 0)
		return NULL;
	if (!complete)
		return error_set_null(error, ENGINE_ERROR_INVALID, "'%s' wrote more than %zu bytes",
				      program, max_size);
	if (code != 0) {
		err->str[strcspn(err->str, "\n")] = '\0';
		return error_set_null(error, ENGINE_ERROR_SYSTEM,
				      "'%s' failed with exit code %d%s%s", program, code,
				      *err->str ? ": " : "", err->str);
	}
	return g_string_free(g_steal_pointer(&out), FALSE);
}

/* DIR/NAME if it can be executed, else NULL. */
static char *program_in(const char *dir, const char *name)
{
	g_autofree char *path = g_build_filename(dir, name, NULL);
	return faccessat(AT_FDCWD, path, X_OK, 0) == 0 ? g_steal_pointer(&path) : NULL;
}

char *spawn_find_own(const char *name, GError **error)
{
	const char *override = getenv("SKIFF_LIBEXEC");
	char *found = override && *override == '/' ? program_in(override, name) : NULL;
	if (found)
		return found;

	char self[4096];
	ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
	if (n < 0)
		return error_set_errno_null(error, "cannot find our own program: '/proc/self/exe'");
	self[n] = '\0';
	g_autofree char *dir = g_path_get_dirname(self);
	g_autofree char *libexec = g_build_filename(dir, "..", "libexec", "skiff", NULL);
	found = program_in(dir, name);
	if (!found)
		found = program_in(libexec, name);
	if (!found)
		error_set(error, ENGINE_ERROR_NOT_FOUND,
			  "cannot find our program '%s' in '%s' or '%s'", name, dir, libexec);
	return found;
}

char *spawn_find_system(const char *name)
{
	static const char *const dirs[] = {"/usr/bin", "/bin", "/usr/sbin", "/sbin",
					   "/usr/local/bin"};
	for (size_t i = 0; i < G_N_ELEMENTS(dirs); i++) {
		char *found = program_in(dirs[i], name);
		if (found)
			return found;
	}
	return NULL;
}

GThread *spawn_thread(const char *name, GThreadFunc function, void *data, GError **error)
{
	g_autoptr(GError) failed = NULL;
	GThread *thread = g_thread_try_new(name, function, data, &failed);
	if (!thread)
		(void)error_set(error, ENGINE_ERROR_SYSTEM, "%s", failed->message);
	return thread;
}
