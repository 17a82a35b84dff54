/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Help: everything that is printed about the commands, from their rows.
 *
 * --help fits a terminal of 80 by 24; --help-all holds the rest. Man pages (scdoc), the JSON dump
 * for the lint, and completion read the same rows.
 */
#pragma once

#include <stdbool.h>

#include "cmd/command.h"

/** help_print_root() - `skiff --help`; @all: every command. */
void help_print_root(bool all);

/** help_print_group() - `skiff container --help`. */
void help_print_group(const char *group);

/** help_print_command() - `skiff run --help`, or with @all every option. @path: the words it was
 * called by. */
void help_print_command(const Command *command, const char *path, bool all);

/** help_command_text() - what help_print_command() prints. g_free() it. */
char *help_command_text(const Command *command, const char *path, bool all);

/** help_print_man() - the man page of a command as scdoc source; NULL: of the program. */
void help_print_man(const Command *command);

/** help_print_options_json() - all commands with all option rows, for the lint and for scripts. */
void help_print_options_json(void);
