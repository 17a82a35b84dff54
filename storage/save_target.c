/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where saving writes to. Runs in skiff-fetch.
 *
 * An archive grows under a temporary name beside its own and is renamed when it is complete; files
 * of a directory likewise, one by one. What is no regular file (a pipe, /dev/stdout) is written
 * directly.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/path.h"
#include "storage/save_priv.h"
#include "storage/tar_writer.h"

#define PIECE_SIZE (1u << 20)

struct SaveTarget {
	char *path;
	char *temporary; /* of the archive; NULL when written directly or renamed */
	int tar_fd;      /* -1 for a directory */
	int dir_fd;      /* -1 for a tar */
	GHashTable *written;

	/* The file in hand. */
	char *name;
	uint64_t size;
	uint64_t done;
	int file_fd; /* of a directory */
};

/* Open the archive's file: a temporary one, unless something is there that is no plain file. */
static bool open_tar(SaveTarget *target, GError **error)
{
	struct stat st;
	if (strcmp(target->path, "-") == 0) {
		target->tar_fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
		return target->tar_fd >= 0 || error_set_errno(error, "cannot write to stdout");
	}
	if (fstatat(AT_FDCWD, target->path, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    !S_ISREG(st.st_mode)) {
		target->tar_fd =
			openat(AT_FDCWD, target->path, O_WRONLY | O_TRUNC | O_CLOEXEC | O_NOCTTY);
		return target->tar_fd >= 0 ||
		       error_set_errno(error, "cannot open '%s'", target->path);
	}
	target->temporary = g_strdup_printf("%s.%d.part", target->path, (int)getpid());
	target->tar_fd = openat(AT_FDCWD, target->temporary,
				O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
	if (target->tar_fd >= 0)
		return true;
	g_clear_pointer(&target->temporary, g_free);
	return error_set_errno(error, "cannot write '%s'", target->path);
}

SaveTarget *save_target_open(const char *path, bool is_dir, GError **error)
{
	g_autoptr(SaveTarget) target = g_new0(SaveTarget, 1);
	target->path = g_strdup(path);
	target->tar_fd = target->dir_fd = target->file_fd = -1;
	target->written = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	if (!is_dir)
		return open_tar(target, error) ? g_steal_pointer(&target) : NULL;
	if (mkdirat(AT_FDCWD, path, 0777) < 0 && errno != EEXIST)
		return error_set_errno_null(error, "cannot make the directory '%s'", path);
	target->dir_fd = openat(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (target->dir_fd < 0)
		return error_set_errno_null(error, "cannot open the directory '%s'", path);
	return g_steal_pointer(&target);
}

void save_target_free(SaveTarget *target)
{
	if (!target)
		return;
	if (target->temporary)
		(void)unlinkat(AT_FDCWD, target->temporary, 0);
	fd_close(&target->tar_fd);
	fd_close(&target->dir_fd);
	fd_close(&target->file_fd);
	g_hash_table_unref(target->written);
	g_free(target->temporary);
	g_free(target->path);
	g_free(target->name);
	g_free(target);
}

bool save_target_has(const SaveTarget *target, const char *name)
{
	return g_hash_table_contains(target->written, name);
}

int save_target_dir(const SaveTarget *target)
{
	return target->dir_fd;
}

static bool write_tar(void *data, const void *bytes, size_t size, GError **error)
{
	const SaveTarget *target = data;
	return fd_write_all(target->tar_fd, bytes, size) ||
	       error_set_errno(error, "cannot write '%s'", target->path);
}

/* Open a file of the directory under a temporary name. */
static bool open_file(SaveTarget *target, GError **error)
{
	const char *slash = strrchr(target->name, '/');
	g_autofree char *dir =
		slash ? g_strndup(target->name, (size_t)(slash - target->name)) : NULL;
	autofd parent = dir ? path_mkdirs_in_root(target->dir_fd, dir, 0777) : -1;
	if (dir && parent < 0)
		return error_set_errno(error, "cannot make '%s/%s'", target->path, dir);
	g_autofree char *temporary = g_strconcat(target->name, ".part", NULL);
	(void)unlinkat(target->dir_fd, temporary, 0);
	target->file_fd = path_open_in_root(target->dir_fd, temporary,
					    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0666);
	return target->file_fd >= 0 ||
	       error_set_errno(error, "cannot write '%s/%s'", target->path, target->name);
}

bool save_target_mkdir(SaveTarget *target, const char *name, GError **error)
{
	/* Below a directory they are made as files need them. */
	return target->tar_fd < 0 || tar_write_dir(write_tar, target, name, error);
}

bool save_target_begin(SaveTarget *target, const char *name, uint64_t size, GError **error)
{
	g_free(target->name);
	target->name = g_strdup(name);
	target->size = size;
	target->done = 0;
	return target->tar_fd >= 0 ? tar_write_header(write_tar, target, name, size, error)
				   : open_file(target, error);
}

bool save_target_append(void *data, const void *bytes, size_t size, GError **error)
{
	SaveTarget *target = data;
	target->done += size;
	if (target->done > target->size)
		return error_set(error, ENGINE_ERROR_CORRUPT, "'%s' is larger than recorded",
				 target->name);
	if (target->tar_fd >= 0)
		return write_tar(target, bytes, size, error);
	return fd_write_all(target->file_fd, bytes, size) ||
	       error_set_errno(error, "cannot write '%s/%s'", target->path, target->name);
}

bool save_target_end(SaveTarget *target, GError **error)
{
	if (target->done != target->size)
		return error_set(error, ENGINE_ERROR_CORRUPT, "'%s' is smaller than recorded",
				 target->name);
	g_hash_table_add(target->written, g_strdup(target->name));
	if (target->tar_fd >= 0)
		return tar_write_padding(write_tar, target, target->size, error);
	fd_close(&target->file_fd);
	g_autofree char *temporary = g_strconcat(target->name, ".part", NULL);
	if (renameat(target->dir_fd, temporary, target->dir_fd, target->name) < 0)
		return error_set_errno(error, "cannot write '%s/%s'", target->path, target->name);
	return true;
}

bool save_target_put(SaveTarget *target, const char *name, const void *data, size_t size,
		     GError **error)
{
	return save_target_begin(target, name, size, error) &&
	       save_target_append(target, data, size, error) && save_target_end(target, error);
}

bool save_target_copy(SaveTarget *target, const char *name, int fd, uint64_t size, GError **error)
{
	if (!save_target_begin(target, name, size, error))
		return false;
	g_autofree char *piece = g_malloc(PIECE_SIZE);
	for (uint64_t at = 0; at < size;) {
		ssize_t n = pread(fd, piece, PIECE_SIZE, (off_t)at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return error_set_errno(error, "cannot read the temporary file of '%s'",
					       name);
		if (!save_target_append(target, piece, (size_t)n, error))
			return false;
		at += (uint64_t)n;
	}
	return save_target_end(target, error);
}

bool save_target_finish(SaveTarget *target, GError **error)
{
	if (target->dir_fd >= 0)
		return true;
	if (!tar_write_end(write_tar, target, error))
		return false;
	if (target->temporary && renameat(AT_FDCWD, target->temporary, AT_FDCWD, target->path) < 0)
		return error_set_errno(error, "cannot write '%s'", target->path);
	g_clear_pointer(&target->temporary, g_free);
	return true;
}
