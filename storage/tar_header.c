/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Header blocks of tar. Pure; runs in the jailed unpack child, and in skiff-fetch for outer
 * archives.
 */
#include <string.h>

#include "storage/tar_priv.h"

/* The checksum, which historic writers took over signed characters. */
bool tar_header_is_valid(const unsigned char *block)
{
	int64_t stored = 0;
	int64_t sum = 0;
	int64_t signed_sum = 0;
	if (!tar_number(block + AT_CHECKSUM, 8, &stored))
		return false;
	for (int i = 0; i < TAR_BLOCK_SIZE; i++) {
		unsigned char c = i >= AT_CHECKSUM && i < AT_CHECKSUM + 8 ? ' ' : block[i];
		sum += c;
		signed_sum += (signed char)c;
	}
	return stored == sum || stored == signed_sum;
}

/* A string field, which need not end in NUL. */
char *tar_header_text(const unsigned char *block, int at, size_t size)
{
	return g_strndup((const char *)block + at, size);
}

static bool is_posix(const unsigned char *block)
{
	return memcmp(block + AT_MAGIC, "ustar\0", 6) == 0;
}

/* The name of a plain header: ustar splits long ones in two, star leaves room for two times. */
char *tar_header_name(const unsigned char *block)
{
	g_autofree char *name = tar_header_text(block, AT_NAME, 100);
	if (!is_posix(block))
		return g_steal_pointer(&name);
	bool is_star = memcmp(block + 508, "tar", 4) == 0;
	g_autofree char *prefix = tar_header_text(block, AT_PREFIX, is_star ? 131 : 155);
	return *prefix ? g_strconcat(prefix, "/", name, NULL) : g_steal_pointer(&name);
}

/* What kind of file a type flag means. Return: false if we know none. */
bool tar_header_type(unsigned char flag, const char *name, TarType *out)
{
	switch (flag) {
	case '\0':
		*out = g_str_has_suffix(name, "/") ? TAR_DIR : TAR_FILE;
		return true;
	case '0':
	case '7':
	case 'S':
		*out = TAR_FILE;
		return true;
	case '1':
		*out = TAR_HARDLINK;
		return true;
	case '2':
		*out = TAR_SYMLINK;
		return true;
	case '3':
		*out = TAR_CHAR;
		return true;
	case '4':
		*out = TAR_BLOCK;
		return true;
	case '5':
		*out = TAR_DIR;
		return true;
	case '6':
		*out = TAR_FIFO;
		return true;
	default:
		return false;
	}
}
