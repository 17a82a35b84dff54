/* SPDX-License-Identifier: Apache-2.0 */
#include "libpod/runtime/process.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "libpod/base/wall.h"

#define DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

int process_reset_signals(void)
{
	for (int i = 1; i < _NSIG; i++) {
		struct sigaction action = {.sa_handler = SIG_DFL};
		/* SIGKILL, SIGSTOP and the two that libc keeps say EINVAL. */
		if (i != SIGKILL && i != SIGSTOP && sigaction(i, &action, NULL) < 0 &&
		    errno != EINVAL)
			return -errno;
	}
	sigset_t none;
	sigemptyset(&none);
	return sigprocmask(SIG_SETMASK, &none, NULL) < 0 ? -errno : 0;
}

/* Lift a descriptor out of the way of those that are about to be placed. */
static int lift(int fd, int minimum)
{
	int lifted = fcntl(fd, F_DUPFD_CLOEXEC, minimum);
	return lifted < 0 ? -errno : lifted;
}

int process_place_fds(const int stdio[3], const int *extra, size_t n_extra, int *keep,
		      size_t n_keep)
{
	int lifted[3 + 64 + 4];
	size_t n = 3 + n_extra, all = n + n_keep;
	if (all > sizeof lifted / sizeof *lifted)
		return -E2BIG;
	for (size_t i = 0; i < all; i++) {
		int fd = i < 3 ? stdio[i] : i < n ? extra[i - 3] : keep[i - n];
		bool hole = i >= 3 && i < n && fd < 0;
		lifted[i] = hole ? -1 : lift(fd, (int)all);
		if (!hole && lifted[i] < 0)
			return lifted[i];
	}
	for (size_t i = 0; i < all; i++) {
		/* What is kept stays close-on-exec, the rest is the payload's. */
		if (lifted[i] < 0)
			close((int)i);
		else if (dup3(lifted[i], (int)i, i < n ? 0 : O_CLOEXEC) < 0)
			return -errno;
		if (i >= n)
			keep[i - n] = (int)i;
	}
	if (!wall_stands("closed-descriptors"))
		return 0;
	return close_range((unsigned)all, ~0U, 0) < 0 ? -errno : 0;
}

int process_set_window(int fd, uint16_t rows, uint16_t columns)
{
	struct winsize size = {.ws_row = rows, .ws_col = columns};
	if ((rows || columns) && ioctl(fd, TIOCSWINSZ, &size) < 0)
		return -errno;
	return 0;
}

int process_take_terminal(int fd)
{
	return ioctl(fd, TIOCSCTTY, 0) < 0 ? -errno : 0;
}

int process_enter_cwd(const char *path)
{
	if (chdir(path) < 0)
		return -errno;
	/* The system call itself: libc hides the "(unreachable)" that the kernel puts before it. */
	char reached[PATH_MAX];
	if (syscall(SYS_getcwd, reached, sizeof reached) < 0)
		return -errno;
	return *reached == '/' || !wall_stands("reachable-cwd") ? 0 : -EXDEV;
}

const char *process_env_get(const char *const *env, const char *name)
{
	size_t size = strlen(name);
	for (size_t i = 0; env && env[i]; i++) {
		if (strncmp(env[i], name, size) == 0 && env[i][size] == '=')
			return env[i] + size + 1;
	}
	return NULL;
}

char **process_env_with_home(const char *const *env, const char *home)
{
	g_autoptr(GPtrArray) all = g_ptr_array_new();
	for (size_t i = 0; env && env[i]; i++)
		g_ptr_array_add(all, g_strdup(env[i]));
	if (!process_env_get(env, "HOME"))
		g_ptr_array_add(all, g_strconcat("HOME=", *home ? home : "/", NULL));
	g_ptr_array_add(all, NULL);
	return (char **)g_ptr_array_free(g_steal_pointer(&all), FALSE);
}

/* Try one place. A directory there is no program. Return: -ELIBACC if it is its interpreter that is
 * not there. */
static int try_execute(const char *file, const char *const *args, const char *const *env)
{
	execve(file, (char *const *)args, (char *const *)env);
	int result = -errno;
	return result == -ENOENT && access(file, F_OK) == 0 ? -ELIBACC : result;
}

/* Try every directory of PATH. */
static int search_execute(const char *name, const char *const *args, const char *const *env)
{
	const char *path = process_env_get(env, "PATH");
	int result = -ENOENT;
	for (const char *at = path && *path ? path : DEFAULT_PATH; at;) {
		const char *end = strchrnul(at, ':');
		char file[PATH_MAX];
		int size = g_snprintf(file, sizeof file, "%.*s/%s", (int)(end - at),
				      end == at ? "." : at, name);
		if (end == at)
			size = g_snprintf(file, sizeof file, "./%s", name);
		int tried = size < (int)sizeof file ? try_execute(file, args, env) : -ENAMETOOLONG;
		/* What exists but cannot be run is the better story to tell. */
		bool found = tried == -EACCES || tried == -ELIBACC;
		if (!found && tried != -ENOENT && tried != -ENOTDIR)
			return tried;
		if (found)
			result = tried;
		at = *end ? end + 1 : NULL;
	}
	return result;
}

int process_execute(const char *const *args, const char *const *env, SyncReport *report)
{
	const char *name = args[0];
	report->step = SYNC_STEP_EXECUTE;
	int result = strchr(name, '/') ? try_execute(name, args, env)
		     : *name           ? search_execute(name, args, env)
				       : -ENOENT;
	if (result == -ELIBACC) {
		report->step = SYNC_STEP_INTERPRET;
		result = -ENOENT;
	}
	return sync_subject(report, name, result);
}
