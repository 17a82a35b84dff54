/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Running programs: helpers that are waited for, and our own programs that live on.
 *
 * No shell, no PATH taken from an image, no environment beyond the list given (security R16).
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <sys/types.h>

typedef struct {
	const char *const *argv; /* NULL-terminated; argv[0] is shown, @program is executed */
	const char *program;     /* absolute path; NULL: argv[0], which must be absolute */
	/* NULL: of ours, PATH, HOME, LANG, TERM, XDG_RUNTIME_DIR, TMPDIR and *_proxy */
	const char *const *envp;
	int stdin_fd; /* 0 means /dev/null, for all three; use SPAWN_INHERIT to share ours */
	int stdout_fd;
	int stderr_fd;
	const int *fds; /* become 3, 4, ... in the child */
	size_t n_fds;
	bool new_session; /* setsid() */
	bool keep_groups; /* rootless_spawn(): our supplementary groups stay */
} Spawn;

#define SPAWN_INHERIT (-2)

/**
 * spawn_start() - start a program. @out_pidfd may be NULL.
 *
 * Return: pid, or -1 with NOT_FOUND, DENIED or SYSTEM.
 */
pid_t spawn_start(const Spawn *spawn, int *out_pidfd, GError **error);

/**
 * spawn_exec() - in a child that will become the program: place the descriptors and execve;
 * returns only with errno. Allocates nothing.
 */
int spawn_exec(const Spawn *spawn);

/** spawn_wait() - wait for a child. Return: exit code, 128 + signal, or -1 with @error. */
int spawn_wait(pid_t pid, GError **error);

/**
 * spawn_capture() - run, feed @input, return at most @max_size bytes of its stdout
 * @error:	SYSTEM with the program's first line of stderr if it exits with another code than 0
 */
char *spawn_capture(const Spawn *spawn, const char *input, size_t max_size, GError **error);

/**
 * spawn_find_own() - absolute path of one of our programs ("skiff-monitor")
 *
 * Searched in: $SKIFF_LIBEXEC (tests), the directory of /proc/self/exe, ../libexec/skiff beside it.
 * Return: g_free() it; NULL with NOT_FOUND.
 */
char *spawn_find_own(const char *name, GError **error);

/**
 * spawn_find_system() - absolute path of a system helper in
 * /usr/bin:/bin:/usr/sbin:/sbin:/usr/local/bin. NULL if absent.
 */
char *spawn_find_system(const char *name);

/** spawn_thread() - g_thread_new(), which would abort where the user may have no more of them. */
GThread *spawn_thread(const char *name, GThreadFunc function, void *data, GError **error);
