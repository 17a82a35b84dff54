/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --filter of the verbs that work on containers: KEY=VALUE, several values of a key are
 * alternatives (labels must all match), several keys must all match.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "libpod/container.h"

typedef struct ContainerFilter ContainerFilter;

/**
 * container_filter_new() - parse filters
 * @texts:	of KEY=VALUE; NULL: everything matches
 * @error:	INVALID, NOT_FOUND (before=X)
 */
ContainerFilter *container_filter_new(Engine *engine, const GPtrArray *texts, GError **error);
void container_filter_free(ContainerFilter *filter);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ContainerFilter, container_filter_free)

/** container_filter_matches() - does the container pass? */
bool container_filter_matches(const ContainerFilter *filter, Container *ctr);

/** container_filter_has_status() - was a status asked for, so that ps shows more than what runs? */
bool container_filter_has_status(const ContainerFilter *filter);

/** container_filter_check_prune() - the keys of a prune: fewer than lists have, since a typo there
 * removes things. INVALID in podman's words. */
bool container_filter_check_prune(const GPtrArray *texts, GError **error);
