/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --filter of events: KEY=VALUE; several values of a key are alternatives (labels must all match),
 * several keys must all match.
 */
#pragma once

#include "libpod/events.h"

typedef struct EventFilter EventFilter;

/** event_filter_new() - @texts: may be NULL. @error: INVALID. */
EventFilter *event_filter_new(const GPtrArray *texts, GError **error);
void event_filter_free(EventFilter *filter);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(EventFilter, event_filter_free)

/** event_filter_matches() - does the event pass? */
bool event_filter_matches(const EventFilter *filter, const Event *event);
