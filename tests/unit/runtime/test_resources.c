/* SPDX-License-Identifier: Apache-2.0 */
/* What is asked for, as JSON and as the files of a cgroup: a directory stands for one. */
#include "libpod/runtime/resources.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"

static const char full[] =
	"{\"memory\":{\"limit\":67108864,\"reservation\":1048576,\"swap\":100663296},"
	"\"cpu\":{\"shares\":512,\"quota\":50000,\"period\":100000,\"cpus\":\"0-2,7\",\"mems\":"
	"\"0\"},"
	"\"pids\":{\"limit\":7},\"blockIO\":{\"weight\":500,"
	"\"throttleReadBpsDevice\":[{\"major\":8,\"minor\":16,\"rate\":1048576}],"
	"\"throttleWriteIOPSDevice\":[{\"major\":8,\"minor\":0,\"rate\":100}],"
	"\"weightDevice\":[{\"major\":8,\"minor\":0,\"weight\":10}]},"
	"\"unified\":{\"memory.high\":\"max\"}}";

static OciResources parse(const char *text)
{
	OciResources resources = {0};
	g_autoptr(GError) error = NULL;
	g_autoptr(Json) json = js_parse(text, strlen(text), "test", &error);
	g_assert_no_error(error);
	g_assert_true(resources_from_json(json, &resources, &error));
	g_assert_no_error(error);
	return resources;
}

static char *format(const OciResources *resources, bool record)
{
	g_autoptr(Json) json = resources_to_json(resources, record);
	return json ? g_strdup(js_text(json)) : NULL;
}

static void test_round_trip(void)
{
	g_auto(OciResources) resources = parse(full);
	g_autofree char *text = format(&resources, false);
	g_auto(OciResources) again = parse(text);
	g_autofree char *second = format(&again, false);
	g_assert_cmpstr(text, ==, second);
	g_assert_cmpint(again.memory_swap, ==, 100663296);
	g_assert_cmpstr(again.cpus, ==, "0-2,7");
	g_assert_cmpuint(again.devices[OCI_READ_BPS]->len, ==, 1);
	g_auto(OciResources) none = {0};
	g_assert_null(format(&none, false));
	g_auto(OciResources) empty = parse("{}");
	g_assert_null(format(&empty, true));
}

/* A record has the paths that were typed; a config.json has not. */
static void test_paths(void)
{
	g_auto(OciResources) resources = {0};
	OciDeviceLimit limit = {.path = (char *)"/dev/sda", .major = 8, .minor = 0, .value = 5};
	resources_set_device(&resources, OCI_READ_BPS, &limit);
	limit.value = 6;
	resources_set_device(&resources, OCI_READ_BPS, &limit);
	g_autofree char *record = format(&resources, true);
	g_autofree char *config = format(&resources, false);
	g_assert_cmpstr(record, ==,
			"{\"blockIO\":{\"throttleReadBpsDevice\":[{\"path\":\"/dev/sda\","
			"\"major\":8,\"minor\":0,\"rate\":6}]}}");
	g_assert_cmpstr(
		config, ==,
		"{\"blockIO\":{\"throttleReadBpsDevice\":[{\"major\":8,\"minor\":0,\"rate\":6}]}}");
}

static void test_refused(void)
{
	static const char *const rows[] = {
		"{\"memory\":5}",
		"{\"memory\":{\"limit\":\"5\"}}",
		"{\"cpu\":{\"cpus\":5}}",
		"{\"blockIO\":{\"throttleReadBpsDevice\":{}}}",
		"{\"blockIO\":{\"throttleReadBpsDevice\":[{\"major\":-1}]}}",
		"{\"unified\":{\"../memory.high\":\"5\"}}",
		"{\"unified\":{\"a/b.c\":\"5\"}}",
		"{\"unified\":{\"nodot\":\"5\"}}",
		"{\"unified\":{\"memory.high\":5}}",
		"[]",
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		OciResources resources = {0};
		g_autoptr(GError) error = NULL;
		g_autoptr(Json) json = js_parse(rows[i], strlen(rows[i]), "test", NULL);
		g_assert_nonnull(json);
		g_assert_false(resources_from_json(json, &resources, &error));
		g_assert_true(error_matches(error, ENGINE_ERROR_INVALID));
	}
}

static void test_merge_and_drop(void)
{
	g_auto(OciResources) target = parse(full);
	g_auto(OciResources) changes =
		parse("{\"memory\":{\"limit\":5},\"cpu\":{\"cpus\":\"1\"},"
		      "\"unified\":{\"memory.high\":\"9\",\"pids.max\":\"3\"}}");
	resources_merge(&target, &changes);
	g_assert_cmpint(target.memory, ==, 5);
	g_assert_cmpint(target.memory_reservation, ==, 1048576);
	g_assert_cmpstr(target.cpus, ==, "1");
	g_assert_cmpstr(target.mems, ==, "0");
	g_assert_cmpstr(g_hash_table_lookup(target.unified, "memory.high"), ==, "9");

	g_auto(GStrv) before = resources_controllers(&target);
	g_autofree char *all = g_strjoinv(" ", before);
	g_assert_cmpstr(all, ==, "memory cpu pids io cpuset");
	resources_drop(&target, "memory");
	resources_drop(&target, "io");
	resources_drop(&target, "cpuset");
	g_auto(GStrv) after = resources_controllers(&target);
	g_autofree char *rest = g_strjoinv(" ", after);
	g_assert_cmpstr(rest, ==, "cpu pids");
	g_assert_null(g_hash_table_lookup(target.unified, "memory.high"));
	g_assert_cmpstr(g_hash_table_lookup(target.unified, "pids.max"), ==, "3");
	resources_drop(&target, NULL);
	g_assert_null(format(&target, true));
}

static void test_weights(void)
{
	static const struct {
		int64_t from, cpu;
	} shares[] = {{0, 1}, {2, 1}, {512, 20}, {1024, 39}, {262144, 10000}, {999999, 10000}};
	for (size_t i = 0; i < G_N_ELEMENTS(shares); i++)
		g_assert_cmpint(resources_cpu_weight(shares[i].from), ==, shares[i].cpu);
	g_assert_cmpint(resources_io_weight(10), ==, 1);
	g_assert_cmpint(resources_io_weight(1000), ==, 10000);
	g_assert_cmpint(resources_io_weight(500), ==, 4950);
}

/* Write into a directory that has these files; what stands in them afterwards. */
static void check_files(const char *json, const char *const *files, const char *const *texts)
{
	g_autofree char *dir = g_dir_make_tmp("skiff-resources-XXXXXX", NULL);
	autofd fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (size_t i = 0; files[i]; i++) {
		g_autofree char *path = g_build_filename(dir, files[i], NULL);
		g_assert_true(g_file_set_contents(path, "", 0, NULL));
	}
	g_auto(OciResources) resources = parse(json);
	g_autoptr(GError) error = NULL;
	g_assert_true(resources_apply(&resources, fd, &error));
	g_assert_no_error(error);
	for (size_t i = 0; files[i]; i++) {
		g_autofree char *path = g_build_filename(dir, files[i], NULL);
		g_autofree char *text = NULL;
		g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
		g_assert_cmpstr(text, ==, texts[i]);
		g_unlink(path);
	}
	g_rmdir(dir);
}

static void test_apply(void)
{
	static const struct {
		const char *json;
		const char *files[8], *texts[8];
	} rows[] = {
		{"{}", {"memory.max", "pids.max", "cpu.max", NULL}, {"", "", ""}},
		{"{\"memory\":{\"limit\":64,\"swap\":96,\"reservation\":7}}",
		 {"memory.max", "memory.swap.max", "memory.low", NULL},
		 {"64", "32", "7"}},
		{"{\"memory\":{\"limit\":64,\"swap\":64}}",
		 {"memory.max", "memory.swap.max", NULL},
		 {"64", "0"}},
		{"{\"memory\":{\"limit\":64,\"swap\":-1}}",
		 {"memory.max", "memory.swap.max", NULL},
		 {"64", "max"}},
		/* A kernel that does not account swap. */
		{"{\"memory\":{\"limit\":64,\"swap\":96}}", {"memory.max", NULL}, {"64"}},
		{"{\"cpu\":{\"quota\":50000,\"period\":20000}}",
		 {"cpu.max", NULL},
		 {"50000 20000"}},
		{"{\"cpu\":{\"quota\":50000}}", {"cpu.max", NULL}, {"50000 100000"}},
		{"{\"cpu\":{\"quota\":-1}}", {"cpu.max", NULL}, {"max 100000"}},
		{"{\"cpu\":{\"period\":5000}}", {"cpu.max", NULL}, {"max 5000"}},
		{"{\"cpu\":{\"shares\":1024,\"cpus\":\"0-1\",\"mems\":\"0\"}}",
		 {"cpu.weight", "cpuset.cpus", "cpuset.mems", NULL},
		 {"39", "0-1", "0"}},
		{"{\"pids\":{\"limit\":7}}", {"pids.max", NULL}, {"7"}},
		{"{\"pids\":{\"limit\":-1}}", {"pids.max", NULL}, {"max"}},
		{"{\"pids\":{\"limit\":4194305}}", {"pids.max", NULL}, {"max"}},
		{"{\"blockIO\":{\"weight\":500}}",
		 {"io.weight", "io.bfq.weight", NULL},
		 {"", "500"}},
		{"{\"blockIO\":{\"weight\":500}}", {"io.weight", NULL}, {"default 4950"}},
		{"{\"blockIO\":{\"weightDevice\":[{\"major\":8,\"minor\":1,\"weight\":10}]}}",
		 {"io.weight", NULL},
		 {"8:1 1"}},
		{"{\"blockIO\":{\"throttleReadBpsDevice\":[{\"major\":8,\"minor\":1,\"rate\":10}]}"
		 "}",
		 {"io.max", NULL},
		 {"8:1 rbps=10"}},
		{"{\"blockIO\":{\"throttleWriteIOPSDevice\":[{\"major\":8,\"minor\":1,\"rate\":0}]}"
		 "}",
		 {"io.max", NULL},
		 {"8:1 wiops=max"}},
		{"{\"unified\":{\"memory.high\":\"max\",\"io.latency\":\"8:0 target=1\"}}",
		 {"memory.high", "io.latency", NULL},
		 {"max", "8:0 target=1"}},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
		check_files(rows[i].json, rows[i].files, rows[i].texts);
}

/* A file that is not there is an error, a link is not followed. */
static void test_apply_fails(void)
{
	static const char *const rows[] = {
		"{\"memory\":{\"limit\":64}}",        "{\"pids\":{\"limit\":64}}",
		"{\"cpu\":{\"quota\":50000}}",        "{\"cpu\":{\"shares\":50000}}",
		"{\"cpu\":{\"cpus\":\"0\"}}",         "{\"blockIO\":{\"weight\":50}}",
		"{\"unified\":{\"link.max\":\"5\"}}",
	};
	g_autofree char *dir = g_dir_make_tmp("skiff-resources-XXXXXX", NULL);
	g_autofree char *target = g_build_filename(dir, "target", NULL);
	g_autofree char *text = NULL;
	autofd fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	g_assert_true(g_file_set_contents(target, "kept", -1, NULL));
	g_assert_cmpint(symlinkat("target", fd, "link.max"), ==, 0);
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_auto(OciResources) resources = parse(rows[i]);
		g_autoptr(GError) error = NULL;
		g_assert_false(resources_apply(&resources, fd, &error));
		g_assert_true(error_matches(error, ENGINE_ERROR_SYSTEM));
	}
	g_assert_true(g_file_get_contents(target, &text, NULL, NULL));
	g_assert_cmpstr(text, ==, "kept");
	g_assert_cmpint(unlinkat(fd, "link.max", 0), ==, 0);
	g_unlink(target);
	g_rmdir(dir);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/runtime/resources/json/round-trip", test_round_trip);
	g_test_add_func("/runtime/resources/json/paths-only-in-records", test_paths);
	g_test_add_func("/runtime/resources/json/refuses", test_refused);
	g_test_add_func("/runtime/resources/merge-and-drop", test_merge_and_drop);
	g_test_add_func("/runtime/resources/weights-of-version-1", test_weights);
	g_test_add_func("/runtime/resources/apply/writes-the-files", test_apply);
	g_test_add_func("/runtime/resources/apply/says-which-file", test_apply_fails);
	return g_test_run();
}
