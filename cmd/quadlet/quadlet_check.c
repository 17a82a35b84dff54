/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command lines of a service, held against the options that skiff has.
 *
 * Words with specifiers of systemd's, which nobody knows before the start, are left out of the
 * check of values.
 */
#include <string.h>

#include "cmd/commands.h"
#include "cmd/quadlet/env_file.h"
#include "cmd/quadlet/quadlet_priv.h"
#include "cmd/quadlet/quadlet_verb.h"
#include "cmd/quadlet/unit_words.h"
#include "cmd/spec_options.h"
#include "libpod/base/error.h"

typedef struct {
	QuadletUnit *unit;
	char **words;     /* behind the program, NULL-terminated */
	const char *verb; /* "network create" */
	const Command *command;
	GPtrArray *known; /* options whose values can be checked */
} Check;

/* The line of the key that an option was made of; NULL if no single one was. */
static const UnitLine *line_of(const Check *check, const char *option)
{
	const QuadletKind *kind = check->unit->kind;
	for (const QuadletKey *key = kind->keys; key->name; key++) {
		size_t length = key->option ? strcspn(key->option, "=") : 0;
		const UnitLine *line = unit_file_last(check->unit->file, kind->section, key->name);
		if (line && length > 0 && strncmp(key->option, option, length) == 0 &&
		    option[length] == '\0')
			return line;
	}
	return unit_file_last(check->unit->file, kind->section, "PodmanArgs");
}

static const Option *find_short(const OptionGroup *const *groups, char letter)
{
	for (size_t i = 0; groups && groups[i]; i++)
		for (const Option *option = groups[i]->options; option->name; option++)
			if (option->short_name == letter)
				return option;
	return NULL;
}

/* The row of "--name", "--name=value" or "-x"; NULL if there is none. */
static const Option *find_option(const OptionGroup *const *groups, const char *word)
{
	if (word[1] != '-')
		return word[2] ? NULL : find_short(groups, word[1]);
	g_autofree char *name = g_strndup(word + 2, strcspn(word + 2, "="));
	return groups ? option_lookup(groups, name, NULL) : NULL;
}

/* Look at one option. Return: how many words it has. */
static size_t check_option(Check *check, const OptionGroup *const *groups, char **word)
{
	const Option *option = find_option(groups, *word);
	g_autofree char *name = g_strndup(*word, strcspn(*word, "="));
	bool alone = !option || !option_takes_value(option) || strchr(*word, '=') || !word[1];
	if (!option || !option->set)
		quadlet_unit_problem(check->unit, true, line_of(check, name), NULL,
				     "'skiff%s%s' has no option %s yet: the service will fail",
				     *check->verb ? " " : "", check->verb, name);
	else if (!strchr(*word, '%') && (alone || !strchr(word[1], '%')))
		for (size_t i = 0; i < (alone ? 1 : 2); i++)
			g_ptr_array_add(check->known, word[i]);
	return alone ? 1 : 2;
}

/* There is "local" and "image"; podman takes plugins, too. */
static void check_driver(Check *check)
{
	for (guint i = 0; i + 1 < check->known->len; i++) {
		const char *driver = check->known->pdata[i + 1];
		if (strcmp(check->known->pdata[i], "--driver") == 0 &&
		    strcmp(driver, "local") != 0 && strcmp(driver, "image") != 0)
			quadlet_unit_problem(check->unit, true, line_of(check, "--driver"), NULL,
					     "skiff has no volume driver '%s' yet: the service "
					     "will fail",
					     driver);
	}
}

/* The setters of run know all about values. */
static void check_values(Check *check)
{
	if (strcmp(check->verb, "volume create") == 0)
		check_driver(check);
	if (strcmp(check->verb, "run") != 0)
		return;
	g_autoptr(ContainerSpec) spec = spec_new();
	g_auto(OptionResult) result = {0};
	g_autoptr(GError) error = NULL;
	g_auto(SpecImageOptions) image = {0};
	void *targets[SPEC_OPTIONS_GROUPS];
	spec_options_targets(spec, &image, targets);
	g_ptr_array_add(check->known, NULL);
	if (!option_parse(spec_options_run, targets, (char **)check->known->pdata, false, &result,
			  &error))
		quadlet_unit_problem(check->unit, true, NULL, NULL, "the service will fail: %s",
				     error->message);
}

static void check_words(Check *check)
{
	const OptionGroup *const global[] = {command_global_group(), NULL};
	char **word = check->words;
	while (*word && **word == '-')
		word += check_option(check, global, word);
	g_ptr_array_set_size(check->known, 0);
	size_t used = 0;
	check->command = command_lookup(word, &used, &check->verb);
	if (!check->command) {
		quadlet_unit_problem(check->unit, true, NULL, NULL,
				     "skiff has no verb '%s' yet: the service will fail",
				     *word ? *word : "");
		return;
	}
	bool stop = check->command->flags & COMMAND_STOP_AT_ARG;
	for (word += used; *word && !(stop && **word != '-');)
		word += **word == '-' && (*word)[1]
				? check_option(check, check->command->groups, word)
				: 1;
	check_values(check);
}

static void check_line(const QuadletFiles *files, QuadletUnit *unit, const char *value)
{
	g_autoptr(GPtrArray) words = unit_words_split(value, UNIT_WORDS_ESCAPES, NULL);
	g_ptr_array_add(words, NULL);
	const char *program = words->pdata[0];
	if (!program || strcmp(program + strspn(program, "-"), files->skiff) != 0)
		return;
	Check check = {
		.unit = unit,
		.words = (char **)words->pdata + 1,
		.verb = "",
		.known = g_ptr_array_new(),
	};
	check_words(&check);
	g_ptr_array_unref(check.known);
}

/* What the service is made with is on its command line. */
static void check_secrets(QuadletUnit *unit)
{
	const char *section = unit->kind->section;
	g_autoptr(GPtrArray) words = unit_file_words(unit->file, section, "Environment");
	for (size_t i = 0; i < words->len; i++)
		if (env_file_is_secret(words->pdata[i]))
			quadlet_unit_problem(
				unit, true, unit_file_last(unit->file, section, "Environment"),
				NULL,
				"everybody on this machine may read %.*s in the service: use "
				"Secret=, or EnvironmentFile= with a file of mode 0600",
				(int)strcspn(words->pdata[i], "="), (char *)words->pdata[i]);
}

void quadlet_verb_check(const QuadletFiles *files, QuadletUnit *unit)
{
	static const char *const keys[] = {"ExecStartPre", "ExecStart"};
	if (!quadlet_unit_is_broken(unit))
		check_secrets(unit);
	for (size_t i = 0; !quadlet_unit_is_broken(unit) && i < G_N_ELEMENTS(keys); i++) {
		g_autoptr(GPtrArray) lines = unit_file_all(unit->out, "Service", keys[i]);
		for (size_t j = 0; j < lines->len; j++)
			check_line(files, unit, ((const UnitLine *)lines->pdata[j])->value);
	}
}
