/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Down: containers in the reverse of their order, those of one rank side by side.
 */
#pragma once

#include "libpod/container.h"

typedef struct {
	int timeout_s; /* -1: the container's own */
	bool force;    /* also running ones */
	bool volumes;  /* also anonymous volumes */
} ComposeDown;

/** compose_stop() - stop what runs of a list of ComposeContainer. */
bool compose_stop(const GPtrArray *items, const ComposeDown *options, GError **error);

/** compose_remove() - stop and remove all of a list; without @force those that run stay. */
bool compose_remove(const GPtrArray *items, const ComposeDown *options, GError **error);
