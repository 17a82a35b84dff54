/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The walk through an upper directory and, beside it, the view of what lies below. Runs in the
 * jail.
 */
#include "storage/tree_diff.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"

#define DIR_FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

typedef struct {
	GString *path; /* of the directory at hand, "" at the top */
	GString *out;  /* changes in reverse order of nesting: a directory behind what it holds */
	guint changes;
} Diff;

static void add(Diff *d, char kind, const char *name)
{
	g_string_append_c(d->out, kind);
	g_string_append(d->out, d->path->str);
	if (name) {
		g_string_append_c(d->out, '/');
		g_string_append(d->out, name);
	}
	g_string_append_c(d->out, '\0');
	d->changes++;
}

/* Do the two differ in what `ls -l` shows? Size and time of directories say nothing. */
static bool differs(const struct stat *a, const struct stat *b)
{
	if (a->st_mode != b->st_mode || a->st_uid != b->st_uid || a->st_gid != b->st_gid ||
	    a->st_rdev != b->st_rdev)
		return true;
	return !S_ISDIR(a->st_mode) &&
	       (a->st_size != b->st_size || a->st_mtim.tv_sec != b->st_mtim.tv_sec ||
		a->st_mtim.tv_nsec != b->st_mtim.tv_nsec);
}

static bool is_opaque(int fd)
{
	char value[2];
	return fgetxattr(fd, "user.overlay.opaque", value, sizeof value) == 1 && value[0] == 'y';
}

static bool walk(Diff *d, int upper_fd, int lower_fd, GError **error);

/* A directory of the layer: itself, and what it holds. */
static bool diff_dir(Diff *d, int upper_dir, int lower_dir, const char *name,
		     const struct stat *below, GError **error)
{
	struct stat st;
	autofd upper = openat(upper_dir, name, DIR_FLAGS);
	if (upper < 0 || fstat(upper, &st) < 0)
		return errno == ENOENT ||
		       error_set_errno(error, "cannot open '%s/%s'", d->path->str, name);
	bool was_dir = below && S_ISDIR(below->st_mode);
	autofd lower = was_dir && !is_opaque(upper) ? openat(lower_dir, name, DIR_FLAGS) : -1;
	size_t length = d->path->len;
	guint before = d->changes;
	g_string_append_c(d->path, '/');
	g_string_append(d->path, name);
	bool done = walk(d, upper, lower, error);
	g_string_truncate(d->path, length);
	if (!below)
		add(d, 'A', name);
	else if (d->changes > before || differs(&st, below))
		add(d, 'C', name);
	return done;
}

/* One name of the layer, beside what has that name below. */
static bool diff_entry(Diff *d, int upper_fd, int lower_fd, const char *name, GError **error)
{
	struct stat st, below;
	if (fstatat(upper_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ||
		       error_set_errno(error, "cannot look at '%s/%s'", d->path->str, name);
	bool was = lower_fd >= 0 && fstatat(lower_fd, name, &below, AT_SYMLINK_NOFOLLOW) == 0;
	if (lower_fd >= 0 && !was && errno != ENOENT && errno != ENOTDIR)
		return error_set_errno(error, "cannot look below '%s/%s'", d->path->str, name);
	if (S_ISCHR(st.st_mode) && st.st_rdev == makedev(0, 0)) {
		if (was)
			add(d, 'D', name);
		return true;
	}
	if (S_ISDIR(st.st_mode))
		return diff_dir(d, upper_fd, lower_fd, name, was ? &below : NULL, error);
	if (!was)
		add(d, 'A', name);
	else if (differs(&st, &below))
		add(d, 'C', name);
	return true;
}

/* All names in a directory of the layer. */
static bool walk(Diff *d, int upper_fd, int lower_fd, GError **error)
{
	int own = openat(upper_fd, ".", DIR_FLAGS);
	DIR *stream = own < 0 ? NULL : fdopendir(own);
	if (!stream) {
		fd_close(&own);
		return error_set_errno(error, "cannot read '%s/'", d->path->str);
	}
	bool done = true;
	const struct dirent *entry = NULL;
	while (done && (errno = 0, entry = readdir(stream)) != NULL)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			done = diff_entry(d, upper_fd, lower_fd, entry->d_name, error);
	if (done && errno)
		done = error_set_errno(error, "cannot read '%s/'", d->path->str);
	(void)closedir(stream);
	return done;
}

bool tree_diff(int upper_fd, int lower_fd, int out_fd, GError **error)
{
	Diff d = {.path = g_string_new(NULL), .out = g_string_new(NULL)};
	bool done = walk(&d, upper_fd, lower_fd, error) &&
		    (fd_write_all(out_fd, d.out->str, d.out->len) ||
		     error_set_errno(error, "cannot hand on the changes"));
	g_string_free(d.path, TRUE);
	g_string_free(d.out, TRUE);
	return done;
}
