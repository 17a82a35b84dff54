/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the files of quadlet are: search paths, drop-ins, and files that hold several.
 */
#pragma once

#include <sys/types.h>

#include "cmd/quadlet/quadlet.h"

/* One file of a .quadlets file. */
typedef struct {
	char *name;
	const char *text; /* borrowed */
	size_t size;
	unsigned line; /* that its text begins at */
} QuadletPart;

/**
 * quadlet_roots() - the directories that are searched, the first hit winning
 * @uid:	of the user whose files are meant; only for @user
 *
 * $QUADLET_UNIT_DIRS, or for each place "skiff/systemd" and "containers/systemd", the latter unless
 * podman's generator takes care of it. Directories that are not there are listed, too. Return:
 * owned strings.
 */
GPtrArray *quadlet_roots(bool user, uid_t uid);

/** quadlet_podman_generates() - is podman's generator installed, and not masked by a link to
 * /dev/null? */
bool quadlet_podman_generates(bool user);

/**
 * quadlet_load() - read all files below @roots into @set
 * @messages:	gets owned strings about what belongs to no unit
 */
void quadlet_load(QuadletSet *set, const GPtrArray *roots, uid_t uid, GPtrArray *messages);

/** quadlet_load_file() - read one file, without drop-ins. Return: false if its name is of no kind
 * of ours. */
bool quadlet_load_file(QuadletSet *set, const char *path, GPtrArray *messages);

/**
 * quadlet_split() - the parts of a .quadlets file, between lines of "---"
 * @error:	INVALID, with the line, if a part does not begin with "# FileName=NAME" or is of no
 * kind
 *
 * Return: of QuadletPart.
 */
GPtrArray *quadlet_split(const char *text, size_t size, GError **error);
