/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events: what is written is read back, the file is bounded, and an event costs next to nothing.
 */
#include "libpod/events.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libpod/base/fd.h"
#include "tests/unit/base/temp_dir.h"

typedef struct {
	TempDir temp;
	Engine *engine;
} Fixture;

static void set_up(Fixture *f, gconstpointer unused)
{
	(void)unused;
	f->temp = temp_dir_new();
	g_autofree char *root = g_build_filename(f->temp.path, "root", NULL);
	g_autofree char *run = g_build_filename(f->temp.path, "run", NULL);
	const EngineOptions options = {.root = root, .runroot = run, .read_only = true};
	g_autoptr(GError) error = NULL;
	f->engine = engine_open(&options, &error);
	g_assert_no_error(error);
}

static void tear_down(Fixture *f, gconstpointer unused)
{
	(void)unused;
	engine_close(f->engine);
	temp_dir_clear(&f->temp);
}

/* containers.conf is not looked at again for each container. */
static void test_config_once(Fixture *f, gconstpointer unused)
{
	(void)unused;
	g_autoptr(GError) error = NULL;
	const Config *config = engine_config(f->engine, &error);
	g_assert_no_error(error);
	g_assert_true(config && config == engine_config(f->engine, &error));
}

static void test_round_trip(Fixture *f, gconstpointer unused)
{
	(void)unused;
	g_autoptr(GHashTable) labels = g_hash_table_new(g_str_hash, g_str_equal);
	g_hash_table_insert(labels, (char *)"key", (char *)"a \"value\"\nof two lines");
	const Event written = {
		.time = 1234567890123456789,
		.type = EVENT_CONTAINER,
		.status = "died",
		.id = "abc",
		.name = "n",
		.image = "i",
		.attributes = labels,
		.exit_code = 0,
		.has_exit_code = true,
	};
	event_write(f->engine, &written);
	event_volume(f->engine, "create", "v");

	Event event;
	g_autoptr(EventReader) reader = event_reader_new(f->engine, false);
	g_assert_true(event_reader_next(reader, &event));
	g_assert_cmpint(event.time, ==, written.time);
	g_assert_cmpint(event.type, ==, EVENT_CONTAINER);
	g_assert_cmpstr(event.status, ==, "died");
	g_assert_cmpstr(event.id, ==, "abc");
	g_assert_cmpstr(event.image, ==, "i");
	g_assert_true(event.has_exit_code);
	g_assert_cmpstr(g_hash_table_lookup(event.attributes, "key"), ==,
			"a \"value\"\nof two lines");
	g_assert_true(event_reader_next(reader, &event));
	g_assert_cmpint(event.type, ==, EVENT_VOLUME);
	g_assert_cmpstr(event.name, ==, "v");
	g_assert_null(event.id);
	g_assert_false(event.has_exit_code);
	g_assert_cmpint(event.time, >, written.time);
	g_assert_false(event_reader_next(reader, &event));
	/* One that begins now sees only what comes. */
	g_autoptr(EventReader) late = event_reader_new(f->engine, true);
	g_assert_false(event_reader_next(late, &event));
	event_volume(f->engine, "remove", "v");
	g_assert_true(event_reader_next(late, &event));
	g_assert_cmpstr(event.status, ==, "remove");
	g_assert_true(event_reader_next(reader, &event));
}

/* Two files at most, however much is written; a reader at the start of the kept ones misses none.
 */
static void test_bounded(Fixture *f, gconstpointer unused)
{
	(void)unused;
	enum { N = 40000 };
	for (int i = 0; i < N; i++) {
		g_autofree char *name = g_strdup_printf("volume-%d", i);
		event_volume(f->engine, "create", name);
	}
	int64_t total = 0;
	static const char *const names[] = {"events", "events.1"};
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		struct stat st;
		g_assert_cmpint(fstatat(engine_run_fd(f->engine), names[i], &st, 0), ==, 0);
		total += st.st_size;
	}
	g_assert_cmpint(total, <, 2 * (int64_t)EVENTS_FILE_MAX + 65536);

	Event event;
	int last = -1;
	g_autoptr(EventReader) reader = event_reader_new(f->engine, false);
	while (event_reader_next(reader, &event)) {
		int number = (int)g_ascii_strtoll(event.name + strlen("volume-"), NULL, 10);
		g_assert_true(last < 0 || number == last + 1);
		last = number;
	}
	g_assert_cmpint(last, ==, N - 1);
}

static void expect(EventReader *reader, const char *name)
{
	Event event;
	g_assert_true(event_reader_next(reader, &event));
	g_assert_cmpstr(event.name, ==, name);
}

/* What writers do when the file is full. */
static void rotate(Fixture *f)
{
	int dir = engine_run_fd(f->engine);
	g_assert_cmpint(renameat(dir, EVENTS_FILE, dir, EVENTS_OLD), ==, 0);
}

/* New files are begun while a reader is at work: as long as one is kept it is not passed over. */
static void test_rotation(Fixture *f, gconstpointer unused)
{
	(void)unused;
	Event event;
	event_volume(f->engine, "create", "a");
	rotate(f);
	event_volume(f->engine, "create", "b");
	g_autoptr(EventReader) all = event_reader_new(f->engine, false);
	g_autoptr(EventReader) late = event_reader_new(f->engine, true);
	expect(all, "a");
	rotate(f);
	g_assert_false(event_reader_next(late, &event));
	event_volume(f->engine, "create", "c");
	expect(all, "b");
	rotate(f);
	/* Between two files nothing is missed, and nothing of before is told. */
	g_autoptr(EventReader) latest = event_reader_new(f->engine, true);
	g_assert_false(event_reader_next(latest, &event));
	event_volume(f->engine, "create", "d");
	expect(all, "c");
	expect(all, "d");
	expect(late, "c");
	expect(late, "d");
	expect(latest, "d");
	g_assert_false(event_reader_next(all, &event));
	g_assert_false(event_reader_next(latest, &event));
}

/* A line without an end, of a disk that was full, does not take the next file's first along. */
static void test_cut_line(Fixture *f, gconstpointer unused)
{
	(void)unused;
	event_volume(f->engine, "create", "a");
	autofd fd = openat(engine_run_fd(f->engine), EVENTS_FILE, O_WRONLY | O_APPEND | O_CLOEXEC);
	g_assert_cmpint(write(fd, "{\"t\":", 5), ==, 5);
	rotate(f);
	event_volume(f->engine, "create", "b");
	g_autoptr(EventReader) reader = event_reader_new(f->engine, false);
	expect(reader, "a");
	expect(reader, "b");
}

/* The budget is 0.1 ms; a shared machine may be slow, so the best of some rounds counts. */
static void test_cost(Fixture *f, gconstpointer unused)
{
	(void)unused;
	double best = 1e9;
	for (int round = 0; round < 20; round++) {
		gint64 begin = g_get_monotonic_time();
		for (int i = 0; i < 100; i++)
			event_image(f->engine, "pull", "0123456789abcdef", "docker.io/library/x");
		best = MIN(best, (double)(g_get_monotonic_time() - begin) / 100);
	}
	g_test_message("%.1f us per event", best);
	g_assert_cmpfloat(best, <, 100);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add("/engine/config-once", Fixture, NULL, set_up, test_config_once, tear_down);
	g_test_add("/events/round-trip", Fixture, NULL, set_up, test_round_trip, tear_down);
	g_test_add("/events/bounded", Fixture, NULL, set_up, test_bounded, tear_down);
	g_test_add("/events/rotation", Fixture, NULL, set_up, test_rotation, tear_down);
	g_test_add("/events/cut-line", Fixture, NULL, set_up, test_cut_line, tear_down);
	g_test_add("/events/cost", Fixture, NULL, set_up, test_cost, tear_down);
	return g_test_run();
}
