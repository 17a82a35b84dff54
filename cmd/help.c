/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/help.h"

#include <string.h>

#include "cmd/output.h"

#define WIDTH     80
#define MAX_LABEL 28 /* a longer label gets a line of its own, in --help-all */
#define MAX_SHORT 22 /* ... or loses its metavar, in --help */
#define HEIGHT    24

/* Append @text wrapped at words, each line but the first behind @indent spaces; @column is where we
 * are. */
static void append_wrapped(GString *out, const char *text, size_t column, size_t indent)
{
	g_auto(GStrv) words = g_strsplit(text, " ", -1);
	bool first = true;
	for (size_t i = 0; words[i]; i++) {
		size_t length = g_utf8_strlen(words[i], -1);
		if (!first && column + 1 + length > WIDTH) {
			g_string_append_printf(out, "\n%*s", (int)indent, "");
			column = indent;
		} else if (!first) {
			g_string_append_c(out, ' ');
			column++;
		}
		g_string_append(out, words[i]);
		column += length;
		first = false;
	}
	g_string_append_c(out, '\n');
}

/* "-d, --detach", "    --name NAME" */
static char *option_label(const Option *option)
{
	g_autofree char *shorthand = option->short_name
					     ? g_strdup_printf("-%c, ", option->short_name)
					     : g_strdup("    ");
	return g_strdup_printf("%s--%s%s%s", shorthand, option->name, option->metavar ? " " : "",
			       option->metavar ? option->metavar : "");
}

static bool is_listed(const Option *option, bool all)
{
	return option->set && !(option->flags & OPTION_HIDDEN) &&
	       (all || (option->flags & OPTION_COMMON));
}

/* The widest label of the options that will be listed. */
static size_t label_width(const OptionGroup *const *groups, bool all)
{
	size_t width = 0;
	for (size_t g = 0; groups && groups[g]; g++) {
		for (const Option *o = groups[g]->options; o->name; o++) {
			g_autofree char *label = option_label(o);
			if (is_listed(o, all))
				width = MAX(width, MIN(strlen(label), all ? MAX_LABEL : MAX_SHORT));
		}
	}
	return width;
}

/* Append @text on what is left of a line, its end cut at a word if it is too long. */
static void append_cut(GString *out, const char *text, size_t room)
{
	if ((size_t)g_utf8_strlen(text, -1) <= room) {
		g_string_append_printf(out, "%s\n", text);
		return;
	}
	g_autofree char *start = g_utf8_substring(text, 0, room - 2);
	char *space = strrchr(start, ' ');
	if (space)
		*space = '\0';
	g_string_append_printf(out, "%s...\n", start);
}

/* One line for each option that people use every day, at most *room of them. */
static void append_short_options(GString *out, const Option *options, size_t width, size_t *room)
{
	for (const Option *o = options; o->name && *room > 0; o++) {
		if (!is_listed(o, false))
			continue;
		g_autofree char *label = option_label(o);
		if (strlen(label) > width) {
			const Option brief = {
				.short_name = o->short_name, .name = o->name, .metavar = "..."};
			g_free(label);
			label = option_label(&brief);
		}
		g_string_append_printf(out, "  %-*s  ", (int)width, label);
		append_cut(out, o->help, WIDTH - MAX(width, strlen(label)) - 4);
		(*room)--;
	}
}

/* What --help-all lists; a label too wide for its column gets a line of its own. */
static void append_options(GString *out, const Option *options, size_t width)
{
	for (const Option *o = options; o->name; o++) {
		if (!is_listed(o, true))
			continue;
		g_autofree char *label = option_label(o);
		g_string_append_printf(out, "  %-*s", (int)width, label);
		if (strlen(label) > width)
			g_string_append_printf(out, "\n  %*s", (int)width, "");
		g_string_append(out, "  ");
		append_wrapped(out, o->help, width + 4, width + 4);
	}
}

static size_t count_options(const OptionGroup *const *groups, bool all)
{
	size_t n = 0;
	for (size_t g = 0; groups && groups[g]; g++)
		for (const Option *o = groups[g]->options; o->name; o++)
			n += is_listed(o, all);
	return n;
}

/* Every option under its group's title, then the names of those that are refused. */
static void append_all_options(GString *out, const OptionGroup *const *groups)
{
	g_autoptr(GString) unsupported = g_string_new(NULL);
	size_t width = label_width(groups, true);
	for (size_t g = 0; groups && groups[g]; g++) {
		const OptionGroup *const one[] = {groups[g], NULL};
		if (count_options(one, true) > 0)
			g_string_append_printf(out, "\n%s:\n",
					       groups[g]->title ? groups[g]->title : "Options");
		append_options(out, groups[g]->options, width);
		for (const Option *o = groups[g]->options; o->name; o++)
			if (!o->set)
				g_string_append_printf(unsupported, "%s--%s",
						       unsupported->len > 0 ? " " : "", o->name);
	}
	if (unsupported->len == 0)
		return;
	g_string_append(out, "\nNot supported yet:\n  ");
	append_wrapped(out, unsupported->str, 2, 2);
}

static size_t count_lines(const GString *text)
{
	size_t n = 0;
	for (const char *at = text->str; *at; at++)
		n += *at == '\n';
	return n;
}

/* As many of the everyday options as a terminal has lines for. */
static void append_common_options(GString *out, const OptionGroup *const *groups, const char *path)
{
	size_t common = count_options(groups, false), all = count_options(groups, true);
	size_t room = HEIGHT - 2 - MIN(count_lines(out), HEIGHT - 2);
	size_t shown = MIN(common, room);
	if (all == 0)
		return;
	size_t width = label_width(groups, false);
	if (shown < all)
		g_string_append_printf(out,
				       "\nCommon options (skiff %s --help-all for %zu more):\n",
				       path, all - shown);
	else
		g_string_append(out, "\nOptions:\n");
	for (size_t g = 0; groups[g]; g++)
		append_short_options(out, groups[g]->options, width, &room);
}

char *help_command_text(const Command *command, const char *path, bool all)
{
	g_autoptr(GString) out = g_string_new(NULL);
	g_string_append_printf(out, "Usage: skiff %s%s%s\n\n", path, *command->usage ? " " : "",
			       command->usage);
	append_wrapped(out, command->description, 0, 0);
	for (size_t i = 0; command->examples && command->examples[i]; i++)
		g_string_append_printf(out, "%s  %s\n", i == 0 ? "\nExamples:\n" : "",
				       command->examples[i]);
	if (!all) {
		append_common_options(out, command->groups, path);
		return g_string_free(g_steal_pointer(&out), FALSE);
	}
	const OptionGroup *const global[] = {command_global_group(), NULL};
	append_all_options(out, command->groups);
	append_all_options(out, global);
	for (size_t i = 0; command->paths[1] && command->paths[i]; i++)
		if (strcmp(command->paths[i], path) != 0)
			g_string_append_printf(
				out, "%s  skiff %s\n",
				strstr(out->str, "\nAlso called:\n") ? "" : "\nAlso called:\n",
				command->paths[i]);
	return g_string_free(g_steal_pointer(&out), FALSE);
}

void help_print_command(const Command *command, const char *path, bool all)
{
	g_autofree char *text = help_command_text(command, path, all);
	output_printf("%s", text);
}

/* The first path of a row that lies in @group; NULL: at the top. Without the group's word. */
static const char *path_in_group(const Command *command, const char *group)
{
	size_t length = group ? strlen(group) : 0;
	for (const char *const *path = command->paths; *path; path++) {
		if (!group && !strchr(*path, ' '))
			return *path;
		if (group && strncmp(*path, group, length) == 0 && (*path)[length] == ' ')
			return *path + length + 1;
	}
	return NULL;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Names of the commands in @group, sorted, without those in @others. */
static GPtrArray *list_names(const char *group, const char *const *others)
{
	GPtrArray *names = g_ptr_array_new();
	for (const Command *const *row = commands_get(); *row; row++) {
		const char *name = path_in_group(*row, group);
		if (name && !((*row)->flags & COMMAND_HIDDEN) &&
		    !(others && g_strv_contains(others, name)))
			g_ptr_array_add(names, (void *)name);
	}
	g_ptr_array_sort(names, compare_names);
	return names;
}

static const Command *command_by_name(const char *group, const char *name)
{
	char *words[] = {(char *)(group ? group : name), (char *)(group ? name : NULL), NULL};
	size_t used = 0;
	const char *path = NULL;
	return command_lookup(words, &used, &path);
}

static void append_commands(GString *out, const char *group, const GPtrArray *names)
{
	size_t width = 0;
	for (size_t i = 0; i < names->len; i++)
		width = MAX(width, strlen(names->pdata[i]));
	for (size_t i = 0; i < names->len; i++) {
		const Command *command = command_by_name(group, names->pdata[i]);
		g_string_append_printf(out, "  %-*s  %s\n", (int)width,
				       (const char *)names->pdata[i], command->summary);
	}
}

void help_print_group(const char *group)
{
	g_autoptr(GString) out = g_string_new(NULL);
	g_autoptr(GPtrArray) names = list_names(group, NULL);
	g_string_append_printf(out, "Usage: skiff %s COMMAND\n\n%s.\n\nCommands:\n", group,
			       commands_group_summary(group));
	append_commands(out, group, names);
	output_printf("%s", out->str);
}

/* The first things one types, most wanted first. */
static const char *const common_names[] = {"run",  "exec", "ps",     "logs", "stop",
					   "rm",   "pull", "images", "rmi",  "inspect",
					   "info", "help", NULL};
static const char *const group_names[] = {"container", "image",  "manifest", "network", "pod",
					  "quadlet",   "secret", "system",   "volume",  NULL};

/* The page for people who typed nothing: what they most likely want, and where the rest is. */
static void append_root_short(GString *out)
{
	g_autoptr(GPtrArray) common = g_ptr_array_new();
	g_autoptr(GPtrArray) others = list_names(NULL, common_names);
	g_autoptr(GString) line = g_string_new("Others:");
	for (size_t i = 0; common_names[i]; i++)
		g_ptr_array_add(common, (void *)common_names[i]);
	g_string_append(out, "Common commands:\n");
	append_commands(out, NULL, common);
	for (size_t i = 0; i < others->len; i++)
		g_string_append_printf(line, " %s", (const char *)others->pdata[i]);
	for (size_t i = 0; group_names[i]; i++)
		g_string_append_printf(line, "%s%s", i == 0 ? "; groups: " : " ", group_names[i]);
	append_wrapped(out, line->str, 0, 2);
	g_string_append(out,
			"\n'skiff COMMAND --help' explains one, 'skiff --help-all' lists all.\n");
}

static void append_root_all(GString *out)
{
	g_autoptr(GPtrArray) names = list_names(NULL, NULL);
	const OptionGroup *const global[] = {command_global_group(), NULL};
	g_string_append(out, "Commands:\n");
	append_commands(out, NULL, names);
	g_string_append(out, "\nGroups:\n");
	for (size_t i = 0; group_names[i]; i++)
		g_string_append_printf(out, "  %-9s  %s\n", group_names[i],
				       commands_group_summary(group_names[i]));
	append_all_options(out, global);
}

void help_print_root(bool all)
{
	g_autoptr(GString) out = g_string_new("Usage: skiff [options] COMMAND\n\n"
					      "Runs containers: no daemon, no root.\n\n");
	if (all)
		append_root_all(out);
	else
		append_root_short(out);
	output_printf("%s", out->str);
}
