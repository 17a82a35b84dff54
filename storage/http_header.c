/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parsers of HTTP header values (RFC 9110; RFC 8288 for Link). Pure, bounded, fuzzed.
 */
#include "storage/http_header.h"

#include <stdio.h>
#include <string.h>

#include "libpod/base/units.h"

static bool is_token_char(char c)
{
	return g_ascii_isalnum(c) || (c && strchr("!#$%&'*+-.^_`|~", c));
}

static const char *skip_spaces(const char *s)
{
	return s + strspn(s, " \t");
}

/* Spaces and empty list elements. */
static const char *skip_commas(const char *s)
{
	return s + strspn(s, " \t,");
}

static size_t token_length(const char *s)
{
	size_t length = 0;
	while (is_token_char(s[length]))
		length++;
	return length;
}

static size_t token68_length(const char *s)
{
	size_t length = 0;
	while (g_ascii_isalnum(s[length]) || (s[length] && strchr("-._~+/", s[length])))
		length++;
	return length + strspn(s + length, "=");
}

void http_challenge_free(HttpChallenge *challenge)
{
	if (!challenge)
		return;
	g_free(challenge->scheme);
	g_hash_table_unref(challenge->params);
	g_free(challenge);
}

const char *http_challenge_param(const HttpChallenge *challenge, const char *name)
{
	const char *value = g_hash_table_lookup(challenge->params, name);
	return value && *value ? value : NULL;
}

/* A token or a quoted string; advances *@s. NULL if neither stands there. */
static char *parse_word(const char **s)
{
	if (**s != '"') {
		size_t length = token_length(*s);
		if (length == 0)
			return NULL;
		char *word = g_strndup(*s, length);
		*s += length;
		return word;
	}
	g_autoptr(GString) word = g_string_new(NULL);
	const char *c = *s + 1;
	for (; *c && *c != '"'; c++) {
		if (*c == '\\' && c[1])
			c++;
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			return NULL;
		g_string_append_c(word, *c);
	}
	if (*c != '"')
		return NULL;
	*s = c + 1;
	return g_string_free(g_steal_pointer(&word), FALSE);
}

/* Does a "name = value" parameter start here? Then *@out_value points behind the equals sign. */
static bool at_param(const char *s, const char **out_value)
{
	size_t length = token_length(s);
	if (length == 0)
		return false;
	const char *equals = skip_spaces(s + length);
	if (*equals != '=')
		return false;
	const char *value = skip_spaces(equals + 1);
	if (*value != '"' && token_length(value) == 0)
		return false;
	*out_value = value;
	return true;
}

/* Parameters up to the next challenge. A name that comes twice keeps its first value. */
static bool parse_params(const char **s, HttpChallenge *challenge)
{
	const char *value;
	while (at_param(*s, &value)) {
		g_autofree char *name = g_ascii_strdown(*s, (gssize)token_length(*s));
		g_autofree char *word = parse_word(&value);
		if (!word)
			return false;
		if (!g_hash_table_contains(challenge->params, name))
			g_hash_table_insert(challenge->params, g_steal_pointer(&name),
					    g_steal_pointer(&word));
		*s = skip_spaces(value);
		if (**s && **s != ',')
			return false;
		*s = skip_commas(*s);
	}
	return true;
}

bool http_challenges_parse(const char *value, GPtrArray *into)
{
	if (strlen(value) > HTTP_HEADER_MAX_SIZE)
		return false;
	const char *s = skip_commas(value);
	while (*s) {
		size_t length = token_length(s);
		if (length == 0 || (s[length] && !strchr(" \t,", s[length])))
			return false;
		HttpChallenge *challenge = g_new0(HttpChallenge, 1);
		challenge->scheme = g_ascii_strdown(s, (gssize)length);
		challenge->params = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
		g_ptr_array_add(into, challenge);
		const char *after = skip_spaces(s + length);
		const char *ignored;
		size_t blob = after > s + length ? token68_length(after) : 0;
		const char *end = skip_spaces(after + blob);
		if (blob > 0 && !at_param(after, &ignored) && (*end == '\0' || *end == ','))
			after = end;
		s = skip_commas(after);
		if (!parse_params(&s, challenge))
			return false;
	}
	return true;
}

/* "Sun, 06 Nov 1994 08:49:37 GMT", also RFC 850's "Sunday, 06-Nov-94 ..." */
static int64_t parse_rfc1123(const char *text)
{
	char month[4];
	int day, year, hour, minute, second, end = 0;
	const char *comma = strchr(text, ',');
	if (!comma)
		return -1;
	const char *s = skip_spaces(comma + 1);
	if (sscanf(s, "%2d%*1[ -]%3[A-Za-z]%*1[ -]%4d %2d:%2d:%2d GMT%n", &day, month, &year, &hour,
		   &minute, &second, &end) != 6 ||
	    end == 0 || s[end])
		return -1;
	if (year < 100)
		year += year < 70 ? 2000 : 1900;
	static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	const char *found = strstr(names, month);
	if (!found || strlen(month) != 3 || (found - names) % 3 != 0 || year < 1970)
		return -1;
	g_autoptr(GDateTime) moment =
		g_date_time_new_utc(year, (int)(found - names) / 3 + 1, day, hour, minute, second);
	return moment ? g_date_time_to_unix(moment) : -1;
}

/* asctime's "Sun Nov  6 08:49:37 1994" */
static int64_t parse_asctime(const char *text)
{
	char weekday[4], month[4];
	int day, year, hour, minute, second, end = 0;
	if (sscanf(text, "%3[A-Za-z] %3[A-Za-z] %2d %2d:%2d:%2d %4d%n", weekday, month, &day, &hour,
		   &minute, &second, &year, &end) != 7 ||
	    text[end])
		return -1;
	g_autofree char *other = g_strdup_printf("%s, %02d %s %04d %02d:%02d:%02d GMT", weekday,
						 day, month, year, hour, minute, second);
	return parse_rfc1123(other);
}

int64_t http_date_parse(const char *text)
{
	if (strlen(text) > 64)
		return -1;
	int64_t value = parse_rfc1123(text);
	return value >= 0 ? value : parse_asctime(text);
}

int64_t http_retry_after_parse(const char *value, const char *date, int64_t now)
{
	uint64_t seconds;
	if (units_parse_uint(value, 31536000, &seconds, NULL))
		return (int64_t)seconds;
	int64_t then = http_date_parse(value);
	if (then < 0)
		return -1;
	int64_t theirs = date ? http_date_parse(date) : -1;
	return MAX(then - (theirs >= 0 ? theirs : now), 0);
}

static bool parse_number(const char **s, int64_t *out)
{
	size_t length = strspn(*s, "0123456789");
	g_autofree char *digits = g_strndup(*s, length);
	uint64_t value;
	if (length == 0 || !units_parse_uint(digits, G_MAXINT64, &value, NULL))
		return false;
	*out = (int64_t)value;
	*s += length;
	return true;
}

bool http_content_range_parse(const char *value, int64_t *out_first, int64_t *out_last,
			      int64_t *out_total)
{
	int64_t first, last, total = -1;
	if (strlen(value) > 128 || g_ascii_strncasecmp(value, "bytes", 5) != 0)
		return false;
	const char *s = skip_spaces(value + 5);
	if (!parse_number(&s, &first) || *s++ != '-' || !parse_number(&s, &last) || *s++ != '/')
		return false;
	if (*s == '*')
		s++;
	else if (!parse_number(&s, &total))
		return false;
	if (*skip_spaces(s) || last < first || (total >= 0 && last >= total))
		return false;
	*out_first = first;
	*out_last = last;
	*out_total = total;
	return true;
}

char *http_media_type(const char *value)
{
	const char *s = skip_spaces(value);
	size_t length = token_length(s);
	if (length == 0 || s[length] != '/')
		return g_strdup("");
	size_t subtype = token_length(s + length + 1);
	const char *end = skip_spaces(s + length + 1 + subtype);
	if (subtype == 0 || (*end && *end != ';' && *end != ',') || length + subtype > 255)
		return g_strdup("");
	return g_ascii_strdown(s, (gssize)(length + 1 + subtype));
}

/* Is one of the parameters behind a link's target rel=next? */
static bool has_rel_next(const char *params, const char *end)
{
	g_autofree char *text = g_ascii_strdown(params, end - params);
	g_auto(GStrv) parts = g_strsplit(text, ";", -1);
	for (size_t i = 0; parts[i]; i++) {
		g_strstrip(parts[i]);
		if (strcmp(parts[i], "rel=next") == 0 || strcmp(parts[i], "rel=\"next\"") == 0)
			return true;
	}
	return false;
}

char *http_link_next(const char *value)
{
	if (strlen(value) > HTTP_HEADER_MAX_SIZE)
		return NULL;
	const char *s = value;
	while ((s = strchr(s, '<'))) {
		const char *close = strchr(s, '>');
		if (!close)
			return NULL;
		const char *end = close + 1 + strcspn(close + 1, ",");
		if (has_rel_next(close + 1, end))
			return g_strndup(s + 1, close - s - 1);
		s = end;
	}
	return NULL;
}
