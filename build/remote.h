/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files behind URLs, by skiff-fetch: the only code that sees the network.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "build/context.h"

typedef struct {
	int fd;        /* an unlinked file, at its start */
	char *digest;  /* "sha256:HEX" of its content */
	int64_t mtime; /* Last-Modified, seconds; -1: not said */
} RemoteFile;

/** remote_is_url() - http:// or https:// in any case of letters. */
bool remote_is_url(const char *text);

/** remote_name() - the last part of a URL's path, decoded; NULL if it has none that can be a file's
 * name. g_free() it. */
char *remote_name(const char *url);

/**
 * remote_fetch() - get a whole file into env->work_fd
 * @checksum:	"sha256:HEX" it must have; NULL: whatever it is
 * @error:	UNREACHABLE, NOT_FOUND (404 and the like), CORRUPT (another digest)
 */
RemoteFile *remote_fetch(const FetchEnv *env, const char *url, const char *checksum,
			 GError **error);
void remote_file_free(RemoteFile *file);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RemoteFile, remote_file_free)

/** work_dir_new() - make an empty directory in env->work_fd, its name begins with @prefix. Return:
 * O_RDONLY descriptor, or -1. @out_name: g_free() it; may be NULL. */
int work_dir_new(const FetchEnv *env, const char *prefix, char **out_name, GError **error);

/** work_file_new() - make an unlinked file there. -1 with @error. */
int work_file_new(const FetchEnv *env, GError **error);
