/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Down: containers in the reverse of their order, those of one rank side by side.
 */
#pragma once

#include "cmd/compose/compose_file.h"
#include "libpod/container.h"

typedef struct {
	int timeout_s; /* -1: the container's own */
	bool force;    /* also running ones */
	bool volumes;  /* also anonymous volumes */
	/* whose pre_stop hooks run before a container that runs is stopped; NULL: none */
	const ComposeProject *project;
} ComposeDown;

/** compose_stop() - stop what runs of a list of ComposeContainer. */
bool compose_stop(const GPtrArray *items, const ComposeDown *options, GError **error);

/** compose_remove() - stop and remove all of a list; without @force those that run stay. */
bool compose_remove(const GPtrArray *items, const ComposeDown *options, GError **error);
