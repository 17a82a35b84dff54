/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sizes, durations and times, in integers throughout: what a user typed is never rounded by a
 * float.
 */
#include "libpod/base/units.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "libpod/base/error.h"

#define NS_PER_SECOND INT64_C(1000000000)

/* Read decimal digits at *@at. Return: false if there is none or the number is above @max. */
static bool read_digits(const char **at, uint64_t max, uint64_t *out)
{
	uint64_t value = 0;
	if (!g_ascii_isdigit(**at))
		return false;
	for (; g_ascii_isdigit(**at); (*at)++) {
		uint64_t digit = (uint64_t)(**at - '0');
		if (value > (max - digit) / 10)
			return false;
		value = value * 10 + digit;
	}
	*out = value;
	return true;
}

bool units_parse_uint(const char *text, uint64_t max, uint64_t *out, GError **error)
{
	const char *at = text;
	uint64_t value;
	if (!g_ascii_isdigit(*at))
		return error_set(error, ENGINE_ERROR_INVALID, "'%s' is not a number", text);
	if (!read_digits(&at, G_MAXUINT64, &value) || value > max)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "'%s' is larger than %" G_GUINT64_FORMAT, text, max);
	if (*at)
		return error_set(error, ENGINE_ERROR_INVALID, "'%s' is not a number", text);
	*out = value;
	return true;
}

/* Read "12" or "12.5" at *@at as a count of @unit; digits beyond what @unit can express are cut. */
static bool read_decimal(const char **at, uint64_t unit, uint64_t *out)
{
	uint64_t whole = 0;
	bool have_whole = g_ascii_isdigit(**at);
	if (have_whole && !read_digits(at, (uint64_t)G_MAXINT64 / unit, &whole))
		return false;
	uint64_t value = whole * unit;
	if (**at != '.') {
		*out = value;
		return have_whole;
	}
	(*at)++;
	bool have_fraction = g_ascii_isdigit(**at);
	/* 10^18 still fits; a size unit times a digit needs 128 bits. */
	unsigned __int128 numerator = 0;
	uint64_t denominator = 1;
	for (; g_ascii_isdigit(**at); (*at)++) {
		if (denominator >= UINT64_C(1000000000000000000))
			continue;
		numerator = numerator * 10 + (unsigned)(**at - '0');
		denominator *= 10;
	}
	value += (uint64_t)(numerator * unit / denominator);
	*out = value;
	return (have_whole || have_fraction) && value <= (uint64_t)G_MAXINT64;
}

/* The multiple that a size's suffix stands for; 0 if it stands for none. */
static uint64_t size_unit(const char *suffix)
{
	static const char letters[] = "kmgtp";
	if (*suffix == ' ')
		suffix++;
	if (!*suffix || g_ascii_strcasecmp(suffix, "b") == 0)
		return 1;
	const char *letter = strchr(letters, g_ascii_tolower(*suffix));
	if (!letter)
		return 0;
	suffix++;
	if (*suffix && g_ascii_strcasecmp(suffix, "b") != 0 &&
	    g_ascii_strcasecmp(suffix, "ib") != 0 && g_ascii_strcasecmp(suffix, "i") != 0)
		return 0;
	return UINT64_C(1) << (10 * (letter - letters + 1));
}

bool units_parse_size(const char *text, int64_t *out_bytes, GError **error)
{
	const char *at = text;
	uint64_t unit = size_unit(text + strspn(text, "0123456789."));
	uint64_t bytes;
	if (!g_ascii_isdigit(*text) || unit == 0)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "'%s' is not a size: expected e.g. 512, 64m or 1.5g", text);
	if (!read_decimal(&at, unit, &bytes) || *at == '.' || at[-1] == '.')
		return error_set(error, ENGINE_ERROR_INVALID, "'%s' is not a size or too large",
				 text);
	*out_bytes = (int64_t)bytes;
	return true;
}

/* Take a duration's unit off *@at. Return: nanoseconds, 0 if there is none. */
static int64_t read_duration_unit(const char **at)
{
	static const struct {
		const char *name;
		int64_t ns;
	} units[] = {
		{"ns", 1},
		{"us", 1000},
		{"\u00b5s", 1000},
		{"\u03bcs", 1000},
		{"ms", 1000000},
		{"s", NS_PER_SECOND},
		{"m", 60 * NS_PER_SECOND},
		{"h", 3600 * NS_PER_SECOND},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(units); i++) {
		if (g_str_has_prefix(*at, units[i].name)) {
			*at += strlen(units[i].name);
			return units[i].ns;
		}
	}
	return 0;
}

/* Parse a Go duration without an error message. */
static bool parse_duration(const char *text, int64_t *out_ns)
{
	const char *at = text;
	bool negative = *at == '-';
	if (*at == '-' || *at == '+')
		at++;
	if (strcmp(at, "0") == 0) {
		*out_ns = 0;
		return true;
	}
	uint64_t total = 0;
	if (!*at)
		return false;
	while (*at) {
		const char *unit_at = at + strspn(at, "0123456789.");
		int64_t unit = read_duration_unit(&unit_at);
		uint64_t part;
		if (unit == 0 || !read_decimal(&at, (uint64_t)unit, &part) || *at == '.')
			return false;
		total += part;
		if (total > (uint64_t)G_MAXINT64)
			return false;
		at = unit_at;
	}
	*out_ns = negative ? -(int64_t)total : (int64_t)total;
	return true;
}

bool units_parse_duration(const char *text, int64_t *out_ns, GError **error)
{
	if (!parse_duration(text, out_ns))
		return error_set(error, ENGINE_ERROR_INVALID,
				 "'%s' is not a duration: expected e.g. 300ms, 1.5s or 1h30m",
				 text);
	return true;
}

/* Read exactly @width digits between @min and @max. */
static bool read_field(const char **at, int width, int min, int max, int *out)
{
	int value = 0;
	for (int i = 0; i < width; i++, (*at)++) {
		if (!g_ascii_isdigit(**at))
			return false;
		value = value * 10 + (**at - '0');
	}
	*out = value;
	return value >= min && value <= max;
}

static bool read_char(const char **at, const char *accepted)
{
	if (!**at || !strchr(accepted, **at))
		return false;
	(*at)++;
	return true;
}

/* Read "hh:mm[:ss[.fraction]]" behind a date. */
static bool read_clock(const char **at, struct tm *tm, int64_t *out_fraction_ns)
{
	if (!read_field(at, 2, 0, 23, &tm->tm_hour) || !read_char(at, ":") ||
	    !read_field(at, 2, 0, 59, &tm->tm_min))
		return false;
	if (!read_char(at, ":"))
		return true;
	if (!read_field(at, 2, 0, 60, &tm->tm_sec))
		return false;
	uint64_t fraction = 0;
	if (**at == '.' &&
	    (!g_ascii_isdigit((*at)[1]) || !read_decimal(at, (uint64_t)NS_PER_SECOND, &fraction)))
		return false;
	*out_fraction_ns = (int64_t)fraction;
	return true;
}

/* Read "Z", "+01:00" or nothing, which is local time. */
static bool read_zone(const char **at, struct tm *tm, int64_t *out_seconds)
{
	if (!**at) {
		tm->tm_isdst = -1;
		*out_seconds = mktime(tm);
		return true;
	}
	if (read_char(at, "Zz")) {
		*out_seconds = timegm(tm);
		return true;
	}
	int sign = **at == '-' ? -1 : 1;
	int hours, minutes;
	if (!read_char(at, "+-") || !read_field(at, 2, 0, 23, &hours) || !read_char(at, ":") ||
	    !read_field(at, 2, 0, 59, &minutes))
		return false;
	*out_seconds = timegm(tm) - sign * (hours * 3600 + minutes * 60);
	return true;
}

/* Parse a date with or without clock and zone. */
static bool parse_date(const char *text, int64_t *out_ns)
{
	static const int month_days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	const char *at = text;
	struct tm tm = {0};
	int year, month;
	int64_t fraction = 0, seconds;
	/* Nanoseconds since 1970 fit 64 bits up to the year 2262. */
	if (!read_field(&at, 4, 1678, 2261, &year) || !read_char(&at, "-") ||
	    !read_field(&at, 2, 1, 12, &month) || !read_char(&at, "-") ||
	    !read_field(&at, 2, 1, month_days[month - 1], &tm.tm_mday))
		return false;
	tm.tm_year = year - 1900;
	tm.tm_mon = month - 1;
	if (read_char(&at, "Tt ") && !read_clock(&at, &tm, &fraction))
		return false;
	if (!read_zone(&at, &tm, &seconds) || *at)
		return false;
	*out_ns = seconds * NS_PER_SECOND + fraction;
	return true;
}

bool units_parse_time(const char *text, int64_t now_ns, int64_t *out_ns, GError **error)
{
	const char *at = text;
	uint64_t unix_ns;
	int64_t span;
	if (g_ascii_isdigit(*text) && read_decimal(&at, (uint64_t)NS_PER_SECOND, &unix_ns) &&
	    !*at) {
		*out_ns = (int64_t)unix_ns;
		return true;
	}
	if (parse_duration(text, &span)) {
		/* Further off than time can be told: as far as it can. */
		if (__builtin_sub_overflow(now_ns, span, out_ns))
			*out_ns = span < 0 ? G_MAXINT64 : G_MININT64;
		return true;
	}
	if (parse_date(text, out_ns))
		return true;
	return error_set(error, ENGINE_ERROR_INVALID,
			 "failed to parse value as time or duration: \"%s\"", text);
}

char *units_format_size(uint64_t bytes)
{
	static const char *const names[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
	double value = (double)bytes;
	size_t unit = 0;
	/* 999.5 would be rounded to four digits. */
	while (value >= 999.5 && unit + 1 < G_N_ELEMENTS(names)) {
		value /= 1000;
		unit++;
	}
	return g_strdup_printf("%.3g %s", value, names[unit]);
}

char *units_format_human_size(uint64_t bytes)
{
	static const char *const names[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
	double value = (double)bytes;
	size_t unit = 0;
	while (value >= 1000 && unit + 1 < G_N_ELEMENTS(names)) {
		value /= 1000;
		unit++;
	}
	return g_strdup_printf("%.4g%s", value, names[unit]);
}

char *units_format_ago(int64_t seconds)
{
	int64_t minutes = seconds / 60;
	int64_t hours = (seconds + 1800) / 3600;
	if (seconds < 1)
		return g_strdup("Less than a second");
	if (seconds == 1)
		return g_strdup("1 second");
	if (seconds < 60)
		return g_strdup_printf("%" G_GINT64_FORMAT " seconds", seconds);
	if (minutes == 1)
		return g_strdup("About a minute");
	if (minutes < 60)
		return g_strdup_printf("%" G_GINT64_FORMAT " minutes", minutes);
	if (hours == 1)
		return g_strdup("About an hour");
	if (hours < 48)
		return g_strdup_printf("%" G_GINT64_FORMAT " hours", hours);
	if (hours < 24 * 7 * 2)
		return g_strdup_printf("%" G_GINT64_FORMAT " days", hours / 24);
	if (hours < 24 * 30 * 2)
		return g_strdup_printf("%" G_GINT64_FORMAT " weeks", hours / 24 / 7);
	if (hours < 24 * 365 * 2)
		return g_strdup_printf("%" G_GINT64_FORMAT " months", hours / 24 / 30);
	return g_strdup_printf("%" G_GINT64_FORMAT " years", seconds / 3600 / 24 / 365);
}

/* @value units of 10^@digits, with as many decimals as it needs. */
static void append_decimal(GString *text, uint64_t value, int digits, const char *unit)
{
	uint64_t one = 1;
	for (int i = 0; i < digits; i++)
		one *= 10;
	g_string_append_printf(text, "%" G_GUINT64_FORMAT, value / one);
	if (value % one > 0) {
		g_string_append_printf(text, ".%0*" G_GINT64_MODIFIER "u", digits, value % one);
		while (text->str[text->len - 1] == '0')
			g_string_truncate(text, text->len - 1);
	}
	g_string_append(text, unit);
}

char *units_format_duration(int64_t ns)
{
	uint64_t left = ns < 0 ? -(uint64_t)ns : (uint64_t)ns;
	uint64_t minutes = left / NS_PER_SECOND / 60;
	g_autoptr(GString) text = g_string_new(ns < 0 ? "-" : "");
	if (left == 0)
		return g_strdup("0s");
	if (left < 1000)
		append_decimal(text, left, 0, "ns");
	else if (left < 1000000)
		append_decimal(text, left, 3, "\302\265s"); /* micro sign */
	else if (left < NS_PER_SECOND)
		append_decimal(text, left, 6, "ms");
	if (left < NS_PER_SECOND)
		return g_strdup(text->str);
	if (minutes >= 60)
		g_string_append_printf(text, "%" G_GUINT64_FORMAT "h", minutes / 60);
	if (minutes > 0)
		g_string_append_printf(text, "%" G_GUINT64_FORMAT "m", minutes % 60);
	append_decimal(text, left - minutes * 60 * NS_PER_SECOND, 9, "s");
	return g_strdup(text->str);
}

char *units_format_rfc3339(int64_t ns, bool local)
{
	int64_t nanoseconds = ns % NS_PER_SECOND;
	time_t seconds = ns / NS_PER_SECOND;
	if (nanoseconds < 0) {
		nanoseconds += NS_PER_SECOND;
		seconds--;
	}
	struct tm tm;
	char date[32], zone[16] = "Z";
	if (local)
		localtime_r(&seconds, &tm);
	else
		gmtime_r(&seconds, &tm);
	strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &tm);
	if (local && tm.tm_gmtoff != 0) {
		long offset = tm.tm_gmtoff / 60;
		g_snprintf(zone, sizeof zone, "%c%02ld:%02ld", offset < 0 ? '-' : '+',
			   labs(offset) / 60, labs(offset) % 60);
	}
	return g_strdup_printf("%s.%09d%s", date, (int)nanoseconds, zone);
}

int64_t units_now(void)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec * NS_PER_SECOND + now.tv_nsec;
}
