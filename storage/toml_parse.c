/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TOML text to values.
 *
 * A line is a comment, a [table] or [[array]] header, or key = value. The rules about what may be
 * defined twice need two marks on tables: "explicit" (a header named it, or a dotted key made it in
 * a section that has ended: no header may follow) and "frozen" (written inline: nothing may be
 * added).
 */
#include "storage/toml_priv.h"

#include <string.h>

#include "libpod/base/error.h"

#define DOCUMENT_MAX_SIZE (1 << 20)
#define DEPTH_MAX         64

typedef struct {
	const char *at;
	const char *end;
	const char *line_start;
	int line;
	const char *name;
	TomlValue *root;
	TomlValue *section; /* where key = value goes */
	GPtrArray *pending; /* tables made by dotted keys of this section: explicit when it ends */
	int depth;
	GError **error;
} Parser;

static TomlValue *parse_value(Parser *p);

static bool fail(Parser *p, const char *format, ...) G_GNUC_PRINTF(2, 3);

static bool fail(Parser *p, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	g_autofree char *message = g_strdup_vprintf(format, args);
	va_end(args);
	return error_set(p->error, ENGINE_ERROR_INVALID, "%s:%d:%d: %s", p->name, p->line,
			 (int)(p->at - p->line_start) + 1, message);
}

static TomlValue *new_value(Parser *p, TomlKind kind)
{
	return toml_value_new(kind, p->name, p->line, (int)(p->at - p->line_start) + 1);
}

static char peek(const Parser *p)
{
	return p->at < p->end ? *p->at : '\0';
}

static bool starts_with(const Parser *p, const char *text)
{
	size_t length = strlen(text);
	return (size_t)(p->end - p->at) >= length && memcmp(p->at, text, length) == 0;
}

static void skip_spaces(Parser *p)
{
	while (peek(p) == ' ' || peek(p) == '\t')
		p->at++;
}

/* Step over "\n" or "\r\n". */
static bool accept_newline(Parser *p)
{
	if (starts_with(p, "\r\n"))
		p->at += 2;
	else if (peek(p) == '\n')
		p->at++;
	else
		return false;
	p->line++;
	p->line_start = p->at;
	return true;
}

static bool is_control(char c)
{
	return ((unsigned char)c < 0x20 && c != '\t') || c == 0x7f;
}

static bool skip_comment(Parser *p)
{
	if (peek(p) != '#')
		return true;
	while (p->at < p->end && *p->at != '\n' && !starts_with(p, "\r\n")) {
		if (is_control(*p->at))
			return fail(p, "a comment holds a control character");
		p->at++;
	}
	return true;
}

/* Spaces, comments and line ends: what may stand between the elements of an array. */
static bool skip_blank(Parser *p)
{
	do {
		skip_spaces(p);
		if (!skip_comment(p))
			return false;
	} while (accept_newline(p));
	return true;
}

/* \uXXXX and \UXXXXXXXX */
static bool append_unicode(Parser *p, int digits, GString *out)
{
	gunichar code = 0;
	for (int i = 0; i < digits; i++, p->at++) {
		if (!g_ascii_isxdigit(peek(p)))
			return fail(p, "a \\%c escape needs %d hex digits", digits == 4 ? 'u' : 'U',
				    digits);
		code = code * 16 + (gunichar)g_ascii_xdigit_value(*p->at);
	}
	if (code == 0 || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
		return fail(p, "the escape is not a character");
	g_string_append_unichar(out, code);
	return true;
}

/* Behind a backslash at a line's end: all white space up to the next character goes. */
static bool skip_folded(Parser *p)
{
	skip_spaces(p);
	if (!accept_newline(p))
		return fail(p, "only white space may follow a backslash at the end of a line");
	do
		skip_spaces(p);
	while (accept_newline(p));
	return true;
}

/* An escape at its backslash; @multiline also knows a folded line end. */
static bool append_escape(Parser *p, bool multiline, GString *out)
{
	static const char letters[] = "btnfr\"\\";
	static const char values[] = "\b\t\n\f\r\"\\";

	p->at++;
	char c = peek(p);
	const char *found = c ? strchr(letters, c) : NULL;
	if (found) {
		g_string_append_c(out, values[found - letters]);
		p->at++;
		return true;
	}
	if (c == 'u' || c == 'U') {
		p->at++;
		return append_unicode(p, c == 'u' ? 4 : 8, out);
	}
	if (multiline && (c == ' ' || c == '\t' || c == '\n' || starts_with(p, "\r\n")))
		return skip_folded(p);
	return fail(p, "unknown escape in a string");
}

/* The rest of a """ or ''' string; up to two quotes may stand directly before the closing three. */
static char *parse_multiline(Parser *p, char quote)
{
	const char closing[] = {quote, quote, quote, '\0'};
	g_autoptr(GString) out = g_string_new(NULL);
	p->at += 3;
	accept_newline(p);
	while (p->at < p->end) {
		if (starts_with(p, closing)) {
			p->at += 3;
			for (int i = 0; i < 2 && peek(p) == quote; i++, p->at++)
				g_string_append_c(out, quote);
			return g_string_free(g_steal_pointer(&out), FALSE);
		}
		if (quote == '"' && *p->at == '\\') {
			if (!append_escape(p, true, out))
				return NULL;
		} else if (accept_newline(p)) {
			g_string_append_c(out, '\n');
		} else if (is_control(*p->at)) {
			fail(p, "a string holds a control character");
			return NULL;
		} else {
			g_string_append_c(out, *p->at++);
		}
	}
	fail(p, "a multi-line string has no end");
	return NULL;
}

/* A "basic" or 'literal' string on one line. */
static char *parse_single_line(Parser *p)
{
	char quote = *p->at++;
	g_autoptr(GString) out = g_string_new(NULL);
	while (p->at < p->end && *p->at != quote) {
		if (quote == '"' && *p->at == '\\') {
			if (!append_escape(p, false, out))
				return NULL;
		} else if (is_control(*p->at)) {
			fail(p, *p->at == '\n' || *p->at == '\r'
					? "a string has no end on its line"
					: "a string holds a control character");
			return NULL;
		} else {
			g_string_append_c(out, *p->at++);
		}
	}
	if (p->at >= p->end) {
		fail(p, "a string has no end");
		return NULL;
	}
	p->at++;
	return g_string_free(g_steal_pointer(&out), FALSE);
}

static bool is_bare_key(char c)
{
	return g_ascii_isalnum(c) || c == '_' || c == '-';
}

/* A bare or quoted part of a key. g_free() it; NULL after fail(). */
static char *parse_key_part(Parser *p)
{
	if (peek(p) == '"' || peek(p) == '\'')
		return parse_single_line(p);
	const char *start = p->at;
	while (is_bare_key(peek(p)))
		p->at++;
	if (p->at == start) {
		fail(p, "expected a key");
		return NULL;
	}
	return g_strndup(start, p->at - start);
}

/* A dotted key: its parts, at least one. */
static char **parse_key(Parser *p)
{
	g_autoptr(GStrvBuilder) parts = g_strv_builder_new();
	for (int depth = 0;; depth++) {
		if (depth == DEPTH_MAX) {
			fail(p, "the key has more than %d parts", DEPTH_MAX);
			return NULL;
		}
		g_autofree char *part = parse_key_part(p);
		if (!part)
			return NULL;
		g_strv_builder_add(parts, part);
		skip_spaces(p);
		if (peek(p) != '.')
			return g_strv_builder_end(parts);
		p->at++;
		skip_spaces(p);
	}
}

/*
 * The table that @key names in @table, made if absent. In headers an array of tables stands for its
 * last element; in inline tables it does not.
 */
static TomlValue *descend(Parser *p, TomlValue *table, const char *key, bool through_arrays)
{
	TomlValue *next = g_hash_table_lookup(table->members, key);
	if (!next) {
		next = new_value(p, TOML_TABLE);
		toml_table_put(table, key, next);
		return next;
	}
	if (next->is_frozen) {
		fail(p, "'%s' was written inline (line %d) and cannot be added to", key,
		     next->line);
		return NULL;
	}
	if (through_arrays && next->kind == TOML_ARRAY && next->items->len > 0)
		next = g_ptr_array_index(next->items, next->items->len - 1);
	if (next->kind != TOML_TABLE) {
		fail(p, "'%s' already has a value (line %d)", key, next->line);
		return NULL;
	}
	return next;
}

/* key = value into @table; @in_inline for the members of an inline table. */
static bool parse_assignment(Parser *p, TomlValue *table, bool in_inline)
{
	g_auto(GStrv) key = parse_key(p);
	if (!key)
		return false;
	if (peek(p) != '=')
		return fail(p, "expected '=' after a key");
	p->at++;
	skip_spaces(p);
	g_autoptr(TomlValue) value = parse_value(p);
	if (!value)
		return false;

	size_t last = g_strv_length(key) - 1;
	for (size_t i = 0; i < last; i++) {
		TomlValue *named = g_hash_table_lookup(table->members, key[i]);
		if (!in_inline && named && named->is_explicit)
			return fail(p, "'%s' was already defined as a table (line %d)", key[i],
				    named->line);
		table = descend(p, table, key[i], !in_inline);
		if (!table)
			return false;
		if (!in_inline)
			g_ptr_array_add(p->pending, table);
	}
	TomlValue *old = g_hash_table_lookup(table->members, key[last]);
	if (old)
		return fail(p, "'%s' already has a value (line %d)", key[last], old->line);
	if (value->kind == TOML_TABLE || value->kind == TOML_ARRAY)
		value->is_frozen = true;
	toml_table_put(table, key[last], g_steal_pointer(&value));
	return true;
}

/* What stands between the braces of an inline table, and the closing one. */
static bool parse_inline_members(Parser *p, TomlValue *table)
{
	skip_spaces(p);
	if (peek(p) == '}') {
		p->at++;
		return true;
	}
	for (;;) {
		if (!parse_assignment(p, table, true))
			return false;
		skip_spaces(p);
		if (peek(p) == '}') {
			p->at++;
			return true;
		}
		if (peek(p) != ',')
			return fail(p, "expected ',' or '}' in an inline table");
		p->at++;
		skip_spaces(p);
	}
}

/* What stands between the brackets of an array, and the closing one. */
static bool parse_items(Parser *p, TomlValue *array)
{
	for (;;) {
		if (!skip_blank(p))
			return false;
		if (peek(p) == ']')
			break;
		TomlValue *item = parse_value(p);
		if (!item)
			return false;
		if (item->kind == TOML_TABLE || item->kind == TOML_ARRAY)
			item->is_frozen = true;
		g_ptr_array_add(array->items, item);
		if (!skip_blank(p))
			return false;
		if (peek(p) == ']')
			break;
		if (peek(p) != ',')
			return fail(p, "expected ',' or ']' in an array");
		p->at++;
	}
	p->at++;
	return true;
}

/* An array or an inline table, within the limit of nesting. */
static TomlValue *parse_container(Parser *p)
{
	bool is_array = peek(p) == '[';
	g_autoptr(TomlValue) value = new_value(p, is_array ? TOML_ARRAY : TOML_TABLE);
	if (++p->depth > DEPTH_MAX) {
		fail(p, "values nest deeper than %d", DEPTH_MAX);
		return NULL;
	}
	p->at++;
	bool ok = is_array ? parse_items(p, value) : parse_inline_members(p, value);
	p->depth--;
	return ok ? g_steal_pointer(&value) : NULL;
}

static TomlValue *parse_string(Parser *p)
{
	g_autoptr(TomlValue) value = new_value(p, TOML_STRING);
	bool multiline = starts_with(p, "\"\"\"") || starts_with(p, "'''");
	value->text = multiline ? parse_multiline(p, *p->at) : parse_single_line(p);
	return value->text ? g_steal_pointer(&value) : NULL;
}

/* Any value; NULL after fail(). */
static TomlValue *parse_value(Parser *p)
{
	if (peek(p) == '[' || peek(p) == '{')
		return parse_container(p);
	if (peek(p) == '"' || peek(p) == '\'')
		return parse_string(p);
	const char *why = NULL;
	g_autoptr(TomlValue) value = new_value(p, TOML_INTEGER);
	size_t length = toml_scalar_match(p->at, p->end - p->at, value, &why);
	if (length == 0 || why) {
		fail(p, "%s", why ? why : "expected a value");
		return NULL;
	}
	p->at += length;
	return g_steal_pointer(&value);
}

/* The table that holds the last part of a header's key. */
static TomlValue *descend_header(Parser *p, char **key)
{
	TomlValue *table = p->root;
	for (size_t i = 0; key[i + 1] && table; i++)
		table = descend(p, table, key[i], true);
	return table;
}

/* [a.b]: a table may be opened once, but may have come to be by its children before. */
static bool open_table(Parser *p, char **key)
{
	TomlValue *parent = descend_header(p, key);
	if (!parent)
		return false;
	const char *last = key[g_strv_length(key) - 1];
	TomlValue *old = g_hash_table_lookup(parent->members, last);
	if (old && (old->is_explicit || old->is_frozen))
		return fail(p, "'%s' is declared twice (first on line %d)", last, old->line);
	p->section = descend(p, parent, last, true);
	if (!p->section)
		return false;
	p->section->is_explicit = true;
	return true;
}

/* [[a.b]]: append a table to the array, which only such headers may have made. */
static bool open_array_element(Parser *p, char **key)
{
	TomlValue *parent = descend_header(p, key);
	if (!parent)
		return false;
	const char *last = key[g_strv_length(key) - 1];
	TomlValue *array = g_hash_table_lookup(parent->members, last);
	if (array && (array->kind != TOML_ARRAY || array->is_frozen))
		return fail(p, "'%s' already has a value (line %d)", last, array->line);
	if (!array) {
		array = new_value(p, TOML_ARRAY);
		array->is_explicit = true;
		toml_table_put(parent, last, array);
	}
	p->section = new_value(p, TOML_TABLE);
	g_ptr_array_add(array->items, p->section);
	return true;
}

/* [table] or [[array of tables]] */
static bool parse_header(Parser *p)
{
	for (size_t i = 0; i < p->pending->len; i++)
		((TomlValue *)g_ptr_array_index(p->pending, i))->is_explicit = true;
	g_ptr_array_set_size(p->pending, 0);

	bool is_array = starts_with(p, "[[");
	p->at += is_array ? 2 : 1;
	skip_spaces(p);
	g_auto(GStrv) key = parse_key(p);
	if (!key)
		return false;
	if (!starts_with(p, is_array ? "]]" : "]"))
		return fail(p, "expected '%s' at the end of a header", is_array ? "]]" : "]");
	if (is_array ? !open_array_element(p, key) : !open_table(p, key))
		return false;
	p->at += is_array ? 2 : 1;
	return true;
}

/* A header, an assignment or nothing; then a comment and the end of the line. */
static bool parse_line(Parser *p)
{
	skip_spaces(p);
	if (peek(p) == '[') {
		if (!parse_header(p))
			return false;
	} else if (p->at < p->end && *p->at != '#' && *p->at != '\n' && *p->at != '\r') {
		if (!parse_assignment(p, p->section, false))
			return false;
	}
	skip_spaces(p);
	if (!skip_comment(p))
		return false;
	if (p->at < p->end && !accept_newline(p))
		return fail(p, "expected the end of the line");
	return true;
}

TomlValue *toml_parse(const char *text, size_t size, const char *name, GError **error)
{
	if (size > DOCUMENT_MAX_SIZE)
		return error_set_null(error, ENGINE_ERROR_INVALID, "%s: larger than 1 MiB", name);
	if (!g_utf8_validate_len(text, size, NULL))
		return error_set_null(error, ENGINE_ERROR_INVALID, "%s: not valid UTF-8", name);

	char *owned_name = g_strdup(name);
	g_autoptr(TomlValue) root = toml_value_new(TOML_TABLE, owned_name, 1, 1);
	root->owned_name = owned_name;
	g_autoptr(GPtrArray) pending = g_ptr_array_new();
	Parser parser = {
		.at = text,
		.end = text + size,
		.line_start = text,
		.line = 1,
		.name = owned_name,
		.root = root,
		.section = root,
		.pending = pending,
		.error = error,
	};
	while (parser.at < parser.end)
		if (!parse_line(&parser))
			return NULL;
	return g_steal_pointer(&root);
}
