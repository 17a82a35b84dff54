/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/quadlet/unit_words.h"

#include <string.h>

#include "libpod/base/wall.h"

#define SPACES " \t\n\r"

/* The value of @digits digits in @base at @text, -1 if there are not so many. */
static int read_number(const char *text, int digits, int base)
{
	int value = 0;
	for (int i = 0; i < digits; i++) {
		int digit = g_ascii_xdigit_value(text[i]);
		if (digit < 0 || digit >= base)
			return -1;
		value = value * base + digit;
	}
	return value;
}

/* \x41, \101, \u00e9, \U0001f600. Return: the length behind the backslash, 0 if it is none of
 * these. */
static size_t unescape_number(const char *text, GString *word)
{
	static const struct {
		char letter;
		int digits, base;
	} forms[] = {{'x', 2, 16}, {'u', 4, 16}, {'U', 8, 16}, {'\0', 3, 8}};
	for (size_t i = 0; i < G_N_ELEMENTS(forms); i++) {
		size_t prefix = forms[i].letter ? 1 : 0;
		if (prefix && *text != forms[i].letter)
			continue;
		int value = read_number(text + prefix, forms[i].digits, forms[i].base);
		bool byte = forms[i].letter == 'x' || !prefix;
		if (value <= 0 || (byte ? value > 127 : !g_unichar_validate((gunichar)value)))
			continue;
		g_string_append_unichar(word, (gunichar)value);
		return prefix + (size_t)forms[i].digits;
	}
	return 0;
}

/* What stands behind a backslash. Unknown escapes stay as they are. Return: how much was read. */
static size_t unescape(const char *text, GString *word)
{
	static const char letters[] = "abfnrtvs\\\"'", values[] = "\a\b\f\n\r\t\v \\\"'";
	const char *letter = *text ? strchr(letters, *text) : NULL;
	if (letter) {
		g_string_append_c(word, values[letter - letters]);
		return 1;
	}
	size_t length = unescape_number(text, word);
	if (length == 0)
		g_string_append_c(word, '\\');
	return length;
}

/* One word from @text, which does not begin with a space. Return: where it ends. */
static const char *read_word(const char *text, UnitWordsKind kind, GString *word, bool *out_open)
{
	char quote = '\0';
	for (; *text; text++) {
		if (quote ? *text == quote : (*text == '"' || *text == '\'')) {
			quote = quote ? '\0' : *text;
		} else if (*text == '\\' && kind == UNIT_WORDS_ESCAPES) {
			text += unescape(text + 1, word);
		} else if (!quote && strchr(SPACES, *text)) {
			break;
		} else {
			g_string_append_c(word, *text);
		}
	}
	if (quote && out_open)
		*out_open = true;
	return text;
}

GPtrArray *unit_words_split(const char *value, UnitWordsKind kind, bool *out_open)
{
	GPtrArray *words = g_ptr_array_new_with_free_func(g_free);
	if (out_open)
		*out_open = false;
	for (;;) {
		value += strspn(value, SPACES);
		if (*value == '\0')
			return words;
		GString *word = g_string_new(NULL);
		value = read_word(value, kind, word, out_open);
		g_ptr_array_add(words, g_string_free(word, FALSE));
	}
}

/* A lone ";" would end the command. */
static bool needs_quotes(const char *word)
{
	if (*word == '\0' || strcmp(word, ";") == 0)
		return true;
	for (; *word; word++)
		if ((unsigned char)*word <= ' ' || *word == 127 || strchr("\"'\\", *word))
			return true;
	return false;
}

void unit_words_quote(GString *out, const char *word)
{
	if (!needs_quotes(word) || !wall_stands("unit-words")) {
		g_string_append(out, word);
		return;
	}
	g_string_append_c(out, '"');
	for (; *word; word++) {
		if (*word == '\n')
			g_string_append(out, "\\n");
		else if (*word == '\t')
			g_string_append(out, "\\t");
		else if (*word == '"' || *word == '\\')
			g_string_append_printf(out, "\\%c", *word);
		else if ((unsigned char)*word < ' ' || *word == 127)
			g_string_append_printf(out, "\\x%02x", (unsigned char)*word);
		else
			g_string_append_c(out, *word);
	}
	g_string_append_c(out, '"');
}

char *unit_words_join(const GPtrArray *words)
{
	GString *line = g_string_new(NULL);
	for (size_t i = 0; i < words->len; i++) {
		if (i > 0)
			g_string_append_c(line, ' ');
		unit_words_quote(line, words->pdata[i]);
	}
	return g_string_free(line, FALSE);
}

char *unit_words_literal(const char *text)
{
	GString *literal = g_string_new(NULL);
	for (; *text; text++) {
		if (*text == '%' || *text == '$')
			g_string_append_c(literal, *text);
		g_string_append_c(literal, *text);
	}
	return g_string_free(literal, FALSE);
}
