/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Images of other places: each is asked for once in a build.
 *
 * Stages side by side are processes. What they share is a memory file with a line for each image
 * that one of them has got, "NAME PLATFORM ID"; who wants one locks a byte of it that the name
 * chooses, so that a second one waits for the first and then finds its line.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "build/solver_priv.h"
#include "libpod/base/error.h"
#include "libpod/base/fd.h"

#define LINES_MAX (4u << 20)

int solver_open_acquired(GError **error)
{
	autofd fd = memfd_create("acquired", MFD_CLOEXEC);
	if (fd < 0 || fcntl(fd, F_SETFL, O_APPEND) < 0)
		return error_set_errno(error, "cannot make a memory file"), -1;
	return fd_steal(&fd);
}

static bool set_lock(int fd, short type, const char *key, GError **error)
{
	const struct flock lock = {
		.l_type = type,
		.l_whence = SEEK_SET,
		.l_start = (off_t)g_str_hash(key),
		.l_len = 1,
	};
	int result;
	do
		result = fcntl(fd, F_SETLKW, &lock);
	while (result < 0 && errno == EINTR);
	return result == 0 || error_set_errno(error, "cannot wait for an image");
}

/* The image of an earlier request. NULL without @error: there was none, or it is gone. */
static Image *recall(Build *build, const char *key, GError **error)
{
	struct stat st;
	int fd = build->acquired_fd;
	if (fstat(fd, &st) < 0)
		return error_set_errno_null(error, "cannot read a memory file");
	size_t size = MIN((size_t)st.st_size, LINES_MAX);
	/* The stages' processes share the file's offset. */
	g_autofree char *text = g_malloc0(size + 1);
	if (pread(fd, text, size, 0) != (ssize_t)size)
		return error_set_errno_null(error, "cannot read a memory file");
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	for (char **line = lines; *line; line++)
		if (g_str_has_prefix(*line, key))
			return image_lookup(build->store, *line + strlen(key), NULL);
	return NULL;
}

/* The lock is held. */
static Image *acquire_locked(Build *build, const char *key, const char *name, const char *platform,
			     GError **error)
{
	const BuildOptions *options = build->options;
	g_autoptr(GError) failed = NULL;
	Image *image = recall(build, key, &failed);
	if (failed) {
		g_propagate_error(error, g_steal_pointer(&failed));
		return NULL;
	}
	if (image || !(image = options->acquire(options->data, name, platform, error)))
		return image;
	g_autofree char *line = g_strconcat(key, image->id, "\n", NULL);
	if (fd_write_all(build->acquired_fd, line, strlen(line)))
		return image;
	image_free(image);
	return error_set_errno_null(error, "cannot write a memory file");
}

Image *solver_acquire(Build *build, const char *name, const char *platform, GError **error)
{
	if (!platform)
		platform = build->options->platform;
	g_autofree char *key = g_strdup_printf("%s %s ", name, platform ? platform : "-");
	if (!set_lock(build->acquired_fd, F_WRLCK, key, error))
		return NULL;
	Image *image = acquire_locked(build, key, name, platform, error);
	(void)set_lock(build->acquired_fd, F_UNLCK, key, NULL);
	return image;
}
