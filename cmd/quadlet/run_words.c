/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/quadlet/run_words.h"

#include <string.h>

#include "cmd/command.h"
#include "cmd/spec_options.h"
#include "libpod/base/error.h"

static void word_free(void *data)
{
	RunWord *word = data;
	g_free(word->value);
	g_free(word);
}

void run_command_clear(RunCommand *command)
{
	g_clear_pointer(&command->globals, g_ptr_array_unref);
	g_clear_pointer(&command->words, g_ptr_array_unref);
	g_clear_pointer(&command->args, g_strfreev);
}

/* The setter of all rows here. */
static bool record(void *target, const Option *option, const char *value, GError **error)
{
	RunWord *word = g_new0(RunWord, 1);
	word->option = option;
	word->value = g_strdup(value);
	g_ptr_array_add(target, word);
	return true;
}

/* The same rows, with a setter that writes down what it is given, lists as they were typed. They
 * live as long as the program: words point to them. */
static const OptionGroup *recording(const OptionGroup *group)
{
	static GHashTable *made;
	if (!made)
		made = g_hash_table_new(NULL, NULL);
	OptionGroup *copy = g_hash_table_lookup(made, group);
	if (copy)
		return copy;
	size_t n = 0;
	while (group->options[n].name)
		n++;
	Option *rows = g_new0(Option, n + 1);
	for (size_t i = 0; i < n; i++) {
		rows[i] = group->options[i];
		rows[i].set = record;
		if (rows[i].kind == OPTION_CSV)
			rows[i].kind = OPTION_LIST;
	}
	copy = g_new0(OptionGroup, 1);
	copy->options = rows;
	g_hash_table_insert(made, (void *)group, copy);
	return copy;
}

/* Read options of @groups into @words. */
static bool parse(const OptionGroup *const *groups, char **args, bool interspersed,
		  GPtrArray *words, OptionResult *result, GError **error)
{
	g_autoptr(GPtrArray) copies = g_ptr_array_new();
	g_autoptr(GPtrArray) targets = g_ptr_array_new();
	for (size_t i = 0; groups[i]; i++) {
		g_ptr_array_add(copies, (void *)recording(groups[i]));
		g_ptr_array_add(targets, words);
	}
	g_ptr_array_add(copies, NULL);
	return option_parse((const OptionGroup *const *)copies->pdata, targets->pdata, args,
			    interspersed, result, error);
}

char *run_word_format(const RunWord *word)
{
	const char *name = word->option->name;
	if (option_takes_value(word->option) || strcmp(word->value, "true") != 0)
		return g_strdup_printf("--%s=%s", name, word->value);
	return g_strdup_printf("--%s", name);
}

static bool is_global(const RunWord *word)
{
	return option_lookup((const OptionGroup *const[]){command_global_group(), NULL},
			     word->option->name, NULL) != NULL;
}

/* Options of the program may stand behind the verb, too. */
static void sort_out_globals(RunCommand *command, GPtrArray *front)
{
	GPtrArray *own = g_ptr_array_new_with_free_func(word_free);
	GPtrArray *lists[] = {front, command->words};
	for (size_t l = 0; l < G_N_ELEMENTS(lists); l++) {
		for (guint i = 0; i < lists[l]->len; i++) {
			RunWord *word = lists[l]->pdata[i];
			if (l == 0 || is_global(word)) {
				g_ptr_array_add(command->globals, run_word_format(word));
				word_free(word);
			} else {
				g_ptr_array_add(own, word);
			}
		}
		g_ptr_array_set_free_func(lists[l], NULL);
	}
	g_ptr_array_unref(command->words);
	command->words = own;
}

/* Where the verb stands in @words, which is none of the two: NULL. */
static char **find_verb(char **words, bool *out_run, GError **error)
{
	char **verb = words;
	if (*verb && strcmp(*verb, "container") == 0)
		verb++;
	*out_run = *verb && strcmp(*verb, "run") == 0;
	if (*out_run || (*verb && strcmp(*verb, "create") == 0))
		return verb;
	return error_set_null(error, ENGINE_ERROR_UNSUPPORTED,
			      "the container was made by '%s', not by run or create",
			      *verb ? *verb : "");
}

/* What stands behind the verb. */
static bool parse_verb(RunCommand *command, char **verb, bool run, GError **error)
{
	const OptionGroup *groups[SPEC_OPTIONS_GROUPS + 2] = {command_global_group()};
	const OptionGroup *const *own = run ? spec_options_run : spec_options_create;
	g_auto(OptionResult) result = {0};
	for (size_t i = 0; own[i]; i++)
		groups[i + 1] = own[i];
	if (!parse(groups, verb + 1, false, command->words, &result, error))
		return false;
	if (result.args->len == 0)
		return error_set(error, ENGINE_ERROR_INVALID, "its command line names no image");
	g_ptr_array_add(result.args, NULL);
	command->args = g_strdupv((char **)result.args->pdata);
	return true;
}

bool run_command_parse(char *const *line, RunCommand *out, GError **error)
{
	g_auto(RunCommand) command = {0};
	g_autoptr(GPtrArray) front = g_ptr_array_new_with_free_func(word_free);
	const OptionGroup *globals[] = {command_global_group(), NULL};
	g_auto(OptionResult) before = {0};
	bool run = false;
	if (!line || !line[0])
		return error_set(error, ENGINE_ERROR_UNSUPPORTED,
				 "no create command found: only works on containers created "
				 "directly with run or create");
	command.globals = g_ptr_array_new_with_free_func(g_free);
	command.words = g_ptr_array_new_with_free_func(word_free);
	if (!parse(globals, (char **)line + 1, false, front, &before, error))
		return false;
	g_ptr_array_add(before.args, NULL);
	char **verb = find_verb((char **)before.args->pdata, &run, error);
	if (!verb || !parse_verb(&command, verb, run, error))
		return false;
	sort_out_globals(&command, front);
	*out = command;
	command = (RunCommand){0};
	return true;
}

const char *run_command_find(const RunCommand *command, const char *name)
{
	const char *found = NULL;
	for (guint i = 0; i < command->words->len; i++) {
		const RunWord *word = command->words->pdata[i];
		if (strcmp(word->option->name, name) == 0)
			found = word->value;
	}
	return found;
}
