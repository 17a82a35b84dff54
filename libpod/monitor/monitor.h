/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parent's side of a monitor: what it is asked to run, starting it, and its word back.
 *
 * The request travels as JSON in a sealed memfd; descriptors have fixed numbers in the monitor
 * (enum below). On the control pair (SOCK_SEQPACKET) the monitor sends one message "started"
 * {"pid":N,"ports":[…]} or "error" {"code":ErrorCode,"message":…}, then, if attached, output frames
 * and at last "exit" {"code":N}.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <sys/types.h>

#include "libpod/base/log.h"
#include "libpod/base/spawn.h"
#include "libpod/monitor/health_config.h"
#include "libpod/runtime/oci_config.h"
#include "network/network.h"

typedef enum {
	RESTART_NO,
	RESTART_ON_FAILURE,
	RESTART_ALWAYS,
	RESTART_UNLESS_STOPPED,
} RestartKind;

typedef enum {
	LOG_DRIVER_K8S_FILE,
	LOG_DRIVER_JSON_FILE,
	LOG_DRIVER_JOURNALD,
	LOG_DRIVER_NONE,
	LOG_DRIVER_PASSTHROUGH,
} LogDriver;

/* What the monitor does for --sdnotify. */
typedef enum {
	MONITOR_NOTIFY_NONE,    /* nothing; with a socket, its exit code is still the container's */
	MONITOR_NOTIFY_STARTED, /* the starting command has said that it is ready */
	MONITOR_NOTIFY_CONTAINER, /* the payload has a socket whose words are passed on */
	MONITOR_NOTIFY_HEALTHY,   /* ready after the first probe that passes */
} MonitorNotify;

typedef struct {
	const char *id;
	const char *name;
	const OciConfig *config;
	const NetworkRequest *network;
	LogDriver log_driver;
	const char *log_path;          /* absolute, or NULL: "log" in the container's directory */
	int64_t log_max_size;          /* bytes per file; <= 0: 16 MiB */
	const char *log_tag;           /* for journald, or NULL */
	const char *const *log_labels; /* likewise: LABEL=VALUE; NULL: none */
	int log_max_files;             /* rotated files kept besides the current; < 0: 3 */
	RestartKind restart;
	int restart_retries;                     /* 0 = no limit */
	int restart_delay_ms, restart_window_ms; /* see restart_policy.h */
	bool auto_remove;
	bool hold;              /* the first run begins when a command asks for it */
	bool cgroup;            /* it waits for monitor_give_cgroup() before it starts anything */
	bool open_stdin;        /* -i */
	bool ends_with_starter; /* nobody wants the result when the starting command is gone */
	bool detached;          /* nobody attaches at start: stdin is /dev/null unless open_stdin */
	bool attach_stdin, attach_stdout, attach_stderr; /* of the starting command */
	int timeout_s;              /* --timeout: SIGKILL after that many seconds; 0 = none */
	const HealthConfig *health; /* NULL: no probes */
	int stop_signal;            /* what asks init to stop; 0: SIGTERM */
	int stop_timeout_s;         /* between that and SIGKILL */
	const char *const
		*cleanup_argv; /* the program (absolute) and arguments exec'd at the end */
	LogLevel log_level;
	bool keep_groups;        /* our supplementary groups are the container's */
	const int *preserve_fds; /* of ours, for 3, 4, ... of the payload; -1: a hole */
	size_t n_preserve_fds;   /* at most LAUNCH_PRESERVE_MAX */
	bool systemd;            /* the payload writes to its cgroup, if it gets one of its own */
	bool keep_preserved;     /* for further runs, too: sockets of the service manager's */
	const char *manager;     /* whom to ask for scopes of networks' homes; NULL: nobody */
	MonitorNotify notify;    /* NONE: there is no service manager */
	int notify_fd;           /* connected to its socket, unless NONE */
} MonitorRequest;

/* The host's systemd as a manager; the user's is named by its runtime directory. */
#define MONITOR_MANAGER_SYSTEM "system"

/* Descriptors of a starting monitor. */
enum {
	MONITOR_FD_REQUEST = 3,  /* sealed memfd */
	MONITOR_FD_CONTROL = 4,  /* SOCK_SEQPACKET to the starting command */
	MONITOR_FD_STORE = 5,    /* store root, O_RDONLY|O_DIRECTORY */
	MONITOR_FD_STATE = 6,    /* containers/ID in the store */
	MONITOR_FD_RUN = 7,      /* containers/ID in the runtime directory */
	MONITOR_FD_LIFE = 8,     /* the life lock, held by its description */
	MONITOR_FD_SECCOMP = 9,  /* memfd, or /dev/null for unconfined */
	MONITOR_FD_SECRETS = 10, /* memfd with the secrets' bytes, or /dev/null */
	MONITOR_FD_COUNT = 11,   /* from here on: what the payload is to have from 3 on */
};

/* How the monitor is put into the user's namespaces: libpod/rootless gives this. */
typedef pid_t (*MonitorSpawner)(const Spawn *spawn, void *data, GError **error);

typedef struct Monitor Monitor;

/**
 * monitor_spawn() - start skiff-monitor for a request
 * @fds:	descriptors MONITOR_FD_STORE ... MONITOR_FD_SECRETS, in that order (6 of them),
 * borrowed
 *
 * Run, step 8.
 */
Monitor *monitor_spawn(const MonitorRequest *request, const int *fds, MonitorSpawner spawner,
		       void *data, GError **error);

/** monitor_pid() - its pid, as we see it. */
pid_t monitor_pid(const Monitor *monitor);

/**
 * monitor_give_cgroup() - tell it where the payload's cgroup is to be made
 * @base_fd:	a cgroup whose children have the controllers needed; -1: there is none
 * @name:	of the child
 * @leaf:	of a child of that, for the payload, because others are to be beside it; NULL: none
 * @without:	controllers that the base lacks: what needs them is not set; NULL: none
 */
bool monitor_give_cgroup(Monitor *monitor, int base_fd, const char *name, const char *leaf,
			 const char *const *without, GError **error);

/**
 * monitor_wait_started() - wait for its first word
 * @out_pid:	init's pid; may be NULL
 * @error:	as launch_init(), launch_release(), uplink_wait_ready(); CORRUPT if it died without
 * a word
 */
bool monitor_wait_started(Monitor *monitor, pid_t *out_pid, GError **error);

/** monitor_control_fd() - the control socket for attach_run(), borrowed. */
int monitor_control_fd(const Monitor *monitor);

/** monitor_free() - close our end. The monitor goes on. */
void monitor_free(Monitor *monitor);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Monitor, monitor_free)

/** restart_parse() - "no" "on-failure[:N]" "always" "unless-stopped". INVALID in podman's words. */
bool restart_parse(const char *text, RestartKind *out_kind, int *out_retries, GError **error);
const char *restart_name(RestartKind kind);
/** log_driver_parse() - "k8s-file" "json-file" "none" "passthrough"; INVALID. */
bool log_driver_parse(const char *text, LogDriver *out_driver, GError **error);
const char *log_driver_name(LogDriver driver);
