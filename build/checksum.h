/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checksums of sets of files: equal if and only if a copy of them would be equal but for times.
 *
 * Theory of operation. A StatCache remembers the digest of content and attributes of every regular
 * file by (device, inode, size, ctime): whatever changes one of them changes the ctime, so a file
 * that has the same four is not read again. A file whose ctime is as young as the clock's
 * granularity when it is read is not remembered, as it could change once more without a new ctime.
 *
 * A FileList is what copy_plan_checksum() makes: one digest per path, sorted. Its own digest is the
 * checksum; kept on disk, it tells later which file made the difference.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#define CHECKSUM_SIZE 32 /* sha256 */

typedef struct StatCache StatCache;

/**
 * stat_cache_open() - read the cache NAME in a directory of ours
 * @dir_fd:	store_dir(store, "cache"), or a directory below it; borrowed until the end
 * @name:	context_key(), or another safe file name; NULL: a cache that lives in memory
 *
 * A damaged or missing file is an empty cache, never an error. No lock is needed: the file is
 * replaced as a whole, and the last who saves wins.
 */
StatCache *stat_cache_open(int dir_fd, const char *name);

/** stat_cache_save() - write it back if it has learned something; entries that were not asked for
 * in this run are dropped once they are the larger part. */
bool stat_cache_save(StatCache *cache, GError **error);
void stat_cache_free(StatCache *cache);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StatCache, stat_cache_free)

/**
 * stat_cache_digest() - the digest of a regular file's content and attributes that count
 * @parent_fd:	the directory it is in; it is opened without following a link, if it must be read
 * @st:		what fstatat() said of it
 * @path:	for messages
 */
bool stat_cache_digest(StatCache *cache, int parent_fd, const char *name, const struct stat *st,
		       const char *path, uint8_t out_digest[static CHECKSUM_SIZE], GError **error);

/** stat_cache_reads() - how many files were read so far because the cache did not know them. */
uint64_t stat_cache_reads(const StatCache *cache);

/** checksum_xattr_counts() - is an attribute part of an image: user.* (but those of overlays) and
 * security.capability. What does not count is not copied either. */
bool checksum_xattr_counts(const char *name);

typedef struct FileList FileList;

/** file_list_new() - an empty list. */
FileList *file_list_new(void);
void file_list_free(FileList *list);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FileList, file_list_free)

/** file_list_add() - one path and the digest of all that counts of it. */
void file_list_add(FileList *list, const char *path, const uint8_t digest[static CHECKSUM_SIZE]);

/** file_list_size() - how many paths. */
size_t file_list_size(const FileList *list);

/** file_list_digest() - the checksum of the whole list, "sha256:HEX"; sorts it. g_free() it. */
char *file_list_digest(FileList *list);

/** file_list_save() - keep it as the file NAME in a directory of ours, replaced as a whole. */
bool file_list_save(FileList *list, int dir_fd, const char *name, GError **error);

/** file_list_load() - read it back; NULL if it is not there or damaged. */
FileList *file_list_load(int dir_fd, const char *name);

typedef enum {
	FILE_CHANGED,
	FILE_ADDED,
	FILE_REMOVED,
} FileChange;

/**
 * file_list_diff() - what is different in @now, in the order of the paths
 * @seen:	called for each of at most @max differences
 *
 * Return: how many there are in all.
 */
size_t file_list_diff(FileList *before, FileList *now, size_t max,
		      void (*seen)(FileChange change, const char *path, void *data), void *data);
