/* SPDX-License-Identifier: Apache-2.0 */
/*
 * post_start and pre_stop of services: commands inside their containers.
 */
#pragma once

#include "cmd/compose/node.h"
#include "libpod/container.h"

/**
 * compose_hook_run() - run one command as a hook or an exec of develop.watch describes it
 * @error:	BAD_STATE in docker compose's words if it ends with another code than 0
 */
bool compose_hook_run(Engine *engine, Container *ctr, const char *service, const Node *hook,
		      GError **error);

/**
 * compose_hooks_run() - run those of a service in a container, in order
 * @kind:	"post_start" or "pre_stop"
 *
 * The first that fails is the last.
 */
bool compose_hooks_run(Engine *engine, Container *ctr, const NodeEntry *service, const char *kind,
		       GError **error);
