/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pax records, numbers and sparse maps of tar. Pure; runs in the jailed unpack child.
 */
#include <stdlib.h>
#include <string.h>

#include "libpod/base/error.h"
#include "libpod/base/wall.h"
#include "storage/tar_priv.h"

#define XATTR_PREFIX "SCHILY.xattr."
#define NUMBER_MAX   (INT64_C(1) << 62)

static void clear_xattr(void *data)
{
	TarXattr *xattr = data;
	g_free(xattr->name);
	g_free(xattr->value);
}

void tar_pax_init(TarPax *pax)
{
	*pax = (TarPax){
		.size = -1,
		.uid = -1,
		.gid = -1,
		.sparse_major = -1,
		.sparse_minor = -1,
		.sparse_realsize = -1,
		.xattrs = g_array_new(FALSE, FALSE, sizeof(TarXattr)),
		.sparse_numbers = g_array_new(FALSE, FALSE, sizeof(uint64_t)),
	};
	g_array_set_clear_func(pax->xattrs, clear_xattr);
}

void tar_pax_clear(TarPax *pax)
{
	g_free(pax->path);
	g_free(pax->linkpath);
	g_free(pax->sparse_name);
	g_clear_pointer(&pax->xattrs, g_array_unref);
	g_clear_pointer(&pax->sparse_numbers, g_array_unref);
}

int64_t tar_decimal(const char *text, size_t size)
{
	if (size == 0)
		return -1;
	int64_t value = 0;
	for (size_t i = 0; i < size; i++) {
		if (!g_ascii_isdigit(text[i]) || value > NUMBER_MAX / 10 - 1)
			return -1;
		value = value * 10 + (text[i] - '0');
	}
	return value;
}

/* Base-256: big-endian two's complement with the top bit as its mark. */
static bool parse_base256(const unsigned char *field, size_t size, int64_t *out)
{
	bool negative = field[0] & 0x40;
	uint64_t value = negative ? UINT64_MAX : 0;
	for (size_t i = 0; i < size; i++) {
		unsigned char byte = field[i];
		if (i == 0)
			byte = negative ? byte | 0x80 : byte & 0x7f;
		unsigned char top = (unsigned char)(value >> 56);
		if (top != (negative ? 0xff : 0))
			return false;
		value = value << 8 | byte;
	}
	if ((value >> 63) != negative)
		return false;
	*out = (int64_t)value;
	return true;
}

bool tar_number(const unsigned char *field, size_t size, int64_t *out)
{
	if (field[0] & 0x80)
		return parse_base256(field, size, out);
	size_t start = 0;
	size_t end = size;
	while (start < end && (field[start] == ' ' || field[start] == 0))
		start++;
	while (end > start && (field[end - 1] == ' ' || field[end - 1] == 0))
		end--;
	int64_t value = 0;
	for (size_t i = start; i < end; i++) {
		if (field[i] < '0' || field[i] > '7' || value > NUMBER_MAX / 8)
			return false;
		value = value * 8 + (field[i] - '0');
	}
	*out = value;
	return true;
}

/* "[-]SECONDS[.FRACTION]" */
static bool parse_time(TarPax *pax, const char *value, size_t size)
{
	bool negative = size > 0 && value[0] == '-';
	if (negative) {
		value++;
		size--;
	}
	const char *dot = memchr(value, '.', size);
	size_t whole = dot ? (size_t)(dot - value) : size;
	int64_t seconds = tar_decimal(value, whole);
	if (seconds < 0)
		return false;
	uint32_t ns = 0;
	uint32_t unit = 100000000;
	for (size_t i = whole + 1; i < size; i++, unit /= 10) {
		if (!g_ascii_isdigit(value[i]))
			return false;
		ns += (uint32_t)(value[i] - '0') * unit;
	}
	if (negative) {
		seconds = -seconds - (ns ? 1 : 0);
		ns = ns ? 1000000000 - ns : 0;
	}
	pax->has_mtime = true;
	pax->mtime = seconds;
	pax->mtime_ns = ns;
	return true;
}

/* A path: no NUL inside. An empty value takes the record back. */
static bool set_path(char **field, const char *value, size_t size)
{
	if (memchr(value, '\0', size) && wall_stands("whole-names"))
		return false;
	g_free(*field);
	*field = size ? g_strndup(value, size) : NULL;
	return true;
}

static bool set_number(int64_t *field, const char *value, size_t size)
{
	*field = size ? tar_decimal(value, size) : -1;
	return size == 0 || *field >= 0;
}

/* "1,2,3,4" of GNU.sparse.map */
static bool add_sparse_map(TarPax *pax, const char *value, size_t size)
{
	g_array_set_size(pax->sparse_numbers, 0);
	const char *end = value + size;
	while (value < end) {
		const char *comma = memchr(value, ',', (size_t)(end - value));
		const char *stop = comma ? comma : end;
		int64_t number = tar_decimal(value, (size_t)(stop - value));
		if (number < 0 || pax->sparse_numbers->len >= 2 * TAR_EXTENTS_MAX)
			return false;
		uint64_t stored = (uint64_t)number;
		g_array_append_val(pax->sparse_numbers, stored);
		value = stop + 1;
	}
	return true;
}

/* GNU.sparse.offset and GNU.sparse.numbytes of format 0.0 alternate. */
static bool add_sparse_number(TarPax *pax, bool is_offset, const char *value, size_t size)
{
	int64_t number = tar_decimal(value, size);
	if (number < 0 || (pax->sparse_numbers->len % 2 == 0) != is_offset ||
	    pax->sparse_numbers->len >= 2 * TAR_EXTENTS_MAX)
		return false;
	uint64_t stored = (uint64_t)number;
	g_array_append_val(pax->sparse_numbers, stored);
	return true;
}

/* GNU's three versions of sparse files in pax records; @key without "GNU.sparse.". */
static bool take_sparse(TarPax *pax, const char *key, const char *value, size_t size)
{
	if (strcmp(key, "major") == 0)
		return set_number(&pax->sparse_major, value, size);
	if (strcmp(key, "minor") == 0)
		return set_number(&pax->sparse_minor, value, size);
	if (strcmp(key, "name") == 0)
		return set_path(&pax->sparse_name, value, size);
	if (strcmp(key, "size") == 0 || strcmp(key, "realsize") == 0)
		return set_number(&pax->sparse_realsize, value, size);
	if (strcmp(key, "map") == 0)
		return add_sparse_map(pax, value, size);
	if (strcmp(key, "offset") == 0)
		return add_sparse_number(pax, true, value, size);
	if (strcmp(key, "numbytes") == 0)
		return add_sparse_number(pax, false, value, size);
	return true; /* numblocks: the map says it itself */
}

/* An extended attribute; a second value for a name replaces the first. */
static bool take_xattr(TarPax *pax, const char *name, const char *value, size_t size)
{
	for (guint i = 0; i < pax->xattrs->len; i++) {
		if (strcmp(g_array_index(pax->xattrs, TarXattr, i).name, name) == 0) {
			g_array_remove_index(pax->xattrs, i);
			break;
		}
	}
	if (pax->xattrs->len >= TAR_XATTRS_MAX && wall_stands("attribute-count"))
		return false;
	TarXattr xattr = {.name = g_strdup(name), .value = g_memdup2(value, size), .size = size};
	g_array_append_val(pax->xattrs, xattr);
	return true;
}

/* One record; keys that do not matter to a file system (atime, comment, uname ...) are passed over.
 */
static bool take_record(TarPax *pax, const char *key, const char *value, size_t size)
{
	if (strcmp(key, "path") == 0)
		return set_path(&pax->path, value, size);
	if (strcmp(key, "linkpath") == 0)
		return set_path(&pax->linkpath, value, size);
	if (strcmp(key, "size") == 0)
		return set_number(&pax->size, value, size);
	if (strcmp(key, "uid") == 0)
		return set_number(&pax->uid, value, size);
	if (strcmp(key, "gid") == 0)
		return set_number(&pax->gid, value, size);
	if (strcmp(key, "mtime") == 0 && size > 0)
		return parse_time(pax, value, size);
	if (g_str_has_prefix(key, XATTR_PREFIX) && key[strlen(XATTR_PREFIX)])
		return take_xattr(pax, key + strlen(XATTR_PREFIX), value, size);
	if (g_str_has_prefix(key, "GNU.sparse."))
		return take_sparse(pax, key + strlen("GNU.sparse."), value, size);
	return true;
}

/* "LENGTH KEY=VALUE\n" at @text. Return: its length, 0 if it is malformed. */
static size_t parse_record(TarPax *pax, const char *text, size_t size)
{
	const char *space = memchr(text, ' ', MIN(size, 20));
	int64_t length = space ? tar_decimal(text, (size_t)(space - text)) : -1;
	if (length < 5 || (uint64_t)length > size || text[length - 1] != '\n')
		return 0;
	const char *key = space + 1;
	const char *end = text + length - 1;
	const char *equals = key < end ? memchr(key, '=', (size_t)(end - key)) : NULL;
	if (!equals || equals == key || memchr(key, '\0', (size_t)(equals - key)))
		return 0;
	g_autofree char *name = g_strndup(key, (size_t)(equals - key));
	return take_record(pax, name, equals + 1, (size_t)(end - equals - 1)) ? (size_t)length : 0;
}

bool tar_pax_parse(TarPax *pax, const char *text, size_t size, GError **error)
{
	while (size > 0) {
		size_t length = parse_record(pax, text, size);
		if (length == 0)
			return error_set(error, ENGINE_ERROR_CORRUPT,
					 "tar: a pax extended header is malformed");
		text += length;
		size -= length;
	}
	return true;
}

GArray *tar_extents_build(const GArray *numbers, uint64_t real_size, uint64_t stored,
			  GError **error)
{
	if (numbers->len % 2 != 0)
		return error_set_null(error, ENGINE_ERROR_CORRUPT,
				      "tar: a sparse map is cut short");
	g_autoptr(GArray) extents = g_array_new(FALSE, FALSE, sizeof(TarExtent));
	uint64_t end = 0;
	uint64_t sum = 0;
	for (guint i = 0; i < numbers->len; i += 2) {
		TarExtent extent = {
			.offset = g_array_index(numbers, uint64_t, i),
			.size = g_array_index(numbers, uint64_t, i + 1),
		};
		if ((extent.offset < end || extent.offset > real_size ||
		     extent.size > real_size - extent.offset) &&
		    wall_stands("sparse-order"))
			return error_set_null(error, ENGINE_ERROR_CORRUPT,
					      "tar: a sparse map is out of order");
		end = extent.offset + extent.size;
		sum += extent.size;
		if (extent.size > 0)
			g_array_append_val(extents, extent);
	}
	if (sum != stored)
		return error_set_null(error, ENGINE_ERROR_CORRUPT,
				      "tar: a sparse map does not match its data");
	return g_steal_pointer(&extents);
}
