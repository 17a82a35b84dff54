/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Archives of images as files by name: a directory, or a tar that may be compressed or come from a
 * pipe.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "storage/store.h"

/** ARCHIVE_UNKNOWN - podman's words where something is no archive, before our reason. */
#define ARCHIVE_UNKNOWN "payload does not match any of the supported image formats: "

typedef struct Archive Archive;

/**
 * archive_open() - open a directory or a tar
 * @path:	"-" is stdin
 * What cannot be read at random places (a pipe, a compressed tar) is written into an unlinked file
 * of @stage first.
 */
Archive *archive_open(StoreStage *stage, const char *path, GError **error);
void archive_close(Archive *archive);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Archive, archive_close)

/** archive_has() - is there a file of this name? Links inside a tar count as what they lead to. */
bool archive_has(Archive *archive, const char *name);

/** archive_read() - a whole small file. NOT_FOUND, INVALID if larger than @max_size. g_free() it.
 */
char *archive_read(Archive *archive, const char *name, size_t max_size, size_t *out_size,
		   GError **error);

/** archive_is_dir() - it is a directory, not a tar. */
bool archive_is_dir(const Archive *archive);

typedef bool (*ArchiveSink)(void *data, const void *bytes, size_t size, GError **error);

/** archive_stream() - push a file's bytes into @sink, piece by piece. */
bool archive_stream(Archive *archive, const char *name, ArchiveSink sink, void *data,
		    GError **error);
