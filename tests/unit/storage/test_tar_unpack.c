/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The extractor without its jail: what it makes, what it refuses, and that nothing leaves the root.
 * The root is a directory inside a temporary one that holds canaries.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/path.h"
#include "storage/layer_complete.h"
#include "storage/tar_pack.h"
#include "storage/tar_unpack.h"
#include "tests/unit/base/no_listing.h"
#include "tests/unit/base/temp_dir.h"
#include "tests/unit/storage/tar_build.h"

/* A layer's directory below a directory with canaries. */
typedef struct {
	TempDir temp;
	int layer_fd;
	int diff_fd;
	bool has_parent;
	GByteArray *tar;
	GByteArray *deferred;
	TarUnpackStats stats;
} Fixture;

static void write_file(int dir_fd, const char *name, const char *text)
{
	autofd fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	g_assert_true(fd_write_all(fd, text, strlen(text)));
}

static char *read_file(int dir_fd, const char *name)
{
	autofd fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? NULL : fd_read_all(fd, 1 << 20, NULL, NULL);
}

static void set_up(Fixture *f, gconstpointer unused)
{
	(void)unused;
	(void)umask(0);
	f->temp = temp_dir_new();
	write_file(f->temp.fd, "canary", "alive");
	g_assert_cmpint(mkdirat(f->temp.fd, "layer", 0700), ==, 0);
	f->layer_fd = openat(f->temp.fd, "layer", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	g_assert_cmpint(mkdirat(f->layer_fd, "diff", 0755), ==, 0);
	g_assert_cmpint(mkdirat(f->layer_fd, "extra", 0755), ==, 0);
	f->diff_fd = openat(f->layer_fd, "diff", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	f->tar = g_byte_array_new();
	f->deferred = g_byte_array_new();
}

static void tear_down(Fixture *f, gconstpointer unused)
{
	(void)unused;
	g_autofree char *canary = read_file(f->temp.fd, "canary");
	g_assert_cmpstr(canary, ==, "alive");
	g_byte_array_unref(f->tar);
	g_byte_array_unref(f->deferred);
	fd_close(&f->diff_fd);
	fd_close(&f->layer_fd);
	temp_dir_clear(&f->temp);
}

static bool journal_raw(void *data, const void *bytes, size_t size, GError **error)
{
	TarMemory *memory = data;
	return tar_journal_raw((TarJournal *)memory->raw, bytes, size, error);
}

/* Unpack what the test has built, with a journal. */
static bool unpack(Fixture *f, GError **error)
{
	autofd extra = openat(f->layer_fd, "extra", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	autofd journal_fd =
		openat(f->layer_fd, "journal", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	g_autoptr(TarJournal) journal = tar_journal_new(journal_fd);
	TarMemory memory;
	tar_memory_init(&memory, f->tar);
	memory.raw = (GByteArray *)journal;
	memory.source.raw = journal_raw;
	g_autoptr(TarReader) reader = tar_reader_new(&memory.source);
	const TarUnpackOptions options = {
		.root_fd = f->diff_fd,
		.extra_fd = extra,
		.journal = journal,
		.has_parent = f->has_parent,
		.single_id = geteuid() != 0,
		.max_bytes = 1 << 20,
		.max_entries = 1000,
	};
	return tar_unpack(reader, &options, f->deferred, &f->stats, error) &&
	       tar_journal_finish(journal, error);
}

static void unpack_well(Fixture *f)
{
	g_autoptr(GError) error = NULL;
	g_assert_true(unpack(f, &error));
	g_assert_no_error(error);
}

static void unpack_badly(Fixture *f, int code)
{
	g_autoptr(GError) error = NULL;
	g_assert_false(unpack(f, &error));
	g_assert_true(error_matches(error, code));
}

/* Making the tar again must give the bytes that came in. */
static void check_pack(Fixture *f)
{
	g_autoptr(GError) error = NULL;
	write_file(f->temp.fd, "out.tar", "");
	autofd out = openat(f->temp.fd, "out.tar", O_RDWR | O_CLOEXEC);
	g_assert_true(tar_pack_journal(f->layer_fd, out, &error));
	g_assert_no_error(error);
	g_assert_cmpint(lseek(out, 0, SEEK_SET), ==, 0);
	size_t size = 0;
	g_autofree char *text = fd_read_all(out, 10 << 20, &size, &error);
	g_assert_cmpmem(text, size, f->tar->data, f->tar->len);
}

static struct stat look(Fixture *f, const char *name)
{
	struct stat st = {0};
	if (fstatat(f->diff_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		g_assert_cmpint(errno, ==, ENOENT);
	return st;
}

#define assert_content(f, name, expected)                                                          \
	do {                                                                                       \
		g_autofree char *content_ = read_file((f)->diff_fd, name);                         \
		g_assert_cmpstr(content_, ==, expected);                                           \
	} while (0)

static bool is_whiteout(Fixture *f, const char *name)
{
	struct stat st = look(f, name);
	return S_ISCHR(st.st_mode) && st.st_rdev == makedev(0, 0);
}

static bool is_opaque(Fixture *f, const char *name)
{
	char value[8];
	autofd fd = openat(f->diff_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fgetxattr(fd, "user.overlay.opaque", value, sizeof value) == 1 && value[0] == 'y';
}

static void test_kinds(Fixture *f, gconstpointer unused)
{
	(void)unused;
	tar_build_add(f->tar, (TarItem){.name = "./", .type = '5', .mode = 0711, .mtime = 7});
	tar_build_add(f->tar, (TarItem){.name = "d/", .type = '5', .mode = 02750, .mtime = 1000});
	tar_build_add(f->tar,
		      (TarItem){.name = "d/f", .data = "text", .mode = 04755, .mtime = 2000});
	tar_build_add(f->tar,
		      (TarItem){.name = "d/l", .type = '2', .link = "/etc/passwd", .mtime = 3000});
	tar_build_add(f->tar, (TarItem){.name = "d/h", .type = '1', .link = "d/f"});
	tar_build_add(f->tar, (TarItem){.name = "d/p", .type = '6', .mode = 0622});
	tar_build_add(f->tar, (TarItem){.name = "d/c", .type = '3'});
	tar_build_add(f->tar, (TarItem){.name = "d/secret/", .type = '5', .mode = 0111});
	tar_build_add(f->tar, (TarItem){.name = "d/secret/x", .data = "y", .mode = 0100});
	tar_build_end(f->tar);
	unpack_well(f);
	g_assert_cmpuint(look(f, ".").st_mode, ==, S_IFDIR | 0711);
	g_assert_cmpuint(look(f, "d").st_mode, ==, S_IFDIR | 02750);
	g_assert_cmpint(look(f, "d").st_mtime, ==, 1000);
	g_assert_cmpuint(look(f, "d/f").st_mode, ==, S_IFREG | 04755);
	g_assert_cmpint(look(f, "d/f").st_mtime, ==, 2000);
	g_assert_cmpuint(look(f, "d/f").st_ino, ==, look(f, "d/h").st_ino);
	g_assert_true(S_ISLNK(look(f, "d/l").st_mode));
	g_assert_cmpint(look(f, "d/l").st_mtime, ==, 3000);
	g_assert_cmpuint(look(f, "d/p").st_mode, ==, S_IFIFO | 0622);
	g_assert_cmpuint(look(f, "d/c").st_mode, ==, 0);
	g_assert_cmpuint(f->stats.devices, ==, 1);
	g_assert_cmpuint(f->stats.size, ==, 5);
	if (geteuid() == 0)
		check_pack(f);
}

static void test_owner(Fixture *f, gconstpointer unused)
{
	(void)unused;
	if (geteuid() != 0) {
		g_test_skip("only root gives files away");
		return;
	}
	tar_build_add(f->tar, (TarItem){.name = "d/", .type = '5', .uid = 1, .gid = 2});
	tar_build_add(f->tar,
		      (TarItem){.name = "d/f", .data = "x", .uid = 3, .gid = 4, .mode = 06755});
	tar_build_add(f->tar,
		      (TarItem){.name = "d/l", .type = '2', .link = "f", .uid = 5, .gid = 6});
	unpack_well(f);
	g_assert_cmpuint(look(f, "d").st_uid, ==, 1);
	g_assert_cmpuint(look(f, "d/f").st_gid, ==, 4);
	g_assert_cmpuint(look(f, "d/f").st_mode, ==, S_IFREG | 06755);
	g_assert_cmpuint(look(f, "d/l").st_uid, ==, 5);
}

static void test_escape_by_name(Fixture *f, gconstpointer unused)
{
	(void)unused;
	static const char *const names[] = {"../canary",  "a/../../canary", "..",
					    "/../canary", "a/..",           "./../x"};
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		g_byte_array_set_size(f->tar, 0);
		tar_build_add(f->tar, (TarItem){.name = names[i], .data = "dead"});
		unpack_badly(f, ENGINE_ERROR_INVALID);
	}
}

static void test_absolute_is_inside(Fixture *f, gconstpointer unused)
{
	(void)unused;
	tar_build_add(f->tar, (TarItem){.name = "//canary", .data = "mine"});
	unpack_well(f);
	assert_content(f, "canary", "mine");
}

/* Every ladder of links resolves inside the root. */
static void test_escape_by_symlink(Fixture *f, gconstpointer unused)
{
	(void)unused;
	tar_build_add(f->tar, (TarItem){.name = "up", .type = '2', .link = ".."});
	tar_build_add(f->tar, (TarItem){.name = "up/canary", .data = "1"});
	tar_build_add(f->tar, (TarItem){.name = "root", .type = '2', .link = "/"});
	tar_build_add(f->tar, (TarItem){.name = "root/a", .data = "2"});
	tar_build_add(f->tar, (TarItem){.name = "d/", .type = '5'});
	tar_build_add(f->tar, (TarItem){.name = "d/l", .type = '2', .link = "../../../.."});
	tar_build_add(f->tar, (TarItem){.name = "d/l/b", .data = "3"});
	tar_build_add(f->tar, (TarItem){.name = "ladder", .type = '2', .link = "d/l"});
	tar_build_add(f->tar, (TarItem){.name = "ladder/c", .data = "4"});
	tar_build_add(f->tar, (TarItem){.name = "proc", .type = '2', .link = "/proc/self/root"});
	unpack_well(f);
	assert_content(f, "canary", "1");
	assert_content(f, "a", "2");
	assert_content(f, "b", "3");
	assert_content(f, "c", "4");
}

static void test_dangling_parent(Fixture *f, gconstpointer unused)
{
	(void)unused;
	tar_build_add(f->tar, (TarItem){.name = "l", .type = '2', .link = "/nowhere"});
	tar_build_add(f->tar, (TarItem){.name = "l/x", .data = "1"});
	unpack_badly(f, ENGINE_ERROR_INVALID);
}

static void test_looping_parent(Fixture *f, gconstpointer unused)
{
	(void)unused;
	tar_build_add(f->tar, (TarItem){.name = "l", .type = '2', .link = "l"});
	tar_build_add(f->tar, (TarItem){.name = "l/x", .data = "1"});
	unpack_badly(f, ENGINE_ERROR_SYSTEM);
}

static void test_file_is_replaced_not_followed(Fixture *f, gconstpointer unused)
{
	(void)unused;
	tar_build_add(f->tar, (TarItem){.name = "target", .data = "old"});
	tar_build_add(f->tar, (TarItem){.name = "x", .type = '2', .link = "target"});
	tar_build_add(f->tar, (TarItem){.name = "x", .data = "new"});
	tar_build_add(f->tar, (TarItem){.name = "p", .type = '6'});
	tar_build_add(f->tar, (TarItem){.name = "p", .data = "file"});
	tar_build_end(f->tar);
	unpack_well(f);
	assert_content(f, "target", "old");
	assert_content(f, "x", "new");
	assert_content(f, "p", "file");
	check_pack(f);
}

static void test_hardlink_then_write(Fixture *f, gconstpointer unused)
{
	(void)unused;
	tar_build_add(f->tar, (TarItem){.name = "a", .data = "one"});
	tar_build_add(f->tar, (TarItem){.name = "b", .type = '1', .link = "a"});
	tar_build_add(f->tar, (TarItem){.name = "b", .data = "two"});
	tar_build_end(f->tar);
	unpack_well(f);
	assert_content(f, "a", "one");
	assert_content(f, "b", "two");
	check_pack(f);
}

static void test_replacements_rebuild(Fixture *f, gconstpointer unused)
{
	(void)unused;
	tar_build_add(f->tar, (TarItem){.name = "d/", .type = '5'});
	tar_build_add(f->tar, (TarItem){.name = "d/f", .data = "1"});
	tar_build_add(f->tar, (TarItem){.name = "d/f", .data = "22"});
	tar_build_add(f->tar, (TarItem){.name = "d", .data = "a file now"});
	tar_build_add(f->tar, (TarItem){.name = "d/", .type = '5', .mode = 0700});
	tar_build_add(f->tar, (TarItem){.name = "d/f", .data = "333"});
	tar_build_add(f->tar, (TarItem){.name = "d", .type = '2', .link = "elsewhere"});
	tar_build_end(f->tar);
	unpack_well(f);
	g_assert_true(S_ISLNK(look(f, "d").st_mode));
	check_pack(f);
}

static void test_dir_swapped_for_link(Fixture *f, gconstpointer unused)
{
	(void)unused;
	/* The second pass must not put the directory's mode onto what the link leads to. */
	tar_build_add(f->tar, (TarItem){.name = "victim/", .type = '5', .mode = 0700, .mtime = 5});
	tar_build_add(f->tar, (TarItem){.name = "d/", .type = '5', .mode = 0777, .mtime = 9});
	tar_build_add(f->tar, (TarItem){.name = "d", .type = '2', .link = "victim"});
	unpack_well(f);
	g_assert_cmpuint(look(f, "victim").st_mode, ==, S_IFDIR | 0700);
	g_assert_cmpint(look(f, "victim").st_mtime, ==, 5);
}

static void test_link_to_dir_is_replaced(Fixture *f, gconstpointer unused)
{
	(void)unused;
	tar_build_add(f->tar, (TarItem){.name = "real/", .type = '5'});
	tar_build_add(f->tar, (TarItem){.name = "l", .type = '2', .link = "real"});
	tar_build_add(f->tar, (TarItem){.name = "l/x", .data = "through"});
	tar_build_add(f->tar, (TarItem){.name = "l/", .type = '5'});
	tar_build_add(f->tar, (TarItem){.name = "l/y", .data = "own"});
	unpack_well(f);
	g_assert_true(S_ISDIR(look(f, "l").st_mode));
	assert_content(f, "real/x", "through");
	assert_content(f, "l/y", "own");
	g_assert_cmpuint(look(f, "real/y").st_mode, ==, 0);
}

static void test_bad_hardlinks(Fixture *f, gconstpointer unused)
{
	(void)unused;
	static const char *const targets[] = {"../canary", "a/../../canary", "missing", "", "d",
					      "w",         "/proc/self/exe"};
	for (size_t i = 0; i < G_N_ELEMENTS(targets); i++) {
		g_byte_array_set_size(f->tar, 0);
		tar_build_add(f->tar, (TarItem){.name = "d/", .type = '5'});
		tar_build_add(f->tar, (TarItem){.name = ".wh.w"});
		tar_build_add(f->tar, (TarItem){.name = "h", .type = '1', .link = targets[i]});
		unpack_badly(f, ENGINE_ERROR_INVALID);
	}
}

static void test_hardlink_through_links(Fixture *f, gconstpointer unused)
{
	(void)unused;
	/* "up/canary" is the root's own canary, never the one above it. */
	tar_build_add(f->tar, (TarItem){.name = "up", .type = '2', .link = "../../.."});
	tar_build_add(f->tar, (TarItem){.name = "h", .type = '1', .link = "up/canary"});
	unpack_badly(f, ENGINE_ERROR_INVALID);
	g_byte_array_set_size(f->tar, 0);
	/* A link to a link is one more name of the link. */
	tar_build_add(f->tar, (TarItem){.name = "s", .type = '2', .link = "/etc/shadow"});
	tar_build_add(f->tar, (TarItem){.name = "h2", .type = '1', .link = "s"});
	unpack_well(f);
	g_assert_true(S_ISLNK(look(f, "h2").st_mode));
}

static void test_hardlink_deferred(Fixture *f, gconstpointer unused)
{
	(void)unused;
	f->has_parent = true;
	tar_build_add(f->tar, (TarItem){.name = "./", .type = '5'});
	tar_build_add(f->tar, (TarItem){.name = "d/h", .type = '1', .link = "usr/bin/x"});
	unpack_well(f);
	static const char expected[] = "Hd/h\0usr/bin/x\0Dd\0";
	g_assert_cmpmem(f->deferred->data, f->deferred->len, expected, sizeof expected);
}

static void test_whiteouts(Fixture *f, gconstpointer unused)
{
	(void)unused;
	f->has_parent = true;
	tar_build_add(f->tar, (TarItem){.name = "./", .type = '5'});
	tar_build_add(f->tar, (TarItem){.name = ".wh.gone"});
	tar_build_add(f->tar, (TarItem){.name = "stays", .data = "x"});
	tar_build_add(f->tar, (TarItem){.name = ".wh.stays"});
	tar_build_add(f->tar, (TarItem){.name = "dir/", .type = '5'});
	tar_build_add(f->tar, (TarItem){.name = ".wh.dir"});
	tar_build_add(f->tar, (TarItem){.name = ".wh.later"});
	tar_build_add(f->tar, (TarItem){.name = "later/", .type = '5'});
	tar_build_add(f->tar, (TarItem){.name = ".wh.made"});
	tar_build_add(f->tar, (TarItem){.name = "made/inside", .data = "y"});
	tar_build_add(f->tar, (TarItem){.name = "opq/", .type = '5'});
	tar_build_add(f->tar, (TarItem){.name = "opq/before", .data = "1"});
	tar_build_add(f->tar, (TarItem){.name = "opq/.wh..wh..opq"});
	tar_build_add(f->tar, (TarItem){.name = "opq/after", .data = "2"});
	tar_build_add(f->tar, (TarItem){.name = ".wh..wh.plnk"});
	tar_build_add(f->tar, (TarItem){.name = ".wh.x", .type = '2', .link = "/"});
	unpack_well(f);
	g_assert_true(is_whiteout(f, "gone"));
	g_assert_true(is_whiteout(f, "x"));
	assert_content(f, "stays", "x");
	g_assert_true(is_opaque(f, "dir"));
	g_assert_true(is_opaque(f, "later"));
	g_assert_true(is_opaque(f, "made"));
	assert_content(f, "made/inside", "y");
	g_assert_true(is_opaque(f, "opq"));
	assert_content(f, "opq/before", "1");
	assert_content(f, "opq/after", "2");
	g_assert_cmpuint(look(f, ".wh..wh.plnk").st_mode, ==, 0);
	g_assert_cmpuint(f->deferred->len, ==, 0);
}

static void test_opaque_root(Fixture *f, gconstpointer unused)
{
	(void)unused;
	f->has_parent = true;
	tar_build_add(f->tar, (TarItem){.name = "./", .type = '5'});
	tar_build_add(f->tar, (TarItem){.name = ".wh..wh..opq"});
	unpack_well(f);
	g_assert_cmpmem(f->deferred->data, f->deferred->len, "O\0\0", 3);
}

static bool complete(void *data)
{
	Fixture *f = data;
	uint64_t copied = 0;
	g_autoptr(GError) error = NULL;
	bool done = layer_complete(f->diff_fd, f->layer_fd, "O\0\0", 3, 1 << 20, &copied, &error);
	g_assert_true(done == (error == NULL));
	return done;
}

/* A lower root that can only be listed in part is an error: what is not hidden would be back. */
static void test_opaque_root_on_a_broken_disk(Fixture *f, gconstpointer unused)
{
	(void)unused;
	g_assert_false(without_listing(complete, f));
	g_assert_true(complete(f));
	g_assert_true(S_ISCHR(look(f, "extra").st_mode));
}

static void test_bad_whiteouts(Fixture *f, gconstpointer unused)
{
	(void)unused;
	static const char *const names[] = {".wh.",    ".wh..",   ".wh...",
					    "a/.wh..", ".wh.d/x", "a/.wh.b/c"};
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		g_byte_array_set_size(f->tar, 0);
		tar_build_add(f->tar, (TarItem){.name = names[i]});
		unpack_badly(f, ENGINE_ERROR_INVALID);
	}
	g_byte_array_set_size(f->tar, 0);
	tar_build_add(f->tar, (TarItem){.name = ".wh.data", .data = "data"});
	unpack_badly(f, ENGINE_ERROR_INVALID);
}

static void test_xattrs(Fixture *f, gconstpointer unused)
{
	(void)unused;
	static const char *const dropped[] = {"user.overlay.opaque",   "user.overlay.redirect",
					      "user.overlay.metacopy", "trusted.overlay.opaque",
					      "security.selinux",      "system.posix_acl_access",
					      "security.capability"};
	for (size_t i = 0; i < G_N_ELEMENTS(dropped); i++) {
		g_autofree char *key = g_strconcat("SCHILY.xattr.", dropped[i], NULL);
		tar_build_pax(f->tar, key, "y", 1);
	}
	tar_build_pax(f->tar, "SCHILY.xattr.user.kept", "value", 5);
	tar_build_add(f->tar, (TarItem){.name = "d/", .type = '5'});
	unpack_well(f);
	g_assert_cmpuint(f->stats.xattrs, ==, G_N_ELEMENTS(dropped));
	autofd fd = openat(f->diff_fd, "d", O_RDONLY | O_CLOEXEC);
	char value[8];
	g_assert_cmpint(fgetxattr(fd, "user.kept", value, sizeof value), ==, 5);
	char names[1024];
	ssize_t size = flistxattr(fd, names, sizeof names);
	g_assert_null(memmem(names, (size_t)size, "overlay", 7));
}

static void test_sparse(Fixture *f, gconstpointer unused)
{
	(void)unused;
	tar_build_pax(f->tar, "GNU.sparse.size", "1048576", 7);
	tar_build_pax(f->tar, "GNU.sparse.map", "0,2,524288,2", 12);
	tar_build_add(f->tar, (TarItem){.name = "s", .data = "aabb"});
	tar_build_end(f->tar);
	unpack_well(f);
	struct stat st = look(f, "s");
	g_assert_cmpint(st.st_size, ==, 1048576);
	g_assert_cmpint(st.st_blocks, <, 1024);
	check_pack(f);
}

static void test_budgets(Fixture *f, gconstpointer unused)
{
	(void)unused;
	tar_build_pax(f->tar, "GNU.sparse.size", "1152921504606846976", 19);
	tar_build_pax(f->tar, "GNU.sparse.map", "0,0", 3);
	tar_build_add(f->tar, (TarItem){.name = "s"});
	unpack_badly(f, ENGINE_ERROR_INVALID);
	g_byte_array_set_size(f->tar, 0);
	for (int i = 0; i < 1001; i++) {
		g_autofree char *name = g_strdup_printf("f%d", i);
		tar_build_add(f->tar, (TarItem){.name = name});
	}
	unpack_badly(f, ENGINE_ERROR_INVALID);
}

static void test_long_names(Fixture *f, gconstpointer unused)
{
	(void)unused;
	g_autofree char *fits = g_strnfill(255, 'a');
	g_autofree char *too_long = g_strnfill(256, 'a');
	tar_build_pax(f->tar, "path", fits, 255);
	tar_build_add(f->tar, (TarItem){.name = "x", .data = "1"});
	unpack_well(f);
	assert_content(f, fits, "1");
	g_byte_array_set_size(f->tar, 0);
	tar_build_pax(f->tar, "path", too_long, 256);
	tar_build_add(f->tar, (TarItem){.name = "x", .data = "1"});
	unpack_badly(f, ENGINE_ERROR_INVALID);

	g_autoptr(GString) deep = g_string_new(NULL);
	for (int i = 0; i < 2100; i++)
		g_string_append(deep, "d/");
	g_byte_array_set_size(f->tar, 0);
	tar_build_pax(f->tar, "path", deep->str, deep->len);
	tar_build_add(f->tar, (TarItem){.name = "x", .type = '5'});
	unpack_badly(f, ENGINE_ERROR_INVALID);
}

static void test_file_as_parent(Fixture *f, gconstpointer unused)
{
	(void)unused;
	tar_build_add(f->tar, (TarItem){.name = "f", .data = "1"});
	tar_build_add(f->tar, (TarItem){.name = "f/x", .data = "2"});
	unpack_badly(f, ENGINE_ERROR_INVALID);
}

static void test_root_is_no_file(Fixture *f, gconstpointer unused)
{
	(void)unused;
	static const char types[] = {'0', '1', '2', '3', '6'};
	for (size_t i = 0; i < sizeof types; i++) {
		g_byte_array_set_size(f->tar, 0);
		tar_build_add(f->tar, (TarItem){.name = "./", .type = types[i], .link = "x"});
		unpack_badly(f, ENGINE_ERROR_INVALID);
	}
}

static void test_cut_journal(Fixture *f, gconstpointer unused)
{
	(void)unused;
	tar_build_add(f->tar, (TarItem){.name = "f", .data = "1"});
	tar_build_end(f->tar);
	unpack_well(f);
	autofd journal = openat(f->layer_fd, "journal", O_WRONLY | O_CLOEXEC);
	g_assert_cmpint(ftruncate(journal, 20), ==, 0);
	autofd null = openat(AT_FDCWD, "/dev/null", O_WRONLY | O_CLOEXEC);
	g_autoptr(GError) error = NULL;
	g_assert_false(tar_pack_journal(f->layer_fd, null, &error));
	g_assert_true(error_matches(error, ENGINE_ERROR_CORRUPT));
}

static void test_lost_file(Fixture *f, gconstpointer unused)
{
	(void)unused;
	tar_build_add(f->tar, (TarItem){.name = "f", .data = "1"});
	tar_build_end(f->tar);
	unpack_well(f);
	g_assert_cmpint(unlinkat(f->diff_fd, "f", 0), ==, 0);
	autofd null = openat(AT_FDCWD, "/dev/null", O_WRONLY | O_CLOEXEC);
	g_autoptr(GError) error = NULL;
	g_assert_false(tar_pack_journal(f->layer_fd, null, &error));
	g_assert_true(error_matches(error, ENGINE_ERROR_CORRUPT));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	static const struct {
		const char *path;
		void (*test)(Fixture *f, gconstpointer unused);
	} tests[] = {
		{"kinds", test_kinds},
		{"owner", test_owner},
		{"rejects-names-with-dots", test_escape_by_name},
		{"absolute-names-are-inside", test_absolute_is_inside},
		{"links-resolve-inside", test_escape_by_symlink},
		{"rejects-dangling-parent", test_dangling_parent},
		{"rejects-looping-parent", test_looping_parent},
		{"replaces-and-never-follows", test_file_is_replaced_not_followed},
		{"hard-link-is-not-written-through", test_hardlink_then_write},
		{"replacements-can-be-rebuilt", test_replacements_rebuild},
		{"dir-swapped-for-link", test_dir_swapped_for_link},
		{"link-is-replaced-by-dir", test_link_to_dir_is_replaced},
		{"rejects-bad-hard-links", test_bad_hardlinks},
		{"hard-links-resolve-inside", test_hardlink_through_links},
		{"hard-link-into-lower-layer-is-deferred", test_hardlink_deferred},
		{"whiteouts", test_whiteouts},
		{"opaque-root-is-deferred", test_opaque_root},
		{"opaque-root-on-a-broken-disk", test_opaque_root_on_a_broken_disk},
		{"rejects-bad-whiteouts", test_bad_whiteouts},
		{"xattr-policy", test_xattrs},
		{"sparse", test_sparse},
		{"budgets", test_budgets},
		{"long-names", test_long_names},
		{"rejects-file-as-parent", test_file_as_parent},
		{"root-is-a-directory", test_root_is_no_file},
		{"pack-notices-a-cut-journal", test_cut_journal},
		{"pack-notices-a-lost-file", test_lost_file},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(tests); i++) {
		g_autofree char *path = g_strconcat("/layer/unpack/", tests[i].path, NULL);
		g_test_add(path, Fixture, NULL, set_up, tests[i].test, tear_down);
	}
	return g_test_run();
}
