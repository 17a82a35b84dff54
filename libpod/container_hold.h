/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stops all processes of a container for a while, so that its files do not change under a copy.
 *
 * The freezer of its cgroup does that, as for `pause`, but nobody is told: `stop` and `ps` find a
 * running container. Without a cgroup of its own each process gets SIGSTOP, and SIGCONT behind it.
 * A child does that: when we are killed it lets them go on.
 */
#pragma once

#include <glib.h>

#include "libpod/container.h"

typedef struct ContainerHold ContainerHold;

/** container_hold() - returns when all of them stand still. */
ContainerHold *container_hold(Container *ctr, GError **error);

/** container_hold_release() - let them go on. NULL is fine. */
void container_hold_release(ContainerHold *hold);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ContainerHold, container_hold_release)
