/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Trees into tars and, by the extractor in its plain manner, back: names of every length, links,
 * the marks of a layer; what cp refuses; what it must leave alone.
 */
#include "storage/tree_pack.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "storage/tar_unpack.h"
#include "tests/unit/base/temp_dir.h"

typedef struct {
	TempDir from, to;
	GByteArray *tar;
	size_t read;
} Fixture;

static void set_up(Fixture *f, gconstpointer unused)
{
	(void)unused;
	(void)umask(0);
	f->from = temp_dir_new();
	f->to = temp_dir_new();
	f->tar = g_byte_array_new();
	f->read = 0;
}

static void tear_down(Fixture *f, gconstpointer unused)
{
	(void)unused;
	g_byte_array_unref(f->tar);
	temp_dir_clear(&f->from);
	temp_dir_clear(&f->to);
}

static bool sink(void *data, const void *bytes, size_t size, GError **error)
{
	(void)error;
	g_byte_array_append(((Fixture *)data)->tar, bytes, (guint)size);
	return true;
}

static ssize_t take(void *data, void *buffer, size_t size)
{
	Fixture *f = data;
	size_t n = MIN(size, f->tar->len - f->read);
	memcpy(buffer, f->tar->data + f->read, n);
	f->read += n;
	return (ssize_t)n;
}

static void write_file(int dir_fd, const char *name, const char *text, mode_t mode)
{
	autofd fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	g_assert_true(fd_write_all(fd, text, strlen(text)));
	g_assert_cmpint(fchmod(fd, mode), ==, 0);
}

static char *read_file(int dir_fd, const char *name)
{
	autofd fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? NULL : fd_read_all(fd, 1 << 20, NULL, NULL);
}

/* Pack all of "from". */
static bool pack(Fixture *f, bool layer, GError **error)
{
	TreePackStats stats;
	const TreePackOptions options = {
		.dir_fd = f->from.fd,
		.file_fd = -1,
		.layer = layer,
		.raw = sink,
		.content = sink,
		.data = f,
	};
	return tree_pack(&options, &stats, error);
}

/* Unpack it into "to", among what is there. */
static bool unpack(Fixture *f, bool keep_kinds, GError **error)
{
	const TarSource source = {.read = take, .data = f};
	g_autoptr(TarReader) reader = tar_reader_new(&source);
	g_autoptr(GByteArray) deferred = g_byte_array_new();
	TarUnpackStats stats;
	const TarUnpackOptions options = {
		.root_fd = f->to.fd,
		.extra_fd = -1,
		.single_id = true,
		.plain = true,
		.keep_kinds = keep_kinds,
		.max_bytes = 1 << 30,
		.max_entries = 10000,
	};
	bool done = tar_unpack(reader, &options, deferred, &stats, error);
	g_assert_cmpint(deferred->len, ==, 0);
	return done;
}

/* The names in the archive, in order, joined. */
static char *list(Fixture *f)
{
	const TarSource source = {.read = take, .data = f};
	g_autoptr(TarReader) reader = tar_reader_new(&source);
	g_autoptr(GString) names = g_string_new(NULL);
	g_autoptr(GError) error = NULL;
	const TarEntry *entry = NULL;
	int got;
	while ((got = tar_reader_next(reader, &entry, &error)) > 0)
		g_string_append_printf(names, "%s ", entry->name);
	g_assert_no_error(error);
	g_assert_cmpint(got, ==, 0);
	return g_string_free(g_steal_pointer(&names), FALSE);
}

static void test_round_trip(Fixture *f, gconstpointer unused)
{
	(void)unused;
	g_autoptr(GError) error = NULL;
	g_autofree char *long_name = g_strnfill(200, 'n');
	g_autofree char *long_target = g_strnfill(300, 't');
	g_assert_cmpint(mkdirat(f->from.fd, "dir", 0750), ==, 0);
	write_file(f->from.fd, "dir/file", "content", 04751);
	write_file(f->from.fd, long_name, "long", 0600);
	write_file(f->from.fd, ".wh.file", "no whiteout", 0644);
	g_assert_cmpint(linkat(f->from.fd, "dir/file", f->from.fd, "zz", 0), ==, 0);
	g_assert_cmpint(symlinkat(long_target, f->from.fd, "dir/link"), ==, 0);
	g_assert_cmpint(mkfifoat(f->from.fd, "dir/fifo", 0600), ==, 0);
	autofd file = openat(f->from.fd, "dir/file", O_RDONLY | O_CLOEXEC);
	bool has_xattrs = fsetxattr(file, "user.key", "v", 1, 0) == 0;
	g_assert_true(pack(f, false, &error));
	g_assert_no_error(error);
	/* The same tree gives the same bytes. */
	g_autoptr(GByteArray) first = g_steal_pointer(&f->tar);
	f->tar = g_byte_array_new();
	g_assert_true(pack(f, false, &error));
	g_assert_cmpmem(first->data, first->len, f->tar->data, f->tar->len);

	bool unpacked = unpack(f, true, &error);
	g_assert_no_error(error);
	g_assert_true(unpacked);
	g_autofree char *content = read_file(f->to.fd, "dir/file");
	g_autofree char *other = read_file(f->to.fd, long_name);
	g_autofree char *plain = read_file(f->to.fd, ".wh.file");
	g_assert_cmpstr(content, ==, "content");
	g_assert_cmpstr(other, ==, "long");
	g_assert_cmpstr(plain, ==, "no whiteout");
	char target[512] = "";
	g_assert_cmpint(readlinkat(f->to.fd, "dir/link", target, sizeof(target) - 1), ==, 300);
	g_assert_cmpstr(target, ==, long_target);
	struct stat one, two;
	g_assert_cmpint(fstatat(f->to.fd, "dir/file", &one, 0), ==, 0);
	g_assert_cmpint(fstatat(f->to.fd, "zz", &two, 0), ==, 0);
	g_assert_cmpint(one.st_ino, ==, two.st_ino);
	g_assert_cmpint(one.st_mode & 07777, ==, 04751);
	g_assert_cmpint(fstatat(f->to.fd, "dir", &one, 0), ==, 0);
	g_assert_cmpint(one.st_mode & 07777, ==, 0750);
	autofd copy = openat(f->to.fd, "zz", O_RDONLY | O_CLOEXEC);
	char value[4];
	g_assert_true(!has_xattrs || fgetxattr(copy, "user.key", value, sizeof(value)) == 1);
}

static void test_layer(Fixture *f, gconstpointer unused)
{
	(void)unused;
	g_autoptr(GError) error = NULL;
	g_assert_cmpint(mkdirat(f->from.fd, "dir", 0755), ==, 0);
	g_assert_cmpint(mknodat(f->from.fd, "dir/gone", S_IFCHR, makedev(0, 0)), ==, 0);
	g_assert_cmpint(mknodat(f->from.fd, "top", S_IFCHR, makedev(0, 0)), ==, 0);
	autofd dir = openat(f->from.fd, "dir", O_RDONLY | O_CLOEXEC);
	if (fsetxattr(dir, "user.overlay.opaque", "y", 1, 0) < 0) {
		g_test_skip("no user attributes on this file system");
		return;
	}
	g_assert_cmpint(fsetxattr(dir, "user.overlay.impure", "y", 1, 0), ==, 0);
	g_assert_true(pack(f, true, &error));
	g_autofree char *names = list(f);
	g_assert_cmpstr(names, ==, "dir/ dir/.wh..wh..opq dir/.wh.gone .wh.top ");
	g_assert_null(strstr((char *)f->tar->data, "overlay"));
	/* A file that would be taken for a whiteout. */
	write_file(f->from.fd, ".wh.real", "", 0644);
	g_assert_false(pack(f, true, &error));
	g_assert_true(error_matches(error, ENGINE_ERROR_INVALID));
}

static void test_kinds(Fixture *f, gconstpointer unused)
{
	(void)unused;
	g_autoptr(GError) error = NULL;
	g_assert_cmpint(mkdirat(f->from.fd, "was-file", 0755), ==, 0);
	write_file(f->from.fd, "was-dir", "new", 0644);
	g_assert_cmpint(mkdirat(f->to.fd, "was-dir", 0755), ==, 0);
	write_file(f->to.fd, "was-dir/kept", "kept", 0644);
	g_assert_true(pack(f, false, &error));
	g_assert_false(unpack(f, true, &error));
	g_assert_true(error_matches(error, ENGINE_ERROR_EXISTS));
	g_autofree char *kept = read_file(f->to.fd, "was-dir/kept");
	g_assert_cmpstr(kept, ==, "kept");
	g_clear_error(&error);
	write_file(f->to.fd, "was-file", "old", 0644);
	f->read = 0;
	g_assert_true(unpack(f, false, &error));
	g_autofree char *replaced = read_file(f->to.fd, "was-dir");
	g_assert_cmpstr(replaced, ==, "new");
	struct stat st;
	g_assert_cmpint(fstatat(f->to.fd, "was-file", &st, 0), ==, 0);
	g_assert_true(S_ISDIR(st.st_mode));
}

/* The root keeps its mode, and a link in it leads to nowhere outside. */
static void test_among_others(Fixture *f, gconstpointer unused)
{
	(void)unused;
	g_autoptr(GError) error = NULL;
	write_file(f->from.fd, "canary", "alive", 0644);
	g_assert_cmpint(mkdirat(f->from.fd, "packed", 0755), ==, 0);
	g_assert_cmpint(mkdirat(f->from.fd, "packed/dir", 0755), ==, 0);
	write_file(f->from.fd, "packed/dir/canary", "overwritten", 0644);
	g_assert_cmpint(symlinkat(f->from.path, f->to.fd, "dir"), ==, 0);
	g_assert_cmpint(fchmod(f->to.fd, 0711), ==, 0);
	autofd packed = openat(f->from.fd, "packed", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const TreePackOptions options = {
		.dir_fd = packed, .file_fd = -1, .raw = sink, .content = sink, .data = f};
	TreePackStats stats;
	g_assert_true(tree_pack(&options, &stats, &error));
	g_assert_false(unpack(f, true, &error));
	g_assert_true(error_matches(error, ENGINE_ERROR_EXISTS));
	g_clear_error(&error);
	f->read = 0;
	g_assert_true(unpack(f, false, &error));
	g_autofree char *canary = read_file(f->from.fd, "canary");
	g_assert_cmpstr(canary, ==, "alive");
	g_autofree char *arrived = read_file(f->to.fd, "dir/canary");
	g_assert_cmpstr(arrived, ==, "overwritten");
	struct stat st;
	g_assert_cmpint(fstat(f->to.fd, &st), ==, 0);
	g_assert_cmpint(st.st_mode & 07777, ==, 0711);
}

static void test_missing(Fixture *f, gconstpointer unused)
{
	(void)unused;
	g_autoptr(GError) error = NULL;
	const TreePackOptions options = {.dir_fd = f->from.fd,
					 .name = "absent",
					 .file_fd = -1,
					 .raw = sink,
					 .content = sink,
					 .data = f};
	TreePackStats stats;
	g_assert_false(tree_pack(&options, &stats, &error));
	g_assert_true(error_matches(error, ENGINE_ERROR_NOT_FOUND));
}

/* Pieces smaller than the buffer, as large, larger, and what is left at the end. */
static void test_output(void)
{
	static const size_t sizes[] = {
		1,  TREE_PACK_BUFFER - 1, 5, TREE_PACK_BUFFER, 3 * TREE_PACK_BUFFER + 7, 0, 512,
		496};
	g_autofree char *buffer = g_malloc(TREE_PACK_BUFFER);
	autofd file = memfd_create("tar", MFD_CLOEXEC);
	TreePackOutput out = {.fd = file, .buffer = buffer};
	g_autoptr(GByteArray) all = g_byte_array_new();
	g_autoptr(GError) error = NULL;
	for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++) {
		g_autofree char *piece = g_malloc(sizes[i] + 1);
		memset(piece, 'a' + (int)i, sizes[i]);
		g_byte_array_append(all, (const guint8 *)piece, (guint)sizes[i]);
		g_assert_true(tree_pack_put(&out, piece, sizes[i], &error));
	}
	g_assert_true(tree_pack_flush(&out, &error));
	size_t size = 0;
	g_assert_cmpint(lseek(file, 0, SEEK_SET), ==, 0);
	g_autofree char *got = fd_read_all(file, all->len + 1, &size, &error);
	g_assert_no_error(error);
	g_assert_cmpmem(got, size, all->data, all->len);
	fd_close(&out.fd);
	g_assert_true(tree_pack_put(&out, "x", 1, &error));
	g_assert_false(tree_pack_flush(&out, &error));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add("/tree-pack/round-trip", Fixture, NULL, set_up, test_round_trip, tear_down);
	g_test_add("/tree-pack/layer", Fixture, NULL, set_up, test_layer, tear_down);
	g_test_add("/tree-pack/kinds", Fixture, NULL, set_up, test_kinds, tear_down);
	g_test_add("/tree-pack/among-others", Fixture, NULL, set_up, test_among_others, tear_down);
	g_test_add("/tree-pack/missing", Fixture, NULL, set_up, test_missing, tear_down);
	g_test_add_func("/tree-pack/output", test_output);
	return g_test_run();
}
