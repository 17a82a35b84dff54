/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events: what commands did, one line of JSON each, in the runtime directory.
 *
 * A line is appended by one write() to a file opened with O_APPEND, so writers need no lock and
 * readers see whole lines. When the file is full it becomes events.1 and a new one begins: two
 * files of EVENTS_FILE_MAX bytes are all there ever is. No process watches: who did it writes it.
 * What a monitor does on its own (restarts, health) it writes itself, by monitor/event_file.h.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "libpod/container.h"
#include "libpod/monitor/event_file.h"

typedef enum {
	EVENT_CONTAINER,
	EVENT_IMAGE,
	EVENT_VOLUME,
	EVENT_SECRET,
	EVENT_NETWORK,
	EVENT_POD,
} EventType;

typedef struct {
	int64_t time; /* ns since 1970; 0: now */
	EventType type;
	const char *status; /* podman's word: "create", "died", ... */
	const char *id;     /* NULL for volumes */
	const char *name;
	const char *image;      /* of a container */
	GHashTable *attributes; /* of strings: labels, "signal"; may be NULL */
	int exit_code;          /* of "died" and "exec_died" */
	bool has_exit_code;
} Event;

/** event_write() - append an event. A full disk costs the event, not the command: it is only
 * logged. */
void event_write(Engine *engine, const Event *event);

/** event_container(), event_image(), event_volume() - the same for an object. */
void event_container(Engine *engine, const Container *ctr, const char *status);
void event_container_exit(Engine *engine, const Container *ctr, const char *status, int exit_code);
void event_image(Engine *engine, const char *status, const char *id, const char *name);
void event_secret(Engine *engine, const char *status, const char *id, const char *name);
void event_volume(Engine *engine, const char *status, const char *name);
void event_pod(Engine *engine, const char *status, const char *id, const char *name,
	       GHashTable *labels);
/** event_network() - @id: of the network that was made or removed, or of the container that was
 * connected or disconnected. */
void event_network(Engine *engine, const char *status, const char *name, const char *id);

/** event_type_name() - "container", "image", "volume", "secret", "network", "pod". */
const char *event_type_name(EventType type);

typedef struct EventReader EventReader;

/** event_reader_new() - from the oldest event that is kept, or from now on. */
EventReader *event_reader_new(Engine *engine, bool from_now);
void event_reader_free(EventReader *reader);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(EventReader, event_reader_free)

/**
 * event_reader_next() - the next event
 * @out:	its strings are borrowed until the next call
 *
 * Return: false if there is none yet.
 */
bool event_reader_next(EventReader *reader, Event *out);

/** event_reader_wait() - until there may be more, at most @timeout_ms (-1: for ever). */
void event_reader_wait(EventReader *reader, int timeout_ms);
