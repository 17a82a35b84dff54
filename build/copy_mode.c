/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --chmod: "755", "u=rwX,go=rX", "+x".
 */
#include <string.h>

#include "build/copy_priv.h"
#include "libpod/base/error.h"

#define ALL_WHO   (S_ISUID | S_ISGID | S_ISVTX | 0777)
#define OCTAL_MAX 4

/* The bits of "u", "g" or "o" alone. */
static mode_t who_bits(char who)
{
	switch (who) {
	case 'u':
		return S_ISUID | S_IRWXU;
	case 'g':
		return S_ISGID | S_IRWXG;
	case 'o':
		return S_IRWXO;
	default:
		return 0;
	}
}

/* "rwXst" or one of "ugo". Return: behind it. */
static const char *parse_bits(const char *at, ModeChange *change)
{
	static const struct {
		char letter;
		mode_t bits;
	} rows[] = {
		{'r', 0444}, {'w', 0222}, {'x', 0111}, {'s', S_ISUID | S_ISGID}, {'t', S_ISVTX},
	};
	if (*at && strchr("ugo", *at)) {
		change->copied_from = *at;
		return at + 1;
	}
	for (; *at; at++) {
		size_t i = 0;
		while (i < G_N_ELEMENTS(rows) && rows[i].letter != *at)
			i++;
		if (i < G_N_ELEMENTS(rows))
			change->bits |= rows[i].bits;
		else if (*at == 'X')
			change->x_if_any = true;
		else
			break;
	}
	return at;
}

/* "go+rX=w": who, and one or more changes. Return: behind it, NULL if it makes no sense. */
static const char *parse_clause(const char *at, GArray *changes)
{
	mode_t who = 0;
	for (; *at && strchr("ugoa", *at); at++)
		who |= *at == 'a' ? ALL_WHO : who_bits(*at);
	if (who == 0)
		who = ALL_WHO;
	/* The sticky bit is nobody's and everybody's. */
	if (who & S_IRWXO)
		who |= S_ISVTX;
	if (!*at || !strchr("+-=", *at))
		return NULL;
	while (*at && strchr("+-=", *at)) {
		ModeChange change = {.who = who, .op = *at};
		at = parse_bits(at + 1, &change);
		g_array_append_val(changes, change);
	}
	return at;
}

void copy_mode_clear(CopyMode *mode)
{
	g_clear_pointer(&mode->changes, g_array_unref);
}

bool copy_mode_parse(const char *text, CopyMode *out, GError **error)
{
	size_t digits = strspn(text, "01234567");
	size_t zeros = strspn(text, "0");
	*out = (CopyMode){.set = true};
	if (digits > 0 && !text[digits] && digits - MIN(zeros, digits - 1) <= OCTAL_MAX) {
		out->octal = true;
		out->value = (mode_t)g_ascii_strtoull(text, NULL, 8);
		return true;
	}
	out->changes = g_array_new(FALSE, FALSE, sizeof(ModeChange));
	const char *at = text;
	do
		at = parse_clause(at, out->changes);
	while (at && *at == ',' && *++at);
	if (at && !*at && at > text && at[-1] != ',')
		return true;
	copy_mode_clear(out);
	return error_set(error, ENGINE_ERROR_INVALID,
			 "--chmod '%s' is neither octal nor symbolic (755, u=rwX,go=rX)", text);
}

/* The bits that "g=u" copies, as if for all three. */
static mode_t copied_bits(char from, mode_t mode)
{
	mode_t bits = from == 'u' ? mode >> 6 : from == 'g' ? mode >> 3 : mode;
	bits &= 7;
	return bits << 6 | bits << 3 | bits;
}

mode_t copy_mode_apply(const CopyMode *change, mode_t mode)
{
	if (!change->set)
		return mode;
	if (change->octal)
		return (mode & S_IFMT) | change->value;
	for (guint i = 0; i < change->changes->len; i++) {
		const ModeChange *one = &g_array_index(change->changes, ModeChange, i);
		mode_t bits = one->copied_from ? copied_bits(one->copied_from, mode) : one->bits;
		if (one->x_if_any && (S_ISDIR(mode) || (mode & 0111)))
			bits |= 0111;
		bits &= one->who;
		if (one->op == '+')
			mode |= bits;
		else if (one->op == '-')
			mode &= ~bits;
		else
			mode = (mode & ~one->who) | bits;
	}
	return mode;
}
