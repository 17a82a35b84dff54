/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/escape.h"

#include <string.h>

#include "libpod/base/wall.h"

/* The letter of \n and its like, 0 for characters that have none. */
static char short_escape(gunichar rune)
{
	static const char letters[] = "abtnvfr"; /* 7 to 13 */
	return rune >= 7 && rune <= 13 ? letters[rune - 7] : 0;
}

/* Characters that reorder or hide the text around them. */
static bool is_bidi_control(gunichar rune)
{
	return rune == 0x061c || rune == 0x200e || rune == 0x200f ||
	       (rune >= 0x202a && rune <= 0x202e) || (rune >= 0x2066 && rune <= 0x2069);
}

/* Go's unicode.IsPrint, as far as GLib's tables agree with it. */
static bool is_printable(gunichar rune)
{
	if (rune < 0x80)
		return rune >= 0x20 && rune < 0x7f;
	return g_unichar_isgraph(rune) && !is_bidi_control(rune);
}

static void append_number(GString *out, gunichar rune)
{
	if (rune < 0x80)
		g_string_append_printf(out, "\\x%02x", rune);
	else if (rune < 0x10000)
		g_string_append_printf(out, "\\u%04x", rune);
	else
		g_string_append_printf(out, "\\U%08x", rune);
}

void escape_append_rune(GString *out, gunichar rune, char quote, bool ascii_only)
{
	if (rune == (gunichar)quote || rune == '\\')
		g_string_append_printf(out, "\\%c", (char)rune);
	else if (is_printable(rune) && !(ascii_only && rune >= 0x80))
		g_string_append_unichar(out, rune);
	else if (short_escape(rune))
		g_string_append_printf(out, "\\%c", short_escape(rune));
	else
		append_number(out, rune);
}

/* Decode one character; an invalid byte comes back as false with a length of one. */
static bool next_rune(const char *text, gunichar *out_rune, size_t *out_length)
{
	gunichar rune = g_utf8_get_char_validated(text, -1);
	if (rune == (gunichar)-1 || rune == (gunichar)-2) {
		*out_rune = (unsigned char)*text;
		*out_length = 1;
		return false;
	}
	*out_rune = rune;
	*out_length = g_utf8_next_char(text) - text;
	return true;
}

char *escape_quote(const char *text)
{
	GString *out = g_string_new("\"");
	while (*text != '\0') {
		gunichar rune;
		size_t length;
		if (next_rune(text, &rune, &length))
			escape_append_rune(out, rune, '"', false);
		else
			g_string_append_printf(out, "\\x%02x", rune);
		text += length;
	}
	g_string_append_c(out, '"');
	return g_string_free(out, FALSE);
}

void escape_append_terminal(GString *out, const char *text, bool newlines)
{
	while (*text != '\0') {
		gunichar rune;
		size_t length;
		bool valid = next_rune(text, &rune, &length);
		bool control =
			rune < 0x20 || (rune >= 0x7f && rune < 0xa0) || is_bidi_control(rune);
		if (!valid)
			g_string_append_printf(out, "\\x%02x", rune);
		else if (control && !(newlines && (rune == '\n' || rune == '\t')) &&
			 wall_stands("escaped-output"))
			append_number(out, rune);
		else
			g_string_append_len(out, text, length);
		text += length;
	}
}

char *escape_terminal(const char *text, bool newlines)
{
	GString *out = g_string_sized_new(strlen(text) + 1);
	escape_append_terminal(out, text, newlines);
	return g_string_free(out, FALSE);
}
