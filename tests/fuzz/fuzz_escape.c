/* SPDX-License-Identifier: Apache-2.0 */
/*
 * z16: a foreign string for a terminal: UTF-8 without C0, C1 and characters that reorder the text,
 * and nothing that was harmless is changed. (The scanner of detach keys is in fuzz_control.c.)
 */
#include <glib.h>
#include <stdint.h>
#include <string.h>

#include "cmd/escape.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_harmless(gunichar rune, bool newlines)
{
	if (newlines && (rune == '\n' || rune == '\t'))
		return true;
	return rune >= 0x20 && (rune < 0x7f || rune >= 0xa0) && rune != 0x061c && rune != 0x200e &&
	       rune != 0x200f && !(rune >= 0x202a && rune <= 0x202e) &&
	       !(rune >= 0x2066 && rune <= 0x2069);
}

static bool all_harmless(const char *text, bool newlines)
{
	if (!g_utf8_validate(text, -1, NULL))
		return false;
	for (const char *at = text; *at; at = g_utf8_next_char(at))
		if (!is_harmless(g_utf8_get_char(at), newlines))
			return false;
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autofree char *text = g_strndup((const char *)data, size);
	for (int newlines = 0; newlines < 2; newlines++) {
		g_autofree char *escaped = escape_terminal(text, newlines);
		g_assert_true(all_harmless(escaped, newlines));
		if (all_harmless(text, newlines))
			g_assert_cmpstr(escaped, ==, text);
	}
	g_autofree char *quoted = escape_quote(text);
	size_t length = strlen(quoted);
	g_assert_true(all_harmless(quoted, false));
	g_assert_true(length >= 2 && quoted[0] == '"' && quoted[length - 1] == '"');
	for (size_t i = 1; i + 1 < length; i++) {
		g_assert_cmpint(quoted[i], !=, '"');
		i += quoted[i] == '\\';
	}
	return 0;
}
