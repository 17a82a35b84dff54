/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cp: files from the host into containers, out of them, and from one to another.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "libpod/container.h"

/* Where files come from or go to. */
typedef struct {
	Container *ctr;   /* NULL: the host */
	const char *name; /* of the container, as typed, for messages */
	const char *path; /* of the host "-" is a tar on standard input or output */
} CopyEnd;

typedef struct {
	bool keep_owner; /* into a container: owners as they are; else its user's */
	bool overwrite;  /* files may replace directories and the reverse */
} CopyOptions;

/**
 * copy_run() - copy a file or a directory with all it holds, by docker's and podman's rules
 *
 * A destination that exists as a directory receives the source under its own name, or with "/." at
 * the end of the source what that holds; one that does not exist becomes the source's copy.
 * @error:	NOT_FOUND, INVALID (a directory onto a file), EXISTS (without overwrite)
 */
bool copy_run(const CopyEnd *from, const CopyEnd *to, const CopyOptions *options, GError **error);
