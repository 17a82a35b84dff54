/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside of quadlet: kinds, their keys, and one translation at work.
 */
#pragma once

#include "cmd/quadlet/quadlet.h"

typedef struct Translation Translation;
typedef struct QuadletKey QuadletKey;

/* How a key's values become options. */
typedef enum {
	KEY_LATER, /* known; code looks at it where it matters */
	KEY_VALUE, /* the last value, unless it is empty */
	KEY_EMPTY, /* the last value, also an empty one */
	KEY_EACH,  /* every value */
	KEY_FLAG,  /* "yes": --option, "no": --option=false */
	KEY_NAMES, /* every word of every value */
	KEY_WORDS, /* the same with quotes and escapes */
	KEY_PAIRS, /* the same, the last of those with the same text before "=" */
	KEY_CALL,  /* @call adds what it likes */
} QuadletKeyKind;

struct QuadletKey {
	const char *name; /* NULL ends a table */
	QuadletKeyKind kind;
	const char *option; /* "--x"; with a "=" at its end, option and value are one word */
	void (*call)(Translation *work, const QuadletKey *key);
};

struct QuadletKind {
	const char *extension;
	const char *section, *renamed;
	const char *suffix; /* of the service's name: "-volume" */
	int order;          /* lower ones are translated first */
	const QuadletKey *keys;
	char *(*resource)(const QuadletUnit *unit);
	void (*translate)(Translation *work);
};

/* One file on its way. */
struct Translation {
	QuadletSet *set;
	QuadletUnit *unit;
	UnitFile *service;
	const char *section;
	GPtrArray *argv; /* the command line that options go to */
};

extern const QuadletKind quadlet_artifact, quadlet_build, quadlet_container, quadlet_image,
	quadlet_kube, quadlet_network, quadlet_pod, quadlet_volume;

/* Words of the command line (quadlet_keys.c). */

/** work_begin() - start a command line: the program, its global options, and the words of a verb.
 */
void work_begin(Translation *work, const char *verb);
/** work_add() - words up to a NULL. */
void work_add(Translation *work, ...) G_GNUC_NULL_TERMINATED;
/** work_add_option() - "--x value", or "--x=value" if @option ends with "=". */
void work_add_option(Translation *work, const char *option, const char *value);
/** work_end() - write the command line as @key of the service; @prefix stands before it ("-"). */
void work_end(Translation *work, const char *key, const char *prefix);
/** work_add_keys() - go through the rows of the kind between two keys, both included; NULL: first,
 * last. */
void work_add_keys(Translation *work, const char *first, const char *last);

/* Values of the section that is translated. */

/** work_last() - the last line of a key, NULL if it is empty or there is none. */
const UnitLine *work_last(const Translation *work, const char *key);
/** work_get() - its value, without quotes around the whole. g_free() it. */
char *work_get(const Translation *work, const char *key);
/** work_flag() - a boolean; @fallback if it is not there or wrong, which is noted. */
bool work_flag(Translation *work, const char *key, bool fallback);
/** work_all() - its lines; of UnitLine. */
GPtrArray *work_all(const Translation *work, const char *key);
/** work_words() - all words of these lines, with quotes and escapes; an open quote is noted. */
GPtrArray *work_words(Translation *work, const char *key);
/** work_fail() - the file is wrong at the last line of @key. */
void work_fail(Translation *work, const char *key, const char *format, ...) G_GNUC_PRINTF(3, 4);

/* Things that several kinds have (quadlet_parts.c). */

/** part_reference() - the unit that @name refers to, with Requires= and After= on it; a missing one
 * is noted. */
QuadletUnit *part_reference(Translation *work, const UnitLine *line, const char *name);
/** part_path() - @path, below the unit's directory unless it is absolute or begins with a
 * specifier. g_free() it. */
char *part_path(const Translation *work, const char *path);
/** part_needs_mounts() - RequiresMountsFor= of a path. */
void part_needs_mounts(Translation *work, const char *path);
/** part_source() - the source of a volume or mount as the command line has it. NULL after a
 * problem. g_free() it. */
char *part_source(Translation *work, const UnitLine *line, const char *source, bool images);
/** part_image() - the image that Image= names, maybe through .image or .build. g_free() it. */
char *part_image(Translation *work);
/** part_wait_online() - have the service wait for the network if a pull is due; @image: unless it
 * is there. */
void part_wait_online(Translation *work, const char *image, const char *policy);
/** part_working_directory() - SetWorkingDirectory=. Return: the context that is to be named, or
 * NULL. g_free() it. */
char *part_working_directory(Translation *work);
/** part_set_default() - set a key of the service unless the file has it. */
void part_set_default(Translation *work, const char *section, const char *key, const char *value);
/** part_oneshot() - what a service that makes something and is done has in common. */
void part_oneshot(Translation *work, bool remain);
/** part_notify() - KillMode=, Type= and so on of a service with a main process. Return: is it no
 * oneshot? */
bool part_notify(Translation *work);
/** part_resolve() - %N of systemd's in a name that others refer to, where it would be another one.
 * g_free() it. */
char *part_resolve(const QuadletUnit *unit, const char *name);
/** part_named() - a resource's name: the one that @key gives, or "systemd-" and the file's.
 * g_free() it. */
char *part_named(const QuadletUnit *unit, const char *key);
/** part_base() - a file's name without extension. g_free() it. */
char *part_base(const char *name);
/** part_strip_quotes() - a copy of @value without quotes around the whole. g_free() it. */
char *part_strip_quotes(const char *value);

/* Rows that several kinds have; @call of KEY_CALL. */

/** part_networks() - Network=. */
void part_networks(Translation *work, const QuadletKey *key);
/** part_volumes() - Volume=. */
void part_volumes(Translation *work, const QuadletKey *key);
/** part_mappings() - UserNS=, UIDMap=, ..., and the old Remap* keys. */
void part_mappings(Translation *work, const QuadletKey *key);

#define QUADLET_REMAP_KEYS                                                                         \
	{"RemapGid", KEY_LATER}, {"RemapUid", KEY_LATER}, {"RemapUidSize", KEY_LATER},             \
	{                                                                                          \
		"RemapUsers", KEY_LATER                                                            \
	}
#define QUADLET_COMMON_KEYS                                                                        \
	{"ContainersConfModule", KEY_LATER, "--module"}, {"GlobalArgs", KEY_LATER},                \
		{"ServiceName", KEY_LATER},                                                        \
	{                                                                                          \
		.name = NULL                                                                       \
	}
