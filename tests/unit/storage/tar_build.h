/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Building tars in memory, good ones and broken ones, and reading them through a TarSource.
 */
#pragma once

#include <glib.h>
#include <stdio.h>
#include <string.h>

#include "storage/tar_reader.h"

typedef struct {
	const char *name;
	char type; /* '0' ... */
	const char *link;
	const char *data; /* NULL: none */
	size_t size;      /* 0: strlen(data) */
	unsigned mode;    /* 0: 0644, 0755 for '5' */
	unsigned uid;
	unsigned gid;
	unsigned long mtime;
} TarItem;

/** tar_build_fix() - put the right checksum into the header at @at. */
static inline void tar_build_fix(GByteArray *tar, guint at)
{
	memset(tar->data + at + 148, ' ', 8);
	unsigned sum = 0;
	for (int i = 0; i < 512; i++)
		sum += tar->data[at + i];
	char text[8];
	g_snprintf(text, sizeof text, "%06o", sum & 0777777);
	memcpy(tar->data + at + 148, text, 7);
}

static inline void tar_build_pad(GByteArray *tar)
{
	static const guint8 zeros[512];
	if (tar->len % 512)
		g_byte_array_append(tar, zeros, 512 - tar->len % 512);
}

/** tar_build_header() - a header alone, announcing @size bytes. Return: its offset. */
static inline guint tar_build_header(GByteArray *tar, const TarItem *item, size_t size)
{
	guint8 block[512] = {0};
	unsigned mode = item->mode ? item->mode : item->type == '5' ? 0755 : 0644;
	g_assert_cmpuint(strlen(item->name), <=, 100);
	memcpy(block, item->name, strlen(item->name));
	g_snprintf((char *)block + 100, 8, "%07o", mode);
	g_snprintf((char *)block + 108, 8, "%07o", item->uid);
	g_snprintf((char *)block + 116, 8, "%07o", item->gid);
	g_snprintf((char *)block + 124, 12, "%011lo", (unsigned long)size);
	g_snprintf((char *)block + 136, 12, "%011lo", item->mtime);
	block[156] = (guint8)(item->type ? item->type : '0');
	if (item->link)
		memcpy(block + 157, item->link, MIN(strlen(item->link), 100u));
	memcpy(block + 257, "ustar\00000", 8);
	guint at = tar->len;
	g_byte_array_append(tar, block, sizeof block);
	tar_build_fix(tar, at);
	return at;
}

/** tar_build_add() - a whole entry. Return: the offset of its header. */
static inline guint tar_build_add(GByteArray *tar, TarItem item)
{
	size_t size = item.size ? item.size : item.data ? strlen(item.data) : 0;
	guint at = tar_build_header(tar, &item, size);
	if (item.data)
		g_byte_array_append(tar, (const guint8 *)item.data, (guint)size);
	tar_build_pad(tar);
	return at;
}

/** tar_build_pax() - an extended header with one record. */
static inline void tar_build_pax(GByteArray *tar, const char *key, const void *value, size_t size)
{
	size_t rest = strlen(key) + size + 3;
	size_t length = rest + 1;
	for (int i = 0; i < 3; i++) {
		g_autofree char *digits = g_strdup_printf("%zu", length);
		length = rest + strlen(digits);
	}
	g_autoptr(GString) record = g_string_new(NULL);
	g_string_printf(record, "%zu %s=", length, key);
	g_string_append_len(record, value, (gssize)size);
	g_string_append_c(record, '\n');
	tar_build_add(
		tar,
		(TarItem){.name = "pax", .type = 'x', .data = record->str, .size = record->len});
}

static inline void tar_build_end(GByteArray *tar)
{
	static const guint8 zeros[1024];
	g_byte_array_append(tar, zeros, sizeof zeros);
}

/* A source over bytes in memory. */
typedef struct {
	const guint8 *data;
	size_t size;
	size_t at;
	size_t piece;    /* at most this many at once; 0: all */
	GByteArray *raw; /* NULL, or collects what raw() sees */
	TarSource source;
} TarMemory;

static inline ssize_t tar_memory_read(void *data, void *buffer, size_t size)
{
	TarMemory *memory = data;
	size_t n = MIN(size, memory->size - memory->at);
	if (memory->piece)
		n = MIN(n, memory->piece);
	if (n > 0)
		memcpy(buffer, memory->data + memory->at, n);
	memory->at += n;
	return (ssize_t)n;
}

static inline ssize_t tar_memory_borrow(void *data, size_t max, const void **out_bytes)
{
	TarMemory *memory = data;
	size_t n = MIN(max, memory->size - memory->at);
	if (memory->piece)
		n = MIN(n, memory->piece);
	*out_bytes = memory->data + memory->at;
	memory->at += n;
	return (ssize_t)n;
}

static inline bool tar_memory_raw(void *data, const void *bytes, size_t size, GError **error)
{
	TarMemory *memory = data;
	(void)error;
	g_byte_array_append(memory->raw, bytes, (guint)size);
	return true;
}

static inline void tar_memory_init(TarMemory *memory, const GByteArray *tar)
{
	*memory = (TarMemory){.data = tar->data, .size = tar->len};
	memory->source = (TarSource){.read = tar_memory_read, .data = memory};
}
