/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A bed for copies: trees from lines, trees as lines. The test becomes root of a user namespace, as
 * a build is.
 */
#pragma once

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "build/copy.h"
#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "tests/unit/base/temp_dir.h"

/* A source root and a destination root, beside a secret that no copy may reach. */
typedef struct {
	TempDir temp;
	int source, dest, work;
	FetchEnv env;
	char *work_path;
} Bed;

static inline void bed_write(int dir_fd, const char *path, const char *text, mode_t mode)
{
	autofd fd = openat(dir_fd, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
	g_assert_cmpint(fd, >=, 0);
	g_assert_true(fd_write_all(fd, text, strlen(text)));
}

/* Lines: "d PATH [MODE]", "f PATH CONTENT", "x PATH CONTENT" (0755), "l PATH TARGET", "h PATH OLD",
 * "p PATH" (fifo). */
static inline void bed_make(int dir_fd, const char *const *lines)
{
	for (size_t i = 0; lines[i]; i++) {
		g_auto(GStrv) words = g_strsplit(lines[i], " ", 3);
		const char *path = words[1], *rest = words[2] ? words[2] : "";
		int result = 0;
		switch (**words) {
		case 'd':
			result = mkdirat(dir_fd, path,
					 *rest ? (mode_t)g_ascii_strtoull(rest, NULL, 8) : 0755);
			break;
		case 'f':
		case 'x':
			bed_write(dir_fd, path, rest, **words == 'x' ? 0755 : 0644);
			break;
		case 'l':
			result = symlinkat(rest, dir_fd, path);
			break;
		case 'h':
			result = linkat(dir_fd, rest, dir_fd, path, 0);
			break;
		case 'p':
			result = mknodat(dir_fd, path, S_IFIFO | 0644, 0);
			break;
		default:
			g_assert_not_reached();
		}
		g_assert_cmpint(result, ==, 0);
	}
}

static inline int bed_compare(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static inline void bed_list_into(int dir_fd, const char *prefix, GPtrArray *lines)
{
	int copy = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fdopendir(copy);
	g_assert_nonnull(dir);
	const struct dirent *entry = NULL;
	while ((entry = readdir(dir)) != NULL) {
		struct stat st;
		char text[PATH_MAX] = "";
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		g_autofree char *path = g_strconcat(prefix, entry->d_name, NULL);
		g_assert_cmpint(fstatat(dir_fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW), ==, 0);
		char kind = S_ISDIR(st.st_mode)   ? 'd'
			    : S_ISLNK(st.st_mode) ? 'l'
			    : S_ISREG(st.st_mode) ? 'f'
						  : 'p';
		if (kind == 'l')
			g_assert_cmpint(readlinkat(dir_fd, entry->d_name, text, sizeof(text) - 1),
					>, 0);
		autofd fd = kind == 'f' || kind == 'd' ? openat(dir_fd, entry->d_name,
								O_RDONLY | O_NOFOLLOW | O_CLOEXEC)
						       : -1;
		if (kind == 'f')
			g_assert_cmpint(read(fd, text, 100), >=, 0);
		g_ptr_array_add(lines, kind == 'l' ? g_strdup_printf("l %s %s", path, text)
						   : g_strdup_printf("%c %s %o%s%s", kind, path,
								     st.st_mode & 07777,
								     *text ? " " : "", text));
		g_autofree char *below = g_strconcat(path, "/", NULL);
		if (kind == 'd')
			bed_list_into(fd, below, lines);
	}
	(void)closedir(dir);
}

/* A tree as lines: "KIND PATH MODE CONTENT", sorted by path within a kind-free order. */
static inline char *bed_list(int dir_fd)
{
	g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);
	bed_list_into(dir_fd, "", lines);
	g_ptr_array_sort(lines, bed_compare);
	g_ptr_array_add(lines, NULL);
	return g_strjoinv("\n", (char **)lines->pdata);
}

static inline Bed bed_new(const char *const *source, const char *const *dest)
{
	Bed bed = {.temp = temp_dir_new()};
	bed_write(bed.temp.fd, "secret", "secret", 0600);
	const char *const tops[] = {"d source", "d dest", "d work 700", NULL};
	bed_make(bed.temp.fd, tops);
	bed.source = openat(bed.temp.fd, "source", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bed.dest = openat(bed.temp.fd, "dest", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bed.work = openat(bed.temp.fd, "work", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bed.work_path = g_build_filename(bed.temp.path, "work", NULL);
	bed.env = (FetchEnv){.work_path = bed.work_path, .work_fd = bed.work, .git_local = true};
	if (source)
		bed_make(bed.source, source);
	if (dest)
		bed_make(bed.dest, dest);
	return bed;
}

static inline void bed_clear(Bed *bed)
{
	fd_close(&bed->source);
	fd_close(&bed->dest);
	fd_close(&bed->work);
	g_free(bed->work_path);
	temp_dir_clear(&bed->temp);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Bed, bed_clear)

static inline bool bed_write_map(const char *name, const char *text)
{
	autofd fd = openat(AT_FDCWD, name, O_WRONLY | O_CLOEXEC);
	return fd >= 0 && fd_write_all(fd, text, strlen(text));
}

/* Become root of a user namespace. Return: false where the host forbids it. */
static inline bool bed_become_root(void)
{
	(void)umask(0);
	if (geteuid() == 0)
		return true;
	g_autofree char *uids = g_strdup_printf("0 %u 1", geteuid());
	g_autofree char *gids = g_strdup_printf("0 %u 1", getegid());
	return unshare(CLONE_NEWUSER) == 0 && bed_write_map("/proc/self/setgroups", "deny") &&
	       bed_write_map("/proc/self/uid_map", uids) &&
	       bed_write_map("/proc/self/gid_map", gids);
}
