/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading a container's log: k8s-file and json-file, across rotation, live.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "libpod/monitor/monitor.h"

typedef struct {
	LogDriver driver;
	const char *id; /* of the container, for journald */
	bool follow;
	int64_t tail;     /* lines, -1 = all */
	int64_t since_ns; /* 0 = from the start */
	int64_t until_ns; /* 0 = no end */
	/* Called to learn whether the container still runs; follow ends when it does not and all is
	 * read. */
	bool (*is_running)(void *data);
	void *data;
} LogsOptions;

typedef struct {
	int64_t time_ns;
	bool is_stderr;
	bool partial;   /* no newline behind it */
	bool continued; /* goes on where the last partial one of its stream ended: print no time
			   stamp or name */
	const char *text;
	size_t size;
} LogLine;

/** logs_are_kept() - can what a container with this driver wrote be read? */
bool logs_are_kept(LogDriver driver);

/** logs_read() - call @emit for every line in order; @emit returns false to stop. BAD_STATE for
 * drivers without a file. */
bool logs_read(int state_dir_fd, const char *log_path, const LogsOptions *options,
	       bool (*emit)(const LogLine *line, void *data), void *emit_data, GError **error);
