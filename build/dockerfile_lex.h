/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A Dockerfile's text to logical lines: directives, comments, continuations, heredocs.
 *
 * Directives ("# escape=`") count at the very top only, each once; the first other line ends them.
 * A line goes on behind an escape character at its end (blanks may follow) that no other one
 * escapes; comments between such lines vanish, empty lines vanish with a mark for the lint.
 * Heredocs belong to RUN, COPY and ADD in their shell form, and to ONBUILD of these. A byte-order
 * mark and CR before LF are dropped.
 *
 * Refused besides what makes no sense: NUL, more than DOCKERFILE_SIZE_MAX bytes, more than
 * DOCKERFILE_LINES_MAX instructions, more than DOCKERFILE_HEREDOCS_MAX heredocs in one.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

#define DOCKERFILE_SIZE_MAX     (4u << 20)
#define DOCKERFILE_LINES_MAX    20000
#define DOCKERFILE_HEREDOCS_MAX 64

typedef struct {
	char *word;    /* as written, "<<-\"EOF\"" */
	char *name;    /* "EOF": without the quotes */
	char *content; /* without the last line; tabs are stripped already if @strip */
	unsigned fd;   /* the number in front of <<, 0 without one */
	bool strip;    /* <<-: tabs at the start of lines do not count */
	bool expand;   /* no part of the word was quoted */
	unsigned line; /* of the first line of the content */
} Heredoc;

typedef struct {
	char *text;                       /* without continuations, comments and outer blanks */
	unsigned line, end_line;          /* of the file, heredocs included */
	unsigned empty_continuation_line; /* the first empty one, 0 = none */
	GPtrArray *comments;              /* char *, the comments directly above, without # */
	GPtrArray *heredocs;              /* Heredoc *, in their order */
} DockerfileLine;

typedef struct {
	char *name;          /* of the file, for messages */
	char *syntax;        /* what "# syntax=" says, a hint only; NULL if absent */
	char *check;         /* what "# check=" says, NULL if absent */
	unsigned check_line; /* where */
	char escape;         /* backslash or backtick */
	GPtrArray *lines;    /* DockerfileLine *, at least one */
} DockerfileLex;

/**
 * dockerfile_lex() - read a whole file
 * @name:	its name in messages
 * @error:	INVALID, "NAME:LINE: what is wrong"
 */
DockerfileLex *dockerfile_lex(const char *text, size_t size, const char *name, GError **error);
void dockerfile_lex_free(DockerfileLex *lex);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DockerfileLex, dockerfile_lex_free)

/** heredoc_parse_word() - "3<<-EOF" to a heredoc without content; NULL if the word is none. */
Heredoc *heredoc_parse_word(const char *word, char escape);
void heredoc_free(void *heredoc);
