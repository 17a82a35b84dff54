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

struct Inflate {
	InflateFormat format;
	InflateOutput output;
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

Inflate *inflate_new(InflateFormat format, const InflateOutput *output)
{
	Inflate *inflate = g_new0(Inflate, 1);
	inflate->format = format;
	inflate->output = *output;
	inflate->between = true;
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

/* Tell the owner what came out. */
static bool produced(Inflate *inflate, size_t size, GError **error)
{
	return size == 0 || inflate->output.produced(inflate->output.data, size, error);
}

/*
 * One call of the library. @out_full: its output did not fit, so there may be more.
 * Return: false with @error if the stream is broken or the owner refuses.
 */
static bool step_gzip(Inflate *inflate, bool *out_full, GError **error)
{
	struct inflate_state *gzip = inflate->gzip;
	size_t room = 0;
	gzip->next_out = inflate->output.room(inflate->output.data, &room, error);
	if (!gzip->next_out)
		return false;
	gzip->avail_out = (uint32_t)room;
	int result = isal_inflate(gzip);
	if (result != ISAL_DECOMP_OK && result != ISAL_END_INPUT)
		return set_corrupt("gzip", error);
	*out_full = gzip->avail_out == 0;
	return produced(inflate, room - gzip->avail_out, error);
}

/* Be ready for another member behind this one. */
static void begin_member(Inflate *inflate)
{
	struct inflate_state *gzip = inflate->gzip;
	uint8_t *next = gzip->next_in;
	uint32_t left = gzip->avail_in;
	isal_inflate_reset(gzip);
	gzip->crc_flag = ISAL_GZIP;
	gzip->next_in = next;
	gzip->avail_in = left;
	inflate->between = inflate->any = true;
}

/* Members may follow each other, and zeros the last; anything else behind it is corrupt. */
static bool push_gzip(Inflate *inflate, const unsigned char *bytes, size_t size, GError **error)
{
	struct inflate_state *gzip = inflate->gzip;
	gzip->next_in = (uint8_t *)bytes;
	gzip->avail_in = (uint32_t)size;
	bool full = false;
	while (gzip->avail_in > 0 || full) {
		/* Zeros may pad the last member. */
		if (inflate->between && inflate->any && gzip->next_in[0] == 0)
			inflate->ended = true;
		if (inflate->ended)
			return is_zero(gzip->next_in, gzip->avail_in) || set_corrupt("gzip", error);
		inflate->between = false;
		if (!step_gzip(inflate, &full, error))
			return false;
		if (gzip->block_state == ISAL_BLOCK_FINISH) {
			begin_member(inflate);
			full = false;
		}
	}
	return true;
}

/* Frames may follow each other. @between tells finish whether the last one ended. */
static bool push_zstd(Inflate *inflate, const void *bytes, size_t size, GError **error)
{
	ZSTD_inBuffer in = {.src = bytes, .size = size};
	bool more = false;
	while (in.pos < in.size || more) {
		ZSTD_outBuffer out = {0};
		out.dst = inflate->output.room(inflate->output.data, &out.size, error);
		if (!out.dst)
			return false;
		size_t rest = ZSTD_decompressStream(inflate->zstd, &out, &in);
		if (ZSTD_isError(rest))
			return set_corrupt("zstd", error);
		if (!produced(inflate, out.pos, error))
			return false;
		inflate->between = rest == 0;
		more = rest != 0 && out.pos == out.size;
	}
	return true;
}

/* Copied, so that the receiver sees one kind of buffer. */
static bool push_plain(Inflate *inflate, const char *bytes, size_t size, GError **error)
{
	while (size > 0) {
		size_t room = 0;
		void *to = inflate->output.room(inflate->output.data, &room, error);
		size_t piece = MIN(size, room);
		if (!to)
			return false;
		memcpy(to, bytes, piece);
		if (!produced(inflate, piece, error))
			return false;
		bytes += piece;
		size -= piece;
	}
	return true;
}

bool inflate_push(Inflate *inflate, const void *bytes, size_t size, GError **error)
{
	switch (inflate->format) {
	case INFLATE_NONE:
		return push_plain(inflate, bytes, size, error);
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
			 "xz and bzip2 streams are not supported: unpack the file first");
}

bool inflate_finish(Inflate *inflate, GError **error)
{
	if (inflate->between)
		return true;
	return error_set(error, ENGINE_ERROR_CORRUPT, "the %s stream is cut short",
			 inflate->format == INFLATE_GZIP ? "gzip" : "zstd");
}
