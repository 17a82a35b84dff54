/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Trees: copied with what belongs to them, never through a link.
 */
#include "libpod/runtime/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "tests/unit/base/temp_dir.h"

#define OLD_TIME 1000000000

static void put(int dir_fd, const char *name, const char *text, mode_t mode)
{
	autofd fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	g_assert_true(fd >= 0 && fd_write_all(fd, text, strlen(text)));
	struct timespec times[2] = {{.tv_sec = OLD_TIME}, {.tv_sec = OLD_TIME}};
	g_assert_cmpint(fchmod(fd, mode), ==, 0);
	g_assert_cmpint(futimens(fd, times), ==, 0);
}

/* Two empty directories beside a secret. */
typedef struct {
	TempDir temp;
	int from, to;
} Trees;

static Trees trees_new(void)
{
	Trees trees = {.temp = temp_dir_new()};
	put(trees.temp.fd, "secret", "secret", 0600);
	g_assert_cmpint(mkdirat(trees.temp.fd, "from", 0750), ==, 0);
	g_assert_cmpint(mkdirat(trees.temp.fd, "to", 0700), ==, 0);
	trees.from = openat(trees.temp.fd, "from", O_PATH | O_DIRECTORY | O_CLOEXEC);
	trees.to = openat(trees.temp.fd, "to", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return trees;
}

static void trees_clear(Trees *trees)
{
	fd_close(&trees->from);
	fd_close(&trees->to);
	temp_dir_clear(&trees->temp);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Trees, trees_clear)

static void assert_mode(int dir_fd, const char *name, mode_t mode)
{
	struct stat st;
	g_assert_cmpint(fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW), ==, 0);
	g_assert_cmpuint(st.st_mode, ==, mode);
}

static void test_copy(void)
{
	g_auto(Trees) trees = trees_new();
	put(trees.from, "file", "contents", 0640);
	put(trees.from, "tool", "program", 04755);
	g_assert_cmpint(mkdirat(trees.from, "deep", 0755), ==, 0);
	put(trees.from, "deep/leaf", "leaf", 0600);
	g_assert_cmpint(fchmodat(trees.from, "deep", 0555, 0), ==, 0);
	g_assert_cmpint(mkfifoat(trees.from, "fifo", 0620), ==, 0);
	g_assert_cmpint(symlinkat("../secret", trees.from, "link"), ==, 0);
	g_assert_cmpint(tree_copy(trees.from, trees.to), ==, 0);

	assert_mode(trees.to, ".", S_IFDIR | 0750);
	assert_mode(trees.to, "file", S_IFREG | 0640);
	assert_mode(trees.to, "tool", S_IFREG | 04755);
	assert_mode(trees.to, "deep", S_IFDIR | 0555);
	assert_mode(trees.to, "link", S_IFLNK | 0777);
	struct stat st;
	g_assert_cmpint(fstatat(trees.to, "fifo", &st, AT_SYMLINK_NOFOLLOW), ==, 0);
	g_assert_true(S_ISFIFO(st.st_mode));
	g_assert_cmpint(fstatat(trees.to, "deep/leaf", &st, 0), ==, 0);
	g_assert_cmpint(st.st_mtime, ==, OLD_TIME);
	char text[16] = "";
	autofd fd = openat(trees.to, "file", O_RDONLY | O_CLOEXEC);
	g_assert_cmpint(read(fd, text, sizeof text - 1), ==, 8);
	g_assert_cmpstr(text, ==, "contents");
	g_assert_cmpint(readlinkat(trees.to, "link", text, sizeof text), ==, 9);
	/* So that the temporary directory can be removed. */
	g_assert_cmpint(fchmodat(trees.from, "deep", 0755, 0), ==, 0);
	g_assert_cmpint(fchmodat(trees.to, "deep", 0755, 0), ==, 0);
}

static void test_copy_xattrs(void)
{
	g_auto(Trees) trees = trees_new();
	put(trees.from, "file", "x", 0644);
	autofd fd = openat(trees.from, "file", O_RDONLY | O_CLOEXEC);
	if (fsetxattr(fd, "user.kept", "yes", 3, 0) < 0) {
		g_test_skip("the temporary directory has no extended attributes");
		return;
	}
	g_assert_cmpint(fsetxattr(fd, "user.overlay.opaque", "y", 1, 0), ==, 0);
	g_assert_cmpint(tree_copy(trees.from, trees.to), ==, 0);
	autofd copy = openat(trees.to, "file", O_RDONLY | O_CLOEXEC);
	char value[8];
	g_assert_cmpint(fgetxattr(copy, "user.kept", value, sizeof value), ==, 3);
	g_assert_cmpint(fgetxattr(copy, "user.overlay.opaque", value, sizeof value), ==, -1);
}

static void test_empty(void)
{
	g_auto(Trees) trees = trees_new();
	g_assert_cmpint(tree_is_empty(trees.from), ==, 1);
	put(trees.from, ".hidden", "", 0600);
	g_assert_cmpint(tree_is_empty(trees.from), ==, 0);
	autofd file = openat(trees.from, ".hidden", O_PATH | O_CLOEXEC);
	g_assert_cmpint(tree_is_empty(file), ==, -ENOTDIR);
}

/* Without privileges only our own ids can be set; what matters here is what is not touched. */
static void test_chown_does_not_follow(void)
{
	g_auto(Trees) trees = trees_new();
	put(trees.from, "file", "x", 0644);
	g_assert_cmpint(symlinkat("../secret", trees.from, "link"), ==, 0);
	g_assert_cmpint(symlinkat("/no/such/place", trees.from, "dangling"), ==, 0);
	g_assert_cmpint(tree_chown(trees.from, geteuid(), getegid()), ==, 0);
	struct stat st;
	g_assert_cmpint(fstatat(trees.temp.fd, "secret", &st, 0), ==, 0);
	g_assert_cmpuint(st.st_uid, ==, geteuid());
	g_assert_cmpint(st.st_mtime, ==, OLD_TIME);
}

/* The way down ends somewhere, with an error, long before the stack does. */
static void test_depth(void)
{
	g_auto(Trees) trees = trees_new();
	autofd at = openat(trees.from, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	for (int i = 0; i < 200; i++) {
		g_assert_cmpint(mkdirat(at, "d", 0755), ==, 0);
		int next = openat(at, "d", O_PATH | O_DIRECTORY | O_CLOEXEC);
		g_assert_cmpint(next, >=, 0);
		fd_close(&at);
		at = next;
	}
	g_assert_cmpint(tree_copy(trees.from, trees.to), ==, -ELOOP);
	g_assert_cmpint(tree_chown(trees.from, geteuid(), getegid()), ==, -ELOOP);
	g_autofree char *path = g_build_filename(trees.temp.path, "from", NULL);
	const char *const argv[] = {"rm", "-rf", path, NULL};
	g_assert_true(g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL,
				   NULL, NULL, NULL));
	g_autofree char *copy = g_build_filename(trees.temp.path, "to", NULL);
	const char *const again[] = {"rm", "-rf", copy, NULL};
	g_assert_true(g_spawn_sync(NULL, (char **)again, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL,
				   NULL, NULL, NULL, NULL));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/tree/copy/everything-with-its-metadata", test_copy);
	g_test_add_func("/tree/copy/attributes-but-not-the-overlays", test_copy_xattrs);
	g_test_add_func("/tree/is-empty", test_empty);
	g_test_add_func("/tree/chown/does-not-follow-links", test_chown_does_not_follow);
	g_test_add_func("/tree/depth-is-bounded", test_depth);
	return g_test_run();
}
