/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checksums: what the stat cache may believe, what a list tells about changes.
 */
#include "build/checksum.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/unit/base/temp_dir.h"

static void put(int dir_fd, const char *path, const char *text)
{
	autofd fd = openat(dir_fd, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	g_assert_cmpint(fd, >=, 0);
	g_assert_true(fd_write_all(fd, text, strlen(text)));
}

static void digest(StatCache *cache, int dir_fd, const char *name,
		   uint8_t out[static CHECKSUM_SIZE])
{
	struct stat st;
	g_autoptr(GError) error = NULL;
	g_assert_cmpint(fstatat(dir_fd, name, &st, 0), ==, 0);
	g_assert_true(stat_cache_digest(cache, dir_fd, name, &st, name, out, &error));
	g_assert_no_error(error);
}

static void test_remembers(void)
{
	uint8_t one[CHECKSUM_SIZE], two[CHECKSUM_SIZE];
	g_auto(TempDir) temp = temp_dir_new();
	put(temp.fd, "file", "content");
	g_usleep(60000);
	g_autoptr(StatCache) first = stat_cache_open(temp.fd, "cache");
	digest(first, temp.fd, "file", one);
	digest(first, temp.fd, "file", one);
	g_assert_cmpuint(stat_cache_reads(first), ==, 1);
	g_assert_true(stat_cache_save(first, NULL));
	g_autoptr(StatCache) second = stat_cache_open(temp.fd, "cache");
	digest(second, temp.fd, "file", two);
	g_assert_cmpuint(stat_cache_reads(second), ==, 0);
	g_assert_cmpmem(one, sizeof(one), two, sizeof(two));
	put(temp.fd, "file", "CONTENT");
	digest(second, temp.fd, "file", two);
	g_assert_cmpuint(stat_cache_reads(second), ==, 1);
	g_assert_cmpint(memcmp(one, two, sizeof(one)), !=, 0);
}

/* A file that has just been written could be written again without a new ctime. */
static void test_distrusts_the_young(void)
{
	uint8_t out[CHECKSUM_SIZE];
	g_auto(TempDir) temp = temp_dir_new();
	g_autoptr(StatCache) cache = stat_cache_open(-1, NULL);
	put(temp.fd, "file", "content");
	digest(cache, temp.fd, "file", out);
	digest(cache, temp.fd, "file", out);
	g_assert_cmpuint(stat_cache_reads(cache), ==, 2);
}

static void test_damaged_cache(void)
{
	uint8_t out[CHECKSUM_SIZE];
	g_auto(TempDir) temp = temp_dir_new();
	put(temp.fd, "file", "content");
	g_usleep(60000);
	g_autoptr(StatCache) first = stat_cache_open(temp.fd, "cache");
	digest(first, temp.fd, "file", out);
	g_assert_true(stat_cache_save(first, NULL));
	autofd fd = openat(temp.fd, "cache", O_RDWR | O_CLOEXEC);
	struct stat st;
	g_assert_cmpint(fstat(fd, &st), ==, 0);
	for (off_t at = 0; at < st.st_size; at += 7) {
		char byte = 0;
		g_assert_cmpint(pread(fd, &byte, 1, at), ==, 1);
		byte ^= 4;
		g_assert_cmpint(pwrite(fd, &byte, 1, at), ==, 1);
		g_autoptr(StatCache) broken = stat_cache_open(temp.fd, "cache");
		digest(broken, temp.fd, "file", out);
		g_assert_cmpuint(stat_cache_reads(broken), ==, 1);
		byte ^= 4;
		g_assert_cmpint(pwrite(fd, &byte, 1, at), ==, 1);
	}
	g_assert_cmpint(ftruncate(fd, st.st_size - 3), ==, 0);
	g_autoptr(StatCache) cut = stat_cache_open(temp.fd, "cache");
	digest(cut, temp.fd, "file", out);
	g_assert_cmpuint(stat_cache_reads(cut), ==, 1);
}

static void test_refuses_links(void)
{
	struct stat st;
	uint8_t out[CHECKSUM_SIZE];
	g_autoptr(GError) error = NULL;
	g_auto(TempDir) temp = temp_dir_new();
	g_autoptr(StatCache) cache = stat_cache_open(-1, NULL);
	put(temp.fd, "secret", "secret");
	g_assert_cmpint(fstatat(temp.fd, "secret", &st, 0), ==, 0);
	g_assert_cmpint(symlinkat("secret", temp.fd, "file"), ==, 0);
	g_assert_false(stat_cache_digest(cache, temp.fd, "file", &st, "file", out, &error));
	g_assert_nonnull(error);
}

static void note(FileChange change, const char *path, void *data)
{
	g_string_append_printf(data, "%c%s ", "~+-"[change], path);
}

static void test_list(void)
{
	const uint8_t one[CHECKSUM_SIZE] = {1}, two[CHECKSUM_SIZE] = {2};
	g_auto(TempDir) temp = temp_dir_new();
	g_autoptr(FileList) before = file_list_new();
	g_autoptr(FileList) now = file_list_new();
	file_list_add(before, "b", one);
	file_list_add(before, "a", one);
	file_list_add(before, "gone", one);
	g_assert_true(file_list_save(before, temp.fd, "list", NULL));
	file_list_add(now, "a", one);
	file_list_add(now, "b", two);
	file_list_add(now, "new", two);
	g_autoptr(FileList) loaded = file_list_load(temp.fd, "list");
	g_assert_nonnull(loaded);
	g_autofree char *saved = file_list_digest(before);
	g_autofree char *read = file_list_digest(loaded);
	g_assert_cmpstr(saved, ==, read);
	g_autoptr(GString) seen = g_string_new(NULL);
	g_assert_cmpuint(file_list_diff(loaded, now, 10, note, seen), ==, 3);
	g_assert_cmpstr(seen->str, ==, "~b -gone +new ");
	g_string_truncate(seen, 0);
	g_assert_cmpuint(file_list_diff(loaded, now, 1, note, seen), ==, 3);
	g_assert_cmpstr(seen->str, ==, "~b ");
	g_assert_null(file_list_load(temp.fd, "absent"));
	put(temp.fd, "list", "skiff files 1\nrubbish");
	g_assert_null(file_list_load(temp.fd, "list"));
}

/* The order in which files were met does not count. */
static void test_list_order(void)
{
	const uint8_t one[CHECKSUM_SIZE] = {1}, two[CHECKSUM_SIZE] = {2};
	g_autoptr(FileList) a = file_list_new();
	g_autoptr(FileList) b = file_list_new();
	file_list_add(a, "x", one);
	file_list_add(a, "y", two);
	file_list_add(b, "y", two);
	file_list_add(b, "x", one);
	g_autofree char *first = file_list_digest(a);
	g_autofree char *second = file_list_digest(b);
	g_assert_cmpstr(first, ==, second);
}

static void test_xattrs(void)
{
	g_assert_true(checksum_xattr_counts("user.comment"));
	g_assert_true(checksum_xattr_counts("security.capability"));
	g_assert_false(checksum_xattr_counts("user.overlay.opaque"));
	g_assert_false(checksum_xattr_counts("user.overlay.redirect"));
	g_assert_false(checksum_xattr_counts("security.selinux"));
	g_assert_false(checksum_xattr_counts("system.posix_acl_access"));
	g_assert_false(checksum_xattr_counts("trusted.overlay.opaque"));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/checksum/cache-remembers", test_remembers);
	g_test_add_func("/checksum/cache-distrusts-the-young", test_distrusts_the_young);
	g_test_add_func("/checksum/cache-damaged", test_damaged_cache);
	g_test_add_func("/checksum/cache-refuses-links", test_refuses_links);
	g_test_add_func("/checksum/list", test_list);
	g_test_add_func("/checksum/list-order", test_list_order);
	g_test_add_func("/checksum/xattrs", test_xattrs);
	return g_test_run();
}
