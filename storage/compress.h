/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compressing layers: gzip (isa-l, or zlib where a level is asked for) and zstd. The same bytes and
 * options give the same stream.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

typedef enum {
	COMPRESS_GZIP,
	COMPRESS_ZSTD,
} CompressFormat;

typedef struct {
	CompressFormat format;
	int level; /* 0: fast (gzip), 3 (zstd) */
} CompressOptions;

/** compress_format_parse() - "gzip" or "zstd". UNSUPPORTED for zstd:chunked, INVALID for others. */
bool compress_format_parse(const char *text, CompressFormat *out_format, GError **error);

/** compress_check_level() - is the level one of its format's? INVALID. */
bool compress_check_level(const CompressOptions *options, GError **error);

typedef bool (*CompressSink)(void *data, const void *bytes, size_t size, GError **error);

typedef struct Compress Compress;

/** compress_new() - a stream whose bytes go to @sink. */
Compress *compress_new(const CompressOptions *options, CompressSink sink, void *data);
void compress_free(Compress *compress);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Compress, compress_free)

/** compress_push() - the next bytes; fails as the sink does. */
bool compress_push(Compress *compress, const void *bytes, size_t size, GError **error);

/** compress_finish() - write the end. */
bool compress_finish(Compress *compress, GError **error);
