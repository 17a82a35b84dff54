/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parsing what the kernel says of cgroups, and names that must not lead anywhere. What the kernel
 * does with a cgroup is tested on a host that has one (tests/vm).
 */
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/runtime/cgroup.h"

static void test_path_accepts(void)
{
	static const char *const good[] = {
		"/",
		"/user.slice",
		"/user.slice/user-1000.slice/user@1000.service/app.slice/a\\x2db.scope",
		"/system.slice/with space",
		"/...",
		"/..a/b..",
	};
	for (size_t i = 0; i < G_N_ELEMENTS(good); i++)
		g_assert_true(cgroup_path_is_valid(good[i]));
}

static void test_path_refuses(void)
{
	static const char *const bad[] = {
		"",
		".",
		"..",
		"user.slice",
		"//",
		"/user.slice/",
		"//user.slice",
		"/user.slice//x",
		"/.",
		"/..",
		"/../..",
		"/../user.slice",
		"/user.slice/..",
		"/user.slice/../..",
		"/user.slice/./x",
		"/user.slice/../../etc",
		"../../etc",
		"/a\nb",
		"/a\tb",
		"/a/\x7f",
		"/a/\x01/b",
		"/a/\r",
		"/x/.. ",
	};
	for (size_t i = 0; i + 1 < G_N_ELEMENTS(bad); i++)
		g_assert_false(cgroup_path_is_valid(bad[i]));
	/* A name like any other. */
	g_assert_true(cgroup_path_is_valid(bad[G_N_ELEMENTS(bad) - 1]));
	g_autofree char *component = g_strnfill(256, 'x');
	g_autofree char *long_name = g_strconcat("/", component, NULL);
	g_assert_false(cgroup_path_is_valid(long_name));
	g_autoptr(GString) deep = g_string_new(NULL);
	for (int i = 0; i < 2048; i++)
		g_string_append(deep, "/x");
	g_assert_false(cgroup_path_is_valid(deep->str));
}

static void test_own(void)
{
	static const struct {
		const char *text, *path;
	} rows[] = {
		{"0::/user.slice/session-1.scope\n", "/user.slice/session-1.scope"},
		{"0::/", "/"},
		{"12:pids:/a\n1:name=systemd:/b\n0::/c\n", "/c"},
		{"0::/c\n1:name=systemd:/b\n", "/c"},
		{"0::/gone (deleted)\n", "/gone (deleted)"},
		{"1:name=systemd:/b\n", NULL},
		{"10::/x\n", NULL},
		{"1:x0::/y\n", NULL},
		{"", NULL},
		{"0::\n", NULL},
		{"0::/../../outside\n", NULL},
		{"0::relative\n", NULL},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autofree char *path = cgroup_parse_own(rows[i].text);
		g_assert_cmpstr(path, ==, rows[i].path);
	}
}

#define PROC   "22 26 0:21 / /proc rw,nosuid - proc proc rw\n"
#define HYBRID "41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n"
#define V1     "39 31 0:36 / /sys/fs/cgroup/pids rw,relatime - cgroup cgroup rw,pids\n"
#define USUAL  "30 24 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n"
#define BOUND  "31 24 0:26 /machine/c1 /sys/fs/cgroup ro,nosuid master:1 shared:2 - cgroup2 c rw\n"
#define ABOVE  "31 24 0:26 /../.. /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"
#define SPACED "31 24 0:26 / /mnt/a\\040b rw - cgroup2 cgroup2 rw\n"

static void test_mounts(void)
{
	static const struct {
		const char *mountinfo, *path, *mount, *relative;
	} rows[] = {
		{PROC USUAL, "/a/b", "/sys/fs/cgroup", "a/b"},
		{PROC USUAL, "/", "/sys/fs/cgroup", "."},
		{PROC V1 HYBRID, "/a", "/sys/fs/cgroup/unified", "a"},
		{PROC BOUND, "/machine/c1", "/sys/fs/cgroup", "."},
		{PROC BOUND, "/machine/c1/x", "/sys/fs/cgroup", "x"},
		{SPACED, "/x", "/mnt/a b", "x"},
		/* The first place counts, and on it what was mounted last. */
		{USUAL SPACED, "/x", "/sys/fs/cgroup", "x"},
		{USUAL BOUND, "/machine/c1/x", "/sys/fs/cgroup", "x"},
		/* Not shown, or no cgroup2 at all. */
		{PROC BOUND, "/machine/c10", NULL, NULL},
		{PROC BOUND, "/", NULL, NULL},
		{PROC BOUND, "/user.slice", NULL, NULL},
		{PROC ABOVE, "/x", NULL, NULL},
		{PROC V1, "/x", NULL, NULL},
		{"", "/x", NULL, NULL},
		{"garbage\n - cgroup2 \n1 - cgroup2 c\n", "/x", NULL, NULL},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autofree char *mount = NULL;
		g_autofree char *relative = NULL;
		bool found =
			cgroup_parse_mounts(rows[i].mountinfo, rows[i].path, &mount, &relative);
		g_assert_cmpint(found, ==, rows[i].mount != NULL);
		g_assert_cmpstr(mount, ==, rows[i].mount);
		g_assert_cmpstr(relative, ==, rows[i].relative);
	}
}

static void test_controllers(void)
{
	g_assert_true(cgroup_list_has("cpuset cpu io memory pids\n", "pids"));
	g_assert_true(cgroup_list_has("cpuset cpu io memory pids\n", "cpu"));
	g_assert_true(cgroup_list_has("pids", "pids"));
	g_assert_false(cgroup_list_has("cpuset io\n", "cpu"));
	g_assert_false(cgroup_list_has("cpu io\n", "cpuset"));
	g_assert_false(cgroup_list_has("\n", "pids"));
	g_assert_false(cgroup_list_has("", "pids"));
}

/* Neither a name nor a link leads out of the base. */
static void test_children(void)
{
	g_autofree char *dir = g_dir_make_tmp("skiff-cgroup-XXXXXX", NULL);
	autofd base = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	g_assert_cmpint(base, >=, 0);
	static const char *const bad[] = {"", ".", "..", "a/b", "../x", "/etc", "a\nb"};
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
		g_autoptr(GError) error = NULL;
		g_assert_cmpint(cgroup_make(base, bad[i], &error), ==, -1);
		g_assert_true(error_matches(error, ENGINE_ERROR_INVALID));
		g_assert_false(cgroup_remove(base, bad[i]));
		g_assert_cmpint(errno, ==, EINVAL);
	}
	g_assert_cmpint(symlinkat("/tmp", base, "link"), ==, 0);
	g_autoptr(GError) error = NULL;
	g_assert_cmpint(cgroup_make(base, "link", &error), ==, -1);
	g_assert_false(cgroup_remove(base, "link"));

	autofd made = cgroup_make(base, "payload", NULL);
	autofd again = cgroup_make(base, "payload", NULL);
	g_assert_cmpint(made, >=, 0);
	g_assert_cmpint(again, >=, 0);
	g_assert_true(cgroup_remove(base, "payload"));
	g_assert_true(cgroup_remove(base, "payload"));
	g_assert_cmpint(unlinkat(base, "link", 0), ==, 0);
	g_assert_cmpint(g_rmdir(dir), ==, 0);
}

/* A directory that is no cgroup has no limits to set; without a limit that is no error. */
static void test_limit(void)
{
	g_autofree char *dir = g_dir_make_tmp("skiff-cgroup-XXXXXX", NULL);
	autofd fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	g_autoptr(OciConfig) config = oci_config_new();
	g_autoptr(GError) error = NULL;
	g_assert_true(cgroup_limit(fd, config, &error));
	config->resources.pids = -1;
	g_assert_true(cgroup_limit(fd, config, &error));
	config->resources.pids = 7;
	g_assert_false(cgroup_limit(fd, config, &error));
	g_assert_true(error_matches(error, ENGINE_ERROR_SYSTEM));

	static const struct {
		int64_t limit;
		const char *text;
	} rows[] = {{7, "7"}, {-1, "max"}, {4194304, "4194304"}, {4194305, "max"}};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autofree char *path = g_build_filename(dir, "pids.max", NULL);
		g_autofree char *text = NULL;
		g_assert_true(g_file_set_contents(path, "", 0, NULL));
		config->resources.pids = rows[i].limit;
		g_assert_true(cgroup_limit(fd, config, NULL));
		g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
		g_assert_cmpstr(text, ==, rows[i].text);
		g_unlink(path);
	}
	g_rmdir(dir);
}

/* A file that is a link, as no kernel makes one, is neither read nor written. */
static void test_links(void)
{
	g_autofree char *dir = g_dir_make_tmp("skiff-cgroup-XXXXXX", NULL);
	autofd base = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	autofd target = openat(base, "target", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	g_assert_cmpint(pwrite(target, "secret", 6, 0), ==, 6);
	g_assert_cmpint(symlinkat("target", base, "cgroup.freeze"), ==, 0);
	g_assert_false(cgroup_freeze(base, true));
	g_assert_cmpint(errno, ==, ELOOP);
	g_autofree char *text = cgroup_read(base, "cgroup.freeze");
	g_assert_null(text);
	char now[8] = "";
	g_assert_cmpint(pread(target, now, sizeof now - 1, 0), ==, 6);
	g_assert_cmpstr(now, ==, "secret");
	g_assert_cmpint(unlinkat(base, "cgroup.freeze", 0), ==, 0);
	g_assert_cmpint(unlinkat(base, "target", 0), ==, 0);
	g_assert_cmpint(rmdir(dir), ==, 0);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/runtime/cgroup/path/accepts-what-the-kernel-shows", test_path_accepts);
	g_test_add_func("/runtime/cgroup/path/refuses-what-leads-elsewhere", test_path_refuses);
	g_test_add_func("/runtime/cgroup/own/only-the-unified-line", test_own);
	g_test_add_func("/runtime/cgroup/mounts/finds-the-place", test_mounts);
	g_test_add_func("/runtime/cgroup/controllers/whole-words", test_controllers);
	g_test_add_func("/runtime/cgroup/children/stay-in-the-base", test_children);
	g_test_add_func("/runtime/cgroup/files/links-are-not-followed", test_links);
	g_test_add_func("/runtime/cgroup/limit/pids", test_limit);
	return g_test_run();
}
