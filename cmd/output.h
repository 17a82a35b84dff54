/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Output: lists as tables, JSON or templates; errors and notes; foreign strings on a terminal.
 *
 * stdout carries data, stderr everything else. What comes from images, registries and containers is
 * escaped when stdout is a terminal (security R14). Nothing here colours unless stdout is a
 * terminal that can and NO_COLOR is unset.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "cmd/template.h"

/* One field of the rows of a list: {{.Name}}. */
typedef struct {
	const char *name;   /* NULL ends a table */
	const char *header; /* column title; NULL: the name in capitals, its words apart */
	TemplateValue (*get)(const void *row, TemplateHeap *heap);
} OutputField;

/* What the rows of a list are and how they print. */
typedef struct {
	const char *verb;      /* its last word names the template in messages: "ps" */
	const char *type_name; /* Go's name for a row: "containers.psReporter" */
	const OutputField *fields;
	const char *columns; /* the template of the table: "{{.ID}}\t{{.Image}}" */
	bool ranged;         /* podman writes {{range .}} before a user's template, and counts it */
	Json *(*to_json)(const void *row); /* for json and {{json .}}; NULL: all fields */
	/* {{.Label "x"}}; may be NULL */
	bool (*call)(const void *row, const char *name, const char *arg, TemplateHeap *heap,
		     TemplateValue *out);
} OutputTable;

typedef struct {
	const char *
		format; /* --format: NULL or "table", "table TEMPLATE", "json", "jsonl", TEMPLATE */
	bool no_heading;
} OutputOptions;

/** output_list() - print rows to stdout. @error: INVALID for a template that makes no sense. */
bool output_list(const OutputTable *table, const OutputOptions *options, void *const *rows,
		 size_t n, GError **error);

/** output_value() - print one value ("info", "version", "inspect" of one) through a template, or as
 * JSON. podman takes what "inspect" finds for a list. */
bool output_value(const char *verb, const char *format, const TemplateValue *value, GError **error);

/** output_json() - print JSON, indented, with a newline behind it. */
void output_json(Json *json);

/** output_is_json() - is --format "json" (any case) or "{{json .}}" around spaces? */
bool output_is_json(const char *format);

/** output_normalize() - a --format text with \n and \t outside of actions replaced and a newline at
 * its end. g_free() it. */
char *output_normalize(const char *format);

/** output_header() - "CreatedAt" to "CREATED AT", "ID" to "ID". g_free() it. */
char *output_header(const char *name);

/** output_align() - lines with tabs to columns: at least 12 wide, two spaces between. Appends to
 * @out. */
void output_align(char *const *lines, size_t n, GString *out);

/** output_text() - print a foreign string and a newline. */
void output_text(const char *text);

/** output_printf() - print our own text, as it is. */
void output_printf(const char *format, ...) G_GNUC_PRINTF(1, 2);

/** output_error() - print "Error: ..." on stderr; cause: and help: lines only on a terminal. */
void output_error(const GError *error);

/** output_error_text() - the same for a message. */
void output_error_text(const char *format, ...) G_GNUC_PRINTF(1, 2);

/** output_note() - one line on stderr, on a terminal only. */
void output_note(const char *format, ...) G_GNUC_PRINTF(1, 2);

/** output_is_terminal() - is this standard stream (1 or 2) a terminal? */
bool output_is_terminal(int fd);

/** output_flush() - write what is buffered. Return: false with errno (a full disk, a closed pipe).
 */
bool output_flush(void);
