/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing the outer tar of an archive of images. Runs in skiff-fetch.
 */
#include "storage/tar_writer.h"

#include <stdio.h>
#include <string.h>

#include "libpod/base/error.h"

#define BLOCK 512

/* The size field: twelve bytes of octal, or base-256 above what eleven digits hold. */
static void put_size(unsigned char field[12], uint64_t size)
{
	if (size < (UINT64_C(1) << 33)) {
		(void)snprintf((char *)field, 12, "%011" G_GINT64_MODIFIER "o", size);
		return;
	}
	memset(field, 0, 12);
	field[0] = 0x80;
	for (int i = 11; i > 3; i--, size >>= 8)
		field[i] = (unsigned char)size;
}

/* The least a reader takes: owner 0, time 0, so that the same image gives the same bytes. */
static bool put_header(TarSink sink, void *data, const char *name, char type, uint64_t size,
		       GError **error)
{
	unsigned char block[BLOCK] = {0};
	if (strlen(name) > 100)
		return error_set(error, ENGINE_ERROR_INVALID, "'%s' is too long for an archive",
				 name);
	memcpy(block, name, strlen(name));
	memcpy(block + 100, type == '5' ? "0000755" : "0000644", 8);
	memcpy(block + 108, "0000000", 8);
	memcpy(block + 116, "0000000", 8);
	put_size(block + 124, size);
	memcpy(block + 136, "00000000000", 12);
	memset(block + 148, ' ', 8);
	block[156] = (unsigned char)type;
	memcpy(block + 257,
	       "ustar\0"
	       "00",
	       8);

	unsigned sum = 0;
	for (int i = 0; i < BLOCK; i++)
		sum += block[i];
	char text[8];
	(void)snprintf(text, sizeof(text), "%06o", sum & 0777777);
	memcpy(block + 148, text, 7);
	return sink(data, block, BLOCK, error);
}

bool tar_write_header(TarSink sink, void *data, const char *name, uint64_t size, GError **error)
{
	return put_header(sink, data, name, '0', size, error);
}

bool tar_write_dir(TarSink sink, void *data, const char *name, GError **error)
{
	return put_header(sink, data, name, '5', 0, error);
}

bool tar_write_padding(TarSink sink, void *data, uint64_t size, GError **error)
{
	static const unsigned char zeros[BLOCK];
	size_t rest = (size_t)(-size % BLOCK);
	return rest == 0 || sink(data, zeros, rest, error);
}

bool tar_write_end(TarSink sink, void *data, GError **error)
{
	static const unsigned char zeros[2 * BLOCK];
	return sink(data, zeros, sizeof(zeros), error);
}
