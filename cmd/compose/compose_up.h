/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Up: from what there is of a project to what its model wants.
 *
 *   check all services -> images -> networks, volumes -> orphans
 *   -> service by service, behind what it depends on: scale down, recreate what differs, create
 *      what is missing; wait for its dependencies' conditions; start
 *
 * Everything happens in this process, over libpod. What a kill leaves is what the next up finds: a
 * container is known by its labels, and a replacement has the old one's id in its name until the
 * old one is gone.
 */
#pragma once

#include "cmd/compose/compose_file.h"
#include "cmd/compose/compose_resources.h"
#include "libpod/engine.h"

typedef struct {
	bool force_recreate, no_recreate, no_start, no_deps, remove_orphans, renew_volumes;
	bool recreate_deps; /* what is not named is recreated in any case */
	bool yes;           /* data of volumes that changed may go without a question */
	bool wait;          /* until all run or are healthy */
	int wait_timeout_s; /* 0: no limit */
	int stop_timeout_s; /* -1: the container's own */
	ComposeImages images;
	const char *without;         /* a service that is only looked at; NULL */
	const char *const *services; /* named on the command line; NULL: all */
} ComposeUp;

/**
 * compose_up() - bring a project up
 * @out_status:	exit code, if what failed has been printed already
 */
bool compose_up(Engine *engine, ComposeProject *project, const ComposeUp *options, int *out_status,
		GError **error);

/** compose_start() - start the containers that there are, behind what they depend on. */
bool compose_start(Engine *engine, ComposeProject *project, const char *const *services,
		   GError **error);
