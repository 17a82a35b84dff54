/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What must hold for the rows of all verbs.
 */
#include <glib.h>
#include <string.h>

#include "cmd/commands.h"
#include "cmd/help.h"

static void check_option(const Command *command, const Option *option)
{
	g_test_message("%s --%s", command->paths[0], option->name);
	if (!option->set)
		return;
	g_assert_nonnull(option->help);
	g_assert_cmpstr(option->help, !=, "");
	g_assert_true(!g_str_has_suffix(option->help, ".") ||
		      g_str_has_suffix(option->help, "..."));
	g_assert_true(option_takes_value(option) == (option->metavar != NULL));
}

static void test_options_are_explained(void)
{
	for (const Command *const *row = commands_get(); *row; row++)
		for (size_t g = 0; (*row)->groups && (*row)->groups[g]; g++)
			for (const Option *o = (*row)->groups[g]->options; o->name; o++)
				check_option(*row, o);
}

static void test_commands_are_explained(void)
{
	for (const Command *const *row = commands_get(); *row; row++) {
		g_test_message("%s", (*row)->paths[0]);
		g_assert_nonnull((*row)->run);
		g_assert_nonnull((*row)->usage);
		g_assert_cmpstr((*row)->summary, !=, "");
		g_assert_false(g_str_has_suffix((*row)->summary, "."));
		g_assert_true(g_str_has_suffix((*row)->description, "."));
		if ((*row)->flags & COMMAND_HIDDEN)
			continue;
		g_assert_nonnull((*row)->examples);
		for (size_t i = 0; (*row)->examples[i]; i++) {
			g_assert_cmpuint(i, <, 3);
			g_assert_true(strstr((*row)->examples[i], "skiff ") != NULL);
		}
	}
}

static void test_paths_lead_to_their_row(void)
{
	for (const Command *const *row = commands_get(); *row; row++) {
		for (size_t i = 0; (*row)->paths[i]; i++) {
			g_auto(GStrv) words = g_strsplit((*row)->paths[i], " ", -1);
			size_t used = 0;
			const char *path = NULL;
			g_assert_true(command_lookup(words, &used, &path) == *row);
			g_assert_cmpuint(used, ==, g_strv_length(words));
			g_assert_cmpstr(path, ==, (*row)->paths[i]);
			g_assert_null(commands_foreign(words[0], words[1]));
		}
	}
}

/* A name, or a letter, means one thing in one command. */
static void test_names_are_unique(void)
{
	for (const Command *const *row = commands_get(); *row; row++) {
		g_autoptr(GHashTable) names = g_hash_table_new(g_str_hash, g_str_equal);
		bool letters[256] = {false};
		for (size_t g = 0; (*row)->groups && (*row)->groups[g]; g++) {
			for (const Option *o = (*row)->groups[g]->options; o->name; o++) {
				g_test_message("%s --%s", (*row)->paths[0], o->name);
				/* A hidden row may give a shared one a letter. */
				if (!g_hash_table_add(names, (void *)o->name))
					g_assert_true(option_lookup((*row)->groups, o->name, NULL)
							      ->flags &
						      OPTION_HIDDEN);
				if (!o->short_name || !o->set)
					continue;
				g_assert_false(letters[(unsigned char)o->short_name]);
				letters[(unsigned char)o->short_name] = true;
			}
		}
	}
}

/* 80 by 24, the smallest terminal there is. */
static void test_help_fits_a_screen(void)
{
	for (const Command *const *row = commands_get(); *row; row++) {
		for (size_t i = 0; (*row)->paths[i]; i++) {
			g_autofree char *text = help_command_text(*row, (*row)->paths[i], false);
			g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
			g_test_message("%s", text);
			g_assert_cmpuint(g_strv_length(lines) - 1, <=, 24);
			for (size_t j = 0; lines[j]; j++)
				g_assert_cmpuint(g_utf8_strlen(lines[j], -1), <=, 80);
		}
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/rows/options-are-explained", test_options_are_explained);
	g_test_add_func("/rows/commands-are-explained", test_commands_are_explained);
	g_test_add_func("/rows/paths-lead-to-their-row", test_paths_lead_to_their_row);
	g_test_add_func("/rows/names-are-unique", test_names_are_unique);
	g_test_add_func("/rows/help-fits-a-screen", test_help_fits_a_screen);
	return g_test_run();
}
