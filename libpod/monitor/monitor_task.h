/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a monitor was asked to do, as it reads it from its sealed memfd: the owned twin of
 * MonitorRequest.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "libpod/base/json.h"
#include "libpod/monitor/monitor.h"

typedef struct {
	char *id;
	char *name; /* NULL if it has none */
	OciConfig *config;
	NetworkRequest *network;
	LogDriver log_driver;
	char *log_path;    /* absolute, or NULL: "log" in the container's directory */
	char *log_tag;     /* NULL: none */
	char **log_labels; /* NULL: none */
	int64_t log_max_size;
	int log_max_files;
	RestartKind restart;
	int restart_retries;                     /* 0 = no limit */
	int restart_delay_ms, restart_window_ms; /* see restart_policy.h */
	bool auto_remove;
	bool hold;   /* the first run begins by CONTROL_BEGIN */
	bool cgroup; /* the starting command sends one before anything is started */
	bool open_stdin;
	bool ends_with_starter; /* SIGKILL when the starting command is gone */
	bool detached;
	bool attach_stdin, attach_stdout, attach_stderr;
	int timeout_s;        /* 0 = none */
	HealthConfig *health; /* NULL: no probes */
	int stop_signal, stop_timeout_s;
	char **cleanup_argv; /* NULL: nothing to exec at the end */
	char *libexec; /* where our own programs are: /proc/self/exe cannot tell on a detached mount
			*/
	LogLevel log_level;
	char *preserve; /* a '1' or, for a hole, '0' per descriptor; NULL: none */
	bool keep_preserved;
	bool systemd;
	char *manager;        /* MONITOR_MANAGER_SYSTEM, a runtime directory, or NULL */
	MonitorNotify notify; /* its socket stands behind the preserved descriptors */
} MonitorTask;

#define MONITOR_REQUEST_MAX   (16 << 20) /* bytes of the request's JSON */
#define LOG_MAX_SIZE_DEFAULT  (16 << 20)
#define LOG_MAX_FILES_DEFAULT 3

/** monitor_task_to_json() - the request as JSON; @libexec may be NULL. */
Json *monitor_task_to_json(const MonitorRequest *request, const char *libexec);

/** monitor_task_parse() - the reverse, checked. INVALID. */
MonitorTask *monitor_task_parse(const char *text, size_t size, GError **error);

void monitor_task_free(MonitorTask *task);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MonitorTask, monitor_task_free)
