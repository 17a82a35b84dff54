/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compressing layers. Runs in skiff-fetch.
 */
#include "storage/compress.h"

#include <stdint.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "libpod/base/error.h"
#include "storage/deflate.h"

#define OUT_SIZE      (256u << 10)
#define ZSTD_DEFAULT  3
#define GZIP_WINDOW   (15 + 16) /* zlib: the largest window, a gzip header */
#define GZIP_MEMORY   8
#define GZIP_MAX      9
#define PUSH_SIZE_MAX (1u << 30)

struct Compress {
	CompressSink sink;
	void *data;
	uint8_t *out;
	Deflate *fast;   /* gzip without a level ... */
	z_stream *gzip;  /* ... or with one ... */
	ZSTD_CCtx *zstd; /* ... or zstd */
};

bool compress_format_parse(const char *text, CompressFormat *out_format, GError **error)
{
	if (strcmp(text, "gzip") == 0)
		*out_format = COMPRESS_GZIP;
	else if (strcmp(text, "zstd") == 0)
		*out_format = COMPRESS_ZSTD;
	else if (strcmp(text, "zstd:chunked") == 0)
		return error_set(error, ENGINE_ERROR_UNSUPPORTED,
				 "compression format 'zstd:chunked' is not supported: use zstd");
	else
		return error_set(error, ENGINE_ERROR_INVALID,
				 "unknown compression format '%s': gzip or zstd", text);
	return true;
}

bool compress_check_level(const CompressOptions *options, GError **error)
{
	int max = options->format == COMPRESS_GZIP ? GZIP_MAX : ZSTD_maxCLevel();
	if (options->level >= 0 && options->level <= max)
		return true;
	return error_set(error, ENGINE_ERROR_INVALID, "compression level %d: it is 1 to %d",
			 options->level, max);
}

/* zlib, at the level asked for. */
static z_stream *gzip_new(int level)
{
	z_stream *stream = g_new0(z_stream, 1);
	int result = deflateInit2(stream, level, Z_DEFLATED, GZIP_WINDOW, GZIP_MEMORY,
				  Z_DEFAULT_STRATEGY);
	g_assert(result == Z_OK);
	return stream;
}

Compress *compress_new(const CompressOptions *options, CompressSink sink, void *data)
{
	Compress *compress = g_new0(Compress, 1);
	compress->sink = sink;
	compress->data = data;
	if (options->format == COMPRESS_ZSTD) {
		compress->zstd = ZSTD_createCCtx();
		g_assert(compress->zstd);
		(void)ZSTD_CCtx_setParameter(compress->zstd, ZSTD_c_compressionLevel,
					     options->level ? options->level : ZSTD_DEFAULT);
	} else if (options->level > 0) {
		compress->gzip = gzip_new(options->level);
	} else {
		compress->fast = deflate_new(sink, data);
	}
	if (!compress->fast)
		compress->out = g_malloc(OUT_SIZE);
	return compress;
}

void compress_free(Compress *compress)
{
	if (!compress)
		return;
	deflate_free(compress->fast);
	if (compress->gzip)
		(void)deflateEnd(compress->gzip);
	g_free(compress->gzip);
	ZSTD_freeCCtx(compress->zstd);
	g_free(compress->out);
	g_free(compress);
}

static bool emit(Compress *compress, size_t size, GError **error)
{
	return size == 0 || compress->sink(compress->data, compress->out, size, error);
}

/* All of the input, or with Z_FINISH the end. */
static bool run_gzip(Compress *compress, int flush, GError **error)
{
	z_stream *stream = compress->gzip;
	int result;
	do {
		stream->next_out = compress->out;
		stream->avail_out = OUT_SIZE;
		result = deflate(stream, flush);
		if (result == Z_STREAM_ERROR)
			return error_set(error, ENGINE_ERROR_SYSTEM, "gzip: cannot compress");
		if (!emit(compress, OUT_SIZE - stream->avail_out, error))
			return false;
	} while (flush == Z_FINISH ? result != Z_STREAM_END : stream->avail_out == 0);
	return true;
}

/* As run_gzip(). */
static bool run_zstd(Compress *compress, ZSTD_inBuffer *in, ZSTD_EndDirective end, GError **error)
{
	size_t left;
	do {
		ZSTD_outBuffer out = {compress->out, OUT_SIZE, 0};
		left = ZSTD_compressStream2(compress->zstd, &out, in, end);
		if (ZSTD_isError(left))
			return error_set(error, ENGINE_ERROR_SYSTEM, "zstd: %s",
					 ZSTD_getErrorName(left));
		if (!emit(compress, out.pos, error))
			return false;
	} while (end == ZSTD_e_end ? left > 0 : in->pos < in->size);
	return true;
}

bool compress_push(Compress *compress, const void *bytes, size_t size, GError **error)
{
	g_assert(size <= PUSH_SIZE_MAX);
	if (compress->fast)
		return deflate_push(compress->fast, bytes, size, error);
	if (size == 0)
		return true;
	if (compress->gzip) {
		compress->gzip->next_in = (Bytef *)bytes;
		compress->gzip->avail_in = (uInt)size;
		return run_gzip(compress, Z_NO_FLUSH, error);
	}
	ZSTD_inBuffer in = {bytes, size, 0};
	return run_zstd(compress, &in, ZSTD_e_continue, error);
}

bool compress_finish(Compress *compress, GError **error)
{
	if (compress->fast)
		return deflate_finish(compress->fast, error);
	if (compress->gzip) {
		compress->gzip->next_in = NULL;
		compress->gzip->avail_in = 0;
		return run_gzip(compress, Z_FINISH, error);
	}
	ZSTD_inBuffer in = {NULL, 0, 0};
	return run_zstd(compress, &in, ZSTD_e_end, error);
}
