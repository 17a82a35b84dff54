/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What there is of a project: its containers, known by their labels alone.
 */
#pragma once

#include "cmd/compose/compose_progress.h"
#include "libpod/container.h"

typedef struct {
	Container *ctr;
	char *service, *hash; /* of the labels; never NULL */
	int number;
	bool oneoff; /* of `compose run` */
	int rank;    /* behind all that it depends on */
} ComposeContainer;

/** compose_state_list() - the containers of a project, by rank, service and number; GPtrArray of
 * ComposeContainer. */
GPtrArray *compose_state_list(Engine *engine, const char *project, GError **error);

/**
 * compose_state_select() - those of some services, borrowed, in the same order
 * @services:	NULL or empty: all
 * @oneoff:	also those of `compose run`
 */
GPtrArray *compose_state_select(const GPtrArray *state, const char *const *services, bool oneoff);

/** compose_state_label() - a label of a container; "" if it has none. Borrowed. */
const char *compose_state_label(const Container *ctr, const char *label);

/** compose_state_reload() - the container as it is now; NULL if it is gone. */
Container *compose_state_reload(Engine *engine, const Container *ctr);

/** compose_state_runs() - does it run, or is it about to again? */
bool compose_state_runs(const Container *ctr);
