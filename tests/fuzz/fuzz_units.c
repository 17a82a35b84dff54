/* SPDX-License-Identifier: Apache-2.0 */
/*
 * z11: sizes, durations and times of a command line: refused with words, or a number in range that
 * comes back when it is written as we write it.
 */
#include <glib.h>
#include <stdint.h>

#include "libpod/base/units.h"

#define NOW   INT64_C(1700000000000000000)
#define FIRST INT64_C(-9214000000000000000)
#define LAST  INT64_C(9214000000000000000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_outcome(bool ok, GError *error)
{
	g_assert_cmpint(ok, ==, error == NULL);
	g_assert_true(ok || *error->message != '\0');
}

static void try_duration(const char *text)
{
	g_autoptr(GError) error = NULL;
	int64_t ns = 0, again = 1;
	bool ok = units_parse_duration(text, &ns, &error);
	check_outcome(ok, error);
	if (!ok)
		return;
	g_autofree char *written = units_format_duration(ns);
	g_assert_true(units_parse_duration(written, &again, NULL));
	g_assert_cmpint(again, ==, ns);
}

static void try_time(const char *text)
{
	g_autoptr(GError) error = NULL;
	int64_t ns = 0, again = 1;
	bool ok = units_parse_time(text, NOW, &ns, &error);
	check_outcome(ok, error);
	/* Dates are read from 1678 to 2261, durations reach a little further. */
	if (!ok || ns < FIRST || ns > LAST)
		return;
	for (int local = 0; local < 2; local++) {
		g_autofree char *written = units_format_rfc3339(ns, local);
		g_assert_true(units_parse_time(written, NOW, &again, NULL));
		g_assert_cmpint(again, ==, ns);
	}
}

static void try_numbers(const char *text)
{
	g_autoptr(GError) error = NULL;
	uint64_t number = 0;
	int64_t bytes = 0;
	bool ok = units_parse_uint(text, 1000, &number, &error);
	check_outcome(ok, error);
	g_assert_cmpuint(number, <=, 1000);
	g_clear_error(&error);
	ok = units_parse_size(text, &bytes, &error);
	check_outcome(ok, error);
	g_autofree char *size = units_format_size((uint64_t)bytes);
	g_autofree char *human = units_format_human_size((uint64_t)bytes);
	g_autofree char *ago = units_format_ago(bytes);
	g_assert_true(*size && *human && *ago);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autofree char *text = g_strndup((const char *)data, size);
	try_duration(text);
	try_time(text);
	try_numbers(text);
	return 0;
}
