/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tar archives that somebody else made: known by their content, taken apart by jailed children.
 *
 * Plain, gzip and zstd go through `skiff-fetch inflate`, xz and bzip2 through skiff-unxz, and the
 * tar through `skiff-layer put`. Nothing of an archive is read in this process but its first bytes.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

/** tarball_detect() - is a file a tar, plain or compressed? Three-valued: 1, 0, -1 with @error. It
 * must be a regular file, its position is lost. */
int tarball_detect(int fd, GError **error);

/**
 * tarball_unpack() - unpack an archive, from its start
 * @root_fd:	a directory, O_RDONLY: nothing outside of it is reached
 * @path:	the directory in it where it goes; must exist
 * @owner:	"UID:GID" of all; NULL: as the archive says
 * @error:	CORRUPT, INVALID (an entry nobody should make), SYSTEM
 */
bool tarball_unpack(int fd, int root_fd, const char *path, const char *owner, GError **error);
