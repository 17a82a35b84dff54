/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copies of layers with other owners, by a user who can give files to nobody but himself (or root,
 * who behaves the same here).
 */
#include "storage/layer_mapped.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/path.h"
#include "storage/layer.h"

#define CHAIN "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

typedef struct {
	char *dir;
	Store *store;
} Fixture;

static void set_up(Fixture *f, gconstpointer data)
{
	(void)data;
	f->dir = g_dir_make_tmp("skiff-test-XXXXXX", NULL);
	g_autofree char *path = g_build_filename(f->dir, "store", NULL);
	g_autoptr(GError) error = NULL;
	f->store = store_open(path, &error);
	g_assert_no_error(error);
}

static void tear_down(Fixture *f, gconstpointer data)
{
	(void)data;
	store_close(f->store);
	autofd dir = open(f->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	g_assert_true(path_remove_tree(dir, "store"));
	g_assert_cmpint(rmdir(f->dir), ==, 0);
	g_free(f->dir);
}

/* A map that has one place: for @inside, which is ourselves outside. */
static IdMap *one_place(uint32_t inside_uid, uint32_t inside_gid)
{
	IdMap *map = idmap_new();
	idmap_add(map->uids, inside_uid, geteuid(), 1);
	idmap_add(map->gids, inside_gid, getegid(), 1);
	return map;
}

static void write_file(int dir, const char *name, const char *text, mode_t mode)
{
	autofd fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	g_assert_cmpint(fd, >=, 0);
	g_assert_true(fd_write_all(fd, text, strlen(text)));
	g_assert_cmpint(fchmod(fd, mode), ==, 0);
	const struct timespec times[2] = {{.tv_sec = 1000}, {.tv_sec = 2000}};
	g_assert_cmpint(futimens(fd, times), ==, 0);
}

/* layers/CHAIN/diff with one of everything. Return: false if the file system keeps no attributes.
 */
static bool make_layer(Fixture *f)
{
	g_autofree char *path = layer_diff_path(CHAIN);
	autofd made = path_mkdirs_state(store_fd(f->store), path);
	g_assert_cmpint(made, >=, 0);
	autofd diff = path_open_state(store_fd(f->store), path, O_RDONLY | O_DIRECTORY, 0);
	g_assert_cmpint(diff, >=, 0);
	g_assert_cmpint(mkdirat(diff, "dir", 0700), ==, 0);
	autofd dir = openat(diff, "dir", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	write_file(dir, "set-id", "program\n", 06755);
	write_file(dir, "read-only", "", 0400);
	g_assert_cmpint(linkat(dir, "set-id", diff, "second-name", 0), ==, 0);
	g_assert_cmpint(symlinkat("/no/where", dir, "link"), ==, 0);
	g_assert_cmpint(mkfifoat(dir, "fifo", 0640), ==, 0);
	bool has_xattrs = fsetxattr(dir, "user.overlay.opaque", "y", 1, 0) == 0;
	g_assert_cmpint(fchmod(dir, 0551), ==, 0);
	g_assert_cmpint(fchmodat(diff, ".", 0711, 0), ==, 0);
	return has_xattrs;
}

/* Make the copies that are missing for @map; returns how many those were. */
static guint copy_layer(Fixture *f, const IdMap *map)
{
	const char *const chain_ids[] = {CHAIN, NULL};
	g_autoptr(GError) error = NULL;
	g_autoptr(GPtrArray) missing =
		mapped_trees_missing(f->store, chain_ids, "stubs", map, &error);
	g_assert_no_error(error);
	g_autoptr(StoreStage) stage = store_stage_new(f->store, &error);
	g_assert_no_error(error);
	for (guint i = 0; i < missing->len; i++) {
		(void)mapped_tree_copy(f->store, stage, missing->pdata[i], map, &error);
		g_assert_no_error(error);
	}
	g_assert_true(mapped_trees_publish(f->store, stage, missing, &error));
	g_assert_no_error(error);
	return missing->len;
}

static void make_stubs(Fixture *f)
{
	autofd stubs = path_mkdirs_state(store_fd(f->store), "cache/stubs/etc");
	g_assert_cmpint(stubs, >=, 0);
}

static struct stat look(int dir, const char *path)
{
	struct stat st;
	g_assert_cmpint(fstatat(dir, path, &st, AT_SYMLINK_NOFOLLOW), ==, 0);
	return st;
}

static void test_copy_has_everything(Fixture *f, gconstpointer data)
{
	(void)data;
	bool has_xattrs = make_layer(f);
	make_stubs(f);
	g_autoptr(IdMap) map = one_place(geteuid(), getegid());
	g_assert_cmpuint(copy_layer(f, map), ==, 2);

	g_autofree char *path = layer_mapped_path(CHAIN, map);
	autofd diff = path_open_state(store_fd(f->store), path, O_RDONLY | O_DIRECTORY, 0);
	g_assert_cmpint(diff, >=, 0);
	g_assert_cmpint(look(diff, ".").st_mode & 07777, ==, 0711);
	g_assert_cmpint(look(diff, "dir").st_mode & 07777, ==, 0551);
	struct stat st = look(diff, "dir/set-id");
	g_assert_cmpint(st.st_mode & 07777, ==, 06755);
	g_assert_cmpint(st.st_mtim.tv_sec, ==, 2000);
	g_assert_cmpint(st.st_size, ==, 8);
	g_assert_cmpint(st.st_nlink, ==, 2);
	g_assert_cmpint(st.st_ino, ==, look(diff, "second-name").st_ino);
	g_assert_cmpint(look(diff, "dir/read-only").st_mode & 07777, ==, 0400);
	g_assert_cmpint(look(diff, "dir/fifo").st_mode, ==, S_IFIFO | 0640);
	char target[16] = "";
	g_assert_cmpint(readlinkat(diff, "dir/link", target, sizeof target), ==, 9);
	autofd dir = openat(diff, "dir", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (has_xattrs)
		g_assert_cmpint(fgetxattr(dir, "user.overlay.opaque", NULL, 0), ==, 1);

	g_autofree char *stubs = mapped_base_path("stubs", map);
	autofd base = path_open_state(store_fd(f->store), stubs, O_RDONLY | O_DIRECTORY, 0);
	g_assert_true(S_ISDIR(look(base, "etc").st_mode));
}

/* A second command finds it; another map is another copy. */
static void test_made_once(Fixture *f, gconstpointer data)
{
	(void)data;
	(void)make_layer(f);
	make_stubs(f);
	g_autoptr(IdMap) map = one_place(geteuid(), getegid());
	g_autoptr(IdMap) other = one_place(geteuid() + 1, getegid());
	g_assert_cmpuint(copy_layer(f, map), ==, 2);
	g_assert_cmpuint(copy_layer(f, map), ==, 0);
	g_assert_cmpuint(copy_layer(f, other), ==, 2);
}

/* Nobody gets a set-id program of somebody else as his own. */
static void test_owner_without_a_place(Fixture *f, gconstpointer data)
{
	(void)data;
	(void)make_layer(f);
	make_stubs(f);
	g_autoptr(IdMap) map = one_place(geteuid() + 1, getegid() + 1);
	g_assert_cmpuint(copy_layer(f, map), ==, 2);
	g_autofree char *path = layer_mapped_path(CHAIN, map);
	autofd diff = path_open_state(store_fd(f->store), path, O_RDONLY | O_DIRECTORY, 0);
	struct stat st = look(diff, "dir/set-id");
	g_assert_cmpint(st.st_mode & 07777, ==, 0755);
	g_assert_cmpint(st.st_uid, ==, geteuid());
	g_assert_cmpint(look(diff, "dir").st_mode & 07777, ==, 0551);
}

/* What another command has published meanwhile stays. */
static void test_race_has_one_winner(Fixture *f, gconstpointer data)
{
	(void)data;
	(void)make_layer(f);
	make_stubs(f);
	g_autoptr(IdMap) map = one_place(geteuid(), getegid());
	g_autoptr(GError) error = NULL;
	const char *const chain_ids[] = {CHAIN, NULL};
	g_autoptr(GPtrArray) late = mapped_trees_missing(f->store, chain_ids, "stubs", map, &error);
	g_assert_cmpuint(late->len, ==, 2);
	g_assert_cmpuint(copy_layer(f, map), ==, 2);
	g_autofree char *path = layer_mapped_path(CHAIN, map);
	ino_t winner = look(store_fd(f->store), path).st_ino;

	g_autoptr(StoreStage) stage = store_stage_new(f->store, &error);
	for (guint i = 0; i < late->len; i++)
		g_assert_true(mapped_tree_copy(f->store, stage, late->pdata[i], map, &error));
	g_assert_true(mapped_trees_publish(f->store, stage, late, &error));
	g_assert_cmpint(look(store_fd(f->store), path).st_ino, ==, winner);
}

static void test_missing_original(Fixture *f, gconstpointer data)
{
	(void)data;
	make_stubs(f);
	g_autoptr(IdMap) map = one_place(geteuid(), getegid());
	g_autoptr(GError) error = NULL;
	const char *const chain_ids[] = {CHAIN, NULL};
	g_autoptr(GPtrArray) missing =
		mapped_trees_missing(f->store, chain_ids, "stubs", map, &error);
	g_autoptr(StoreStage) stage = store_stage_new(f->store, &error);
	g_assert_true(mapped_tree_copy(f->store, stage, missing->pdata[0], map, &error));
	g_assert_false(mapped_tree_copy(f->store, stage, missing->pdata[1], map, &error));
	g_assert_nonnull(strstr(error->message, "for other ids"));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	static const struct {
		const char *path;
		void (*test)(Fixture *f, gconstpointer data);
	} tests[] = {
		{"/layer-mapped/has-everything", test_copy_has_everything},
		{"/layer-mapped/made-once", test_made_once},
		{"/layer-mapped/owner-without-a-place", test_owner_without_a_place},
		{"/layer-mapped/race-has-one-winner", test_race_has_one_winner},
		{"/layer-mapped/missing-original", test_missing_original},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(tests); i++)
		g_test_add(tests[i].path, Fixture, NULL, set_up, tests[i].test, tear_down);
	return g_test_run();
}
