/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Patterns. A set of positions in the token list is the state; every byte of the text maps it to
 * the next set, so nothing is ever tried twice.
 */
#include "build/glob.h"

#include <string.h>

#include "libpod/base/error.h"

typedef enum {
	TOKEN_BYTE,
	TOKEN_CHAR,     /* ?: the first byte of a character; TOKEN_REST takes the others */
	TOKEN_REST,     /* any number of continuation bytes */
	TOKEN_STAR,     /* any number of bytes, no slash in paths */
	TOKEN_ANYTHING, /* any number of bytes */
	TOKEN_DIRS,     /* nothing, or the next token's bytes up to a slash */
	TOKEN_DIRS_IN,
	TOKEN_CLASS,
} TokenKind;

typedef struct {
	gunichar first, last;
} Range;

typedef struct {
	TokenKind kind;
	unsigned char byte;
	bool negated;
	GArray *ranges; /* of Range, TOKEN_CLASS only */
} Token;

struct Glob {
	GlobKind kind;
	bool reversed;
	GArray *tokens;
	char *tail; /* the plain bytes it ends with: what lacks them cannot match */
};

static void clear_token(void *data)
{
	Token *token = data;
	g_clear_pointer(&token->ranges, g_array_unref);
}

void glob_free(Glob *glob)
{
	if (!glob)
		return;
	g_array_unref(glob->tokens);
	g_free(glob->tail);
	g_free(glob);
}

static void add(Glob *glob, TokenKind kind, char byte)
{
	Token token = {.kind = kind, .byte = (unsigned char)byte};
	g_array_append_val(glob->tokens, token);
}

/* One character of a class, which may be escaped. Return: behind it, or NULL if the class ends. */
static const char *class_char(const char *c, gunichar *out)
{
	if (*c == '\\')
		c++;
	if (!*c)
		return NULL;
	*out = g_utf8_get_char_validated(c, -1);
	if (*out == (gunichar)-1 || *out == (gunichar)-2) {
		*out = (unsigned char)*c;
		return c + 1;
	}
	return g_utf8_next_char(c);
}

/* "[^a-z0]" from behind the bracket. Return: behind its end, NULL if it is not one. */
static const char *add_class(Glob *glob, const char *c)
{
	Token token = {.kind = TOKEN_CLASS, .ranges = g_array_new(FALSE, FALSE, sizeof(Range))};
	token.negated = *c == '^';
	c += token.negated;
	while (c && *c && (*c != ']' || token.ranges->len == 0)) {
		Range range = {0};
		bool dangling = *c == '-' || *c == ']';
		c = dangling ? NULL : class_char(c, &range.first);
		range.last = range.first;
		if (c && *c == '-')
			c = c[1] == ']' ? NULL : class_char(c + 1, &range.last);
		if (c)
			g_array_append_val(token.ranges, range);
	}
	g_array_append_val(glob->tokens, token);
	add(glob, TOKEN_REST, 0);
	return c && *c == ']' ? c + 1 : NULL;
}

/* One or more stars. Return: behind them. */
static const char *add_star(Glob *glob, const char *c)
{
	if (glob->kind != GLOB_IGNORE || c[1] != '*') {
		add(glob, glob->kind == GLOB_TEXT ? TOKEN_ANYTHING : TOKEN_STAR, 0);
		return c + 1;
	}
	c += c[2] == '/' ? 3 : 2;
	if (*c) {
		add(glob, TOKEN_DIRS, 0);
		add(glob, TOKEN_DIRS_IN, 0);
	} else {
		add(glob, TOKEN_ANYTHING, 0);
	}
	return c;
}

/* A backslash and what it escapes. Return: behind them, NULL if it escapes nothing it may. */
static const char *add_escape(Glob *glob, const char *c)
{
	if (!c[1] || (glob->kind == GLOB_TEXT && !strchr("*?\\/}", c[1])))
		return NULL;
	add(glob, TOKEN_BYTE, c[1]);
	return c + 2;
}

/* The token at @c. Return: behind it, NULL if it makes no sense. */
static const char *add_next(Glob *glob, const char *c)
{
	switch (*c) {
	case '*':
		return add_star(glob, c);
	case '?':
		add(glob, TOKEN_CHAR, 0);
		add(glob, TOKEN_REST, 0);
		return c + 1;
	case '\\':
		return add_escape(glob, c);
	case '[':
		if (glob->kind != GLOB_TEXT)
			return add_class(glob, c + 1);
		break;
	default:
		break;
	}
	add(glob, TOKEN_BYTE, *c);
	return c + 1;
}

static const Token *token_at(const Glob *glob, size_t at)
{
	return &g_array_index(glob->tokens, Token, at);
}

/* The plain bytes at the end. */
static char *take_tail(const Glob *glob)
{
	size_t from = glob->tokens->len;
	while (from > 0 && token_at(glob, from - 1)->kind == TOKEN_BYTE)
		from--;
	GString *tail = g_string_new(NULL);
	for (size_t at = from; at < glob->tokens->len; at++)
		g_string_append_c(tail, (char)token_at(glob, at)->byte);
	return g_string_free(tail, FALSE);
}

Glob *glob_new(const char *pattern, GlobKind kind, GError **error)
{
	if (strlen(pattern) > GLOB_PATTERN_MAX)
		return error_set_null(error, ENGINE_ERROR_INVALID,
				      "a pattern is longer than %d bytes", GLOB_PATTERN_MAX);
	g_autoptr(Glob) glob = g_new0(Glob, 1);
	glob->kind = kind;
	glob->tokens = g_array_new(FALSE, FALSE, sizeof(Token));
	g_array_set_clear_func(glob->tokens, clear_token);
	for (const char *c = pattern; *c;) {
		c = add_next(glob, c);
		if (!c)
			return error_set_null(error, ENGINE_ERROR_INVALID,
					      "'%s' is not a valid pattern", pattern);
	}
	glob->tail = take_tail(glob);
	return g_steal_pointer(&glob);
}

void glob_reverse(Glob *glob)
{
	glob->reversed = !glob->reversed;
	/* Reversed bytes are only ever searched for a prefix. */
	*glob->tail = '\0';
	for (guint i = 0, j = glob->tokens->len; j > i + 1; i++, j--) {
		Token *a = &g_array_index(glob->tokens, Token, i);
		Token *b = &g_array_index(glob->tokens, Token, j - 1);
		Token moved = *a;
		*a = *b;
		*b = moved;
	}
}

/* A set of positions: its members, and for each position the round in which it became one. */
typedef struct {
	guint *members, *rounds;
	guint count, round;
} Set;

static bool set_add(Set *set, size_t at)
{
	if (set->rounds[at] == set->round)
		return false;
	set->rounds[at] = set->round;
	set->members[set->count++] = (guint)at;
	return true;
}

static bool set_has(const Set *set, size_t at)
{
	return set->rounds[at] == set->round;
}

/* Add a position, and those that are reached from it without a byte. */
static void enter(const Glob *glob, Set *set, size_t at)
{
	for (; set_add(set, at); at++) {
		if (at == glob->tokens->len)
			return;
		switch (token_at(glob, at)->kind) {
		case TOKEN_REST:
		case TOKEN_STAR:
		case TOKEN_ANYTHING:
			break;
		case TOKEN_DIRS:
			set_add(set, ++at);
			break;
		case TOKEN_BYTE:
		case TOKEN_CHAR:
		case TOKEN_DIRS_IN:
		case TOKEN_CLASS:
			return;
		}
	}
}

static bool is_continuation(char byte)
{
	return ((unsigned char)byte & 0xc0) == 0x80;
}

/* Whether the character that starts at @text is in a class; its other bytes are a TOKEN_REST. */
static bool class_matches(const Token *token, const char *text, size_t size)
{
	gunichar c = g_utf8_get_char_validated(text, (gssize)size);
	if (c == (gunichar)-1 || c == (gunichar)-2)
		c = (unsigned char)*text;
	bool found = false;
	for (guint i = 0; i < token->ranges->len && !found; i++) {
		const Range *range = &g_array_index(token->ranges, Range, i);
		found = c >= range->first && c <= range->last;
	}
	return found != token->negated && c != '/';
}

/* Where position @at leads with the byte at @text. */
static void step_token(const Glob *glob, size_t at, const char *text, size_t size, Set *next)
{
	const Token *token = token_at(glob, at);
	bool path = glob->kind != GLOB_TEXT;
	switch (token->kind) {
	case TOKEN_BYTE:
		if (token->byte == (unsigned char)*text)
			enter(glob, next, at + 1);
		break;
	case TOKEN_CHAR:
		if (!is_continuation(*text) && !(path && *text == '/'))
			enter(glob, next, at + 1);
		break;
	case TOKEN_CLASS:
		if (!is_continuation(*text) && class_matches(token, text, size))
			enter(glob, next, at + 1);
		break;
	case TOKEN_REST:
		if (is_continuation(*text))
			enter(glob, next, at);
		break;
	case TOKEN_STAR:
		if (!(path && *text == '/'))
			enter(glob, next, at);
		break;
	case TOKEN_ANYTHING:
		enter(glob, next, at);
		break;
	case TOKEN_DIRS:
		break;
	case TOKEN_DIRS_IN:
		set_add(next, at);
		if (*text == '/')
			enter(glob, next, at + 1);
		break;
	}
}

#define SMALL 64 /* positions of most patterns: their sets need no heap */

/* The sets of one search. */
typedef struct {
	Set now, next;
	size_t end; /* the position behind all tokens */
	guint small[4 * SMALL];
	guint *large; /* NULL if @small is enough */
} Search;

static void search_start(Search *s, const Glob *glob)
{
	size_t size = glob->tokens->len + 1;
	s->end = size - 1;
	s->large = size > SMALL ? g_new0(guint, 4 * size) : NULL;
	guint *room = s->large ? s->large : s->small;
	memset(room, 0, 4 * size * sizeof(guint));
	s->now = (Set){.members = room, .rounds = room + size, .round = 1};
	s->next = (Set){.members = room + 2 * size, .rounds = room + 3 * size, .round = 1};
	enter(glob, &s->now, 0);
}

static void search_clear(Search *s)
{
	g_free(s->large);
}

/* Take one byte. Return: whether any position is left. */
static bool search_step(Search *s, const Glob *glob, const char *text, size_t size)
{
	s->next.count = 0;
	s->next.round++;
	for (guint i = 0; i < s->now.count; i++) {
		if (s->now.members[i] < s->end)
			step_token(glob, s->now.members[i], text, size, &s->next);
	}
	Set moved = s->now;
	s->now = s->next;
	s->next = moved;
	return s->now.count > 0;
}

/* Most patterns have nothing to do with most paths, which a look at their ends tells. */
static bool cannot_match(const Glob *glob, const char *text)
{
	const Token *first = glob->tokens->len > 0 ? token_at(glob, 0) : NULL;
	return (first && first->kind == TOKEN_BYTE && first->byte != (unsigned char)*text) ||
	       !strstr(text, glob->tail);
}

bool glob_matches(const Glob *glob, const char *text)
{
	if (cannot_match(glob, text))
		return false;
	size_t size = strlen(text);
	Search s;
	search_start(&s, glob);
	bool alive = true;
	for (size_t i = 0; i < size && alive; i++)
		alive = search_step(&s, glob, text + i, size - i);
	bool matches = alive && set_has(&s.now, s.end);
	search_clear(&s);
	return matches;
}

bool glob_matches_parent(const Glob *glob, const char *path)
{
	if (cannot_match(glob, path))
		return false;
	size_t size = strlen(path);
	Search s;
	search_start(&s, glob);
	bool alive = true, matches = false;
	for (size_t i = 0; alive && !matches; i++) {
		matches = i > 0 && (i == size || path[i] == '/') && set_has(&s.now, s.end);
		if (i == size)
			break;
		alive = search_step(&s, glob, path + i, size - i);
	}
	search_clear(&s);
	return matches;
}

/* No match ends inside a character. */
static bool is_boundary(const Glob *glob, const char *text, size_t size, size_t at)
{
	if (at == 0 || (at == size && !glob->reversed))
		return true;
	return !is_continuation(glob->reversed ? text[at - 1] : text[at]);
}

gssize glob_prefix(const Glob *glob, const char *text, size_t size, bool longest, size_t *io_work)
{
	Search s;
	search_start(&s, glob);
	/* To start costs, too. */
	*io_work -= MIN(*io_work, s.end);
	gssize found = -1;
	bool alive = true;
	for (size_t i = 0; alive && (longest || found < 0); i++) {
		if (set_has(&s.now, s.end) && is_boundary(glob, text, size, i))
			found = (gssize)i;
		if (i == size || *io_work < s.now.count) {
			*io_work = i == size ? *io_work : 0;
			break;
		}
		*io_work -= s.now.count;
		alive = search_step(&s, glob, text + i, size - i);
	}
	search_clear(&s);
	return found;
}

bool glob_may_match_below(const Glob *glob, const char *path)
{
	g_autofree char *below = g_strconcat(path, "/", NULL);
	size_t size = strlen(below);
	Search s;
	search_start(&s, glob);
	bool alive = true;
	for (size_t i = 0; i < size && alive; i++)
		alive = search_step(&s, glob, below + i, size - i);
	/* The end alone is a match of the directory, not of what is in it. */
	alive = alive && s.now.count > (set_has(&s.now, s.end) ? 1u : 0u);
	search_clear(&s);
	return alive;
}
