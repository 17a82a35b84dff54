/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compressing: what comes out is what went in, in every format and level, whatever the pieces.
 */
#include <glib.h>
#include <stdint.h>
#include <string.h>

#include "libpod/base/error.h"
#include "storage/compress.h"
#include "storage/inflate.h"

typedef struct {
	GByteArray *bytes;
	uint8_t room[4096];
} Collector;

static bool collect(void *data, const void *bytes, size_t size, GError **error)
{
	g_byte_array_append(data, bytes, (guint)size);
	return true;
}

static bool refuse(void *data, const void *bytes, size_t size, GError **error)
{
	return error_set(error, ENGINE_ERROR_SYSTEM, "no room");
}

static void *give_room(void *data, size_t *out_size, GError **error)
{
	Collector *collector = data;
	*out_size = sizeof(collector->room);
	return collector->room;
}

static bool produced(void *data, size_t size, GError **error)
{
	Collector *collector = data;
	g_byte_array_append(collector->bytes, collector->room, (guint)size);
	return true;
}

/* Half of it compresses well, half not at all. */
static GByteArray *make_input(size_t size)
{
	GByteArray *input = g_byte_array_new();
	g_autoptr(GRand) random = g_rand_new_with_seed(1);
	for (size_t i = 0; i < size; i++) {
		uint8_t byte = i < size / 2 ? (uint8_t)(i / 100) : (uint8_t)g_rand_int(random);
		g_byte_array_append(input, &byte, 1);
	}
	return input;
}

static GByteArray *compress(const CompressOptions *options, const GByteArray *input, size_t piece)
{
	g_autoptr(GError) error = NULL;
	GByteArray *out = g_byte_array_new();
	g_autoptr(Compress) stream = compress_new(options, collect, out);
	for (size_t at = 0; at < input->len; at += piece)
		g_assert_true(compress_push(stream, input->data + at, MIN(piece, input->len - at),
					    &error));
	g_assert_true(compress_finish(stream, &error));
	g_assert_no_error(error);
	return out;
}

static void check(const CompressOptions *options, InflateFormat format, size_t size, size_t piece)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GByteArray) input = make_input(size);
	g_autoptr(GByteArray) once = compress(options, input, piece);
	g_autoptr(GByteArray) again = compress(options, input, piece);
	g_autoptr(GByteArray) back = g_byte_array_new();
	g_assert_cmpmem(once->data, once->len, again->data, again->len);
	g_assert_cmpint(inflate_detect(once->data, once->len), ==, format);
	Collector collector = {.bytes = back};
	const InflateOutput output = {give_room, produced, &collector};
	g_autoptr(Inflate) inflate = inflate_new(format, &output);
	g_assert_true(inflate_push(inflate, once->data, once->len, &error));
	g_assert_true(inflate_finish(inflate, &error));
	g_assert_no_error(error);
	g_assert_cmpmem(back->data, back->len, input->data, input->len);
}

static void test_round_trips(void)
{
	static const CompressOptions all[] = {
		{COMPRESS_GZIP, 0}, {COMPRESS_GZIP, 1}, {COMPRESS_GZIP, 9},
		{COMPRESS_ZSTD, 0}, {COMPRESS_ZSTD, 1}, {COMPRESS_ZSTD, 19},
	};
	static const size_t sizes[] = {0, 1, 1000, 700000};
	for (size_t i = 0; i < G_N_ELEMENTS(all); i++) {
		InflateFormat format = all[i].format == COMPRESS_GZIP ? INFLATE_GZIP : INFLATE_ZSTD;
		for (size_t j = 0; j < G_N_ELEMENTS(sizes); j++) {
			check(&all[i], format, sizes[j], 1 << 20);
			check(&all[i], format, sizes[j], 4097);
		}
	}
}

static void test_sink_that_fails(void)
{
	g_autoptr(GByteArray) input = make_input(700000);
	for (int format = COMPRESS_GZIP; format <= COMPRESS_ZSTD; format++) {
		g_autoptr(GError) error = NULL;
		const CompressOptions options = {(CompressFormat)format, 1};
		g_autoptr(Compress) stream = compress_new(&options, refuse, NULL);
		g_assert_false(compress_push(stream, input->data, input->len, &error) &&
			       compress_finish(stream, &error));
		g_assert_error(error, ENGINE_ERROR, ENGINE_ERROR_SYSTEM);
	}
}

static void test_words(void)
{
	g_autoptr(GError) error = NULL;
	CompressFormat format = COMPRESS_GZIP;
	g_assert_true(compress_format_parse("zstd", &format, NULL));
	g_assert_cmpint(format, ==, COMPRESS_ZSTD);
	g_assert_true(compress_format_parse("gzip", &format, NULL));
	g_assert_cmpint(format, ==, COMPRESS_GZIP);
	g_assert_false(compress_format_parse("zstd:chunked", &format, &error));
	g_assert_error(error, ENGINE_ERROR, ENGINE_ERROR_UNSUPPORTED);
	g_assert_false(compress_format_parse("xz", &format, NULL));
	const CompressOptions good[] = {{COMPRESS_GZIP, 9}, {COMPRESS_ZSTD, 22}};
	const CompressOptions bad[] = {
		{COMPRESS_GZIP, 10}, {COMPRESS_ZSTD, 23}, {COMPRESS_GZIP, -1}};
	for (size_t i = 0; i < G_N_ELEMENTS(good); i++)
		g_assert_true(compress_check_level(&good[i], NULL));
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
		g_assert_false(compress_check_level(&bad[i], NULL));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/compress/round-trips", test_round_trips);
	g_test_add_func("/compress/sink-that-fails", test_sink_that_fails);
	g_test_add_func("/compress/words", test_words);
	return g_test_run();
}
