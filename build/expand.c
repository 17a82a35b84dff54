/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Expansion by recursive descent: a text up to a stop character, in it quotes and dollars, in the
 * braces of a dollar texts again.
 */
#include "build/expand.h"

#include <string.h>

#include "build/glob.h"
#include "libpod/base/error.h"

typedef struct {
	const Expander *expander;
	const char *at;
	GPtrArray *words; /* finished words */
	GString *word;    /* the one being made; both NULL inside of braces */
	bool raw_escapes; /* escapes stay: a pattern reads them */
	unsigned depth;
	size_t produced, work;
} State;

static bool fail(GError **error, const char *what)
{
	return error_set(error, ENGINE_ERROR_INVALID, "%s", what);
}

/* Add to the result; to the words, too. Splits at blanks unless @quoted. */
static bool put(State *s, GString *out, const char *text, size_t size, bool quoted, GError **error)
{
	s->produced += size;
	if (s->produced > EXPAND_SIZE_MAX)
		return fail(error, "the result is too large");
	g_string_append_len(out, text, (gssize)size);
	for (size_t i = 0; s->words && i < size; i++) {
		if (quoted || !g_ascii_isspace(text[i]))
			g_string_append_c(s->word, text[i]);
		else if (s->word->len > 0)
			g_ptr_array_add(s->words, g_strdup(s->word->str));
		if (!quoted && g_ascii_isspace(text[i]))
			g_string_truncate(s->word, 0);
	}
	return true;
}

static bool dollar(State *s, GString *out, GError **error);

static bool single_quotes(State *s, GString *out, GError **error)
{
	const char *end = strchr(s->at + 1, '\'');
	if (!end)
		return fail(error, "a single quote is not closed");
	const char *start = s->at + 1;
	s->at = end + 1;
	return put(s, out, start, (size_t)(end - start), true, error);
}

/* What an escape inside of double quotes gives: only " $ and itself lose it. */
static bool quoted_escape(State *s, GString *out, GError **error)
{
	char c = s->at[1];
	bool takes = c == '"' || c == '$' || c == s->expander->escape;
	if (!c) {
		s->at++;
		return true;
	}
	const char *start = takes && !s->raw_escapes ? s->at + 1 : s->at;
	s->at += takes ? 2 : 1;
	return put(s, out, start, (size_t)(s->at - start), true, error);
}

static bool double_quotes(State *s, GString *out, GError **error)
{
	for (s->at++; *s->at != '"';) {
		if (!*s->at)
			return fail(error, "a double quote is not closed");
		if (*s->at == '$') {
			g_autoptr(GString) value = g_string_new(NULL);
			State inner = *s;
			inner.words = NULL;
			bool ok = dollar(&inner, value, error);
			s->at = inner.at;
			s->work = inner.work;
			if (!ok || !put(s, out, value->str, value->len, true, error))
				return false;
		} else if (*s->at == s->expander->escape) {
			if (!quoted_escape(s, out, error))
				return false;
		} else if (!put(s, out, s->at++, 1, true, error)) {
			return false;
		}
	}
	s->at++;
	return true;
}

/* An escape and what it escapes. The last character of a text escapes nothing and vanishes. */
static bool escaped(State *s, GString *out, GError **error)
{
	if (s->raw_escapes && !put(s, out, s->at, 1, true, error))
		return false;
	s->at++;
	return !*s->at || put(s, out, s->at++, 1, true, error);
}

/* A piece of text: a quoted part, a dollar, an escape, or one byte. */
static bool piece(State *s, GString *out, GError **error)
{
	bool quotes = !s->expander->raw_quotes;
	if (*s->at == '\'' && quotes)
		return single_quotes(s, out, error);
	if (*s->at == '"' && quotes)
		return double_quotes(s, out, error);
	if (*s->at == '$') {
		g_autoptr(GString) value = g_string_new(NULL);
		return dollar(s, value, error) && put(s, out, value->str, value->len, false, error);
	}
	if (*s->at == s->expander->escape)
		return escaped(s, out, error);
	return put(s, out, s->at++, 1, false, error);
}

/* A text inside of braces up to @stop, which is skipped. Return: the text, NULL on error. */
static char *text_until(State *s, char stop, bool raw_escapes, GError **error)
{
	g_autoptr(GString) out = g_string_new(NULL);
	State inner = *s;
	inner.words = NULL;
	inner.raw_escapes = raw_escapes;
	bool ok = true;
	while (ok && *inner.at && *inner.at != stop)
		ok = piece(&inner, out, error);
	s->at = inner.at;
	s->work = inner.work;
	if (!ok)
		return NULL;
	if (*s->at != stop) {
		error_set(error, ENGINE_ERROR_INVALID, "'%c' is missing at the end of '${'", stop);
		return NULL;
	}
	s->at++;
	return g_string_free(g_steal_pointer(&out), FALSE);
}

/* A name, a number or a special parameter; empty if there is none. */
static char *take_name(State *s)
{
	const char *start = s->at;
	if (g_ascii_isdigit(*s->at)) {
		while (g_ascii_isdigit(*s->at))
			s->at++;
	} else if (*s->at && strchr("@*#?-$!", *s->at)) {
		s->at++;
	} else {
		while (g_ascii_isalnum(*s->at) || *s->at == '_')
			s->at++;
	}
	return g_strndup(start, (size_t)(s->at - start));
}

static const char *look_up(State *s, const char *name)
{
	bool plain = g_ascii_isalpha(*name) || *name == '_';
	const char *value = plain ? s->expander->lookup(name, s->expander->data) : NULL;
	if (!value && plain && s->expander->unset)
		g_hash_table_add(s->expander->unset, g_strdup(name));
	return value;
}

/* ${x?message} */
static bool must_be_set(const char *name, const char *value, bool colon, const char *message,
			GError **error)
{
	if (value && !(colon && !*value))
		return true;
	const char *standard = value ? "is not allowed to be empty" : "is not allowed to be unset";
	return error_set(error, ENGINE_ERROR_INVALID, "%s: %s", name,
			 *message ? message : standard);
}

/* ${x-w} ${x+w} ${x?w}, with or without a colon. @s is at the op. */
static bool conditional(State *s, const char *name, bool colon, GString *out, GError **error)
{
	char op = *s->at++;
	if (!op || !strchr("-+?", op))
		return error_set(error, ENGINE_ERROR_INVALID, "unknown operator '%s%.*s' in '${%s'",
				 colon ? ":" : "", op ? 1 : 0, s->at - 1, name);
	g_autofree char *word = text_until(s, '}', false, error);
	if (!word)
		return false;
	const char *value = NULL;
	if (op == '?') {
		value = look_up(s, name);
		if (!must_be_set(name, value, colon, word, error))
			return false;
	} else {
		/* To ask is not to use: no word about a variable that is not set. */
		value = s->expander->lookup(name, s->expander->data);
		bool has = value && !(colon && !*value);
		if (op == '-')
			value = has ? value : word;
		else
			value = has ? word : "";
	}
	return put(s, out, value, strlen(value), false, error);
}

static bool check_work(const State *s, GError **error)
{
	return s->work > 0 || fail(error, "a pattern takes too long to match");
}

/* ${x#p} ${x##p} ${x%p} ${x%%p} */
static bool trim(State *s, const char *name, GString *out, GError **error)
{
	char op = *s->at++;
	bool longest = *s->at == op;
	s->at += longest;
	g_autofree char *pattern = text_until(s, '}', true, error);
	g_autoptr(Glob) glob = pattern ? glob_new(pattern, GLOB_TEXT, error) : NULL;
	if (!glob)
		return false;
	const char *value = look_up(s, name);
	size_t size = value ? strlen(value) : 0;
	s->work -= MIN(s->work, size);
	g_autofree char *copy = g_strdup(value ? value : "");
	if (op == '%') {
		glob_reverse(glob);
		for (size_t i = 0; i < size; i++)
			copy[i] = value[size - 1 - i];
	}
	gssize cut = glob_prefix(glob, copy, size, longest, &s->work);
	if (!check_work(s, error))
		return false;
	size_t from = cut > 0 && op == '#' ? (size_t)cut : 0;
	size_t keep = size - (cut > 0 ? (size_t)cut : 0);
	return put(s, out, value ? value + from : "", keep, false, error);
}

/* Every match of @glob in @value, or the first one only, becomes @word. */
static bool replace_matches(State *s, const Glob *glob, const char *value, const char *word,
			    bool all, GString *out, GError **error)
{
	size_t size = strlen(value);
	bool more = true;
	for (size_t i = 0; i < size;) {
		gssize n = -1;
		if (more)
			n = glob_prefix(glob, value + i, size - i, true, &s->work);
		if (!check_work(s, error))
			return false;
		if (n > 0) {
			if (!put(s, out, word, strlen(word), false, error))
				return false;
			i += (size_t)n;
			more = all;
		} else if (!put(s, out, value + i++, 1, false, error)) {
			return false;
		}
	}
	return true;
}

/* ${x/p/w} ${x//p/w} */
static bool substitute(State *s, const char *name, GString *out, GError **error)
{
	s->at++;
	bool all = *s->at == '/';
	s->at += all;
	g_autofree char *pattern = text_until(s, '/', true, error);
	g_autofree char *word = pattern ? text_until(s, '}', true, error) : NULL;
	g_autoptr(Glob) glob = word ? glob_new(pattern, GLOB_TEXT, error) : NULL;
	if (!glob)
		return false;
	const char *value = look_up(s, name);
	return replace_matches(s, glob, value ? value : "", word, all, out, error);
}

/* What stands between braces. */
static bool braces(State *s, GString *out, GError **error)
{
	g_autofree char *name = take_name(s);
	if (!*name)
		return *s->at ? fail(error, "bad substitution: a name is missing behind '${'")
			      : fail(error, "'}' is missing at the end of '${'");
	switch (*s->at) {
	case '}': {
		s->at++;
		const char *value = look_up(s, name);
		return !value || put(s, out, value, strlen(value), false, error);
	}
	case '#':
	case '%':
		return trim(s, name, out, error);
	case '/':
		return substitute(s, name, out, error);
	case ':':
		s->at++;
		return conditional(s, name, true, out, error);
	case '\0':
		return fail(error, "'}' is missing at the end of '${'");
	default:
		return conditional(s, name, false, out, error);
	}
}

/* A dollar and what it names, without touching the words. */
static bool dollar(State *s, GString *out, GError **error)
{
	State inner = *s;
	inner.words = NULL;
	inner.at++;
	inner.depth++;
	bool ok = true;
	if (*inner.at == '{') {
		inner.at++;
		ok = inner.depth <= EXPAND_DEPTH_MAX ? braces(&inner, out, error)
						     : fail(error, "too many nested braces");
	} else {
		g_autofree char *name = take_name(&inner);
		const char *value = *name ? look_up(&inner, name) : "$";
		ok = !value || put(&inner, out, value, strlen(value), false, error);
	}
	s->at = inner.at;
	s->work = inner.work;
	return ok;
}

/* The whole of @text; @words is NULL if nobody wants them. */
static char *run(const Expander *expander, const char *text, GPtrArray *words, GError **error)
{
	g_autoptr(GString) out = g_string_new(NULL);
	g_autoptr(GString) word = g_string_new(NULL);
	State state = {.expander = expander,
		       .at = text,
		       .words = words,
		       .word = word,
		       .work = EXPAND_WORK_MAX};
	while (*state.at) {
		if (!piece(&state, out, error))
			return NULL;
	}
	if (words && word->len > 0)
		g_ptr_array_add(words, g_strdup(word->str));
	return g_string_free(g_steal_pointer(&out), FALSE);
}

char *expand_word(const Expander *expander, const char *text, GError **error)
{
	return run(expander, text, NULL, error);
}

char **expand_words(const Expander *expander, const char *text, GError **error)
{
	g_autoptr(GPtrArray) words = g_ptr_array_new_with_free_func(g_free);
	g_autofree char *whole = run(expander, text, words, error);
	if (!whole)
		return NULL;
	g_ptr_array_set_free_func(words, NULL);
	g_ptr_array_add(words, NULL);
	return (char **)g_ptr_array_free(g_steal_pointer(&words), FALSE);
}
