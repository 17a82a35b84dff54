/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starts: containers that come up side by side.
 *
 * A start is begun, and waited for when it is in the way: others are as many as are good for the
 * machine, something depends on it, or all is over. Nothing forks for it: the monitors do the work.
 */
#pragma once

#include "libpod/container.h"

typedef struct ComposeStarts ComposeStarts;

/** compose_starts_new() - none yet. @most: as many at once; 0: as are good for the machine. */
ComposeStarts *compose_starts_new(guint most);
/** compose_starts_free() - wait for what has begun; what fails now is not told. */
void compose_starts_free(ComposeStarts *starts);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ComposeStarts, compose_starts_free)

/** compose_starts_add() - begin to start a container, which must outlive @starts. An error may be
 * one of another that had begun before. */
bool compose_starts_add(ComposeStarts *starts, const char *service, Container *ctr, GError **error);

/**
 * compose_starts_finish() - wait for the starts of a service, and those begun before
 * @service:	NULL: all
 * @error:	the first; all are waited for
 */
bool compose_starts_finish(ComposeStarts *starts, const char *service, GError **error);
