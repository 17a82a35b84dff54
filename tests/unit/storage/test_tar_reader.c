/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "libpod/base/error.h"
#include "tests/unit/storage/tar_build.h"

/* Read all of an entry's data into a string. */
static GString *read_data(TarReader *reader)
{
	GString *text = g_string_new(NULL);
	for (;;) {
		const void *data = NULL;
		size_t size = 0;
		g_autoptr(GError) error = NULL;
		g_assert_true(tar_reader_data(reader, &data, &size, &error));
		if (size == 0)
			return text;
		g_string_append_len(text, data, (gssize)size);
	}
}

/* What tar_reader_next() makes of a whole archive: the number of entries, or -1. */
static int count(const GByteArray *tar, GError **error)
{
	TarMemory memory;
	tar_memory_init(&memory, tar);
	g_autoptr(TarReader) reader = tar_reader_new(&memory.source);
	for (int n = 0;; n++) {
		const TarEntry *entry = NULL;
		int got = tar_reader_next(reader, &entry, error);
		if (got <= 0)
			return got < 0 ? -1 : n;
	}
}

static void test_entries(void)
{
	g_autoptr(GByteArray) tar = g_byte_array_new();
	tar_build_add(
		tar,
		(TarItem){
			.name = "./", .type = '5', .mode = 01777, .uid = 3, .gid = 4, .mtime = 99});
	tar_build_add(tar, (TarItem){.name = "a", .data = "hello"});
	tar_build_add(tar, (TarItem){.name = "l", .type = '2', .link = "../x"});
	tar_build_add(tar, (TarItem){.name = "h", .type = '1', .link = "a"});
	tar_build_end(tar);
	TarMemory memory;
	tar_memory_init(&memory, tar);
	memory.piece = 100; /* a slow pipe */
	g_autoptr(TarReader) reader = tar_reader_new(&memory.source);
	const TarEntry *entry = NULL;
	g_assert_cmpint(tar_reader_next(reader, &entry, NULL), ==, 1);
	g_assert_cmpint(entry->type, ==, TAR_DIR);
	g_assert_cmpuint(entry->mode, ==, 01777);
	g_assert_cmpuint(entry->uid, ==, 3);
	g_assert_cmpuint(entry->gid, ==, 4);
	g_assert_cmpint(entry->mtime, ==, 99);
	g_assert_cmpint(tar_reader_next(reader, &entry, NULL), ==, 1);
	g_assert_cmpuint(entry->size, ==, 5);
	g_autoptr(GString) data = read_data(reader);
	g_assert_cmpstr(data->str, ==, "hello");
	g_assert_cmpint(tar_reader_next(reader, &entry, NULL), ==, 1);
	g_assert_cmpint(entry->type, ==, TAR_SYMLINK);
	g_assert_cmpstr(entry->link, ==, "../x");
	g_assert_cmpint(tar_reader_next(reader, &entry, NULL), ==, 1);
	g_assert_cmpint(entry->type, ==, TAR_HARDLINK);
	g_assert_cmpint(tar_reader_next(reader, &entry, NULL), ==, 0);
}

static void test_raw_is_everything_else(void)
{
	g_autoptr(GByteArray) tar = g_byte_array_new();
	guint first = tar_build_add(tar, (TarItem){.name = "a", .data = "hello"});
	tar_build_pax(tar, "comment", "x", 1);
	tar_build_add(tar, (TarItem){.name = "b", .data = "skipped"});
	tar_build_end(tar);
	static const guint8 garbage[] = "behind the end";
	g_byte_array_append(tar, garbage, sizeof garbage);

	for (int lender = 0; lender < 2; lender++) {
		TarMemory memory;
		tar_memory_init(&memory, tar);
		g_autoptr(GByteArray) raw = g_byte_array_new();
		memory.raw = raw;
		memory.source.raw = tar_memory_raw;
		memory.piece = 300;
		if (lender) {
			memory.source.read = NULL;
			memory.source.borrow = tar_memory_borrow;
		}
		g_autoptr(TarReader) reader = tar_reader_new(&memory.source);
		const TarEntry *entry = NULL;
		g_assert_cmpint(tar_reader_next(reader, &entry, NULL), ==, 1);
		g_autoptr(GString) data = read_data(reader);
		g_assert_cmpstr(data->str, ==, "hello");
		/* The second file's data is not asked for, so raw() gets it. */
		g_assert_cmpint(tar_reader_next(reader, &entry, NULL), ==, 1);
		g_assert_cmpint(tar_reader_next(reader, &entry, NULL), ==, 0);
		g_assert_cmpuint(raw->len, ==, tar->len - 5);
		g_assert_cmpint(memcmp(raw->data, tar->data, first + 512), ==, 0);
		g_assert_cmpint(
			memcmp(raw->data + first + 512, tar->data + first + 517, tar->len - 517),
			==, 0);
	}
}

static void test_pax(void)
{
	g_autoptr(GByteArray) tar = g_byte_array_new();
	g_autofree char *long_name = g_strnfill(300, 'n');
	tar_build_pax(tar, "path", long_name, 300);
	tar_build_pax(tar, "mtime", "-1.25", 5);
	tar_build_pax(tar, "uid", "70000", 5);
	tar_build_pax(tar, "SCHILY.xattr.user.x", "a\0b", 3);
	tar_build_add(tar, (TarItem){.name = "short", .data = "x"});
	tar_build_add(tar, (TarItem){.name = "next"});
	tar_build_end(tar);
	TarMemory memory;
	tar_memory_init(&memory, tar);
	g_autoptr(TarReader) reader = tar_reader_new(&memory.source);
	const TarEntry *entry = NULL;
	g_assert_cmpint(tar_reader_next(reader, &entry, NULL), ==, 1);
	g_assert_cmpstr(entry->name, ==, long_name);
	g_assert_cmpint(entry->mtime, ==, -2);
	g_assert_cmpuint(entry->mtime_ns, ==, 750000000);
	g_assert_cmpuint(entry->uid, ==, 70000);
	g_assert_cmpuint(entry->xattrs->len, ==, 1);
	const TarXattr *xattr = &g_array_index(entry->xattrs, TarXattr, 0);
	g_assert_cmpstr(xattr->name, ==, "user.x");
	g_assert_cmpmem(xattr->value, xattr->size, "a\0b", 3);
	/* Nothing of it holds for the next entry. */
	g_assert_cmpint(tar_reader_next(reader, &entry, NULL), ==, 1);
	g_assert_cmpstr(entry->name, ==, "next");
	g_assert_cmpuint(entry->uid, ==, 0);
	g_assert_cmpuint(entry->xattrs->len, ==, 0);
}

static void test_names_are_bytes(void)
{
	/* A composed and a decomposed accent are two files; libarchive makes one of them. */
	static const char *const names[] = {"\xc3\xa9", "e\xcc\x81", "\xff\xfe"};
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		g_autoptr(GByteArray) tar = g_byte_array_new();
		tar_build_pax(tar, "path", names[i], strlen(names[i]));
		tar_build_add(tar, (TarItem){.name = "x"});
		TarMemory memory;
		tar_memory_init(&memory, tar);
		g_autoptr(TarReader) reader = tar_reader_new(&memory.source);
		const TarEntry *entry = NULL;
		g_assert_cmpint(tar_reader_next(reader, &entry, NULL), ==, 1);
		g_assert_cmpstr(entry->name, ==, names[i]);
	}
}

static void test_gnu(void)
{
	g_autoptr(GByteArray) tar = g_byte_array_new();
	g_autofree char *long_name = g_strnfill(700, 'n');
	g_autofree char *long_link = g_strnfill(600, 'l');
	tar_build_add(
		tar,
		(TarItem){.name = "././@LongLink", .type = 'L', .data = long_name, .size = 701});
	tar_build_add(
		tar,
		(TarItem){.name = "././@LongLink", .type = 'K', .data = long_link, .size = 601});
	guint at = tar_build_add(tar, (TarItem){.name = "cut", .type = '2', .link = "cut"});
	/* A user id in base-256. */
	static const guint8 uid[8] = {0x80, 0, 0, 0, 0x00, 0x0f, 0x42, 0x40};
	memcpy(tar->data + at + 108, uid, 8);
	tar_build_fix(tar, at);
	TarMemory memory;
	tar_memory_init(&memory, tar);
	g_autoptr(TarReader) reader = tar_reader_new(&memory.source);
	const TarEntry *entry = NULL;
	g_assert_cmpint(tar_reader_next(reader, &entry, NULL), ==, 1);
	g_assert_cmpstr(entry->name, ==, long_name);
	g_assert_cmpstr(entry->link, ==, long_link);
	g_assert_cmpuint(entry->uid, ==, 1000000);
}

/* Check one sparse file: "aa" at 0, "bb" at 4096, 8192 bytes in all. */
static void check_sparse(const GByteArray *tar)
{
	TarMemory memory;
	tar_memory_init(&memory, tar);
	g_autoptr(TarReader) reader = tar_reader_new(&memory.source);
	const TarEntry *entry = NULL;
	g_autoptr(GError) error = NULL;
	g_assert_cmpint(tar_reader_next(reader, &entry, &error), ==, 1);
	g_assert_no_error(error);
	g_assert_cmpuint(entry->size, ==, 8192);
	g_assert_cmpuint(entry->stored, ==, 4);
	g_assert_cmpuint(entry->extents->len, ==, 2);
	const TarExtent *second = &g_array_index(entry->extents, TarExtent, 1);
	g_assert_cmpuint(second->offset, ==, 4096);
	g_assert_cmpuint(second->size, ==, 2);
	g_autoptr(GString) data = read_data(reader);
	g_assert_cmpstr(data->str, ==, "aabb");
	g_assert_cmpint(tar_reader_next(reader, &entry, &error), ==, 0);
}

static void test_sparse(void)
{
	/* Old GNU: the map lies in the header. */
	g_autoptr(GByteArray) gnu = g_byte_array_new();
	guint at = tar_build_add(gnu, (TarItem){.name = "s", .type = 'S', .data = "aabb"});
	static const char *const numbers[] = {"00000000000", "00000000002", "00000010000",
					      "00000000002"};
	for (int i = 0; i < 4; i++)
		memcpy(gnu->data + at + 386 + 12 * i, numbers[i], 12);
	memcpy(gnu->data + at + 483, "00000020000", 12);
	tar_build_fix(gnu, at);
	tar_build_end(gnu);
	check_sparse(gnu);

	g_autoptr(GByteArray) pax01 = g_byte_array_new();
	tar_build_pax(pax01, "GNU.sparse.size", "8192", 4);
	tar_build_pax(pax01, "GNU.sparse.map", "0,2,4096,2", 10);
	tar_build_add(pax01, (TarItem){.name = "s", .data = "aabb"});
	tar_build_end(pax01);
	check_sparse(pax01);

	g_autoptr(GByteArray) pax10 = g_byte_array_new();
	tar_build_pax(pax10, "GNU.sparse.major", "1", 1);
	tar_build_pax(pax10, "GNU.sparse.minor", "0", 1);
	tar_build_pax(pax10, "GNU.sparse.realsize", "8192", 4);
	tar_build_pax(pax10, "GNU.sparse.name", "s", 1);
	char data[516] = "2\n0\n2\n4096\n2\n";
	memcpy(data + 512, "aabb", 4);
	tar_build_add(pax10,
		      (TarItem){.name = "GNUSparseFile.1/s", .data = data, .size = sizeof data});
	tar_build_end(pax10);
	check_sparse(pax10);
}

/* Change one thing in a good archive; the reader must refuse it. */
static void refuse(const char *what, const GByteArray *tar)
{
	g_autoptr(GError) error = NULL;
	if (count(tar, &error) >= 0)
		g_error("accepted: %s", what);
	g_assert_true(error_matches(error, ENGINE_ERROR_CORRUPT));
}

static void refuse_pax(const char *what, const char *record, size_t size)
{
	g_autoptr(GByteArray) tar = g_byte_array_new();
	tar_build_add(tar, (TarItem){.name = "pax", .type = 'x', .data = record, .size = size});
	tar_build_add(tar, (TarItem){.name = "a", .data = "x"});
	tar_build_end(tar);
	refuse(what, tar);
}

static void refuse_field(const char *what, guint at, const char *value, size_t size)
{
	g_autoptr(GByteArray) tar = g_byte_array_new();
	tar_build_add(tar, (TarItem){.name = "a", .data = "x"});
	memcpy(tar->data + at, value, size);
	tar_build_fix(tar, 0);
	tar_build_end(tar);
	refuse(what, tar);
}

static void test_broken(void)
{
	refuse_field("a size that is no number", 124, "0000000000x", 12);
	refuse_field("a negative size", 124, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
		     12);
	refuse_field("a size of 2^80", 124, "\x80\0\1\0\0\0\0\0\0\0\0\0", 12);
	refuse_field("an unknown type", 156, "Q", 1);
	refuse_field("the uid that means none", 108, "\x80\0\0\0\xff\xff\xff\xff", 8);
	refuse_pax("a record longer than the header", "99 path=a\n", 10);
	refuse_pax("a record of length 0", "0 path=a\n", 9);
	refuse_pax("a record without '='", "9 patha\n\n", 9);
	refuse_pax("a record without its newline", "9 path=ab", 9);
	refuse_pax("a path with NUL", "11 path=a\0\n", 11);
	refuse_pax("a signed size", "11 size=-1\n", 11);
	refuse_pax("a sparse map without size", "23 GNU.sparse.map=0,1\n\n", 23);

	g_autoptr(GByteArray) tar = g_byte_array_new();
	tar_build_add(tar, (TarItem){.name = "a", .data = "x"});
	tar->data[3]++;
	refuse("a wrong checksum", tar);
	g_byte_array_set_size(tar, 300);
	refuse("half a header", tar);

	g_autoptr(GByteArray) cut = g_byte_array_new();
	tar_build_header(cut, &(TarItem){.name = "a"}, 1000);
	g_byte_array_append(cut, (const guint8 *)"short", 5);
	refuse("data that ends early", cut);

	g_autoptr(GByteArray) link = g_byte_array_new();
	tar_build_add(link, (TarItem){.name = "h", .type = '1', .link = "a", .data = "data"});
	refuse("a hard link with data", link);

	g_autoptr(GByteArray) huge = g_byte_array_new();
	tar_build_header(huge, &(TarItem){.name = "x", .type = 'x'}, (size_t)1 << 30);
	refuse("an extended header of a gigabyte", huge);

	g_autoptr(GByteArray) lone = g_byte_array_new();
	static const guint8 zeros[512];
	g_byte_array_append(lone, zeros, 512);
	tar_build_add(lone, (TarItem){.name = "a", .data = "x"});
	refuse("an entry behind a zero block", lone);
}

static void test_sparse_bounds(void)
{
	static const char *const maps[] = {
		"0,2,1,2",    /* overlapping */
		"4096,2,0,2", /* out of order */
		"0,2,8191,2", /* behind the end */
		"0,2,4096,3", /* more than is stored */
		"0,2",        /* less than is stored */
		"0,2,4096",   /* odd */
		"0,2,,2",     /* empty number */
		"0,9223372036854775807,4096,2",
	};
	for (size_t i = 0; i < G_N_ELEMENTS(maps); i++) {
		g_autoptr(GByteArray) tar = g_byte_array_new();
		tar_build_pax(tar, "GNU.sparse.size", "8192", 4);
		tar_build_pax(tar, "GNU.sparse.map", maps[i], strlen(maps[i]));
		tar_build_add(tar, (TarItem){.name = "s", .data = "aabb"});
		refuse(maps[i], tar);
	}
	/* More entries than anybody needs, in one map. */
	g_autoptr(GString) map = g_string_new("0,0");
	for (int i = 0; i < 70000; i++)
		g_string_append(map, ",0,0");
	g_autoptr(GByteArray) tar = g_byte_array_new();
	tar_build_pax(tar, "GNU.sparse.size", "8192", 4);
	tar_build_pax(tar, "GNU.sparse.map", map->str, map->len);
	tar_build_add(tar, (TarItem){.name = "s"});
	refuse("70,000 holes", tar);
}

static void test_ends(void)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GByteArray) tar = g_byte_array_new();
	g_assert_cmpint(count(tar, &error), ==, 0);
	tar_build_add(tar, (TarItem){.name = "a", .data = "x"});
	g_assert_cmpint(count(tar, &error), ==, 1);
	g_byte_array_set_size(tar, 513); /* the last entry without its padding */
	g_assert_cmpint(count(tar, &error), ==, 1);
	g_assert_no_error(error);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/tar-reader/entries", test_entries);
	g_test_add_func("/tar-reader/raw-gets-all-but-data", test_raw_is_everything_else);
	g_test_add_func("/tar-reader/pax", test_pax);
	g_test_add_func("/tar-reader/names-are-bytes", test_names_are_bytes);
	g_test_add_func("/tar-reader/gnu-long-names", test_gnu);
	g_test_add_func("/tar-reader/sparse", test_sparse);
	g_test_add_func("/tar-reader/refuses-broken-archives", test_broken);
	g_test_add_func("/tar-reader/sparse-bounds", test_sparse_bounds);
	g_test_add_func("/tar-reader/ends", test_ends);
	return g_test_run();
}
