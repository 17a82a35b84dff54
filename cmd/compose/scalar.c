/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/compose/scalar.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool one_of(const char *text, const char *const *words)
{
	return g_strv_contains(words, text);
}

static bool is_null(const char *text)
{
	return one_of(text, (const char *const[]){"", "~", "null", "Null", "NULL", NULL});
}

/* The digits of @text below @base, to the end, into 64 bits with a sign. */
static bool parse_digits(const char *text, unsigned base, bool negative, int64_t *out)
{
	if (!g_ascii_isxdigit(*text))
		return false;
	char *end = NULL;
	errno = 0;
	uint64_t value = g_ascii_strtoull(text, &end, base);
	if (errno != 0 || *end != '\0' || value > (uint64_t)INT64_MAX + (negative ? 1 : 0))
		return false;
	*out = negative ? (int64_t)(0 - value) : (int64_t)value;
	return true;
}

/* An integer as Go's base 0 reads it. */
static bool parse_int(const char *text, int64_t *out)
{
	bool negative = *text == '-';
	const char *digits = text + (*text == '-' || *text == '+');
	if (!g_ascii_isdigit(*digits))
		return false;
	if (*digits != '0' || digits[1] == '\0')
		return parse_digits(digits, 10, negative, out);
	char letter = g_ascii_tolower(digits[1]);
	if (letter == 'x')
		return parse_digits(digits + 2, 16, negative, out);
	if (letter == 'o')
		return parse_digits(digits + 2, 8, negative, out);
	if (letter == 'b')
		return parse_digits(digits + 2, 2, negative, out);
	return parse_digits(digits + 1, 8, negative, out);
}

/* Digits with a point or an exponent somewhere, or the words for what is no number. */
static bool parse_float(const char *text, double *out)
{
	const char *digits = text + (*text == '-' || *text == '+');
	if (one_of(digits, (const char *const[]){".inf", ".Inf", ".INF", NULL})) {
		*out = *text == '-' ? -INFINITY : INFINITY;
		return true;
	}
	if (one_of(text, (const char *const[]){".nan", ".NaN", ".NAN", NULL})) {
		*out = NAN;
		return true;
	}
	if (!g_ascii_isdigit(*digits) && !(*digits == '.' && g_ascii_isdigit(digits[1])))
		return false;
	if (strspn(digits, "0123456789.eE+-") != strlen(digits))
		return false;
	char *end = NULL;
	*out = g_ascii_strtod(text, &end);
	return *end == '\0';
}

Node *scalar_resolve(const char *text, Place at)
{
	static const char *const trues[] = {"true", "True", "TRUE", NULL};
	static const char *const falses[] = {"false", "False", "FALSE", NULL};
	int64_t integer = 0;
	double number = 0;
	if (is_null(text))
		return node_new(NODE_NULL, at);
	if (one_of(text, trues) || one_of(text, falses))
		return node_new_bool(one_of(text, trues), at);
	if (!strchr("0123456789+-.", *text))
		return node_new_string(text, at);
	g_auto(GStrv) parts = g_strsplit(text, "_", -1);
	g_autofree char *plain = g_strjoinv("", parts);
	if (parse_int(plain, &integer))
		return node_new_int(integer, at);
	if (parse_float(plain, &number))
		return node_new_float(number, at);
	return node_new_string(text, at);
}

char *scalar_format_float(double value)
{
	if (isnan(value))
		return g_strdup("NaN");
	if (isinf(value))
		return g_strdup(value < 0 ? "-Inf" : "+Inf");
	char text[G_ASCII_DTOSTR_BUF_SIZE + 16];
	for (int digits = 1; digits <= 17; digits++) {
		char format[16];
		(void)g_snprintf(format, sizeof(format), "%%.%dg", digits);
		g_ascii_formatd(text, sizeof(text), format, value);
		if (g_ascii_strtod(text, NULL) == value)
			break;
	}
	double size = fabs(value);
	if (strchr(text, 'e') && size >= 1e-4 && size < 1e21)
		g_ascii_formatd(text, sizeof(text), "%.0f", value);
	return g_strdup(text);
}

static bool cast_bool(Node *node, const char *text)
{
	static const char *const trues[] = {"true", "y", "yes", "on", "1", "t", NULL};
	static const char *const falses[] = {"false", "n", "no", "off", "0", "f", NULL};
	g_autofree char *lower = g_ascii_strdown(text, -1);
	bool yes = one_of(lower, trues);
	if (!yes && !one_of(lower, falses))
		return false;
	node->kind = NODE_BOOL;
	node->boolean = yes;
	return true;
}

bool scalar_cast(Node *node, NodeKind kind)
{
	if (node->kind != NODE_STRING)
		return false;
	bool done = false;
	const char *text = node->text;
	if (kind == NODE_INT && parse_int(text, &node->integer))
		done = (node->kind = NODE_INT, true);
	else if (kind == NODE_FLOAT && parse_float(text, &node->number))
		done = (node->kind = NODE_FLOAT, true);
	else if (kind == NODE_BOOL)
		done = cast_bool(node, text);
	if (done)
		g_clear_pointer(&node->text, g_free);
	return done;
}
