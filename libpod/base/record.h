/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records: one object is one directory; small files in it are replaced as a whole; locks are OFD
 * locks on files, so they go when their holder dies.
 *
 * Lock order: name, container, image, layer. No lock is held across network traffic or user code.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <sys/types.h>

typedef struct RecordLock RecordLock;

typedef enum {
	RECORD_SYNC_NONE, /* rename only: runtime records and --rm containers */
	RECORD_SYNC_FULL, /* write, fsync, rename, fsync(directory) */
} RecordSync;

/**
 * record_replace() - replace a small file atomically
 * @name:	file below @dir_fd; mode 0600
 * Return: false with @error; the old file is then untouched and no temporary file is left.
 */
bool record_replace(int dir_fd, const char *name, const char *data, size_t size, RecordSync sync,
		    GError **error);

/**
 * records_sync() - make what was written with RECORD_SYNC_NONE durable, several records together
 * @names:	files of @dir_fd, NULL-terminated
 *
 * Costs about one commit of the file system's journal instead of one for each.
 */
bool records_sync(int dir_fd, const char *const *names, GError **error);

/**
 * record_read() - read a whole record of at most @max_size bytes.
 *
 * Return: NULL with NOT_FOUND if absent. g_free() it.
 */
char *record_read(int dir_fd, const char *name, size_t max_size, size_t *out_size, GError **error);

/**
 * record_list() - names in a directory, sorted, without dot files.
 *
 * Return: NULL-terminated, g_strfreev() it; NULL on error.
 */
char **record_list(int dir_fd, GError **error);

/**
 * record_lock() - take a lock, waiting at most @timeout_ms (-1: 30 s; 0: try)
 * @name:	lock file below @dir_fd, made if absent
 * @shared:	a read lock
 * @operation:	a word for others' error messages ("pull", "rm"); with our pid it is written into
 * the file
 * @error:	IN_USE names the holder's pid and operation
 */
RecordLock *record_lock(int dir_fd, const char *name, bool shared, int timeout_ms,
			const char *operation, GError **error);

/** record_unlock() - release and free; NULL is fine. */
void record_unlock(RecordLock *lock);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RecordLock, record_unlock)

/**
 * record_lock_fd() - the descriptor that holds the lock, borrowed: a child that inherits it holds
 * the lock too.
 */
int record_lock_fd(const RecordLock *lock);

/**
 * record_lock_is_held() - does anybody hold @name? Three-valued: 1 yes, 0 no or absent, -1 with
 * errno.
 */
int record_lock_is_held(int dir_fd, const char *name);

/** record_boot_id() - this boot's id, borrowed for ever. */
const char *record_boot_id(void);

/**
 * record_process_start() - start time of @pid in clock ticks since boot (/proc/PID/stat field 22);
 * 0 if it is gone.
 */
unsigned long long record_process_start(pid_t pid);

/**
 * record_tell_start() - record_process_start() for who writes it down
 * @out:	0 if @pid is gone
 *
 * Return: false with an error if that cannot be told now: by a start of 0 nobody would ever find
 * the process again.
 */
bool record_tell_start(pid_t pid, unsigned long long *out, GError **error);

/**
 * record_is_process() - is @pid the process that began at @start? Not if @start is 0, or if it
 * cannot be told.
 */
bool record_is_process(pid_t pid, unsigned long long start);

/**
 * record_open_process() - a pidfd of @pid, if that process began at @start.
 *
 * Return: a descriptor that polls readable when the process is gone; -1 if it already is, or @pid
 * is not above 0. The caller closes it.
 */
int record_open_process(pid_t pid, unsigned long long start);
