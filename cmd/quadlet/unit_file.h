/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unit files of systemd's: a reader and a writer that keep the order of sections, keys and
 * comments.
 *
 * A section that appears twice is one section. A value's continuation lines are joined by spaces;
 * white space around it is gone; quotes and escapes are still in it (unit_words.h). Every line
 * knows the file and the line number that it came from, also after drop-ins were merged.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

/* Larger files are no unit files. */
#define UNIT_FILE_MAX (1024 * 1024)

typedef struct UnitFile UnitFile;

typedef struct {
	char *key;        /* NULL: a comment, which is the value */
	char *value;      /* never NULL */
	const char *file; /* borrowed from the UnitFile; NULL: added by us */
	unsigned line;    /* 0: added by us */
} UnitLine;

typedef struct {
	char *name;
	GPtrArray *lines; /* of UnitLine */
	const char *file;
	unsigned line;
} UnitSection;

/** unit_file_new() - one without sections. */
UnitFile *unit_file_new(void);

/** unit_file_free() - free it with all its lines. NULL is fine. */
void unit_file_free(UnitFile *unit);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(UnitFile, unit_file_free)

/**
 * unit_file_add_text() - read a unit file or drop-in behind what @unit holds
 * @path:	named in messages and by the lines
 * @first_line:	the number of the text's first line in the file, usually 1
 * @out_line:	the line that is wrong; may be NULL
 * @error:	INVALID, without path and line; @unit then holds what stood before that line
 */
bool unit_file_add_text(UnitFile *unit, const char *text, size_t size, const char *path,
			unsigned first_line, unsigned *out_line, GError **error);

/** unit_file_copy() - another one with the same sections and lines. */
UnitFile *unit_file_copy(const UnitFile *unit);

/** unit_file_sections() - of UnitSection, in order. */
const GPtrArray *unit_file_sections(const UnitFile *unit);

/** unit_file_section() - NULL if there is none of that name. */
const UnitSection *unit_file_section(const UnitFile *unit, const char *name);

/** unit_file_last() - the last assignment of a key, also an empty one; NULL if there is none. */
const UnitLine *unit_file_last(const UnitFile *unit, const char *section, const char *key);

/** unit_file_get() - the last value of a key; NULL if it is empty or there is none. */
const char *unit_file_get(const UnitFile *unit, const char *section, const char *key);

/** unit_file_all() - the lines of a key behind its last empty assignment. Return: of UnitLine,
 * which are borrowed. */
GPtrArray *unit_file_all(const UnitFile *unit, const char *section, const char *key);

/** unit_file_words() - all words of these lines, split as lists of names are. */
GPtrArray *unit_file_words(const UnitFile *unit, const char *section, const char *key);

/** unit_file_add() - a line at the end of a section, which is made if it is missing. */
void unit_file_add(UnitFile *unit, const char *section, const char *key, const char *value);

/** unit_file_set() - as unit_file_add(), in place of all lines of that key. */
void unit_file_set(UnitFile *unit, const char *section, const char *key, const char *value);

/** unit_file_unset() - remove all lines of a key. */
void unit_file_unset(UnitFile *unit, const char *section, const char *key);

/** unit_file_rename_section() - no-op if there is none of that name. */
void unit_file_rename_section(UnitFile *unit, const char *name, const char *new_name);

/** unit_file_format() - the text. g_free() it. */
char *unit_file_format(const UnitFile *unit);

/** unit_file_read() - the bytes of a regular file of at most UNIT_FILE_MAX. INVALID if it is none.
 */
char *unit_file_read(int dir_fd, const char *path, size_t *out_size, GError **error);
