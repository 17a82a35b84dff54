/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/record.h"
#include "storage/store.h"
#include "tests/unit/base/temp_dir.h"

static Store *open_store(const TempDir *temp)
{
	g_autofree char *path = g_build_filename(temp->path, "store", NULL);
	g_autoptr(GError) error = NULL;
	Store *store = store_open(path, &error);
	g_assert_no_error(error);
	return store;
}

static bool exists(int dir_fd, const char *name)
{
	struct stat st;
	return fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static void test_open(void)
{
	g_auto(TempDir) temp = temp_dir_new();
	g_autoptr(Store) store = open_store(&temp);
	struct stat st;
	g_assert_cmpint(fstat(store_fd(store), &st), ==, 0);
	g_assert_cmpint(st.st_mode & 07777, ==, 0700);
	g_assert_cmpint(store_dir(store, "images"), >=, 0);
	g_assert_cmpint(store_dir(store, "images"), ==, store_dir(store, "images"));
	g_assert_cmpint(store_dir(store, "elsewhere"), ==, -1);
	g_assert_cmpint(errno, ==, EINVAL);
}

static void test_foreign_version(void)
{
	g_auto(TempDir) temp = temp_dir_new();
	g_autoptr(GError) error = NULL;
	g_autoptr(Store) store = open_store(&temp);
	g_assert_true(
		record_replace(store_fd(store), "version", "2\n", 2, RECORD_SYNC_NONE, &error));
	g_autofree char *path = g_build_filename(temp.path, "store", NULL);
	g_assert_null(store_open(path, &error));
	g_assert_true(error_matches(error, ENGINE_ERROR_UNSUPPORTED));
	g_assert_nonnull(strstr(error->message, "'2'"));
}

static void test_open_to_others(void)
{
	g_auto(TempDir) temp = temp_dir_new();
	g_autofree char *path = g_build_filename(temp.path, "store", NULL);
	g_autoptr(GError) error = NULL;
	g_assert_cmpint(mkdirat(temp.fd, "store", 0700), ==, 0);
	g_assert_cmpint(fchmodat(temp.fd, "store", 0711, 0), ==, 0);
	g_assert_null(store_open(path, &error));
	g_assert_true(error_matches(error, ENGINE_ERROR_DENIED));
}

static void test_trash(void)
{
	g_auto(TempDir) temp = temp_dir_new();
	g_autoptr(GError) error = NULL;
	g_autoptr(Store) store = open_store(&temp);
	g_assert_true(store_trash_is_empty(store));
	int volumes = store_dir(store, "volumes");
	for (int i = 0; i < 2; i++) {
		/* The same name twice: the trash renames. */
		g_assert_cmpint(mkdirat(volumes, "data", 0700), ==, 0);
		g_assert_true(store_trash(store, "volumes", "data", &error));
		g_assert_false(exists(volumes, "data"));
	}
	g_assert_true(store_trash(store, "volumes", "data", &error));
	g_assert_false(store_trash_is_empty(store));
	g_assert_true(store_empty_trash(store, &error));
	g_assert_true(store_trash_is_empty(store));
	g_assert_no_error(error);
}

static void test_live_stage_is_spared(void)
{
	g_auto(TempDir) temp = temp_dir_new();
	g_autoptr(GError) error = NULL;
	g_autoptr(Store) store = open_store(&temp);
	StoreStage *stage = store_stage_new(store, &error);
	g_assert_no_error(error);
	g_autofree char *name = g_strdup(store_stage_name(stage));
	int staging = store_dir(store, "staging");
	g_assert_true(store_sweep(store, &error));
	g_assert_true(exists(staging, name));
	store_stage_free(stage);
	g_assert_false(exists(staging, name));
	g_assert_true(store_trash_is_empty(store));
}

static void test_dead_stage_is_swept(void)
{
	g_auto(TempDir) temp = temp_dir_new();
	g_autoptr(GError) error = NULL;
	g_autoptr(Store) store = open_store(&temp);
	int staging = store_dir(store, "staging");

	/* A process that ends without a word, as a kill would make it. */
	pid_t pid = fork();
	if (pid == 0) {
		StoreStage *stage = store_stage_new(store, NULL);
		_exit(stage && mkdirat(store_stage_fd(stage), "layer-0", 0700) == 0 ? 0 : 1);
	}
	int status = 0;
	g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
	g_assert_cmpint(status, ==, 0);
	g_auto(GStrv) before = record_list(staging, &error);
	g_assert_cmpuint(g_strv_length(before), ==, 1);

	g_assert_true(store_sweep(store, &error));
	g_auto(GStrv) after = record_list(staging, &error);
	g_assert_cmpuint(g_strv_length(after), ==, 0);
	g_assert_false(store_trash_is_empty(store));
	g_assert_no_error(error);
}

static void test_unpublished_goes_to_trash(void)
{
	g_auto(TempDir) temp = temp_dir_new();
	g_autoptr(GError) error = NULL;
	g_autoptr(Store) store = open_store(&temp);
	StoreStage *stage = store_stage_new(store, &error);
	g_assert_cmpint(mkdirat(store_stage_fd(stage), "layer-0", 0700), ==, 0);
	store_stage_free(stage);
	g_assert_false(store_trash_is_empty(store));
}

static void test_network_filesystems(void)
{
	struct statfs fs;
	g_assert_cmpstr(store_network_filesystem(NFS_SUPER_MAGIC), ==, "NFS");
	g_assert_cmpstr(store_network_filesystem(CIFS_SUPER_MAGIC), ==, "CIFS");
	g_assert_null(store_network_filesystem(EXT4_SUPER_MAGIC));
	g_assert_cmpint(statfs("/tmp", &fs), ==, 0);
	g_assert_null(store_network_filesystem((uint32_t)fs.f_type));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/store/open/makes-it-private", test_open);
	g_test_add_func("/store/open/refuses-another-version", test_foreign_version);
	g_test_add_func("/store/open/refuses-open-to-others", test_open_to_others);
	g_test_add_func("/store/trash/renames-and-empties", test_trash);
	g_test_add_func("/store/stage/live-is-spared", test_live_stage_is_spared);
	g_test_add_func("/store/network-file-systems", test_network_filesystems);
	g_test_add_func("/store/stage/dead-is-swept", test_dead_stage_is_swept);
	g_test_add_func("/store/stage/unpublished-goes-to-trash", test_unpublished_goes_to_trash);
	return g_test_run();
}
