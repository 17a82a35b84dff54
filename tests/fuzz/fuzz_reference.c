/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An image reference. What is accepted must be written again as it was, have a normal form that is
 * stable, and hold nothing that could act as a path, an option or a control character.
 */
#include <glib.h>
#include <stdint.h>
#include <string.h>

#include "storage/reference.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_accepted(const char *text, const Reference *ref)
{
	g_autofree char *again = reference_format(ref);
	g_assert_cmpstr(again, ==, text);
	g_assert_true(text[0] != '-' && text[0] != '/' && !strstr(ref->repository, ".."));
	for (const char *c = text; *c; c++)
		g_assert_true(g_ascii_isgraph(*c));

	g_autoptr(Reference) normal = reference_normalize(ref);
	g_autofree char *full = reference_format(normal);
	g_assert_false(reference_is_short(normal));
	g_assert_true(normal->tag || normal->digest);
	g_autoptr(Reference) parsed = reference_parse(full, NULL);
	/* "docker.io/library/" may make a name longer than a name may be. */
	if (!parsed)
		return;
	g_autoptr(Reference) twice = reference_normalize(parsed);
	g_autofree char *same = reference_format(twice);
	g_assert_cmpstr(same, ==, full);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autofree char *text = g_strndup((const char *)data, size);
	g_autoptr(GError) error = NULL;
	g_autoptr(Reference) ref = reference_parse(text, &error);
	if (ref) {
		check_accepted(text, ref);
		return 0;
	}
	g_assert_nonnull(error);
	for (const char *c = error->message; *c; c++)
		g_assert_true(g_ascii_isprint(*c) || g_str_has_prefix(c, "\nhelp: ") ||
			      g_str_has_prefix(c, "\ncause: "));
	return 0;
}
