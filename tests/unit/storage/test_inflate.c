/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <zstd.h>

#include "libpod/base/error.h"
#include "storage/deflate.h"
#include "storage/inflate.h"

/* Output with little room, so that every loop is gone through. */
typedef struct {
	GByteArray *bytes;
	char room[100];
} Output;

static void *output_room(void *data, size_t *out_size, GError **error)
{
	(void)error;
	Output *output = data;
	*out_size = sizeof output->room;
	return output->room;
}

static bool output_produced(void *data, size_t size, GError **error)
{
	(void)error;
	Output *output = data;
	g_byte_array_append(output->bytes, (const guint8 *)output->room, (guint)size);
	return true;
}

static bool append(void *data, const void *bytes, size_t size, GError **error)
{
	(void)error;
	g_byte_array_append(data, bytes, (guint)size);
	return true;
}

/* Text that compresses, but not to nothing. */
static GByteArray *sample(size_t size)
{
	GByteArray *bytes = g_byte_array_new();
	guint32 state = 1;
	while (bytes->len < size) {
		state = state * 1103515245 + 12345;
		g_autofree char *line = g_strdup_printf("line %u of many\n", state >> 20);
		g_byte_array_append(bytes, (const guint8 *)line, (guint)strlen(line));
	}
	return bytes;
}

static GByteArray *gzip(const GByteArray *plain)
{
	GByteArray *packed = g_byte_array_new();
	g_autoptr(Deflate) deflate = deflate_new(append, packed);
	g_assert_true(deflate_push(deflate, plain->data, plain->len, NULL));
	g_assert_true(deflate_finish(deflate, NULL));
	return packed;
}

static GByteArray *zstd(const GByteArray *plain)
{
	GByteArray *packed = g_byte_array_new();
	g_byte_array_set_size(packed, (guint)ZSTD_compressBound(plain->len));
	size_t size = ZSTD_compress(packed->data, packed->len, plain->data, plain->len, 1);
	g_assert_false(ZSTD_isError(size));
	g_byte_array_set_size(packed, (guint)size);
	return packed;
}

/* Inflate in pieces of @piece bytes. NULL if it is refused. */
static GByteArray *inflate_all(const GByteArray *packed, size_t piece, GError **error)
{
	Output output = {.bytes = g_byte_array_new()};
	const InflateOutput to = {
		.room = output_room, .produced = output_produced, .data = &output};
	g_autoptr(Inflate) inflate = inflate_new(inflate_detect(packed->data, packed->len), &to);
	bool done = true;
	for (size_t at = 0; done && at < packed->len; at += piece)
		done = inflate_push(inflate, packed->data + at, MIN(piece, packed->len - at),
				    error);
	if (done && inflate_finish(inflate, error))
		return output.bytes;
	g_byte_array_unref(output.bytes);
	return NULL;
}

static void check(const GByteArray *packed, const GByteArray *plain, unsigned times)
{
	static const size_t pieces[] = {1, 7, 4096, 1 << 20};
	for (size_t i = 0; i < G_N_ELEMENTS(pieces); i++) {
		g_autoptr(GError) error = NULL;
		g_autoptr(GByteArray) out = inflate_all(packed, pieces[i], &error);
		g_assert_no_error(error);
		g_assert_cmpuint(out->len, ==, plain->len * times);
		for (unsigned j = 0; j < times; j++)
			g_assert_cmpint(memcmp(out->data + j * plain->len, plain->data, plain->len),
					==, 0);
	}
}

static void refuse(const GByteArray *packed)
{
	static const size_t pieces[] = {1, 1 << 20};
	for (size_t i = 0; i < G_N_ELEMENTS(pieces); i++) {
		g_autoptr(GError) error = NULL;
		g_assert_null(inflate_all(packed, pieces[i], &error));
		g_assert_true(error_matches(error, ENGINE_ERROR_CORRUPT));
	}
}

static void test_formats(void)
{
	g_autoptr(GByteArray) plain = sample(20000);
	g_autoptr(GByteArray) gz = gzip(plain);
	g_autoptr(GByteArray) zst = zstd(plain);
	g_assert_cmpint(inflate_detect(gz->data, gz->len), ==, INFLATE_GZIP);
	g_assert_cmpint(inflate_detect(zst->data, zst->len), ==, INFLATE_ZSTD);
	g_assert_cmpint(inflate_detect(plain->data, plain->len), ==, INFLATE_NONE);
	g_assert_cmpint(inflate_detect("BZh9", 4), ==, INFLATE_OTHER);
	g_assert_cmpint(inflate_detect("", 0), ==, INFLATE_NONE);
	check(plain, plain, 1);
	check(gz, plain, 1);
	check(zst, plain, 1);
}

static void test_members(void)
{
	g_autoptr(GByteArray) plain = sample(5000);
	GByteArray *(*const packers[])(const GByteArray *) = {gzip, zstd};
	for (size_t i = 0; i < G_N_ELEMENTS(packers); i++) {
		g_autoptr(GByteArray) packed = packers[i](plain);
		guint size = packed->len;
		for (int j = 0; j < 2; j++) {
			g_autoptr(GByteArray) more = packers[i](plain);
			g_byte_array_append(packed, more->data, more->len);
		}
		check(packed, plain, 3);
		g_byte_array_set_size(packed, size + 3); /* the second is cut in its header */
		refuse(packed);
	}
}

static void test_empty_member(void)
{
	g_autoptr(GByteArray) nothing = g_byte_array_new();
	g_autoptr(GByteArray) plain = sample(1000);
	g_autoptr(GByteArray) packed = gzip(nothing);
	g_autoptr(GByteArray) more = gzip(plain);
	g_byte_array_append(packed, more->data, more->len);
	check(packed, plain, 1);
}

static void test_padding(void)
{
	g_autoptr(GByteArray) plain = sample(1000);
	g_autoptr(GByteArray) packed = gzip(plain);
	static const guint8 zeros[700];
	g_byte_array_append(packed, zeros, sizeof zeros);
	check(packed, plain, 1);
	g_byte_array_append(packed, (const guint8 *)"x", 1);
	refuse(packed);
}

static void test_damage(void)
{
	g_autoptr(GByteArray) plain = sample(20000);
	GByteArray *(*const packers[])(const GByteArray *) = {gzip, zstd};
	for (size_t i = 0; i < G_N_ELEMENTS(packers); i++) {
		g_autoptr(GByteArray) cut = packers[i](plain);
		g_byte_array_set_size(cut, cut->len - 3);
		refuse(cut);
	}
	/* The checksum of gzip, and a bit in its middle. */
	g_autoptr(GByteArray) crc = gzip(plain);
	crc->data[crc->len - 6] ^= 1;
	refuse(crc);
	g_autoptr(GByteArray) flipped = gzip(plain);
	flipped->data[flipped->len / 2] ^= 4;
	refuse(flipped);
	g_autoptr(GByteArray) garbage = gzip(plain);
	g_byte_array_append(garbage, (const guint8 *)"garbage", 7);
	refuse(garbage);
}

static void test_other_formats(void)
{
	g_autoptr(GByteArray) xz = g_byte_array_new();
	g_byte_array_append(xz,
			    (const guint8 *)"\xfd"
					    "7zXZ\0rest",
			    10);
	g_autoptr(GError) error = NULL;
	g_assert_null(inflate_all(xz, 100, &error));
	g_assert_true(error_matches(error, ENGINE_ERROR_UNSUPPORTED));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/inflate/formats", test_formats);
	g_test_add_func("/inflate/members", test_members);
	g_test_add_func("/inflate/empty-member", test_empty_member);
	g_test_add_func("/inflate/padding", test_padding);
	g_test_add_func("/inflate/damage", test_damage);
	g_test_add_func("/inflate/other-formats", test_other_formats);
	return g_test_run();
}
