/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a reader says of a container's state while its monitor ends and others record that.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/record.h"
#include "libpod/container_priv.h"
#include "tests/unit/base/temp_dir.h"

#define LIVES 200

typedef struct {
	TempDir temp;
	Engine *engine;
	bool kept;            /* one container, started again and again; else --rm ones */
	int containers, runs; /* borrowed */
	int begun, seen;      /* atomic: the last life that runs, and that the reader saw */
	int ended;            /* atomic */
} Bed;

static void open_bed(Bed *bed, bool kept)
{
	*bed = (Bed){.temp = temp_dir_new(), .kept = kept};
	g_autofree char *root = g_build_filename(bed->temp.path, "root", NULL);
	g_autofree char *run = g_build_filename(bed->temp.path, "run", NULL);
	const EngineOptions options = {.root = root, .runroot = run};
	g_autoptr(GError) error = NULL;
	bed->engine = engine_open(&options, &error);
	g_assert_no_error(error);
	bed->containers = store_dir(engine_store(bed->engine), "containers");
	bed->runs = engine_run_containers_fd(bed->engine);
}

static void close_bed(Bed *bed)
{
	engine_close(bed->engine);
	temp_dir_clear(&bed->temp);
}

static void put(int dir, const char *name, const char *text)
{
	g_autoptr(GError) error = NULL;
	(void)record_replace(dir, name, text, strlen(text), RECORD_SYNC_NONE, &error);
	g_assert_no_error(error);
}

static int make(int parent, const char *name)
{
	g_assert_true(mkdirat(parent, name, 0700) == 0 || errno == EEXIST);
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	g_assert_cmpint(fd, >=, 0);
	return fd;
}

static void put_state(int dir, const char *state)
{
	g_autofree char *text = g_strdup_printf("{\"v\":1,\"name\":\"n\",\"state\":\"%s\","
						"\"image_id\":\"\",\"created\":1,\"exit\":%d}",
						state, g_str_equal(state, "exited") ? 3 : 0);
	put(dir, "state.json", text);
}

/* A --rm container is recorded as created for all its life. */
static const char *dir_name(const Bed *bed, int number, char *out, size_t size)
{
	g_snprintf(out, size, "%064x%s", bed->kept ? 1 : number, bed->kept ? "" : ".rm");
	return out;
}

/* The end is recorded by who removes exit.json with it, or all of it. */
static void record_end(Bed *bed, int dir, const char *name)
{
	if (bed->kept) {
		put_state(dir, "exited");
		g_assert_cmpint(unlinkat(dir, "exit.json", 0), ==, 0);
		return;
	}
	int trash = store_dir(engine_store(bed->engine), "trash");
	g_assert_cmpint(renameat(bed->containers, name, trash, name), ==, 0);
	g_assert_true(path_remove_tree(trash, name));
}

/* The files of one life, in the order in which commands, monitor and clean-up change them. */
static void live(Bed *bed, int number)
{
	char name[80], id[65];
	dir_name(bed, number, name, sizeof name);
	g_strlcpy(id, name, sizeof id);
	autofd dir = make(bed->containers, name);
	autofd run = make(bed->runs, id);
	g_autoptr(RecordLock) life = record_lock(run, "life", false, 0, "test", NULL);
	g_assert_nonnull(life);
	put_state(dir, bed->kept ? "running" : "created");
	put(run, "run.json",
	    "{\"monitor\":{\"pid\":1,\"start\":1},\"init\":{\"pid\":2,\"start\":1}}");
	g_atomic_int_set(&bed->begun, number);
	while (!bed->kept && g_atomic_int_get(&bed->seen) < number)
		g_thread_yield();
	put(dir, "exit.json", "{\"code\":3,\"finished\":5}");
	g_assert_cmpint(unlinkat(run, "run.json", 0), ==, 0);
	g_clear_pointer(&life, record_unlock);
	record_end(bed, dir, name);
	g_assert_true(path_remove_tree(bed->runs, id));
}

static gpointer live_and_die(gpointer data)
{
	Bed *bed = data;
	for (int i = 1; i <= LIVES; i++)
		live(bed, i);
	g_atomic_int_set(&bed->ended, 1);
	return NULL;
}

/* Of a container that ends by itself nobody ever says that its monitor was killed. */
static Container *look(Bed *bed, int number, GError **error)
{
	char name[80];
	Container *ctr =
		container_open(bed->engine, dir_name(bed, number, name, sizeof name), error);
	const ContainerSummary *s = ctr ? container_summary(ctr) : NULL;
	g_assert_true(!s || s->exit_known);
	g_assert_true(!s || s->exit_code == (s->state == CONTAINER_EXITED ? 3 : 0));
	return ctr;
}

static void wait_for(const int *number, int wanted)
{
	while (g_atomic_int_get(number) < wanted)
		g_thread_yield();
}

/* It runs, or has ended with its code, again and again. */
static void test_kept(void)
{
	Bed bed;
	open_bed(&bed, true);
	GThread *thread = g_thread_new("monitor", live_and_die, &bed);
	wait_for(&bed.begun, 1);
	while (!g_atomic_int_get(&bed.ended)) {
		g_autoptr(GError) error = NULL;
		g_autoptr(Container) ctr = look(&bed, 1, &error);
		g_assert_no_error(error);
		g_assert_cmpint(container_summary(ctr)->state, !=, CONTAINER_CREATED);
	}
	g_thread_join(thread);
	close_bed(&bed);
}

/* One that was seen running has ended, or is gone: it is not new again. */
static void test_auto_removed(void)
{
	Bed bed;
	open_bed(&bed, false);
	GThread *thread = g_thread_new("monitor", live_and_die, &bed);
	for (int i = 1; i <= LIVES; i++) {
		wait_for(&bed.begun, i);
		for (bool there = true; there;) {
			g_autoptr(GError) error = NULL;
			g_autoptr(Container) ctr = look(&bed, i, &error);
			there = ctr != NULL;
			g_assert_true(there || error_matches(error, ENGINE_ERROR_NOT_FOUND));
			g_assert_true(!there || container_summary(ctr)->state != CONTAINER_CREATED);
			g_atomic_int_set(&bed.seen, i);
		}
	}
	g_thread_join(thread);
	close_bed(&bed);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/container-state/kept", test_kept);
	g_test_add_func("/container-state/auto-removed", test_auto_removed);
	return g_test_run();
}
