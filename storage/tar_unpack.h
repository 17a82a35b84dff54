/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The extractor: a tar's entries into a directory that becomes a layer's diff/ (security R1, R2,
 * R10).
 *
 * Theory of operation. Every entry is placed through a descriptor of its parent directory, found
 * with openat2(IN_ROOT): links in the tree resolve inside the tree. What stands in the way is
 * replaced, never written through: files are made with O_EXCL, and only a directory may stay for a
 * directory. Owner, mode, attributes and time go onto the descriptor at once; a directory gets its
 * own in a second pass, found again by path and known again by device and inode. Whiteouts become
 * what overlay wants: a character device 0:0, or user.overlay.opaque on the directory. No other
 * device node is ever made, and no attribute of an overlay is ever taken from the archive.
 *
 * What this layer alone cannot settle is written to `deferred` for layer_complete(): hard links to
 * files of lower layers, directories that the archive uses but does not describe, and an opaque
 * root.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "storage/tar_journal.h"
#include "storage/tar_reader.h"

typedef struct {
	int root_fd;  /* an empty directory, to be filled */
	int extra_fd; /* keeps the content of replaced files for the journal; -1: it is dropped */
	TarJournal *journal; /* NULL: none is written */
	bool has_parent;     /* lower layers exist: what is missing here may be there */
	bool single_id;      /* only id 0 can be given away: ownership is not applied */
	bool plain;          /* not a layer but files, into a directory that may hold some already:
				no whiteouts, no deferred records, mount points stay */
	bool keep_kinds;     /* plain: a directory is never replaced by a file, or a file by one */
	const uint32_t *owner; /* plain: uid and gid of everything; NULL: as the archive says */
	uint64_t max_bytes;    /* of all files together */
	uint64_t max_entries;
} TarUnpackOptions;

typedef struct {
	uint64_t size; /* bytes of regular files */
	uint64_t entries;
	uint64_t devices;  /* device nodes left out */
	uint64_t xattrs;   /* attributes left out */
	uint64_t deferred; /* records in the deferred list */
} TarUnpackStats;

/**
 * tar_unpack() - unpack all entries
 * @deferred:	gets the records for layer_complete(); empty when nothing is left to do
 * @error:	CORRUPT (not a tar), INVALID (an entry nobody should make), SYSTEM
 *
 * The process' umask must be 0. EXISTS with keep_kinds.
 */
bool tar_unpack(TarReader *reader, const TarUnpackOptions *options, GByteArray *deferred,
		TarUnpackStats *out_stats, GError **error);

/* A deferred record: its kind, two strings, each with a NUL behind it. */
#define DEFERRED_LINK   'H' /* path, target */
#define DEFERRED_DIR    'D' /* path, "" */
#define DEFERRED_OPAQUE 'O' /* "", "": hide all that lower layers have in the root */
