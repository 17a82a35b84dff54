/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Log records: k8s-file and json-file.
 */
#include "libpod/log_record.h"

#include <string.h>

#define JSON_STREAM "\",\"stream\":\""

/* Exactly @digits decimal digits. */
static bool parse_digits(const char **at, const char *end, size_t digits, int *out)
{
	int value = 0;
	if ((size_t)(end - *at) < digits)
		return false;
	for (size_t i = 0; i < digits; i++, (*at)++) {
		if (!g_ascii_isdigit(**at))
			return false;
		value = value * 10 + (**at - '0');
	}
	*out = value;
	return true;
}

static bool parse_char(const char **at, const char *end, char c)
{
	if (*at == end || **at != c)
		return false;
	(*at)++;
	return true;
}

/* Days from 1970-01-01 to a date of the Gregorian calendar. */
static int64_t days_from_date(int year, int month, int day)
{
	int shifted_year = month <= 2 ? year - 1 : year;
	int era = shifted_year / 400;
	int year_of_era = shifted_year - era * 400;
	int day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
	int day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
	return (int64_t)era * 146097 + day_of_era - 719468;
}

/* ".123" in nanoseconds; digits beyond the ninth are dropped. */
static int64_t parse_fraction(const char **at, const char *end)
{
	int64_t value = 0;
	int64_t unit = 100000000;
	if (!parse_char(at, end, '.'))
		return 0;
	for (; *at < end && g_ascii_isdigit(**at); (*at)++, unit /= 10)
		value += (**at - '0') * unit;
	return value;
}

/* "Z" or "+02:00", in seconds. */
static bool parse_offset(const char **at, const char *end, int *out_seconds)
{
	int hours, minutes;
	*out_seconds = 0;
	if (parse_char(at, end, 'Z'))
		return true;
	if (*at == end || (**at != '+' && **at != '-'))
		return false;
	int sign = *(*at)++ == '-' ? -1 : 1;
	if (!parse_digits(at, end, 2, &hours) || !parse_char(at, end, ':') ||
	    !parse_digits(at, end, 2, &minutes))
		return false;
	*out_seconds = sign * (hours * 3600 + minutes * 60);
	return true;
}

bool log_time_parse(const char *text, size_t size, int64_t *out_ns)
{
	const char *at = text;
	const char *end = text + size;
	int year, month, day, hour, minute, second, offset;
	if (!parse_digits(&at, end, 4, &year) || !parse_char(&at, end, '-') ||
	    !parse_digits(&at, end, 2, &month) || !parse_char(&at, end, '-') ||
	    !parse_digits(&at, end, 2, &day) || !parse_char(&at, end, 'T') ||
	    !parse_digits(&at, end, 2, &hour) || !parse_char(&at, end, ':') ||
	    !parse_digits(&at, end, 2, &minute) || !parse_char(&at, end, ':') ||
	    !parse_digits(&at, end, 2, &second))
		return false;
	int64_t fraction = parse_fraction(&at, end);
	if (!parse_offset(&at, end, &offset) || at != end)
		return false;
	/* Years that fit 64 bits of nanoseconds. */
	if (year < 1970 || year > 2261 || month < 1 || month > 12 || day < 1 || day > 31)
		return false;
	int64_t seconds = days_from_date(year, month, day) * 86400 + hour * 3600 + minute * 60 +
			  second - offset;
	*out_ns = seconds * 1000000000 + fraction;
	return true;
}

/* The parts of "TIME STREAM TAG text"; the text may be missing. */
typedef struct {
	size_t time_size;
	const char *stream;
	size_t stream_size;
	char tag;
	const char *text;
	size_t text_size;
} K8sRecord;

/* "TIME STREAM TAG TEXT". */
static bool split_k8s(const char *record, size_t size, K8sRecord *out)
{
	const char *end = record + size;
	const char *stream = memchr(record, ' ', size);
	if (!stream)
		return false;
	out->time_size = (size_t)(stream - record);
	out->stream = ++stream;
	const char *tag = memchr(stream, ' ', (size_t)(end - stream));
	if (!tag)
		return false;
	out->stream_size = (size_t)(tag - stream);
	if (++tag == end || (*tag != 'F' && *tag != 'P'))
		return false;
	out->tag = *tag;
	const char *text = memchr(tag, ' ', (size_t)(end - tag));
	out->text = text ? text + 1 : end;
	out->text_size = (size_t)(end - out->text);
	return true;
}

static bool parse_k8s(const char *record, size_t size, LogLine *out_line)
{
	K8sRecord parts;
	if (!split_k8s(record, size, &parts))
		return false;
	LogLine line = {.text = parts.text, .size = parts.text_size, .partial = parts.tag == 'P'};
	if (parts.stream_size != 6 || !log_time_parse(record, parts.time_size, &line.time_ns))
		return false;
	line.is_stderr = memcmp(parts.stream, "stderr", 6) == 0;
	if (!line.is_stderr && memcmp(parts.stream, "stdout", 6) != 0)
		return false;
	*out_line = line;
	return true;
}

/* A piece of text that the record must have at *@at. */
static bool skip_text(const char **at, const char *end, const char *expected)
{
	size_t size = strlen(expected);
	if ((size_t)(end - *at) < size || memcmp(*at, expected, size) != 0)
		return false;
	*at += size;
	return true;
}

/*
 * A record as the monitor writes it, whose text has no escape but a newline at its end: most are. A
 * follower has to be faster than the container.
 */
static bool parse_plain_json(const char *record, size_t size, LogLine *out_line)
{
	const char *at = record;
	const char *end = record + size;
	LogLine line = {.partial = true};
	if (!skip_text(&at, end, "{\"log\":\""))
		return false;
	const char *quote = memchr(at, '"', (size_t)(end - at));
	const char *backslash = quote ? memchr(at, '\\', (size_t)(quote - at)) : NULL;
	if (!quote || (backslash && (backslash + 2 != quote || backslash[1] != 'n')))
		return false;
	line.text = at;
	line.size = (size_t)((backslash ? backslash : quote) - at);
	line.partial = !backslash;
	at = quote;
	if (!skip_text(&at, end, JSON_STREAM "std"))
		return false;
	line.is_stderr = skip_text(&at, end, "err");
	if (!line.is_stderr && !skip_text(&at, end, "out"))
		return false;
	if (!skip_text(&at, end, "\",\"time\":\""))
		return false;
	const char *time = at;
	quote = memchr(at, '"', (size_t)(end - at));
	if (!quote || end - quote != 2 || quote[1] != '}' ||
	    !log_time_parse(time, (size_t)(quote - time), &line.time_ns))
		return false;
	*out_line = line;
	return true;
}

/* Any record of the format. Text may hold NUL characters, so js_get_string() is not for it. */
static bool parse_json(const char *record, size_t size, LogLine *out_line, Json **out_owner)
{
	g_autoptr(Json) json = js_parse(record, size, "log", NULL);
	Json *log = NULL;
	const char *stream = NULL;
	const char *time = NULL;
	if (!json || !json_object_is_type(json, json_type_object) ||
	    !json_object_object_get_ex(json, "log", &log) ||
	    !json_object_is_type(log, json_type_string) ||
	    !js_get_string(json, "stream", &stream, NULL) ||
	    !js_get_string(json, "time", &time, NULL))
		return false;
	LogLine line = {
		.text = json_object_get_string(log),
		.size = (size_t)json_object_get_string_len(log),
		.is_stderr = g_strcmp0(stream, "stderr") == 0,
		.partial = true,
	};
	if (!time || !log_time_parse(time, strlen(time), &line.time_ns))
		return false;
	if (line.size > 0 && line.text[line.size - 1] == '\n') {
		line.size--;
		line.partial = false;
	}
	*out_line = line;
	*out_owner = g_steal_pointer(&json);
	return true;
}

bool log_record_ends_line(LogDriver driver, const char *record, size_t size)
{
	K8sRecord parts;
	if (driver == LOG_DRIVER_K8S_FILE)
		return split_k8s(record, size, &parts) && parts.tag == 'F';
	/* Text cannot hold an unescaped quote, so the last such place is the real one. */
	const char *found = g_strrstr_len(record, (gssize)size, JSON_STREAM);
	return found && found - record >= 2 && found[-2] == '\\' && found[-1] == 'n';
}

bool log_record_parse(LogDriver driver, const char *record, size_t size, LogLine *out_line,
		      Json **out_owner)
{
	*out_owner = NULL;
	if (driver == LOG_DRIVER_K8S_FILE)
		return parse_k8s(record, size, out_line);
	return parse_plain_json(record, size, out_line) ||
	       parse_json(record, size, out_line, out_owner);
}
