/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys to options: one row of a kind's table, one way to read its values.
 */
#include <stdarg.h>
#include <string.h>

#include "cmd/quadlet/quadlet_priv.h"
#include "cmd/quadlet/unit_words.h"

void work_add(Translation *work, ...)
{
	va_list words;
	va_start(words, work);
	for (const char *word; (word = va_arg(words, const char *));)
		g_ptr_array_add(work->argv, g_strdup(word));
	va_end(words);
}

void work_add_option(Translation *work, const char *option, const char *value)
{
	if (g_str_has_suffix(option, "="))
		g_ptr_array_add(work->argv, g_strconcat(option, value, NULL));
	else
		work_add(work, option, value, NULL);
}

static void add_all(Translation *work, const char *option, const GPtrArray *values)
{
	for (size_t i = 0; i < values->len; i++) {
		if (option)
			work_add_option(work, option, values->pdata[i]);
		else
			work_add(work, values->pdata[i], NULL);
	}
}

void work_begin(Translation *work, const char *verb)
{
	g_clear_pointer(&work->argv, g_ptr_array_unref);
	work->argv = g_ptr_array_new_with_free_func(g_free);
	work_add(work, work->set->skiff, NULL);
	g_autoptr(GPtrArray) modules = work_all(work, "ContainersConfModule");
	for (size_t i = 0; i < modules->len; i++)
		work_add_option(work, "--module=", ((const UnitLine *)modules->pdata[i])->value);
	g_autoptr(GPtrArray) global = work_words(work, "GlobalArgs");
	add_all(work, NULL, global);
	g_auto(GStrv) words = g_strsplit(verb, " ", -1);
	for (char **word = words; *word; word++)
		work_add(work, *word, NULL);
}

void work_end(Translation *work, const char *key, const char *prefix)
{
	g_autofree char *line = unit_words_join(work->argv);
	g_autofree char *value = g_strconcat(prefix ? prefix : "", line, NULL);
	unit_file_add(work->service, "Service", key, value);
}

const UnitLine *work_last(const Translation *work, const char *key)
{
	const UnitLine *line = unit_file_last(work->unit->file, work->section, key);
	return line && *line->value ? line : NULL;
}

char *work_get(const Translation *work, const char *key)
{
	const UnitLine *line = work_last(work, key);
	return line ? part_strip_quotes(line->value) : NULL;
}

GPtrArray *work_all(const Translation *work, const char *key)
{
	return unit_file_all(work->unit->file, work->section, key);
}

void work_fail(Translation *work, const char *key, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	g_autofree char *text = g_strdup_vprintf(format, args);
	va_end(args);
	quadlet_unit_problem(work->unit, false, work_last(work, key), NULL, "%s", text);
}

static GPtrArray *split_line(Translation *work, const UnitLine *line, UnitWordsKind kind)
{
	bool open;
	GPtrArray *words = unit_words_split(line->value, kind, &open);
	if (open)
		quadlet_unit_problem(
			work->unit, true, line, NULL,
			"a quote in '%s' is not closed: the rest of the line is one word",
			line->key);
	return words;
}

static GPtrArray *split_all(Translation *work, const char *key, UnitWordsKind kind)
{
	g_autoptr(GPtrArray) lines = work_all(work, key);
	GPtrArray *words = g_ptr_array_new_with_free_func(g_free);
	for (size_t i = 0; i < lines->len; i++)
		g_ptr_array_extend_and_steal(words, split_line(work, lines->pdata[i], kind));
	return words;
}

GPtrArray *work_words(Translation *work, const char *key)
{
	return split_all(work, key, UNIT_WORDS_ESCAPES);
}

/* systemd's words for yes and no. Return: 1, 0, or -1 for anything else. */
static int parse_bool(const char *value)
{
	static const char *const words[][5] = {{"0", "no", "n", "false", "off"},
					       {"1", "yes", "y", "true", "on"}};
	for (int truth = 0; truth < 2; truth++)
		for (size_t i = 0; i < G_N_ELEMENTS(words[truth]); i++)
			if (g_ascii_strcasecmp(value, words[truth][i]) == 0)
				return truth;
	return -1;
}

/* 1, 0, or -1 if the key is not there or makes no sense, which is noted. */
static int get_bool(Translation *work, const char *key)
{
	g_autofree char *value = work_get(work, key);
	int truth = value ? parse_bool(value) : -1;
	if (value && truth < 0)
		work_fail(work, key, "'%s' must be yes or no, not '%s'", key, value);
	return truth;
}

bool work_flag(Translation *work, const char *key, bool fallback)
{
	int truth = get_bool(work, key);
	return truth < 0 ? fallback : truth == 1;
}

static void add_flag(Translation *work, const QuadletKey *key)
{
	int truth = get_bool(work, key->name);
	if (truth == 1)
		work_add(work, key->option, NULL);
	else if (truth == 0)
		g_ptr_array_add(work->argv, g_strconcat(key->option, "=false", NULL));
}

static bool same_name(const char *pair, const char *other)
{
	size_t length = strcspn(pair, "=");
	return length == strcspn(other, "=") && strncmp(pair, other, length) == 0;
}

/* Of pairs with the same name the last one, in the place of the first. */
static void add_pairs(Translation *work, const QuadletKey *key)
{
	g_autoptr(GPtrArray) words = work_words(work, key->name);
	g_autoptr(GPtrArray) chosen = g_ptr_array_new();
	for (size_t i = 0; i < words->len; i++) {
		size_t at = 0;
		while (at < chosen->len && !same_name(chosen->pdata[at], words->pdata[i]))
			at++;
		if (at < chosen->len)
			chosen->pdata[at] = words->pdata[i];
		else
			g_ptr_array_add(chosen, words->pdata[i]);
	}
	add_all(work, key->option, chosen);
}

static void add_each(Translation *work, const QuadletKey *key)
{
	g_autoptr(GPtrArray) lines = work_all(work, key->name);
	for (size_t i = 0; i < lines->len; i++)
		work_add_option(work, key->option, ((const UnitLine *)lines->pdata[i])->value);
}

static void add_value(Translation *work, const QuadletKey *key)
{
	g_autofree char *value = work_get(work, key->name);
	if (value)
		work_add_option(work, key->option, value);
	else if (key->kind == KEY_EMPTY &&
		 unit_file_last(work->unit->file, work->section, key->name))
		work_add_option(work, key->option, "");
}

static void add_words(Translation *work, const QuadletKey *key)
{
	UnitWordsKind kind = key->kind == KEY_NAMES ? UNIT_WORDS_PLAIN : UNIT_WORDS_ESCAPES;
	g_autoptr(GPtrArray) words = split_all(work, key->name, kind);
	add_all(work, key->option, words);
}

static void add_key(Translation *work, const QuadletKey *key)
{
	switch (key->kind) {
	case KEY_LATER:
		break;
	case KEY_VALUE:
	case KEY_EMPTY:
		add_value(work, key);
		break;
	case KEY_EACH:
		add_each(work, key);
		break;
	case KEY_FLAG:
		add_flag(work, key);
		break;
	case KEY_NAMES:
	case KEY_WORDS:
		add_words(work, key);
		break;
	case KEY_PAIRS:
		add_pairs(work, key);
		break;
	case KEY_CALL:
		key->call(work, key);
		break;
	}
}

void work_add_keys(Translation *work, const char *first, const char *last)
{
	bool on = first == NULL;
	for (const QuadletKey *key = work->unit->kind->keys; key->name; key++) {
		on = on || strcmp(key->name, first) == 0;
		if (on)
			add_key(work, key);
		if (last && strcmp(key->name, last) == 0)
			return;
	}
}
