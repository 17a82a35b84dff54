/* SPDX-License-Identifier: Apache-2.0 */
#include "libpod/events.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/json.h"
#include "libpod/base/log.h"
#include "libpod/base/path.h"
#include "libpod/base/units.h"
#include "libpod/monitor/event_file.h"

#define POLL_MS        100
#define ROTATION_TRIES 100

const char *event_type_name(EventType type)
{
	static const char *const names[] = {
		[EVENT_CONTAINER] = "container", [EVENT_IMAGE] = "image",
		[EVENT_VOLUME] = "volume",       [EVENT_SECRET] = "secret",
		[EVENT_NETWORK] = "network",     [EVENT_POD] = "pod"};
	return names[type];
}

/* The line as it stands in the file. */
static Json *to_json(const Event *event)
{
	Json *json = json_object_new_object();
	js_set_int(json, "t", event->time ? event->time : units_now());
	js_set_string(json, "type", event_type_name(event->type));
	js_set_string(json, "status", event->status);
	js_set_string(json, "id", event->id);
	js_set_string(json, "name", event->name);
	js_set_string(json, "image", event->image);
	if (event->has_exit_code)
		js_set_int(json, "exit", event->exit_code);
	if (event->attributes && g_hash_table_size(event->attributes) > 0)
		js_set_take(json, "attributes", js_from_string_map(event->attributes));
	return json;
}

void event_write(Engine *engine, const Event *event)
{
	g_autoptr(Json) json = to_json(event);
	if (!event_file_append(engine_run_fd(engine), json))
		log_info("the event '%s' was not recorded: %s", event->status, strerror(errno));
}

static Event of_container(const Container *ctr, const char *status)
{
	const ContainerSummary *s = container_summary(ctr);
	return (Event){
		.type = EVENT_CONTAINER,
		.status = status,
		.id = s->id,
		.name = s->name,
		.image = s->image_name,
		.attributes = s->labels,
	};
}

void event_container(Engine *engine, const Container *ctr, const char *status)
{
	const Event event = of_container(ctr, status);
	event_write(engine, &event);
}

void event_container_exit(Engine *engine, const Container *ctr, const char *status, int exit_code)
{
	Event event = of_container(ctr, status);
	event.exit_code = exit_code;
	event.has_exit_code = true;
	event_write(engine, &event);
}

void event_image(Engine *engine, const char *status, const char *id, const char *name)
{
	const Event event = {.type = EVENT_IMAGE, .status = status, .id = id, .name = name};
	event_write(engine, &event);
}

void event_volume(Engine *engine, const char *status, const char *name)
{
	const Event event = {.type = EVENT_VOLUME, .status = status, .name = name};
	event_write(engine, &event);
}

void event_secret(Engine *engine, const char *status, const char *id, const char *name)
{
	const Event event = {.type = EVENT_SECRET, .status = status, .id = id, .name = name};
	event_write(engine, &event);
}

void event_pod(Engine *engine, const char *status, const char *id, const char *name,
	       GHashTable *labels)
{
	const Event event = {
		.type = EVENT_POD, .status = status, .id = id, .name = name, .attributes = labels};
	event_write(engine, &event);
}

void event_network(Engine *engine, const char *status, const char *name, const char *id)
{
	const Event event = {.type = EVENT_NETWORK, .status = status, .id = id, .name = name};
	event_write(engine, &event);
}

struct EventReader {
	Engine *engine;
	int fd;         /* of the file that is read; -1: none yet */
	GString *bytes; /* read, and not handed out yet */
	Json *json;     /* what the last event borrows from */
	GHashTable *attributes;
};

static bool same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* What stands as events.1. Return: false if nothing does. */
static bool stat_old(const EventReader *reader, struct stat *out)
{
	return fstatat(engine_run_fd(reader->engine), EVENTS_OLD, out, AT_SYMLINK_NOFOLLOW) == 0;
}

/*
 * Go on to the file behind the one we hold; if that is not kept any more, or we hold none, to the
 * oldest. Somebody may begin a new file meanwhile, then it is tried again: none is passed over.
 * Return: false if there is none.
 */
static bool open_next(EventReader *reader)
{
	int dir = engine_run_fd(reader->engine);
	for (int i = 0; i < ROTATION_TRIES; i++) {
		struct stat held, before, after;
		bool has_old = stat_old(reader, &before);
		bool holds_old = has_old && reader->fd >= 0 && fstat(reader->fd, &held) == 0 &&
				 same_file(&held, &before);
		const char *name = has_old && !holds_old ? EVENTS_OLD : EVENTS_FILE;
		autofd fd = path_open_state(dir, name, O_RDONLY, 0);
		bool still_old = stat_old(reader, &after);
		if (still_old != has_old || (has_old && !same_file(&before, &after)))
			continue;
		if (fd < 0)
			return false;
		fd_close(&reader->fd);
		reader->fd = fd_steal(&fd);
		/* The rest of a line that a full disk has cut off. */
		g_string_truncate(reader->bytes, 0);
		return true;
	}
	return false;
}

EventReader *event_reader_new(Engine *engine, bool from_now)
{
	EventReader *reader = g_new0(EventReader, 1);
	reader->engine = engine;
	reader->bytes = g_string_new(NULL);
	reader->fd = -1;
	if (!from_now) {
		(void)open_next(reader);
		return reader;
	}
	/* The newest there is: where a new one is just being begun, the one that was full. */
	static const char *const names[] = {EVENTS_FILE, EVENTS_OLD};
	for (size_t i = 0; i < G_N_ELEMENTS(names) && reader->fd < 0; i++)
		reader->fd = path_open_state(engine_run_fd(engine), names[i], O_RDONLY, 0);
	if (reader->fd >= 0)
		(void)lseek(reader->fd, 0, SEEK_END);
	return reader;
}

void event_reader_free(EventReader *reader)
{
	if (!reader)
		return;
	fd_close(&reader->fd);
	g_string_free(reader->bytes, TRUE);
	js_unref(reader->json);
	g_clear_pointer(&reader->attributes, g_hash_table_unref);
	g_free(reader);
}

/* Is the file that we read still the one that is written to? */
static bool is_current(const EventReader *reader)
{
	struct stat here, there;
	return fstatat(engine_run_fd(reader->engine), EVENTS_FILE, &there, AT_SYMLINK_NOFOLLOW) <
		       0 ||
	       (fstat(reader->fd, &here) == 0 && same_file(&here, &there));
}

/* Read on. Return: false if nothing came. */
static bool read_more(EventReader *reader)
{
	char piece[16384];
	if (reader->fd < 0 && !open_next(reader))
		return false;
	for (;;) {
		/* Asked first: what is written before it became the old one is then read below. */
		bool current = is_current(reader);
		ssize_t n = read(reader->fd, piece, sizeof piece);
		if (n > 0) {
			g_string_append_len(reader->bytes, piece, n);
			return true;
		}
		if (current || (n < 0 && errno == EINTR) || !open_next(reader))
			return false;
	}
}

/* One line to an event. false for what is not one of ours. */
static bool parse(EventReader *reader, const char *line, size_t size, Event *out)
{
	const char *type = NULL;
	int64_t code = 0;
	*out = (Event){0};
	js_unref(reader->json);
	g_clear_pointer(&reader->attributes, g_hash_table_unref);
	Json *json = reader->json = js_parse(line, size, "event", NULL);
	if (!json || !js_get_int(json, "t", 0, INT64_MAX, &out->time, NULL) ||
	    !js_get_string(json, "type", &type, NULL) ||
	    !js_get_string(json, "status", &out->status, NULL) ||
	    !js_get_string(json, "id", &out->id, NULL) ||
	    !js_get_string(json, "name", &out->name, NULL) ||
	    !js_get_string(json, "image", &out->image, NULL) ||
	    !js_get_int(json, "exit", 0, 255, &code, NULL) ||
	    !js_get_string_map(json, "attributes", &reader->attributes, NULL) || !type ||
	    !out->status)
		return false;
	out->exit_code = (int)code;
	out->has_exit_code = json_object_object_get_ex(json, "exit", NULL);
	out->attributes = reader->attributes;
	for (EventType t = EVENT_CONTAINER; t <= EVENT_POD; t++) {
		out->type = t;
		if (strcmp(event_type_name(t), type) == 0)
			return true;
	}
	return false;
}

bool event_reader_next(EventReader *reader, Event *out)
{
	for (;;) {
		const char *end = memchr(reader->bytes->str, '\n', reader->bytes->len);
		if (!end && reader->bytes->len > EVENTS_LINE_MAX)
			g_string_truncate(reader->bytes, 0); /* no line of ours */
		if (!end && !read_more(reader))
			return false;
		if (!end)
			continue;
		size_t size = (size_t)(end - reader->bytes->str);
		bool valid = parse(reader, reader->bytes->str, size, out);
		g_string_erase(reader->bytes, 0, (gssize)size + 1);
		if (valid)
			return true;
		log_debug("a line of the events' file is broken");
	}
}

void event_reader_wait(EventReader *reader, int timeout_ms)
{
	int ms = timeout_ms < 0 ? POLL_MS : MIN(timeout_ms, POLL_MS);
	g_usleep((gulong)ms * 1000);
}
