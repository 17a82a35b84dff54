/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Templates: the language of --format, as Go's text/template has it, with podman's extra functions.
 *
 * Data reaches a template through a field provider: a small table of functions over anything that
 * has members. JSON is one provider (template_from_json()), rows of a list are another (output.h).
 * A template comes from the user's own command line, but also from files of others: parsing and
 * running are bounded in depth, steps and memory.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "libpod/base/json.h"

typedef struct Template Template;
typedef struct TemplateHeap TemplateHeap;
typedef struct TemplateValue TemplateValue;

typedef enum {
	TEMPLATE_MISSING, /* no such key: prints <no value> */
	TEMPLATE_NIL,     /* null: prints <nil> */
	TEMPLATE_BOOL,
	TEMPLATE_INT,
	TEMPLATE_FLOAT,
	TEMPLATE_STRING,
	TEMPLATE_TIME, /* RFC 3339 text that prints as Go prints a time.Time */
	TEMPLATE_LIST,
	TEMPLATE_MAP,    /* an absent key is no error */
	TEMPLATE_STRUCT, /* an absent field is one */
} TemplateKind;

/* What a LIST, MAP or STRUCT can do; a member that does not apply is NULL. */
typedef struct {
	/* Go's name for the type in messages: "containers.psReporter". */
	const char *(*type_name)(const void *data);
	size_t (*count)(const void *data);
	/* The i-th member; *out_key stays untouched for lists. Keys of maps come sorted. */
	void (*member)(const void *data, size_t i, TemplateHeap *heap, const char **out_key,
		       TemplateValue *out);
	/* A member by name. Return: false if there is none. */
	bool (*lookup)(const void *data, const char *key, TemplateHeap *heap, TemplateValue *out);
	/* A method with one argument: {{.Label "x"}}. Return: false if there is none. */
	bool (*call)(const void *data, const char *name, const char *arg, TemplateHeap *heap,
		     TemplateValue *out);
	/* For {{json .}} when it is more than the members; may be NULL. */
	Json *(*to_json)(const void *data);
} TemplateOps;

struct TemplateValue {
	TemplateKind kind;
	union {
		bool boolean;
		int64_t integer;
		double real;
		const char *string; /* STRING, TIME: borrowed from the data or the heap */
		const void *data;   /* LIST, MAP, STRUCT */
	};
	const TemplateOps *ops; /* LIST, MAP, STRUCT */
};

/* A field that podman has and our JSON has not, or not under this name. */
typedef struct {
	const char *of;    /* key that leads to the struct; NULL: the outermost, or one in a list */
	const char *name;  /* NULL ends a table */
	const char *same;  /* another name for this field; NULL: none, it is empty */
	TemplateKind kind; /* of the empty one: NIL, BOOL, INT, STRING, LIST or MAP */
} TemplateField;

/*
 * What JSON does not say: which objects are maps and which strings are times, by the last key that
 * leads to them, and which fields are missing. A field of a struct is found whatever the case of
 * its letters, since Go's "OCIRuntime" is "ociRuntime" in JSON.
 */
typedef struct {
	const char *type_name;    /* of the outermost object, for messages */
	const char *const *maps;  /* keys of objects that users fill: "Labels"; NULL at the end */
	const char *const *lists; /* keys of lists: null there is an empty list; NULL at the end */
	const char *const *times; /* keys of RFC 3339 strings: "Created"; NULL at the end */
	const TemplateField *fields; /* may be NULL */
	/* Integers that are nanoseconds and print as Go prints a time.Duration; may be NULL. */
	const TemplateField *durations;
	const char *const (*types)[2]; /* key and Go's name for its struct, for messages; NULL */
} TemplateSchema;

/**
 * template_parse() - compile a template
 * @name:	how messages call it, as podman: the verb
 * @error:	INVALID, in Go's words
 */
Template *template_parse(const char *name, const char *text, GError **error);

/** template_free() - free a template; NULL is fine. */
void template_free(Template *tmpl);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Template, template_free)

/**
 * template_run() - append what the template makes of @dot to @out
 * @error:	INVALID, in Go's words; a "help: " line suggests fields. @out then holds what was
 *		printed before the error
 */
bool template_run(const Template *tmpl, const TemplateValue *dot, GString *out, GError **error);

/** template_escape_values() - make what actions print harmless on a terminal (security R14). */
void template_escape_values(Template *tmpl, bool escape);

/** template_shift_columns() - columns in messages count from @n: for what podman writes before a
 * user's template. */
void template_shift_columns(Template *tmpl, size_t n);

/** template_uses_range() - does the template walk over the whole list itself ("{{range .")? */
bool template_uses_range(const Template *tmpl);

/* Values. Everything a heap hands out lives until the run that owns the heap ends. */

/** template_nil() and its like - a value of that kind; strings are borrowed. */
TemplateValue template_nil(void);
TemplateValue template_bool(bool value);
TemplateValue template_int(int64_t value);
TemplateValue template_string(const char *borrowed);
TemplateValue template_time(const char *borrowed_rfc3339);

/** template_heap_new() - for those who make values outside a run. */
TemplateHeap *template_heap_new(void);
void template_heap_free(TemplateHeap *heap);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TemplateHeap, template_heap_free)

/** template_heap_take() - hand an allocated string to the heap. Return: the string. */
const char *template_heap_take(TemplateHeap *heap, char *string);

/** template_heap_json() - hand a reference to the heap. Return: @json. */
Json *template_heap_json(TemplateHeap *heap, Json *json);

/** template_heap_alloc() - zeroed memory of the heap. */
void *template_heap_alloc(TemplateHeap *heap, size_t size);

/**
 * template_from_json() - JSON as a value
 * @json:	borrowed: must outlive the value
 * @schema:	what is a map and what a time; borrowed; NULL: all objects are maps
 */
TemplateValue template_from_json(Json *json, const TemplateSchema *schema, TemplateHeap *heap);

/** template_from_strv() - a list of strings; @strv is borrowed, NULL is an empty list. */
TemplateValue template_from_strv(const char *const *strv, TemplateHeap *heap);

/** template_to_json() - the value as {{json}} would print it. The caller's reference; NULL is
 * JSON's null. */
Json *template_to_json(const TemplateValue *value, TemplateHeap *heap);
