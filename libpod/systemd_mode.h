/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A systemd as the first process of a container (--systemd): what it needs there, as podman has it.
 *
 * It gets memory at /run, /run/lock, /tmp and /var/log/journal, filled with what the image has
 * there; a cgroup namespace with a cgroup of its own that it may divide (container_cgroup.h); the
 * variable container_uuid, from which it makes the machine's id; and it is stopped by SIGRTMIN+3,
 * unless the image or the command line says another signal. "true", the default, means: if the
 * command is one under which systemd is known.
 *
 * Limits of the whole container stay ours although its root may own the cgroup: the kernel refuses
 * to write them from inside where the host mounts cgroup2 with nsdelegate, as systemd does. On a
 * host with cgroup v1 beside a version 2 that has no controllers there are no limits to lift.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "libpod/runtime/oci_config.h"
#include "libpod/spec.h"

/** systemd_mode_parse() - --systemd true|false|always. INVALID in podman's words. */
bool systemd_mode_parse(const char *text, SpecSystemd *out_mode, GError **error);

/** systemd_mode_is_command() - is @program, as args[0] has it, one that systemd is started by? */
bool systemd_mode_is_command(const char *program);

/** systemd_mode_resolve() - with the arguments known: is it one, and its stop signal. */
void systemd_mode_resolve(ContainerSpec *spec);

/** systemd_mode_has_namespace() - is its cgroup namespace its own, so that it sees nobody else's
 * cgroups? Without it gets none to write to. */
bool systemd_mode_has_namespace(const ContainerSpec *spec);

/** systemd_mode_add_mounts() - its mounts, unless the user has some there. */
void systemd_mode_add_mounts(OciConfig *config, const ContainerSpec *spec);

/** systemd_mode_add_env() - its variable; @id: the container's. */
void systemd_mode_add_env(OciConfig *config, const ContainerSpec *spec, const char *id);
