/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A tree into a tar: what cp, export, commit and `volume export` read.
 *
 * The tree may belong to a running container that changes it meanwhile. Every entry is opened by
 * its name in its parent's descriptor and never through a link, so a directory that becomes a link
 * leads nowhere; what has gone is left out, a file that shrinks is filled up with zeros. Names are
 * sorted and times are whole seconds, so that the same tree gives the same bytes.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "libpod/base/idmap.h"

/* Takes pieces of the tar. */
typedef bool (*TreePackSink)(void *data, const void *bytes, size_t size, GError **error);

typedef struct {
	int dir_fd;       /* the directory that holds the entry */
	const char *name; /* the entry in it, never followed; NULL: what the directory holds */
	int file_fd;      /* instead of both: an open file, to be packed as @as; -1: none */
	const char *as;   /* its name in the archive; NULL: @name */
	bool one_mount;   /* other mounts are empty directories */
	bool layer;       /* an upper directory: whiteouts as OCI has them, its marks left out */
	bool skip_unreadable; /* leave out, and count, what may not be read */
	bool has_mtime;       /* every entry has the time @mtime, seconds */
	int64_t mtime;
	const IdMap *map;     /* owners are outside ids of this map; NULL: as they are */
	TreePackSink raw;     /* headers and padding */
	TreePackSink content; /* of files */
	/* Called before the content of a file; may be NULL. */
	bool (*file)(void *data, const char *path, uint64_t size, GError **error);
	void *data;
} TreePackOptions;

typedef struct {
	uint64_t size; /* bytes of regular files */
	uint64_t entries;
	uint64_t unreadable;
} TreePackStats;

/**
 * tree_pack() - write the archive, with its end
 * @error:	NOT_FOUND if the entry is not there; INVALID for a name that a layer cannot have
 */
bool tree_pack(const TreePackOptions *options, TreePackStats *out_stats, GError **error);

/* A tar on its way to a descriptor, in large pieces. */
typedef struct {
	int fd;
	char *buffer; /* of TREE_PACK_BUFFER bytes */
	size_t used;
} TreePackOutput;

#define TREE_PACK_BUFFER (256u << 10)

/** tree_pack_put() - a TreePackSink, @data is the TreePackOutput. */
bool tree_pack_put(void *data, const void *bytes, size_t size, GError **error);

/** tree_pack_flush() - what is not written yet. */
bool tree_pack_flush(TreePackOutput *output, GError **error);
