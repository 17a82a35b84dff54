/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file of events, as it is written: by commands (libpod/events.h) and by monitors, which tell
 * what they do on their own.
 *
 * A line is appended by one write() to a file opened with O_APPEND, so writers need no lock and
 * readers see whole lines. When the file is full it becomes events.1 and a new one begins.
 */
#pragma once

#include <stdbool.h>

#include "libpod/base/json.h"

#define EVENTS_FILE     "events"
#define EVENTS_OLD      "events.1"
#define EVENTS_FILE_MAX (1u << 20)
#define EVENTS_LINE_MAX 65536 /* bytes of one event: labels may be long */

/** event_file_append() - add @event to the file below @run_fd. Return: false with errno. */
bool event_file_append(int run_fd, Json *event);
