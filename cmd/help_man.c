/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Help, for other programs: man pages as scdoc source, and all rows as JSON.
 */
#include "cmd/help.h"

#include <string.h>

#include "cmd/output.h"
#include "libpod/base/json.h"

/* Append text with scdoc's marks escaped. */
static void append_plain(GString *out, const char *text)
{
	for (; *text; text++) {
		if (strchr("*_\\[]#<>~", *text))
			g_string_append_c(out, '\\');
		g_string_append_c(out, *text);
	}
}

/* One entry of a definition list. Option names hold nothing that scdoc would read as markup. */
static void append_option(GString *out, const Option *option)
{
	if (option->short_name)
		g_string_append_printf(out, "*-%c*, ", option->short_name);
	g_string_append_printf(out, "*--%s*", option->name);
	if (option->metavar) {
		g_string_append(out, " _");
		append_plain(out, option->metavar);
		g_string_append_c(out, '_');
	}
	g_string_append(out, "\n\t");
	append_plain(out, option->help);
	g_string_append(out, ".\n\n");
}

/* Unlike --help a page leaves nothing out that works; a title waits for its first option. */
static void append_groups(GString *out, const OptionGroup *const *groups, bool titles)
{
	for (size_t g = 0; groups && groups[g]; g++) {
		bool titled = false;
		for (const Option *o = groups[g]->options; o->name; o++) {
			if (!o->set || o->flags & OPTION_HIDDEN)
				continue;
			if (!titled && titles)
				g_string_append_printf(out, "## %s\n\n",
						       groups[g]->title ? groups[g]->title
									: "Options");
			titled = true;
			append_option(out, o);
		}
	}
}

static size_t count_groups(const OptionGroup *const *groups)
{
	size_t n = 0;
	while (groups && groups[n])
		n++;
	return n;
}

/* "container-ls" of "container ls". */
static char *page_name(const char *path)
{
	char *name = g_strdup_printf("skiff-%s", path);
	return g_strdelimit(name, " ", '-');
}

static void append_synopsis(GString *out, const Command *command)
{
	g_string_append(out, "# SYNOPSIS\n\n");
	for (const char *const *path = command->paths; *path; path++) {
		g_string_append_printf(out, "*skiff %s* ", *path);
		append_plain(out, command->usage);
		g_string_append(out, path[1] ? "++\n" : "\n");
	}
}

/* The page of a verb, all from its row. */
static void print_command_page(const Command *command)
{
	g_autofree char *name = page_name(command->paths[0]);
	g_autofree char *summary = g_strdup(command->summary);
	summary[0] = g_ascii_tolower(summary[0]);
	g_autoptr(GString) out = g_string_new(NULL);
	g_string_append_printf(out, "%s(1)\n\n# NAME\n\n%s - ", name, name);
	append_plain(out, summary);
	g_string_append(out, "\n\n");
	append_synopsis(out, command);
	g_string_append(out, "\n# DESCRIPTION\n\n");
	append_plain(out, command->description);
	g_string_append(out, "\n\n");
	if (command->groups) {
		g_string_append(out, "# OPTIONS\n\n");
		append_groups(out, command->groups, count_groups(command->groups) > 1);
	}
	if (command->man)
		g_string_append_printf(out, "%s\n", command->man);
	for (size_t i = 0; command->examples && command->examples[i]; i++)
		g_string_append_printf(out, "%s\t%s\n", i == 0 ? "# EXAMPLES\n\n```\n" : "",
				       command->examples[i]);
	if (command->examples && command->examples[0])
		g_string_append(out, "```\n\n");
	g_string_append(out, "# SEE ALSO\n\n*skiff*(1)\n");
	output_printf("%s", out->str);
}

/* skiff(1): what all verbs share. */
static void print_program_page(void)
{
	g_autoptr(GString) out = g_string_new(
		"skiff(1)\n\n# NAME\n\nskiff - run containers without a daemon and without root\n\n"
		"# SYNOPSIS\n\n*skiff* [options] COMMAND [options] [ARG...]\n\n"
		"# DESCRIPTION\n\n"
		"skiff pulls images and runs containers from them, as an ordinary user. Its "
		"commands and "
		"options are those of podman(1) and docker(1).\n\n"
		"# GLOBAL OPTIONS\n\nThese may stand in front of the command and among its own "
		"options.\n\n");
	const OptionGroup *const global[] = {command_global_group(), NULL};
	append_groups(out, global, false);
	g_string_append(out, "*-v*, *--version*\n\tPrint the version.\n\n# COMMANDS\n\n");
	for (const Command *const *row = commands_get(); *row; row++) {
		if ((*row)->flags & COMMAND_HIDDEN)
			continue;
		g_autofree char *name = page_name((*row)->paths[0]);
		g_string_append_printf(out, "*%s*(1)\n\t", name);
		append_plain(out, (*row)->summary);
		g_string_append(out, ".\n\n");
	}
	g_string_append(
		out,
		"# EXIT STATUS\n\n*125*\n\tskiff itself failed.\n\n"
		"*126*\n\tThe container's command exists but cannot be run.\n\n"
		"*127*\n\tThe container's command does not exist.\n\n"
		"Any other code of *skiff run*, *start -a*, *exec* and *attach* is the command's "
		"own, 128 and the signal's number if a signal ended it.\n\n"
		"# ENVIRONMENT\n\n*XDG\\_DATA\\_HOME*, *XDG\\_RUNTIME\\_DIR*\n\tWhere images and "
		"containers, and the state of running ones, are kept: in _skiff_ below them.\n\n"
		"*REGISTRY\\_AUTH\\_FILE*\n\tThe file of credentials for registries.\n\n"
		"*NO\\_COLOR*\n\tNo colours.\n");
	output_printf("%s", out->str);
}

void help_print_man(const Command *command)
{
	if (command)
		print_command_page(command);
	else
		print_program_page();
}

/* What lint, completions and tests want to know of a row, also of one that is refused. */
static Json *option_json(const Option *option, const OptionGroup *group)
{
	static const char *const kinds[] = {"flag", "tri-state", "value",
					    "list", "csv",       "env-list"};
	Json *json = json_object_new_object();
	g_autofree char *shorthand =
		option->short_name ? g_strdup_printf("%c", option->short_name) : NULL;
	js_set_string(json, "name", option->name);
	js_set_string(json, "short", shorthand);
	js_set_string(json, "kind", kinds[option->kind]);
	js_set_string(json, "group", group->title ? group->title : "Options");
	js_set_string(json, "metavar", option->metavar);
	js_set_string(json, "help", option->help);
	js_set_bool(json, "supported", option->set != NULL);
	js_set_bool(json, "common", option->flags & OPTION_COMMON);
	js_set_bool(json, "hidden", option->flags & OPTION_HIDDEN);
	return json;
}

static Json *options_json(const OptionGroup *const *groups)
{
	Json *array = json_object_new_array();
	for (size_t g = 0; groups && groups[g]; g++)
		for (const Option *o = groups[g]->options; o->name; o++)
			json_object_array_add(array, option_json(o, groups[g]));
	return array;
}

void help_print_options_json(void)
{
	const OptionGroup *const global[] = {command_global_group(), NULL};
	g_autoptr(Json) json = json_object_new_object();
	js_set_take(json, "global", options_json(global));
	Json *commands = json_object_new_array();
	js_set_take(json, "commands", commands);
	for (const Command *const *row = commands_get(); *row; row++) {
		g_autofree char *page = page_name((*row)->paths[0]);
		Json *command = json_object_new_object();
		json_object_array_add(commands, command);
		js_set_take(command, "paths", js_from_strv((*row)->paths));
		js_set_string(command, "usage", (*row)->usage);
		js_set_string(command, "summary", (*row)->summary);
		js_set_string(command, "page", page);
		js_set_bool(command, "hidden", (*row)->flags & COMMAND_HIDDEN);
		js_set_take(command, "options", options_json((*row)->groups));
	}
	output_json(json);
}
