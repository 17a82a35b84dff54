/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inflating streams piece by piece: gzip by isa-l, zstd, or nothing.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

typedef enum {
	INFLATE_NONE,
	INFLATE_GZIP,
	INFLATE_ZSTD,
	INFLATE_OTHER, /* bzip2, xz: known by their first bytes, but not read here */
} InflateFormat;

/* Bytes needed by inflate_detect(). */
#define INFLATE_MAGIC 6

/** inflate_detect() - what a stream's first bytes say; fewer than INFLATE_MAGIC bytes only if there
 * are no more. */
InflateFormat inflate_detect(const void *bytes, size_t size);

/* Where inflated bytes go. */
typedef struct {
	/* Room for at least one byte; NULL with @error stops. */
	void *(*room)(void *data, size_t *out_size, GError **error);
	/* The first @size bytes of that room are filled now. false with @error stops. */
	bool (*produced)(void *data, size_t size, GError **error);
	void *data;
} InflateOutput;

typedef struct Inflate Inflate;

/** inflate_new() - a stream in @format; what comes out goes to @output. */
Inflate *inflate_new(InflateFormat format, const InflateOutput *output);
void inflate_free(Inflate *inflate);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Inflate, inflate_free)

/** inflate_push() - inflate the next compressed bytes. CORRUPT. */
bool inflate_push(Inflate *inflate, const void *bytes, size_t size, GError **error);

/** inflate_finish() - the stream must be complete. CORRUPT. */
bool inflate_finish(Inflate *inflate, GError **error);
