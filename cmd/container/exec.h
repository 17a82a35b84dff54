/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One more process in a running container, for verbs beside exec.
 */
#pragma once

#include "libpod/container.h"

/**
 * exec_run() - run a command and wait for it; what it writes is written to our own streams
 * @asked:	its variables, user and working directory
 * @args:	NULL-terminated
 *
 * A signal ends us, unless the caller has blocked it and so takes care of it.
 * @error:	BAD_STATE if the container does not run
 */
bool exec_run(Engine *engine, Container *ctr, ContainerSpec *asked, bool privileged,
	      const char *const *args, int *out_code, GError **error);
