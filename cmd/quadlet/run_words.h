/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line that a container was made with, taken apart by the rows of `run` and `create`:
 * for who writes a unit that makes it again.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "cmd/option.h"

typedef struct {
	const Option *option; /* a row of run or create */
	char *value;          /* of a flag "true" or "false" */
} RunWord;

typedef struct {
	GPtrArray *globals; /* of owned words: --root and its like, as "--name=value" */
	GPtrArray *words;   /* of RunWord, in the order in which they were typed */
	char **args;        /* image (or root directory), command */
} RunCommand;

/**
 * run_command_parse() - take apart @line, the whole of it with the program
 * @error:	INVALID if it is no line of run or create; UNSUPPORTED if there is none: the
 *container was made by another program or verb
 */
bool run_command_parse(char *const *line, RunCommand *out, GError **error);

void run_command_clear(RunCommand *command);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(RunCommand, run_command_clear)

/** run_command_find() - the last value of an option, borrowed; NULL: it was not given. */
const char *run_command_find(const RunCommand *command, const char *name);

/** run_word_format() - "--name=value", "--name" or "--name=false". g_free() it. */
char *run_word_format(const RunWord *word);
