/* SPDX-License-Identifier: Apache-2.0 */
#include "libpod/base/suggest.h"

#include <string.h>

#include "libpod/base/error.h"

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
	unsigned least = a < b ? a : b;
	return least < c ? least : c;
}

unsigned suggest_distance(const char *a, const char *b, unsigned limit)
{
	size_t n = strlen(a), m = strlen(b);
	if (n > SUGGEST_MAX_LENGTH || m > SUGGEST_MAX_LENGTH || (n > m ? n - m : m - n) > limit)
		return limit + 1;

	/* Three rows of the usual table: the one being filled, the last and the one before. */
	unsigned rows[3][SUGGEST_MAX_LENGTH + 1];
	for (size_t j = 0; j <= m; j++)
		rows[0][j] = j;
	for (size_t i = 1; i <= n; i++) {
		unsigned *row = rows[i % 3];
		const unsigned *last = rows[(i - 1) % 3];
		row[0] = i;
		for (size_t j = 1; j <= m; j++) {
			char x = g_ascii_tolower(a[i - 1]), y = g_ascii_tolower(b[j - 1]);
			row[j] = min3(last[j] + 1, row[j - 1] + 1, last[j - 1] + (x != y));
			if (i > 1 && j > 1 && x == g_ascii_tolower(b[j - 2]) &&
			    y == g_ascii_tolower(a[i - 2]))
				row[j] = MIN(row[j], rows[(i - 2) % 3][j - 2] + 1);
		}
	}
	return MIN(rows[n % 3][m], limit + 1);
}

void suggest_init(Suggestions *suggestions, const char *typed)
{
	*suggestions = (Suggestions){.typed = typed};
}

void suggest_offer(Suggestions *s, const char *name)
{
	unsigned limit = strlen(name) <= 3 || strlen(s->typed) <= 3 ? 1 : 2;
	unsigned distance = suggest_distance(s->typed, name, limit);
	if (distance > limit)
		return;
	for (size_t i = 0; i < s->n; i++)
		if (strcmp(s->names[i], name) == 0)
			return;

	size_t at = s->n;
	while (at > 0 && s->distances[at - 1] > distance)
		at--;
	if (at == SUGGEST_MAX)
		return;
	size_t moved = MIN(s->n, SUGGEST_MAX - 1) - at;
	memmove(&s->names[at + 1], &s->names[at], moved * sizeof(s->names[0]));
	memmove(&s->distances[at + 1], &s->distances[at], moved * sizeof(s->distances[0]));
	s->names[at] = name;
	s->distances[at] = distance;
	s->n = MIN(s->n + 1, SUGGEST_MAX);
}

char *suggest_text(const Suggestions *s, const char *prefix)
{
	if (s->n == 0)
		return NULL;

	GString *text = g_string_new(NULL);
	for (size_t i = 0; i < s->n; i++) {
		if (i > 0)
			g_string_append(text, i + 1 == s->n ? " or " : ", ");
		g_string_append_printf(text, "%s%s", prefix, s->names[i]);
	}
	return g_string_free(text, FALSE);
}

void suggest_add_help(const Suggestions *s, const char *prefix, GError **error)
{
	g_autofree char *text = suggest_text(s, prefix);
	if (text)
		error_add_help(error, "did you mean %s?", text);
}

void suggest_add_near(const char *typed, char **names, const char *otherwise, GError **error)
{
	Suggestions near;
	suggest_init(&near, typed);
	for (size_t i = 0; names && names[i]; i++)
		suggest_offer(&near, names[i]);
	if (near.n > 0)
		suggest_add_help(&near, "", error);
	else
		error_add_help(error, "%s", otherwise);
}
