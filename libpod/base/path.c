/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Paths: lookups by openat2, creation component by component.
 *
 * Theory of operation. The kernel resolves whole paths (openat2 with RESOLVE_IN_ROOT or
 * RESOLVE_BENEATH). Only creation walks by hand, because the kernel cannot create missing parents:
 * the walk keeps a descriptor of the directory it has reached, opens one component at a time with
 * O_NOFOLLOW and expands links itself, relative to the root. So what it creates is created in a
 * directory it holds, whatever others rename meanwhile.
 */
#include "libpod/base/path.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/wall.h"

/* Somebody renaming in the tree makes the kernel say EAGAIN: try at once this often, then slowly.
 */
#define FAST_TRIES        128
#define SLOW_TRIES        1000
#define MOVED_TRIES       8
#define MAX_LINKS         40
#define MAX_REMOVE_DEPTH  64
#define MAX_REMOVE_ROUNDS 64

#define RESOLVE_STATE   (RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV)
#define RESOLVE_FOREIGN (RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS)

/* openat2 with the retries of R1. */
static int open_resolved(int dir_fd, const char *path, int flags, mode_t mode, uint64_t resolve)
{
	if (dir_fd == -1) /* could not be opened a moment ago: that is the cause */
		return -1;
	if (flags & O_PATH)
		flags &= O_PATH | O_DIRECTORY | O_NOFOLLOW;
	bool creates = (flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE;
	struct open_how how = {
		.flags = (uint64_t)(flags | O_CLOEXEC),
		.mode = creates ? (mode & 07777) : 0,
		.resolve = resolve,
	};
	for (int try = 0;; try++) {
		int fd = (int)syscall(SYS_openat2, dir_fd, path, &how, sizeof how);
		/* Out of the tree: a path that leads there, always, or what was just moved there.
		 */
		if (fd < 0 && errno == EXDEV && try < MOVED_TRIES)
			continue;
		if (fd >= 0 || (errno != EAGAIN && errno != EINTR) ||
		    try >= FAST_TRIES + SLOW_TRIES)
			return fd;
		if (try >= FAST_TRIES) {
			nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
			errno = EAGAIN;
		}
	}
}

int path_open_state(int dir_fd, const char *path, int flags, mode_t mode)
{
	return open_resolved(dir_fd, path, flags, mode, RESOLVE_STATE);
}

int path_open_in_root(int root_fd, const char *path, int flags, mode_t mode)
{
	/* Nothing in a foreign tree may make us wait (FIFO) or become our terminal (R2). */
	if (!(flags & O_PATH) && wall_stands("no-wait"))
		flags |= O_NONBLOCK | O_NOCTTY;
	if (!wall_stands("in-root")) {
		path += strspn(path, "/");
		return open_resolved(root_fd, *path ? path : ".", flags, mode, 0);
	}
	return open_resolved(root_fd, *path ? path : ".", flags, mode, RESOLVE_FOREIGN);
}

int path_open_part(int dir_fd, const char *top, const char *part, int flags)
{
	autofd root = openat(dir_fd, top, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return root < 0 ? -1 : path_open_in_root(root, part, flags, 0);
}

int path_open_beneath(int root_fd, const char *path, int flags)
{
	if (!(flags & O_PATH))
		flags |= O_NONBLOCK | O_NOCTTY;
	return open_resolved(root_fd, path, flags, 0, RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS);
}

char *path_read_in_root(int root_fd, const char *path, size_t max_size, size_t *out_size)
{
	autofd fd = path_open_in_root(root_fd, path, O_RDONLY, 0);
	struct stat st;
	if (fd < 0 || fstat(fd, &st) < 0)
		return NULL;
	if (!S_ISREG(st.st_mode) && wall_stands("regular-file")) {
		errno = EINVAL;
		return NULL;
	}
	if (!wall_stands("file-size"))
		max_size = SIZE_MAX / 2;
	if (st.st_size < 0 || (uint64_t)st.st_size > max_size) {
		errno = EFBIG;
		return NULL;
	}
	g_autoptr(GError) error = NULL;
	errno = 0;
	char *text = fd_read_all(fd, max_size, out_size, &error);
	if (!text && error_matches(error, ENGINE_ERROR_INVALID))
		errno = EFBIG;
	return text;
}

int path_is_there(int dir_fd, const char *name)
{
	struct stat st;
	if (dir_fd == -1)
		return -1;
	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return 1;
	return errno == ENOENT || errno == ENOTDIR ? 0 : -1;
}

int path_mkdirs_state(int dir_fd, const char *path)
{
	int whole = path_open_state(dir_fd, path, O_PATH | O_DIRECTORY, 0);
	if (whole >= 0 || errno != ENOENT)
		return whole;
	g_auto(GStrv) names = g_strsplit(path, "/", -1);
	autofd at = path_open_state(dir_fd, ".", O_PATH | O_DIRECTORY, 0);
	for (size_t i = 0; at >= 0 && names[i]; i++) {
		if (!*names[i] || strcmp(names[i], ".") == 0)
			continue;
		if (mkdirat(at, names[i], 0700) < 0 && errno != EEXIST)
			return -1;
		int next = path_open_state(at, names[i], O_PATH | O_DIRECTORY, 0);
		fd_close(&at);
		at = next;
	}
	return fd_steal(&at);
}

/* A walk below a foreign root that creates what is missing. */
typedef struct {
	int root_fd;
	int at;        /* the directory reached, O_PATH */
	char *rest;    /* components still to walk */
	GString *done; /* components walked, without links: to go back by ".." */
	int links;     /* links expanded so far */
} Walk;

static void walk_clear(Walk *walk)
{
	fd_close(&walk->at);
	g_free(walk->rest);
	g_string_free(walk->done, TRUE);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Walk, walk_clear)

/* Take the next component off the rest. Return: NULL at the end; *out_last tells that none follows.
 */
static char *walk_next(Walk *walk, bool *out_last)
{
	const char *start = walk->rest + strspn(walk->rest, "/");
	size_t size = strcspn(start, "/");
	if (size == 0)
		return NULL;
	char *name = g_strndup(start, size);
	char *rest = g_strdup(start + size + strspn(start + size, "/"));
	*out_last = *rest == '\0';
	g_free(walk->rest);
	walk->rest = rest;
	return name;
}

/* Continue from the directory whose link-free path below the root is walk->done. */
static bool walk_reopen(Walk *walk)
{
	int fd = open_resolved(walk->root_fd, walk->done->len ? walk->done->str : ".",
			       O_PATH | O_DIRECTORY, 0, RESOLVE_FOREIGN | RESOLVE_NO_SYMLINKS);
	if (fd < 0)
		return false;
	fd_close(&walk->at);
	walk->at = fd;
	return true;
}

static bool walk_up(Walk *walk)
{
	char *slash = strrchr(walk->done->str, '/');
	g_string_truncate(walk->done, slash ? (size_t)(slash - walk->done->str) : 0);
	return walk_reopen(walk);
}

/* Put a link's target in front of the rest. */
static bool walk_expand(Walk *walk, int link_fd)
{
	char target[PATH_MAX];
	if (++walk->links > MAX_LINKS) {
		errno = ELOOP;
		return false;
	}
	ssize_t n = readlinkat(link_fd, "", target, sizeof target - 1);
	if (n < 0)
		return false;
	target[n] = '\0';
	char *rest = g_strconcat(target, "/", walk->rest, NULL);
	g_free(walk->rest);
	walk->rest = rest;
	if (*target != '/')
		return true;
	g_string_truncate(walk->done, 0);
	return walk_reopen(walk);
}

/* Open one component, making it if it is missing: a directory, or the file at the end of the walk.
 */
static int walk_open(Walk *walk, const char *name, bool file, mode_t mode)
{
	for (int try = 0; try < FAST_TRIES; try++) {
		int follow = wall_stands("walk-no-links") ? O_NOFOLLOW : 0;
		int fd = openat(walk->at, name, O_PATH | follow | O_CLOEXEC);
		if (fd >= 0 || errno != ENOENT)
			return fd;
		if (file) {
			int fresh = follow ? O_EXCL | O_NOFOLLOW : 0;
			autofd made = openat(walk->at, name, O_WRONLY | O_CREAT | fresh | O_CLOEXEC,
					     mode);
			if (made < 0 && errno != EEXIST)
				return -1;
		} else if (mkdirat(walk->at, name, mode) < 0 && errno != EEXIST) {
			return -1;
		}
	}
	errno = EAGAIN;
	return -1;
}

/* Handle one component. Return: false with errno. */
static bool walk_step(Walk *walk, const char *name, bool file, mode_t mode, int *out_found)
{
	autofd fd = walk_open(walk, name, file, mode);
	struct stat st;
	if (fd < 0 || fstat(fd, &st) < 0)
		return false;
	if (S_ISLNK(st.st_mode))
		return walk_expand(walk, fd);
	if (S_ISDIR(st.st_mode)) {
		if (walk->done->len)
			g_string_append_c(walk->done, '/');
		g_string_append(walk->done, name);
		fd_close(&walk->at);
		walk->at = fd_steal(&fd);
		return true;
	}
	if (!file) {
		errno = ENOTDIR;
		return false;
	}
	*out_found = fd_steal(&fd);
	return true;
}

/* Walk @path, making directories of @mode, and at its end a file of @file_mode if @file. */
static int walk_make(int root_fd, const char *path, mode_t mode, bool file, mode_t file_mode)
{
	g_auto(Walk) walk = {
		.root_fd = root_fd, .at = -1, .rest = g_strdup(path), .done = g_string_new(NULL)};
	if (!walk_reopen(&walk))
		return -1;
	for (;;) {
		bool last = false;
		g_autofree char *name = walk_next(&walk, &last);
		if (!name)
			return fd_steal(&walk.at);
		if (strcmp(name, ".") == 0)
			continue;
		if (strcmp(name, "..") == 0) {
			if (!walk_up(&walk))
				return -1;
			continue;
		}
		int found = -1;
		bool is_file = last && file;
		if (!walk_step(&walk, name, is_file, is_file ? file_mode : mode, &found))
			return -1;
		if (found >= 0)
			return found;
	}
}

int path_mkdirs_in_root(int root_fd, const char *path, mode_t mode)
{
	int whole = path_open_in_root(root_fd, path, O_PATH | O_DIRECTORY, 0);
	if (whole >= 0 || errno != ENOENT)
		return whole;
	return walk_make(root_fd, path, mode, false, 0);
}

int path_touch_in_root(int root_fd, const char *path, mode_t mode)
{
	int whole = path_open_in_root(root_fd, path, O_PATH, 0);
	if (whole >= 0 || errno != ENOENT)
		return whole;
	return walk_make(root_fd, path, 0755, true, mode);
}

/* A removal under way. */
typedef struct {
	int top_fd;      /* the directory being removed: what lies too deep is moved up into it */
	unsigned moved;  /* directories moved up so far */
	int first_errno; /* 0 while all went well */
} Removal;

static void removal_note(Removal *removal)
{
	if (removal->first_errno == 0)
		removal->first_errno = errno;
}

/* Open a directory for removal of its contents, giving ourselves the rights we lack. */
static int open_for_removal(int dir_fd, const char *name)
{
	int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;
	autofd fd = path_open_state(dir_fd, name, flags, 0);
	if (fd < 0 && errno == EACCES) {
		autofd handle = path_open_state(dir_fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW, 0);
		char link[64];
		g_snprintf(link, sizeof link, "/proc/self/fd/%d", handle);
		if (handle < 0 || fchmodat(AT_FDCWD, link, 0700, 0) < 0) {
			errno = EACCES;
			return -1;
		}
		fd = path_open_state(dir_fd, name, flags, 0);
	}
	struct stat st;
	if (fd >= 0 && fstat(fd, &st) == 0 && (st.st_mode & 0700) != 0700)
		(void)!fchmod(fd, 0700); /* a failure shows when the entries cannot be removed */
	return fd_steal(&fd);
}

static void remove_contents(Removal *removal, int fd, int depth);

/* Remove one directory that is not the top. */
static void remove_directory(Removal *removal, int dir_fd, const char *name, int depth)
{
	/* Empty ones are the most frequent. */
	if (unlinkat(dir_fd, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
		return;
	autofd fd = open_for_removal(dir_fd, name);
	if (fd < 0) {
		if (errno != ENOENT)
			removal_note(removal);
		return;
	}
	if (depth >= MAX_REMOVE_DEPTH) {
		char moved[32];
		g_snprintf(moved, sizeof moved, ".deep-%d-%u", (int)getpid(), removal->moved);
		if (renameat(dir_fd, name, removal->top_fd, moved) == 0) {
			removal->moved++;
			return;
		}
	}
	if (depth >= MAX_REMOVE_DEPTH * 4) { /* cannot be moved and too many descriptors are open */
		errno = ELOOP;
		removal_note(removal);
		return;
	}
	remove_contents(removal, fd, depth + 1);
	if (unlinkat(dir_fd, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
		removal_note(removal);
}

static void remove_entry(Removal *removal, int fd, const struct dirent *entry, int depth)
{
	if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
		return;
	if (entry->d_type == DT_DIR) {
		remove_directory(removal, fd, entry->d_name, depth);
		return;
	}
	if (unlinkat(fd, entry->d_name, 0) == 0 || errno == ENOENT)
		return;
	if (errno == EISDIR)
		remove_directory(removal, fd, entry->d_name, depth);
	else
		removal_note(removal);
}

/* Remove everything in the directory @fd, which stays open. */
static void remove_contents(Removal *removal, int fd, int depth)
{
	int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = copy < 0 ? NULL : fdopendir(copy);
	if (!dir) {
		removal_note(removal);
		fd_close(&copy);
		return;
	}
	for (;;) {
		errno = 0;
		const struct dirent *entry = readdir(dir);
		if (!entry)
			break;
		remove_entry(removal, fd, entry, depth);
	}
	if (errno != 0)
		removal_note(removal);
	closedir(dir);
}

bool path_remove_tree(int dir_fd, const char *name)
{
	if (unlinkat(dir_fd, name, 0) == 0 || errno == ENOENT)
		return true;
	if (errno != EISDIR && errno != EPERM)
		return false;
	if (unlinkat(dir_fd, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
		return true;
	if (errno != ENOTEMPTY && errno != EEXIST && errno != EACCES)
		return false;
	autofd fd = open_for_removal(dir_fd, name);
	if (fd < 0)
		return errno == ENOENT;

	/* More rounds than one only where something was moved up, or somebody adds files meanwhile.
	 */
	Removal removal = {.top_fd = fd};
	for (int round = 0;; round++) {
		unsigned moved_before = removal.moved;
		remove_contents(&removal, fd, 0);
		if (unlinkat(dir_fd, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
			return true;
		bool again = errno == ENOTEMPTY || errno == EEXIST;
		bool progress = removal.moved > moved_before;
		if (!again || removal.first_errno != 0 ||
		    (!progress && round >= MAX_REMOVE_ROUNDS)) {
			removal_note(&removal);
			errno = removal.first_errno;
			return false;
		}
	}
}

/* Make the parents of an absolute path, following what links there are. */
static bool make_parents(const char *path, GError **error)
{
	g_autofree char *copy = g_strdup(path);
	for (char *slash = strchr(copy + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdirat(AT_FDCWD, copy, 0700) < 0 && errno != EEXIST && errno != EROFS &&
		    errno != EACCES)
			return error_set_errno(error, "cannot make directory '%s'", copy);
		*slash = '/';
	}
	return true;
}

int path_open_private_dir(const char *path, GError **error)
{
	int follow = wall_stands("private-links") ? O_NOFOLLOW : 0;
	int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC | follow;
	if (*path != '/') {
		error_set(error, ENGINE_ERROR_INVALID, "'%s' is not an absolute path", path);
		return -1;
	}
	autofd fd = openat(AT_FDCWD, path, flags);
	if (fd < 0 && errno == ENOENT) {
		if (!make_parents(path, error))
			return -1;
		if (mkdirat(AT_FDCWD, path, 0700) < 0 && errno != EEXIST) {
			error_set_errno(error, "cannot make directory '%s'", path);
			return -1;
		}
		fd = openat(AT_FDCWD, path, flags);
	}
	if (fd < 0 && (errno == ELOOP || errno == ENOTDIR)) {
		error_set(error, ENGINE_ERROR_DENIED,
			  "'%s' is a link or no directory: refusing to use it", path);
		return -1;
	}
	struct stat st;
	if (fd < 0 || fstat(fd, &st) < 0) {
		error_set_errno(error, "cannot open directory '%s'", path);
		return -1;
	}
	if (st.st_uid != geteuid() && wall_stands("private-owner")) {
		error_set(error, ENGINE_ERROR_DENIED,
			  "directory '%s' belongs to uid %u, not to us (%u)", path,
			  (unsigned)st.st_uid, (unsigned)geteuid());
		return -1;
	}
	if ((st.st_mode & 077) && wall_stands("private-mode")) {
		error_set(error, ENGINE_ERROR_DENIED,
			  "directory '%s' is open to others (mode %04o)", path,
			  (unsigned)(st.st_mode & 07777));
		error_add_help(error, "chmod 700 %s", path);
		return -1;
	}
	return fd_steal(&fd);
}

bool path_name_is_safe(const char *name)
{
	size_t size = strlen(name);
	if (size == 0 || size > NAME_MAX || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return false;
	for (size_t i = 0; i < size; i++) {
		unsigned char c = (unsigned char)name[i];
		if (c < 0x20 || c == 0x7f || c == '/')
			return false;
	}
	return true;
}

char *path_clean(const char *path)
{
	GString *clean = g_string_new(NULL);
	for (const char *at = path; *at;) {
		at += strspn(at, "/");
		size_t size = strcspn(at, "/");
		if (size == 2 && at[0] == '.' && at[1] == '.') {
			const char *slash = strrchr(clean->str, '/');
			g_string_truncate(clean, slash ? (size_t)(slash - clean->str) : 0);
		} else if (size > 0 && !(size == 1 && at[0] == '.')) {
			g_string_append_c(clean, '/');
			g_string_append_len(clean, at, (gssize)size);
		}
		at += size;
	}
	if (clean->len == 0)
		g_string_append_c(clean, '/');
	return g_string_free(clean, FALSE);
}
