/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records: atomic replacement, listing, and locks with a deadline.
 *
 * Theory of operation. A replacement is written to ".NAME.tmp" and renamed over NAME. The temporary
 * name is fixed, so what a killed writer leaves is reused by the next one and nothing piles up; two
 * writers at once are kept apart by an OFD lock on the temporary file, which dies with its holder.
 * Lock files stay for ever: removing one would let two processes lock two files of the same name.
 */
#include "libpod/base/record.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/path.h"
#include "libpod/base/proc_stat.h"

#define DEFAULT_LOCK_MS 30000
#define MAX_SLEEP_MS    50

struct RecordLock {
	int fd;
};

/* F_OFD_SETLK, F_OFD_SETLKW or F_OFD_GETLK over the whole file. */
static int ofd_lock(int fd, int command, struct flock *lock, short type)
{
	*lock = (struct flock){.l_type = type, .l_whence = SEEK_SET};
	int result;
	do {
		result = fcntl(fd, command, lock);
	} while (result < 0 && errno == EINTR);
	return result;
}

/* Is @fd still what @name stands for? *@out_size is the file's size. */
static bool is_named(int dir_fd, const char *name, int fd, off_t *out_size)
{
	struct stat by_fd, by_name;
	if (fstat(fd, &by_fd) < 0 || fstatat(dir_fd, name, &by_name, AT_SYMLINK_NOFOLLOW) < 0)
		return false;
	*out_size = by_fd.st_size;
	return by_fd.st_ino == by_name.st_ino && by_fd.st_dev == by_name.st_dev;
}

/* Open the temporary file for us alone, empty. Return: -1 with errno. */
static int open_temporary(int dir_fd, const char *temporary)
{
	for (;;) {
		autofd fd =
			path_open_state(dir_fd, temporary, O_WRONLY | O_CREAT | O_NOFOLLOW, 0600);
		struct flock lock;
		if (fd < 0 || ofd_lock(fd, F_OFD_SETLKW, &lock, F_WRLCK) < 0)
			return -1;
		/* While we waited, its former holder may have renamed it into place. */
		off_t size;
		if (!is_named(dir_fd, temporary, fd, &size))
			continue;
		if (size > 0 && ftruncate(fd, 0) < 0)
			return -1;
		return fd_steal(&fd);
	}
}

/* Make a rename in @dir_fd durable; the descriptor itself may be O_PATH. */
static bool sync_directory(int dir_fd)
{
	autofd fd = path_open_state(dir_fd, ".", O_RDONLY | O_DIRECTORY, 0);
	return fd >= 0 && fsync(fd) == 0;
}

bool record_replace(int dir_fd, const char *name, const char *data, size_t size, RecordSync sync,
		    GError **error)
{
	g_autofree char *temporary = g_strdup_printf(".%s.tmp", name);
	autofd fd = open_temporary(dir_fd, temporary);
	if (fd < 0)
		return error_set_errno(error, "cannot create record '%s'", name);
	bool full = sync == RECORD_SYNC_FULL;
	if (!fd_write_all(fd, data, size) || (full && fsync(fd) < 0) ||
	    renameat(dir_fd, temporary, dir_fd, name) < 0) {
		error_set_errno(error, "cannot write record '%s'", name);
		unlinkat(dir_fd, temporary, 0);
		return false;
	}
	if (full && !sync_directory(dir_fd))
		return error_set_errno(error, "cannot sync the directory of record '%s'", name);
	return true;
}

bool records_sync(int dir_fd, const char *const *names, GError **error)
{
	g_autoptr(GArray) fds = g_array_new(FALSE, FALSE, sizeof(int));
	bool ok = true;
	/* Blocks first: then the first fsync commits the metadata of all. */
	for (size_t i = 0; ok && names[i]; i++) {
		int fd = path_open_state(dir_fd, names[i], O_RDONLY | O_NOFOLLOW, 0);
		if (fd < 0) {
			ok = error_set_errno(error, "cannot open '%s'", names[i]);
			break;
		}
		g_array_append_val(fds, fd);
		(void)sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE);
	}
	for (guint i = 0; i < fds->len; i++) {
		int fd = g_array_index(fds, int, i);
		if (ok && fsync(fd) < 0)
			ok = error_set_errno(error, "cannot sync '%s'", names[i]);
		close(fd);
	}
	if (ok && !sync_directory(dir_fd))
		ok = error_set_errno(error, "cannot sync a directory");
	return ok;
}

char *record_read(int dir_fd, const char *name, size_t max_size, size_t *out_size, GError **error)
{
	autofd fd = path_open_state(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0);
	if (fd < 0 && errno == ENOENT)
		return error_set_null(error, ENGINE_ERROR_NOT_FOUND, "no record '%s'", name);
	if (fd < 0)
		return error_set_errno_null(error, "cannot open record '%s'", name);
	char *text = fd_read_all(fd, max_size, out_size, error);
	if (!text)
		g_prefix_error(error, "record '%s': ", name);
	return text;
}

static int compare_names(gconstpointer a, gconstpointer b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

char **record_list(int dir_fd, GError **error)
{
	int copy = path_open_state(dir_fd, ".", O_RDONLY | O_DIRECTORY, 0);
	DIR *dir = copy < 0 ? NULL : fdopendir(copy);
	if (!dir) {
		error_set_errno(error, "cannot list a directory");
		fd_close(&copy);
		return NULL;
	}
	GPtrArray *names = g_ptr_array_new();
	for (;;) {
		errno = 0;
		const struct dirent *entry = readdir(dir);
		if (!entry)
			break;
		if (entry->d_name[0] != '.')
			g_ptr_array_add(names, g_strdup(entry->d_name));
	}
	int failure = errno;
	closedir(dir);
	g_ptr_array_sort(names, compare_names);
	g_ptr_array_add(names, NULL);
	g_auto(GStrv) list = (char **)g_ptr_array_free(names, FALSE);
	errno = failure;
	if (failure != 0)
		return error_set_errno_null(error, "cannot list a directory");
	return g_steal_pointer(&list);
}

/* When we ourselves started; a fork asks anew. */
static unsigned long long own_start(void)
{
	static pid_t asked_by;
	static unsigned long long start;
	if (asked_by != getpid()) {
		asked_by = getpid();
		start = record_process_start(asked_by);
	}
	return start;
}

/* Leave word for others: "PID START OPERATION". On a full disk the lock counts, not the word. */
static void write_holder(int fd, const char *operation, off_t old_size)
{
	char text[128];
	int n = snprintf(text, sizeof text, "%d %llu %.64s\n", (int)getpid(), own_start(),
			 operation ? operation : "-");
	if (pwrite(fd, text, (size_t)n, 0) != n || (old_size > n && ftruncate(fd, n) < 0))
		(void)!ftruncate(fd, 0);
}

/* Set IN_USE, naming the holder where the file tells one that is alive. */
static void set_in_use(int fd, const char *name, GError **error)
{
	char text[128] = {0};
	int pid = 0;
	unsigned long long start = 0;
	char operation[65] = {0};
	if (pread(fd, text, sizeof text - 1, 0) > 0 &&
	    sscanf(text, "%d %llu %64s", &pid, &start, operation) == 3 && pid > 0 &&
	    record_is_process(pid, start))
		error_set(error, ENGINE_ERROR_IN_USE, "'%s' is locked by process %d (%s)", name,
			  pid, operation);
	else
		error_set(error, ENGINE_ERROR_IN_USE, "'%s' is locked by another process", name);
}

static int64_t monotonic_ms(void)
{
	return g_get_monotonic_time() / 1000;
}

/* Take the lock on an open file before @deadline. Return: 1 taken, 0 timed out, -1 with errno. */
static int wait_for_lock(int fd, short type, int64_t deadline)
{
	struct flock lock;
	for (int64_t sleep_ms = 1;; sleep_ms = MIN(sleep_ms * 2, MAX_SLEEP_MS)) {
		if (ofd_lock(fd, F_OFD_SETLK, &lock, type) == 0)
			return 1;
		if (errno != EAGAIN && errno != EACCES)
			return -1;
		if (monotonic_ms() >= deadline)
			return 0;
		nanosleep(&(struct timespec){.tv_nsec = sleep_ms * 1000000}, NULL);
	}
}

RecordLock *record_lock(int dir_fd, const char *name, bool shared, int timeout_ms,
			const char *operation, GError **error)
{
	int64_t deadline = monotonic_ms() + (timeout_ms < 0 ? DEFAULT_LOCK_MS : timeout_ms);
	for (;;) {
		autofd fd = path_open_state(dir_fd, name, O_RDWR | O_CREAT | O_NOFOLLOW, 0600);
		if (fd < 0)
			return error_set_errno_null(error, "cannot open lock '%s'", name);
		int taken = wait_for_lock(fd, shared ? F_RDLCK : F_WRLCK, deadline);
		if (taken < 0)
			return error_set_errno_null(error, "cannot lock '%s'", name);
		if (taken == 0) {
			set_in_use(fd, name, error);
			return NULL;
		}
		/* A removed object takes its lock file along: then we hold a lock on nothing. */
		off_t size;
		if (!is_named(dir_fd, name, fd, &size))
			continue;
		if (!shared)
			write_holder(fd, operation, size);
		RecordLock *lock = g_new0(RecordLock, 1);
		lock->fd = fd_steal(&fd);
		return lock;
	}
}

void record_unlock(RecordLock *lock)
{
	if (!lock)
		return;
	/* Closing, not F_UNLCK: a child that shares the description keeps the lock. */
	fd_close(&lock->fd);
	g_free(lock);
}

int record_lock_fd(const RecordLock *lock)
{
	return lock->fd;
}

int record_lock_is_held(int dir_fd, const char *name)
{
	autofd fd = path_open_state(dir_fd, name, O_RDONLY | O_NOFOLLOW, 0);
	if (fd < 0)
		return errno == ENOENT ? 0 : -1;
	struct flock lock;
	if (ofd_lock(fd, F_OFD_GETLK, &lock, F_WRLCK) < 0)
		return -1;
	return lock.l_type != F_UNLCK;
}

const char *record_boot_id(void)
{
	static char boot_id[40];
	if (*boot_id)
		return boot_id;
	autofd fd = openat(AT_FDCWD, "/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, boot_id, sizeof boot_id - 1);
	boot_id[n > 0 ? n : 0] = '\0';
	g_strchomp(boot_id);
	/* Without /proc all boots look alike; start times still tell processes apart. */
	if (!*boot_id)
		g_strlcpy(boot_id, "unknown", sizeof boot_id);
	return boot_id;
}

unsigned long long record_process_start(pid_t pid)
{
	ProcStat stat;
	return proc_stat_read(-1, pid, &stat) ? stat.start : 0;
}

bool record_tell_start(pid_t pid, unsigned long long *out, GError **error)
{
	errno = 0;
	*out = record_process_start(pid);
	return *out != 0 || errno == 0 || errno == ENOENT || errno == ESRCH ||
	       error_set_errno(error, "cannot tell when process %d began", (int)pid);
}

bool record_is_process(pid_t pid, unsigned long long start)
{
	return start != 0 && record_process_start(pid) == start;
}

int record_open_process(pid_t pid, unsigned long long start)
{
	autofd pidfd = pid > 0 ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;
	return pidfd >= 0 && record_is_process(pid, start) ? fd_steal(&pidfd) : -1;
}
