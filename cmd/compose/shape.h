/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shape of a compose file: one row per key, saying what it holds, how short forms read, how two
 * files merge and which values are paths. Everything that walks a model walks it by these rows.
 */
#pragma once

#include "cmd/compose/node.h"

typedef enum {
	SHAPE_ANY,      /* x-*, and what is passed on as it is */
	SHAPE_STRING,   /* a string */
	SHAPE_TEXT,     /* a string or number, kept as text */
	SHAPE_INT,      /* an integer or its text */
	SHAPE_NUMBER,   /* a number or its text */
	SHAPE_BOOL,     /* a boolean or its word */
	SHAPE_SIZE,     /* bytes, kept as text of digits */
	SHAPE_DURATION, /* "1m30s" as Go prints it */
	SHAPE_SHELL,    /* a command line or its words; null is kept */
	SHAPE_TEXTS,    /* a list of texts */
	SHAPE_WORDS,    /* one text or a list of them */
	SHAPE_MAPPING,  /* NAME=VALUE list or map; a name alone is null */
	SHAPE_LABELS,   /* likewise; a name alone is empty */
	SHAPE_OBJECT,   /* a map of the keys in @inside */
	SHAPE_MAP,      /* free names, each value as the one row of @inside */
	SHAPE_LIST,     /* a list, each value as the one row of @inside */
} ShapeKind;

typedef enum {
	SHAPE_REPLACE = 1 << 0,  /* a later file's value replaces all of it */
	SHAPE_UNIQUE = 1 << 1,   /* of a list: a later member with the same key wins */
	SHAPE_PATH = 1 << 2,     /* relative to the project's directory */
	SHAPE_NULLABLE = 1 << 3, /* of map values and objects: null stays */
	SHAPE_LOGGING = 1 << 4,  /* options merge only for the same driver */
	SHAPE_DEEP = 1 << 5,     /* of a unique list: members with the same key merge */
	SHAPE_ENV = 1 << 6,      /* NAME alone takes the value of the environment at once */
} ShapeFlags;

typedef struct Shape Shape;

struct Shape {
	const char *name; /* NULL ends a table and names nothing in rows for values */
	ShapeKind kind;
	const Shape *inside;
	unsigned flags; /* ShapeFlags */
	/* Make the normal form of a short one in place; NULL: there is none. */
	bool (*expand)(Node *value, const char *path, GError **error);
	char *(*key)(const Node *member); /* of SHAPE_UNIQUE; NULL: the text */
};

/* The whole file, and the value of one service. */
extern const Shape shape_file;
extern const Shape shape_service;

/** shape_lookup() - the row of a key of an object or map; NULL if it has none. */
const Shape *shape_lookup(const Shape *shape, const char *key);

/** shape_is_extension() - "x-...": free for everybody. */
bool shape_is_extension(const char *key);

/** shape_member_key() - what makes a member of a unique list the same as another. g_free() it. */
char *shape_member_key(const Shape *list, const Node *member);
