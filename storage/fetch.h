/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The caller's side of skiff-fetch: the program that reads registries and archives.
 *
 * skiff-fetch VERB --root ROOT [options]; progress and errors go to its stderr (our stderr),
 * results (image ids, one per line) to its stdout. Exit 0, or 125 with "Error: ..." printed.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "storage/store.h"

typedef enum {
	PULL_MISSING, /* run's default */
	PULL_ALWAYS,
	PULL_NEVER,
	PULL_NEWER,
} PullPolicy;

/** pull_policy_parse() - "missing" "always" "never" "newer" (also "true"/"false"). INVALID with
 * podman's wording. */
bool pull_policy_parse(const char *text, PullPolicy *out_policy, GError **error);

/* The descriptor on which skiff-fetch finds what may not stand in its arguments (R16). */
#define FETCH_SECRET_FD 3

/**
 * fetch_run() - run skiff-fetch with @args (verb first) and wait
 * @secret:	contents of a sealed memory file that becomes FETCH_SECRET_FD; NULL: no such file
 * @capture:	if not NULL receives its stdout (g_free() it), else stdout is shared
 *
 * The terminal's signals are left to the program meanwhile; it ends with us when we are killed.
 * Return: its exit code; -1 with @error if it could not be run. Its own errors are already printed.
 */
int fetch_run(Store *store, const char *const *args, const char *secret, char **capture,
	      GError **error);

/**
 * fetch_download() - have skiff-fetch get a URL into an open file
 * @out_mtime:	Last-Modified, seconds; -1 if it was not said
 * @error:	INVALID, UNREACHABLE, NOT_FOUND (404, 410), DENIED (401, 403), SYSTEM
 */
bool fetch_download(const char *url, int out_fd, int64_t *out_mtime, GError **error);

/** fetch_download_limited() - the same for a file of at most @max_size bytes; a larger one:
 * INVALID. */
bool fetch_download_limited(const char *url, int out_fd, int64_t max_size, int64_t *out_mtime,
			    GError **error);

/** fetch_url_shown() - a URL for messages: without user and password. g_free() it. */
char *fetch_url_shown(const char *url);

/** hello_layout_path() - the built-in image's OCI layout, to be loaded with fetch_run(). NULL if
 * not installed. g_free() it. */
char *hello_layout_path(void);
