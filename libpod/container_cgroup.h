/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a container's cgroup is made, and what is left of it.
 *
 * In a delegated unit that we were started in: UNIT/skiff-ID for every container, without asking
 * anybody. Else, if a limit was asked for, in a scope that systemd makes for this container
 * (skiff-scope): skiff-ID.scope/payload. Else nowhere: a plain `run` starts no program and nobody
 * has to be asked. Root on a host without systemd uses the top.
 *
 * A pod's limits are those of its infra container, whose cgroup has the members' in it, as
 * skiff-ID, and its own process in another child. A member's monitor stands where it was started,
 * if the kernel lets it put processes there from where it is, else in a scope of its own. The pod's
 * cgroup goes with the infra container, and whoever is in it ends then.
 *
 * The record containers/ID/cgroup in the runtime directory names it. It is written before the
 * cgroup is made and goes after it, so a cgroup of ours without a record does not exist.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <sys/types.h>

#include "libpod/container.h"
#include "libpod/monitor/monitor.h"
#include "libpod/spec.h"

typedef struct {
	const ContainerSpec *spec; /* what was asked for; borrowed */
	int base_fd;               /* -1: none, or not yet */
	char *base_path;           /* as in /proc/PID/cgroup; NULL: none, or not yet */
	char *name;                /* of the payload's cgroup in the base; NULL: none */
	char *scope;               /* a unit that was asked for; NULL: none */
	char *pod_path;            /* of the pod's cgroup, while a scope is asked for; NULL: none */
	pid_t asking;              /* skiff-scope; 0: none */
	int asking_fd;             /* its stdin and stdout; -1: none */
	char **without;            /* controllers that the base lacks; NULL: none */
	char *lacking;             /* why there is none; NULL: there is */
} ContainerCgroup;

#define CONTAINER_CGROUP_NONE ((ContainerCgroup){.base_fd = -1, .asking_fd = -1})

/**
 * container_cgroup_plan() - find a base for a container that is about to start
 *
 * Moves us into the supervisor's part of a delegated unit; for a scope it starts skiff-scope. What
 * cannot be had is no error: a warning if it was asked for, else nothing.
 */
void container_cgroup_plan(Container *ctr, const ContainerSpec *spec, ContainerCgroup *out);

/** container_cgroup_is_asked() - was something typed that only a cgroup can give? */
bool container_cgroup_is_asked(const ContainerSpec *spec);

/** container_cgroup_check() - can this host make it where --cgroup-parent says? INVALID, in
 * podman's words. */
bool container_cgroup_check(const ContainerSpec *spec, GError **error);

/** container_cgroup_check_systemd() - a systemd that is to run without a cgroup of its own:
 * UNSUPPORTED with --systemd=always, else a warning. */
bool container_cgroup_check_systemd(const ContainerCgroup *cgroup, GError **error);

/** container_cgroup_is_planned() - will there be one, as far as we know now? */
bool container_cgroup_is_planned(const ContainerCgroup *cgroup);

/** container_cgroup_describe() - put path and limits into the config; without a cgroup it has none.
 */
void container_cgroup_describe(const ContainerCgroup *cgroup, OciConfig *config);

/** container_cgroup_give() - have the scope made around the monitor, record the cgroup and tell the
 * monitor. */
bool container_cgroup_give(ContainerCgroup *cgroup, Container *ctr, Monitor *monitor,
			   GError **error);

void container_cgroup_clear(ContainerCgroup *cgroup);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ContainerCgroup, container_cgroup_clear)

/** container_cgroup_path() - of a live container's payload, as in /proc/PID/cgroup. NULL: it has
 * none of its own. g_free() it. */
char *container_cgroup_path(Container *ctr);

/**
 * container_cgroup_extend() - before the limits of a live container change
 * @asked:	the limits as they were typed, for what is said about them
 * @changes:	the limits; what its cgroup cannot have is told and taken out
 */
bool container_cgroup_extend(Container *ctr, const ContainerSpec *asked, OciResources *changes,
			     GError **error);

/** container_cgroup_manager() - whom a monitor asks for scopes, as MonitorRequest has it. NULL:
 * there is no systemd that we could reach. g_free() it. */
char *container_cgroup_manager(Engine *engine);

/** container_cgroup_remove() - kill and remove what container @id, which nobody watches any more,
 * left. */
void container_cgroup_remove(Engine *engine, const char *id);
