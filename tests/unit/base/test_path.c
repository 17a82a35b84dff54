/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Paths: nothing leaves its root, creation follows links inside it, removal removes everything.
 */
#include "libpod/base/path.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "libpod/base/error.h"
#include "tests/unit/base/temp_dir.h"

/* A root in a temporary directory, beside a secret that must not be reached. */
typedef struct {
	TempDir temp;
	int root;
} Tree;

static void put(int dir_fd, const char *path, const char *text)
{
	autofd fd = openat(dir_fd, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	g_assert_cmpint(fd, >=, 0);
	g_assert_true(fd_write_all(fd, text, strlen(text)));
}

static Tree tree_new(void)
{
	Tree tree = {.temp = temp_dir_new()};
	put(tree.temp.fd, "secret", "secret");
	g_assert_cmpint(mkdirat(tree.temp.fd, "root", 0755), ==, 0);
	tree.root = openat(tree.temp.fd, "root", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return tree;
}

static void tree_clear(Tree *tree)
{
	fd_close(&tree->root);
	temp_dir_clear(&tree->temp);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Tree, tree_clear)

static bool exists(int dir_fd, const char *path)
{
	struct stat st;
	return fstatat(dir_fd, path, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static void test_state_refuses_links(void)
{
	g_auto(Tree) tree = tree_new();
	g_assert_cmpint(symlinkat("../secret", tree.root, "link"), ==, 0);
	g_assert_cmpint(path_open_state(tree.root, "link", O_RDONLY, 0), ==, -1);
	g_assert_cmpint(errno, ==, ELOOP);
	g_assert_cmpint(path_open_state(tree.root, "../secret", O_RDONLY, 0), ==, -1);
	g_assert_cmpint(errno, ==, EXDEV);
	g_assert_cmpint(path_open_state(tree.root, "/etc/passwd", O_RDONLY, 0), ==, -1);
	g_assert_cmpint(errno, ==, EXDEV);
	autofd made = path_open_state(tree.root, "new", O_WRONLY | O_CREAT | O_EXCL, 0600);
	g_assert_cmpint(made, >=, 0);
	g_assert_cmpint(fcntl(made, F_GETFD), ==, FD_CLOEXEC);
}

static void test_state_stays_on_its_mount(void)
{
	autofd top = openat(AT_FDCWD, "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	g_assert_cmpint(path_open_state(top, "proc/self", O_PATH, 0), ==, -1);
	g_assert_cmpint(errno, ==, EXDEV);
}

/* Move a directory out of the root and back until told to stop. */
static void *move_about(void *data)
{
	Tree *tree = data;
	while (!exists(tree->temp.fd, "stop")) {
		g_assert_cmpint(renameat(tree->root, "d", tree->temp.fd, "away"), ==, 0);
		g_assert_cmpint(renameat(tree->temp.fd, "away", tree->root, "d"), ==, 0);
	}
	return NULL;
}

/* What another command moves into the trash is absent and no escape. */
static void test_state_of_what_is_moved(void)
{
	g_auto(Tree) tree = tree_new();
	g_assert_cmpint(mkdirat(tree.root, "d", 0755), ==, 0);
	put(tree.root, "d/f", "x");
	GThread *mover = g_thread_new("mover", move_about, &tree);
	gint64 end = g_get_monotonic_time() + G_USEC_PER_SEC / 2;
	int found = 0;
	int other = 0;
	while (g_get_monotonic_time() < end && !other) {
		autofd fd = path_open_state(tree.root, "d/f", O_RDONLY, 0);
		if (fd >= 0)
			found++;
		else if (errno != ENOENT)
			other = errno;
	}
	put(tree.temp.fd, "stop", "");
	g_thread_join(mover);
	g_assert_cmpint(other, ==, 0);
	g_assert_cmpint(found, >, 0);
}

static void test_in_root_confines(void)
{
	g_auto(Tree) tree = tree_new();
	static const char *const links[] = {"../secret", "../../../../../../secret", "/secret",
					    "/../secret"};
	for (size_t i = 0; i < G_N_ELEMENTS(links); i++) {
		g_assert_cmpint(symlinkat(links[i], tree.root, "link"), ==, 0);
		g_assert_cmpint(path_open_in_root(tree.root, "link", O_RDONLY, 0), ==, -1);
		g_assert_cmpint(errno, ==, ENOENT);
		g_assert_cmpint(unlinkat(tree.root, "link", 0), ==, 0);
	}
	/* The everyday absolute link inside a root works. */
	g_assert_cmpint(mkdirat(tree.root, "run", 0755), ==, 0);
	put(tree.root, "run/pid", "1");
	g_assert_cmpint(symlinkat("/run", tree.root, "var-run"), ==, 0);
	g_autofree char *text = path_read_in_root(tree.root, "/var-run/pid", 100, NULL);
	g_assert_cmpstr(text, ==, "1");
	autofd itself = path_open_in_root(tree.root, "", O_RDONLY | O_DIRECTORY, 0);
	g_assert_cmpint(itself, >=, 0);
}

static void test_read_refuses(void)
{
	g_auto(Tree) tree = tree_new();
	g_assert_cmpint(mkfifoat(tree.root, "fifo", 0666), ==, 0);
	g_assert_null(path_read_in_root(tree.root, "fifo", 100, NULL));
	g_assert_cmpint(errno, ==, EINVAL);
	put(tree.root, "big", "0123456789");
	g_assert_null(path_read_in_root(tree.root, "big", 9, NULL));
	g_assert_cmpint(errno, ==, EFBIG);
	g_assert_null(path_read_in_root(tree.root, "absent", 9, NULL));
	g_assert_cmpint(errno, ==, ENOENT);
	g_assert_null(path_read_in_root(tree.root, "/", 9, NULL));
	g_assert_cmpint(errno, ==, EINVAL);
	size_t size = 0;
	g_autofree char *text = path_read_in_root(tree.root, "big", 10, &size);
	g_assert_cmpstr(text, ==, "0123456789");
	g_assert_cmpuint(size, ==, 10);
}

static void test_mkdirs_state(void)
{
	g_auto(Tree) tree = tree_new();
	autofd made = path_mkdirs_state(tree.root, "a/b//c");
	g_assert_cmpint(made, >=, 0);
	autofd again = path_mkdirs_state(tree.root, "a/b/c");
	g_assert_cmpint(again, >=, 0);
	struct stat st;
	g_assert_cmpint(fstatat(tree.root, "a/b", &st, 0), ==, 0);
	g_assert_cmpint(st.st_mode & 07777, ==, 0700);
	g_assert_cmpint(symlinkat("a", tree.root, "link"), ==, 0);
	g_assert_cmpint(path_mkdirs_state(tree.root, "link/x"), ==, -1);
	g_assert_cmpint(errno, ==, ELOOP);
	g_assert_false(exists(tree.root, "a/x"));
}

static void test_mkdirs_in_root(void)
{
	g_auto(Tree) tree = tree_new();
	g_assert_cmpint(symlinkat("../../run/lock", tree.root, "dangling"), ==, 0);
	g_assert_cmpint(symlinkat("/abs", tree.root, "absolute"), ==, 0);
	autofd plain = path_mkdirs_in_root(tree.root, "/x/y/../z/.", 0755);
	g_assert_cmpint(plain, >=, 0);
	g_assert_true(exists(tree.root, "x/y"));
	g_assert_true(exists(tree.root, "x/z"));
	autofd through = path_mkdirs_in_root(tree.root, "dangling/deep", 0755);
	g_assert_cmpint(through, >=, 0);
	g_assert_true(exists(tree.root, "run/lock/deep"));
	autofd absolute = path_mkdirs_in_root(tree.root, "absolute/one", 0755);
	g_assert_cmpint(absolute, >=, 0);
	g_assert_true(exists(tree.root, "abs/one"));
	autofd up = path_mkdirs_in_root(tree.root, "../../../escape", 0755);
	g_assert_cmpint(up, >=, 0);
	g_assert_true(exists(tree.root, "escape"));
	g_assert_false(exists(tree.temp.fd, "escape"));
	/* Nothing beside the root has changed. */
	g_assert_false(exists(tree.temp.fd, "run"));
	g_assert_false(exists(tree.temp.fd, "abs"));
}

static void test_mkdirs_in_root_failures(void)
{
	g_auto(Tree) tree = tree_new();
	put(tree.root, "file", "");
	g_assert_cmpint(path_mkdirs_in_root(tree.root, "file/x", 0755), ==, -1);
	g_assert_cmpint(errno, ==, ENOTDIR);
	g_assert_cmpint(symlinkat("loop2/x", tree.root, "loop1"), ==, 0);
	g_assert_cmpint(symlinkat("loop1/x", tree.root, "loop2"), ==, 0);
	g_assert_cmpint(path_mkdirs_in_root(tree.root, "loop1/y", 0755), ==, -1);
	g_assert_cmpint(errno, ==, ELOOP);
	g_assert_cmpint(symlinkat("bomb/a/bomb", tree.root, "bomb"), ==, 0);
	g_assert_cmpint(path_mkdirs_in_root(tree.root, "bomb", 0755), ==, -1);
	g_assert_cmpint(errno, ==, ELOOP);
}

static void test_touch(void)
{
	g_auto(Tree) tree = tree_new();
	g_assert_cmpint(symlinkat("../secret", tree.root, "out"), ==, 0);
	g_assert_cmpint(symlinkat("../run/systemd/resolv.conf", tree.root, "resolv"), ==, 0);
	autofd made = path_touch_in_root(tree.root, "etc/hosts", 0644);
	g_assert_cmpint(made, >=, 0);
	put(tree.root, "etc/hosts", "text");
	autofd again = path_touch_in_root(tree.root, "etc/hosts", 0644);
	g_assert_cmpint(again, >=, 0);
	g_autofree char *kept = path_read_in_root(tree.root, "etc/hosts", 100, NULL);
	g_assert_cmpstr(kept, ==, "text");
	autofd inside = path_touch_in_root(tree.root, "out", 0644);
	g_assert_cmpint(inside, >=, 0);
	g_assert_true(exists(tree.root, "secret"));
	autofd linked = path_touch_in_root(tree.root, "resolv", 0644);
	g_assert_cmpint(linked, >=, 0);
	g_assert_true(exists(tree.root, "run/systemd/resolv.conf"));
	autofd directory = path_touch_in_root(tree.root, "etc", 0644);
	g_assert_cmpint(directory, >=, 0);
	g_autofree char *secret = path_read_in_root(tree.temp.fd, "secret", 100, NULL);
	g_assert_cmpstr(secret, ==, "secret");
}

static void test_remove_tree(void)
{
	g_auto(Tree) tree = tree_new();
	g_assert_true(path_remove_tree(tree.root, "absent"));
	put(tree.root, "file", "x");
	g_assert_true(path_remove_tree(tree.root, "file"));

	autofd deep = path_mkdirs_state(tree.root, "d/closed/inner");
	g_assert_cmpint(deep, >=, 0);
	put(tree.root, "d/closed/inner/file", "x");
	put(tree.root, "d/file", "x");
	g_assert_cmpint(symlinkat("../..", tree.root, "d/up"), ==, 0);
	g_assert_cmpint(symlinkat("/", tree.root, "d/top"), ==, 0);
	g_assert_cmpint(mkfifoat(tree.root, "d/fifo", 0600), ==, 0);
	g_assert_cmpint(fchmodat(tree.root, "d/closed/inner", 0000, 0), ==, 0);
	g_assert_cmpint(fchmodat(tree.root, "d/closed", 0555, 0), ==, 0);
	g_assert_cmpint(fchmodat(tree.root, "d", 0000, 0), ==, 0);
	g_assert_true(path_remove_tree(tree.root, "d"));
	g_assert_false(exists(tree.root, "d"));
	g_assert_true(exists(tree.temp.fd, "secret"));

	g_assert_cmpint(symlinkat("..", tree.root, "link"), ==, 0);
	g_assert_true(path_remove_tree(tree.root, "link"));
	g_assert_true(exists(tree.temp.fd, "secret"));
}

/* Deeper than descriptors or the stack would last, and than any path name reaches. */
static void test_remove_deep_tree(void)
{
	g_auto(Tree) tree = tree_new();
	autofd at = openat(tree.root, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	for (int i = 0; i < 1500; i++) {
		g_assert_cmpint(mkdirat(at, "d", 0700), ==, 0);
		int next = openat(at, "d", O_PATH | O_DIRECTORY | O_CLOEXEC);
		fd_close(&at);
		at = next;
	}
	put(at, "file", "x");
	g_assert_true(path_remove_tree(tree.root, "d"));
	g_assert_false(exists(tree.root, "d"));
}

static void test_private_dir(void)
{
	g_auto(TempDir) temp = temp_dir_new();
	g_autoptr(GError) error = NULL;
	g_autofree char *path = g_build_filename(temp.path, "a", "b", NULL);
	autofd fd = path_open_private_dir(path, &error);
	g_assert_no_error(error);
	g_assert_cmpint(fd, >=, 0);
	g_assert_cmpint(fchmod(fd, 0750), ==, 0);
	g_assert_cmpint(path_open_private_dir(path, &error), ==, -1);
	g_assert_true(error_matches(error, ENGINE_ERROR_DENIED));
	g_assert_nonnull(strstr(error->message, "help: chmod 700"));
	g_clear_error(&error);

	g_assert_cmpint(fchmod(fd, 0700), ==, 0);
	g_assert_cmpint(symlinkat("a/b", temp.fd, "link"), ==, 0);
	g_autofree char *link = g_build_filename(temp.path, "link", NULL);
	g_assert_cmpint(path_open_private_dir(link, &error), ==, -1);
	g_assert_true(error_matches(error, ENGINE_ERROR_DENIED));
	g_clear_error(&error);
	g_assert_cmpint(path_open_private_dir("relative", &error), ==, -1);
	g_assert_true(error_matches(error, ENGINE_ERROR_INVALID));
}

static void test_name_is_safe(void)
{
	g_autofree char *longest = g_strnfill(255, 'n');
	g_autofree char *too_long = g_strnfill(256, 'n');
	static const char *const bad[] = {"", ".", "..", "a/b", "/", "a\nb", "\x7f", "\x1b"};
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
		g_assert_false(path_name_is_safe(bad[i]));
	static const char *const good[] = {"a", "...", ".hidden", "a b", "-x", "\xc3\xa4"};
	for (size_t i = 0; i < G_N_ELEMENTS(good); i++)
		g_assert_true(path_name_is_safe(good[i]));
	g_assert_true(path_name_is_safe(longest));
	g_assert_false(path_name_is_safe(too_long));
}

static void test_clean(void)
{
	static const char *const rows[][2] = {
		{"", "/"},           {"/", "/"},        {"a", "/a"},        {"/a//b/", "/a/b"},
		{"/a/./b", "/a/b"},  {"/a/../b", "/b"}, {"/../..", "/"},    {"../x/..", "/"},
		{"/a/b/../..", "/"}, {"/...", "/..."},  {"/a/.b", "/a/.b"}, {"//a/..//b", "/b"},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autofree char *clean = path_clean(rows[i][0]);
		g_assert_cmpstr(clean, ==, rows[i][1]);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/path/state/refuses-links-and-escapes", test_state_refuses_links);
	g_test_add_func("/path/state/stays-on-its-mount", test_state_stays_on_its_mount);
	g_test_add_func("/path/state/what-is-moved-away-is-absent", test_state_of_what_is_moved);
	g_test_add_func("/path/in-root/confines-links", test_in_root_confines);
	g_test_add_func("/path/read/refuses-what-is-not-a-small-file", test_read_refuses);
	g_test_add_func("/path/mkdirs-state", test_mkdirs_state);
	g_test_add_func("/path/mkdirs-in-root/follows-inside", test_mkdirs_in_root);
	g_test_add_func("/path/mkdirs-in-root/failures", test_mkdirs_in_root_failures);
	g_test_add_func("/path/touch/keeps-what-is-there", test_touch);
	g_test_add_func("/path/remove-tree/removes-closed-directories", test_remove_tree);
	g_test_add_func("/path/remove-tree/removes-very-deep-trees", test_remove_deep_tree);
	g_test_add_func("/path/private-dir/refuses-links-and-open-modes", test_private_dir);
	g_test_add_func("/path/name-is-safe", test_name_is_safe);
	g_test_add_func("/path/clean", test_clean);
	return g_test_run();
}
