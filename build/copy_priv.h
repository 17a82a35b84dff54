/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of COPY and ADD share.
 */
#pragma once

#include <sys/stat.h>

#include "build/copy.h"
#include "build/git_source.h"
#include "build/glob.h"
#include "build/remote.h"

/* What --chmod says: a number, or changes one after the other. */
typedef struct {
	bool set, octal;
	mode_t value;    /* @octal */
	GArray *changes; /* of ModeChange, else */
} CopyMode;

/* "u=rwX": of each of @who (bits of S_ISUID|S_IRWXU ...) by @op. */
typedef struct {
	mode_t who;
	char op;          /* + - = */
	mode_t bits;      /* as if for all three */
	bool x_if_any;    /* X: only directories, and what somebody may execute already */
	char copied_from; /* u g o; 0: @bits */
} ModeChange;

/** copy_mode_parse() - a value of --chmod. INVALID. */
bool copy_mode_parse(const char *text, CopyMode *out, GError **error);
void copy_mode_clear(CopyMode *mode);

/** copy_mode_apply() - what becomes of @mode, type bits kept. */
mode_t copy_mode_apply(const CopyMode *change, mode_t mode);

typedef enum {
	ITEM_LEAF, /* a file or what else is no directory */
	ITEM_DIR,  /* what the directory holds */
	ITEM_INLINE,
	ITEM_URL,
	ITEM_GIT,
} CopyItemKind;

/* One source, wildcards resolved. */
typedef struct {
	CopyItemKind kind;
	char *shown;   /* as named: for messages and lists; "" for the root */
	char *path;    /* below the root, without links; "" for the root */
	char *name;    /* what it is called in a destination that is a directory */
	Glob *include; /* --parents: only what matches; NULL: all */
	int root_fd;   /* the root it is in, borrowed; -1 before it is fetched */
	bool fetched;  /* @root_fd is ours, and has neither owners nor an ignore file */
	const CopyInline *text;
	GitSource *git;
	RemoteFile *file; /* ITEM_URL, once it is fetched */
} CopyItem;

struct CopyPlan {
	CopySpec spec;
	char *dest;       /* absolute, clean, no slash at the end but of "/" */
	bool dest_is_dir; /* it says so */
	CopyMode mode;
	Dockerignore *exclude; /* NULL: nothing */
	GPtrArray *items;      /* CopyItem * */
};

/** copy_canonical() - where a path leads, links followed inside the root
 * @out_missing:	what is to be made there; NULL: it must exist
 * Return: the path below the root without links, "" for the root; NULL with errno. g_free() it. */
char *copy_canonical(int root_fd, const char *path, bool *out_missing);

/** copy_add_local() - the items that a source of the context or stage names. */
bool copy_add_local(CopyPlan *plan, const char *source, GError **error);

/** copy_item_free() - an item, and what was fetched for it. */
void copy_item_free(void *item);

/** copy_item_fetch() - bring what is elsewhere; at most once. */
bool copy_item_fetch(const CopyPlan *plan, CopyItem *item, GError **error);

/** copy_item_is_archive() - is it to be unpacked? Three-valued: 1, 0, -1 with @error. */
int copy_item_is_archive(const CopyPlan *plan, const CopyItem *item, GError **error);

/** copy_item_open() - open the file that an ITEM_LEAF is. -1 with @error. */
int copy_item_open(const CopyItem *item, GError **error);

/* What a walk meets. */
typedef struct {
	int parent_fd; /* -1: the item's own directory */
	const char *name;
	int fd;            /* of a directory, else -1 */
	const char *rel;   /* below the item, "" for itself */
	const char *shown; /* for messages and lists */
	const struct stat *st;
} CopyEntry;

typedef struct {
	/* A directory before what it holds; only if it or something in it is taken. */
	bool (*enter)(void *data, const CopyEntry *entry, GError **error);
	/* The same, after it; @st and the descriptor are those of enter. */
	bool (*leave)(void *data, const CopyEntry *entry, GError **error);
	/* All else. */
	bool (*leaf)(void *data, const CopyEntry *entry, GError **error);
	void *data;
	const int *cancelled; /* may be NULL */
} CopyVisitor;

/** copy_walk() - meet all that an item of files takes, in the order of names. */
bool copy_walk(const CopyPlan *plan, const CopyItem *item, const CopyVisitor *visitor,
	       GError **error);

/** copy_owner() - who owns a copy of what @st describes. */
void copy_owner(const CopyPlan *plan, const CopyItem *item, const struct stat *st,
		uint32_t *out_uid, uint32_t *out_gid);

/** copy_owner_error() - say, from errno, what a refused owner means. Return: false. */
bool copy_owner_error(const char *path, uint32_t uid, uint32_t gid, GError **error);

/* Copying under way. */
typedef struct {
	CopyPlan *plan;
	const CopyTarget *target;
	CopyStats stats;
	CopyItem *item;
	bool has_owner; /* --chown */
	uint32_t uid, gid;
	GArray *dirs;      /* of CopyDir: from the destination down to where the walk is */
	char *top;         /* path of the first of them, below the destination's root */
	GHashTable *links; /* files of several names: "dev:ino" to the path of the copy */
	char *piece;
	bool no_clone; /* the file systems cannot */
} CopyWriter;

typedef struct {
	int fd;
	bool gives_group; /* setgid: what is made in it belongs to its group */
	bool made;
} CopyDir;

/** copy_write_tree() - an item that is a directory into @dir_fd, which is at @path. */
bool copy_write_tree(CopyWriter *w, int dir_fd, const char *path, GError **error);

/** copy_write_leaf() - an item that is none to @name in @dir_fd. */
bool copy_write_leaf(CopyWriter *w, int dir_fd, const char *name, GError **error);

/** copy_write_content() - a file that is not in a tree: of @size bytes at @data, or what @fd holds.
 */
typedef struct {
	const char *data;
	int fd; /* -1: @data */
	size_t size;
	mode_t mode;
	int64_t mtime; /* -1: now */
} CopyContent;
bool copy_write_content(CopyWriter *w, int dir_fd, const char *name, const CopyContent *content,
			GError **error);
