/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What differs between two images or containers: images are mounted, where nobody sees it, of a
 * container there is a view already, and both are walked together.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/path.h"
#include "libpod/image_view_priv.h"
#include "libpod/rootless.h"

#define RESULT_MAX_SIZE (256u << 20)
#define FAILED          1 /* the child's exit code: its result is a message */

/* Paths that every container gets from us: podman too leaves them out. */
static const char *const not_the_images[] = {"/dev",
					     "/etc/hostname",
					     "/etc/hosts",
					     "/etc/mtab",
					     "/etc/resolv.conf",
					     "/proc",
					     "/run",
					     "/run/notify",
					     "/run/.containerenv",
					     "/run/secrets",
					     "/sys",
					     NULL};

typedef struct {
	int old_fd; /* -1: there was nothing */
	int new_fd;
	GPtrArray *lines;
} Walk;

typedef struct {
	const char *store_path;
	const ViewSide *old;
	size_t old_layers; /* of its image */
	const ViewSide *new;
	int result_fd;
} Diff;

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Sorted names in a directory of a view; empty where @root is -1. */
static GPtrArray *list_names(int root, const char *path, GError **error)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
	if (root < 0)
		return g_steal_pointer(&names);
	int fd = path_open_state(root, *path ? path : ".", O_RDONLY | O_DIRECTORY, 0);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir)
		return error_set_errno_null(error, "cannot read '/%s'", path);
	for (const struct dirent *entry; (errno = 0, entry = readdir(dir));)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			g_ptr_array_add(names, g_strdup(entry->d_name));
	int failure = errno;
	closedir(dir);
	errno = failure;
	if (failure)
		return error_set_errno_null(error, "cannot read '/%s'", path);
	g_ptr_array_sort(names, compare_names);
	return g_steal_pointer(&names);
}

/* Look at an entry of a view. Return: false if it is not there. */
static bool look(int root, const char *path, struct stat *st)
{
	autofd fd = root < 0 ? -1 : path_open_state(root, path, O_PATH | O_NOFOLLOW, 0);
	return fd >= 0 && fstat(fd, st) == 0;
}

static bool is_different(const struct stat *a, const struct stat *b)
{
	if (a->st_mode != b->st_mode || a->st_uid != b->st_uid || a->st_gid != b->st_gid ||
	    a->st_rdev != b->st_rdev)
		return true;
	return !S_ISDIR(a->st_mode) &&
	       (a->st_size != b->st_size || a->st_mtim.tv_sec != b->st_mtim.tv_sec ||
		a->st_mtim.tv_nsec != b->st_mtim.tv_nsec);
}

static void add_line(const Walk *walk, guint at, char kind, const char *path)
{
	g_autofree char *full = g_strconcat("/", path, NULL);
	if (!g_strv_contains(not_the_images, full))
		g_ptr_array_insert(walk->lines, (int)at, g_strdup_printf("%c%s", kind, full));
}

static bool walk_directory(const Walk *walk, const char *path, bool was_there, GError **error);

/* An entry of the new tree. */
static bool walk_new(const Walk *walk, const char *path, bool was_there, GError **error)
{
	struct stat before, now;
	guint at = walk->lines->len;
	if (!look(walk->new_fd, path, &now))
		return error_set_errno(error, "cannot look at '/%s'", path);
	was_there = was_there && look(walk->old_fd, path, &before);
	bool was_dir = was_there && S_ISDIR(before.st_mode);
	if (S_ISDIR(now.st_mode) && !walk_directory(walk, path, was_dir, error))
		return false;
	/* A directory in which something has changed has changed. */
	if (!was_there)
		add_line(walk, at, 'A', path);
	else if (is_different(&before, &now) || walk->lines->len > at)
		add_line(walk, at, 'C', path);
	return true;
}

/* Both sides of a directory, in the order of names. It is as deep as a path may be long. */
static bool walk_directory(const Walk *walk, const char *path, bool was_there, GError **error)
{
	g_autoptr(GPtrArray) old = list_names(was_there ? walk->old_fd : -1, path, error);
	g_autoptr(GPtrArray) new = old ? list_names(walk->new_fd, path, error) : NULL;
	if (!new)
		return false;
	for (guint i = 0, j = 0; i < old->len || j < new->len;) {
		const char *was = i < old->len ? old->pdata[i] : NULL;
		const char *is = j < new->len ? new->pdata[j] : NULL;
		int order = !was ? 1 : !is ? -1 : strcmp(was, is);
		g_autofree char *below =
			g_strconcat(path, *path ? "/" : "", order < 0 ? was : is, NULL);
		if (order < 0)
			add_line(walk, walk->lines->len, 'D', below);
		else if (!walk_new(walk, below, order == 0, error))
			return false;
		i += order <= 0;
		j += order >= 0;
	}
	return true;
}

/* The root of a side, with the first @n layers of an image. Return: descriptor or -1. */
static int open_side(int store, const ViewSide *side, size_t n, GError **error)
{
	if (side->root_fd < 0)
		return image_view_open(store, side->image, n, error);
	int fd = fcntl(side->root_fd, F_DUPFD_CLOEXEC, 3);
	if (fd < 0)
		error_set_errno(error, "cannot look into a container");
	return fd;
}

/* Mount both and compare. */
static bool compare(const Diff *diff, GPtrArray *lines, GError **error)
{
	/* Directories are opened in the mount namespace that mounts them. */
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
		return error_set_errno(error, "cannot make a mount namespace");
	autofd store = openat(AT_FDCWD, diff->store_path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (store < 0)
		return error_set_errno(error, "cannot open '%s'", diff->store_path);
	size_t all = diff->new->image ? g_strv_length(diff->new->image->chain_ids) : 0;
	autofd new_fd = open_side(store, diff->new, all, error);
	autofd old_fd = -1;
	bool has_old = diff->old->root_fd >= 0 || diff->old_layers > 0;
	if (new_fd >= 0 && has_old)
		old_fd = open_side(store, diff->old, diff->old_layers, error);
	if (new_fd < 0 || (old_fd < 0 && has_old))
		return false;
	const Walk walk = {old_fd, new_fd, lines};
	return walk_directory(&walk, "", old_fd >= 0, error);
}

/* In the child: lines with NULs behind them, or a message. */
static int diff_child(void *data)
{
	const Diff *diff = data;
	g_autoptr(GError) error = NULL;
	g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);
	if (!compare(diff, lines, &error)) {
		(void)fd_write_all(diff->result_fd, error->message, strlen(error->message));
		return FAILED;
	}
	g_autoptr(GString) text = g_string_new(NULL);
	for (guint i = 0; i < lines->len; i++)
		g_string_append_len(text, lines->pdata[i], (gssize)strlen(lines->pdata[i]) + 1);
	return fd_write_all(diff->result_fd, text->str, text->len) ? 0 : FAILED;
}

/* Compare in a child; @old_layers of the old side if that is an image. */
static GPtrArray *run_diff(Engine *engine, Diff *diff, GError **error)
{
	size_t size = 0;
	g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);
	autofd result = memfd_create("diff", MFD_CLOEXEC);
	if (result < 0)
		return error_set_errno_null(error, "cannot make a memory file");
	diff->store_path = store_path(engine_store(engine));
	diff->result_fd = result;
	if (!image_view_prepare(engine, error))
		return NULL;
	int code = rootless_run(engine, diff_child, diff, error);
	if (code < 0)
		return NULL;
	(void)lseek(result, 0, SEEK_SET);
	g_autofree char *text = fd_read_all(result, RESULT_MAX_SIZE, &size, error);
	if (!text)
		return NULL;
	if (code != 0)
		return error_set_null(error, ENGINE_ERROR_SYSTEM, "cannot compare them%s%s",
				      size ? ": " : "", text);
	for (size_t at = 0; at < size; at += strlen(text + at) + 1)
		g_ptr_array_add(lines, g_strdup(text + at));
	return g_steal_pointer(&lines);
}

GPtrArray *views_diff(Engine *engine, const ViewSide *old, const ViewSide *new, GError **error)
{
	Diff diff = {.old = old, .new = new};
	diff.old_layers = old->image ? g_strv_length(old->image->chain_ids) : 0;
	return run_diff(engine, &diff, error);
}

GPtrArray *image_diff(Engine *engine, const Image *base, const Image *image, GError **error)
{
	const ViewSide old = {-1, base ? base : image}, new = {-1, image};
	size_t n = g_strv_length(image->chain_ids);
	if (base)
		return views_diff(engine, &old, &new, error);
	if (n == 0)
		return g_ptr_array_new_with_free_func(g_free);
	Diff diff = {.old = &old, .old_layers = n - 1, .new = &new};
	return run_diff(engine, &diff, error);
}
