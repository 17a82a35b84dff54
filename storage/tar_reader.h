/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading tar: v7, ustar, GNU and pax framing, sparse files, extended attributes; bounded, no I/O
 * of its own.
 *
 * Our own reader rather than libarchive's, for three reasons that were measured: libarchive
 * rewrites names in pax headers to Unicode NFC under a UTF-8 locale (an "e" with a combining accent
 * becomes another file), it hides the raw header bytes that the journal needs to rebuild the exact
 * tar, and it copies all data once more. Where implementations of tar differ we follow Go's
 * archive/tar, which wrote most layers.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

typedef struct TarReader TarReader;

typedef enum {
	TAR_FILE,
	TAR_DIR,
	TAR_SYMLINK,
	TAR_HARDLINK,
	TAR_CHAR,
	TAR_BLOCK,
	TAR_FIFO,
} TarType;

typedef struct {
	char *name; /* "user.comment" */
	char *value;
	size_t size;
} TarXattr;

/* A run of stored data in a sparse file. */
typedef struct {
	uint64_t offset;
	uint64_t size;
} TarExtent;

typedef struct {
	TarType type;
	const char *name; /* raw bytes as written, not cleaned */
	const char *link; /* target of links, else NULL */
	uint32_t mode;    /* 07777 */
	uint32_t uid;
	uint32_t gid;
	int64_t mtime;
	uint32_t mtime_ns;
	uint64_t size;   /* of the file as a program sees it */
	uint64_t stored; /* bytes of data in the archive */
	GArray *extents; /* of TarExtent if sparse, else NULL */
	GArray *xattrs;  /* of TarXattr, never NULL */
} TarEntry;

typedef struct {
	/* Read at most @size bytes: 0 at the end, -1 with errno. Or, instead of it: */
	ssize_t (*read)(void *data, void *buffer, size_t size);
	/* Lend at most @max bytes until the next call; a reader that has this copies only headers.
	 */
	ssize_t (*borrow)(void *data, size_t max, const void **out_bytes);
	/* Sees, in order, every byte that tar_reader_data() does not hand out; may be NULL. false
	 * stops all. */
	bool (*raw)(void *data, const void *bytes, size_t size, GError **error);
	/* Pass over @size bytes without reading them; NULL: they are read. */
	bool (*skip)(void *data, uint64_t size);
	void *data;
} TarSource;

/** tar_reader_new() - read from @source, which must outlive the reader. */
TarReader *tar_reader_new(const TarSource *source);
void tar_reader_free(TarReader *reader);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TarReader, tar_reader_free)

/**
 * tar_reader_next() - skip what is left of this entry's data and read the next header
 * @out_entry:	borrowed until the next call
 * Return: 1, 0 behind the last entry (all trailing bytes have then been read), -1 with CORRUPT or
 * SYSTEM.
 */
int tar_reader_next(TarReader *reader, const TarEntry **out_entry, GError **error);

/**
 * tar_reader_data() - the next piece of this entry's stored data, borrowed until the next call
 * Without a lender a file of up to 128 KiB comes in one piece. Return: false with @error; *out_size
 * is 0 at its end.
 */
bool tar_reader_data(TarReader *reader, const void **out_data, size_t *out_size, GError **error);

/** tar_reader_offset() - bytes of the archive consumed so far: where the data of this entry is or
 * goes on. */
uint64_t tar_reader_offset(const TarReader *reader);
