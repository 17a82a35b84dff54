/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TOML scalars that are not strings: booleans, integers, floats, dates and times.
 *
 * Each matcher looks at the start of the text and says how many bytes it takes; what may follow a
 * value is the parser's business.
 */
#include "storage/toml_priv.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
	const char *text;
	size_t size;
	size_t at;
} Cursor;

static char peek(const Cursor *c)
{
	return c->at < c->size ? c->text[c->at] : '\0';
}

static bool accept(Cursor *c, char wanted)
{
	if (c->at >= c->size || c->text[c->at] != wanted)
		return false;
	c->at++;
	return true;
}

/* Exactly @count digits, as a number. */
static bool accept_digits(Cursor *c, int count, int *out)
{
	int value = 0;
	for (int i = 0; i < count; i++) {
		if (!g_ascii_isdigit(peek(c)))
			return false;
		value = value * 10 + (c->text[c->at++] - '0');
	}
	*out = value;
	return true;
}

static int days_in_month(int year, int month)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
	return month == 2 && leap ? 29 : days[month - 1];
}

static bool match_date(Cursor *c)
{
	int year, month, day;
	return accept_digits(c, 4, &year) && accept(c, '-') && accept_digits(c, 2, &month) &&
	       accept(c, '-') && accept_digits(c, 2, &day) && year >= 1 && month >= 1 &&
	       month <= 12 && day >= 1 && day <= days_in_month(year, month);
}

/* HH:MM:SS with an optional fraction. */
static bool match_time(Cursor *c)
{
	int hour, minute, second;
	if (!accept_digits(c, 2, &hour) || !accept(c, ':') || !accept_digits(c, 2, &minute) ||
	    !accept(c, ':') || !accept_digits(c, 2, &second))
		return false;
	if (hour > 23 || minute > 59 || second > 59)
		return false;
	if (peek(c) == '.' && c->at + 1 < c->size && g_ascii_isdigit(c->text[c->at + 1])) {
		c->at++;
		while (g_ascii_isdigit(peek(c)))
			c->at++;
	}
	return true;
}

/* "Z" or "+HH:MM"; a local date-time has none. */
static void match_offset(Cursor *c)
{
	if (accept(c, 'Z') || accept(c, 'z'))
		return;
	Cursor ahead = *c;
	int hour, minute;
	if ((accept(&ahead, '+') || accept(&ahead, '-')) && accept_digits(&ahead, 2, &hour) &&
	    accept(&ahead, ':') && accept_digits(&ahead, 2, &minute) && hour < 24 && minute < 60)
		*c = ahead;
}

/* A time, a date, or both with or without an offset. Return: its length, 0 if it is none. */
static size_t match_datetime(const char *text, size_t size)
{
	Cursor c = {text, size, 0};
	if (match_time(&c))
		return c.at;
	c.at = 0;
	if (!match_date(&c))
		return 0;
	Cursor ahead = c;
	if ((accept(&ahead, 'T') || accept(&ahead, 't') || accept(&ahead, ' ')) &&
	    match_time(&ahead)) {
		match_offset(&ahead);
		return ahead.at;
	}
	return c.at;
}

typedef bool (*DigitTest)(char c);

static bool is_decimal(char c)
{
	return g_ascii_isdigit(c);
}

static bool is_hex(char c)
{
	return g_ascii_isxdigit(c);
}

static bool is_octal(char c)
{
	return c >= '0' && c <= '7';
}

static bool is_binary(char c)
{
	return c == '0' || c == '1';
}

/* One or more digits with single underscores between them, copied to @digits without these. */
static bool match_digits(Cursor *c, DigitTest test, GString *digits)
{
	if (!test(peek(c)))
		return false;
	while (test(peek(c)) ||
	       (peek(c) == '_' && c->at + 1 < c->size && test(c->text[c->at + 1]))) {
		if (peek(c) != '_')
			g_string_append_c(digits, peek(c));
		c->at++;
	}
	return true;
}

static bool set_integer(const char *digits, int base, TomlValue *out, const char **out_why)
{
	errno = 0;
	long long value = strtoll(digits, NULL, base);
	if (errno == ERANGE) {
		*out_why = "the number does not fit into 64 bits";
		return false;
	}
	out->kind = TOML_INTEGER;
	out->integer = value;
	return true;
}

/* 0x, 0o and 0b integers. */
static size_t match_prefixed(const char *text, size_t size, TomlValue *out, const char **out_why)
{
	static const struct {
		char letter;
		int base;
		DigitTest test;
	} forms[] = {{'x', 16, is_hex}, {'o', 8, is_octal}, {'b', 2, is_binary}};

	for (size_t i = 0; i < G_N_ELEMENTS(forms); i++) {
		Cursor c = {text, size, 0};
		if (!accept(&c, '0') || !accept(&c, forms[i].letter))
			continue;
		g_autoptr(GString) digits = g_string_new(NULL);
		if (!match_digits(&c, forms[i].test, digits))
			continue;
		set_integer(digits->str, forms[i].base, out, out_why);
		return c.at;
	}
	return 0;
}

/* ".5" and "e-3" behind the integer part. Return: whether there was any of the two. */
static bool match_fraction(Cursor *c, GString *digits)
{
	size_t start = c->at;
	Cursor ahead = *c;
	g_autoptr(GString) part = g_string_new(".");
	if (accept(&ahead, '.') && match_digits(&ahead, is_decimal, part)) {
		*c = ahead;
		g_string_append(digits, part->str);
	}
	ahead = *c;
	g_string_assign(part, "e");
	if (accept(&ahead, 'e') || accept(&ahead, 'E')) {
		if (peek(&ahead) == '+' || peek(&ahead) == '-')
			g_string_append_c(part, ahead.text[ahead.at++]);
		if (match_digits(&ahead, is_decimal, part)) {
			*c = ahead;
			g_string_append(digits, part->str);
		}
	}
	return c->at > start;
}

/* A decimal integer or float. Return: its length, 0 if it is none. */
static size_t match_decimal(const char *text, size_t size, TomlValue *out, const char **out_why)
{
	Cursor c = {text, size, 0};
	g_autoptr(GString) digits = g_string_new(NULL);
	if (peek(&c) == '+' || peek(&c) == '-')
		g_string_append_c(digits, text[c.at++]);
	if (accept(&c, '0'))
		g_string_append_c(digits, '0');
	else if (!match_digits(&c, is_decimal, digits))
		return 0;
	if (match_fraction(&c, digits)) {
		out->kind = TOML_FLOAT;
		out->floating_point = g_ascii_strtod(digits->str, NULL);
	} else {
		set_integer(digits->str, 10, out, out_why);
	}
	return c.at;
}

/* A fixed word: true, false, inf, nan and the signed forms of the last two. */
static size_t match_word(const char *text, size_t size, TomlValue *out)
{
	static const struct {
		const char *word;
		TomlKind kind;
		bool boolean;
		double value;
	} words[] = {
		{"true", TOML_BOOLEAN, true, 0},        {"false", TOML_BOOLEAN, false, 0},
		{"inf", TOML_FLOAT, false, INFINITY},   {"+inf", TOML_FLOAT, false, INFINITY},
		{"-inf", TOML_FLOAT, false, -INFINITY}, {"nan", TOML_FLOAT, false, NAN},
		{"+nan", TOML_FLOAT, false, NAN},       {"-nan", TOML_FLOAT, false, NAN},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(words); i++) {
		size_t length = strlen(words[i].word);
		if (size < length || memcmp(text, words[i].word, length) != 0)
			continue;
		out->kind = words[i].kind;
		out->boolean = words[i].boolean;
		out->floating_point = words[i].value;
		return length;
	}
	return 0;
}

size_t toml_scalar_match(const char *text, size_t size, TomlValue *out_value, const char **out_why)
{
	size_t length = match_word(text, size, out_value);
	if (length > 0)
		return length;
	length = match_datetime(text, size);
	if (length > 0) {
		out_value->kind = TOML_DATETIME;
		out_value->text = g_strndup(text, length);
		return length;
	}
	length = match_prefixed(text, size, out_value, out_why);
	if (length > 0)
		return length;
	return match_decimal(text, size, out_value, out_why);
}
