/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stack file for `docker stack deploy`: format 3.8, which docker checks strictly.
 *
 * What the model says for one machine is said under deploy (replicas, restart policy, limits);
 * what a swarm ignores or refuses is left out and noted. Dollars are doubled: docker interpolates.
 */
#pragma once

#include "cmd/compose/compose_export.h"

/** export_swarm() - the stack file as a tree; node_free() it. */
Node *export_swarm(ComposeExport *export);
