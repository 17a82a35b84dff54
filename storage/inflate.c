/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inflating streams. Runs in skiff-fetch.
 *
 * A gzip stream may have many members (estargz: one per file) and zeros behind the last; a zstd
 * stream many frames. Checksums in both are verified by the libraries, the digests behind us verify
 * all again.
 */
#include "storage/inflate.h"

#include <isa-l/igzip_lib.h>
#include <string.h>
#include <zstd.h>

#include "libpod/base/error.h"

#define OUT_SIZE (256u << 10)

struct Inflate {
	InflateFormat format;
	InflateSink sink;
	void *data;
	unsigned char *out;
	struct inflate_state *gzip;
	bool between; /* no member or frame is open */
	bool any;     /* a member is complete */
	bool ended;   /* only zeros may follow */
	ZSTD_DCtx *zstd;
};

InflateFormat inflate_detect(const void *bytes, size_t size)
{
	static const struct {
		InflateFormat format;
		size_t size;
		unsigned char magic[INFLATE_MAGIC];
	} magics[] = {
		{INFLATE_GZIP, 3, {0x1f, 0x8b, 0x08}},
		{INFLATE_ZSTD, 4, {0x28, 0xb5, 0x2f, 0xfd}},
		{INFLATE_OTHER, 6, {0xfd, '7', 'z', 'X', 'Z', 0}},
		{INFLATE_OTHER, 3, {'B', 'Z', 'h'}},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(magics); i++)
		if (size >= magics[i].size && memcmp(bytes, magics[i].magic, magics[i].size) == 0)
			return magics[i].format;
	return INFLATE_NONE;
}

Inflate *inflate_new(InflateFormat format, InflateSink sink, void *data)
{
	Inflate *inflate = g_new0(Inflate, 1);
	inflate->format = format;
	inflate->sink = sink;
	inflate->data = data;
	inflate->between = true;
	inflate->out = g_malloc(OUT_SIZE);
	if (format == INFLATE_GZIP) {
		inflate->gzip = g_new0(struct inflate_state, 1);
		isal_inflate_init(inflate->gzip);
		inflate->gzip->crc_flag = ISAL_GZIP;
	}
	if (format == INFLATE_ZSTD) {
		inflate->zstd = ZSTD_createDCtx();
		g_assert(inflate->zstd);
	}
	return inflate;
}

void inflate_free(Inflate *inflate)
{
	if (!inflate)
		return;
	ZSTD_freeDCtx(inflate->zstd);
	g_free(inflate->gzip);
	g_free(inflate->out);
	g_free(inflate);
}

static bool set_corrupt(const char *what, GError **error)
{
	return error_set(error, ENGINE_ERROR_CORRUPT, "the %s stream is broken", what);
}

static bool is_zero(const unsigned char *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (bytes[i] != 0)
			return false;
	return true;
}

/* One call of the library. Return: false with @error if the stream is broken or the sink refuses.
 */
static bool step_gzip(Inflate *inflate, GError **error)
{
	struct inflate_state *gzip = inflate->gzip;
	gzip->next_out = inflate->out;
	gzip->avail_out = OUT_SIZE;
	int result = isal_inflate(gzip);
	if (result != ISAL_DECOMP_OK && result != ISAL_END_INPUT)
		return set_corrupt("gzip", error);
	size_t size = OUT_SIZE - gzip->avail_out;
	return size == 0 || inflate->sink(inflate->data, inflate->out, size, error);
}

static bool push_gzip(Inflate *inflate, const unsigned char *bytes, size_t size, GError **error)
{
	struct inflate_state *gzip = inflate->gzip;
	gzip->next_in = (uint8_t *)bytes;
	gzip->avail_in = (uint32_t)size;
	while (gzip->avail_in > 0 || (!inflate->between && gzip->avail_out == 0)) {
		if (gzip->avail_in > 0 && inflate->between && inflate->any &&
		    gzip->next_in[0] == 0) {
			/* Padding behind the last member. */
			inflate->ended = true;
			return is_zero(gzip->next_in, gzip->avail_in) || set_corrupt("gzip", error);
		}
		if (inflate->ended)
			return set_corrupt("gzip", error);
		inflate->between = false;
		if (!step_gzip(inflate, error))
			return false;
		if (gzip->block_state == ISAL_BLOCK_FINISH) {
			uint8_t *next = gzip->next_in;
			uint32_t left = gzip->avail_in;
			isal_inflate_reset(gzip);
			gzip->crc_flag = ISAL_GZIP;
			gzip->next_in = next;
			gzip->avail_in = left;
			gzip->avail_out = 1; /* nothing waits to come out */
			inflate->between = inflate->any = true;
		}
	}
	return true;
}

static bool push_zstd(Inflate *inflate, const void *bytes, size_t size, GError **error)
{
	ZSTD_inBuffer in = {.src = bytes, .size = size};
	bool more = false;
	while (in.pos < in.size || more) {
		ZSTD_outBuffer out = {.dst = inflate->out, .size = OUT_SIZE};
		size_t rest = ZSTD_decompressStream(inflate->zstd, &out, &in);
		if (ZSTD_isError(rest))
			return set_corrupt("zstd", error);
		if (out.pos > 0 && !inflate->sink(inflate->data, inflate->out, out.pos, error))
			return false;
		inflate->between = rest == 0;
		more = rest != 0 && out.pos == out.size;
	}
	return true;
}

bool inflate_push(Inflate *inflate, const void *bytes, size_t size, GError **error)
{
	switch (inflate->format) {
	case INFLATE_NONE:
		return inflate->sink(inflate->data, bytes, size, error);
	case INFLATE_GZIP:
		for (const unsigned char *at = bytes; size > 0;) {
			size_t piece = MIN(size, 1u << 30);
			if (!push_gzip(inflate, at, piece, error))
				return false;
			at += piece;
			size -= piece;
		}
		return true;
	case INFLATE_ZSTD:
		return push_zstd(inflate, bytes, size, error);
	case INFLATE_OTHER:
		break;
	}
	return error_set(error, ENGINE_ERROR_UNSUPPORTED,
			 "xz and bzip2 are not supported as layers' compression");
}

bool inflate_finish(Inflate *inflate, GError **error)
{
	if (inflate->between)
		return true;
	return error_set(error, ENGINE_ERROR_CORRUPT, "the %s stream is cut short",
			 inflate->format == INFLATE_GZIP ? "gzip" : "zstd");
}
