/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pods: containers that share namespaces. pods/NAME/pod.json in the store, which never changes; who
 * is in a pod is told by the containers' own records.
 *
 * The namespaces are held by an infra container: one of ours that executes nothing
 * (runtime/reaper.h) and whose spec has all that the pod was given (network, ports, volumes, host
 * name, limits). A pod that shares nothing has none. If there are limits, its cgroup has those of
 * the members in it (container_cgroup.h).
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "libpod/base/json.h"
#include "libpod/base/record.h"
#include "libpod/container.h"
#include "libpod/engine.h"
#include "libpod/spec.h"

/* Namespaces that members get from the infra container. */
typedef enum {
	POD_SHARE_PID = 1 << 0,
	POD_SHARE_IPC = 1 << 1,
	POD_SHARE_NET = 1 << 2,
	POD_SHARE_USER = 1 << 3,
	POD_SHARE_UTS = 1 << 4,
	POD_SHARE_CGROUP = 1 << 5,
} PodShare;

#define POD_SHARE_DEFAULT (POD_SHARE_IPC | POD_SHARE_NET | POD_SHARE_UTS)

/* When the last member has ended. */
typedef enum {
	POD_EXIT_CONTINUE, /* the infra container goes on */
	POD_EXIT_STOP,     /* it is stopped, too */
} PodExitPolicy;

typedef struct {
	char *id, *name;
	int64_t created; /* ns */
	GHashTable *labels;
	char **create_command; /* or NULL */
	unsigned share;        /* PodShare */
	PodExitPolicy exit_policy;
	char *infra_id; /* NULL: it has none */
	char *hostname; /* as it was asked for, or NULL */
	bool cgroup;    /* members are in the infra container's cgroup, which has the limits */
	RestartKind restart;
	int restart_retries;
} Pod;

void pod_free(Pod *pod);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Pod, pod_free)

typedef struct {
	const char *name;       /* NULL: generated */
	unsigned share;         /* PodShare; 0: without an infra container */
	ContainerSpec *infra;   /* what was asked for the pod; changed here */
	const char *infra_name; /* NULL: the pod's short id and "-infra" */
	PodExitPolicy exit_policy;
	bool own_cgroups; /* no common limits: each member has a cgroup for itself */
	bool replace;
	const char *const *create_command;
} PodCreate;

/** pod_share_parse() - the value of --share; INVALID in podman's words. */
bool pod_share_parse(const char *text, unsigned *out, GError **error);
/** pod_share_names() - "ipc", "net" ..., NULL-terminated. g_free() the array only. */
const char **pod_share_names(unsigned share);
/** pod_exit_policy_parse() - "continue" or "stop"; INVALID in podman's words. */
bool pod_exit_policy_parse(const char *text, PodExitPolicy *out, GError **error);
const char *pod_exit_policy_name(PodExitPolicy policy);

/**
 * pod_create() - record a pod and its infra container, which does not run yet
 * @error:	EXISTS in podman's words if a pod or a container has the name; INVALID
 *
 * Killed between the two, the infra container is removed by the next changing command.
 */
Pod *pod_create(Engine *engine, const PodCreate *options, GError **error);

/** pod_lookup() - by name, id or a unique prefix of the id. NULL without an error if absent. */
Pod *pod_lookup(Engine *engine, const char *name, GError **error);
/** pod_resolve() - as lookup; absent is NOT_FOUND: no pod with name or ID X found: no such pod. */
Pod *pod_resolve(Engine *engine, const char *name, GError **error);
/** pods_list() - all, newest first; broken ones are skipped with log_warn. GPtrArray of Pod. */
GPtrArray *pods_list(Engine *engine, GError **error);
/** pod_latest() - the one created last; NOT_FOUND. */
Pod *pod_latest(Engine *engine, GError **error);
/** pod_name_is_taken() - is there a pod of this name, or may there be one? */
bool pod_name_is_taken(Engine *engine, const char *name);
/** pod_is_there() - and with this id? */
bool pod_is_there(Engine *engine, const char *name, const char *id);
/** pod_lock() - for who works on all of a pod; @timeout_ms as record_lock(). NOT_FOUND if it is
 * gone.
 */
RecordLock *pod_lock(Engine *engine, const Pod *pod, int timeout_ms, const char *operation,
		     GError **error);
/**
 * pod_take_turn() - one member's end is looked at after the other's, so that the last one sees all
 * @start:	for a member that starts, beside others: nobody stops the infra container meanwhile
 * @error:	IN_USE after a while
 *
 * Under it pod_lock() may be tried.
 */
RecordLock *pod_take_turn(Engine *engine, const Pod *pod, bool start, GError **error);
/** pods_pin() - keep all pods from being removed, as long as the lock is held: for who records a
 * container that is in one. Under it only names/.lock may be taken. */
RecordLock *pods_pin(Engine *engine, GError **error);

/** pod_members() - its containers, the infra container first, then oldest first. GPtrArray of
 * Container. */
GPtrArray *pod_members(Engine *engine, const Pod *pod, GError **error);
/** pod_members_of() - the same from a list of all, borrowed from there: g_ptr_array_unref() it. */
GPtrArray *pod_members_of(const GPtrArray *containers, const Pod *pod);
/** pod_status() - podman's word: Created, Running, Degraded, Exited, Stopped, Paused. Static. */
const char *pod_status(const GPtrArray *members);

/**
 * pod_apply() - put a container that is to be in a pod into it: --pod is resolved, the namespaces
 * that the pod shares become the infra container's, volumes and devices are the pod's, too
 * @error:	NOT_FOUND; INVALID for what has to be said when the pod is created
 */
bool pod_apply(Engine *engine, ContainerSpec *spec, GError **error);

/** pod_take_network() - --pod new:NAME: what a container's options say of network and host name
 * goes to the pod's spec. */
void pod_take_network(ContainerSpec *from, ContainerSpec *infra);

/**
 * pod_start() - start what does not run, the infra container first
 * @errors:	of GError, one for each container that did not start
 *
 * Members that run in namespaces of an infra container that was killed are started anew.
 */
bool pod_start(Engine *engine, const Pod *pod, GPtrArray *errors);
/** pod_stop() - all members side by side, then the infra container; @timeout_s: -1: their own. */
bool pod_stop(Engine *engine, const Pod *pod, int timeout_s, GPtrArray *errors);
/** pod_restart() - pod_stop(), then pod_start(). */
bool pod_restart(Engine *engine, const Pod *pod, GPtrArray *errors);
/** pod_kill() - a signal to all that run. */
bool pod_kill(Engine *engine, const Pod *pod, int signum, GPtrArray *errors);
/** pod_pause() - freeze all members that run, or let those that are paused go on; false without an
 * error if there are none of these. */
bool pod_pause(Engine *engine, const Pod *pod, bool pause, GPtrArray *errors);

/** pod_restart_member() - stop and start one; the exit policy does not take that for its end. */
bool pod_restart_member(Engine *engine, const Pod *pod, Container *ctr, const ContainerStop *stop,
			GError **error);

typedef struct {
	bool force;    /* running members are stopped first */
	int timeout_s; /* -1: their own */
} PodRemove;
/** pod_remove() - with all its members; BAD_STATE if one runs and not @force. */
bool pod_remove(Engine *engine, const Pod *pod, const PodRemove *options, GError **error);

/**
 * pod_member_ended() - exit policy "stop": stop the infra container if no member is left that runs
 * or never ran. A command that works on the pod does this at its end instead.
 * @removed:	the member's name, if it is no more: the pod's hosts file forgets it. NULL: it is
 */
void pod_member_ended(Engine *engine, const char *pod_name, const char *removed);

/** pods_heal() - remove infra containers whose pod was never recorded or has gone. */
bool pods_heal(Engine *engine, GError **error);
