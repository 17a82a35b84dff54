/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A temporary directory for one test, removed at the end of its scope.
 */
#pragma once

#include <fcntl.h>
#include <glib.h>
#include <unistd.h>

#include "libpod/base/fd.h"
#include "libpod/base/path.h"

typedef struct {
	char *path;
	int fd; /* O_RDONLY|O_DIRECTORY */
} TempDir;

/** temp_dir_new() - make one below TMPDIR; aborts the test if it cannot. */
static inline TempDir temp_dir_new(void)
{
	TempDir temp = {.path = g_build_filename(g_get_tmp_dir(), "skiff-unit-XXXXXX", NULL)};
	g_assert_nonnull(g_mkdtemp_full(temp.path, 0700));
	temp.fd = openat(AT_FDCWD, temp.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	g_assert_cmpint(temp.fd, >=, 0);
	return temp;
}

/** temp_dir_clear() - remove it with all it holds. */
static inline void temp_dir_clear(TempDir *temp)
{
	fd_close(&temp->fd);
	autofd parent = openat(AT_FDCWD, g_get_tmp_dir(), O_PATH | O_DIRECTORY | O_CLOEXEC);
	g_autofree char *name = g_path_get_basename(temp->path);
	g_assert_true(path_remove_tree(parent, name));
	g_free(temp->path);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(TempDir, temp_dir_clear)
