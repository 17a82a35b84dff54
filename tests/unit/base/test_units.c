/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sizes, durations and times: tables of text and number.
 */
#include "libpod/base/units.h"

#include <stdlib.h>
#include <time.h>

#include "libpod/base/error.h"

#define SECOND INT64_C(1000000000)

static void test_uint(void)
{
	g_autoptr(GError) error = NULL;
	uint64_t n = 0;
	g_assert_true(units_parse_uint("0", 10, &n, &error));
	g_assert_true(units_parse_uint("18446744073709551615", G_MAXUINT64, &n, &error));
	g_assert_cmpuint(n, ==, G_MAXUINT64);
	static const char *const bad[] = {
		"", " 1", "1 ", "-1", "+1", "0x1", "1.0", "18446744073709551616", "11"};
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
		g_autoptr(GError) problem = NULL;
		g_assert_false(units_parse_uint(
			bad[i], i + 1 == G_N_ELEMENTS(bad) ? 10 : G_MAXUINT64, &n, &problem));
		g_assert_true(error_matches(problem, ENGINE_ERROR_INVALID));
	}
	g_assert_cmpuint(n, ==, G_MAXUINT64);
}

static void test_size(void)
{
	static const struct {
		const char *text;
		int64_t bytes;
	} rows[] = {
		{"0", 0},
		{"512", 512},
		{"512b", 512},
		{"64m", 64 << 20},
		{"64MB", 64 << 20},
		{"64 MiB", 64 << 20},
		{"1g", 1 << 30},
		{"1.5GiB", INT64_C(3) << 29},
		{"0.5k", 512},
		{"1t", INT64_C(1) << 40},
		{"2P", INT64_C(2) << 50},
		{"0.1k", 102},
		{"8191p", INT64_C(8191) << 50},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autoptr(GError) error = NULL;
		int64_t bytes = -1;
		units_parse_size(rows[i].text, &bytes, &error);
		g_assert_no_error(error);
		g_assert_cmpint(bytes, ==, rows[i].bytes);
	}
	static const char *const bad[] = {
		"",   "m",   "-1",  "1x",    "1mm",  "1 m b", "1..5m", ".5m",
		"1.", "1.m", "1e3", "8192p", "0x10", "1mib ", " 1m",   "99999999999999999999"};
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
		g_autoptr(GError) error = NULL;
		int64_t bytes = -1;
		if (units_parse_size(bad[i], &bytes, &error))
			g_error("accepted: '%s' as %" G_GINT64_FORMAT, bad[i], bytes);
		g_assert_true(error_matches(error, ENGINE_ERROR_INVALID));
	}
}

static void test_duration(void)
{
	static const struct {
		const char *text;
		int64_t ns;
	} rows[] = {
		{"0", 0},
		{"1s", SECOND},
		{"1h30m", 5400 * SECOND},
		{"500ms", SECOND / 2},
		{"1.5s", SECOND * 3 / 2},
		{"1m0.25s", 60 * SECOND + SECOND / 4},
		{"-2m", -120 * SECOND},
		{"+3us", 3000},
		{"3\u00b5s", 3000},
		{"7ns", 7},
		{".5s", SECOND / 2},
		{"2562047h", SECOND * 3600 * 2562047},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autoptr(GError) error = NULL;
		int64_t ns = -1;
		units_parse_duration(rows[i].text, &ns, &error);
		g_assert_no_error(error);
		g_assert_cmpint(ns, ==, rows[i].ns);
	}
	static const char *const bad[] = {"",     "1",    "s",  "1d",       "1s2",     "1 s",
					  "--1s", "1.s.", ".s", "2562048h", "9999999h"};
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
		int64_t ns = -1;
		if (units_parse_duration(bad[i], &ns, NULL))
			g_error("accepted: '%s'", bad[i]);
		g_assert_cmpint(ns, ==, -1);
	}
}

static void test_time(void)
{
	setenv("TZ", "UTC-2", 1);
	tzset();
	const int64_t now = 1000000 * SECOND;
	static const struct {
		const char *text;
		int64_t ns;
	} rows[] = {
		{"1700000000", 1700000000 * SECOND},
		{"1700000000.25", 1700000000 * SECOND + SECOND / 4},
		{"1700000000.123456789", 1700000000 * SECOND + 123456789},
		{"10m", (1000000 - 600) * SECOND},
		{"1970-01-02T00:00:00Z", 86400 * SECOND},
		{"1970-01-02T00:00:00.5Z", 86400 * SECOND + SECOND / 2},
		{"1970-01-02T00:00:00.123456789+01:00", (86400 - 3600) * SECOND + 123456789},
		{"1970-01-02T02:00", 86400 * SECOND},
		{"1970-01-02", (86400 - 7200) * SECOND},
		{"1970-01-02Z", 86400 * SECOND},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autoptr(GError) error = NULL;
		int64_t ns = -1;
		units_parse_time(rows[i].text, now, &ns, &error);
		g_assert_no_error(error);
		g_assert_cmpint(ns, ==, rows[i].ns);
	}
	static const char *const bad[] = {"",
					  "yesterday",
					  "1970-13-01",
					  "1970-01-32",
					  "1970-01-02T25:00:00Z",
					  "1970-01-02T00:00:00.Z",
					  "1970-01-02T00:00:00Zx",
					  "1970-1-2",
					  "1.x"};
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
		int64_t ns;
		if (units_parse_time(bad[i], now, &ns, NULL))
			g_error("accepted: '%s'", bad[i]);
	}
}

static void test_format(void)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} sizes[] = {
		{0, "0 B"},           {999, "999 B"},        {1000, "1 kB"},
		{1234567, "1.23 MB"}, {12345678, "12.3 MB"}, {999499, "999 kB"},
		{999500, "1 MB"},     {1000000000, "1 GB"},  {G_MAXUINT64, "18.4 EB"},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++) {
		g_autofree char *text = units_format_size(sizes[i].bytes);
		g_assert_cmpstr(text, ==, sizes[i].text);
	}
	static const struct {
		int64_t seconds;
		const char *text;
	} ages[] = {
		{-5, "Less than a second"}, {0, "Less than a second"}, {1, "1 second"},
		{59, "59 seconds"},         {60, "About a minute"},    {120, "2 minutes"},
		{3600, "About an hour"},    {7200, "2 hours"},         {86400, "24 hours"},
		{172800, "2 days"},         {86400 * 14, "2 weeks"},   {86400 * 60, "2 months"},
		{86400 * 365, "12 months"}, {86400 * 730, "2 years"},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(ages); i++) {
		g_autofree char *text = units_format_ago(ages[i].seconds);
		g_assert_cmpstr(text, ==, ages[i].text);
	}
}

static void test_format_duration(void)
{
	static const struct {
		int64_t ns;
		const char *text;
	} rows[] = {
		{0, "0s"},
		{1, "1ns"},
		{1500, "1.5\302\265s"},
		{20000000, "20ms"},
		{1500000000, "1.5s"},
		{1000000001, "1.000000001s"},
		{90 * SECOND, "1m30s"},
		{300 * SECOND, "5m0s"},
		{3600 * SECOND, "1h0m0s"},
		{-3 * SECOND, "-3s"},
		{INT64_MIN, "-2562047h47m16.854775808s"},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autofree char *text = units_format_duration(rows[i].ns);
		g_assert_cmpstr(text, ==, rows[i].text);
	}
}

/* As long before or behind now as a time can be. */
static void test_far_times(void)
{
	int64_t ns = 0;
	g_assert_true(units_parse_time("-2562047h", 1700000000 * SECOND, &ns, NULL));
	g_assert_cmpint(ns, ==, G_MAXINT64);
	g_assert_true(units_parse_time("2562047h", -1700000000 * SECOND, &ns, NULL));
	g_assert_cmpint(ns, ==, G_MININT64);
}

static void test_format_time(void)
{
	setenv("TZ", "UTC-2", 1);
	tzset();
	g_autofree char *utc = units_format_rfc3339(86400 * SECOND + 5, false);
	g_assert_cmpstr(utc, ==, "1970-01-02T00:00:00.000000005Z");
	g_autofree char *local = units_format_rfc3339(86400 * SECOND, true);
	g_assert_cmpstr(local, ==, "1970-01-02T02:00:00.000000000+02:00");
	setenv("TZ", "UTC", 1);
	tzset();
	g_autofree char *same = units_format_rfc3339(86400 * SECOND, true);
	g_assert_cmpstr(same, ==, "1970-01-02T00:00:00.000000000Z");
	g_autofree char *early = units_format_rfc3339(-1, false);
	g_assert_cmpstr(early, ==, "1969-12-31T23:59:59.999999999Z");
	int64_t back = 0;
	g_assert_true(units_parse_time(early, 0, &back, NULL));
	g_assert_cmpint(back, ==, -1);
	g_assert_cmpint(units_now(), >, 1700000000 * SECOND);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/units/uint", test_uint);
	g_test_add_func("/units/format-duration", test_format_duration);
	g_test_add_func("/units/size", test_size);
	g_test_add_func("/units/duration", test_duration);
	g_test_add_func("/units/time", test_time);
	g_test_add_func("/units/time/far", test_far_times);
	g_test_add_func("/units/format/sizes-and-ages", test_format);
	g_test_add_func("/units/format/time", test_format_time);
	return g_test_run();
}
