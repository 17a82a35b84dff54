/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What init and the exec joiner do alike at the end, below the exec line: signals, descriptors,
 * terminal, working directory, execve.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libpod/runtime/sync.h"

/** process_reset_signals() - default actions, nothing blocked. */
int process_reset_signals(void);

/**
 * process_place_fds() - lay out the descriptors of the payload and close all others
 * @stdio:	three descriptors; become 0, 1, 2
 * @extra:	@n_extra descriptors; become 3, 4, ...
 * @keep:	@n_keep close-on-exec descriptors that are still needed; moved behind those,
 * rewritten in place
 *
 * Everything else is closed for good, before the working directory and argv[0] are looked up (R6).
 */
int process_place_fds(const int stdio[3], const int *extra, size_t n_extra, int *keep,
		      size_t n_keep);

/** process_set_window() - size of a terminal; 0 leaves it. */
int process_set_window(int fd, uint16_t rows, uint16_t columns);

/** process_take_terminal() - a session of its own with @fd as the controlling terminal. */
int process_take_terminal(int fd);

/** process_enter_cwd() - chdir; -EXDEV if that led outside of the root (R6). */
int process_enter_cwd(const char *path);

/** process_env_get() - value of @name in an environment block, NULL if absent. */
const char *process_env_get(const char *const *env, const char *name);

/** process_env_with_home() - @env, with HOME appended unless it has one. g_strfreev() it. */
char **process_env_with_home(const char *const *env, const char *home);

/**
 * process_execute() - find the program along the payload's PATH and become it
 *
 * Return: only on failure: negative errno, report->subject is the program. -EACCES wins over
 * -ENOENT, as in execvpe(3); there is no fallback to a shell.
 */
int process_execute(const char *const *args, const char *const *env, SyncReport *report);
