/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Templates, between their files: tokens (template_lex.c), the tree (template_parse.c), its walk
 * (template.c), functions (template_func.c), printing (template_print.c), values
 * (template_value.c).
 */
#pragma once

#include "cmd/template.h"

#define TEMPLATE_MAX_TEXT  (256 * 1024)      /* bytes of source */
#define TEMPLATE_MAX_DEPTH 100               /* nesting of parentheses, actions and calls */
#define TEMPLATE_MAX_STEPS (5 * 1000 * 1000) /* nodes walked in one run */
#define TEMPLATE_MAX_MEMORY                                                                        \
	(64u * 1024 * 1024) /* bytes of output and of values made in one run                       \
			     */

/* Tokens */

typedef enum {
	TOKEN_EOF,
	TOKEN_ERROR, /* text holds the message */
	TOKEN_TEXT,
	TOKEN_LEFT,
	TOKEN_RIGHT,
	TOKEN_SPACE,
	TOKEN_IDENTIFIER,
	TOKEN_KEYWORD,
	TOKEN_FIELD, /* ".Name" */
	TOKEN_DOT,
	TOKEN_VARIABLE, /* "$", "$name" */
	TOKEN_STRING,   /* with its quotes or backquotes */
	TOKEN_CHAR,
	TOKEN_NUMBER,
	TOKEN_BOOL,
	TOKEN_NIL,
	TOKEN_PIPE,
	TOKEN_COMMA,
	TOKEN_OPEN,
	TOKEN_CLOSE,
	TOKEN_DECLARE,
	TOKEN_ASSIGN,
} TokenKind;

typedef struct {
	TokenKind kind;
	size_t start; /* offset in the source */
	char *text;
} Token;

/** template_lex() - split a source into tokens, the last one TOKEN_EOF or TOKEN_ERROR. (transfer
 * full) */
GArray *template_lex(const char *source);

/** template_unquote() - the value of a quoted or raw string literal, or of a character in single
 * quotes. */
char *template_unquote(const char *literal);

/* The tree. All nodes belong to the template. */

typedef enum {
	/* statements */
	NODE_LIST,
	NODE_TEXT,
	NODE_ACTION,
	NODE_IF,
	NODE_WITH,
	NODE_RANGE,
	NODE_TEMPLATE,
	NODE_BREAK,
	NODE_CONTINUE,
	/* expressions */
	NODE_PIPE,
	NODE_COMMAND,
	NODE_IDENTIFIER,
	NODE_DOT,
	NODE_NIL,
	NODE_VARIABLE, /* names[0] is "$x", the rest fields */
	NODE_FIELD,    /* names are the fields */
	NODE_CHAIN,    /* children[0], then names */
	NODE_VALUE,    /* a literal */
} NodeKind;

typedef struct Node Node;
struct Node {
	NodeKind kind;
	size_t start, end;   /* in the source: what messages quote */
	size_t position;     /* what messages count lines to */
	const char *text;    /* TEXT, IDENTIFIER, TEMPLATE's name */
	const char **names;  /* VARIABLE, FIELD, CHAIN; NULL at the end. PIPE: variables it sets */
	GPtrArray *children; /* LIST, PIPE: commands, COMMAND: words, CHAIN: the head */
	TemplateValue value; /* VALUE */
	bool assigns;        /* PIPE: "=" and not ":=" */
	Node *pipe;          /* ACTION, IF, WITH, RANGE, TEMPLATE */
	Node *body, *orelse; /* IF, WITH, RANGE */
};

struct Template {
	char *name;
	char *source;
	GArray *tokens;      /* own the words that nodes point to */
	GPtrArray *pool;     /* own nodes */
	GHashTable *strings; /* own unquoted literals */
	GHashTable *defined; /* name -> Node, from define and block */
	Node *root;
	size_t shift; /* columns that messages count before the first line */
	bool escapes; /* values go to a terminal */
	bool ranges;  /* the first action is {{range .}} */
};

/** template_error() - set INVALID with "template: NAME:LINE[:COLUMN]: " before it. Return: false.
 */
bool template_error(const Template *tmpl, size_t position, bool column, GError **error,
		    const char *format, ...) G_GNUC_PRINTF(5, 6);

/* One run. */
typedef struct {
	const Template *tmpl;
	const char *name; /* of the template being run: changes in {{template}} */
	TemplateHeap *heap;
	GString *out;
	size_t out_start; /* bytes of @out that were there before */
	GArray *variables;
	unsigned depth;
	unsigned steps;
	GError **error;
} TemplateRun;

/* Values */

/** template_kind_name() - Go's name for the type of a value: "int", "[]string". */
const char *template_type_name(const TemplateValue *value);

/** template_is_true() - Go's notion of truth. */
bool template_is_true(const TemplateValue *value);

/** template_count() - members of a LIST, MAP, STRUCT; else 0. */
size_t template_count(const TemplateValue *value);

/** template_member() - the i-th member; out_key may be NULL. */
TemplateValue template_member(const TemplateValue *value, size_t i, TemplateHeap *heap,
			      const char **out_key);

/** template_list() - a list over @values, which the heap or the data must own. */
TemplateValue template_list(const TemplateValue *values, size_t n, TemplateHeap *heap);

/** template_heap_size() - bytes a heap has handed out. */
size_t template_heap_size(const TemplateHeap *heap);

/* Printing */

/** template_print() - append a value as Go's %v prints it. */
void template_print(const TemplateValue *value, TemplateHeap *heap, GString *out);

/** template_printf() - Go's Sprintf. */
void template_printf(const char *format, const TemplateValue *args, size_t n, TemplateHeap *heap,
		     GString *out);

/** template_print_float() - Go's shortest form; @json: as encoding/json, else as %v. */
void template_print_float(double real, bool json, GString *out);

/* Functions */

/* What a function takes and does. */
typedef struct {
	const char *name;
	const char *params; /* a letter each: s string, i int, l list of strings, v anything */
	bool variadic;      /* the last letter may come any number of times, also never */
	bool stops_early;   /* "and", "or": arguments behind the deciding one are not evaluated */
	/* @reason: set to why not, an owned string. */
	bool (*call)(TemplateHeap *heap, const TemplateValue *args, size_t n, TemplateValue *out,
		     char **reason);
} TemplateFunction;

/** template_function_lookup() - a function by name, NULL if there is none. */
const TemplateFunction *template_function_lookup(const char *name);

/** template_function_name() - the i-th function's name, NULL behind the last. */
const char *template_function_name(size_t i);
