/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compressed streams, in pieces whose size the first byte chooses: the same outcome as in one
 * piece, and never more than the budget.
 */
#include <glib.h>
#include <stdint.h>
#include <string.h>

#include "storage/inflate.h"

#define BUDGET (1u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct {
	GByteArray *bytes;
	char room[1024];
} Output;

static void *output_room(void *data, size_t *out_size, GError **error)
{
	(void)error;
	Output *output = data;
	*out_size = sizeof output->room;
	return output->bytes->len > BUDGET ? NULL : output->room;
}

static bool output_produced(void *data, size_t size, GError **error)
{
	(void)error;
	Output *output = data;
	g_byte_array_append(output->bytes, (const guint8 *)output->room, (guint)size);
	return true;
}

/* Inflate in pieces. Return: whether all was well. */
static bool run(const uint8_t *data, size_t size, size_t piece, GByteArray *bytes)
{
	Output output = {.bytes = bytes};
	const InflateOutput to = {
		.room = output_room, .produced = output_produced, .data = &output};
	g_autoptr(GError) error = NULL;
	g_autoptr(Inflate) inflate = inflate_new(inflate_detect(data, size), &to);
	bool done = true;
	for (size_t at = 0; done && at < size; at += piece)
		done = inflate_push(inflate, data + at, MIN(piece, size - at), &error);
	return done && inflate_finish(inflate, &error);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1)
		return 0;
	g_autoptr(GByteArray) whole = g_byte_array_new();
	g_autoptr(GByteArray) pieces = g_byte_array_new();
	bool one = run(data + 1, size - 1, size, whole);
	bool two = run(data + 1, size - 1, (size_t)data[0] + 1, pieces);
	g_assert_cmpint(one, ==, two);
	if (one)
		g_assert_cmpmem(whole->data, whole->len, pieces->data, pieces->len);
	return 0;
}
