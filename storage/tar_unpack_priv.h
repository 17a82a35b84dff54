/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the extractor share.
 */
#pragma once

#include <sys/stat.h>

#include "storage/tar_unpack.h"

#define UNPACK_PATH_MAX  4095
#define UNPACK_NAME_MAX  255
#define UNPACK_XATTR_MAX (64u << 10)
#define UNPACK_XATTR_ALL (256u << 20)

/* A directory of the tree and what it shall look like when all is in it. */
typedef struct {
	char *path; /* below the root, "" for the root itself */
	dev_t dev;
	ino_t ino;
	bool described; /* an entry said what follows; else it was only needed on the way */
	bool opaque;
	uint32_t mode;
	uint32_t uid;
	uint32_t gid;
	int64_t mtime;
	uint32_t mtime_ns;
	GArray *xattrs; /* of TarXattr, NULL if none */
} UnpackDir;

typedef struct {
	const TarUnpackOptions *options;
	TarReader *reader;
	TarUnpackStats stats;
	GByteArray *deferred;
	uint64_t xattr_bytes;
	uint64_t n_extra;
	GPtrArray *dirs;         /* of UnpackDir, in the order they were made */
	GHashTable *dirs_by_ino; /* ino -> UnpackDir, of those still in the tree */

	/* The parent of the entry before: most entries share it. */
	char *parent_path; /* NULL if the descriptor is not valid */
	int parent_fd;

	/* The entry in hand. */
	GString *path;    /* cleaned, without a leading slash */
	const char *base; /* into path: behind the last slash */
} Unpack;

/** unpack_clean() - split and check a name of the archive into u->path and u->base. INVALID. */
bool unpack_clean(GString *out, const char *name, const char *what, GError **error);

/** unpack_parent() - descriptor of the directory @path lies in, borrowed until the next call; -1
 * with @error. */
int unpack_parent(Unpack *u, const char *path, GError **error);

/** unpack_forget_parent() - something went away: a cached path may lead to another place now. */
void unpack_forget_parent(Unpack *u);

/** unpack_dir_record() - remember the directory @base in @parent_fd, which has just been made or
 * met. */
UnpackDir *unpack_dir_record(Unpack *u, int parent_fd, const char *base, const char *path,
			     GError **error);

/** unpack_dirs_finish() - the second pass. */
bool unpack_dirs_finish(Unpack *u, GError **error);

/**
 * unpack_make_way() - clear @base for a new object
 * @out_kept:	a directory stays for a directory
 * @out_hidden:	a whiteout was there
 * Unless it is kept, the caller forgets the cached parent and finds it again.
 */
bool unpack_make_way(Unpack *u, int parent_fd, const char *base, const char *path, bool for_dir,
		     bool *out_kept, bool *out_hidden, GError **error);

/** unpack_xattrs_apply() - set what the policy lets through (security 1.3) on an open file. */
bool unpack_xattrs_apply(Unpack *u, int fd, const GArray *xattrs, GError **error);

/** unpack_is_whiteout() - a character device 0:0. */
bool unpack_is_whiteout(const struct stat *st);

/** unpack_whiteout() - an entry whose base name begins with ".wh.". */
bool unpack_whiteout(Unpack *u, const TarEntry *entry, GError **error);

/** unpack_owner() - whom an entry is given to. Return: false if it stays as it was made. */
bool unpack_owner(const Unpack *u, uint32_t *uid, uint32_t *gid);

/** unpack_is_mount() - is another mount on @base? Its file system is not ours to take away. */
bool unpack_is_mount(int parent_fd, const char *base);

/** unpack_defer() - append a record for layer_complete(). */
void unpack_defer(Unpack *u, char kind, const char *path, const char *target);

/** unpack_chown_error() - say what a refused chown of @uid:@gid means to the user. Return: false.
 */
bool unpack_chown_error(const char *path, uint32_t uid, uint32_t gid, GError **error);
