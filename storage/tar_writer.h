/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing the outer tar of an archive of images: plain files and directories, ustar with GNU's
 * base-256 for sizes above 8 GiB. Time, owner and mode are fixed, so that the same images give the
 * same bytes.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* Takes the archive's bytes. */
typedef bool (*TarSink)(void *data, const void *bytes, size_t size, GError **error);

/** tar_write_header() - a file's header; @size bytes of data and tar_write_padding() must follow.
 */
bool tar_write_header(TarSink sink, void *data, const char *name, uint64_t size, GError **error);

/** tar_write_dir() - a directory. */
bool tar_write_dir(TarSink sink, void *data, const char *name, GError **error);

/** tar_write_padding() - fill up behind @size bytes of data. */
bool tar_write_padding(TarSink sink, void *data, uint64_t size, GError **error);

/** tar_write_end() - the end-of-archive blocks. */
bool tar_write_end(TarSink sink, void *data, GError **error);
