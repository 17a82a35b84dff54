/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Following the logs of several containers at once.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "libpod/logs.h"

/* One container's log, as logs_read() wants it. */
typedef struct {
	int dir_fd;
	const char *path; /* NULL: the container's own */
	LogsOptions options;
	void *data;                /* for the function that prints */
	void (*ended)(void *data); /* called when all of it is printed; may be NULL */
} FollowedLog;

/**
 * logs_follow() - a process for each log reads it, and we print what they send
 *
 * Lines of one log stay in order and are not torn.
 */
bool logs_follow(const FollowedLog *logs, size_t n, bool (*print)(const LogLine *line, void *data),
		 GError **error);
