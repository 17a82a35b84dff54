/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where export and `volume export` write their archive: a file, or standard output.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "libpod/tree_transfer.h"

/** archive_output_check() - podman refuses a file name with a colon. @file may be NULL. */
bool archive_output_check(const char *file, GError **error);

/**
 * archive_output_write() - write a tar of what is below @tree
 * @file:	NULL: standard output, unless that is a terminal
 * @flags:	TreeFlags
 * @problem:	what to say before the reason if the file cannot be made
 *
 * A file that could not be completed is removed.
 */
bool archive_output_write(const Tree *tree, const char *file, unsigned flags, const char *problem,
			  GError **error);
