/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lexer goes line by line; what an instruction consumes (continuations, heredocs) it takes
 * from the same place.
 */
#include "build/dockerfile_lex.h"

#include <string.h>

#include "build/dockerfile_words.h"
#include "libpod/base/error.h"

typedef struct {
	DockerfileLex *lex;
	const char *at, *end;
	unsigned line;       /* the number of the line last taken */
	bool directives;     /* still at the top */
	bool escape_seen;    /* the directive */
	GPtrArray *comments; /* collected for the next instruction */
} Lexer;

static bool fail(const Lexer *l, unsigned line, GError **error, const char *what)
{
	return error_set(error, ENGINE_ERROR_INVALID, "%s:%u: %s", l->lex->name, line, what);
}

void heredoc_free(void *data)
{
	Heredoc *heredoc = data;
	if (!heredoc)
		return;
	g_free(heredoc->word);
	g_free(heredoc->name);
	g_free(heredoc->content);
	g_free(heredoc);
}

static void free_line(void *data)
{
	DockerfileLine *line = data;
	g_free(line->text);
	g_clear_pointer(&line->comments, g_ptr_array_unref);
	g_clear_pointer(&line->heredocs, g_ptr_array_unref);
	g_free(line);
}

void dockerfile_lex_free(DockerfileLex *lex)
{
	if (!lex)
		return;
	g_free(lex->name);
	g_free(lex->syntax);
	g_free(lex->check);
	g_ptr_array_unref(lex->lines);
	g_free(lex);
}

/* The next line of the file without its end. Return: false at the end of the file. */
static bool take_line(Lexer *l, const char **out, size_t *out_size)
{
	if (l->at == l->end)
		return false;
	const char *newline = memchr(l->at, '\n', (size_t)(l->end - l->at));
	const char *end = newline ? newline : l->end;
	*out = l->at;
	*out_size = (size_t)(end - l->at);
	if (*out_size > 0 && end[-1] == '\r')
		*out_size -= 1;
	l->at = newline ? newline + 1 : l->end;
	l->line++;
	return true;
}

static void trim_left(const char **text, size_t *size)
{
	while (*size > 0 && g_ascii_isspace(**text)) {
		*text += 1;
		*size -= 1;
	}
}

/* "key = value" of a comment's text. Return: whether it has the form of a directive. */
static bool split_directive(const char *comment, char **out_key, char **out_value)
{
	const char *c = comment;
	while (g_ascii_isalnum(*c))
		c++;
	const char *key_end = c;
	while (g_ascii_isspace(*c))
		c++;
	if (*c != '=' || key_end == comment || !g_ascii_isalpha(*comment))
		return false;
	g_autofree char *value = g_strstrip(g_strdup(c + 1));
	if (!*value)
		return false;
	*out_key = g_ascii_strdown(comment, key_end - comment);
	*out_value = g_steal_pointer(&value);
	return true;
}

/* Store a directive. Return: false with an error; an unknown one just ends the directives. */
static bool take_directive(Lexer *l, const char *key, char **io_value, GError **error)
{
	DockerfileLex *lex = l->lex;
	bool is_escape = strcmp(key, "escape") == 0;
	char **slot = NULL;
	if (strcmp(key, "syntax") == 0)
		slot = &lex->syntax;
	else if (strcmp(key, "check") == 0)
		slot = &lex->check;
	l->directives = is_escape || slot;
	if (!l->directives)
		return true;
	if (is_escape ? l->escape_seen : *slot != NULL)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "%s:%u: only one '%s' directive can be used", lex->name, l->line,
				 key);
	if (slot) {
		if (slot == &lex->check)
			lex->check_line = l->line;
		*slot = g_steal_pointer(io_value);
		return true;
	}
	l->escape_seen = true;
	if (strcmp(*io_value, "\\") != 0 && strcmp(*io_value, "`") != 0)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "%s:%u: invalid escape '%s': must be \\ or `", lex->name, l->line,
				 *io_value);
	lex->escape = **io_value;
	return true;
}

/* A comment between instructions: a directive, or kept for the next instruction. */
static bool take_comment(Lexer *l, const char *text, size_t size, GError **error)
{
	g_autofree char *comment = g_strstrip(g_strndup(text + 1, size - 1));
	g_autofree char *key = NULL;
	g_autofree char *value = NULL;
	if (l->directives) {
		l->directives = split_directive(comment, &key, &value);
		if (l->directives && !take_directive(l, key, &value, error))
			return false;
		if (l->directives)
			return true;
	}
	if (!*comment)
		g_ptr_array_set_size(l->comments, 0);
	else
		g_ptr_array_add(l->comments, g_steal_pointer(&comment));
	return true;
}

/* Cut a continuation off the end. Return: whether there was one. */
static bool cut_continuation(char escape, const char *text, size_t *size)
{
	size_t n = *size;
	while (n > 0 && (text[n - 1] == ' ' || text[n - 1] == '\t'))
		n--;
	if (n == 0 || text[n - 1] != escape || (n > 1 && text[n - 2] == escape))
		return false;
	*size = n - 1;
	return true;
}

/* The rest of an instruction that goes on. */
static void take_continuations(Lexer *l, DockerfileLine *line, GString *text)
{
	const char *more;
	size_t size;
	bool goes_on = true;
	while (goes_on && take_line(l, &more, &size)) {
		const char *shown = more;
		size_t shown_size = size;
		trim_left(&shown, &shown_size);
		if (shown_size > 0 && *shown == '#')
			continue;
		if (shown_size == 0) {
			if (line->empty_continuation_line == 0)
				line->empty_continuation_line = l->line;
			continue;
		}
		goes_on = cut_continuation(l->lex->escape, more, &size);
		g_string_append_len(text, more, (gssize)size);
	}
}

/* A word without its quotes; @out_quoted says whether it had some. */
static char *unquote(const char *word, char escape, bool *out_quoted)
{
	GString *plain = g_string_new(NULL);
	char quote = '\0';
	*out_quoted = false;
	for (const char *c = word; *c; c++) {
		if (quote ? *c == quote : *c == '"' || *c == '\'') {
			*out_quoted = true;
			quote = quote ? '\0' : *c;
		} else if (*c == escape && quote != '\'' && c[1]) {
			g_string_append_c(plain, *++c);
		} else {
			g_string_append_c(plain, *c);
		}
	}
	return g_string_free(plain, FALSE);
}

Heredoc *heredoc_parse_word(const char *word, char escape)
{
	const char *c = word;
	guint64 fd = 0;
	for (; g_ascii_isdigit(*c); c++)
		fd = MIN(fd * 10 + (guint64)(*c - '0'), G_MAXUINT);
	if (c[0] != '<' || c[1] != '<')
		return NULL;
	c += 2;
	bool strip = *c == '-';
	c += strip;
	if (!*c || strchr(c, '<'))
		return NULL;
	bool quoted = false;
	g_autofree char *name = unquote(c, escape, &quoted);
	if (!*name)
		return NULL;
	Heredoc *heredoc = g_new0(Heredoc, 1);
	heredoc->word = g_strdup(word);
	heredoc->name = g_steal_pointer(&name);
	heredoc->fd = (unsigned)fd;
	heredoc->strip = strip;
	heredoc->expand = !quoted;
	return heredoc;
}

static bool is_keyword(const char *text, const char *keyword)
{
	size_t n = strlen(keyword);
	return g_ascii_strncasecmp(text, keyword, n) == 0 && g_ascii_isspace(text[n]);
}

/* The arguments of an instruction that may have heredocs, NULL if it may not. */
static const char *heredoc_arguments(const char *text)
{
	if (!strstr(text, "<<"))
		return NULL;
	if (is_keyword(text, "ONBUILD"))
		text = dockerfile_skip_keyword(text);
	if (!is_keyword(text, "RUN") && !is_keyword(text, "COPY") && !is_keyword(text, "ADD"))
		return NULL;
	const char *arguments = dockerfile_skip_keyword(text);
	g_strfreev(dockerfile_take_flags(&arguments));
	g_auto(GStrv) json = NULL;
	return dockerfile_json_array(arguments, &json) == DOCKERFILE_JSON_NONE ? arguments : NULL;
}

/* The lines of a heredoc up to its name. */
static bool take_content(Lexer *l, Heredoc *heredoc, unsigned line, GError **error)
{
	g_autoptr(GString) content = g_string_new(NULL);
	const char *text;
	size_t size;
	heredoc->line = l->line + 1;
	while (true) {
		const char *start = l->at;
		if (!take_line(l, &text, &size))
			break;
		size_t stripped = 0;
		while (heredoc->strip && stripped < size && text[stripped] == '\t')
			stripped++;
		if (size - stripped == strlen(heredoc->name) &&
		    memcmp(text + stripped, heredoc->name, size - stripped) == 0) {
			heredoc->content = g_string_free(g_steal_pointer(&content), FALSE);
			return true;
		}
		g_string_append_len(content, start + stripped, l->at - start - (gssize)stripped);
	}
	error_set(error, ENGINE_ERROR_INVALID, "%s:%u: heredoc '%s' is not closed", l->lex->name,
		  line, heredoc->name);
	error_add_help(error, "it ends at a line that holds nothing but %s", heredoc->name);
	return false;
}

static bool take_heredocs(Lexer *l, DockerfileLine *line, GError **error)
{
	const char *arguments = heredoc_arguments(line->text);
	if (!arguments)
		return true;
	g_auto(GStrv) words = dockerfile_words(arguments, l->lex->escape);
	for (size_t i = 0; words[i]; i++) {
		Heredoc *heredoc = heredoc_parse_word(words[i], l->lex->escape);
		if (!heredoc)
			continue;
		g_ptr_array_add(line->heredocs, heredoc);
		if (line->heredocs->len > DOCKERFILE_HEREDOCS_MAX)
			return fail(l, line->line, error, "too many heredocs in one instruction");
		if (!take_content(l, heredoc, line->line, error))
			return false;
	}
	return true;
}

/* An instruction that starts with the line given. */
static bool take_instruction(Lexer *l, const char *start, size_t size, GError **error)
{
	DockerfileLine *line = g_new0(DockerfileLine, 1);
	line->heredocs = g_ptr_array_new_with_free_func(heredoc_free);
	line->comments = g_steal_pointer(&l->comments);
	l->comments = g_ptr_array_new_with_free_func(g_free);
	line->line = l->line;
	g_ptr_array_add(l->lex->lines, line);
	if (l->lex->lines->len > DOCKERFILE_LINES_MAX)
		return fail(l, line->line, error, "too many instructions");

	bool goes_on = cut_continuation(l->lex->escape, start, &size);
	g_autoptr(GString) text = g_string_new_len(start, (gssize)size);
	if (goes_on)
		take_continuations(l, line, text);
	line->text = g_strstrip(g_string_free(g_steal_pointer(&text), FALSE));
	bool ok = take_heredocs(l, line, error);
	line->end_line = l->line;
	if (ok && !*line->text)
		g_ptr_array_set_size(l->lex->lines, (gint)l->lex->lines->len - 1);
	return ok;
}

/* All lines of the file. */
static bool lex_lines(Lexer *l, GError **error)
{
	const char *text;
	size_t size;
	while (take_line(l, &text, &size)) {
		trim_left(&text, &size);
		bool ok = true;
		if (size > 0 && *text == '#') {
			ok = take_comment(l, text, size, error);
		} else {
			l->directives = false;
			if (size > 0)
				ok = take_instruction(l, text, size, error);
			else
				g_ptr_array_set_size(l->comments, 0);
		}
		if (!ok)
			return false;
	}
	return l->lex->lines->len > 0 || fail(l, MAX(l->line, 1), error, "no instruction");
}

/* The line of an offset. */
static unsigned count_lines(const char *text, const char *at)
{
	unsigned line = 1;
	for (const char *c = text; c < at; c++)
		line += *c == '\n';
	return line;
}

DockerfileLex *dockerfile_lex(const char *text, size_t size, const char *name, GError **error)
{
	g_autoptr(DockerfileLex) lex = g_new0(DockerfileLex, 1);
	lex->name = g_strdup(name);
	lex->escape = '\\';
	lex->lines = g_ptr_array_new_with_free_func(free_line);
	Lexer lexer = {.lex = lex, .at = text, .end = text + size, .directives = true};
	if (size > DOCKERFILE_SIZE_MAX)
		return error_set_null(error, ENGINE_ERROR_INVALID, "%s: larger than %u bytes", name,
				      DOCKERFILE_SIZE_MAX);
	const char *nul = memchr(text, '\0', size);
	if (nul) {
		fail(&lexer, count_lines(text, nul), error, "a NUL byte");
		return NULL;
	}
	if (size >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
		lexer.at += 3;
	lexer.comments = g_ptr_array_new_with_free_func(g_free);
	bool ok = lex_lines(&lexer, error);
	g_ptr_array_unref(lexer.comments);
	return ok ? g_steal_pointer(&lex) : NULL;
}
