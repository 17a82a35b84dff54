/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A project that is there: what verbs that work on its containers begin with.
 */
#pragma once

#include "cmd/compose/compose_file.h"
#include "cmd/compose/compose_state.h"
#include "cmd/compose/project_options.h"

typedef struct {
	char *name;
	ComposeProject *project; /* its files; NULL: the labels are all that is known */
	Engine *engine;
	GPtrArray *state; /* of ComposeContainer */
} ComposeLive;

void compose_live_clear(ComposeLive *live);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ComposeLive, compose_live_clear)

/**
 * compose_live_open() - find the project and its containers
 * @services:	named on the command line, NULL-terminated
 * @error:	NOT_FOUND for one that is neither in the files nor has a container
 */
bool compose_live_open(ComposeLive *live, const Invocation *inv, const ProjectOptions *given,
		       bool read_only, const char *const *services, GError **error);

/**
 * compose_live_find() - one container of a service that runs, borrowed
 * @index:	its number, 0 for the first
 * @error:	NOT_FOUND: service "X" is not running
 */
const ComposeContainer *compose_live_find(const ComposeLive *live, const char *service,
					  uint64_t index, GError **error);

/** compose_delegate() - run one of skiff's verbs with these words, in this process. A NULL is added
 * to them. Return: its exit code. */
int compose_delegate(const Invocation *inv, const Command *command, const char *path,
		     GPtrArray *words);
