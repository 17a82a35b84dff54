/* SPDX-License-Identifier: Apache-2.0 */
/*
 * skiff-compose: `skiff compose` runs this program with the words behind "compose".
 *
 *   node, scalar, yaml_read	YAML to a tree that knows lines	   shape, canonical*   what may
 * stand where
 *   interpolate, environment, dotenv	variables		   compose_merge       files onto
 * files compose_file*		a project from its files	   project_* defaults, checks,
 * output config, version		one verb per file
 */
#include <stdio.h>
#include <string.h>

#include "cmd/compose/compose_progress.h"
#include "cmd/compose/compose_verbs.h"
#include "cmd/compose/project_options.h"
#include "cmd/output.h"

static void add_value(GPtrArray *words, const char *name, const char *value)
{
	if (value)
		g_ptr_array_add(words, g_strdup_printf("--%s=%s", name, value));
}

/* The options in front, in their long form, NAME and what is behind it. */
static GPtrArray *arrange(const char *self, const ProjectOptions *project,
			  const GlobalOptions *global, char **rest)
{
	GPtrArray *words = g_ptr_array_new_with_free_func(g_free);
	g_ptr_array_add(words, g_strdup(self));
	g_ptr_array_add(words, g_strdup("compose"));
	g_ptr_array_add(words, g_strdup(rest[0]));
	add_value(words, "log-level", global->log_level);
	add_value(words, "root", global->root);
	add_value(words, "runroot", global->runroot);
	for (guint i = 0; global->modules && i < global->modules->len; i++)
		add_value(words, "module", global->modules->pdata[i]);
	/* A verb may have an -f or -p of its own. */
	project_options_words(project, words);
	for (char **word = rest + 1; *word; word++)
		g_ptr_array_add(words, g_strdup(*word));
	g_ptr_array_add(words, NULL);
	return words;
}

int main(int argc, char **argv)
{
	g_auto(ProjectOptions) project = {0};
	GlobalOptions global = {0};
	g_auto(OptionResult) front = {0};
	g_autoptr(GError) error = NULL;
	const OptionGroup *groups[] = {&project_option_group, command_global_group(), NULL};
	void *targets[] = {&project, &global};
	/* The first word says where skiff is: what a monitor becomes at its end. */
	if (argc < 1 || argv[0][0] != '/') {
		(void)fprintf(stderr, "Error: skiff-compose is run by skiff\n");
		return 125;
	}
	if (!option_parse(groups, targets, argv + 1, false, &front, &error))
		return command_fail(error);
	if (front.help || front.args->len == 0) {
		const char *words[] = {"skiff", "compose", front.help ? "--help" : NULL, NULL};
		return command_dispatch(front.help ? 3 : 2, (char **)words);
	}
	g_ptr_array_add(front.args, NULL);
	g_autoptr(GPtrArray) words =
		arrange(argv[0], &project, &global, (char **)front.args->pdata);
	g_clear_pointer(&global.modules, g_ptr_array_unref);
	int code = command_dispatch((int)words->len - 1, (char **)words->pdata);
	compose_progress_end();
	return code;
}
