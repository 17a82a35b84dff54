/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The check beside others who work on the store: what they replace and remove is no damage, and
 * --repair takes nothing of theirs away.
 */
#include "libpod/check.h"

#include <string.h>

#include "libpod/secret.h"
#include "libpod/volume.h"
#include "tests/unit/base/temp_dir.h"

#define ROUNDS 25

typedef struct {
	Engine *engine;
	int ended; /* atomic */
} Worker;

static void replace_secret(Worker *worker, int round)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *data = g_strdup_printf("bytes %d", round);
	const SecretCreate options = {
		.name = "key", .data = data, .size = strlen(data), .replace = true};
	secret_free(secret_create(worker->engine, &options, &error));
	g_assert_no_error(error);
}

static void come_and_go(Worker *worker)
{
	g_autoptr(GError) error = NULL;
	const SecretCreate options = {.name = "passing", .data = "x", .size = 1};
	const VolumeCreate wanted = {.name = "passing"};
	g_autoptr(Secret) secret = secret_create(worker->engine, &options, &error);
	g_assert_no_error(error);
	g_autoptr(Volume) volume = volume_create(worker->engine, &wanted, &error);
	g_assert_no_error(error);
	g_assert_true(secret_remove(worker->engine, secret, &error));
	g_assert_no_error(error);
	g_assert_true(volume_remove(worker->engine, volume, false, &error));
	g_assert_no_error(error);
}

static gpointer work(gpointer data)
{
	Worker *worker = data;
	for (int i = 0; i < ROUNDS; i++) {
		replace_secret(worker, i);
		come_and_go(worker);
	}
	g_atomic_int_set(&worker->ended, 1);
	return NULL;
}

static void test_others_at_work(void)
{
	g_auto(TempDir) temp = temp_dir_new();
	g_autofree char *root = g_build_filename(temp.path, "root", NULL);
	g_autofree char *run = g_build_filename(temp.path, "run", NULL);
	const EngineOptions engine = {.root = root, .runroot = run};
	const CheckOptions options = {.repair = true};
	g_autoptr(GError) error = NULL;
	Worker worker = {.engine = engine_open(&engine, &error)};
	g_assert_no_error(error);
	Engine *ours = engine_open(&engine, &error);
	g_assert_no_error(error);
	GThread *thread = g_thread_new("worker", work, &worker);
	while (!g_atomic_int_get(&worker.ended)) {
		g_autoptr(GPtrArray) findings = check_store(ours, &options, &error);
		g_assert_no_error(error);
		for (guint i = 0; i < findings->len; i++)
			g_test_message("%s: %s", ((CheckFinding *)findings->pdata[i])->object,
				       ((CheckFinding *)findings->pdata[i])->problem);
		g_assert_cmpuint(findings->len, ==, 0);
	}
	g_thread_join(thread);
	secret_free(secret_resolve(ours, "key", &error));
	g_assert_no_error(error);
	engine_close(ours);
	engine_close(worker.engine);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/check/others-at-work", test_others_at_work);
	return g_test_run();
}
