/* SPDX-License-Identifier: Apache-2.0 */
/*
 * quadlet lint
 */
#include <stdio.h>
#include <string.h>

#include "cmd/commands.h"
#include "cmd/output.h"
#include "cmd/quadlet/quadlet_source.h"
#include "cmd/quadlet/quadlet_verb.h"
#include "libpod/base/error.h"

typedef struct {
	bool strict;
} LintOptions;

static const Option options[] = {
	{0, "strict", OPTION_FLAG, option_set_flag, NULL, "Fail for warnings, too",
	 offsetof(LintOptions, strict), OPTION_COMMON},
	{0},
};

static const OptionGroup group = {NULL, options};

/* The files that the arguments name, or none for all; directories are walked. */
static bool add_arguments(const Invocation *inv, QuadletFiles *files, GError **error)
{
	for (size_t i = 0; i < command_n_args(inv); i++) {
		g_autofree char *path = g_canonicalize_filename(command_arg(inv, i), NULL);
		if (g_file_test(path, G_FILE_TEST_IS_DIR)) {
			g_autoptr(GPtrArray) roots = g_ptr_array_new();
			g_ptr_array_add(roots, path);
			quadlet_load(&files->set, roots, 0, files->messages);
		} else if (!quadlet_load_file(&files->set, path, files->messages)) {
			return error_set(error, ENGINE_ERROR_INVALID,
					 "'%s' is of no kind that systemd units are made of", path);
		}
	}
	return true;
}

/* Return: how many problems that are more than warnings; all of them are printed. */
static size_t print_problems(QuadletFiles *files, size_t n_units, size_t *out_warnings)
{
	size_t errors = files->messages->len;
	for (size_t i = 0; i < files->messages->len; i++)
		output_text(files->messages->pdata[i]);
	for (size_t i = 0; i < n_units; i++) {
		QuadletUnit *unit = files->set.units->pdata[i];
		quadlet_verb_check(files, unit);
		for (size_t j = 0; j < unit->problems->len; j++) {
			const QuadletProblem *problem = unit->problems->pdata[j];
			g_autofree char *text = quadlet_problem_format(problem);
			g_autofree char *line =
				g_strconcat(problem->warning ? "Warning: " : "Error: ", text, NULL);
			output_text(line);
			*(problem->warning ? out_warnings : &errors) += 1;
		}
	}
	return errors;
}

static int cmd_quadlet_lint(Invocation *inv)
{
	LintOptions opts = {0};
	g_autoptr(GError) error = NULL;
	if (!command_parse(inv, (void *[]){&opts}))
		return inv->status;
	g_auto(QuadletFiles) files = {0};
	quadlet_files_init(&files);
	if (!add_arguments(inv, &files, &error))
		return command_fail(error);
	/* Files may refer to others that are installed. */
	size_t n_units = files.set.units->len;
	quadlet_files_load(&files);
	if (command_n_args(inv) == 0)
		n_units = files.set.units->len;
	size_t warnings = 0;
	size_t errors = print_problems(&files, n_units, &warnings);
	return errors > 0 || (opts.strict && warnings > 0) ? 1 : 0;
}

const Command quadlet_lint_command = {
	.paths = (const char *const[]){"quadlet lint", NULL},
	.usage = "[options] [FILE|DIRECTORY...]",
	.summary = "Say what is wrong with quadlet files",
	.description = "Checks .container, .volume, .network, ... files, by default all that are "
		       "installed: keys, values, references to each other, and whether skiff has "
		       "the options that they need. Exits with 1 if one is wrong.",
	.examples = (const char *const[]){"skiff quadlet lint", "skiff quadlet lint web.container",
					  NULL},
	.max_args = -1,
	.groups = (const OptionGroup *const[]){&group, NULL},
	.arg = COMMAND_ARG_FILE,
	.more_args = COMMAND_ARG_FILE,
	.run = cmd_quadlet_lint,
};
