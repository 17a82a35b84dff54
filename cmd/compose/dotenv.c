/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/compose/dotenv.h"

#include <string.h>

#include "libpod/base/error.h"

typedef struct {
	const char *at;
	const char *file;
	unsigned line;
	const Interpolation *outer;
	GHashTable *seen; /* name -> value of earlier lines, borrowed */
	GPtrArray *pairs;
	size_t bytes; /* of all values */
} Parser;

void dotenv_pair_free(void *data)
{
	DotenvPair *pair = data;
	g_free(pair->name);
	g_free(pair->value);
	g_free(pair);
}

static bool fail(Parser *parser, unsigned line, GError **error, const char *text)
{
	return error_set(error, ENGINE_ERROR_INVALID, "%s: line %u: %s", parser->file, line, text);
}

/* What surrounds the file, then its earlier lines. */
static const char *lookup(const char *name, void *data)
{
	Parser *parser = data;
	const char *value = parser->outer->lookup(name, parser->outer->data);
	return value ? value : g_hash_table_lookup(parser->seen, name);
}

static void missing(const char *name, void *data)
{
	Parser *parser = data;
	if (parser->outer->missing)
		parser->outer->missing(name, parser->outer->data);
}

static void add_pair(Parser *parser, const char *name, char *value)
{
	DotenvPair *pair = g_new0(DotenvPair, 1);
	pair->name = g_strdup(name);
	pair->value = value;
	g_ptr_array_add(parser->pairs, pair);
	if (value)
		g_hash_table_insert(parser->seen, pair->name, pair->value);
	parser->bytes += value ? strlen(value) : 0;
}

/* Add a pair whose value may hold variables. */
static bool add_expanded(Parser *parser, const char *name, const char *value, unsigned line,
			 GError **error)
{
	const Interpolation env = {.lookup = lookup, .data = parser, .missing = missing};
	g_autoptr(GError) reason = NULL;
	char *out = NULL;
	if (interpolate_text(&env, value, &out, &reason) != INTERPOLATE_OK)
		return fail(parser, line, error, reason->message);
	add_pair(parser, name, out);
	return true;
}

static void skip_blanks(Parser *parser)
{
	while (*parser->at == ' ' || *parser->at == '\t' || *parser->at == '\r')
		parser->at++;
}

/* To the start of the next line that says something. */
static void skip_empty(Parser *parser)
{
	for (;;) {
		skip_blanks(parser);
		if (*parser->at == '#')
			parser->at += strcspn(parser->at, "\n");
		if (*parser->at != '\n')
			return;
		parser->at++;
		parser->line++;
	}
}

/* Behind a closing quote only a comment may stand. */
static bool end_line(Parser *parser, GError **error)
{
	skip_blanks(parser);
	if (*parser->at == '#')
		parser->at += strcspn(parser->at, "\n");
	if (*parser->at == '\n' || *parser->at == '\0')
		return true;
	g_autofree char *rest = g_strndup(parser->at, strcspn(parser->at, "\r\n"));
	g_autofree char *text = g_strdup_printf("unexpected characters behind a quote: '%s'", rest);
	return fail(parser, parser->line, error, text);
}

/* Octal digits of "\0ooo": at most three. */
static const char *append_octal(GString *out, const char *at)
{
	unsigned value = 0;
	int digits = 0;
	for (; digits < 3 && *at >= '0' && *at <= '7'; digits++)
		value = value * 8 + (unsigned)(*at++ - '0');
	/* A NUL cannot be part of a variable. */
	if (value != 0)
		g_string_append_c(out, (char)value);
	return at;
}

/* The escapes of a double-quoted text; "\$" stays doubled for the interpolation behind this. */
static char *unescape(const char *text)
{
	static const char letters[] = "abcfnrtv", values[] = "\a\b\0\f\n\r\t\v";
	GString *out = g_string_new(NULL);
	for (const char *at = text; *at; at++) {
		if (*at != '\\' || !at[1]) {
			g_string_append_c(out, *at);
			continue;
		}
		at++;
		const char *letter = strchr(letters, *at);
		if (*at == 'c')
			break;
		if (letter)
			g_string_append_c(out, values[letter - letters]);
		else if (*at == '$')
			g_string_append(out, "$$");
		else if (*at == '0')
			at = append_octal(out, at + 1) - 1;
		else if (*at == '"' || *at == '\\')
			g_string_append_c(out, *at);
		else
			g_string_append_printf(out, "\\%c", *at);
	}
	return g_string_free(out, FALSE);
}

/* The text between quotes, over lines. */
static bool take_quoted(Parser *parser, char **out, GError **error)
{
	char quote = *parser->at++;
	unsigned start = parser->line;
	const char *from = parser->at;
	for (; *parser->at && *parser->at != quote; parser->at++) {
		if (quote == '"' && *parser->at == '\\' && parser->at[1])
			parser->at++;
		if (*parser->at == '\n')
			parser->line++;
	}
	if (!*parser->at)
		return fail(parser, start, error, "unterminated quoted value");
	*out = g_strndup(from, (size_t)(parser->at - from));
	parser->at++;
	return true;
}

static bool take_quoted_value(Parser *parser, const char *name, GError **error)
{
	bool literal = *parser->at == '\'';
	unsigned line = parser->line;
	g_autofree char *text = NULL;
	if (!take_quoted(parser, &text, error))
		return false;
	if (literal) {
		add_pair(parser, name, g_steal_pointer(&text));
		return end_line(parser, error);
	}
	g_autofree char *plain = unescape(text);
	return add_expanded(parser, name, plain, line, error) && end_line(parser, error);
}

/* An unquoted value: to the end of the line or to " #". */
static bool take_plain_value(Parser *parser, const char *name, GError **error)
{
	const char *from = parser->at;
	size_t n = strcspn(from, "\n");
	parser->at += n;
	for (size_t i = 0; i < n; i++) {
		if (from[i] == '#' && (i == 0 || g_ascii_isspace(from[i - 1])))
			n = i;
	}
	g_autofree char *value = g_strndup(from, n);
	return add_expanded(parser, name, g_strchomp(value), parser->line, error);
}

static size_t key_length(const char *text)
{
	size_t n = 0;
	while (g_ascii_isalnum(text[n]) || (text[n] && strchr("_.-[]", text[n])))
		n++;
	return n;
}

/* A bare name: inherited, or there without a value. */
static void add_inherited(Parser *parser, const char *name)
{
	add_pair(parser, name, g_strdup(parser->outer->lookup(name, parser->outer->data)));
}

/* One line, or more where a quote spans them. */
static bool take_line(Parser *parser, GError **error)
{
	if (g_str_has_prefix(parser->at, "export ") || g_str_has_prefix(parser->at, "export\t")) {
		parser->at += strlen("export ");
		skip_blanks(parser);
	}
	size_t n = key_length(parser->at);
	g_autofree char *name = g_strndup(parser->at, n);
	parser->at += n;
	skip_blanks(parser);
	if (n > 0 && (*parser->at == '\n' || *parser->at == '\0' || *parser->at == '#')) {
		add_inherited(parser, name);
		return end_line(parser, error);
	}
	if (n == 0 || (*parser->at != '=' && *parser->at != ':')) {
		g_autofree char *rest = g_strndup(parser->at, strcspn(parser->at, "\r\n"));
		g_autofree char *text = g_strdup_printf(
			"unexpected character in variable name near \"%s%s\"", name, rest);
		return fail(parser, parser->line, error, text);
	}
	parser->at++;
	skip_blanks(parser);
	if (*parser->at == '\'' || *parser->at == '"')
		return take_quoted_value(parser, name, error);
	return take_plain_value(parser, name, error);
}

/* docker run's format: NAME=VALUE to the end of the line, NAME inherits. */
static bool take_raw_line(Parser *parser, GError **error)
{
	size_t n = strcspn(parser->at, "\n");
	g_autofree char *line = g_strndup(parser->at, n);
	parser->at += n;
	g_strchomp(line);
	size_t length = strcspn(line, "=");
	g_autofree char *name = g_strndup(line, length);
	if (length == 0 || strpbrk(name, " \t"))
		return fail(parser, parser->line, error, "a variable's name holds no white space");
	if (line[length] == '=')
		add_pair(parser, name, g_strdup(line + length + 1));
	else
		add_inherited(parser, name);
	return true;
}

GPtrArray *dotenv_parse(const char *text, const char *file, const Interpolation *outer, bool raw,
			GError **error)
{
	g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
	g_autoptr(GPtrArray) pairs = g_ptr_array_new_with_free_func(dotenv_pair_free);
	Parser parser = {.at = text, .file = file, .line = 1, .outer = outer};
	parser.seen = seen;
	parser.pairs = pairs;
	if (g_str_has_prefix(text, "\xef\xbb\xbf"))
		parser.at += 3;
	for (skip_empty(&parser); *parser.at; skip_empty(&parser)) {
		unsigned line = parser.line;
		if (!(raw ? take_raw_line(&parser, error) : take_line(&parser, error)))
			return NULL;
		/* Values of earlier lines in values: a small file could be of any size. */
		if (parser.bytes > DOTENV_SIZE_MAX) {
			fail(&parser, line, error, "the values are larger than 4 MiB together");
			return NULL;
		}
	}
	return g_steal_pointer(&pairs);
}
