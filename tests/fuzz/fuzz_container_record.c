/* SPDX-License-Identifier: Apache-2.0 */
/*
 * z14: a container's files as they may lie on a damaged disk: state.json, create.json, exit.json,
 * run.json, a lock's word and the file of events, parted by NUL, of two containers of which one is
 * whole. The whole one is always there; the other is there in a state that makes sense, or refused
 * by name; locks can be taken; events that are read are whole. An 's' in front seals the records:
 * such damage is none that a checksum finds. Behind them z11's filters of ps, one a line: refused
 * in words, or looked at in both containers.
 */
#include <fcntl.h>
#include <glib.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/container/filter.h"
#include "libpod/base/fd.h"
#include "libpod/base/path.h"
#include "libpod/base/seal.h"
#include "libpod/container_priv.h"
#include "libpod/events.h"

#define DAMAGED     "1111111111111111111111111111111111111111111111111111111111111111"
#define WHOLE       "2222222222222222222222222222222222222222222222222222222222222222"
#define N_FILES     6
#define FILTERS_MAX 16

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct {
	char *path;
	Engine *engine;
	int dir, run;
} bed;

static void put(int dir, const char *name, const char *data, size_t size)
{
	autofd fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	g_assert_true(fd >= 0 && fd_write_all(fd, data, size));
}

static int make(int parent, const char *name)
{
	g_assert_cmpint(mkdirat(parent, name, 0700), ==, 0);
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	g_assert_cmpint(fd, >=, 0);
	return fd;
}

static void remove_bed(void)
{
	engine_close(bed.engine);
	g_autofree char *name = g_path_get_basename(bed.path);
	autofd temporary = openat(AT_FDCWD, g_get_tmp_dir(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	(void)path_remove_tree(temporary, name);
}

/* A store with one container that is as it should be. */
static void open_bed(void)
{
	static const char state[] =
		"{\"v\":1,\"name\":\"whole\",\"state\":\"exited\",\"image_id\":\"\",\"created\":1,"
		"\"exit\":3}";
	bed.path = g_dir_make_tmp("skiff-fuzz-XXXXXX", NULL);
	g_assert_nonnull(bed.path);
	g_autofree char *root = g_build_filename(bed.path, "root", NULL);
	g_autofree char *run = g_build_filename(bed.path, "run", NULL);
	const EngineOptions options = {.root = root, .runroot = run};
	g_autoptr(GError) error = NULL;
	bed.engine = engine_open(&options, &error);
	g_assert_no_error(error);
	(void)atexit(remove_bed);
	int containers = store_dir(engine_store(bed.engine), "containers");
	bed.dir = make(containers, DAMAGED);
	bed.run = make(engine_run_containers_fd(bed.engine), DAMAGED);
	autofd whole = make(containers, WHOLE);
	put(whole, "state.json", state, strlen(state));
}

static void check_whole(void)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(Container) ctr = container_open(bed.engine, WHOLE, &error);
	g_assert_no_error(error);
	const ContainerSummary *s = container_summary(ctr);
	g_assert_cmpstr(s->name, ==, "whole");
	g_assert_cmpint(s->exit_code, ==, 3);
}

static void check_damaged(void)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(Container) ctr = container_open(bed.engine, DAMAGED, &error);
	g_assert_true((ctr == NULL) == (error != NULL));
	if (!ctr) {
		g_assert_nonnull(strstr(error->message, "111111111111"));
		return;
	}
	const ContainerSummary *s = container_summary(ctr);
	g_assert_nonnull(s->name);
	g_assert_cmpstr(s->id, ==, DAMAGED);
	g_assert_true(s->exit_code >= 0 && s->exit_code <= 255);
	/* No monitor holds its life: it does not run, whatever the files say. */
	g_assert_false(container_is_live(ctr));
	g_autoptr(Json) json = container_state_to_json(s);
	g_assert_nonnull(json);
	g_autoptr(RecordLock) lock = record_lock(bed.dir, "lock", false, 0, "fuzz", &error);
	g_assert_no_error(error);
	g_assert_nonnull(lock);
}

static void check_events(void)
{
	g_autoptr(EventReader) reader = event_reader_new(bed.engine, false);
	for (Event event; event_reader_next(reader, &event);) {
		g_assert_nonnull(event.status);
		g_assert_nonnull(event_type_name(event.type));
		g_assert_cmpint(event.time, >=, 0);
	}
}

static void check_filters(const char *text, size_t size)
{
	g_autofree char *copy = g_strndup(text, size);
	g_auto(GStrv) lines = g_strsplit(copy, "\n", FILTERS_MAX);
	g_autoptr(GPtrArray) texts = g_ptr_array_new();
	for (char **line = lines; *line; line++)
		g_ptr_array_add(texts, *line);
	g_autoptr(GError) error = NULL;
	/* Arguments of a command line are UTF-8. */
	if (!g_utf8_validate(copy, -1, NULL))
		return;
	g_autoptr(ContainerFilter) filter = container_filter_new(bed.engine, texts, &error);
	g_assert_true((filter == NULL) == (error != NULL));
	if (!filter)
		return;
	static const char *const names[] = {DAMAGED, WHOLE};
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		g_autoptr(Container) ctr = container_open(bed.engine, names[i], NULL);
		if (ctr)
			(void)container_filter_matches(filter, ctr);
	}
	(void)container_filter_has_status(filter);
}

/* One of the files; an empty part leaves it out. */
static void put_part(size_t i, const char *text, size_t size, bool sealed)
{
	static const char *const names[N_FILES] = {"state.json", "create.json", "exit.json",
						   "run.json",   "lock",        EVENTS_FILE};
	int dir = i < 3 || i == 4 ? bed.dir : i == 3 ? bed.run : engine_run_fd(bed.engine);
	if (size == 0) {
		(void)unlinkat(dir, names[i], 0);
		return;
	}
	g_autofree char *seal = NULL;
	if (sealed && i < 4 && text[0] == '{' && text[size - 1] == '}') {
		g_autofree char *copy = g_strndup(text, size);
		seal = seal_text(copy);
	}
	put(dir, names[i], seal ? seal : text, seal ? strlen(seal) : size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!bed.engine)
		open_bed();
	bool sealed = size > 0 && data[0] == 's';
	const char *at = (const char *)data + sealed, *end = (const char *)data + size;
	for (size_t i = 0; i < N_FILES; i++) {
		const char *part = at < end ? memchr(at, 0, (size_t)(end - at)) : NULL;
		size_t length = (size_t)((part ? part : end) - at);
		put_part(i, at, length, sealed);
		at = part ? part + 1 : end;
	}
	check_damaged();
	check_filters(at, (size_t)(end - at));
	check_whole();
	check_events();
	return 0;
}
