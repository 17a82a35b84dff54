/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names and ids of containers and volumes.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

/* A name is a file in names/ and a directory in volumes/. */
#define NAME_MAX_LENGTH 255

/** name_check() - [a-zA-Z0-9][a-zA-Z0-9_.-]*; INVALID in podman's words: names must match
 * [a-zA-Z0-9][a-zA-Z0-9_.-]*: invalid argument. */
bool name_check(const char *name, GError **error);
/** name_new_id() - 64 random hex digits. g_free() it. */
char *name_new_id(void);
/** name_generate() - "adjective_noun" with our own word lists; the caller retries on a clash.
 * g_free() it. */
char *name_generate(void);
/** name_is_id() - 64 lower-case hex digits. */
bool name_is_id(const char *text);
