/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Gates: waiting until containers are where others want them.
 */
#pragma once

#include "cmd/compose/compose_file.h"
#include "libpod/engine.h"

/** compose_gate_wait() - until the conditions of a service's dependencies hold. A dependency that
 * cannot get there any more is an error at once, unless it is not required. */
bool compose_gate_wait(Engine *engine, const ComposeProject *project, const NodeEntry *service,
		       GError **error);

/**
 * compose_gate_wait_all() - until services run, are healthy where they can be, and have ended where
 * another one waits for that
 * @services:	NULL or empty: all
 * @timeout_s:	0 for ever; TIMEOUT
 */
bool compose_gate_wait_all(Engine *engine, const ComposeProject *project,
			   const char *const *services, int timeout_s, GError **error);
