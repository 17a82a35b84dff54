/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/compose/shell_words.h"

#include <stdbool.h>
#include <string.h>

typedef struct {
	GPtrArray *words;
	GString *word;
	bool started; /* there is a word, maybe an empty one in quotes */
} Splitter;

static void end_word(Splitter *splitter)
{
	if (!splitter->started)
		return;
	g_ptr_array_add(splitter->words, g_strndup(splitter->word->str, splitter->word->len));
	g_string_truncate(splitter->word, 0);
	splitter->started = false;
}

/* Take what is between two quotes; NULL if the second is missing. */
static const char *take_quotes(Splitter *splitter, const char *at)
{
	char quote = *at++;
	splitter->started = true;
	for (; *at && *at != quote; at++) {
		if (*at == '\\' && quote == '"' && at[1])
			at++;
		g_string_append_c(splitter->word, *at);
	}
	return *at ? at : NULL;
}

char **shell_words_split(const char *text)
{
	g_autoptr(GPtrArray) words = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GString) word = g_string_new(NULL);
	Splitter splitter = {.words = words, .word = word};
	for (const char *at = text; *at; at++) {
		if (*at == '"' || *at == '\'') {
			at = take_quotes(&splitter, at);
			if (!at)
				return NULL;
		} else if (g_ascii_isspace(*at)) {
			end_word(&splitter);
		} else if (strchr(";&|<>", *at)) {
			break;
		} else if (*at == '(' || *at == ')') {
			return NULL;
		} else {
			if (*at == '\\' && at[1])
				at++;
			splitter.started = true;
			g_string_append_c(word, *at);
		}
	}
	end_word(&splitter);
	g_ptr_array_set_free_func(words, NULL);
	g_ptr_array_add(words, NULL);
	return (char **)g_ptr_array_steal(words, NULL);
}
