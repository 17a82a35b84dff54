/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Containers: the lifecycle of one recorded container.
 *
 * A Container is a record on disk that this process has open: containers/ID/ (ID.rm for --rm) in
 * the store, and containers/ID/ in the runtime directory while it runs. The record is changed only
 * here, under its op lock, and always before the front end is told.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "libpod/engine.h"
#include "libpod/spec.h"

typedef enum {
	CONTAINER_CREATED,
	CONTAINER_RUNNING,
	CONTAINER_STOPPING,
	CONTAINER_EXITED,
	CONTAINER_PAUSED,
	CONTAINER_RESTARTING,  /* the monitor waits out its back-off */
	CONTAINER_INITIALIZED, /* by `init`: all is set up, its program is not executed yet */
} ContainerState;

typedef struct Container Container;

/* A place on a named network; addresses are there while the container runs. */
typedef struct {
	char *name;
	char *ip, *ip6, *mac, *interface; /* or NULL */
	char *gateway, *gateway6;         /* or NULL */
	int prefix, prefix6;
} ContainerNetwork;

/* What ps and inspect want to know of a container, cheap to read. Borrowed from the Container. */
typedef struct {
	char *id; /* 64 hex digits */
	char *name;
	char *former_name; /* what a killed rename may have left beside it, or NULL */
	ContainerState state;
	char *image_id, *image_name;
	char **command;   /* resolved args */
	int64_t created;  /* ns since 1970 */
	int64_t started;  /* ns, 0 = never */
	int64_t finished; /* ns, 0 = never */
	int exit_code;
	bool exit_known; /* false: a monitor was killed and nobody saw the code */
	bool oom_killed;
	bool stopping;        /* it runs, and was asked to end */
	bool stopped_by_user; /* its last run ended by stop, kill or the like, not by itself */
	pid_t pid;            /* init, 0 unless running */
	pid_t monitor_pid;
	bool auto_remove;
	int restart_count;
	char *health; /* "starting" "healthy" "unhealthy", or NULL: it has no probe, or never ran */
	char *error;  /* why the last start failed, or NULL */
	GHashTable *labels;
	GPtrArray *ports; /* of PortMapping: as bound while running, else as asked */
	NetworkMode network_mode;
	GPtrArray *networks; /* of ContainerNetwork: named ones, never NULL */
	char **mounts;       /* where they are in the container, for ps */
	char **volume_names;
	char **depends; /* full ids: containers whose namespaces it shares or that it requires */
	char *pod, *pod_name; /* id and name of the pod it is in, or NULL */
	bool infra;           /* it holds the pod's namespaces and does nothing else */
} ContainerSummary;

void container_free(Container *ctr);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Container, container_free)

/** container_summary() - what was read when it was opened or last reloaded; borrowed. */
const ContainerSummary *container_summary(const Container *ctr);
/** container_summary_is_live() - has it a monitor? */
static inline bool container_summary_is_live(const ContainerSummary *summary)
{
	return summary->state != CONTAINER_CREATED && summary->state != CONTAINER_EXITED;
}
/** container_reload() - read the state again, under the lock. NOT_FOUND if it is gone. */
bool container_reload(Container *ctr, GError **error);
/**
 * container_find_holder() - which container that exists has @name? One whose container is gone is
 * free: *@out_id is NULL then. Under names/.lock. @out_id is for g_free().
 */
bool container_find_holder(Engine *engine, const char *name, char **out_id, GError **error);
/** container_engine() - the engine it was opened with, borrowed. */
Engine *container_engine(const Container *ctr);
/** container_spec() - the recorded spec (create.json), read on first use; borrowed. NULL with
 * CORRUPT. */
const ContainerSpec *container_spec(Container *ctr, GError **error);
/** container_uses_image() - is it made from this image, or has it mounted? */
bool container_uses_image(Container *ctr, const char *image_id);
/** container_dir_fd() - its directory in the store; container_run_fd() - in the runtime directory,
 * -1 with errno if absent. */
int container_dir_fd(Container *ctr);
int container_run_fd(Container *ctr);
/** container_dir_path() - absolute path of its directory in the store. g_free() it. */
char *container_dir_path(Container *ctr);
const char *container_state_name(ContainerState state);
/** container_shown_state() - what ps and its like say: "stopping" of a running one that `stop`
 * waits for, which is running to all that work with it. */
ContainerState container_shown_state(const ContainerSummary *s);
/** container_network_labels() - what ps calls its networks: the names, else the mode's. g_free()
 * the array only. */
const char **container_network_labels(const ContainerSummary *summary);
/** container_find_network() - its place on a network, borrowed; NULL: none. */
const ContainerNetwork *container_find_network(const ContainerSummary *summary, const char *name);

/** container_lookup() - by name (with the slash before it that docker shows, or without), full id
 * or unique prefix. NULL without error if absent; INVALID if ambiguous. */
Container *container_lookup(Engine *engine, const char *name, GError **error);
/** container_resolve() - as lookup; absent is NOT_FOUND in podman's words: no container with name
 * or ID "X" found: no such container. */
Container *container_resolve(Engine *engine, const char *name, GError **error);
/** containers_list() - all, newest first; broken ones are skipped with log_warn. GPtrArray of
 * Container. */
GPtrArray *containers_list(Engine *engine, GError **error);
/** containers_list_users() - the same for who removes what no container uses: a record that cannot
 * be read may use it, and is an error. */
GPtrArray *containers_list_users(Engine *engine, GError **error);
/** container_latest() - the one created last; NOT_FOUND. */
Container *container_latest(Engine *engine, GError **error);

/**
 * container_create() - record a container from a resolved spec; makes its volumes
 * Run, step 6. EXISTS if the name is taken (podman's words, with the holder's id); --replace
 * removes the holder.
 */
Container *container_create(Engine *engine, const ContainerSpec *spec, GError **error);

typedef struct {
	bool attach_stdin, attach_stdout, attach_stderr; /* of this command; all false = detached */
	bool detached;
	bool hold;         /* everything but the program: a later start goes on from there */
	bool ends_with_us; /* it is killed when this process is gone */
	bool at_once;      /* IN_USE instead of waiting for whoever is at work on it */
	/* $NOTIFY_SOCKET of the unit that we are started in, NULL outside of one */
	const char *notify_socket;
	int listen_fds;           /* sockets from descriptor 3 on that the unit was given */
	const char *listen_names; /* $LISTEN_FDNAMES, or NULL */
	const char *watchdog;     /* $WATCHDOG_USEC of the unit, or NULL */
	const char *preserve; /* '1' for each of our descriptors from 3 on that the container gets,
			       * '0' for a hole; NULL: none */
	GBytes *const *secrets; /* of the spec's secrets that are given, in their order */
} ContainerStart;

/**
 * container_start() - give a container a monitor and wait until its program runs
 * @out_control:	control socket for attach_run(), owned by the caller; may be NULL when
 * detached
 * @error:	BAD_STATE if it already runs (@options->hold: or is initialized), COMMAND_NOT_FOUND,
 * COMMAND_NOT_EXECUTABLE, IN_USE (port), INVALID
 *
 * Run, step 7. On failure what this call made is undone and the record says why.
 */
bool container_start(Container *ctr, const ContainerStart *options, int *out_control,
		     GError **error);

/* A container whose monitor is on its way. */
typedef struct ContainerStarting ContainerStarting;

/**
 * container_start_begin() - the first half of container_start(): it does not wait for the program
 *
 * So that several containers start side by side. @ctr and what @options point to must outlive what
 * is returned, for which container_start_finish() must follow. It holds @ctr's lock: who has begun
 * one begins others with @options->at_once, and none that depends on it.
 */
ContainerStarting *container_start_begin(Container *ctr, const ContainerStart *options,
					 GError **error);

/** container_start_finish() - wait until the program runs; frees @started. The rest is said at
 * container_start(). */
bool container_start_finish(ContainerStarting *started, int *out_control, GError **error);

typedef struct {
	int timeout_s; /* between the stop signal and SIGKILL; -1: the container's own */
	bool removing; /* container_remove() follows: nothing is recorded */
} ContainerStop;

/**
 * container_stop_begin() - send the stop signal and do not wait
 *
 * So that several containers stop side by side: a container_stop() with the same options must
 * follow for each, and says what went wrong here.
 */
void container_stop_begin(Container *ctr, const ContainerStop *options);

/** container_stop() - stop signal, then SIGKILL; returns when it has exited. No-op unless running;
 * BAD_STATE if it is paused and stays. */
bool container_stop(Container *ctr, const ContainerStop *options, GError **error);
/** container_kill() - send a signal; BAD_STATE unless running or paused: can only kill running
 * containers. ID is in state exited. */
bool container_kill(Container *ctr, int signum, GError **error);
/**
 * container_wait_health() - block until its health is @wanted ("healthy", "unhealthy")
 * @error:	BAD_STATE if it has no health check, or does not run
 */
bool container_wait_health(Container *ctr, const char *wanted, GError **error);

/**
 * container_health() - State.Health: Status, FailingStreak, Log. NULL: it has no health check.
 */
Json *container_health(Container *ctr);
/** container_pause_check() - can this host pause anything? UNSUPPORTED, in podman's words. */
bool container_pause_check(bool pause, GError **error);

/**
 * container_pause() - freeze all its processes, or let them go on
 * @error:	BAD_STATE in podman's words, UNSUPPORTED if it has no cgroup of its own
 */
bool container_pause(Container *ctr, bool pause, GError **error);

typedef struct {
	const ContainerSpec *asked; /* what changes: resources, pids, ulimits, env_asked,
				     * unset_env, health_asked */
	const char *restart;        /* policy, as restart_parse() reads it; NULL: stays */
} ContainerUpdate;

/**
 * container_update() - other limits, probes or another restart policy, now and for the next starts;
 * other variables and ulimits for the next starts, variables for exec sessions, too
 *
 * What the host cannot limit is warned of and kept for a start where it can. @error: INVALID;
 * SYSTEM if the kernel refuses: nothing is recorded then.
 */
bool container_update(Container *ctr, const ContainerUpdate *update, GError **error);

/** container_wait() - block until it is not running (or @removed: gone). *out_code: exit code, 255
 * with *out_known false if unknown. */
bool container_wait(Container *ctr, bool removed, int *out_code, bool *out_known, GError **error);

/**
 * container_rename() - give a container another name, also while it runs
 * @error:	EXISTS if another container has it, INVALID
 *
 * Killed at any point, it can be found by the old name or the new one, or by both.
 */
bool container_rename(Container *ctr, const char *name, GError **error);

typedef struct {
	bool force;           /* running: stop (timeout) and kill first */
	bool volumes;         /* also anonymous volumes */
	int timeout_s;        /* -1 = its own */
	bool keep_dependents; /* those that depend on it are not looked for */
	bool with_pod;        /* an infra container goes, too, although its pod is there */
} ContainerRemove;
/** container_dependents() - ids of the containers that depend on it, itself left out.
 * g_strfreev(). */
char **container_dependents(Container *ctr, GError **error);
/** container_remove() - EXISTS while others depend on it; BAD_STATE if running without force, in
 * podman's words. */
bool container_remove(Container *ctr, const ContainerRemove *options, GError **error);
/** containers_remove() - with force, those of @ids (NULL-terminated) that are still there. */
bool containers_remove(Engine *engine, char **ids, GError **error);

/**
 * container_finish() - after attach_run() saw the exit code: record it, remove a --rm container
 *
 * `run` and `start -a` call it so that the next command finds the end done; whichever of this and
 * the monitor's clean-up comes first does the work.
 */
bool container_finish(Container *ctr, GError **error);

/** container_cleanup() - what the monitor execs at the end: record the exit, remove --rm
 * containers, do what the exit policy of its @pod (or NULL) asks for. Never waits for a lock. */
bool container_cleanup(Engine *engine, const char *id, const char *pod, GError **error);

/** container_remove_from_pod_hosts() - take a removed member's name out of the hosts file that its
 * pod has; under pod_take_turn(), as names are added. */
void container_remove_from_pod_hosts(Engine *engine, const char *infra_id, const char *name);

/** containers_heal() - records of dead monitors and old boots set right; changing commands call it
 * through engine_open(). */
bool containers_heal(Engine *engine, GError **error);

/** containers_heal_steps() - remove the containers of builds that are gone. */
bool containers_heal_steps(Engine *engine, GError **error);

/** container_processes() - pids of all its processes, as seen by us. GArray of pid_t. */
GArray *container_processes(Container *ctr, GError **error);
