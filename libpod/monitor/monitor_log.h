/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing a container's log: drivers, rotation, and what happens on a full disk.
 *
 * k8s-file   "2026-01-31T12:00:00.123456789+00:00 stdout F text": F ends a line, P does not
 * journald   see monitor_journal.h: nothing is kept here
 * json-file  {"log":"text\n","stream":"stdout","time":"2026-01-31T12:00:00.123456789Z"}
 *
 * Records never cross files. A full file becomes NAME.1, NAME.1 becomes NAME.2 and so on; a
 * follower that holds a file finds by its inode which one comes next (libpod/logs.c). Nothing here
 * waits for anybody or fails: what cannot be written is dropped, counted, and noted in the log as
 * soon as it can be written again.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "libpod/monitor/monitor.h"

typedef struct MonitorLog MonitorLog;

typedef struct {
	LogDriver driver;
	int dir_fd;                       /* of "log", borrowed for the call */
	const char *path;                 /* absolute, instead of that; NULL = none */
	int64_t max_size;                 /* bytes per file */
	int max_files;                    /* rotated files kept */
	const char *id;                   /* of the container, for journald, as the rest */
	const char *container_name, *tag; /* NULL: none */
	const char *const *labels;        /* NAME=VALUE; NULL: none */
	const char *journal_socket;       /* NULL: journald's own */
} MonitorLogOptions;

/** monitor_log_open() - open or continue a log; drivers without a file give a log that swallows
 * all. */
MonitorLog *monitor_log_open(const MonitorLogOptions *options, GError **error);

/** monitor_log_write() - record output of a container, as it came at @now_ns. */
void monitor_log_write(MonitorLog *log, bool is_stderr, const char *data, size_t size,
		       int64_t now_ns);

/** monitor_log_end() - a run has ended: write what waited for the rest of a character. */
void monitor_log_end(MonitorLog *log, int64_t now_ns);

/** monitor_log_lost() - lines dropped so far because they could not be written. */
uint64_t monitor_log_lost(const MonitorLog *log);

void monitor_log_free(MonitorLog *log);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MonitorLog, monitor_log_free)
