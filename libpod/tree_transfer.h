/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Trees out of and into containers, volumes and host directories as tar streams, through jailed
 * children (storage/layer_copy.h) that see nothing but the tree.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "libpod/base/idmap.h"
#include "libpod/container_view.h"
#include "storage/layer_child.h"

/* A tree, and the user namespace in which its owners are read and written. */
typedef struct {
	int root_fd;      /* of a directory; tree_get(): or of a file */
	int userns_fd;    /* 0: a new one with ... */
	const IdMap *map; /* ... this map; NULL: all ids of the user */
	bool is_host;     /* the user's own files: one id, and the groups stay */
} Tree;

/** tree_of_view() - a container's. */
Tree tree_of_view(const ContainerView *view);

/** tree_of_host() - a directory (or file) of the host, as the user may see it; @map keeps the map
 * and is freed by the caller. */
Tree tree_of_host(int fd, IdMap **out_map);

typedef enum {
	TREE_ONE_MOUNT = 1 << 0,       /* get: other mounts are empty directories */
	TREE_SKIP_UNREADABLE = 1 << 1, /* get: leave out, and count, what may not be read */
	TREE_OVERWRITE = 1 << 2,       /* put: files may replace directories and the reverse */
	TREE_NOFOLLOW = 1 << 3,        /* get: a link is packed as such */
} TreeFlags;

/** tree_get() - start a tar of @path to @out_fd (SPAWN_INHERIT: our stdout). @as: layer_copy.h. */
LayerChild *tree_get(const Tree *tree, const char *path, const char *as, unsigned flags, int out_fd,
		     GError **error);

/** tree_put() - start to unpack the tar at @in_fd into the directory @path; @owner: "UID:GID" for
 * all, or NULL. */
LayerChild *tree_put(const Tree *tree, const char *path, const char *owner, unsigned flags,
		     int in_fd, GError **error);

/** tree_get_finish() - wait; what was unreadable is said on the log. */
bool tree_get_finish(LayerChild *child, GError **error);

/* What tree_get() reads. */
typedef struct {
	const Tree *tree;
	const char *path, *as;
	unsigned flags;
} TreeSource;

/** tree_transfer() - from one tree into the directory @dir of another, as tree_put() has it; @error
 * is of the side that tells more. */
bool tree_transfer(const TreeSource *from, const Tree *to, const char *dir, const char *owner,
		   unsigned flags, GError **error);

/** tree_make() - a directory with its parents; @owner as in tree_put(), of one that is new. @error:
 * EXISTS if it is something else. */
bool tree_make(const Tree *tree, const char *path, const char *owner, GError **error);

/** tree_remove() - what is at @path, with all it holds; nothing is fine. */
bool tree_remove(const Tree *tree, const char *path, GError **error);

typedef struct {
	bool exists;
	bool is_dir;
	char *target; /* of a link that was not followed */
} TreeStat;

/** tree_stat() - what is at @path. Clear it with g_free(out->target). */
bool tree_stat(const Tree *tree, const char *path, bool follow, TreeStat *out, GError **error);

/**
 * tree_input() - our standard input as a plain tar, whatever it is compressed with
 * @file:	"-" or a file's name
 * @out_pid:	the filter that does it, to be reaped with spawn_wait()
 *
 * Return: descriptor or -1.
 */
int tree_input(const char *file, pid_t *out_pid, GError **error);
