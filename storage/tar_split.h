/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tar-split format: a layer's exact tar from its headers, which podman keeps as lines of JSON,
 * and the files of its tree. Everything in it is checked as foreign: the sum of what comes out is
 * the layer's diff id or the layer is refused by who takes it.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "storage/archive.h"

/**
 * tar_split_assemble() - put a tar together
 * @split_fd:	the gzipped lines, from its offset on
 * @tree_fd:	the directory that holds the layer's files; names are resolved inside it
 * @error:	CORRUPT for lines that make no sense or a file that is missing or cut
 */
bool tar_split_assemble(int split_fd, int tree_fd, ArchiveSink sink, void *data, GError **error);
