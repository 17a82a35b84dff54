/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Templates: printing values as Go's fmt package does.
 */
#include "cmd/template_priv.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/escape.h"

#define MAX_WIDTH 10000 /* what a format may pad to */

/* What stands between % and the verb. */
typedef struct {
	bool plus, minus, sharp, space, zero;
	int width; /* -1: not given */
	int precision;
} Spec;

/* One call of printf. */
typedef struct {
	const TemplateValue *args;
	size_t n;
	size_t next;
	bool reordered; /* an explicit %[n] was used: surplus arguments are no mistake */
	bool bad_index;
	TemplateHeap *heap;
	GString *out;
} Printf;

static void print_verb(const Spec *spec, char verb, const TemplateValue *value, TemplateHeap *heap,
		       GString *out, unsigned depth);

/* Append @text padded to the width; zeros go behind a sign. */
static void append_padded(const Spec *spec, const char *text, bool number, GString *out)
{
	size_t length = g_utf8_strlen(text, -1);
	size_t fill = spec->width > 0 && (size_t)spec->width > length ? spec->width - length : 0;
	bool zeros = number && spec->zero && !spec->minus;
	if (fill > 0 && !spec->minus && !zeros)
		g_string_append_printf(out, "%*s", (int)fill, "");
	if (zeros && (*text == '-' || *text == '+'))
		g_string_append_c(out, *text++);
	for (size_t i = 0; zeros && i < fill; i++)
		g_string_append_c(out, '0');
	g_string_append(out, text);
	if (fill > 0 && spec->minus)
		g_string_append_printf(out, "%*s", (int)fill, "");
}

/* The shortest digits that read back as the same number: "12345" and a decimal exponent. */
static void shortest_digits(double real, char digits[32], int *out_exponent)
{
	char text[64];
	int precision = 0;
	do
		snprintf(text, sizeof(text), "%.*e", precision, fabs(real));
	while (strtod(text, NULL) != fabs(real) && ++precision < 17);
	char *e = strchr(text, 'e');
	*out_exponent = (int)g_ascii_strtoll(e + 1, NULL, 10);
	size_t n = 0;
	for (char *c = text; c < e; c++)
		if (g_ascii_isdigit(*c))
			digits[n++] = *c;
	digits[n] = '\0';
}

void template_print_float(double real, bool json, GString *out)
{
	if (isnan(real) || isinf(real)) {
		g_string_append(out, isnan(real) ? "NaN" : real > 0 ? "+Inf" : "-Inf");
		return;
	}
	if (signbit(real))
		g_string_append_c(out, '-');
	char digits[32];
	int exponent = 0;
	shortest_digits(real, digits, &exponent);
	int n = strlen(digits);

	if (real != 0 && (exponent < (json ? -6 : -4) || exponent >= (json ? 21 : 6))) {
		g_string_append_printf(out, "%c%s%se%c%0*d", digits[0], n > 1 ? "." : "",
				       digits + 1, exponent < 0 ? '-' : '+', json ? 1 : 2,
				       abs(exponent));
		return;
	}
	if (exponent < 0) {
		g_string_append(out, "0.");
		for (int i = -1; i > exponent; i--)
			g_string_append_c(out, '0');
		g_string_append(out, digits);
		return;
	}
	for (int i = 0; i <= exponent || i < n; i++) {
		if (i == exponent + 1)
			g_string_append_c(out, '.');
		g_string_append_c(out, i < n ? digits[i] : '0');
	}
}

/* RFC 3339 to the form of time.Time's String method: "2006-01-02 15:04:05.9 +0000 UTC". */
static char *time_text(const char *rfc3339)
{
	size_t length = strlen(rfc3339);
	if (length < 20 || (rfc3339[10] != 'T' && rfc3339[10] != ' '))
		return g_strdup(rfc3339);
	const char *zone = rfc3339 + 19;
	const char *fraction = zone;
	if (*zone == '.')
		zone += 1 + strspn(zone + 1, "0123456789");
	int fraction_length = zone - fraction;
	while (fraction_length > 1 && fraction[fraction_length - 1] == '0')
		fraction_length--;
	if (fraction_length == 1)
		fraction_length = 0;

	g_autofree char *offset = g_strdup("+0000");
	const char *name = "UTC";
	if (strlen(zone) == 6 && strcmp(zone + 1, "00:00") != 0) {
		g_free(offset);
		offset = g_strdup_printf("%c%.2s%.2s", zone[0], zone + 1, zone + 4);
		name = offset;
	}
	return g_strdup_printf("%.10s %.8s%.*s %s %s", rfc3339, rfc3339 + 11, fraction_length,
			       fraction, offset, name);
}

/* "%!d(string=hi)" */
static void append_bad_verb(char verb, const TemplateValue *value, TemplateHeap *heap, GString *out,
			    unsigned depth)
{
	static const Spec plain = {.width = -1, .precision = -1};
	g_string_append_printf(out, "%%!%c(", verb);
	if (value->kind == TEMPLATE_NIL || value->kind == TEMPLATE_MISSING) {
		g_string_append(out, "<nil>)");
		return;
	}
	g_string_append_printf(out, "%s=", template_type_name(value));
	print_verb(&plain, 'v', value, heap, out, depth + 1);
	g_string_append_c(out, ')');
}

/* Of an integer: %c, %q, %U. What is no character prints as U+FFFD. */
static void print_char(const Spec *spec, char verb, int64_t code, GString *out)
{
	gunichar rune = code >= 0 && g_unichar_validate(code) ? (gunichar)code : 0xfffd;
	g_autoptr(GString) text = g_string_new(NULL);
	if (verb == 'q') {
		g_string_append_c(text, '\'');
		escape_append_rune(text, rune, '\'', spec->plus);
		g_string_append_c(text, '\'');
	} else if (verb == 'U') {
		g_string_append_printf(text, "U+%04" G_GINT64_MODIFIER "X", code);
	} else {
		g_string_append_unichar(text, rune);
	}
	append_padded(spec, text->str, false, out);
}

/* Digits of @amount in @base. */
static char *digits_in_base(uint64_t amount, unsigned base, bool upper)
{
	char buffer[65];
	char *at = buffer + sizeof(buffer) - 1;
	*at = '\0';
	do {
		*--at = (upper ? "0123456789ABCDEF" : "0123456789abcdef")[amount % base];
		amount /= base;
	} while (amount > 0);
	return g_strdup(at);
}

/* Precision pads with zeros inside, width outside, as fmt has it. */
static void print_int(const Spec *spec, char verb, const TemplateValue *value, TemplateHeap *heap,
		      GString *out, unsigned depth)
{
	int64_t number = value->integer;
	uint64_t amount = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
	if (strchr("cqU", verb)) {
		print_char(spec, verb, number, out);
		return;
	}
	if (!strchr("vdboOxX", verb)) {
		append_bad_verb(verb, value, heap, out, depth);
		return;
	}
	unsigned base = strchr("vd", verb) ? 10 : strchr("xX", verb) ? 16 : verb == 'b' ? 2 : 8;
	g_autofree char *digits = digits_in_base(amount, base, verb == 'X');
	const char *prefix = verb == 'O' ? "0o" : "";
	if (spec->sharp)
		prefix = verb == 'x'   ? "0x"
			 : verb == 'X' ? "0X"
			 : verb == 'o' ? "0"
			 : verb == 'b' ? "0b"
				       : prefix;
	int pad = MAX(0, MIN(spec->precision, MAX_WIDTH) - (int)strlen(digits));
	g_autofree char *zeros = g_strnfill(pad, '0');
	const char *sign = number < 0                  ? "-"
			   : spec->plus && verb != 'v' ? "+"
			   : spec->space               ? " "
						       : "";
	g_autofree char *text = g_strconcat(sign, prefix, zeros, digits, NULL);
	append_padded(spec, text, spec->precision < 0, out);
}

/* %v and %g print the shortest form that reads back; the others are C's. */
static void print_real(const Spec *spec, char verb, const TemplateValue *value, TemplateHeap *heap,
		       GString *out, unsigned depth)
{
	if (!strchr("veEfFgG", verb)) {
		append_bad_verb(verb, value, heap, out, depth);
		return;
	}
	g_autoptr(GString) text = g_string_new(NULL);
	if (spec->plus && verb != 'v' && value->real >= 0)
		g_string_append_c(text, '+');
	if (strchr("vg", verb) && spec->precision < 0) {
		template_print_float(value->real, false, text);
	} else {
		char format[] = {'%', '.', '*', verb == 'v' ? 'g' : verb, '\0'};
		char buffer[512];
		int precision = spec->precision < 0 ? 6 : MIN(spec->precision, 100);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		snprintf(buffer, sizeof(buffer), format, precision, value->real);
#pragma GCC diagnostic pop
		g_string_append(text, buffer);
	}
	append_padded(spec, text->str, true, out);
}

/* @value: for the message about a verb that strings don't have. */
static void print_string(const Spec *spec, char verb, const char *string,
			 const TemplateValue *value, TemplateHeap *heap, GString *out,
			 unsigned depth)
{
	g_autofree char *text = NULL;
	if (verb == 'q' && spec->sharp && !strpbrk(string, "`\n")) {
		text = g_strdup_printf("`%s`", string);
	} else if (verb == 'q' || (verb == 'v' && spec->sharp)) {
		text = escape_quote(string);
	} else if (verb == 'x' || verb == 'X') {
		GString *hex = g_string_new(NULL);
		for (const char *c = string; *c; c++)
			g_string_append_printf(hex, verb == 'x' ? "%02x" : "%02X",
					       (unsigned char)*c);
		text = g_string_free(hex, FALSE);
	} else if (verb != 's' && verb != 'v') {
		append_bad_verb(verb, value, heap, out, depth);
		return;
	} else if (spec->precision >= 0 && g_utf8_validate(string, -1, NULL)) {
		text = g_utf8_substring(string, 0, MIN(spec->precision, g_utf8_strlen(string, -1)));
	} else {
		text = g_strdup(string);
	}
	append_padded(spec, text, false, out);
}

/* Go's brackets; the verb goes on to the members. Stops at the bound of memory. */
static void print_members(const Spec *spec, char verb, const TemplateValue *value,
			  TemplateHeap *heap, GString *out, unsigned depth)
{
	bool list = value->kind == TEMPLATE_LIST, map = value->kind == TEMPLATE_MAP;
	g_string_append(out, list ? "[" : map ? "map[" : "{");
	size_t n = template_count(value);
	for (size_t i = 0; i < n && out->len < TEMPLATE_MAX_MEMORY; i++) {
		const char *key = NULL;
		TemplateValue member = template_member(value, i, heap, &key);
		if (i > 0)
			g_string_append_c(out, ' ');
		if (map) {
			TemplateValue label = template_string(key);
			print_verb(spec, verb, &label, heap, out, depth + 1);
			g_string_append_c(out, ':');
		} else if (!list && spec->plus) {
			g_string_append_printf(out, "%s:", key);
		}
		print_verb(spec, verb, &member, heap, out, depth + 1);
	}
	g_string_append_c(out, list || map ? ']' : '}');
}

/* One value under one verb, whatever its kind. Nesting is bounded. */
static void print_verb(const Spec *spec, char verb, const TemplateValue *value, TemplateHeap *heap,
		       GString *out, unsigned depth)
{
	if (depth > TEMPLATE_MAX_DEPTH) {
		g_string_append(out, "...");
		return;
	}
	switch (value->kind) {
	case TEMPLATE_MISSING:
	case TEMPLATE_NIL:
		if (verb == 'v')
			append_padded(spec, "<nil>", false, out);
		else
			append_bad_verb(verb, value, heap, out, depth);
		return;
	case TEMPLATE_BOOL:
		if (verb == 'v' || verb == 't')
			append_padded(spec, value->boolean ? "true" : "false", false, out);
		else
			append_bad_verb(verb, value, heap, out, depth);
		return;
	case TEMPLATE_INT:
		print_int(spec, verb, value, heap, out, depth);
		return;
	case TEMPLATE_FLOAT:
		print_real(spec, verb, value, heap, out, depth);
		return;
	case TEMPLATE_STRING:
		print_string(spec, verb, value->string, value, heap, out, depth);
		return;
	case TEMPLATE_TIME: {
		g_autofree char *text = time_text(value->string);
		print_string(spec, verb, text, value, heap, out, depth);
		return;
	}
	case TEMPLATE_LIST:
	case TEMPLATE_MAP:
	case TEMPLATE_STRUCT:
		print_members(spec, verb, value, heap, out, depth);
		return;
	}
}

void template_print(const TemplateValue *value, TemplateHeap *heap, GString *out)
{
	static const Spec plain = {.width = -1, .precision = -1};
	print_verb(&plain, 'v', value, heap, out, 0);
}

/* Digits, or "*" for the next argument. -1 if there is neither. */
static int take_number(Printf *p, const char **at, const char *complaint)
{
	if (**at == '*') {
		(*at)++;
		const TemplateValue *arg = p->next < p->n ? &p->args[p->next++] : NULL;
		if (arg && arg->kind == TEMPLATE_INT && llabs(arg->integer) <= MAX_WIDTH)
			return arg->integer;
		g_string_append(p->out, complaint);
		return -1;
	}
	if (!g_ascii_isdigit(**at))
		return -1;
	int number = 0;
	for (; g_ascii_isdigit(**at); (*at)++)
		number = MIN(number * 10 + (**at - '0'), MAX_WIDTH);
	return number;
}

/* "%[2]s": which argument is next. */
static void take_index(Printf *p, const char **at)
{
	if (**at != '[')
		return;
	const char *close = strchr(*at, ']');
	p->reordered = true;
	if (!close) {
		p->bad_index = true;
		(*at)++;
		return;
	}
	(*at)++;
	int index = take_number(p, at, "");
	p->bad_index = *at != close || index < 1 || (size_t)index > p->n;
	if (!p->bad_index)
		p->next = index - 1;
	*at = close + 1;
}

/* Flags, width and precision behind a '%'; *at moves to the verb. */
static Spec take_spec(Printf *p, const char **at)
{
	Spec spec = {.width = -1, .precision = -1};
	for (; **at != '\0' && strchr("+-# 0", **at); (*at)++) {
		spec.plus |= **at == '+';
		spec.minus |= **at == '-';
		spec.sharp |= **at == '#';
		spec.space |= **at == ' ';
		spec.zero |= **at == '0';
	}
	p->bad_index = false;
	take_index(p, at);
	spec.width = take_number(p, at, "%!(BADWIDTH)");
	if (spec.width < -1) {
		spec.minus = true;
		spec.width = -spec.width;
	}
	if (**at == '.') {
		(*at)++;
		take_index(p, at);
		int precision = take_number(p, at, "%!(BADPREC)");
		spec.precision = MAX(0, precision);
	}
	take_index(p, at);
	return spec;
}

/* A verb that cannot be served prints what Go prints about it and is no error. */
static void print_one(Printf *p, const Spec *spec, char verb)
{
	if (verb == '%') {
		g_string_append_c(p->out, '%');
	} else if (p->bad_index) {
		g_string_append_printf(p->out, "%%!%c(BADINDEX)", verb);
	} else if (p->next >= p->n) {
		g_string_append_printf(p->out, "%%!%c(MISSING)", verb);
	} else if (verb == 'T') {
		const TemplateValue *value = &p->args[p->next++];
		bool nil = value->kind == TEMPLATE_NIL || value->kind == TEMPLATE_MISSING;
		append_padded(spec, nil ? "<nil>" : template_type_name(value), false, p->out);
	} else {
		print_verb(spec, verb, &p->args[p->next++], p->heap, p->out, 0);
	}
}

void template_printf(const char *format, const TemplateValue *args, size_t n, TemplateHeap *heap,
		     GString *out)
{
	static const Spec plain = {.width = -1, .precision = -1};
	Printf p = {.args = args, .n = n, .heap = heap, .out = out};
	const char *at = format;
	while (*at != '\0' && out->len < TEMPLATE_MAX_MEMORY) {
		size_t plain_length = strcspn(at, "%");
		g_string_append_len(out, at, plain_length);
		at += plain_length;
		if (*at++ != '%')
			break;
		Spec spec = take_spec(&p, &at);
		if (*at == '\0') {
			g_string_append(out, "%!(NOVERB)");
			break;
		}
		print_one(&p, &spec, *at++);
	}
	if (p.reordered || p.next >= n)
		return;
	g_string_append(out, "%!(EXTRA ");
	for (size_t i = p.next; i < n; i++) {
		bool nil = args[i].kind == TEMPLATE_NIL || args[i].kind == TEMPLATE_MISSING;
		g_string_append_printf(out, "%s%s%s", i > p.next ? ", " : "",
				       nil ? "" : template_type_name(&args[i]), nil ? "" : "=");
		print_verb(&plain, 'v', &args[i], heap, out, 0);
	}
	g_string_append_c(out, ')');
}
