/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Control groups, version 2 only: finding them, making one for a payload, limits, the end.
 *
 * Theory of operation. A "base" is a cgroup that was delegated to us: a unit that we were started
 * in, a scope that systemd made for one container, or for root without systemd the top. Processes
 * of ours that stand in it (commands, monitors, uplinks) go into BASE/supervisor, because a cgroup
 * whose children have controllers may hold none itself; the payload gets a child of its own, which
 * alone is limited. Nothing here is allowed by a path: a base is opened once, below the mount's
 * root, and what it holds is reached through that descriptor, one checked name at a time
 * (CVE-2023-6476).
 *
 * A crash leaves an empty cgroup. It has no processes, costs nothing, and goes with the next
 * command that heals the container, or with the unit.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <sys/types.h>

#include "libpod/runtime/oci_config.h"

/* The child of a base for everything that is no payload. */
#define CGROUP_SUPERVISOR "supervisor"

/** cgroup_path_is_valid() - absolute as in /proc/PID/cgroup: "/", or components that are no ".",
 * "..", empty or with control characters. */
bool cgroup_path_is_valid(const char *path);

/** cgroup_parse_own() - the path in the "0::" line of /proc/PID/cgroup. NULL: none, or not a valid
 * one. g_free() it. */
char *cgroup_parse_own(const char *text);

/**
 * cgroup_parse_mounts() - find a cgroup in the mounts of /proc/self/mountinfo
 * @path:		a valid cgroup path
 * @out_mount:		where a cgroup2 file system that has it is mounted
 * @out_relative:	where it is below that; "." for the mount's root
 *
 * Return: false if no mount shows it.
 */
bool cgroup_parse_mounts(const char *mountinfo, const char *path, char **out_mount,
			 char **out_relative);

/** cgroup_list_has() - is @controller in the text of cgroup.controllers or its like? */
bool cgroup_list_has(const char *list, const char *controller);

/** cgroup_is_unified() - is cgroup v2 what this host uses, and alone? Two calls. */
bool cgroup_is_unified(void);

/** cgroup_of() - the cgroup of a process, 0 = our own. NULL with NOT_FOUND or SYSTEM. */
char *cgroup_of(pid_t pid, GError **error);

/** cgroup_open() - open a cgroup by its path. Return: O_RDONLY directory or -1; NOT_FOUND. */
int cgroup_open(const char *path, GError **error);

/** cgroup_is_delegated() - did systemd leave what is below @fd to us? */
bool cgroup_is_delegated(int fd);

/** cgroup_looks_delegated() - the same in one or two calls, before anything is opened; a guess
 * where the file system is not mounted at its usual place. */
bool cgroup_looks_delegated(const char *path);

/** cgroup_has() - is @controller available in the cgroup @fd? */
bool cgroup_has(int fd, const char *controller);

/**
 * cgroup_enable() - let the children of a base have a controller
 *
 * If need be, every process that stands in the base itself moves to its supervisor.
 *
 * @error:	UNSUPPORTED if the base does not have that controller
 */
bool cgroup_enable(int base_fd, const char *controller, GError **error);

/** cgroup_make() - make and open the child @name of a base; one that is there is used. Return:
 * directory or -1. */
int cgroup_make(int base_fd, const char *name, GError **error);

/** cgroup_make_below() - make and open @path, a valid one, below a base, with the base's
 * controllers in every part. Return: directory or -1. */
int cgroup_make_below(int base_fd, const char *path, const char *const *controllers,
		      GError **error);

/** cgroup_delegate() - give what a manager below needs of @fd to a user: the directory, its
 * processes and the controllers of its children; limits stay ours. Return: false with errno. */
bool cgroup_delegate(int fd, uid_t uid, gid_t gid);

/** cgroup_open_member() - open the cgroup of process @pid if it is below @fd, whose path ends with
 * "/@name". Return: directory or -1. */
int cgroup_open_member(int fd, const char *name, pid_t pid);

/** cgroup_freeze() - stop all its processes, or let them go on. Return: false with errno. */
bool cgroup_freeze(int fd, bool on);

/** cgroup_wait_frozen() - until the kernel says that all of them stand still. Return: false if they
 * do not within @timeout_ms. */
bool cgroup_wait_frozen(int fd, int timeout_ms);

/** cgroup_read() - the text of a file of a cgroup; NULL if there is none. g_free() it. */
char *cgroup_read(int fd, const char *file);

/** cgroup_read_number() - a number in a file: the first one, or the one behind the word @key; -1 if
 * there is none. */
int64_t cgroup_read_number(int fd, const char *file, const char *key);

/** cgroup_limit() - set what the config asks for on a payload's cgroup. A controller that is not
 * there is an error only for a limit. */
bool cgroup_limit(int fd, const OciConfig *config, GError **error);

/**
 * cgroup_remove() - kill everything in the child @name of a base and remove it with all below
 *
 * Return: false with errno if it is still there after two seconds; a missing one is success.
 */
bool cgroup_remove(int base_fd, const char *name);
