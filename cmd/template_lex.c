/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Templates: source to tokens.
 */
#include "cmd/template_priv.h"

#include <string.h>

#define SPACES " \t\r\n"

typedef struct {
	const char *source;
	size_t at;
	int parens; /* open ones in this action */
	GArray *tokens;
} Lexer;

static void token_clear(void *token)
{
	g_free(((Token *)token)->text);
}

/* Emit the source between @start and the current place. */
static void emit(Lexer *lexer, TokenKind kind, size_t start)
{
	Token token = {kind, start, g_strndup(lexer->source + start, lexer->at - start)};
	g_array_append_val(lexer->tokens, token);
}

/* Emit the token that ends everything. Return: false. */
static bool G_GNUC_PRINTF(3, 4) fail(Lexer *lexer, size_t start, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	Token token = {TOKEN_ERROR, start, g_strdup_vprintf(format, args)};
	va_end(args);
	g_array_append_val(lexer->tokens, token);
	return false;
}

static bool is_space(char c)
{
	return c != '\0' && strchr(SPACES, c) != NULL;
}

/* Letters of names; what is beyond ASCII counts as a letter, as Go's letters mostly do. */
static bool is_word(char c)
{
	return g_ascii_isalnum(c) || c == '_' || (unsigned char)c >= 0x80;
}

/* How long the closing delimiter at @at is, 0 if none; " -}}" trims what follows. */
static size_t right_delimiter(const char *at, bool *out_trim)
{
	*out_trim = is_space(at[0]) && strncmp(at + 1, "-}}", 3) == 0;
	if (*out_trim)
		return 4;
	return strncmp(at, "}}", 2) == 0 ? 2 : 0;
}

static void skip_spaces(Lexer *lexer)
{
	lexer->at += strspn(lexer->source + lexer->at, SPACES);
}

/* A comment with its delimiters; the opening one is behind us. */
static bool lex_comment(Lexer *lexer, size_t start)
{
	const char *close = strstr(lexer->source + lexer->at + 2, "*/");
	if (!close)
		return fail(lexer, start, "unclosed comment");
	bool trim = false;
	size_t length = right_delimiter(close + 2, &trim);
	if (length == 0)
		return fail(lexer, start, "comment ends before closing delimiter");
	lexer->at = close + 2 + length - lexer->source;
	if (trim)
		skip_spaces(lexer);
	return true;
}

/* Text up to the next action, without what "{{- " trims. Return: false at the end. */
static bool lex_text(Lexer *lexer, bool *out_action)
{
	size_t start = lexer->at;
	const char *open = strstr(lexer->source + start, "{{");
	size_t end = open ? (size_t)(open - lexer->source) : start + strlen(lexer->source + start);
	bool trim = open && open[2] == '-' && is_space(open[3]);
	lexer->at = end;
	while (trim && lexer->at > start && is_space(lexer->source[lexer->at - 1]))
		lexer->at--;
	if (lexer->at > start)
		emit(lexer, TOKEN_TEXT, start);

	lexer->at = end;
	*out_action = false;
	if (!open) {
		emit(lexer, TOKEN_EOF, end);
		return false;
	}
	size_t marker = trim ? 2 : 0;
	lexer->at += 2 + marker;
	if (strncmp(lexer->source + lexer->at, "/*", 2) == 0)
		return lex_comment(lexer, end);
	*out_action = true;
	lexer->parens = 0;
	Token token = {TOKEN_LEFT, end, g_strdup("{{")};
	g_array_append_val(lexer->tokens, token);
	return true;
}

/* A string, raw string or character constant. */
static bool lex_quoted(Lexer *lexer)
{
	size_t start = lexer->at;
	char quote = lexer->source[lexer->at++];
	const char *what = quote == '"'   ? "quoted string"
			   : quote == '`' ? "raw quoted string"
					  : "character constant";
	for (;;) {
		char c = lexer->source[lexer->at];
		if (c == '\0' || (c == '\n' && quote != '`'))
			return fail(lexer, start, "unterminated %s", what);
		lexer->at++;
		if (c == quote)
			break;
		if (c == '\\' && quote != '`' && lexer->source[lexer->at] != '\0')
			lexer->at++;
	}
	emit(lexer, quote == '\'' ? TOKEN_CHAR : TOKEN_STRING, start);
	return true;
}

/* Takes what may be a number; parse_number() decides. A letter behind it is an error. */
static bool lex_number(Lexer *lexer)
{
	const char *s = lexer->source;
	size_t start = lexer->at;
	if (strchr("+-", s[lexer->at]))
		lexer->at++;
	bool hex =
		s[lexer->at] == '0' && s[lexer->at + 1] != '\0' && strchr("xX", s[lexer->at + 1]);
	const char *digits = "0123456789_";
	if (s[lexer->at] == '0' && s[lexer->at + 1] != '\0' && strchr("xXoObB", s[lexer->at + 1])) {
		digits = hex ? "0123456789abcdefABCDEF_" : digits;
		lexer->at += 2;
	}
	lexer->at += strspn(s + lexer->at, digits);
	if (s[lexer->at] == '.') {
		lexer->at++;
		lexer->at += strspn(s + lexer->at, digits);
	}
	if (!hex && s[lexer->at] != '\0' && strchr("eE", s[lexer->at])) {
		lexer->at++;
		if (s[lexer->at] != '\0' && strchr("+-", s[lexer->at]))
			lexer->at++;
		lexer->at += strspn(s + lexer->at, "0123456789_");
	}
	if (is_word(s[lexer->at]))
		return fail(lexer, start, "bad number syntax: \"%.*s\"",
			    (int)(lexer->at + 1 - start), s + start);
	emit(lexer, TOKEN_NUMBER, start);
	return true;
}

/* May a name end here? */
static bool at_terminator(const char *at)
{
	bool trim = false;
	return *at == '\0' || is_space(*at) || strchr(".,|:()=", *at) ||
	       right_delimiter(at, &trim) > 0;
}

/* ".Name", ".", "$name", "$" or a bare word. */
static bool lex_name(Lexer *lexer)
{
	static const char *const keywords[] = {"block",    "break", "continue", "define",
					       "else",     "end",   "if",       "range",
					       "template", "with",  NULL};
	const char *s = lexer->source;
	size_t start = lexer->at;
	char first = s[start];
	if (first == '.' || first == '$')
		lexer->at++;
	while (is_word(s[lexer->at]))
		lexer->at++;
	if (!at_terminator(s + lexer->at)) {
		g_autofree char *bad = g_strndup(s + lexer->at, 1);
		return fail(lexer, start, "bad character U+%04X '%s'", bad[0], bad);
	}

	g_autofree char *word = g_strndup(s + start, lexer->at - start);
	TokenKind kind = TOKEN_IDENTIFIER;
	if (first == '$')
		kind = TOKEN_VARIABLE;
	else if (first == '.')
		kind = word[1] == '\0' ? TOKEN_DOT : TOKEN_FIELD;
	else if (strcmp(word, "true") == 0 || strcmp(word, "false") == 0)
		kind = TOKEN_BOOL;
	else if (strcmp(word, "nil") == 0)
		kind = TOKEN_NIL;
	else if (g_strv_contains(keywords, word))
		kind = TOKEN_KEYWORD;
	emit(lexer, kind, start);
	return true;
}

/* One mark of one or two characters. */
static bool lex_mark(Lexer *lexer)
{
	size_t start = lexer->at;
	char c = lexer->source[lexer->at++];
	if (c == ':' && lexer->source[lexer->at] != '=')
		return fail(lexer, start, "expected :=");
	if (c == ':')
		lexer->at++;
	if (c == '(')
		lexer->parens++;
	if (c == ')' && --lexer->parens < 0)
		return fail(lexer, start, "unexpected \")\" in command");

	switch (c) {
	case ':':
		emit(lexer, TOKEN_DECLARE, start);
		return true;
	case '=':
		emit(lexer, TOKEN_ASSIGN, start);
		return true;
	case '|':
		emit(lexer, TOKEN_PIPE, start);
		return true;
	case ',':
		emit(lexer, TOKEN_COMMA, start);
		return true;
	case '(':
		emit(lexer, TOKEN_OPEN, start);
		return true;
	case ')':
		emit(lexer, TOKEN_CLOSE, start);
		return true;
	}
	if (g_ascii_isprint(c))
		return fail(lexer, start, "unexpected \"%c\" in command", c);
	return fail(lexer, start, "unrecognized character in action: U+%04X", (unsigned char)c);
}

/* Tokens of one action, its closing delimiter included. */
static bool lex_action(Lexer *lexer)
{
	size_t action = lexer->at;
	for (;;) {
		const char *at = lexer->source + lexer->at;
		bool trim = false;
		size_t length = right_delimiter(at, &trim);
		if (length > 0 && lexer->parens > 0)
			return fail(lexer, lexer->at, "unclosed left paren");
		if (length > 0) {
			size_t start = lexer->at;
			lexer->at += length;
			emit(lexer, TOKEN_RIGHT, start);
			if (trim)
				skip_spaces(lexer);
			return true;
		}

		bool ok;
		if (*at == '\0') {
			return fail(lexer, action, "unclosed action");
		} else if (is_space(*at)) {
			size_t start = lexer->at;
			while (is_space(lexer->source[lexer->at]) &&
			       right_delimiter(lexer->source + lexer->at, &trim) == 0)
				lexer->at++;
			emit(lexer, TOKEN_SPACE, start);
			ok = true;
		} else if (strchr("\"`'", *at)) {
			ok = lex_quoted(lexer);
		} else if (g_ascii_isdigit(*at) || strchr("+-", *at) ||
			   (*at == '.' && g_ascii_isdigit(at[1]))) {
			ok = lex_number(lexer);
		} else if (is_word(*at) || strchr(".$", *at)) {
			ok = lex_name(lexer);
		} else {
			ok = lex_mark(lexer);
		}
		if (!ok)
			return false;
	}
}

GArray *template_lex(const char *source)
{
	Lexer lexer = {.source = source, .tokens = g_array_new(FALSE, FALSE, sizeof(Token))};
	g_array_set_clear_func(lexer.tokens, token_clear);
	bool action = false;
	while (lex_text(&lexer, &action))
		if (action && !lex_action(&lexer))
			break;
	return lexer.tokens;
}

/* Exactly @digits digits in @base at *@at. */
static bool read_digits(const char **at, unsigned base, unsigned digits, unsigned *out)
{
	*out = 0;
	for (; digits > 0; digits--, (*at)++) {
		int digit = g_ascii_xdigit_value(**at);
		if (digit < 0 || (unsigned)digit >= base)
			return false;
		*out = *out * base + digit;
	}
	return true;
}

/* What stands behind a backslash; *@at moves behind it. */
static bool unquote_escape(const char **at, char quote, GString *out)
{
	static const char letters[] = "abtnvfr"; /* 7 to 13 */
	char c = **at;
	const char *letter = c != '\0' ? strchr(letters, c) : NULL;
	unsigned value = 0;
	if (c >= '0' && c <= '7') {
		if (!read_digits(at, 8, 3, &value) || value > 255)
			return false;
		g_string_append_c(out, (char)value);
		return true;
	}
	(*at)++;
	if (letter)
		g_string_append_c(out, (char)(7 + (letter - letters)));
	else if (c == '\\' || c == quote)
		g_string_append_c(out, c);
	else if (c == 'x' && read_digits(at, 16, 2, &value))
		g_string_append_c(out, (char)value);
	else if ((c == 'u' && read_digits(at, 16, 4, &value) && g_unichar_validate(value)) ||
		 (c == 'U' && read_digits(at, 16, 8, &value) && g_unichar_validate(value)))
		g_string_append_unichar(out, value);
	else
		return false;
	return true;
}

char *template_unquote(const char *literal)
{
	size_t length = strlen(literal);
	char quote = literal[0];
	if (quote == '`')
		return g_strndup(literal + 1, length - 2);

	g_autoptr(GString) out = g_string_sized_new(length);
	const char *end = literal + length - 1;
	for (const char *at = literal + 1; at < end;) {
		if (*at != '\\') {
			g_string_append_c(out, *at++);
			continue;
		}
		at++;
		if (!unquote_escape(&at, quote, out) || at > end)
			return NULL;
	}
	if (quote == '\'' && out->len == 0)
		return NULL;
	return g_string_free(g_steal_pointer(&out), FALSE);
}
