/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the tar reader share: extended headers, collected for the next entry.
 */
#pragma once

#include "storage/tar_reader.h"

#define TAR_BLOCK_SIZE 512
/* Of one extended header, a long name, or a sparse map: what Go's reader accepts. */
#define TAR_SPECIAL_MAX (1u << 20)
#define TAR_EXTENTS_MAX 65536
#define TAR_XATTRS_MAX  128

/* The header block, by offset: see POSIX.1-2001 pax and the GNU tar manual. */
enum {
	AT_NAME = 0,
	AT_MODE = 100,
	AT_UID = 108,
	AT_GID = 116,
	AT_SIZE = 124,
	AT_MTIME = 136,
	AT_CHECKSUM = 148,
	AT_TYPE = 156,
	AT_LINK = 157,
	AT_MAGIC = 257,
	AT_PREFIX = 345,
	AT_GNU_SPARSE = 386,
	AT_GNU_MORE = 482,
	AT_GNU_REALSIZE = 483,
	AT_SPARSE_MORE = 504, /* in an extension block */
};

/* What pax records say about the entry behind them. Absent values are -1 or NULL. */
typedef struct {
	char *path;
	char *linkpath;
	int64_t size;
	int64_t uid;
	int64_t gid;
	bool has_mtime;
	int64_t mtime;
	uint32_t mtime_ns;
	GArray *xattrs; /* of TarXattr */

	int64_t sparse_major;
	int64_t sparse_minor;
	int64_t sparse_realsize; /* GNU.sparse.size of 0.x or realsize of 1.0 */
	char *sparse_name;
	GArray *sparse_numbers; /* of uint64_t: offset, size, offset, size ... of 0.0 and 0.1 */
} TarPax;

/** tar_pax_init() - no record yet; tar_pax_clear() frees what was taken. */
void tar_pax_init(TarPax *pax);
void tar_pax_clear(TarPax *pax);

/** tar_pax_parse() - take the records of one extended header; later ones win. CORRUPT. */
bool tar_pax_parse(TarPax *pax, const char *text, size_t size, GError **error);

/** tar_decimal() - strict unsigned decimal of @size characters, at most 2^62. Return: -1 if it is
 * none. */
int64_t tar_decimal(const char *text, size_t size);

/** tar_number() - a header field: octal text or base-256. Return: false if malformed. */
bool tar_number(const unsigned char *field, size_t size, int64_t *out);

/** tar_extents_build() - check pairs of numbers and make them extents of a file of @real_size with
 * @stored bytes. */
GArray *tar_extents_build(const GArray *numbers, uint64_t real_size, uint64_t stored,
			  GError **error);

/** tar_header_is_valid() - the checksum, which historic writers took over signed characters. */
bool tar_header_is_valid(const unsigned char *block);

/** tar_header_text() - a string field, which need not end in NUL. g_free() it. */
char *tar_header_text(const unsigned char *block, int at, size_t size);

/** tar_header_name() - the name of a plain header: ustar splits long ones in two, star leaves room
 * for two times. g_free() it. */
char *tar_header_name(const unsigned char *block);

/** tar_header_type() - what kind of file a type flag means. Return: false if we know none. */
bool tar_header_type(unsigned char flag, const char *name, TarType *out);
