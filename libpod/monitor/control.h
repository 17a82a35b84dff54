/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests to a running monitor over ctl.sock in the container's runtime directory.
 *
 * Callers check with the record that the container runs; ECONNREFUSED means the monitor is gone.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "libpod/base/json.h"
#include "libpod/monitor/health_config.h"
#include "libpod/runtime/resources.h"
#include "network/attachment.h"

/** control_signal() - send a signal to init (all = every process of the container). BAD_STATE if it
 * is gone. */
bool control_signal(int run_dir_fd, int signum, bool all, GError **error);

/** control_resize() - set the window of the container's terminal, or of exec session @session. */
bool control_resize(int run_dir_fd, const char *session, uint16_t rows, uint16_t columns,
		    GError **error);

/** control_stopped_by_user() - tell the restart policy that a coming exit is wanted (stop, kill, rm
 * -f); @removing: the caller takes the container away, so that nobody needs to clean up. */
bool control_stopped_by_user(int run_dir_fd, bool removing, GError **error);

/**
 * control_health() - probe the container's health now and wait for what comes of it
 * @out_result:	"healthy", "unhealthy", "starting"; g_free() it
 * @error:	BAD_STATE if it does not run, INVALID if it has no health check, TIMEOUT
 *
 * When it returns, what --health-on-failure asks for is done, too.
 */
bool control_health(int run_dir_fd, char **out_result, GError **error);
/** control_begin() - let the program of an initialized container run. As launch_release();
 * BAD_STATE. */
bool control_begin(int run_dir_fd, GError **error);
/** control_pause() - freeze the container's cgroup, or let it go on. BAD_STATE; UNSUPPORTED if it
 * has none. */
bool control_pause(int run_dir_fd, bool pause, GError **error);

/* What changes for a live container, now and for the runs its monitor makes. */
typedef struct {
	const OciResources *resources;
	const char *restart; /* as restart_parse() reads it, without retries; NULL: stays */
	int restart_retries;
	bool health_given;          /* other probes */
	const HealthConfig *health; /* with that; NULL: none */
	char *const *set_env;       /* NAME=VALUE; NULL: none, for both */
	char *const *unset_env;     /* names, after those */
} ControlUpdate;

/** control_update() - hand over what changes. SYSTEM if the kernel refuses a limit, INVALID if it
 * is too much for one message. */
bool control_update(int run_dir_fd, const ControlUpdate *update, GError **error);

/** control_connect() - connect a network, now and for the next runs. IN_USE: podman's words. */
bool control_connect(int run_dir_fd, const NetworkAttachment *attachment, GError **error);
/** control_disconnect() - disconnect it. NOT_FOUND. */
bool control_disconnect(int run_dir_fd, const NetworkAttachment *attachment, GError **error);
/** control_servers() - the network's servers are others, by the plan of @attachment. */
bool control_servers(int run_dir_fd, const NetworkAttachment *attachment, GError **error);
/** control_reload() - see to what of the networks was killed. BAD_STATE. */
bool control_reload(int run_dir_fd, GError **error);

typedef struct {
	const char *const *args;
	const char *const *env;
	const char *cwd;
	const char *user_spec;
	bool privileged;
	bool terminal;
	uint16_t rows, columns;
	bool open_stdin;
	bool detached;
	int stdio[3]; /* without a terminal: handed over, the process uses them directly; -1 =
			 /dev/null */
	const char *preserve; /* '1' for each of our descriptors from 3 on that is passed, '0' for
			       * a hole; NULL: none */
} ExecRequest;

/**
 * control_exec() - start an exec session
 * @out_socket:	SOCK_SEQPACKET that yields "started", then (after the end) "exit" {"code":N};
 *closing it does not end the session
 * @out_pty:	with a terminal the pty's master comes back; else -1
 * @error:	COMMAND_NOT_FOUND, COMMAND_NOT_EXECUTABLE, INVALID, BAD_STATE
 */
bool control_exec(int run_dir_fd, const ExecRequest *request, char **out_session_id,
		  int *out_socket, int *out_pty, GError **error);
