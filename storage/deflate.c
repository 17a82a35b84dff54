/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Gzip by isa-l. Runs in skiff-fetch.
 */
#include "storage/deflate.h"

#include <isa-l/igzip_lib.h>

#include "libpod/base/error.h"

#define OUT_SIZE (256u << 10)
#define LEVEL    1

struct Deflate {
	struct isal_zstream stream;
	uint8_t *level_buffer;
	uint8_t *out;
	DeflateSink sink;
	void *data;
};

Deflate *deflate_new(DeflateSink sink, void *data)
{
	Deflate *deflate = g_new0(Deflate, 1);
	deflate->sink = sink;
	deflate->data = data;
	deflate->out = g_malloc(OUT_SIZE);
	deflate->level_buffer = g_malloc(ISAL_DEF_LVL1_DEFAULT);
	isal_deflate_init(&deflate->stream);
	deflate->stream.level = LEVEL;
	deflate->stream.level_buf = deflate->level_buffer;
	deflate->stream.level_buf_size = ISAL_DEF_LVL1_DEFAULT;
	deflate->stream.gzip_flag = IGZIP_GZIP;
	return deflate;
}

void deflate_free(Deflate *deflate)
{
	if (!deflate)
		return;
	g_free(deflate->level_buffer);
	g_free(deflate->out);
	g_free(deflate);
}

/* Run the library until it has taken all input, or until the trailer is out. */
static bool run(Deflate *deflate, GError **error)
{
	struct isal_zstream *stream = &deflate->stream;
	do {
		stream->next_out = deflate->out;
		stream->avail_out = OUT_SIZE;
		if (isal_deflate(stream) != COMP_OK)
			return error_set(error, ENGINE_ERROR_SYSTEM, "gzip: cannot compress");
		size_t size = OUT_SIZE - stream->avail_out;
		if (size > 0 && !deflate->sink(deflate->data, deflate->out, size, error))
			return false;
	} while (stream->end_of_stream ? stream->internal_state.state != ZSTATE_END
				       : stream->avail_in > 0 || stream->avail_out == 0);
	return true;
}

bool deflate_push(Deflate *deflate, const void *bytes, size_t size, GError **error)
{
	g_assert(size <= UINT32_MAX);
	deflate->stream.next_in = (uint8_t *)bytes;
	deflate->stream.avail_in = (uint32_t)size;
	return size == 0 || run(deflate, error);
}

bool deflate_finish(Deflate *deflate, GError **error)
{
	deflate->stream.next_in = NULL;
	deflate->stream.avail_in = 0;
	deflate->stream.end_of_stream = 1;
	return run(deflate, error);
}
