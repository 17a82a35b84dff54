/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ContainerSpec to OciConfig: no I/O but a look at the host's device nodes and processors.
 */
#pragma once

#include "libpod/runtime/oci_config.h"
#include "libpod/spec.h"

typedef struct {
	const char *id;
	const char *dir_path;            /* absolute: where hosts, resolv.conf and hostname are */
	const char *net_dir_path;        /* of the pod whose network it is in, or NULL */
	const char *const *root_options; /* of the overlay at "/"; NULL with a plain --rootfs */
	bool rootless;
	bool notify;              /* the container speaks to the service manager */
	const char *watchdog;     /* us within which it has to, again and again; NULL: no limit */
	int listen_fds;           /* sockets that it was given; 0: none */
	const char *listen_names; /* NULL: they have none */
	int oom_score_adj;        /* ours, the payload gets 100 more */
	uint64_t nofile_hard;     /* our hard limit */
	/* /proc/PID/ns/X of the containers that are joined, NULL where none is */
	const char *netns_path, *pidns_path, *ipcns_path, *utsns_path, *cgroupns_path, *userns_path;
	/* host directories of the spec's volume mounts, parallel to spec->mounts (NULL for others)
	 */
	const char *const *volume_paths;
	const bool *volume_copy_up; /* parallel to spec->mounts */
	/* further options of volumes, and all of an image's overlay; parallel to spec->mounts, NULL
	 * for none. A volume without a path is a tmpfs. */
	char *const *const *mount_options;
} OciBuildContext;

/**
 * oci_build() - the config that the runtime executes
 *
 * Run, step 7.
 *
 * @error:	INVALID for a combination the kernel cannot do
 */
OciConfig *oci_build(const ContainerSpec *spec, const OciBuildContext *context, GError **error);

/** oci_build_thermal_paths() - DIRECTORY/cpuN/thermal_throttle of every processor that has it;
 * g_strfreev(). */
char **oci_build_thermal_paths(const char *directory);

/** oci_build_capabilities() - the bounding set that @spec gets (also for inspect and the syscall
 * filter). */
bool oci_build_capabilities(const ContainerSpec *spec, uint64_t *out_bounding, uint64_t *out_added,
			    GError **error);
