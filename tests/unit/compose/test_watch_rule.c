/* SPDX-License-Identifier: Apache-2.0 */
#include <glib/gstdio.h>
#include <string.h>

#include "cmd/compose/watch_rule.h"

typedef struct {
	char *dir;
	Node *model;
} Bed;

/* A project with one service whose develop.watch is @rule; %s in it is the directory. */
static const NodeEntry *make(Bed *bed, const char *rule, const char *ignore)
{
	g_autoptr(GError) error = NULL;
	bed->dir = g_dir_make_tmp("skiff-watch-XXXXXX", &error);
	g_assert_no_error(error);
	g_autofree char *text = g_strdup_printf("services: {a: {image: x, build: {context: %s}, "
						"develop: {watch: [{path: %s, %s}]}}}",
						bed->dir, bed->dir, rule);
	g_autoptr(GPtrArray) warnings = g_ptr_array_new_with_free_func(g_free);
	Environment *env = environment_new(NULL, warnings);
	bed->model = compose_file_parse(text, strlen(text), "compose.yaml", env, &error);
	environment_free(env);
	g_assert_no_error(error);
	g_autofree char *path = g_build_filename(bed->dir, ".dockerignore", NULL);
	if (ignore)
		g_assert_true(g_file_set_contents(path, ignore, -1, NULL));
	return node_entry(node_get(bed->model, "services"), 0);
}

static const Node *first_rule(const NodeEntry *service)
{
	return node_item(node_get(node_get(service->value, "develop"), "watch"), 0);
}

static void end(Bed *bed)
{
	g_autofree char *path = g_build_filename(bed->dir, ".dockerignore", NULL);
	(void)g_unlink(path);
	g_assert_cmpint(g_rmdir(bed->dir), ==, 0);
	node_free(bed->model);
	g_free(bed->dir);
}

static bool matches(const Bed *bed, const WatchRule *rule, const char *below)
{
	g_autofree char *path = g_build_filename(bed->dir, below, NULL);
	return watch_rule_matches(rule, path);
}

static bool prunes(const Bed *bed, const WatchRule *rule, const char *below)
{
	g_autofree char *path = g_build_filename(bed->dir, below, NULL);
	return watch_rule_prunes(rule, path);
}

static void test_patterns(void)
{
	Bed bed;
	g_autoptr(GError) error = NULL;
	const NodeEntry *service =
		make(&bed, "action: sync, target: /app, ignore: [cache/, '*.tmp']",
		     "secret*\n!secret.ok\n");
	g_autoptr(WatchRule) rule = watch_rule_new(service, first_rule(service), &error);
	g_assert_no_error(error);
	static const char *const own[] = {"a", "a/b.c", "secret.ok", "x.tmp.c", "deep/x.tmp", ""};
	static const char *const not [] = {"x.tmp", "cache/x", "secret",    "secret.txt",
					   "a~",    "sub/a~",  ".git/HEAD", "sub/.x.swp",
					   "4913",  ".#lock"};
	for (size_t i = 0; i < G_N_ELEMENTS(own); i++)
		g_assert_true(matches(&bed, rule, own[i]));
	for (size_t i = 0; i < G_N_ELEMENTS(not ); i++)
		g_assert_false(matches(&bed, rule, not [i]));
	g_autofree char *beside = g_strconcat(bed.dir, "-beside", NULL);
	g_assert_false(watch_rule_matches(rule, beside));
	g_assert_true(prunes(&bed, rule, "cache"));
	g_assert_true(prunes(&bed, rule, ".git"));
	g_assert_false(prunes(&bed, rule, "a"));
	g_assert_false(prunes(&bed, rule, ""));
	g_assert_true(watch_rule_prunes(rule, "/somewhere/else"));
	end(&bed);
}

static void test_targets(void)
{
	Bed bed;
	g_autoptr(GError) error = NULL;
	const NodeEntry *service =
		make(&bed, "action: sync+restart, target: /app/, include: ['*.py']", NULL);
	g_autoptr(WatchRule) rule = watch_rule_new(service, first_rule(service), &error);
	g_assert_no_error(error);
	g_autofree char *path = g_build_filename(bed.dir, "a/b.py", NULL);
	g_autofree char *target = watch_rule_target(rule, path);
	g_autofree char *whole = watch_rule_target(rule, bed.dir);
	g_assert_cmpstr(target, ==, "/app/a/b.py");
	g_assert_true(g_str_has_prefix(whole, "/app"));
	g_assert_true(matches(&bed, rule, "b.py"));
	g_assert_false(matches(&bed, rule, "b.c"));
	g_assert_true(watch_rule_syncs(rule));
	g_assert_true(watch_rule_says(rule, "restart"));
	g_assert_false(watch_rule_says(rule, "sync"));
	end(&bed);
}

static void test_refused(void)
{
	static const char *const wrong[] = {"action: jump", "target: /x",
					    "action: sync, target: /x, ignore: ['[']"};
	for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
		Bed bed;
		g_autoptr(GError) error = NULL;
		const NodeEntry *service = make(&bed, wrong[i], NULL);
		g_assert_null(watch_rule_new(service, first_rule(service), &error));
		g_assert_nonnull(error);
		g_assert_true(g_str_has_prefix(error->message, "compose.yaml:1:"));
		end(&bed);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/compose/watch-rule/patterns", test_patterns);
	g_test_add_func("/compose/watch-rule/targets", test_targets);
	g_test_add_func("/compose/watch-rule/refused", test_refused);
	return g_test_run();
}
